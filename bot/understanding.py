"""Understanding and search in a child process that can be killed: a C call cannot be cancelled."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot import faults
from bot.edits import Edits
from knowledge.search import Query, Reason, Search

if TYPE_CHECKING:  # the models are the child's; the process that asks starts without them
    from bot.live_search import LiveSearch
    from nlu.pipeline import Pipeline, Understanding

WARM_UP = "hej"
START_TIMEOUT = 180.0  # seconds to load models and indexes; turns do not wait that long
MOST_LOADING = 10.0  # seconds that messages wait for models that load; then they are not read
RETRY_START = 10.0  # seconds between starts when the models cannot be loaded
PREPARE_TIMEOUT = 300.0  # seconds to build and load the index of an edited catalogue
PREPARE_POLL = 0.1  # seconds between looks


class UnderstandingError(RuntimeError):
    """The child failed; the parent gets the fixed text."""


class UnderstandingTimeoutError(UnderstandingError):
    """The child did not answer in time and was killed."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to search for: the parent's words and the facts known of the case."""

    text: str
    language: str
    needs: Mapping[str, float]
    child_ages: tuple[int, ...] = ()
    relation: str | None = None
    avoid_kinds: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Found:
    """A match by id, as it travels between processes."""

    service_id: str
    score: float
    reasons: tuple[Reason, ...]


class Reader:
    """Owns the child; started when first used, and again after it was killed or died."""

    def __init__(self, artifacts: Path, timeout: float, edits: Edits | None = None) -> None:
        """`edits` are those of the catalogue to search; `self.edits` are those in use."""
        self.edits = edits or Edits()
        self._artifacts = artifacts
        self._timeout = timeout
        self._child: BaseProcess | None = None
        self._pipe: Pipe | None = None
        self._lock = asyncio.Lock()
        self._starting: asyncio.Task[Pipe] | None = None
        self._failed_at = self._begun_at = float("-inf")

    @property
    def is_loading(self) -> bool:
        """Whether the models load, and have not done so for long."""
        return self._starting is not None and time.monotonic() < self._begun_at + MOST_LOADING

    async def start(self) -> None:
        """Load the models now, so that the first parent does not wait."""
        await self._running(START_TIMEOUT)

    async def understand(self, text: str, hint: str | None = None) -> Understanding:
        """What the parent meant. Raises UnderstandingError, also when it takes too long."""
        understanding: Understanding = await self._ask("understand", text, hint)
        return understanding

    async def find(self, municipality: str, wanted: Wanted, k: int = 3) -> list[Found]:
        """The best matches. Raises UnderstandingError, also when it takes too long."""
        found: list[Found] = await self._ask("find", municipality, wanted, k)
        return found

    async def prepare(self, edits: Edits) -> None:
        """Make search for other edits, while requests are answered as before.

        Raises UnderstandingError and TimeoutError; search is then as it was.
        """
        await self._ask("prepare", edits)
        async with asyncio.timeout(PREPARE_TIMEOUT):
            while not await self._ask("is_prepared"):
                await asyncio.sleep(PREPARE_POLL)

    async def swap(self, edits: Edits) -> None:
        """Search what was prepared for these edits. Raises UnderstandingError."""
        await self._ask("swap")
        self.edits = edits

    def stop(self) -> None:
        """Kill the child; it holds nothing that could be lost."""
        if self._child is not None:
            self._child.kill()
            self._child.join()
        if self._pipe is not None:
            self._pipe.close()
        self._child = self._pipe = None

    async def _ask(self, *request: Any) -> Any:
        async with self._lock:
            pipe = await self._running(self._timeout)
            try:
                pipe.send(request)
                return await self._answer(pipe, self._timeout)
            except UnderstandingTimeoutError:
                self._begin()
                raise
            except (EOFError, OSError) as error:
                self.stop()
                self._begin()
                raise UnderstandingError("the child died") from error

    async def _running(self, patience: float) -> Pipe:
        """The pipe to a child that has loaded; it goes on loading when patience ends."""
        if self._child is not None and self._child.is_alive() and self._pipe is not None:
            if self._starting is None:
                return self._pipe
        elif self._starting is None and time.monotonic() < self._failed_at + RETRY_START:
            raise UnderstandingError("the models could not be loaded")
        try:
            async with asyncio.timeout(patience):
                return await asyncio.shield(self._starting or self._begin())
        except TimeoutError as error:
            raise UnderstandingTimeoutError("the models are not loaded yet") from error

    def _begin(self) -> asyncio.Task[Pipe]:
        """Load in the background; who needs the models waits for the task."""
        self._begun_at = time.monotonic()
        self._starting = asyncio.create_task(self._start_child())
        self._starting.add_done_callback(_heard)
        return self._starting

    async def _start_child(self) -> Pipe:
        try:
            return await self._new_child()
        except UnderstandingError:
            self._failed_at = time.monotonic()
            raise
        finally:
            self._starting = None

    async def _new_child(self) -> Pipe:
        self.stop()
        # A second thread of the matrix library only waits, and burns a whole core doing so.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        given = (theirs, self._artifacts, self.edits)
        self._child = context.Process(target=_serve, args=given, daemon=True)
        self._child.start()
        theirs.close()
        try:
            self.edits = await self._answer(self._pipe, START_TIMEOUT)
        except (EOFError, OSError) as error:
            self.stop()
            raise UnderstandingError("the child could not start") from error
        return self._pipe

    async def _answer(self, pipe: Pipe, timeout: float) -> Any:
        has_answer = await asyncio.to_thread(pipe.poll, timeout)
        if not has_answer:
            self.stop()
            raise UnderstandingTimeoutError(f"no answer in {timeout} s")
        is_fine, content = pipe.recv()
        if not is_fine:
            raise UnderstandingError(content)
        return content


