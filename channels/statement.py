"""The accessibility statement of a municipality's chat, and the reports that come of it.

Statement and report form: 10 to 13 §§ of the act (2018:1937) on accessibility of digital public
service; the headings are those of the model that Digg publishes.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from bot import barriers
from bot.barriers import TooManyReportsError
from bot.privacy import mask
from channels.access import Guide
from channels.console_pages import framed, reader_with, writer_with
from channels.errors import STATUS, DoorError, language_of
from channels.menu import REMOVES_BARRIERS
from channels.web import ALWAYS_SHOWN, DATABASE_ERRORS, doors_of, page

REVIEWED_ON = dt.date(2026, 11, 23)  # when the statement was last gone through
TESTED_WHOLE_ON = dt.date(2026, 11, 23)  # when `make browser-matrix` last found no fault
LONGEST_REPORT = 4000
LONGEST_CONTACT = 200

router = APIRouter()


@router.get("/tillganglighet/{municipality}", response_class=HTMLResponse, tags=["access:public"])
async def statement_page(request: Request, municipality: str) -> Response:
    """How accessible the chat is, what is known not to be, and a form to report more."""
    return _statement(request, municipality)


@router.post("/tillganglighet/{municipality}", response_class=HTMLResponse, tags=["access:public"])
async def report_barrier(
    request: Request,
    municipality: str,
    report: Annotated[UUID, Form()],
    text: Annotated[str, Form()] = "",
    contact: Annotated[str, Form()] = "",
) -> Response:
    """Keep a report. It is masked as a message is, apart from the contact given for an answer."""
    doors = doors_of(request)
    said = text.replace("\x00", "").strip()
    if not said:
        return _statement(request, municipality, trouble="empty", draft=(text, contact))
    if municipality not in doors.catalogue.municipalities:
        raise DoorError("unknown_municipality")
    masked = mask(said[:LONGEST_REPORT]).text
    try:
        async with doors.ledger.transaction() as connection:
            reach = contact.replace("\x00", "").strip()[:LONGEST_CONTACT]
            await barriers.add(connection, doors.ledger.seal, report, municipality, masked, reach)
    except TooManyReportsError:
        return _statement(request, municipality, trouble="busy", draft=(text, contact))
    except DATABASE_ERRORS:
        return _statement(request, municipality, trouble="unavailable", draft=(text, contact))
    return _statement(request, municipality, is_kept=True)


def _statement(
    request: Request,
    municipality: str,
    *,
    trouble: str | None = None,
    draft: tuple[str, str] = ("", ""),
    is_kept: bool = False,
) -> Response:
    doors = doors_of(request)
    language = language_of(request, doors.content)
    found = doors.catalogue.municipalities.get(municipality)
    if found is None:
        raise DoorError("unknown_municipality")
    content = doors.content
    centre = doors.catalogue.services[found.contact_centre]
    words = trouble and " ".join(
        content.raw(language, f"error_{trouble}{part}") for part in ("", "_hint")
    )
    context = {
        "municipality": found,
        "acute_numbers": doors.replies.numbers(ALWAYS_SHOWN, found, language, len(ALWAYS_SHOWN)),
        "s": content.chrome(language, "access_"),
        "centre": centre,
        "day": content.day(language, REVIEWED_ON),
        "tested_whole": content.day(language, TESTED_WHOLE_ON),
        "report": uuid4(),
        "trouble": words,
        "draft": draft,
        "is_kept": is_kept,
    }
    response = page(request, "statement.html", language, context)
    response.status_code = STATUS[trouble] if trouble else 200
    return response


@router.get("/console/barriers", response_class=HTMLResponse, tags=["access:guide"])
async def reports_page(
    request: Request, guide: Annotated[Guide, Depends(reader_with(REMOVES_BARRIERS))]
) -> Response:
    """The reports of the guide's municipality that nobody has handled."""
    doors = doors_of(request)
    async with doors.ledger.transaction() as connection:
        found = await barriers.waiting(connection, doors.ledger.seal, guide.municipality)
    return framed(request, guide, "barriers.html", {"reports": found})


@router.post("/console/barriers/{report}", tags=["access:guide"])
async def handle_report(
    request: Request, report: UUID, guide: Annotated[Guide, Depends(writer_with(REMOVES_BARRIERS))]
) -> Response:
    """Mark a report as handled."""
    async with doors_of(request).ledger.transaction() as connection:
        await barriers.handle(connection, guide.municipality, report, guide.id)
    return RedirectResponse("/console/barriers", 303)
