"""A conversation whose time is over is gone: hidden at once, then nowhere, also not in a dump."""

from __future__ import annotations

import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from bot.backup import BackupError, backup, restore
from bot.database import connect, migrate, open_pool
from bot.keys import add_key, drop_old_keys, reseal
from bot.ledger import Ledger, TurnResult
from bot.messages import Author, IncomingMessage, Outcome, OutgoingMessage
from bot.privacy import Seal
from bot.retention import erase, parts_of, sweep
from knowledge.catalogue import Catalogue

CANARIES = 50
# Tables that keep no conversation's rows; one that is not listed fails the test.
OTHERS = {
    "arrivals",
    "audit_heads",
    "audit_log",
    "backup_codes",
    "barrier_reports",
    "catalogue_edits",
    "channel_costs",
    "channel_stops",
    "code_attempts",
    "concern_decisions",
    "conversations",
    "erasures",
    "gaps",
    "guide_desks",
    "guide_sessions",
    "guides",
    "handoff_events",
    "notices",
    "provider_sign_ins",
    "removals",
    "schema_migrations",
    "sign_in_attempts",
    "switches",
}


@pytest.fixture
async def ledger(fresh_database: str, tmp_path: Path) -> AsyncIterator[Ledger]:
    await migrate(fresh_database)
    async with open_pool(fresh_database) as pool:
        yield Ledger(pool, Seal.from_file(tmp_path / "text.key"))


async def talked(ledger: Ledger, canary: str) -> tuple[UUID, str]:
    """A conversation that was answered, with the canary wherever a value goes."""
    conversation, token = await ledger.open_conversation("demokommun", "web", "sv")
    await ledger.accept(conversation, IncomingMessage("web", f"{conversation}:{canary}", canary))
    claim = await ledger.claim(uuid4(), 60)
    assert claim is not None
    reply = OutgoingMessage(Author.BOT, f"svar {canary}", f"utter_{canary}", body={"c": canary})
    await ledger.finish(claim, TurnResult(Outcome.ANSWERED, [reply], 1, slots={"story": canary}))
    return conversation, token


async def dump(url: str, folder: Path) -> bytes:
    """Every row of every table, unpacked from a backup."""
    path = folder / f"{uuid4().hex}.zip"
    await backup(url, path)
    with zipfile.ZipFile(path) as archive:
        return b"".join(archive.read(name) for name in archive.namelist())


async def age(url: str, days: int) -> None:
    async with await connect(url) as connection:
        await connection.execute(
            "UPDATE conversations SET last_at = now() - make_interval(days => %s)", [days]
        )


async def test_fifty_canaries_are_hidden_then_leave_no_byte(
    ledger: Ledger, fresh_database: str, tmp_path: Path
) -> None:
    demo = Catalogue.load().municipalities["demokommun"]
    await sweep(fresh_database, [demo])
    talks = [await talked(ledger, f"canary{uuid4().hex}") for _ in range(CANARIES)]
    ids = [str(conversation) for conversation, _ in talks]
    before = await dump(fresh_database, tmp_path)
    assert all(one.encode() in before for one in ids)
    await sweep(fresh_database, [demo])  # learns how long the municipality keeps them
    await age(fresh_database, demo.retention_days + 1)
    for conversation, token in talks:
        with pytest.raises(KeyError):
            await ledger.by_token(conversation, token)
    assert await sweep(fresh_database, [demo]) == CANARIES
    after = await dump(fresh_database, tmp_path)
    assert b"canary" not in after
    assert [one for one in ids if one.encode() in after] == []
    protocol = await removals(fresh_database)
    assert protocol["conversations"] == CANARIES
    assert protocol["counts"]["messages"] == 2 * CANARIES
    assert protocol["counts"]["outcomes"] == CANARIES
    assert protocol["decision_reference"] == demo.retention_decision


async def removals(url: str) -> dict[str, object]:
    async with await connect(url) as connection:
        cursor = await connection.execute("SELECT * FROM removals ORDER BY id DESC LIMIT 1")
        row = await cursor.fetchone()
    assert row is not None
    return row


