"""Openings in local time."""

from __future__ import annotations

import datetime as dt

import pytest

from bot.calendar import LOCAL, opening
from knowledge.catalogue import Function

OFFICE = Function.model_validate(
    {"exists": True, "hours": [
        {"byday": ["MO", "TU", "WE", "TH", "FR"], "opens_at": "08:15", "closes_at": "16:30"}]}
)  # fmt: skip


def local(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=LOCAL)


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-11-24T22:40", "2026-11-25T08:15"),  # an evening
        ("2026-11-27T17:00", "2026-11-30T08:15"),  # a Friday afternoon
        ("2026-12-23T20:00", "2026-12-28T08:15"),  # Christmas, a week-end behind it
        ("2026-06-18T18:00", "2026-06-22T08:15"),  # Midsummer's eve is a Friday
        ("2027-03-25T18:00", "2027-03-30T08:15"),  # Easter
    ],
)
def test_the_next_opening_skips_week_ends_and_holidays(now: str, opens: str) -> None:
    assert opening(OFFICE, local(now)).opens == local(opens)


def test_within_hours_the_end_is_told() -> None:
    found = opening(OFFICE, local("2026-11-24T10:00"))
    assert found.is_open
    assert found.until == local("2026-11-24T16:30")


def test_unknown_hours_are_closed_and_promise_nothing() -> None:
    found = opening(Function(exists=True), local("2026-11-24T10:00"))
    assert (found.is_open, found.opens) == (False, None)
