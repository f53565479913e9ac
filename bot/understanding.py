"""Understanding and search in a child process that can be killed: a C call cannot be cancelled."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from knowledge.catalogue import Catalogue
from knowledge.search import Query, Reason, Search
from nlu.pipeline import Pipeline, Understanding

WARM_UP = "hej"
START_TIMEOUT = 60.0  # seconds to load models and indexes


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

    def __init__(self, artifacts: Path, timeout: float) -> None:
        self._artifacts = artifacts
        self._timeout = timeout
        self._child: BaseProcess | None = None
        self._pipe: Pipe | None = None
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        """Load the models now, so that the first parent does not wait."""
        async with self._lock:
            await self._ensure_running()

    async def understand(self, text: str, hint: str | None = None) -> Understanding:
        """What the parent meant. Raises UnderstandingError, also when it takes too long."""
        understanding: Understanding = await self._ask("understand", text, hint)
        return understanding

    async def find(self, municipality: str, wanted: Wanted, k: int = 3) -> list[Found]:
        """The best matches. Raises UnderstandingError, also when it takes too long."""
        found: list[Found] = await self._ask("find", municipality, wanted, k)
        return found

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
            pipe = await self._ensure_running()
            try:
                pipe.send(request)
                return await self._answer(pipe, self._timeout)
            except (EOFError, OSError) as error:
                self.stop()
                raise UnderstandingError("the child died") from error

    async def _ensure_running(self) -> Pipe:
        if self._child is not None and self._child.is_alive() and self._pipe is not None:
            return self._pipe
        self.stop()
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._child = context.Process(target=_serve, args=(theirs, self._artifacts), daemon=True)
        self._child.start()
        theirs.close()
        try:
            await self._answer(self._pipe, START_TIMEOUT)
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


def _serve(pipe: Pipe, artifacts: Path) -> None:
    """The child's life: load, say so, answer until the pipe closes."""
    try:
        pipeline = Pipeline.load(artifacts)
        catalogue = Catalogue.load()
        search = Search.load(artifacts, catalogue)
        pipeline.understand(WARM_UP)  # the first use is slow; no parent should be it
    except Exception as error:  # noqa: BLE001 - told to the process that waits
        pipe.send((False, f"{type(error).__name__}: {error}"))
        return
    pipe.send((True, None))
    while True:
        try:
            request = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            pipe.send((True, _answered(pipeline, search, *request)))
        except Exception as error:  # noqa: BLE001 - the waiting process decides; no text in it
            pipe.send((False, type(error).__name__))


def _answered(pipeline: Pipeline, search: Search, task: str, *given: Any) -> Any:
    if task == "understand":
        return pipeline.understand(*given)
    return find(pipeline, search, *given)


def find(
    pipeline: Pipeline, search: Search, municipality: str, wanted: Wanted, k: int
) -> list[Found]:
    """Search in this process; the child and the command line share it."""
    query = Query(
        text=wanted.text,
        vector=pipeline.vector(wanted.text, wanted.language),
        needs=wanted.needs,
        child_ages=wanted.child_ages,
        relation=wanted.relation,
        avoid_kinds=wanted.avoid_kinds,
        language=wanted.language,
    )
    matches = search.find(municipality, query, k)
    return [Found(m.service.id, m.score, _plain(m.reasons)) for m in matches]


def _plain(reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    return tuple(Reason(reason.id, dict(reason.values)) for reason in reasons)
