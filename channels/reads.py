"""Who has read the parent's conversation, as she sees it: by function, never by name."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request

from bot import audit
from bot.audit import Entry
from bot.calendar import LOCAL
from bot.database import Connection
from bot.ledger import Conversation
from channels.doors import Doors
from channels.web import conversation_for, doors_of

router = APIRouter(tags=["access:parent"])


@router.get("/api/conversations/{conversation_id}/reads")
async def read_reads(request: Request, conversation_id: UUID) -> dict[str, Any]:
    """Who has read the parent's conversation: which function, when, and with what reason."""
    doors = doors_of(request)
    conversation = await conversation_for(request, conversation_id)
    async with doors.ledger.transaction() as connection:
        found = await audit.reads(connection, conversation.municipality, conversation.id)
    content, language = doors.content, conversation.language
    return {
        "reads": [
            {
                "at": one.at.isoformat(),
                "when": content.when(language, one.at),
                "function": content.raw(language, f"reads_function_{one.function}"),
                "how": content.raw(language, f"reads_{one.act}"),
                "reason": _reason(doors, one, language),
            }
            for one in found
        ]
    }


async def by_day(
    doors: Doors, connection: Connection, conversation: Conversation, language: str
) -> list[dict[str, Any]]:
    """The reads in words, newest first; what was done often on a day is one row, its last time."""
    last: dict[tuple[dt.date, str, str, str | None], dt.datetime] = {}
    for one in await audit.reads(connection, conversation.municipality, conversation.id):
        day, reason = one.at.astimezone(LOCAL).date(), _reason(doors, one, language)
        last[day, one.function, one.act, reason] = one.at
    content = doors.content
    return [
        {
            "function": content.raw(language, f"reads_function_{function}"),
            "how": content.raw(language, f"reads_{act}"),
            "when": content.when(language, at),
            "reason": reason,
        }
        for (_, function, act, reason), at in sorted(last.items(), key=lambda row: row[1])[::-1]
    ]


def _reason(doors: Doors, one: Entry, language: str) -> str | None:
    if "reason" not in one.detail:
        return None
    return doors.content.raw(language, f"reads_reason_{one.detail['reason']}")
