"""A conversation whose time is over is gone: hidden at once, then nowhere, also not in a dump."""

from __future__ import annotations

import json
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
from channels.datamap import lifetimes
from knowledge.catalogue import Catalogue
from tests.security.filled import fill

CANARIES = 50
# Said by the data map to hold what belongs to a parent, or came from her phone or browser.
PARENTS = {"conversation", "swept"}
NOT_BY_CHANCE = {"schema_migrations"}


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


async def test_no_table_with_what_parents_gave_keeps_a_row_that_is_too_old(
    ledger: Ledger, fresh_database: str, tmp_path: Path
) -> None:
    demo = Catalogue.load().municipalities["demokommun"]
    async with await connect(fresh_database) as connection:
        until = await lifetimes(connection)
        wanted = {name for name, when in until.items() if when in PARENTS}
        conversation = await fill(connection, "canary", wanted)
    before = await rows(fresh_database, wanted)
    assert {name for name, count in before.items() if count == 0} == set()
    await sweep(fresh_database, [demo])
    assert await rows(fresh_database, wanted) == dict.fromkeys(wanted, 0)
    after = await dump(fresh_database, tmp_path)
    assert b"canary" not in after
    assert str(conversation).encode() not in after
    counted = (await removals(fresh_database))["counts"]
    async with await connect(fresh_database) as connection:
        assert counted == dict.fromkeys(await parts_of(connection), 1)


async def rows(url: str, names: set[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    async with await connect(url) as connection:
        for name in names:
            cursor = await connection.execute(f"SELECT count(*) AS n FROM {name}".encode())
            row = await cursor.fetchone()
            found[name] = row["n"] if row else 0
    return found


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


async def test_a_restore_that_breaks_off_changes_nothing(
    ledger: Ledger, fresh_database: str, tmp_path: Path
) -> None:
    await talked(ledger, "in the copy")
    copy = tmp_path / "copy.zip"
    await backup(fresh_database, copy)
    conversation, token = await talked(ledger, "after the copy")
    _change_manifest(copy, version=4)  # its tables are those of today: the copying in fails
    with pytest.raises(psycopg.Error):
        await restore(fresh_database, copy)
    assert (await ledger.by_token(conversation, token)).id == conversation
    assert len(await ledger.messages(conversation)) == 2
    assert await migrate(fresh_database) == []


async def test_a_copy_of_an_older_version_is_brought_up_to_date(
    ledger: Ledger, fresh_database: str, tmp_path: Path
) -> None:
    kept, token = await talked(ledger, "kept")
    await migrate(fresh_database, 9)
    copy = tmp_path / "copy.zip"
    await backup(fresh_database, copy)
    await migrate(fresh_database)
    new, _ = await talked(ledger, "after the copy")
    await restore(fresh_database, copy)
    assert (await ledger.by_token(kept, token)).id == kept
    with pytest.raises(KeyError):
        await ledger.conversation(new)
    assert await migrate(fresh_database) == []


async def test_a_copy_of_a_newer_version_is_refused(
    ledger: Ledger, fresh_database: str, tmp_path: Path
) -> None:
    conversation, _ = await talked(ledger, "kept")
    copy = tmp_path / "copy.zip"
    await backup(fresh_database, copy)
    _change_manifest(copy, version=999)
    with pytest.raises(BackupError, match="newer"):
        await restore(fresh_database, copy)
    assert len(await ledger.messages(conversation)) == 2


def _change_manifest(copy: Path, **changes: object) -> None:
    with zipfile.ZipFile(copy) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = {**json.loads(members["manifest.json"]), **changes}
    members["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(copy, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


async def test_migrations_go_down_and_up_on_a_filled_database(
    ledger: Ledger, fresh_database: str
) -> None:
    conversation, token = await talked(ledger, "kept")
    async with await connect(fresh_database) as connection:
        await fill(connection, "old", {*(await lifetimes(connection))} - NOT_BY_CHANCE)
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
