"""When a function is open: weekly hours and Swedish public holidays, in local time."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from knowledge.catalogue import Function, Hours

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


def opening(function: Function, now: dt.datetime) -> Opening:
    """The opening of a function at `now` (aware). Unknown hours count as closed."""
    local = now.astimezone(LOCAL)
    for ahead in range(_HORIZON):
        day = local.date() + dt.timedelta(days=ahead)
        for hours in function.hours or []:
            if not _is_open_on(hours, day):
                continue
            start = dt.datetime.combine(day, hours.opens_at, LOCAL)
            end = dt.datetime.combine(day, hours.closes_at, LOCAL)
            if start <= local < end:
                return Opening(True, until=end)
            if local < start:
                return Opening(False, opens=start)
    return Opening(False)


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
