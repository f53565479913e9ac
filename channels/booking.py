"""The calendar file of a booked time; its address is the only key, and opens nothing else."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from bot import call_backs
from bot.calendar import LOCAL
from bot.tools import reminder
from bot.tools.basis import Basis
from channels.errors import DoorError
from channels.web import DATABASE_ERRORS, doors_of

router = APIRouter()


@router.get("/tid/{ticket}", tags=["access:public"])
async def calendar_file(request: Request, ticket: str) -> Response:
    """A neutral entry for the parent's own calendar: the time, and nothing of what it is about."""
    doors = doors_of(request)
    try:
        async with doors.ledger.transaction() as connection:
            booked = await call_backs.by_ticket(connection, ticket)
        conversation = await doors.ledger.conversation(booked.conversation_id)
    except KeyError as error:
        raise DoorError("unknown_page") from error
    except DATABASE_ERRORS as error:
        raise DoorError("unavailable") from error
    municipality = doors.catalogue.municipalities[booked.municipality]
    basis = Basis(conversation, municipality, doors.catalogue, doors.content, conversation.language)
    starts_at = booked.starts_at.astimezone(LOCAL)
    values: dict[str, Any] = dict.fromkeys(("name", "place", "who", "why"), "")
    entry = reminder.Reminder(
        target=str(booked.id),
        day=starts_at.date(),
        time=starts_at.time(),
        minutes=booked.minutes,
        prepare=(),
        **values,
    )
    headers = {"Content-Disposition": 'attachment; filename="kalender.ics"'}
    content = reminder.as_ics(basis, entry, is_bare=True)
    return Response(content, media_type="text/calendar; charset=utf-8", headers=headers)
