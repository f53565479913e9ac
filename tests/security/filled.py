"""A row of long ago in any table, made from the schema alone: a new table is filled as well."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID, uuid4

from psycopg import sql
from psycopg.types.json import Json

from bot.backup import tables
from bot.database import Connection

OTHERS_NEEDED = {"guides"}  # rows of parents point to them
# What a check over two columns forbids to be filled.
EMPTY = {("families", "ended_as"), ("messages", "answers"), ("handoffs", "held_since")}
_ONE_OF = re.compile(r"'([^']+)'::text")


async def fill(connection: Connection, canary: str, wanted: set[str]) -> UUID:
    """A conversation, and a row in each of the wanted tables that hangs on it where it can."""
    made: dict[str, Any] = {}
    for table in await tables(connection):
        if table in wanted:
            made[table] = await _row(connection, table, canary, made)
        elif table in OTHERS_NEEDED:
            made[table] = await _row(connection, table, "staff", made)
    return UUID(str(made["conversations"]))


async def _row(connection: Connection, table: str, canary: str, made: dict[str, Any]) -> Any:
    """The new row's key, where it has one of a single column."""
    allowed, points_to = await _limits(connection, table)
    values: dict[str, Any] = {}
    for number, (name, kind) in enumerate((await _columns(connection, table)).items()):
        if (table, name) in EMPTY:
            continue
        if name in points_to:
            values[name] = made.get(points_to[name])  # None: a table that is not filled
        else:
            text = allowed.get(name, f"{canary}-{table}-{name}")
            values[name] = _value(kind, text, number)
    values |= {"municipality": "demokommun"} if "municipality" in values else {}
    cursor = await connection.execute(
        sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING *").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(sql.Placeholder() * len(values)),
        ),
        list(values.values()),
    )
    row = await cursor.fetchone()
    assert row is not None
    return row.get("id") or row.get("conversation_id")


def _value(kind: str, text: str, number: int) -> Any:
    """Any value of the type; later columns get later times."""
    if kind.startswith("timestamp"):
        return f"{2020 + number // 12}-{number % 12 + 1:02d}-01T12:00:00+00:00"
    simple: dict[str, Any] = {
        "uuid": uuid4(),
        "text": text,
        "bytea": text.encode(),
        "integer": 1,
        "bigint": 1,
        "boolean": False,
        "date": "2020-01-01",
        "interval": "1 day",
        "jsonb": Json({"canary": text}),
        "ARRAY": [text],
    }
    return simple[kind]


async def _columns(connection: Connection, table: str) -> dict[str, str]:
    """Name and type of what has to be given."""
    cursor = await connection.execute(
        "SELECT column_name AS name, data_type AS kind FROM information_schema.columns "
        "WHERE table_schema = 'public' AND table_name = %s AND is_identity = 'NO' "
        "ORDER BY ordinal_position",
        [table],
    )
    return {row["name"]: row["kind"] for row in await cursor.fetchall()}


async def _limits(connection: Connection, table: str) -> tuple[dict[str, str], dict[str, str]]:
    """The first value a check of one column allows, and the tables other columns point to."""
    cursor = await connection.execute(
        "SELECT c.contype::text AS kind, pg_get_constraintdef(c.oid) AS told, a.attname AS name, "
        "cardinality(c.conkey) AS columns, c.confrelid::regclass::text AS other "
        "FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid "
        "AND a.attnum = ANY(c.conkey) WHERE c.conrelid = %s::regclass AND c.contype IN ('c', 'f')",
        [table],
    )
    allowed: dict[str, str] = {}
    points_to: dict[str, str] = {}
    for row in await cursor.fetchall():
        if row["kind"] == "f":
            points_to[row["name"]] = row["other"]
        elif row["columns"] == 1 and (found := _ONE_OF.search(row["told"])):
            allowed[row["name"]] = found[1]
    return allowed, points_to
