"""Openings in local time."""

from __future__ import annotations

import datetime as dt

import pytest

from bot.calendar import LOCAL, answer_by, opening
from knowledge.catalogue import Closure, Function, Municipality

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


def test_a_local_closure_moves_the_next_opening() -> None:
    closed = [Closure(first=dt.date(2026, 11, 25), reason="Planeringsdag")]
    found = opening(OFFICE, local("2026-11-24T22:40"), closed)
    assert found.opens == local("2026-11-26T08:15")


@pytest.mark.parametrize(
    ("now", "answered"),
    [
        ("2026-11-24T10:00", "2026-11-24T11:00"),
        ("2026-11-24T16:00", "2026-11-25T08:45"),  # half an hour is left for the morning
        ("2026-11-24T22:40", "2026-11-25T09:15"),
        ("2026-11-27T16:30", "2026-11-30T09:15"),  # a Friday
    ],
)
def test_an_answer_is_promised_within_an_hour_of_opening_hours(now: str, answered: str) -> None:
    assert answer_by(_municipality(OFFICE), "guide", local(now)) == local(answered)


def test_where_hours_are_not_known_the_parent_is_told_more_within_a_day() -> None:
    now = local("2026-11-24T10:00")
    assert answer_by(_municipality(Function(exists=True)), "guide", now) == now + dt.timedelta(1)


def _municipality(guide: Function) -> Municipality:
    absent = Function(exists=False)
    return Municipality(
        id="provkommun",
        name="Provkommun",
        layers=["provkommun"],
        contact_centre="prov",
        functions={"guide": guide, "coordinator": absent, "after_hours": absent},
        retention_days=30,
        retention_decision="P1",
    )
