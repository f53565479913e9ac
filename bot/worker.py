"""The worker process: claims messages, takes turns, one commit each; sweeps by the hour."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import psycopg

from bot.complexity import Complexity
from bot.content import Content
from bot.conversation import Conversations
from bot.database import RETRY, listen, open_pool
from bot.engine.compile import Policy
from bot.engine.engine import Engine
from bot.ledger import INCOMING, LeaseLostError, Ledger
from bot.log import get_log
from bot.messages import Outcome
from bot.privacy import Seal
from bot.replies import Replies
from bot.retention import sweep
from bot.settings import Settings
from bot.understanding import Reader
from knowledge.catalogue import Catalogue

log = get_log()
POLL = 1.0  # seconds between looks when no notice comes: an expired lease gives none
SWEEP = 3600.0  # seconds between sweeps


class Worker:
    """Takes turns one at a time, in the order the messages came."""

    def __init__(self, ledger: Ledger, conversations: Conversations, lease: float) -> None:
        self.id = uuid4()
        self._ledger = ledger
        self._conversations = conversations
        self._lease = lease

    async def take_turn(self) -> Outcome | None:
        """Answer the next message; None when there is none. Raises psycopg.Error."""
        claim = await self._ledger.claim(self.id, self._lease)
        if claim is None:
            return None
        result = await self._conversations.take(claim)
        try:
            await self._ledger.finish(claim, result)
        except LeaseLostError:
            log.warning("lease_lost", message_id=claim.message.id)
            return None
        log.info(
            "turn",
            message_id=claim.message.id,
            outcome=result.outcome,
            milliseconds=result.milliseconds,
            claims=claim.times,
        )
        return result.outcome


@asynccontextmanager
async def open_worker(settings: Settings, url: str, actions: str) -> AsyncIterator[Worker]:
    """A worker with its models loaded; `actions` names the package of custom actions."""
    catalogue = Catalogue.load()
    reader = Reader(settings.artifacts, settings.understand_timeout)
    loading = asyncio.create_task(reader.start())
    engine = await Engine.load(settings.rasa_model, actions)
    await loading
    async with open_pool(url) as pool:
        ledger = Ledger(pool, Seal.from_file(settings.keys))
        conversations = Conversations(
            ledger,
            reader,
            engine,
            Replies(Content.load(), catalogue, Policy.load()),
            Complexity.load(),
            settings.engine_timeout,
        )
        try:
            yield Worker(ledger, conversations, settings.lease)
        finally:
            reader.stop()


async def run(settings: Settings, url: str, actions: str, stop: asyncio.Event) -> None:
    """Take turns until `stop` is set; a database that goes away is waited for."""
    async with open_worker(settings, url, actions) as worker:
        log.info("worker_ready", worker=str(worker.id))
        wake = asyncio.Event()
        tasks = [
            asyncio.create_task(_listen(url, wake)),
            asyncio.create_task(_sweep_hourly(url)),
        ]
        try:
            while not stop.is_set():
                await _work(worker, wake)
        finally:
            for task in tasks:
                task.cancel()


async def _work(worker: Worker, wake: asyncio.Event) -> None:
    wake.clear()
    try:
        while await worker.take_turn() is not None:
            pass
    except (psycopg.Error, OSError) as error:
        log.warning("database_away", error=type(error).__name__)
        await asyncio.sleep(RETRY)
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(POLL):
            await wake.wait()


async def _listen(url: str, wake: asyncio.Event) -> None:
    await listen(url, [INCOMING], lambda channel, payload: wake.set())


async def _sweep_hourly(url: str) -> None:
    while True:
        with suppress(psycopg.Error, OSError):
            started = time.perf_counter()
            removed = await sweep(url, Catalogue.load().municipalities.values())
            log.info(
                "sweep", conversations=removed, seconds=round(time.perf_counter() - started, 2)
            )
        await asyncio.sleep(SWEEP)