async def test_every_table_goes_with_the_conversation_or_is_listed(
    ledger: Ledger, fresh_database: str
) -> None:
    async with await connect(fresh_database) as connection:
        cursor = await connection.execute(
            "SELECT c.relname AS name, bool_or(f.confdeltype = 'c' AND "
            "f.confrelid = 'conversations'::regclass) AS goes FROM pg_class c "
            "LEFT JOIN pg_constraint f ON f.conrelid = c.oid AND f.contype = 'f' "
            "WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY 1"
        )
        tables = {row["name"]: bool(row["goes"]) for row in await cursor.fetchall()}
        parts = await parts_of(connection)
    assert {name for name, goes in tables.items() if goes} <= set(parts)
    assert {name for name, goes in tables.items() if not goes} == OTHERS


async def test_a_sweep_that_is_interrupted_removes_nothing(
    ledger: Ledger, fresh_database: str
) -> None:
    await talked(ledger, "canary")
    demo = Catalogue.load().municipalities["demokommun"]
    await age(fresh_database, 100)
    async with await connect(fresh_database) as connection:
        await connection.execute("ALTER TABLE erasures RENAME TO elsewhere")
    with pytest.raises(psycopg.errors.UndefinedTable):
        await sweep(fresh_database, [demo])
    async with await connect(fresh_database) as connection:
        cursor = await connection.execute("SELECT count(*) AS n FROM messages")
        assert await cursor.fetchone() == {"n": 2}


async def test_what_was_erased_after_a_copy_is_erased_again_when_it_is_restored(
    ledger: Ledger, fresh_database: str, tmp_path: Path
) -> None:
    gone, _ = await talked(ledger, "canary")
    kept, token = await talked(ledger, "kept")
    copy = tmp_path / "copy.zip"
    rows = await backup(fresh_database, copy)
    assert rows["messages"] == 4
    assert copy.stat().st_mode & 0o077 == 0
    async with await connect(fresh_database) as connection:
        await erase(connection, gone, "parent")
    new, _ = await talked(ledger, "after the copy")
    restored = await restore(fresh_database, copy)
    assert restored.erased_again == 1
    for conversation in (gone, new):
        with pytest.raises(KeyError):
            await ledger.conversation(conversation)
    assert (await ledger.by_token(kept, token)).id == kept
    messages = await ledger.messages(kept)
    assert [message.text for message in messages] == ["kept", "svar kept"]
    await talked(ledger, "numbers go on")


async def test_a_damaged_copy_changes_nothing(
    ledger: Ledger, fresh_database: str, tmp_path: Path
) -> None:
    conversation, _ = await talked(ledger, "kept")
    copy = tmp_path / "copy.zip"
    await backup(fresh_database, copy)
    copy.write_bytes(copy.read_bytes()[:-40])
    with pytest.raises(BackupError):
        await restore(fresh_database, copy)
    assert len(await ledger.messages(conversation)) == 2


async def test_migrations_go_down_and_up_on_a_filled_database(
    ledger: Ledger, fresh_database: str
) -> None:
    conversation, token = await talked(ledger, "kept")
    newest = max(await migrate(fresh_database, 4))
    assert newest > 4
    await migrate(fresh_database)
    assert (await ledger.by_token(conversation, token)).id == conversation
    assert len(await ledger.messages(conversation)) == 2


async def test_keys_are_rotated_and_the_old_one_is_needed_no_more(
    fresh_database: str, tmp_path: Path
) -> None:
    await migrate(fresh_database)
    keys = tmp_path / "text.key"
    async with open_pool(fresh_database) as pool:
        conversation, _ = await talked(Ledger(pool, Seal.from_file(keys)), "sealed by the old one")
        old = keys.read_text()
        assert add_key(keys) == 2
        assert await reseal(fresh_database, Seal.from_file(keys)) > 4
        assert drop_old_keys(keys) == 1
        assert old not in keys.read_text()
        messages = await Ledger(pool, Seal.from_file(keys)).messages(conversation)
    assert [message.text for message in messages] == [
        "sealed by the old one",
        "svar sealed by the old one",
    ]
