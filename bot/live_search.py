"""Search that follows the edits: a new index is made beside the one in use, then swapped in."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

import numpy as np

from bot.edits import Edits, read_edits, write_edits
from bot.log import get_log
from knowledge import index
from knowledge.catalogue import Catalogue
from knowledge.search import Search
from knowledge.words import Floats
from nlu.pipeline import Pipeline

log = get_log()
LAST_GOOD = "edits.json"  # the edits of the index that last worked
BUILDING = "building.lock"
BREATH = 0.002  # seconds between texts, so that a request that waits for the models gets them


class LiveSearch:
    """The search in use and the one in preparation; `models` is held by whoever runs a model."""

    def __init__(self, pipeline: Pipeline, artifacts: Path, edits: Edits) -> None:
        """Opens search for these edits, or for those that last worked. Raises when none does."""
        self.models = Lock()
        self._pipeline = pipeline
        self._artifacts = artifacts
        self._pool = ThreadPoolExecutor(1)
        self._next: Future[Search] | None = None
        try:
            self.edits, self.search = edits, self._opened(edits)
        except Exception as error:  # noqa: BLE001 - any broken build leaves what worked before
            log.error("catalogue_index_failed", error=type(error).__name__)
            self.edits = read_edits(artifacts / "catalogue" / LAST_GOOD)
            self.search = Search.load(artifacts, self.edits.applied_to(Catalogue.load()))

    def prepare(self, edits: Edits) -> None:
        """Begin to build and load search for other edits, in a thread."""
        self._next = self._pool.submit(self._opened, edits)

    def is_prepared(self) -> bool:
        """Whether `swap` can be called. Raises what the preparation raised."""
        if self._next is None:
            raise RuntimeError("nothing is in preparation")
        if not self._next.done():
            return False
        self._next.result()
        return True

    def swap(self) -> None:
        """Use what was prepared from the next request on."""
        if self._next is None or not self.is_prepared():
            raise RuntimeError("nothing is prepared")
        self.search, self._next = self._next.result(), None

    def _opened(self, edits: Edits) -> Search:
        return open_search(self._pipeline, self._artifacts, edits, self.models)


def open_search(
    pipeline: Pipeline, artifacts: Path, edits: Edits, models: Lock | None = None
) -> Search:
    """Search in the shipped catalogue with these edits; the index is built where it is not current.

    Only texts that are new are embedded. Raises OSError, ValueError and what the embedder raises;
    the index in use is then as it was.
    """
    catalogue = edits.applied_to(Catalogue.load())
    models = models or Lock()

    def embed(texts: Sequence[str]) -> Floats:
        return np.stack([_vector(pipeline, text, models) for text in texts])

    if not _is_current(catalogue, artifacts, pipeline):
        with building(artifacts):
            if not _is_current(catalogue, artifacts, pipeline):
                name, means = pipeline.embedder_name, pipeline.query_means
                index.build(catalogue, embed, artifacts, embedder=name, query_means=means)
    search = Search.load(artifacts, catalogue)
    with suppress(OSError):  # a folder that cannot be written holds what was delivered
        write_edits(artifacts / "catalogue" / LAST_GOOD, edits)
    return search


def _is_current(catalogue: Catalogue, artifacts: Path, pipeline: Pipeline) -> bool:
    return index.is_current(catalogue, artifacts, pipeline.embedder_name)


def _vector(pipeline: Pipeline, text: str, models: Lock) -> Floats:
    with models:
        vector = pipeline.passage_vector(text)
    time.sleep(BREATH)
    return vector


@contextmanager
def building(artifacts: Path) -> Iterator[None]:
    """One process at a time builds the index; the others wait. Raises OSError."""
    folder = artifacts / "catalogue"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / BUILDING).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
