"""How people keep their word: first answer, wait, kept promises. For the console and /metrics."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from bot.call_backs import MEETINGS, NOTED
from bot.database import Connection
from bot.handoff_clock import GRACE

PERIOD = dt.timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of a municipality's conversations with a person; times in seconds, None where there is none.

    A promise is kept when a guide took over, or the written answer came, by the time told, and a
    meeting when the guide came back to it within a day; it is broken when that time passed. One
    the parent let go herself counts as neither.
    """

    requested: int
    claimed: int
    expired: int
    wait_median: float | None  # until a guide took over
    wait_p80: float | None
    first_response_median: float | None  # until a guide's first words
    first_response_p80: float | None
    promises_kept: int
    promises_broken: int

    @property
    def kept_share(self) -> float | None:
        """Kept promises among those that were put to the test, 0 to 1."""
        tested = self.promises_kept + self.promises_broken
        return self.promises_kept / tested if tested else None


async def municipalities(connection: Connection, period: dt.timedelta = PERIOD) -> list[str]:
    """Where parents asked for a person in the last `period`."""
    cursor = await connection.execute(
        "SELECT DISTINCT municipality FROM handoffs WHERE requested_at > now() - %s "
        "ORDER BY municipality",
        [period],
    )
    return [row["municipality"] for row in await cursor.fetchall()]


async def figures(
    connection: Connection, municipality: str, period: dt.timedelta = PERIOD
) -> Figures:
    """The figures of the stretches requested in the last `period`, erased ones not among them."""
    cursor = await connection.execute(
        _FIGURES,
        {
            "municipality": municipality,
            "period": period,
            "grace": GRACE,
            "meetings": list(MEETINGS),
            "noted": NOTED,
        },
    )
    row = await cursor.fetchone()
    assert row is not None
    return Figures(**row)


_FIGURES = """
WITH stretches AS (
    SELECT h.*, extract(epoch FROM claimed_at - requested_at)::float8 AS waited,
        EXISTS (SELECT 1 FROM handoff_events e
            WHERE e.handoff_id = h.id AND e.event IN ('offered', 'booked')) AS is_agreed,
        (SELECT extract(epoch FROM min(m.created_at) - h.requested_at)::float8 FROM messages m
            WHERE m.conversation_id = h.conversation_id AND m.author = 'guide'
            AND m.created_at >= h.requested_at) AS answered
    FROM handoffs h
    WHERE municipality = %(municipality)s AND requested_at > now() - %(period)s
), events AS (
    SELECT e.* FROM handoff_events e JOIN stretches s ON s.id = e.handoff_id
)
SELECT
    (SELECT count(*) FROM stretches) AS requested,
    (SELECT count(claimed_at) FROM stretches) AS claimed,
    (SELECT count(*) FROM stretches WHERE state = 'expired') AS expired,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY waited) FILTER (WHERE NOT is_agreed)
        AS wait_median,
    percentile_cont(0.8) WITHIN GROUP (ORDER BY waited) FILTER (WHERE NOT is_agreed) AS wait_p80,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY answered) FILTER (WHERE NOT is_agreed)
        AS first_response_median,
    percentile_cont(0.8) WITHIN GROUP (ORDER BY answered) FILTER (WHERE NOT is_agreed)
        AS first_response_p80,
    (SELECT count(*) FROM events WHERE event IN ('claimed', 'answered')
        AND created_at <= coalesce((SELECT max(c.ends_at) + %(noted)s FROM call_backs c
                WHERE c.conversation_id = (SELECT conversation_id FROM handoffs
                    WHERE id = events.handoff_id)
                AND c.starts_at = events.promised_before AND c.how = ANY(%(meetings)s)),
            promised_before + CASE WHEN state = 'paused' THEN %(grace)s ELSE interval '0' END)
        ) AS promises_kept,
    (SELECT count(*) FROM events WHERE event = 'promise_passed') AS promises_broken
FROM stretches
"""
