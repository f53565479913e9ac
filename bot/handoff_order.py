"""Who is next: danger first, then who has waited too long, then the gravest, then the longest wait.

One rule, written once as a function and once as the order of a query; a test holds them together.
"""

from __future__ import annotations

import datetime as dt

LEVELS = ("acute", "coordinator", "guide", "information")  # the gravest first
ACUTE = LEVELS[0]
STARVE = dt.timedelta(minutes=45)  # where the municipality has not set its own

# Needs %(starve)s; the same as `rank`.
ORDER = """(CASE WHEN h.level = 'acute' THEN 0
    WHEN h.requested_at <= now() - %(starve)s THEN 1
    ELSE 1 + coalesce(array_position(ARRAY['acute', 'coordinator', 'guide', 'information'],
        h.level), 5) END), h.requested_at, h.id"""


def rank(
    level: str, requested_at: dt.datetime, now: dt.datetime, starve: dt.timedelta
) -> tuple[int, dt.datetime]:
    """The place of somebody who waits: the lower, the earlier."""
    if level == ACUTE:
        return 0, requested_at
    if requested_at <= now - starve:
        return 1, requested_at
    return 2 + (LEVELS.index(level) if level in LEVELS else len(LEVELS)), requested_at
