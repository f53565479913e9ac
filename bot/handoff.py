"""Handing a conversation to a person and back: one table of states, one writer."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID, uuid4

from psycopg.errors import UniqueViolation

from bot.database import Connection, Row
from bot.ledger import HANDOFF, OUTGOING, notify
from bot.messages import StoredMessage
from bot.privacy import Seal

State = Literal["requested", "waiting", "held", "returned", "closed"]
Event = Literal["queued", "claimed", "returned", "closed", "released", "passed_on", "referred"]

# (state, event) → next state; anything else is refused.
TRANSITIONS: dict[tuple[State, Event], State] = {
    ("requested", "queued"): "waiting",
    ("waiting", "claimed"): "held",
    ("waiting", "closed"): "closed",
    ("held", "returned"): "returned",
    ("held", "closed"): "closed",
    ("held", "released"): "waiting",
    ("held", "passed_on"): "held",
    ("held", "referred"): "waiting",
}
OPEN: tuple[State, ...] = ("requested", "waiting", "held")
ON_DUTY = dt.timedelta(minutes=2)  # a guide seen this recently is on duty


class TransitionError(RuntimeError):
    """The event does not fit the state, or somebody else was first."""


@dataclass(frozen=True, slots=True)
class Handoff:
    """One stretch with a person."""

    id: UUID
    conversation_id: UUID
    municipality: str
    function: str
    state: State
    level: str
    language: str
    brief: dict[str, Any] | None
    requested_at: dt.datetime
    promised_at: dt.datetime | None
    guide_id: UUID | None
    guide_name: str | None
    channel: str


async def request(
    connection: Connection,
    seal: Seal,
    *,
    conversation: UUID,
    municipality: str,
    function: str,
    level: str,
    language: str,
    brief: dict[str, Any] | None,
    promised_at: dt.datetime | None,
) -> UUID | None:
    """Put a conversation in the queue; None when it is there already.

    `brief` is what the parent agreed to share, None for nothing.
    """
    handoff = uuid4()
    state = TRANSITIONS["requested", "queued"]
    try:
        async with connection.transaction():
            await connection.execute(
                "INSERT INTO handoffs (id, municipality, conversation_id, function, state, level, "
                "language, sealed_brief, promised_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                [
                    handoff,
                    municipality,
                    conversation,
                    function,
                    state,
                    level,
                    language,
                    seal.seal(brief) if brief is not None else None,
                    promised_at,
                ],
            )
    except UniqueViolation:
        return None
    await notify(connection, HANDOFF, municipality)
    return handoff


async def move(
    connection: Connection,
    handoff: Handoff,
    event: Event,
    guide: UUID | None = None,
    outcome: str | None = None,
    *,
    function: str | None = None,
) -> State:
    """Apply an event; of two at once, one wins. Raises TransitionError.

    `function` is the one a stretch is referred to.
    """
    target = TRANSITIONS.get((handoff.state, event))
    if target is None:
        raise TransitionError(f"{event} is not possible while {handoff.state}")
    holder = guide if target == "held" else handoff.guide_id
    cursor = await connection.execute(
        "UPDATE handoffs SET state = %s, guide_id = %s, outcome = %s, changed_at = now(), "
        "function = coalesce(%s, function) WHERE id = %s AND state = %s "
        "AND guide_id IS NOT DISTINCT FROM %s RETURNING municipality",
        [
            target,
            holder if target != "waiting" else None,
            outcome,
            function,
            handoff.id,
            handoff.state,
            handoff.guide_id,
        ],
    )
    if await cursor.fetchone() is None:
        raise TransitionError("somebody else was first")
    await notify(connection, HANDOFF, handoff.municipality)
    await notify(connection, OUTGOING, str(handoff.conversation_id))
    return target


_SELECT = (
    "SELECT h.*, g.name AS guide_name, c.channel FROM handoffs h "
    "JOIN conversations c ON c.id = h.conversation_id LEFT JOIN guides g ON g.id = h.guide_id "
)


async def open_for(connection: Connection, seal: Seal, conversation: UUID) -> Handoff | None:
    """The open handoff of a conversation, if any."""
    cursor = await connection.execute(
        _SELECT + "WHERE h.conversation_id = %s AND h.state = ANY(%s)", [conversation, list(OPEN)]
    )
    row = await cursor.fetchone()
    return _handoff(row, seal) if row else None


async def find(connection: Connection, seal: Seal, handoff: UUID, municipality: str) -> Handoff:
    """A handoff of this municipality. Raises KeyError."""
    cursor = await connection.execute(
        _SELECT + "WHERE h.id = %s AND h.municipality = %s", [handoff, municipality]
    )
    row = await cursor.fetchone()
    if row is None:
        raise KeyError(handoff)
    return _handoff(row, seal)


async def queue(connection: Connection, seal: Seal, municipality: str) -> list[Handoff]:
    """The municipality's handoffs: the gravest first, then the longest waiting, then closed."""
    cursor = await connection.execute(
        _SELECT + "WHERE h.municipality = %s AND (h.state = ANY(%s) "
        "OR h.changed_at > now() - interval '1 day') "
        "ORDER BY h.state IN ('returned', 'closed'), "
        "array_position(ARRAY['acute', 'coordinator', 'guide', 'information'], h.level), "
        "h.requested_at LIMIT 500",
        [municipality, list(OPEN)],
    )
    return [_handoff(row, seal) for row in await cursor.fetchall()]


async def is_on_duty(connection: Connection, municipality: str) -> bool:
    """Whether a guide of this municipality has the console open."""
    cursor = await connection.execute(
        "SELECT 1 FROM guide_sessions s JOIN guides g ON g.id = s.guide_id "
        "WHERE s.municipality = %s AND g.disabled_at IS NULL AND s.expires_at > now() "
        "AND s.seen_at > now() - %s AND NOT EXISTS (SELECT 1 FROM guide_desks d "
        "WHERE d.guide_id = g.id AND d.away_since IS NOT NULL) LIMIT 1",
        [municipality, ON_DUTY],
    )
    return await cursor.fetchone() is not None


def _handoff(row: Row, seal: Seal) -> Handoff:
    return Handoff(
        id=row["id"],
        conversation_id=row["conversation_id"],
        municipality=row["municipality"],
        function=row["function"],
        state=row["state"],
        level=row["level"],
        language=row["language"],
        brief=seal.open(row["sealed_brief"]),
        requested_at=row["requested_at"],
        promised_at=row["promised_at"],
        guide_id=row["guide_id"],
        guide_name=row["guide_name"],
        channel=row["channel"],
    )


async def add_consent(
    connection: Connection,
    message: StoredMessage,
    *,
    purpose: str,
    choice: str,
    version: str,
    text_hash: str,
) -> None:
    """Note what was shown and chosen; rows are added, never changed."""
    await connection.execute(
        "INSERT INTO consent_choices (municipality, conversation_id, purpose, choice, "
        "information_version, text_hash, language) VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [
            message.municipality,
            message.conversation_id,
            purpose,
            choice,
            version,
            text_hash,
            message.language,
        ],
    )
