"""What time it is for opening hours, bookings and promised times.

An installation may be tried as if it were another time (`LOTSA_CLOCK`, the time at its start).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

from bot.calendar import LOCAL
from bot.settings import settings

_here: ContextVar[dt.timedelta | None] = ContextVar("shift", default=None)


def now() -> dt.datetime:
    """The time, aware."""
    shift = _here.get()
    return dt.datetime.now(dt.UTC) + (_shift() if shift is None else shift)


def as_tried(moment: dt.datetime) -> dt.datetime:
    """A time that was noted by the real clock, as the installation is tried; else as it is."""
    return moment + _shift()


@contextmanager
def at(moment: dt.datetime) -> Iterator[None]:
    """Within the block it is another time, and goes on from there."""
    token = _here.set(moment - dt.datetime.now(dt.UTC))
    try:
        yield
    finally:
        _here.reset(token)


@lru_cache
def _shift() -> dt.timedelta:
    tried = settings().clock
    if tried is None:
        return dt.timedelta(0)
    at_start = tried if tried.tzinfo else tried.replace(tzinfo=LOCAL)
    return at_start - dt.datetime.now(dt.UTC)
