"""The auditor's page, and the door that is opened only for a stated reason."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from bot import audit
from bot.audit import ACTS, Entry
from channels.access import REASONS, handoff_of_guide, open_unclaimed, reasons_given
from channels.accounts import HANDLES, REVISES, Guide, accounts_of
from channels.console import LANGUAGE
from channels.console_pages import check_form, framed, line, reader_with, writer_with
from channels.errors import DoorError
from channels.web import doors_of

SHOWN = 200  # rows
router = APIRouter(prefix="/console", tags=["access:guide"])
Auditor = Annotated[Guide, Depends(reader_with(REVISES))]
AuditorForm = Annotated[Guide, Depends(writer_with(REVISES))]
Handler = Annotated[Guide, Depends(reader_with(HANDLES))]
HandlerForm = Annotated[Guide, Depends(writer_with(HANDLES))]


@router.get("/revision", response_class=HTMLResponse)
async def audit_page(
    request: Request, guide: Auditor, act: str = "", who: str = "", saved: str = ""
) -> Response:
    """The log of the municipality: openings nobody has reviewed first, then the newest rows."""
    return await _audit_page(request, guide, act, who, is_saved=bool(saved))


@router.post("/revision/kontroll", response_class=HTMLResponse)
async def verify_form(request: Request, guide: AuditorForm) -> Response:
    """Count the chain through."""
    async with doors_of(request).ledger.transaction() as connection:
        verdict = await audit.verify(connection, guide.municipality)
    return await _audit_page(request, guide, "", "", verdict=verdict)


@router.post("/revision/{number}/granskad", response_class=HTMLResponse)
async def review_form(request: Request, number: int, guide: AuditorForm) -> Response:
    """Note that an opening was reviewed."""
    async with doors_of(request).ledger.transaction() as connection:
        waiting = await audit.unreviewed(connection, guide.municipality)
        if number in {one.number for one in waiting}:
            await audit.write(connection, guide, "audit_reviewed", f"audit:{number}")
    return RedirectResponse("/console/revision?saved=1", 303)


async def _audit_page(
    request: Request,
    guide: Guide,
    act: str,
    who: str,
    *,
    verdict: audit.Verdict | None = None,
    is_saved: bool = False,
) -> Response:
    doors = doors_of(request)
    async with doors.ledger.transaction() as connection:
        people = await accounts_of(connection, guide.municipality)
        waiting = await audit.unreviewed(connection, guide.municipality)
        actor = next((one.id for one in people if str(one.id) == who), None)
        rows = await audit.newest(
            connection,
            guide.municipality,
            act=act if act in ACTS else None,
            actor=actor,
            limit=SHOWN,
        )
    names = {one.id: one.name for one in people}
    numbers = [one.number for one in (*waiting, *rows) if one.act == "break_glass"]
    notes = await reasons_given(doors.ledger, guide, numbers)
    context = {
        "waiting": [_told(one, names, notes) for one in waiting],
        "rows": [_told(one, names, notes) for one in rows],
        "acts": ACTS,
        "people": people,
        "act": act,
        "who": who,
        "verdict": verdict,
        "is_saved": is_saved,
        "path": "/console/revision",
    }
    return framed(request, guide, "audit.html", context)


def _told(one: Entry, names: dict[UUID, str], notes: dict[int, str]) -> dict[str, Any]:
    return {
        "number": one.number,
        "at": one.at,
        "who": names.get(one.actor, "") if one.actor else "",
        "function": one.function,
        "act": one.act,
        "subject": one.subject,
        "detail": one.detail,
        "note": notes.get(one.number, ""),
    }


# --- opening a conversation without taking it over


@router.get("/samtal/{handoff_id}/oppna", response_class=HTMLResponse)
async def reason_page(request: Request, handoff_id: UUID, guide: Handler) -> Response:
    """Ask why."""
    return await _reason_page(request, guide, handoff_id, None)


@router.post("/samtal/{handoff_id}/oppna", response_class=HTMLResponse)
async def open_form(request: Request, handoff_id: UUID, guide: HandlerForm) -> Response:
    """Show it this once. The reason is logged, and the parent can see that it was read."""
    form, doors = await check_form(request), doors_of(request)
    try:
        found = await handoff_of_guide(doors.ledger, handoff_id, guide)
        reason, note = line(form, "reason"), line(form, "note", 300)
        said = await open_unclaimed(doors.ledger, found, guide, reason, note)
    except KeyError as error:
        raise DoorError("unknown_conversation") from error
    except ValueError:
        words = doors.content.raw(LANGUAGE, "console_opening_missing")
        return await _reason_page(request, guide, handoff_id, words)
    context = {
        "handoff": found,
        "brief": doors.replies.briefs.for_person(found.brief),
        "messages": [doors.as_json(message) | {"at": message.sent_at} for message in said],
    }
    return framed(request, guide, "opened.html", context)


async def _reason_page(
    request: Request, guide: Guide, handoff_id: UUID, error: str | None
) -> Response:
    try:
        found = await handoff_of_guide(doors_of(request).ledger, handoff_id, guide)
    except KeyError as failure:
        raise DoorError("unknown_conversation") from failure
    context = {"handoff": found, "reasons": REASONS, "error": error}
    return framed(request, guide, "opening.html", context, 422 if error else 200)
