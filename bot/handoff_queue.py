"""The queue as the parent and the guide see it: live places, observed waits, unattended danger."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from bot.database import Connection
from bot.handoff import Handoff, as_handoff
from bot.handoff_order import ORDER
from bot.privacy import Seal
from knowledge.catalogue import Municipality

MOST = 200
OBSERVED = dt.timedelta(days=14)  # waits that count for the interval
FEWEST = 5  # waits below which nothing is said of the time
LAST = 50

_SELECT = (
    "SELECT h.*, g.name AS guide_name, c.channel FROM handoffs h "
    "JOIN conversations c ON c.id = h.conversation_id LEFT JOIN guides g ON g.id = h.guide_id "
)


@dataclass(frozen=True, slots=True)
class Wait:
    """A parent's place in the queue, from 1, and how long it took others lately, in minutes.

    `low` and `high` are the median and the 80th percentile; None where too few have waited.
    """

    place: int
    low: int | None = None
    high: int | None = None


async def waiting(connection: Connection, seal: Seal, municipality: Municipality) -> list[Handoff]:
    """The conversations that wait, in the order in which they are to be taken."""
    where = "WHERE h.municipality = %(municipality)s AND h.state = 'waiting' "
    cursor = await connection.execute(
        f"{_SELECT}{where}ORDER BY {ORDER} LIMIT {MOST}".encode(), _values(municipality)
    )
    return [as_handoff(row, seal) for row in await cursor.fetchall()]


async def wait_of(connection: Connection, municipality: Municipality, one: Handoff) -> Wait:
    """The live place of one that waits, among those for the same function, and the usual wait."""
    query = (
        f"SELECT place FROM (SELECT h.id, row_number() OVER (ORDER BY {ORDER}) AS place "
        "FROM handoffs h WHERE h.municipality = %(municipality)s AND h.state = 'waiting' "
        "AND h.function = %(function)s) AS queue WHERE id = %(one)s"
    )
    values = {**_values(municipality), "function": one.function, "one": one.id}
    cursor = await connection.execute(query.encode(), values)
    row = await cursor.fetchone()
    low, high = await usual_wait(connection, municipality.id, one.function)
    return Wait(int(row["place"]) if row else 1, low, high)


async def usual_wait(
    connection: Connection, municipality: str, function: str
) -> tuple[int | None, int | None]:
    """Median and 80th percentile of the last waits until a guide took over, in whole minutes.

    Only of those who waited for somebody to be free: an agreed time is no wait.
    """
    cursor = await connection.execute(
        "SELECT count(*) AS n, percentile_cont(0.5) WITHIN GROUP (ORDER BY waited) AS low, "
        "percentile_cont(0.8) WITHIN GROUP (ORDER BY waited) AS high FROM ("
        "SELECT extract(epoch FROM h.claimed_at - h.requested_at) / 60 AS waited FROM handoffs h "
        "WHERE h.municipality = %s AND h.function = %s AND h.claimed_at > now() - %s "
        "AND NOT EXISTS (SELECT 1 FROM handoff_events e WHERE e.handoff_id = h.id "
        "AND e.event IN ('offered', 'booked')) ORDER BY h.claimed_at DESC LIMIT %s) AS last",
        [municipality, function, OBSERVED, LAST],
    )
    row = await cursor.fetchone()
    if row is None or row["n"] < FEWEST:
        return None, None
    return _up(row["low"]), _up(row["high"])


async def unattended_danger(
    connection: Connection, seal: Seal, municipality: Municipality
) -> list[Handoff]:
    """Conversations about danger nobody took in time, and nobody was told of yet."""
    escalation = municipality.waiting.escalation
    if escalation is None:
        return []
    cursor = await connection.execute(
        (
            _SELECT + "WHERE h.municipality = %s AND h.level = 'acute' "
            "AND h.state IN ('waiting', 'offered_call_back') AND h.escalated_at IS NULL "
            "AND h.changed_at <= now() - %s"
        ).encode(),
        [municipality.id, dt.timedelta(minutes=escalation.after_minutes)],
    )
    return [as_handoff(row, seal) for row in await cursor.fetchall()]


async def note_escalated(connection: Connection, one: UUID) -> bool:
    """Of two clocks at once one tells; false for the other."""
    cursor = await connection.execute(
        "UPDATE handoffs SET escalated_at = now() WHERE id = %s AND escalated_at IS NULL "
        "RETURNING id",
        [one],
    )
    return await cursor.fetchone() is not None


def _values(municipality: Municipality) -> dict[str, object]:
    starve = dt.timedelta(minutes=municipality.waiting.starve_minutes)
    return {"municipality": municipality.id, "starve": starve}


def _up(minutes: float) -> int:
    """At least a minute; nobody is told to wait for no time at all."""
    return max(1, -int(-float(minutes) // 1))
