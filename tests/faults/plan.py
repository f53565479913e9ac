"""Which faults are put in, how often, and when the next one may come."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from bot import faults
from tests.faults.check import WAITING
from tests.faults.load import Load
from tests.faults.rig import Rig, one

CALM = 60  # waiting messages above which parents and faults pause
MEETING = 25.0  # seconds for a fault in wait to be met
COMEBACK = 60.0  # seconds for the first answer after a fault


@dataclass
class Faults:
    """Puts faults in, one after the other, and measures how long the first answer took."""

    rig: Rig
    load: Load
    done: Counter[str] = field(default_factory=Counter)
    unmet: Counter[str] = field(default_factory=Counter)
    first_answer: dict[str, list[float]] = field(default_factory=dict)

    async def put_in(self, kind: str) -> None:
        """One fault; returns when somebody has been answered after it."""
        restarts = len(self.rig.restarts)
        started = time.time()
        if not await self._break(kind):
            self.unmet[kind] += 1
            return
        self.done[kind] += 1
        await asyncio.sleep(0.2)
        killed = [at for _, at in self.rig.restarts[restarts:]]
        await self._measure(kind, killed[0] if killed else started)
        while await one(self.rig.url, WAITING) > CALM:
            self.load.is_paused = True
            await asyncio.sleep(0.3)
        self.load.is_paused = False

    async def _break(self, kind: str) -> bool:
        what, _, where = kind.partition(" ")
        if what in ("kill", "fail", "sleep2", "sleep10", "sleep999") and where in faults.POINTS:
            order = "sleep " + what[5:] if what.startswith("sleep") else what
            return await self._met(self.rig.order(where, order))
        actions: dict[str, Callable[[], Awaitable[None]]] = {
            "kill web": self._kill("web"),
            "kill worker": self._kill("worker"),
            "kill reader": self._kill_reader,
            "stop postgres": self.rig.crash_database,
            "full log": self._full_log,
            "clock +1h": self._clock("+"),
            "clock -1h": self._clock("-"),
            "missing model": self._broken("nlu"),
            "corrupt index": self._broken("catalogue"),
            "missing engine": self._broken("rasa"),
        }
        await actions[kind]()
        return True

    async def _met(self, order: Path) -> bool:
        deadline = time.monotonic() + MEETING
        while order.exists() and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        if order.exists():
            order.unlink(missing_ok=True)
            return False
        return True

    async def _measure(self, kind: str, since: float) -> None:
        deadline = time.monotonic() + COMEBACK
        query = "SELECT extract(epoch FROM min(done_at))::float FROM messages WHERE done_at > "
        while time.monotonic() < deadline:
            first = await one(self.rig.url, query + "to_timestamp(%s)", since)
            if first is not None:
                self.first_answer.setdefault(_family(kind), []).append(first - since)
                return
            await asyncio.sleep(0.1)
        self.first_answer.setdefault(_family(kind), []).append(COMEBACK)

    def _kill(self, which: str) -> Callable[[], Awaitable[None]]:
        async def kill() -> None:
            self.rig.kill(which)

        return kill

    async def _kill_reader(self) -> None:
        self.rig.kill_reader()

    async def _full_log(self) -> None:
        self.rig.is_log_full = True
        self.rig.kill("worker")
        await asyncio.sleep(0.3)
        self.rig.is_log_full = False

    def _clock(self, sign: str) -> Callable[[], Awaitable[None]]:
        """The database's clock against the leases that were given before it jumped."""

        async def jump() -> None:
            while True:
                moved = await one(
                    self.rig.url,
                    "WITH moved AS (UPDATE messages SET claimed_until = claimed_until "
                    f"{sign} interval '1 hour' WHERE done_at IS NULL AND claimed_until IS NOT NULL "
                    "RETURNING 1) SELECT count(*) FROM moved",
                )
                if moved:
                    break
                await asyncio.sleep(0.01)
            if sign == "+":
                self.rig.kill("worker")  # what it held is now held for an hour

        return jump

    def _broken(self, part: str) -> Callable[[], Awaitable[None]]:
        """The worker comes back with a part broken, answers somebody, and comes back whole."""

        async def broken() -> None:
            self.rig.broken = {"LOTSA_ARTIFACTS": str(self._artifacts_without(part))}
            at = len(self.rig.restarts)
            self.rig.kill("worker")
            while len(self.rig.restarts) == at:
                await asyncio.sleep(0.05)
            await self._measure(f"missing {part}", self.rig.restarts[-1][1])
            self.rig.broken = {}
            self.rig.kill("worker")

        return broken

    def _artifacts_without(self, part: str) -> Path:
        from bot.settings import settings

        folder = self.rig.folder / f"without-{part}"
        if not folder.exists():
            folder.mkdir()
            for whole in settings().artifacts.iterdir():
                (folder / whole.name).symlink_to(whole)
            (folder / part).unlink()
            (folder / part).mkdir()
            if part == "catalogue":
                (folder / part / "manifest.json").write_text('{"broken"')
        return folder


def _family(kind: str) -> str:
    """Faults whose comeback is measured together."""
    what, _, where = kind.partition(" ")
    if what == "kill" and where in (*faults.WEB, "web"):
        return "web killed"
    if what == "kill" and where in (*faults.WORKER, "worker"):
        return "worker killed"
    return kind


def schedule(share: float, dice: random.Random) -> list[str]:
    """The kinds of faults in a random order; `share` 1 is the whole suite, over 200."""
    times = {
        **{f"kill {point}": 10 for point in (*faults.WEB, *faults.WORKER)},
        "kill web": 15,
        "kill worker": 15,
        "kill reader": 10,
        "stop postgres": 10,
        "fail engine": 12,
        "fail understanding": 10,
        "sleep2 understanding": 10,
        "sleep10 understanding": 8,
        "sleep999 understanding": 4,
        "full log": 5,
        "clock +1h": 5,
        "clock -1h": 5,
        "missing model": 4,
        "corrupt index": 4,
        "missing engine": 4,
    }
    kinds = [kind for kind, n in times.items() for _ in range(max(1, round(n * share)))]
    dice.shuffle(kinds)
    return kinds
