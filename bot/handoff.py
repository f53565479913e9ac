"""Handing a conversation to a person and back: one table of states and events, one writer.

`STEPS` is the whole of it. The writer below refuses what is not in it, the tests walk it, and
docs/handoff.md is drawn from it (`lotsa handoff diagram`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal, get_args
from uuid import UUID, uuid4

from psycopg.errors import UniqueViolation

from bot.database import Connection, Row
from bot.handoff_order import ORDER, STARVE
from bot.ledger import HANDOFF, OUTGOING, notify
from bot.privacy import Seal

State = Literal[
    "requested", "waiting", "offered_call_back", "held", "paused", "returned", "closed", "expired"
]
Actor = Literal["parent", "guide", "bot", "clock"]
Event = Literal[
    "queued", "offered", "claimed", "returned", "closed", "released", "fell_silent", "passed_on",
    "referred", "promised_answer", "answered", "booked", "rebooked", "cancelled", "rather_waits",
    "appointed", "back_to_bot", "promise_passed", "expired",
]  # fmt: skip
# What becomes of the promised time: a new one is given, it stands, or nothing is left to promise.
Promise = Literal["new", "stands", "over"]
ON_DUTY = dt.timedelta(minutes=2)  # a guide seen this recently is on duty


class TransitionError(RuntimeError):
    """The event does not fit the state, or somebody else was first."""


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the table: who may do what in a state, and where it leads."""

    state: State
    event: Event
    actor: Actor
    target: State
    promise: Promise
    why: str


STEPS: tuple[Step, ...] = (
    Step("requested", "queued", "bot", "waiting", "new", "a person has time now"),
    Step("requested", "offered", "bot", "offered_call_back", "new", "nobody has time now"),
    Step("offered_call_back", "booked", "parent", "paused", "new", "she chose a time"),
    Step("offered_call_back", "rather_waits", "parent", "waiting", "stands", "she rather waits"),
    Step("offered_call_back", "claimed", "guide", "held", "stands", "a guide was there before"),
    Step("offered_call_back", "back_to_bot", "parent", "returned", "over", "she needs nobody now"),
    Step("offered_call_back", "promise_passed", "clock", "waiting", "new", "no time was chosen"),
    Step("waiting", "claimed", "guide", "held", "stands", "a guide takes over"),
    Step("waiting", "booked", "parent", "paused", "new", "she rather has a time"),
    Step("waiting", "back_to_bot", "parent", "returned", "over", "she waits no longer"),
    Step("waiting", "closed", "guide", "closed", "over", "there is nothing left to do"),
    Step("waiting", "referred", "guide", "waiting", "new", "another function suits better"),
    Step("waiting", "promise_passed", "clock", "waiting", "new", "the time has passed"),
    Step("waiting", "expired", "clock", "expired", "over", "nobody took it for days"),
    Step("held", "returned", "guide", "returned", "over", "the assistant goes on"),
    Step("held", "closed", "guide", "closed", "over", "the guide is done"),
    Step("held", "back_to_bot", "parent", "returned", "over", "she wants the assistant"),
    Step("held", "released", "guide", "waiting", "new", "the guide leaves"),
    Step("held", "fell_silent", "clock", "waiting", "new", "the guide does not answer"),
    Step("held", "passed_on", "guide", "held", "stands", "a colleague takes over"),
    Step("held", "referred", "guide", "waiting", "new", "another function suits better"),
    Step("held", "promised_answer", "guide", "paused", "new", "a written answer by a time"),
    Step("held", "appointed", "guide", "paused", "new", "a visit or a video meeting is agreed on"),
    Step("held", "booked", "parent", "paused", "new", "they agree on a time"),
    Step("paused", "claimed", "guide", "held", "stands", "the time has come"),
    Step("paused", "answered", "guide", "closed", "over", "the written answer is there"),
    Step("paused", "closed", "guide", "closed", "over", "the call was made"),
    Step("paused", "rebooked", "parent", "paused", "new", "she chose another time"),
    Step("paused", "cancelled", "parent", "returned", "over", "she needs the time no more"),
    Step("paused", "rather_waits", "parent", "waiting", "new", "she wants somebody before"),
    Step("paused", "back_to_bot", "parent", "returned", "over", "she needs nobody now"),
    Step("paused", "promise_passed", "clock", "waiting", "new", "the time has passed"),
)  # fmt: skip
# (state, event) → next state; anything else is refused.
TRANSITIONS: dict[tuple[State, Event], State] = {(s.state, s.event): s.target for s in STEPS}
STATES: tuple[State, ...] = get_args(State)
EVENTS: tuple[Event, ...] = get_args(Event)
ENDS: tuple[State, ...] = ("returned", "closed", "expired")
OPEN: tuple[State, ...] = tuple(state for state in STATES if state not in ENDS)
# Somebody waits for a person: there is always a time that was told.
PROMISED: tuple[State, ...] = ("waiting", "offered_call_back", "paused")
GUIDE_SPEAKS: tuple[State, ...] = ("held",)  # everywhere else the assistant does
SUMS_UP: tuple[Event, ...] = ("returned", "back_to_bot")  # and goes on where it was


