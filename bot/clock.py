"""What time it is for opening hours and promised times.

An installation may be tried as if it were another time (`LOTSA_CLOCK`, the time at its start).
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

from bot.calendar import LOCAL
from bot.settings import settings


def now() -> dt.datetime:
    """The time, aware."""
    return dt.datetime.now(dt.UTC) + _shift()


@lru_cache
def _shift() -> dt.timedelta:
    tried = settings().clock
    if tried is None:
        return dt.timedelta(0)
    at = tried if tried.tzinfo else tried.replace(tzinfo=LOCAL)
    return at - dt.datetime.now(dt.UTC)
