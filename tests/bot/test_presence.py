"""A dead worker's messages are free at once; a living one keeps hers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from bot.database import connect, migrate, open_pool
from bot.ledger import Ledger
from bot.messages import IncomingMessage
from bot.presence import Presence, free_dead_claims
from bot.privacy import Seal

LONG = 3600.0  # seconds of lease: nothing here comes free by waiting


@pytest.fixture
async def ledger(fresh_database: str, tmp_path: Path) -> AsyncIterator[Ledger]:
    await migrate(fresh_database)
    async with open_pool(fresh_database) as pool:
        yield Ledger(pool, Seal.from_file(tmp_path / "text.key"))


@asynccontextmanager
async def living(url: str) -> AsyncIterator[UUID]:
    """A worker that is present until the block ends."""
    worker = uuid4()
    presence = Presence(url, worker)
    keeping = asyncio.create_task(presence.keep())
    await presence.held()
    yield worker
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


async def a_message(ledger: Ledger) -> None:
    conversation, _ = await ledger.open_conversation("strangnas", "web", "sv")
    await ledger.accept(conversation, IncomingMessage("web", str(uuid4()), "hej"))


async def freed(url: str) -> int:
    async with await connect(url, autocommit=True) as connection:
        return await free_dead_claims(connection)


async def test_the_claim_of_a_worker_that_is_gone_is_free_though_its_lease_is_long(
    ledger: Ledger, fresh_database: str
) -> None:
    await a_message(ledger)
    async with living(fresh_database) as dead:
        claim = await ledger.claim(dead, LONG)
    assert claim is not None
    assert await ledger.claim(uuid4(), LONG) is None
    assert await freed(fresh_database) == 1
    again = await ledger.claim(uuid4(), LONG)
    assert again is not None
    assert again.message.id == claim.message.id


async def test_the_claim_of_a_living_worker_is_left(ledger: Ledger, fresh_database: str) -> None:
    await a_message(ledger)
    async with living(fresh_database) as worker:
        assert await ledger.claim(worker, LONG) is not None
        assert await freed(fresh_database) == 0
        assert await ledger.claim(uuid4(), LONG) is None


async def test_a_worker_that_comes_frees_what_the_dead_one_left_by_itself(
    ledger: Ledger, fresh_database: str
) -> None:
    await a_message(ledger)
    await ledger.claim(uuid4(), LONG)
    async with living(fresh_database) as successor, asyncio.timeout(10):
        while await ledger.claim(successor, LONG) is None:
            await asyncio.sleep(0.05)


async def test_a_worker_whose_session_was_cut_is_present_again(
    ledger: Ledger, fresh_database: str
) -> None:
    await a_message(ledger)
    async with living(fresh_database) as worker:
        await cut_other_sessions(fresh_database)
        async with asyncio.timeout(20):
            while not await is_present(fresh_database):
                await asyncio.sleep(0.1)
        assert await ledger.claim(worker, LONG) is not None
        assert await freed(fresh_database) == 0


async def cut_other_sessions(url: str) -> None:
    async with await connect(url, autocommit=True) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        )


async def is_present(url: str) -> bool:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        cursor = await connection.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = "
            "(SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        row = await cursor.fetchone()
    return row is not None and row[0] == 1
