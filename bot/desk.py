"""A guide's desk: how many conversations she takes, whether she is away, and her own notes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from bot.database import Connection
from bot.handoff import ON_DUTY
from bot.ledger import HANDOFF, notify
from bot.privacy import Seal

CAPACITY = 6  # open conversations, until the guide says another number


@dataclass(frozen=True, slots=True)
class Desk:
    """How much a guide holds and may hold."""

    held: int
    capacity: int
    is_away: bool

    @property
    def is_full(self) -> bool:
        return self.held >= self.capacity


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody a conversation can be handed to: signed in, seen lately, not away."""

    id: UUID
    name: str
    function: str
    held: int
    capacity: int


@dataclass(frozen=True, slots=True)
class Note:
    """A guide's own words beside a conversation."""

    id: int
    guide_id: UUID
    guide_name: str
    text: str
    written_at: dt.datetime


_DESK = (
    "SELECT g.id, g.name, g.function, coalesce(d.capacity, %s) AS capacity, "
    "d.away_since IS NOT NULL AS is_away, (SELECT count(*) FROM handoffs h "
    "WHERE h.guide_id = g.id AND h.state = 'held') AS held "
    "FROM guides g LEFT JOIN guide_desks d ON d.guide_id = g.id "
)


async def desk_of(connection: Connection, guide: UUID) -> Desk:
    """The desk of a guide. Raises KeyError for somebody unknown."""
    cursor = await connection.execute(_DESK + "WHERE g.id = %s", [CAPACITY, guide])
    row = await cursor.fetchone()
    if row is None:
        raise KeyError(guide)
    return Desk(int(row["held"]), int(row["capacity"]), bool(row["is_away"]))


async def set_desk(
    connection: Connection, municipality: str, guide: UUID, *, capacity: int, is_away: bool
) -> None:
    """Change how much a guide takes and whether she is away."""
    await connection.execute(
        "INSERT INTO guide_desks (guide_id, municipality, capacity, away_since) "
        "VALUES (%s, %s, %s, CASE WHEN %s THEN now() END) ON CONFLICT (guide_id) DO UPDATE "
        "SET capacity = excluded.capacity, away_since = CASE WHEN excluded.away_since IS NULL "
        "THEN NULL ELSE coalesce(guide_desks.away_since, excluded.away_since) END",
        [guide, municipality, capacity, is_away],
    )
    await notify(connection, HANDOFF, municipality)


async def colleagues_of(
    connection: Connection, municipality: str, guide: UUID
) -> Sequence[Colleague]:
    """Those a conversation can be handed to now, the least burdened first."""
    cursor = await connection.execute(
        _DESK + "WHERE g.municipality = %s AND g.id <> %s AND g.disabled_at IS NULL "
        "AND d.away_since IS NULL AND EXISTS (SELECT 1 FROM guide_sessions s "
        "WHERE s.guide_id = g.id AND s.expires_at > now() AND s.seen_at > now() - %s) "
        "ORDER BY held, g.name",
        [CAPACITY, municipality, guide, ON_DUTY],
    )
    return [
        Colleague(row["id"], row["name"], row["function"], int(row["held"]), int(row["capacity"]))
        for row in await cursor.fetchall()
    ]


async def add_note(
    connection: Connection,
    seal: Seal,
    *,
    municipality: str,
    conversation: UUID,
    guide: UUID,
    text: str,
) -> None:
    """Keep a note, sealed."""
    await connection.execute(
        "INSERT INTO guide_notes (municipality, conversation_id, guide_id, sealed_text) "
        "VALUES (%s, %s, %s, %s)",
        [municipality, conversation, guide, seal.seal(text)],
    )


async def remove_note(connection: Connection, note: int, guide: UUID) -> None:
    """Take away one of the guide's own notes."""
    await connection.execute(
        "DELETE FROM guide_notes WHERE id = %s AND guide_id = %s", [note, guide]
    )


async def notes_of(connection: Connection, seal: Seal, conversation: UUID) -> list[Note]:
    """All notes beside a conversation, oldest first; a copy for whoever asks for her data too."""
    cursor = await connection.execute(
        "SELECT n.*, g.name FROM guide_notes n JOIN guides g ON g.id = n.guide_id "
        "WHERE n.conversation_id = %s ORDER BY n.id",
        [conversation],
    )
    return [
        Note(
            row["id"],
            row["guide_id"],
            row["name"],
            seal.open(row["sealed_text"]),
            row["created_at"],
        )
        for row in await cursor.fetchall()
    ]
