"""Live views: wakes and feeds whoever watches a conversation or a municipality's queue."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from bot.ledger import ALARM, HANDOFF, INCOMING, OUTGOING

TYPING = "lotsa_typing"
CHANNELS = [INCOMING, OUTGOING, HANDOFF, TYPING, ALARM]
HEARTBEAT = 15.0  # seconds; keeps proxies from closing a quiet stream

Notice = tuple[str, str]


class Hub:
    """Passes database notices on to the streams of this process."""

    def __init__(self) -> None:
        self._watchers: dict[str, set[asyncio.Queue[Notice]]] = defaultdict(set)

    def heard(self, channel: str, payload: str) -> None:
        """A notice for one key (`payload` up to the first space); an empty one wakes everybody."""
        key = payload.split(" ", 1)[0]
        keys = [key] if key else list(self._watchers)
        for watched in keys:
            for queue in self._watchers.get(watched, ()):
                queue.put_nowait((channel, payload))

    @contextmanager
    def watch(self, *keys: str) -> Iterator[asyncio.Queue[Notice]]:
        """A queue that receives the notices for these keys."""
        queue: asyncio.Queue[Notice] = asyncio.Queue()
        for key in keys:
            self._watchers[key].add(queue)
        try:
            yield queue
        finally:
            for key in keys:
                self._watchers[key].discard(queue)
                if not self._watchers[key]:
                    del self._watchers[key]


async def notices(queue: asyncio.Queue[Notice]) -> AsyncIterator[list[Notice]]:
    """What was heard since the last look; an empty list at every heartbeat."""
    while True:
        try:
            first = await asyncio.wait_for(queue.get(), HEARTBEAT)
        except TimeoutError:
            yield []
            continue
        rest = [queue.get_nowait() for _ in range(queue.qsize())]
        yield [first, *rest]


def event(name: str, data: Any, event_id: int | None = None) -> str:
    """One server-sent event."""
    prefix = f"id: {event_id}\n" if event_id is not None else ""
    return f"{prefix}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


COMMENT = ": still here\n\n"
