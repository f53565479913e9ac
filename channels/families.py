"""Families followed over time: the coordinator's pages, and the family's own view of all of it."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, get_args
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup
from pydantic import ValidationError
from starlette.datastructures import FormData

from bot import audit, consent, families
from bot.calendar import LOCAL
from bot.content import Content
from bot.database import Connection
from bot.families import Content as FamilyContent
from bot.families import Ending, Family, FamilyError, Task
from bot.ledger import OUTGOING, Conversation, notify
from bot.tools import contact_map, contacts
from bot.tools.basis import Basis, basis_of
from channels.access import Guide, conversation_of_parent
from channels.accounts import HANDLES
from channels.console import LANGUAGE
from channels.doors import Doors
from channels.editing_pages import Reader, Writer, form_token
from channels.errors import DoorError, language_of
from channels.tools import Edit
from channels.web import DATABASE_ERRORS, Authorization, doors_of, templates

COORDINATOR = "coordinator"  # who follows the family, as a receiver of its yes
BLANK_ROWS = 3  # to add a task
ENDINGS: tuple[Ending, ...] = get_args(Ending)
Shown = dict[str, Any]

router = APIRouter()


def _handler(guide: Reader) -> Guide:
    """Whoever talks with parents; editing the catalogue opens no family."""
    if not guide.may(HANDLES):
        raise DoorError("wrong_role")
    return guide


Handler = Annotated[Guide, Depends(_handler)]


# --- The coordinator's pages ---


@router.get("/console/familjer", response_class=HTMLResponse, tags=["access:guide"])
async def list_page(request: Request, guide: Handler) -> Response:
    """The families this coordinator follows."""
    found = await _families(doors_of(request), guide)
    context = {"families": found, "today": _today()}
    return _page(request, guide, "families.html", context)


@router.get("/console/familjer/{family_id}", response_class=HTMLResponse, tags=["access:guide"])
async def family_page(
    request: Request, family_id: UUID, guide: Handler, saved: bool = False
) -> Response:
    """One family: what was agreed, its own contact map, who does what."""
    doors = doors_of(request)
    family = await _own(doors, guide, family_id)
    async with doors.ledger.transaction() as connection:
        await _log(connection, guide, family, "conversation_read", part="family")
    return await _family_page(request, guide, family, is_saved=saved)


@router.post("/console/familjer/{family_id}", response_class=HTMLResponse, tags=["access:guide"])
async def save_family(request: Request, family_id: UUID, guide: Writer) -> Response:
    """Keep tasks, note and the next contact."""
    doors = doors_of(request)
    family = await _own(doors, guide, family_id)
    form = await request.form()
    if family.content is None or str(form.get("version")) != str(family.version):
        raise DoorError("family_changed")
    try:
        content, next_contact = _written(form, family.content)
    except (ValidationError, ValueError):
        return await _family_page(request, guide, family, is_refused=True)
    try:
        async with doors.ledger.transaction() as connection:
            await families.write(connection, doors.ledger.seal, family, content, next_contact)
            await notify(connection, OUTGOING, str(family.conversation_id))
            await _log(connection, guide, family, "note_written", part="family")
    except FamilyError as error:
        raise DoorError("family_changed") from error
    return RedirectResponse(f"/console/familjer/{family_id}?saved=true", 303)


@router.post("/console/familjer/{family_id}/end", tags=["access:guide"])
async def end_family(request: Request, family_id: UUID, guide: Writer) -> Response:
    """The right actors have taken over: everything that was kept is erased."""
    doors = doors_of(request)
    family = await _own(doors, guide, family_id)
    if (await request.form()).get("sure") != "taken_over":
        raise DoorError("bad_request")
    async with doors.ledger.transaction() as connection:
        await families.end(connection, family.id, "taken_over")
        await _log(connection, guide, family, "agreement_changed", state="ended")
    return RedirectResponse("/console/familjer", 303)


async def _log(
    connection: Connection, guide: Guide, family: Family, act: audit.Act, **detail: str
) -> None:
    subject = audit.conversation(family.conversation_id)
    await audit.write(connection, guide, act, subject, **detail)


async def _families(doors: Doors, guide: Guide) -> list[Family]:
    async with doors.ledger.transaction() as connection:
        return await families.of_guide(connection, doors.ledger.seal, guide.municipality, guide.id)


async def _own(doors: Doors, guide: Guide, family_id: UUID) -> Family:
    """A family this guide follows. Raises DoorError for any other."""
    found = next((one for one in await _families(doors, guide) if one.id == family_id), None)
    if found is None:
        raise DoorError("unknown_conversation")
    return found


async def _family_page(
    request: Request,
    guide: Guide,
    family: Family,
    *,
    is_saved: bool = False,
    is_refused: bool = False,
) -> Response:
    doors = doors_of(request)
    context: Shown = {
        "family": family,
        "today": _today(),
        "token": form_token(request),
        "is_saved": is_saved,
        "is_refused": is_refused,
        "blank_rows": BLANK_ROWS,
    }
    if family.state == "agreed":
        context |= await _map(doors, family)
    page = _page(request, guide, "family.html", context)
    page.status_code = 422 if is_refused else 200
    return page


async def _map(doors: Doors, family: Family) -> Shown:
    """The family's contact map, which the agreement opens to the coordinator."""
    conversation = await doors.ledger.conversation(family.conversation_id)
    basis = await basis_of(doors.ledger, conversation, doors.catalogue, doors.content, LANGUAGE)
    return {
        "picture": contact_map.draw(basis),
        "middle": contact_map.MIDDLE,
        "summary": contacts.summary(basis),
        "tools": basis.content.chrome(LANGUAGE, "tools_"),
    }


