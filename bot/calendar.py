"""When a function is open: weekly hours and Swedish public holidays, in local time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from knowledge.catalogue import Closure, Function, Hours, Municipality

LOCAL = ZoneInfo("Europe/Stockholm")
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_HORIZON = 14  # days looked ahead for the next opening
# Eves on which municipal offices close though they are no public holidays.
_EVES = {"Holy Saturday", "Whitsun Eve", "Midsummer Eve", "Christmas Eve", "New Year's Eve"}


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether a function is open now; `until` or `opens` in local time where it is known."""

    is_open: bool
    until: dt.datetime | None = None
    opens: dt.datetime | None = None


def opening(function: Function, now: dt.datetime, closures: Sequence[Closure] = ()) -> Opening:
    """The opening of a function at `now` (aware). Unknown hours count as closed."""
    local = now.astimezone(LOCAL)
    for ahead in range(_HORIZON):
        day = local.date() + dt.timedelta(days=ahead)
        for start, end in open_spans(function, day, closures):
            if start <= local < end:
                return Opening(True, until=end)
            if local < start:
                return Opening(False, opens=start)
    return Opening(False)


def open_spans(
    function: Function, day: dt.date, closures: Sequence[Closure] = ()
) -> list[tuple[dt.datetime, dt.datetime]]:
    """From when to when a function is open on a day, in local time, earliest first."""
    if any(closed.first <= day <= (closed.last or closed.first) for closed in closures):
        return []
    spans = [
        (
            dt.datetime.combine(day, hours.opens_at, LOCAL),
            dt.datetime.combine(day, hours.closes_at, LOCAL),
        )
        for hours in function.hours or []
        if _is_open_on(hours, day)
    ]
    return sorted(spans)


def answer_by(municipality: Municipality, function: str, now: dt.datetime) -> dt.datetime:
    """The time by which a waiting parent gets an answer, or is told how things stand.

    Counted in opening hours: what does not fit before closing goes on at the next opening. Where
    the hours are not known the same time the next day is promised; the clock keeps that by telling.
    """
    found = next((f for name, f in municipality.functions.items() if name == function), None)
    left = dt.timedelta(minutes=municipality.waiting.answer_within_minutes)
    at = now
    for _ in range(_HORIZON):
        hours = opening(found, at, municipality.closures) if found else Opening(False)
        if hours.until and at + left <= hours.until:
            return at + left
        if hours.until:
            left -= hours.until - at
            at = hours.until
        elif hours.opens:
            at = hours.opens
        else:
            break
    return now + dt.timedelta(days=1)


def _is_open_on(hours: Hours, day: dt.date) -> bool:
    if _DAYS[day.weekday()] not in hours.byday:
        return False
    is_every_day = len(hours.byday) == len(_DAYS)
    return is_every_day or day not in _closed_days(day.year)


@lru_cache
def _closed_days(year: int) -> frozenset[dt.date]:
    public = holidays.country_holidays("SE", years=year, language="en_US")
    optional = holidays.country_holidays(
        "SE", years=year, language="en_US", categories=("optional",)
    )
    eves = [day for day, name in optional.items() if name in _EVES]
    sundays_left_to_hours = [day for day, name in public.items() if name != "Sunday"]
    return frozenset([*sundays_left_to_hours, *eves])
