"""Migrations go forward and back."""

from __future__ import annotations

import pytest

from bot.database import connect, migrate


async def tables(url: str) -> set[str]:
    async with await connect(url) as connection:
        cursor = await connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        )
        return {row["table_name"] for row in await cursor.fetchall()}


async def test_migrations_go_up_down_and_up_again(fresh_database: str) -> None:
    ran = await migrate(fresh_database)
    assert ran == sorted(set(ran))
    filled = await tables(fresh_database)
    assert {"messages", "catalogue_edits"} <= filled
    assert await migrate(fresh_database, target=0) == ran[::-1]
    assert await tables(fresh_database) == {"schema_migrations"}
    assert await migrate(fresh_database) == ran
    assert await tables(fresh_database) == filled


async def test_a_migrated_database_is_left_alone(fresh_database: str) -> None:
    await migrate(fresh_database)
    assert await migrate(fresh_database) == []


async def test_a_database_from_a_newer_version_is_refused(fresh_database: str) -> None:
    await migrate(fresh_database)
    async with await connect(fresh_database) as connection:
        await connection.execute("INSERT INTO schema_migrations (version) VALUES (999)")
    with pytest.raises(RuntimeError, match="upgrade"):
        await migrate(fresh_database)


async def test_what_hangs_on_a_removed_row_is_found_by_an_index(database_url: str) -> None:
    async with await connect(database_url) as connection:
        cursor = await connection.execute(
            "SELECT f.conrelid::regclass::text AS name, a.attname AS column FROM pg_constraint f "
            "JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1] "
            "WHERE f.contype = 'f' AND f.confdeltype = 'c' AND NOT EXISTS ("
            "SELECT 1 FROM pg_index i WHERE i.indrelid = f.conrelid AND i.indkey[0] = f.conkey[1])"
        )
        slow = {(row["name"], row["column"]) for row in await cursor.fetchall()}
    assert slow == set()
