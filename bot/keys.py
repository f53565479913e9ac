"""A new key in front of the old ones, and stored texts sealed anew with it."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.fernet import Fernet
from psycopg import sql

from bot.database import Connection, connect
from bot.privacy import Seal


def add_key(path: Path) -> int:
    """Put a new key first; older ones still open. Returns how many there are now."""
    keys = [line for line in path.read_text().split() if line] if path.exists() else []
    keys.insert(0, Fernet.generate_key().decode())
    _replace(path, keys)
    return len(keys)


def drop_old_keys(path: Path) -> int:
    """Keep the newest key alone; returns how many went. Only after everything is sealed anew."""
    keys = [line for line in path.read_text().split() if line]
    _replace(path, keys[:1])
    return len(keys) - 1


def _replace(path: Path, keys: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("\n".join(keys) + "\n")
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)


async def reseal(url: str, seal: Seal) -> int:
    """Seal every stored text with the newest key, one commit a column; returns how many texts.

    Every process must have the new key before; turns wait for the rows meanwhile, so do it when few
    write. Raises SealError when no key opens a text.
    """
    done = 0
    async with await connect(url) as connection:
        columns = await _sealed_columns(connection)
    for table, column in columns:
        done += await _reseal_column(url, seal, table, column)
    return done


async def _sealed_columns(connection: Connection) -> list[tuple[str, str]]:
    cursor = await connection.execute(
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND column_name LIKE 'sealed\\_%' ORDER BY 1, 2"
    )
    return [(row["table_name"], row["column_name"]) for row in await cursor.fetchall()]


async def _reseal_column(url: str, seal: Seal, table: str, column: str) -> int:
    names = {"table": sql.Identifier(table), "column": sql.Identifier(column)}
    walk = sql.SQL(
        "DECLARE walk CURSOR FOR SELECT {column} AS old FROM {table} "
        "WHERE {column} IS NOT NULL FOR UPDATE"
    ).format(**names)
    update = sql.SQL("UPDATE {table} SET {column} = %s WHERE CURRENT OF walk").format(**names)
    done = 0
    async with await connect(url) as connection:
        await connection.execute(walk)
        while True:
            cursor = await connection.execute("FETCH NEXT FROM walk")
            row = await cursor.fetchone()
            if row is None:
                return done
            await connection.execute(update, [seal.reseal(bytes(row["old"]))])
            done += 1
