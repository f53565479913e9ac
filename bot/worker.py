"""The worker process: claims messages, takes turns, one commit each; sweeps by the hour."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg

from bot import faults
from bot.complexity import Complexity
from bot.content import Content
from bot.conversation import Conversations
from bot.database import RETRY, listen, open_pool
from bot.edits import Edits, remembered, watch
from bot.engine.compile import Policy
from bot.handoff_clock import HandoffClock
from bot.ledger import INCOMING, LeaseLostError, Ledger
from bot.log import get_log
from bot.messages import Outcome
from bot.presence import Presence
from bot.privacy import Seal
from bot.reminders import Reach, nowhere
from bot.replies import Replies
from bot.retention import sweep
from bot.settings import Settings
from bot.understanding import Reader, UnderstandingError
from knowledge.catalogue import Catalogue
from nlu import safety

if TYPE_CHECKING:
    from bot.engine.engine import Engine

log = get_log()
POLL = 1.0  # seconds between looks when no notice comes: an expired lease gives none
POLL_LOADING = 0.1  # the same while the models load, which gives no notice either
SWEEP = 3600.0  # seconds between sweeps
TICK = 5.0  # seconds between looks at promised times and silent guides


class Worker:
    """Takes turns one at a time, in the order the messages came."""

    def __init__(
        self,
        ledger: Ledger,
        conversations: Conversations,
        lease: float,
        reader: Reader,
        replies: Replies,
        shipped: Catalogue,
    ) -> None:
        self.id = uuid4()
        self._ledger = ledger
        self._conversations = conversations
        self._lease = lease
        self._reader = reader
        self._replies = replies
        self._shipped = shipped
        self._turn = asyncio.Lock()
        self.handoff_clock = HandoffClock(ledger, replies)
        self.use(reader.edits)

    @property
    def edits(self) -> Edits:
        """The edits of the catalogue in use."""
        return self._reader.edits

    @property
    def is_loading(self) -> bool:
        """Whether what has to be read waits for the models."""
        return self._reader.is_loading

    def use(self, edits: Edits) -> None:
        """Word replies from the catalogue with these edits."""
        self._replies.catalogue = edits.applied_to(self._shipped)

    async def reload(self, edits: Edits) -> None:
        """Serve the catalogue with these edits, from one turn to the next.

        When that fails, for whatever reason, everything is as it was.
        """
        started = time.perf_counter()
        try:
            await self._reader.prepare(edits)
            async with self._turn:
                await self._reader.swap(edits)
                self.use(edits)
        except Exception as error:  # noqa: BLE001 - parents are answered from the catalogue in use
            reason = str(error) if isinstance(error, UnderstandingError) else type(error).__name__
            log.error("catalogue_reload_failed", version=edits.version, error=reason)
            return
        seconds = round(time.perf_counter() - started, 2)
        log.info("catalogue_reloaded", version=edits.version, seconds=seconds)

    async def take_turn(self) -> Outcome | None:
        """Answer the next message; None when there is none. Raises psycopg.Error.

        While the models load, what has to be read waits for them, and what was pressed does not.
        """
        claim = await self._ledger.claim(self.id, self._lease, leaves_words=self.is_loading)
        if claim is None:
            return None
        faults.reach("claimed")
        async with self._turn:
            result = await self._conversations.take(claim)
        try:
            await self._ledger.finish(claim, result)
        except LeaseLostError:
            log.warning("lease_lost", message_id=claim.message.id)
            return None
        faults.reach("finished")
        log.info(
            "turn",
            message_id=claim.message.id,
            outcome=result.outcome,
            milliseconds=result.milliseconds,
            claims=claim.times,
        )
        return result.outcome


@asynccontextmanager
async def open_worker(
    settings: Settings, url: str, actions: str, *, is_whole: bool = True, reach: Reach = nowhere
) -> AsyncIterator[Worker]:
    """A worker with its models loaded; `actions` names the package of custom actions.

    One that need not be whole answers while the models load, and with the fixed text where one is
    missing: what needs no model does not wait for it. Otherwise what is missing raises.
    """
    reader = Reader(settings.artifacts, settings.understand_timeout, remembered(settings))
    loading = asyncio.create_task(reader.start())
    await asyncio.sleep(0)  # its process starts now, and loads while this one does
    shipped = Catalogue.load()
    engine = await _engine(settings, actions, is_whole=is_whole)
    # The word lists are read now, not in the first turn that needs them.
    words = asyncio.create_task(asyncio.to_thread(safety.check, ""))
    if is_whole:
        await asyncio.gather(loading, words)
    else:
        loading.add_done_callback(_say_how_it_went)
    async with open_pool(url) as pool:
        ledger = Ledger(pool, Seal.from_file(settings.keys))
        replies = Replies(Content.load(), shipped, Policy.load())
        conversations = Conversations(
            ledger,
            reader,
            engine,
            replies,
            Complexity.load(),
            settings.engine_timeout,
            reach,
        )
        try:
            yield Worker(ledger, conversations, settings.lease, reader, replies, shipped)
        finally:
            reader.stop()


async def _engine(settings: Settings, actions: str, *, is_whole: bool) -> Engine | None:
    from bot.engine.engine import Engine  # Rasa is slow to load; the models load meanwhile

    try:
        return await Engine.load(settings.rasa_model, actions, Policy.load())
    except Exception as error:
        if is_whole:
            raise
        log.error("engine_missing", error=type(error).__name__)
        return None


def _say_how_it_went(loading: asyncio.Task[None]) -> None:
    if loading.cancelled():
        return
    if error := loading.exception():
        log.error("models_missing", error=type(error).__name__)
    else:
        log.info("models_loaded")


async def run(
    settings: Settings,
    url: str,
    actions: str,
    stop: asyncio.Event,
    beside: Sequence[Callable[[Settings, str], Coroutine[Any, Any, None]]] = (),
    reach: Reach = nowhere,
) -> None:
    """Take turns until `stop` is set; a database that goes away is waited for.

    `beside` is what this process does as well, until it ends; `reach` is where it can send notices.
    """
    async with open_worker(settings, url, actions, is_whole=False, reach=reach) as worker:
        presence = Presence(url, worker.id)
        keeping = asyncio.create_task(presence.keep())
        await presence.held()
        log.info("worker_ready", worker=str(worker.id))
        wake = asyncio.Event()
        tasks = [
            keeping,
            asyncio.create_task(_listen(url, wake)),
            asyncio.create_task(_sweep_hourly(url)),
            asyncio.create_task(_watch_handoffs(worker.handoff_clock)),
            asyncio.create_task(watch(url, settings, lambda: worker.edits, worker.reload)),
            *(asyncio.create_task(other(settings, url)) for other in beside),
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
        async with asyncio.timeout(POLL_LOADING if worker.is_loading else POLL):
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


async def _watch_handoffs(handoff_clock: HandoffClock) -> None:
    while True:
        try:
            told = await handoff_clock.tick()
            if told:
                log.info("handoffs_told", conversations=told)
        except (psycopg.Error, OSError) as error:
            log.warning("database_away", error=type(error).__name__)
        except Exception as error:  # noqa: BLE001 - the next look may succeed; turns go on
            log.error("handoff_clock_failed", error=type(error).__name__)
        await asyncio.sleep(TICK)
