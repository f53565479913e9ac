"""Counts where support was missing: need, age band, month and reason; no text, nobody's name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bot.database import Connection

Reason = Literal["no_match", "all_tried", "partly", "not_enough"]
UNKNOWN = "unknown"
# Upper ends in years, inclusive, of the Swedish school stages; then 18 and over.
_BANDS = ((5, "0-5"), (9, "6-9"), (12, "10-12"), (15, "13-15"), (17, "16-17"))


@dataclass(frozen=True, slots=True)
class Gap:
    """How many times support was missing for a need in a month."""

    month: dt.date
    need: str
    age_band: str
    reason: str
    times: int


def age_band(ages: Sequence[int]) -> str:
    """The band of the youngest age in years; `unknown` without one."""
    if not ages:
        return UNKNOWN
    youngest = min(ages)
    return next((band for upper, band in _BANDS if youngest <= upper), "18-")


async def count(
    connection: Connection,
    municipality: str,
    *,
    need: str | None,
    ages: Sequence[int],
    reason: Reason,
    now: dt.datetime,
) -> None:
    """Count one gap, in the transaction of the turn."""
    await connection.execute(
        "INSERT INTO gaps (municipality, month, need, age_band, reason) "
        "VALUES (%s, %s, %s, %s, %s) "
        "ON CONFLICT (municipality, month, need, age_band, reason) "
        "DO UPDATE SET times = gaps.times + 1",
        [municipality, now.date().replace(day=1), need or UNKNOWN, age_band(ages), reason],
    )


async def counted(connection: Connection, municipality: str) -> list[Gap]:
    """The gaps of a municipality, the newest month and the most frequent first."""
    cursor = await connection.execute(
        "SELECT month, need, age_band, reason, times FROM gaps WHERE municipality = %s "
        "ORDER BY month DESC, times DESC, need, age_band, reason",
        [municipality],
    )
    return [Gap(**row) for row in await cursor.fetchall()]
