"""Which personal data lies where: a table made from the database's own schema."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.database import Connection

WORDS = Path(__file__).with_suffix(".yml")
TIED = "conversation"  # goes with its conversation

# Every table whose rows hang on a conversation, also by way of another table.
_TIED_TO_CONVERSATIONS = """
WITH RECURSIVE tied AS (
    SELECT 'conversations'::regclass::oid AS oid
    UNION
    SELECT f.conrelid FROM pg_constraint f JOIN tied t ON f.confrelid = t.oid
    WHERE f.contype = 'f' AND f.confdeltype = 'c')
SELECT c.relname AS name FROM pg_class c JOIN tied t ON t.oid = c.oid
"""


class UnmappedError(LookupError):
    """Tables of which nobody has said when their rows go."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column; sealed ones are encrypted before they reach the database."""

    table: str
    name: str

    @property
    def is_sealed(self) -> bool:
        return self.name.startswith("sealed_")


async def columns(connection: Connection) -> list[Column]:
    """Every column of every table."""
    cursor = await connection.execute(
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = 'public' ORDER BY table_name, ordinal_position"
    )
    return [Column(row["table_name"], row["column_name"]) for row in await cursor.fetchall()]


async def lifetimes(connection: Connection) -> dict[str, str]:
    """When the rows of each table go: `conversation`, or a word of datamap.yml.

    Raises UnmappedError where a table is in neither, or in both.
    """
    cursor = await connection.execute(_TIED_TO_CONVERSATIONS.encode())
    tied = {row["name"]: TIED for row in await cursor.fetchall()}
    apart = {name: until for until, names in _words()["apart"].items() for name in names}
    there = {column.table for column in await columns(connection)}
    if unclear := (there ^ {*tied, *apart}) | (tied.keys() & apart.keys()):
        raise UnmappedError(f"say in {WORDS.name} when their rows go: {', '.join(sorted(unclear))}")
    return {**tied, **apart}


def table(found: list[Column], until: dict[str, str]) -> list[str]:
    """The map as a Markdown table, one row a database table."""
    words = _words()
    rows = [words["head"], "|---|---|---|---|"]
    for name in dict.fromkeys(column.table for column in found):
        own = [column for column in found if column.table == name]
        sealed = ", ".join(f"`{c.name}`" for c in own if c.is_sealed) or words["nothing"]
        plain = ", ".join(f"`{c.name}`" for c in own if not c.is_sealed)
        rows.append(f"| `{name}` | {sealed} | {plain} | {words[until[name]]} |")
    return rows


def _words() -> dict[str, Any]:
    words: dict[str, Any] = yaml.safe_load(WORDS.read_text(encoding="utf-8"))
    return words
