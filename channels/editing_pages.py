"""The editor's pages: the list of entries and a form for one, also without JavaScript."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections.abc import Mapping
from typing import Annotated, Any, get_args
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError
from starlette.datastructures import FormData

from bot import edits
from bot.calendar import LOCAL
from bot.edits import Change
from channels.access import AccessError, Guide, guide_of_session
from channels.accounts import EDITS
from channels.console import COOKIE, LANGUAGE
from channels.doors import Doors
from channels.editing import Changes, hide, labels, mark_wrong, opened, save
from channels.errors import STATUS, DoorError
from channels.menu import pages_of
from channels.web import doors_of, templates
from knowledge.catalogue import Status, Weekday

BLANK_ROWS = 2  # to add a phone number or a time
PURPOSE = b"catalogue"
WRITTEN = ("sv", "en")
TEXTS = ("alert", "summary", "how_to_get", "what_happens_next", "say_this")
LINES = ("name", "status", "url", "verified_on", "review_due")
router = APIRouter(prefix="/console/catalogue", tags=["access:guide"])
Shown = dict[str, Any]


class SignedOutError(Exception):
    """Nobody is signed in; the page leads to where one signs in."""


async def reader(request: Request) -> Guide:
    """The guide of the session cookie."""
    try:
        guide = await guide_of_session(doors_of(request).ledger, request.cookies.get(COOKIE))
    except AccessError as error:
        raise SignedOutError from error
    if not guide.may(EDITS):
        raise DoorError("wrong_role")
    return guide


async def writer(request: Request) -> Guide:
    """The guide of the session cookie, when the form came from one of her own pages."""
    guide = await reader(request)
    form = await request.form()
    if not hmac.compare_digest(str(form.get("token", "")), form_token(request)):
        raise DoorError("not_allowed")
    return guide


def form_token(request: Request) -> str:
    """What a form carries to prove that a page of this session made it."""
    session = request.cookies.get(COOKIE, "").encode()
    return hmac.new(session, PURPOSE, hashlib.sha256).hexdigest()


def to_login(request: Request, error: Exception) -> Response:
    """A page without a session leads to the sign-in page."""
    return RedirectResponse("/console/login", 303)


Reader = Annotated[Guide, Depends(reader)]
Writer = Annotated[Guide, Depends(writer)]


@router.get("", response_class=HTMLResponse)
async def list_page(request: Request, guide: Reader) -> Response:
    """The entries of the guide's municipality."""
    doors = doors_of(request)
    async with doors.ledger.transaction() as connection:
        found = await edits.entries_of(connection, doors.shipped, guide.municipality)
    context = {"entries": found, "today": dt.datetime.now(LOCAL).date()}
    return _page(request, guide, "catalogue.html", context)


@router.get("/{service_id}", response_class=HTMLResponse)
async def entry_page(request: Request, service_id: str, guide: Reader, saved: str = "") -> Response:
    """One entry: form and history."""
    return await _entry_page(request, guide, service_id, saved=saved)


@router.post("/{service_id}", response_class=HTMLResponse)
async def save_form(request: Request, service_id: str, guide: Writer) -> Response:
    """Save the form; what is refused is shown with the reason."""
    doors = doors_of(request)
    one, _ = await opened(doors, guide, service_id)
    sent: Shown = {}
    try:
        sent = _sent(await request.form(), one.service.model_dump(mode="json"))
        is_changed = await save(doors, guide, service_id, Changes.model_validate(sent))
    except ValidationError:
        return await _entry_page(request, guide, service_id, DoorError("bad_request"), sent)
    except DoorError as error:
        return await _entry_page(request, guide, service_id, error, sent)
    return _again(request, service_id, "changes" if is_changed else "nothing")


@router.post("/{service_id}/wrong", response_class=HTMLResponse)
async def wrong_form(request: Request, service_id: str, guide: Writer) -> Response:
    """Mark the entry as wrong."""
    note = str((await request.form()).get("note", ""))
    await mark_wrong(doors_of(request), guide, service_id, note)
    return _again(request, service_id, "changes")


@router.post("/{service_id}/hide", response_class=HTMLResponse)
async def hide_form(request: Request, service_id: str, guide: Writer) -> Response:
    """Hide the entry."""
    note = str((await request.form()).get("note", ""))
    try:
        await hide(doors_of(request), guide, service_id, note)
    except DoorError as error:
        return await _entry_page(request, guide, service_id, error)
    return _again(request, service_id, "changes")


def _again(request: Request, service_id: str, saved: str) -> Response:
    query = {
        "saved": saved,
        **({"samtal": came_from} if (came_from := _came_from(request)) else {}),
    }
    return RedirectResponse(f"/console/catalogue/{service_id}?{urlencode(query)}", 303)


def _came_from(request: Request) -> str | None:
    """The conversation the guide came from, to lead back to it; nothing else is led to."""
    try:
        return str(UUID(request.query_params.get("samtal", "")))
    except ValueError:
        return None


