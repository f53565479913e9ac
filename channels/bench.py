"""What a turn costs by stage, for `lotsa bench`: on the real worker and a database of its own."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

import psutil
import yaml

from bot import clock
from bot.case import entities_of
from bot.database import database_url, migrate
from bot.engine.compile import Policy
from bot.engine.state import DialogueState
from bot.engine.turn import Said
from bot.ledger import Ledger, TurnResult
from bot.log import configure_logging
from bot.messages import IncomingMessage, Outcome
from bot.privacy import mask
from bot.replies import Setting
from bot.settings import PROJECT, Settings
from bot.understanding import Wanted
from bot.worker import Worker, open_worker
from nlu import safety

TURNS = 200
WARM = 10  # turns before, in which what is read once is read
TEXTS = PROJECT / "tests" / "data" / "unseen_sv.yml"
PLACE = "strangnas"


def everybody() -> list[psutil.Process]:
    """This process and all it started."""
    return [psutil.Process(), *psutil.Process().children(recursive=True)]


def cpu_seconds(processes: list[psutil.Process]) -> float:
    """CPU of the processes so far; the system counts it in steps of 10 ms."""
    times = [process.cpu_times() for process in processes]
    return float(sum(one.user + one.system for one in times))


async def run_bench(settings: Settings, actions: str) -> dict[str, Any]:
    """Milliseconds of each stage over the unseen test messages, on a database of its own."""
    configure_logging("ERROR")
    texts = [item["text"] for item in yaml.safe_load(TEXTS.read_text())["messages"]]
    with TemporaryDirectory() as folder:
        own = settings.model_copy(
            update={"data": Path(folder), "database_url": None, "understand_timeout": 30.0}
        )
        url = database_url(own)
        await migrate(url)
        async with open_worker(own, url, actions) as worker:
            for turns in (WARM, TURNS):
                stages = _Stages(worker)
                for turn in range(turns):
                    await stages.turn(texts[turn % len(texts)])
    return stages.figures()


class _Stages:
    """Each stage's wall and CPU milliseconds."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._ledger: Ledger = worker._ledger
        self._conversations = worker._conversations
        self._wall: dict[str, list[float]] = {}
        self._cpu: dict[str, float] = {}
        self._policy = Policy.load()
        self._everybody = everybody()

    async def turn(self, text: str) -> None:
        """One conversation's first turn, and each of its stages once more on its own."""
        conversation, _ = await self._ledger.open_conversation(PLACE, "bench", "sv")
        since = self._now()
        safety.check(text)
        masked = mask(text)
        self._note("safety", since)
        since = self._now()
        await self._ledger.accept(conversation, IncomingMessage("bench", _id(), masked.text))
        self._note("accept", since)
        since = self._now()
        await self._worker.take_turn()
        self._note("whole turn", since)
        entities = await self._understand(masked.text)
        await self._decide(conversation, entities)
        await self._commit(conversation)

    async def _understand(self, text: str) -> dict[str, Any]:
        reader = self._conversations._reader
        other = f"{text} tack"  # not the very text of the turn: its vector is kept from there
        since = self._now()
        understood = await reader.understand(other, "sv")
        self._note("understand", since)
        entities = entities_of(understood, {}, self._policy, 1, may_start=True)
        needs: Mapping[str, float] = dict(entities.get("needs") or {})
        since = self._now()
        await reader.find(PLACE, Wanted(text=other, language="sv", needs=needs))
        self._note("search", since)
        return entities

    async def _decide(self, conversation: UUID, entities: dict[str, Any]) -> None:
        engine, replies = self._conversations._engine, self._conversations._replies
        if engine is None:
            raise RuntimeError("no engine")
        since = self._now()
        said = Said("message:1", "ask_sip", 1.0, {"child_age": 9})
        decision = await engine.decide(str(conversation), said, DialogueState())
        self._note("decide", since)
        place = replies.catalogue.municipalities[PLACE]
        setting = Setting(place, "sv", clock.now(), slots=decision.slots)
        since = self._now()
        for reply in decision.replies:
            replies.word(reply, setting)
        self._note("word", since)

    async def _commit(self, conversation: UUID) -> None:
        await self._ledger.accept(conversation, IncomingMessage("bench", _id(), "hej"))
        claim = await self._ledger.claim(self._worker.id, 60)
        if claim is None:
            return
        since = self._now()
        await self._ledger.finish(claim, TurnResult(Outcome.ANSWERED, [], 0))
        self._note("commit", since)

    def figures(self) -> dict[str, Any]:
        """Median and 95th percentile, mean CPU, and turns a second."""
        stages = {
            name: {
                "p50": round(statistics.median(values), 2),
                "p95": round(statistics.quantiles(values, n=20)[-1], 2),
                "cpu": round(self._cpu[name] / len(values), 2),
            }
            for name, values in self._wall.items()
        }
        total = sum(self._wall["whole turn"])
        return {"turns_per_second": round(1000 * TURNS / total, 1), "stages": stages}

    def _now(self) -> tuple[float, float]:
        cpu = cpu_seconds(self._everybody)
        return time.perf_counter(), cpu

    def _note(self, name: str, since: tuple[float, float]) -> None:
        wall, cpu = time.perf_counter() - since[0], cpu_seconds(self._everybody) - since[1]
        self._wall.setdefault(name, []).append(wall * 1000)
        self._cpu[name] = self._cpu.get(name, 0.0) + cpu * 1000


def _id() -> str:
    return str(uuid4())


def table(figures: dict[str, Any]) -> list[str]:
    """The figures of the bench as lines."""
    lines = [f"{'stage':<16}{'p50 ms':>10}{'p95 ms':>10}{'CPU ms':>10}"]
    for name, row in figures["stages"].items():
        lines.append(f"{name:<16}{row['p50']:>10.2f}{row['p95']:>10.2f}{row['cpu']:>10.2f}")
    return [*lines, f"turns/s, one worker: {figures['turns_per_second']}"]
