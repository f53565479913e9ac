"""Fixtures of the tests of the doors."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from bot.ledger import Ledger
from bot.settings import Settings
from bot.worker import Worker
from channels.phone_simulator.provider import Faults
from tests.channels.people import NewPerson
from tests.channels.phone import Phones4Tests, phones


@pytest.fixture
def new_person(client: httpx.AsyncClient, database_url: str) -> NewPerson:
    return NewPerson(client, database_url)


@pytest.fixture(scope="module")
async def provider(
    test_settings: Settings,
    database_url: str,
    ledger: Ledger,
    worker: Worker,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Phones4Tests]:
    """A simulated provider of SMS; a call makes a phone."""
    folder = tmp_path_factory.mktemp("phones")
    async with phones(test_settings, database_url, ledger, worker, folder) as opened:
        yield opened


@pytest.fixture
def new_phone(provider: Phones4Tests) -> Phones4Tests:
    """The provider, without the faults of the test before."""
    provider.simulator.faults = Faults()
    return provider


@pytest.fixture
async def nothing_booked(ledger: Ledger) -> None:
    """Every time is free, and nobody is signed in."""
    async with ledger.transaction() as connection:
        await connection.execute("DELETE FROM call_backs")
        await connection.execute("DELETE FROM guide_sessions")
