"""The audit log: one chain a municipality, in which every tampering shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import psycopg
import pytest

from bot import audit
from bot.audit import Operator
from bot.database import Connection, connect, migrate


@pytest.fixture
async def filled(fresh_database: str) -> AsyncIterator[str]:
    """A database with a chain of five rows in one municipality and two in another."""
    await migrate(fresh_database)
    async with await connect(fresh_database) as connection:
        for number in range(5):
            await audit.write(
                connection, Operator("flen"), "catalogue_edited", f"service:s{number}", fields=2
            )
        for _ in range(2):
            await audit.write(
                connection, Operator("gnesta"), "account_added", audit.account(uuid4())
            )
    return fresh_database


async def verdict(url: str, noted: tuple[int, str] | None = None) -> audit.Verdict:
    async with await connect(url) as connection:
        return await audit.verify(connection, "flen", noted)


async def tamper(url: str, statement: str) -> None:
    """As somebody who may do anything in the database."""
    async with await connect(url) as connection:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(statement.encode())


async def test_an_untouched_chain_is_whole(filled: str) -> None:
    found = await verdict(filled)
    assert (found.rows, found.broken) == (5, None)
    assert len(found.head) == 64


@pytest.mark.parametrize(
    ("statement", "broken", "fault"),
    [
        ("UPDATE audit_log SET subject = 'service:x' WHERE number = 3", 3, "changed"),
        ("UPDATE audit_log SET detail = '{}' WHERE number = 2", 2, "changed"),
        ("UPDATE audit_log SET at = at - interval '1 hour' WHERE number = 1", 1, "changed"),
        ("UPDATE audit_log SET hash = sha256('x') WHERE number = 4", 4, "changed"),
        ("DELETE FROM audit_log WHERE number = 2", 2, "missing"),
        ("DELETE FROM audit_log WHERE number = 5", 5, "cut"),
        ("DELETE FROM audit_log", 1, "cut"),
    ],
)
async def test_the_first_row_that_was_tampered_with_is_named(
    filled: str, statement: str, broken: int, fault: str
) -> None:
    await tamper(filled, statement)
    found = await verdict(filled)
    assert (found.broken, found.fault) == (broken, fault)


async def test_a_chain_written_anew_is_found_with_a_hash_noted_outside(filled: str) -> None:
    noted = (5, (await verdict(filled)).head)
    assert (await verdict(filled, noted)).broken is None
    await tamper(filled, "DELETE FROM audit_log")
    await tamper(filled, "UPDATE audit_heads SET number = 0, hash = decode(repeat('0', 64), 'hex')")
    async with await connect(filled) as connection:
        for number in range(5):
            await audit.write(
                connection, Operator("flen"), "catalogue_edited", f"service:s{number}", fields=2
            )
    assert (await verdict(filled)).broken is None
    found = await verdict(filled, noted)
    assert (found.broken, found.fault) == (5, "rewritten")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET act = 'signed_in'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "DELETE FROM audit_heads",
    ],
)
async def test_the_database_refuses_to_change_rows(filled: str, statement: str) -> None:
    async with await connect(filled) as connection:
        with pytest.raises(psycopg.errors.RaiseException, match="never changed"):
            await connection.execute(statement.encode())


async def test_a_row_stands_or_falls_with_the_act_it_tells_of(filled: str) -> None:
    async def act_that_fails(connection: Connection) -> None:
        async with connection.transaction():
            await audit.write(connection, Operator("flen"), "signed_in", audit.account(uuid4()))
            raise LookupError

    async with await connect(filled) as connection:
        with pytest.raises(LookupError):
            await act_that_fails(connection)
    assert (await verdict(filled)).rows == 5


async def test_writers_at_the_same_time_make_one_chain(filled: str) -> None:
    async def some(count: int) -> None:
        for _ in range(count):
            async with await connect(filled) as connection:
                await audit.write(connection, Operator("flen"), "signed_in", audit.account(uuid4()))

    await asyncio.gather(*(some(5) for _ in range(6)))
    found = await verdict(filled)
    assert (found.rows, found.broken) == (35, None)


async def test_a_sentence_cannot_become_a_detail(filled: str) -> None:
    async with await connect(filled) as connection:
        with pytest.raises(ValueError, match="code"):
            await audit.write(
                connection, Operator("flen"), "break_glass", "conversation:x", why="hon sa att"
            )


async def test_who_read_a_conversation_is_told_in_order(filled: str) -> None:
    mine, other = uuid4(), uuid4()
    async with await connect(filled) as connection:
        for act, which in (
            ("conversation_claimed", mine),
            ("conversation_read", other),
            ("break_glass", mine),
            ("conversation_closed", mine),
        ):
            await audit.write(connection, Operator("flen"), act, audit.conversation(which))  # type: ignore[arg-type]
        found = await audit.reads(connection, "flen", mine)
        assert [row.act for row in found] == ["conversation_claimed", "break_glass"]
        assert await audit.reads(connection, "gnesta", mine) == []


async def test_an_opening_is_unreviewed_until_an_auditor_has_seen_it(filled: str) -> None:
    async with await connect(filled) as connection:
        first = await audit.write(connection, Operator("flen"), "break_glass", "conversation:a")
        second = await audit.write(connection, Operator("flen"), "break_glass", "conversation:b")
        await audit.write(connection, Operator("flen"), "audit_reviewed", f"audit:{first}")
        assert [row.number for row in await audit.unreviewed(connection, "flen")] == [second]