def _heard(loading: asyncio.Task[Pipe]) -> None:
    """A failure is told to who asks next; nobody may be waiting for it now."""
    if not loading.cancelled():
        loading.exception()


def _serve(pipe: Pipe, artifacts: Path, edits: Edits) -> None:
    """The child's life: load, say so, answer until the pipe closes."""
    from bot.live_search import LiveSearch
    from nlu.pipeline import Pipeline

    try:
        pipeline = Pipeline.load(artifacts)
        live = LiveSearch(pipeline, artifacts, edits)
        pipeline.understand(WARM_UP)  # the first use is slow; no parent should be it
    except Exception as error:  # noqa: BLE001 - told to the process that waits
        pipe.send((False, f"{type(error).__name__}: {error}"))
        return
    pipe.send((True, live.edits))
    while True:
        try:
            request = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            pipe.send((True, _answered(pipeline, live, *request)))
        except Exception as error:  # noqa: BLE001 - the waiting process decides; no text in it
            pipe.send((False, type(error).__name__))


def _answered(pipeline: Pipeline, live: LiveSearch, task: str, *given: Any) -> Any:
    faults.reach("understanding")
    if task == "understand":
        with live.models:
            return pipeline.understand(*given)
    if task == "find":
        with live.models:
            return find(pipeline, live.search, *given)
    tasks: dict[str, Callable[..., Any]] = {
        "prepare": live.prepare,
        "is_prepared": live.is_prepared,
        "swap": live.swap,
    }
    return tasks[task](*given)


def find(
    pipeline: Pipeline, search: Search, municipality: str, wanted: Wanted, k: int
) -> list[Found]:
    """Search in this process; the child and the command line share it."""
    matches = search.find(municipality, as_query(pipeline, wanted), k)
    return [Found(m.service.id, m.score, _plain(m.reasons)) for m in matches]


def as_query(pipeline: Pipeline, wanted: Wanted) -> Query:
    """The query of what is wanted: its words as a vector and as kinds of support.

    Help lines for danger come first only where the danger is sure; else they fit or do not.
    """
    check = pipeline.understand(wanted.text, wanted.language).safety
    return Query(
        text=wanted.text,
        vector=pipeline.vector(wanted.text, wanted.language),
        needs=wanted.needs,
        kinds=pipeline.kinds(wanted.text, wanted.language),
        dangers=check.categories if check.sure else (),
        child_ages=wanted.child_ages,
        relation=wanted.relation,
        avoid_kinds=wanted.avoid_kinds,
        language=wanted.language,
    )


def _plain(reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    return tuple(Reason(reason.id, dict(reason.values)) for reason in reasons)