async def _entry_page(
    request: Request,
    guide: Guide,
    service_id: str,
    error: DoorError | None = None,
    sent: Shown | None = None,
    saved: str = "",
) -> Response:
    doors = doors_of(request)
    one, changes = await opened(doors, guide, service_id)
    fields = {**one.service.model_dump(mode="json"), **(sent or {})}
    context = {
        "entry": one,
        "fields": fields,
        "version": fields.get("based_on", one.version),
        "note": fields.get("note", ""),
        "token": form_token(request),
        "samtal": _came_from(request),
        "saved": saved,
        "error": error and _worded(doors, error),
        "statuses": get_args(Status),
        "weekdays": get_args(Weekday),
        "phones": [*fields["phones"], *({} for _ in range(BLANK_ROWS))],
        "schedules": [*fields["schedules"], *({} for _ in range(BLANK_ROWS))],
        "texts": [name for name in TEXTS if name != "alert"],
        "written": WRITTEN,
        "history": [_told(doors, change) for change in changes],
    }
    page = _page(request, guide, "entry.html", context)
    page.status_code = STATUS[error.code] if error else 200
    return page


def _page(request: Request, guide: Guide, name: str, context: Shown) -> Response:
    doors = doors_of(request)
    shared = {
        "t": doors.content.chrome(LANGUAGE, "console_"),
        "lang": LANGUAGE,
        "dir": "ltr",
        "guide": guide,
        "municipality": doors.catalogue.municipalities[guide.municipality],
        "pages": pages_of(guide),
    }
    return templates.TemplateResponse(request, name, {**shared, **context})


def _worded(doors: Doors, error: DoorError) -> dict[str, str]:
    return {
        "message": doors.content.text(LANGUAGE, f"error_{error.code}", **error.values),
        "hint": doors.content.raw(LANGUAGE, f"error_{error.code}_hint"),
    }


def _told(doors: Doors, change: Change) -> Shown:
    is_whole = change.entry is None or change.before is None
    return {
        "when": change.changed_at.astimezone(LOCAL).strftime("%Y-%m-%d %H:%M"),
        "who": change.changed_by,
        "note": change.note,
        "is_hidden": change.entry is None,
        "is_shown": change.before is None,
        "differences": []
        if is_whole
        else [
            (labels(doors, (name,))[0], *(_plain(doors, name, value) for value in values))
            for name, *values in change.differences()
        ],
    }


def _plain(doors: Doors, name: str, value: Any) -> str:
    """A field of an entry as a reader knows it."""
    words = doors.content.chrome(LANGUAGE, "console_")
    if not value:
        return words["console_entry_nothing"]
    if name == "status":
        return words[f"console_status_{value}"]
    if name == "phones":
        return "\n".join(", ".join(_phone(row)) for row in value)
    if name == "schedules":
        return "\n".join(_opening(row, words) for row in value)
    if isinstance(value, Mapping):
        return "\n".join(f"{code}: {text}" for code, text in _swedish_first(value))
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value)


def _phone(row: Shown) -> list[str]:
    texts = [*_swedish_first(row["label"]), *_swedish_first(row["hours"])]
    return [row["number"], *(text for _, text in texts)]


def _swedish_first(texts: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted(texts.items(), key=lambda pair: pair[0] != LANGUAGE)


def _opening(row: Shown, words: Mapping[str, str]) -> str:
    days = " ".join(words[f"console_day_{day}"] for day in row["byday"])
    return f"{days} {row['opens_at'][:5]}–{row['closes_at'][:5]}".strip()


# --- the form as fields of an entry


def _sent(form: FormData, before: Shown) -> Shown:
    """What the form holds, in the shape of `Changes`; untouched texts stay as they were."""
    sent: Shown = {name: _written(form, name, before[name]) for name in LINES if name in form}
    sent["url"] = sent.get("url") or None
    for name in TEXTS:
        known = before[name] or {}
        sent[name] = {
            code: _written(form, f"{name}.{code}", known.get(code, "")) for code in WRITTEN
        }
    said = _written(form, "parent_says", "").split("\n")
    sent["parent_says"] = [line.strip() for line in said if line.strip()]
    sent["phones"] = _phones(form, before["phones"])
    sent["schedules"] = _schedules(form, before["schedules"])
    sent["note"] = _written(form, "note", "")
    sent["based_on"] = _written(form, "based_on", "") or None
    return sent


def _written(form: FormData, name: str, before: str | None) -> str:
    text = str(form.get(name, "")).replace("\r\n", "\n").strip()
    return before if before is not None and before.strip() == text else text


def _phones(form: FormData, before: list[Shown]) -> list[Shown]:
    phones = []
    for row in range(len(before) + BLANK_ROWS):
        known = before[row] if row < len(before) else {"label": {}, "hours": {}}
        number = _written(form, f"phones.{row}.number", known.get("number"))
        if not number:
            continue
        texts = {part: _texts(form, f"phones.{row}.{part}", known[part]) for part in _PHONE_TEXTS}
        phones.append({**known, "number": number, **texts})
    return phones


def _texts(form: FormData, name: str, before: Mapping[str, str]) -> dict[str, str]:
    texts = {code: _written(form, f"{name}.{code}", before.get(code, "")) for code in WRITTEN}
    return {code: text for code, text in {**before, **texts}.items() if text}


def _schedules(form: FormData, before: list[Shown]) -> list[Shown]:
    schedules = []
    for row in range(len(before) + BLANK_ROWS):
        name = f"schedules.{row}"
        days = [str(day) for day in form.getlist(f"{name}.byday")]
        opens, closes = (_written(form, f"{name}.{end}", "") for end in _ENDS)
        if not (days or opens or closes):
            continue
        known = before[row] if row < len(before) else {}
        times = {
            end: known[end] if known.get(end, "")[:5] == time[:5] else time
            for end, time in zip(_ENDS, (opens, closes), strict=True)
        }
        schedules.append({**known, "byday": days, **times})
    return schedules


_PHONE_TEXTS = ("label", "hours")
_ENDS = ("opens_at", "closes_at")
