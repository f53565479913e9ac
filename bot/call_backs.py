"""Times with a person: those a parent books, and the meetings a guide agrees on with her.

Owns the tables `call_backs` and `call_back_numbers`. The number to call is sealed, lies apart from
the conversation and is removed when the call is over; so is the reminder's.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID, uuid4

from bot import handoff
from bot.addresses import forget_addresses
from bot.calendar import LOCAL, open_spans
from bot.database import Connection, Row
from bot.handoff import Event
from bot.ledger import Ledger
from bot.privacy import Seal
from knowledge.catalogue import Municipality

How = Literal["phone", "chat", "visit", "video"]
MEETINGS: tuple[How, ...] = ("visit", "video")  # agreed on with a guide, who is away from the desk
NOTED = dt.timedelta(days=1)  # after a meeting, for the guide to say how it went
HORIZON = 21  # days looked ahead for free times
UNUSED = dt.timedelta(hours=1)  # a number that led to no booking is removed after that
GIVEN_NUMBER = "book:number"  # what a message with the number is, to the booking
_NUMBER = re.compile(r"(?:\+|00)?\d(?:[\s().\-–/]{0,3}\d){6,14}")


class SlotTakenError(RuntimeError):
    """The time is not free, or not one of the bookable ones."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A bookable time, in local time."""

    starts_at: dt.datetime
    ends_at: dt.datetime

    def overlaps(self, other: Slot) -> bool:
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


