"""Missing support is counted, and nothing of the parent is kept by it."""

from __future__ import annotations

import datetime as dt

import pytest

from bot import gaps
from bot.ledger import Ledger

NOW = dt.datetime(2026, 11, 24, 10, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("ages", "band"),
    [([], "unknown"), ([4], "0-5"), ([9, 14], "6-9"), ([16], "16-17"), ([19], "18-")],
)
def test_ages_become_a_band(ages: list[int], band: str) -> None:
    assert gaps.age_band(ages) == band


async def test_the_same_gap_of_a_month_is_one_row_with_a_number(ledger: Ledger) -> None:
    async with ledger.transaction() as connection:
        for need in ("leisure", "leisure", None):
            await gaps.count(connection, "flen", need=need, ages=[7], reason="no_match", now=NOW)
        counted = await gaps.counted(connection, "flen")
    assert [(gap.need, gap.times) for gap in counted] == [("leisure", 2), ("unknown", 1)]
    assert counted[0].month == dt.date(2026, 11, 1)


async def test_a_municipality_sees_only_its_own_gaps(ledger: Ledger) -> None:
    async with ledger.transaction() as connection:
        await gaps.count(connection, "gnesta", need="leisure", ages=[], reason="partly", now=NOW)
        assert await gaps.counted(connection, "vingaker") == []
