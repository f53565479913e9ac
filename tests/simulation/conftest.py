"""What the tests of the simulated parent share: the product, and many conversations with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import pytest

from bot.worker import Worker
from channels.simulation.measures import KindsOf
from channels.simulation.run import kinds_in
from channels.simulation.talk import HttpBot
from knowledge.catalogue import Catalogue

NewBot = Callable[[], HttpBot]
Talk = Callable[..., Awaitable[object]]


@pytest.fixture(scope="session")
def kinds_of(catalogue: Catalogue) -> KindsOf:
    return kinds_in(catalogue)


@pytest.fixture
def new_bot(client: httpx.AsyncClient, worker: Worker) -> NewBot:
    """The product over HTTP, a conversation of its own each time."""
    return lambda: HttpBot(client, worker.take_turn)