def bot_speaks(state: State) -> bool:
    """Whether the assistant may speak: exactly where no guide holds the conversation."""
    return state not in GUIDE_SPEAKS


def step(state: State, event: Event, actor: Actor | None = None) -> Step:
    """The row of the table. Raises TransitionError where there is none, or for another actor."""
    for one in STEPS:
        if (one.state, one.event) == (state, event):
            if actor not in (None, one.actor):
                raise TransitionError(f"{event} is not for the {actor}")
            return one
    raise TransitionError(f"{event} is not possible while {state}")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where one stretch stands: the part of it that the table decides."""

    state: State = "requested"
    guide: UUID | None = None
    promised_at: dt.datetime | None = None
    broken: int = 0  # promised times that passed


def after(
    stretch: Stretch,
    event: Event,
    *,
    guide: UUID | None = None,
    promised_at: dt.datetime | None = None,
    actor: Actor | None = None,
) -> Stretch:
    """The stretch after an event, without any storage. Raises TransitionError.

    `promised_at` is needed where the table asks for a new promise, `guide` where one takes over.
    """
    one = step(stretch.state, event, actor)
    if one.target == "held" and guide is None:
        raise TransitionError(f"{event} needs a guide")
    if one.promise == "new" and promised_at is None:
        raise TransitionError(f"{event} needs a promised time")
    promise = {"new": promised_at, "stands": stretch.promised_at, "over": None}[one.promise]
    # An agreed time is kept by whoever takes the call then; the others lose their guide.
    holder = guide if one.target == "held" else None
    if one.target == "paused":
        holder = guide or stretch.guide
    broken = stretch.broken + (event == "promise_passed")
    return Stretch(one.target, holder, promise, broken)


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
    broken: int = 0
    outcome: str | None = None

    @property
    def stretch(self) -> Stretch:
        """What the table decides of it."""
        return Stretch(self.state, self.guide_id, self.promised_at, self.broken)


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
    promised_at: dt.datetime,
    is_offered: bool = False,
) -> UUID | None:
    """Put a conversation in the queue; None when it is there already.

    `brief` is what the parent agreed to share, None for nothing. `is_offered`: nobody has time
    now, and the parent is asked to choose a time.
    """
    handoff = uuid4()
    event: Event = "offered" if is_offered else "queued"
    begun = after(Stretch(), event, promised_at=promised_at)
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
                    begun.state,
                    level,
                    language,
                    seal.seal(brief) if brief is not None else None,
                    promised_at,
                ],
            )
    except UniqueViolation:
        return None
    await _note(connection, handoff, municipality, step("requested", event), begun, None)
    await notify(connection, HANDOFF, municipality)
    return handoff


async def move(
    connection: Connection,
    handoff: Handoff,
    event: Event,
    guide: UUID | None = None,
    outcome: str | None = None,
    *,
    promised_at: dt.datetime | None = None,
    actor: Actor | None = None,
    function: str | None = None,
) -> State:
    """Apply an event; of two at once, one wins. Raises TransitionError.

    `function` is the one a stretch is referred to.
    """
    one = step(handoff.state, event, actor)
    then = after(handoff.stretch, event, guide=guide, promised_at=promised_at)
    cursor = await connection.execute(
        "UPDATE handoffs SET state = %s, guide_id = %s, promised_at = %s, broken = %s, "
        "outcome = coalesce(%s, outcome), function = coalesce(%s, function), changed_at = now(), "
        "claimed_at = CASE WHEN %s THEN coalesce(claimed_at, now()) ELSE claimed_at END, "
        "held_since = CASE WHEN %s THEN now() END "
        "WHERE id = %s AND state = %s AND guide_id IS NOT DISTINCT FROM %s "
        "AND (NOT %s OR broken = %s) RETURNING municipality",
        [
            then.state,
            then.guide,
            then.promised_at,
            then.broken,
            outcome,
            function,
            event == "claimed",
            then.state == "held",
            handoff.id,
            handoff.state,
            handoff.guide_id,
            event == "promise_passed",  # which leaves the state as it was
            handoff.stretch.broken,
        ],
    )
    if await cursor.fetchone() is None:
        raise TransitionError("somebody else was first")
    await _note(connection, handoff.id, handoff.municipality, one, then, handoff.promised_at)
    await notify(connection, HANDOFF, handoff.municipality)
    await notify(connection, OUTGOING, str(handoff.conversation_id))
    return then.state


async def _note(
    connection: Connection,
    handoff: UUID,
    municipality: str,
    taken: Step,
    then: Stretch,
    promised_before: dt.datetime | None,
) -> None:
    """Rows are added, never changed: the figures are counted from them."""
    await connection.execute(
        "INSERT INTO handoff_events (handoff_id, municipality, event, actor, state, target, "
        "promised_before, promised_at, guide_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            handoff,
            municipality,
            taken.event,
            taken.actor,
            taken.state,
            taken.target,
            promised_before,
            then.promised_at,
            then.guide,
        ],
    )


_SELECT = (
    "SELECT h.*, g.name AS guide_name, c.channel FROM handoffs h "
    "JOIN conversations c ON c.id = h.conversation_id "
    "AND c.last_at > now() - make_interval(days => c.keep_days) "
    "LEFT JOIN guides g ON g.id = h.guide_id "
)


async def open_for(
    connection: Connection, seal: Seal, conversation: UUID, *, is_kept: bool = False
) -> Handoff | None:
    """The open handoff of a conversation, if any; `is_kept`: nobody else moves it meanwhile."""
    where = "WHERE h.conversation_id = %s AND h.state = ANY(%s)"
    kept = " FOR UPDATE OF h" if is_kept else ""
    cursor = await connection.execute((_SELECT + where + kept).encode(), [conversation, list(OPEN)])
    row = await cursor.fetchone()
    return as_handoff(row, seal) if row else None


async def find(connection: Connection, seal: Seal, handoff: UUID, municipality: str) -> Handoff:
    """A handoff of this municipality. Raises KeyError."""
    cursor = await connection.execute(
        _SELECT + "WHERE h.id = %s AND h.municipality = %s", [handoff, municipality]
    )
    row = await cursor.fetchone()
    if row is None:
        raise KeyError(handoff)
    return as_handoff(row, seal)


async def queue(
    connection: Connection, seal: Seal, municipality: str, starve: dt.timedelta = STARVE
) -> list[Handoff]:
    """The municipality's handoffs, whoever is next first, and then those that ended today."""
    where = (
        "WHERE h.municipality = %(municipality)s AND (h.state = ANY(%(open)s) "
        "OR h.changed_at > now() - interval '1 day') "
        "ORDER BY h.state IN ('returned', 'closed', 'expired'), "
    )
    values = {"municipality": municipality, "open": list(OPEN), "starve": starve}
    cursor = await connection.execute(f"{_SELECT}{where}{ORDER} LIMIT 200".encode(), values)
    return [as_handoff(row, seal) for row in await cursor.fetchall()]


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


def as_handoff(row: Row, seal: Seal) -> Handoff:
    """A row of `handoffs` with its guide's name and its channel."""
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
        broken=row["broken"],
        outcome=row["outcome"],
    )


async def share(
    connection: Connection, seal: Seal, conversation: UUID, brief: dict[str, Any] | None
) -> None:
    """What a person may read of a conversation from now on; None takes every brief away.

    A brief goes to the open handoff alone.
    """
    await connection.execute(
        "UPDATE handoffs SET sealed_brief = %s WHERE conversation_id = %s "
        "AND (%s OR state = ANY(%s))",
        [seal.seal(brief) if brief is not None else None, conversation, brief is None, list(OPEN)],
    )
    cursor = await connection.execute(
        "SELECT municipality FROM conversations WHERE id = %s", [conversation]
    )
    if row := await cursor.fetchone():
        await notify(connection, HANDOFF, row["municipality"])
        await notify(connection, OUTGOING, str(conversation))
