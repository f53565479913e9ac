"""A copy of the whole database in one file, and back, without any other program.

The file is a zip with one member a table (PostgreSQL's own COPY text) and a manifest with counts
and checksums. Texts in it are encrypted as they are in the database; the keys are not in it.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import sql

from bot.database import Connection, connect, migrate_on
from bot.retention import erase_again, erased_hashes

MANIFEST = "manifest.json"


class BackupError(RuntimeError):
    """The file is no backup, or is damaged; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back, and what was removed again because it had been erased since."""

    rows: dict[str, int]
    erased_again: int


async def backup(url: str, path: Path) -> dict[str, int]:
    """Write every table as of one moment; returns the rows per table. The product may run."""
    partly = path.with_suffix(path.suffix + ".partly")
    rows: dict[str, int] = {}
    sums: dict[str, str] = {}
    async with await connect(url) as connection:
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        version = await _value(connection, "SELECT max(version) AS v FROM schema_migrations")
        descriptor = os.open(partly, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with (
            os.fdopen(descriptor, "wb") as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        ):
            for table in await tables(connection):
                sums[table] = await _copy_out(connection, archive, table)
                count = sql.SQL("SELECT count(*) AS v FROM {}").format(sql.Identifier(table))
                rows[table] = await _value(connection, count)
            manifest = {"version": version, "rows": rows, "sha256": sums}
            archive.writestr(MANIFEST, json.dumps(manifest))
    partly.rename(path)
    return rows


async def restore(url: str, path: Path) -> Restored:
    """Replace the database's content by a copy, in one commit: whatever fails, nothing changed.

    What was erased after the copy was made is erased again, as far as the database that is replaced
    knows of it. Raises BackupError; psycopg.Error where the product still holds a table.
    """
    manifest = _checked(path)
    async with await connect(url) as connection:
        await migrate_on(connection)
        erased = await erased_hashes(connection)
        try:
            await migrate_on(connection, manifest["version"])
        except RuntimeError as error:
            raise BackupError(f"{path} is of a newer version") from error
        await _replace(connection, path)
        await migrate_on(connection)
        again = await erase_again(connection, {**await erased_hashes(connection), **erased})
    return Restored(manifest["rows"], again)


async def _replace(connection: Connection, path: Path) -> None:
    known = await tables(connection)
    await _set_triggers(connection, known, "DISABLE")  # some refuse to lose rows
    await connection.execute(
        sql.SQL("TRUNCATE {} CASCADE").format(sql.SQL(", ").join(map(sql.Identifier, known)))
    )
    with zipfile.ZipFile(path) as archive:
        for table in known:
            await _copy_in(connection, archive, table)
            await _continue_numbers(connection, table)
    await _set_triggers(connection, known, "ENABLE")


def _checked(path: Path) -> dict[str, Any]:
    """The manifest of a whole and undamaged file."""
    try:
        with zipfile.ZipFile(path) as archive:
            manifest: dict[str, Any] = json.loads(archive.read(MANIFEST))
            for table, expected in manifest["sha256"].items():
                found = hashlib.sha256()
                with archive.open(f"{table}.copy") as member:
                    while block := member.read(1 << 20):
                        found.update(block)
                if found.hexdigest() != expected:
                    raise BackupError(f"{path}: {table} is damaged")
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise BackupError(f"{path} is no whole backup") from error
    return manifest


async def _set_triggers(connection: Connection, names: list[str], how: str) -> None:
    """Only the tables' owner can, and only until the commit of the restore."""
    for name in names:
        await connection.execute(
            sql.SQL("ALTER TABLE {} {} TRIGGER USER").format(sql.Identifier(name), sql.SQL(how))
        )


async def tables(connection: Connection) -> list[str]:
    """Every table, those that others refer to first."""
    cursor = await connection.execute(
        "SELECT c.oid::regclass::text AS name, coalesce(array_agg(f.confrelid::regclass::text) "
        "FILTER (WHERE f.confrelid <> c.oid), '{}') AS needs FROM pg_class c "
        "LEFT JOIN pg_constraint f ON f.conrelid = c.oid AND f.contype = 'f' "
        "WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace "
        "AND c.relname <> 'schema_migrations' GROUP BY c.oid"
    )
    left = {row["name"]: set(row["needs"]) for row in await cursor.fetchall()}
    ordered: list[str] = []
    while left:
        free = sorted(name for name, needs in left.items() if needs <= set(ordered))
        ordered += free
        left = {name: needs for name, needs in left.items() if name not in free}
    return ordered


async def _copy_out(connection: Connection, archive: zipfile.ZipFile, table: str) -> str:
    found = hashlib.sha256()
    query = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))
    async with connection.cursor() as cursor, cursor.copy(query) as copy:
        with archive.open(f"{table}.copy", "w", force_zip64=True) as member:
            async for block in copy:
                member.write(block)
                found.update(block)
    return found.hexdigest()


async def _copy_in(connection: Connection, archive: zipfile.ZipFile, table: str) -> None:
    query = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))
    async with connection.cursor() as cursor, cursor.copy(query) as copy:
        with archive.open(f"{table}.copy") as member:
            while block := member.read(1 << 20):
                await copy.write(block)


async def _continue_numbers(connection: Connection, table: str) -> None:
    """Rows to come are numbered on from those that came back."""
    cursor = await connection.execute(
        "SELECT column_name AS name FROM information_schema.columns WHERE table_schema = 'public' "
        "AND table_name = %s AND is_identity = 'YES'",
        [table],
    )
    for row in await cursor.fetchall():
        await connection.execute(
            sql.SQL(
                "SELECT setval(pg_get_serial_sequence({}, {}), coalesce(max({}), 0) + 1, false) "
                "FROM {}"
            ).format(
                sql.Literal(table),
                sql.Literal(row["name"]),
                sql.Identifier(row["name"]),
                sql.Identifier(table),
            )
        )


async def _value(connection: Connection, query: Any) -> int:
    cursor = await connection.execute(query)
    row = await cursor.fetchone()
    return int(row["v"] or 0) if row else 0