@dataclass(frozen=True, slots=True)
class CallBack:
    """A booked time."""

    id: UUID
    municipality: str
    conversation_id: UUID
    function: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    how: How
    ticket: str
    state: str
    guide_id: UUID | None = None
    interpreter: str | None = None  # the language of one

    @property
    def minutes(self) -> int:
        return int((self.ends_at - self.starts_at).total_seconds() // 60)


def bookable(
    municipality: Municipality,
    function: str,
    now: dt.datetime,
    taken: Sequence[Slot] = (),
) -> list[Slot]:
    """The free times of a function, earliest first; none where no times can be booked.

    Times lie within its opening hours, begin after the lead time, and hold as many parents as
    its capacity says. `taken` are the booked times, also those that only overlap.
    """
    found = next((f for name, f in municipality.functions.items() if name == function), None)
    if found is None or not found.exists or found.call_backs is None:
        return []
    rules, first_day = found.call_backs, now.astimezone(LOCAL).date()
    length, earliest = (
        dt.timedelta(minutes=rules.minutes),
        now + dt.timedelta(minutes=rules.lead_minutes),
    )
    slots: list[Slot] = []
    days = 0
    for ahead in range(HORIZON):
        day = first_day + dt.timedelta(days=ahead)
        on_day = [
            slot
            for start, end in open_spans(found, day, municipality.closures)
            for slot in _cut(start, end, length)
            if slot.starts_at >= earliest
            and sum(slot.overlaps(one) for one in taken) < rules.capacity
        ]
        slots += on_day
        days += bool(on_day)
        if days == rules.days:
            break
    return slots


def _cut(start: dt.datetime, end: dt.datetime, length: dt.timedelta) -> list[Slot]:
    count = int((end - start) / length)
    return [Slot(start + n * length, start + (n + 1) * length) for n in range(count)]


async def free(
    connection: Connection, municipality: Municipality, function: str, now: dt.datetime
) -> list[Slot]:
    """The times nobody has booked yet."""
    cursor = await connection.execute(
        "SELECT starts_at, ends_at FROM call_backs WHERE municipality = %s "
        "AND function = %s AND state = 'booked' AND ends_at > %s",
        [municipality.id, function, now],
    )
    taken = [Slot(row["starts_at"], row["ends_at"]) for row in await cursor.fetchall()]
    return bookable(municipality, function, now, taken)


async def book(
    connection: Connection,
    seal: Seal,
    conversation: UUID,
    municipality: Municipality,
    starts_at: dt.datetime,
    how: How,
    now: dt.datetime,
) -> CallBack:
    """Book a time for the conversation's open handoff, in place of one booked before.

    Raises SlotTakenError, KeyError where no person was asked for, TransitionError.
    """
    one = await handoff.open_for(connection, seal, conversation, is_kept=True)
    if one is None:
        raise KeyError(conversation)
    await _one_at_a_time(connection, municipality.id, one.function)
    earlier = await booked(connection, conversation)
    if earlier is not None:
        await _end(connection, conversation, "cancelled")
    slots = {
        slot.starts_at: slot for slot in await free(connection, municipality, one.function, now)
    }
    slot = slots.get(starts_at)
    if slot is None:
        raise SlotTakenError(starts_at.isoformat())
    event: Event = "rebooked" if one.state == "paused" else "booked"
    await handoff.move(connection, one, event, promised_at=slot.starts_at, actor="parent")
    cursor = await connection.execute(
        "INSERT INTO call_backs (id, municipality, conversation_id, function, starts_at, ends_at, "
        "how, ticket) VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING *",
        [
            uuid4(),
            municipality.id,
            conversation,
            one.function,
            slot.starts_at,
            slot.ends_at,
            how,
            secrets.token_urlsafe(18),
        ],
    )
    row = await cursor.fetchone()
    assert row is not None
    return _call_back(row)


async def _one_at_a_time(connection: Connection, municipality: str, function: str) -> None:
    """Of two who book at once, one gets the last place."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 5))", [f"{municipality} {function}"]
    )


async def arrange(
    connection: Connection,
    seal: Seal,
    one: handoff.Handoff,
    guide: UUID,
    slot: Slot,
    how: How,
    *,
    place: str,
    interpreter: str | None,
) -> CallBack:
    """Keep a meeting that the guide who holds the conversation has agreed on, in place of another.

    Raises SlotTakenError where the guide is at another meeting then, TransitionError.
    """
    await _one_at_a_time(connection, one.municipality, one.function)
    cursor = await connection.execute(
        "SELECT 1 FROM call_backs WHERE guide_id = %s AND state = 'booked' "
        "AND conversation_id <> %s AND starts_at < %s AND ends_at > %s",
        [guide, one.conversation_id, slot.ends_at, slot.starts_at],
    )
    if await cursor.fetchone() is not None:
        raise SlotTakenError(slot.starts_at.isoformat())
    await _end(connection, one.conversation_id, "cancelled")
    await handoff.move(connection, one, "appointed", guide, promised_at=slot.starts_at)
    cursor = await connection.execute(
        "INSERT INTO call_backs (id, municipality, conversation_id, function, starts_at, ends_at, "
        "how, ticket, guide_id, interpreter, sealed_place) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING *",
        [
            uuid4(),
            one.municipality,
            one.conversation_id,
            one.function,
            slot.starts_at,
            slot.ends_at,
            how,
            secrets.token_urlsafe(18),
            guide,
            interpreter,
            seal.seal(place),
        ],
    )
    row = await cursor.fetchone()
    assert row is not None
    return _call_back(row)


async def place_of(connection: Connection, seal: Seal, meeting: UUID) -> str:
    """Where a meeting is, as the guide wrote it; empty where nothing was written."""
    cursor = await connection.execute(
        "SELECT sealed_place FROM call_backs WHERE id = %s", [meeting]
    )
    row = await cursor.fetchone()
    return str(seal.open(row["sealed_place"]) or "") if row else ""


async def booked(connection: Connection, conversation: UUID) -> CallBack | None:
    """The time a conversation has booked, if any."""
    cursor = await connection.execute(
        "SELECT * FROM call_backs WHERE conversation_id = %s AND state = 'booked'", [conversation]
    )
    row = await cursor.fetchone()
    return _call_back(row) if row else None


async def agreed(connection: Connection, municipality: str) -> dict[UUID, How]:
    """The conversations of a municipality that have a time booked, and how they will meet."""
    cursor = await connection.execute(
        "SELECT conversation_id, how FROM call_backs WHERE municipality = %s AND state = 'booked'",
        [municipality],
    )
    return {row["conversation_id"]: row["how"] for row in await cursor.fetchall()}


async def by_ticket(connection: Connection, ticket: str) -> CallBack:
    """The booked time of a calendar link. Raises KeyError."""
    cursor = await connection.execute(
        "SELECT * FROM call_backs WHERE ticket = %s AND state = 'booked'", [ticket]
    )
    row = await cursor.fetchone()
    if row is None:
        raise KeyError(ticket)
    return _call_back(row)


async def cancel(connection: Connection, seal: Seal, conversation: UUID) -> CallBack | None:
    """Cancel the booked time; the assistant goes on. None where nothing was booked."""
    one = await handoff.open_for(connection, seal, conversation, is_kept=True)
    earlier = await booked(connection, conversation)
    await _end(connection, conversation, "cancelled")
    if earlier is not None and one is not None and one.state == "paused":
        await handoff.move(connection, one, "cancelled", actor="parent")
    return earlier


async def let_go(connection: Connection, conversation: UUID) -> None:
    """Free the booked time without touching the handoff, which is ended otherwise."""
    await _end(connection, conversation, "cancelled")


async def end_finished(connection: Connection) -> int:
    """End the bookings whose stretch with a person is over, and remove numbers nobody needs."""
    cursor = await connection.execute(
        "UPDATE call_backs c SET state = 'done', changed_at = now() WHERE state = 'booked' "
        "AND NOT EXISTS (SELECT 1 FROM handoffs h WHERE h.conversation_id = c.conversation_id "
        "AND h.state NOT IN ('returned', 'closed', 'expired')) RETURNING conversation_id"
    )
    ended = await cursor.fetchall()
    for row in ended:
        await forget_addresses(connection, row["conversation_id"], "notice")
    await connection.execute(
        "DELETE FROM call_back_numbers n WHERE n.created_at < now() - %s AND NOT EXISTS "
        "(SELECT 1 FROM call_backs c WHERE c.conversation_id = n.conversation_id "
        "AND c.state = 'booked')",
        [UNUSED],
    )
    return len(ended)


async def _end(connection: Connection, conversation: UUID, state: str) -> None:
    await forget_addresses(connection, conversation, "notice")
    await connection.execute(
        "UPDATE call_backs SET state = %s, changed_at = now() "
        "WHERE conversation_id = %s AND state = 'booked'",
        [state, conversation],
    )


# --- The number ---


def awaits_number(slots: Mapping[str, Any]) -> bool:
    """Whether the parent was just asked which number to call."""
    return (slots.get("booking") or {}).get("step") == "number"


def number_in(text: str) -> str | None:
    """The phone number in a text: digits, with a plus where it had one. None without any."""
    found = _NUMBER.search(text)
    if found is None:
        return None
    digits = re.sub(r"\D", "", found.group())
    is_abroad = found.group().startswith("+")
    return ("+" if is_abroad else "") + digits


def without_number(text: str, hidden: str) -> str:
    """The text with words in place of every number in it."""
    return _NUMBER.sub(hidden, text)


async def take_number(
    ledger: Ledger, conversation: UUID, slots: Mapping[str, Any], text: str
) -> bool:
    """Put aside the number in a message, if one was asked for; every door calls this before it
    masks the text, and stores it `without_number` under the choice GIVEN_NUMBER where one was kept.
    """
    number = number_in(text) if awaits_number(slots) else None
    if number is None:
        return False
    async with ledger.transaction() as connection:
        await connection.execute(
            "INSERT INTO call_back_numbers (conversation_id, municipality, sealed_number) "
            "SELECT id, municipality, %s FROM conversations WHERE id = %s "
            "ON CONFLICT (conversation_id) DO UPDATE SET sealed_number = excluded.sealed_number, "
            "created_at = now()",
            [ledger.seal.seal(number), conversation],
        )
    return True


async def number_of(connection: Connection, seal: Seal, conversation: UUID) -> str | None:
    """The number to call; for the guide who holds the conversation, and for nobody else."""
    cursor = await connection.execute(
        "SELECT sealed_number FROM call_back_numbers WHERE conversation_id = %s", [conversation]
    )
    row = await cursor.fetchone()
    return str(seal.open(row["sealed_number"])) if row else None


def _call_back(row: Row) -> CallBack:
    return CallBack(**{name: row[name] for name in CallBack.__slots__})
