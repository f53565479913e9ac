"""Limits on how often somebody may write. Danger is never held back, and nothing is stored.

Addresses are kept as keyed hashes in the memory of this process and forgotten when it ends.
Libraries and schools share an address, so its limit is wider than a conversation's.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request

from channels.errors import DoorError

MINUTE = 60.0
HOUR = 3600.0
MOST_KEYS = 20_000  # buckets kept; the oldest go first
_secret = secrets.token_bytes(16)


@dataclass
class Bucket:
    """Fills up steadily; each message takes one."""

    left: float
    at: float


class Limit:
    """At most `most` in `period` seconds for each key; 0 means no limit."""

    def __init__(
        self, most: int, period: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._rate = most / period
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}

    def wait(self, key: str) -> float:
        """Take one; 0, or the seconds until there is one again."""
        if not self._most:
            return 0.0
        now = self._clock()
        bucket = self._buckets.pop(key, None) or Bucket(self._most, now)
        bucket.left = min(self._most, bucket.left + (now - bucket.at) * self._rate)
        bucket.at = now
        self._buckets[key] = bucket  # the newest last
        while len(self._buckets) > MOST_KEYS:
            del self._buckets[next(iter(self._buckets))]
        if bucket.left < 1:
            return (1 - bucket.left) / self._rate
        bucket.left -= 1
        return 0.0


class Protection:
    """The limits of one web process."""

    def __init__(self, per_conversation: int, per_address: int, opened: int) -> None:
        """Messages a minute in a conversation and from an address; conversations opened an hour."""
        self._conversation = Limit(per_conversation, MINUTE)
        self._address = Limit(per_address, MINUTE)
        self._opened = Limit(opened, HOUR)

    def message(self, request: Request, conversation: str, *, is_acute: bool) -> None:
        """A message wants in. Raises DoorError when there are too many, never for danger."""
        if is_acute:
            return
        _refuse(self._address.wait(_address(request)))
        _refuse(self._conversation.wait(conversation))

    def opening(self, request: Request) -> None:
        """A conversation is to be opened. Raises DoorError when there are too many."""
        _refuse(self._opened.wait(_address(request)))


def _refuse(seconds: float) -> None:
    if seconds:
        raise DoorError("too_often", seconds=int(seconds) + 1)


def _address(request: Request) -> str:
    host = request.client.host if request.client else ""
    return hashlib.blake2b(host.encode(), key=_secret, digest_size=16).hexdigest()