def _written(form: FormData, before: FamilyContent) -> tuple[FamilyContent, dt.date | None]:
    """What the form holds. Raises ValueError for a task with only one of who and what."""
    tasks = []
    for row in range(len(before.tasks) + BLANK_ROWS):
        who, what = (str(form.get(f"{name}.{row}", "")).strip() for name in ("who", "what"))
        if not who and not what:
            continue
        if not (who and what):
            raise ValueError("a task needs who and what")
        is_done = f"done.{row}" in form
        tasks.append(Task(who=who, what=what, by=_day(form, f"by.{row}"), is_done=is_done))
    note = str(form.get("note", ""))
    content = FamilyContent(agreement=before.agreement, tasks=tasks, note=note)
    return content, _day(form, "next_contact")


def _day(form: FormData, name: str) -> dt.date | None:
    text = str(form.get(name, "")).strip()
    return dt.date.fromisoformat(text) if text else None


def _page(request: Request, guide: Guide, name: str, context: Shown) -> Response:
    doors = doors_of(request)
    shared = {
        "t": doors.content.chrome(LANGUAGE, "console_"),
        "lang": LANGUAGE,
        "dir": "ltr",
        "guide": guide,
        "municipality": doors.catalogue.municipalities[guide.municipality],
    }
    return templates.TemplateResponse(request, name, {**shared, **context})


def _today() -> dt.date:
    return dt.datetime.now(LOCAL).date()


# --- The family's own view ---


@router.get(
    "/api/conversations/{conversation_id}/tools/family",
    response_class=HTMLResponse,
    tags=["access:parent"],
)
async def show_to_family(
    request: Request, conversation_id: UUID, authorization: Authorization = None
) -> Response:
    """Everything the coordinator keeps of the family, shown to the family."""
    conversation = await _conversation(request, conversation_id, authorization)
    return await _shown(request, conversation)


@router.put(
    "/api/conversations/{conversation_id}/tools/family",
    response_class=HTMLResponse,
    tags=["access:parent"],
)
async def answer_of_family(
    request: Request, conversation_id: UUID, edit: Edit, authorization: Authorization = None
) -> Response:
    """The family says yes or no to the proposal, or ends the coordination."""
    conversation = await _conversation(request, conversation_id, authorization)
    doors = doors_of(request)
    answer = edit.fields.get("answer", [""])[0]
    version = edit.fields.get("version", [""])[0]
    async with doors.ledger.transaction() as connection:
        family = await families.of_conversation(connection, doors.ledger.seal, conversation.id)
        if family is None or answer not in ("yes", "no", "end"):
            raise DoorError("bad_request")
        before = family.state
        if answer == "no" and before == "proposed":
            await families.end(connection, family.id, "refused")
        elif answer == "end":
            await families.end(connection, family.id, "family")
        elif answer == "yes" and version == str(family.version):
            await _agree(doors, connection, family)
        else:
            raise DoorError("family_changed")
        if before != "ended":
            language = language_of(request, doors.content)
            await _note(doors, connection, conversation, family, answer, language)
    return await _shown(request, conversation)


async def _agree(doors: Doors, connection: Any, family: Family) -> None:
    try:
        await families.agree(connection, family)
    except FamilyError as error:
        raise DoorError("family_changed") from error


async def _note(
    doors: Doors,
    connection: Connection,
    conversation: Conversation,
    family: Family,
    answer: str,
    language: str,
) -> None:
    """Keep the family's answer among its other choices, with the words that stood on the page."""
    choice: consent.Answer = "yes" if answer == "yes" else "no" if answer == "no" else "revoked"
    page = templates.get_template("tools_family.html").render(
        _family_context(doors, conversation, family, language)
    )
    await consent.add(
        connection,
        municipality=conversation.municipality,
        conversation=conversation.id,
        purpose="follow_up",
        receiver=COORDINATOR,
        answer=choice,
        words=" ".join(Markup(page).striptags().split()),
        language=language,
    )


async def _conversation(
    request: Request, conversation_id: UUID, authorization: str | None
) -> Conversation:
    try:
        return await conversation_of_parent(
            doors_of(request).ledger, conversation_id, authorization
        )
    except KeyError as error:
        raise DoorError("unknown_conversation") from error
    except DATABASE_ERRORS as error:
        raise DoorError("unavailable") from error


async def _shown(request: Request, conversation: Conversation) -> Response:
    doors = doors_of(request)
    language = language_of(request, doors.content)
    async with doors.ledger.transaction() as connection:
        family = await families.of_conversation(connection, doors.ledger.seal, conversation.id)
    context = _family_context(doors, conversation, family, language)
    return HTMLResponse(templates.get_template("tools_family.html").render(context))


def _family_context(
    doors: Doors, conversation: Conversation, family: Family | None, language: str
) -> Shown:
    return {
        "t": doors.content.chrome(language, "tools_"),
        "lang": language,
        "family": family,
        "days": _days(doors.content, language, conversation, doors, family) if family else {},
    }


def _days(
    content: Content, language: str, conversation: Conversation, doors: Doors, family: Family
) -> dict[str, str]:
    """Every date of the family in words of the page's language, by its ISO form."""
    municipality = doors.catalogue.municipalities[conversation.municipality]
    basis = Basis(conversation, municipality, doors.catalogue, content, language)
    days = [family.until, family.next_contact]
    days += [task.by for task in family.content.tasks] if family.content else []
    return {day.isoformat(): basis.day(day) for day in days if day}
