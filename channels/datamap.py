"""Which personal data lies where: a table made from the database's own schema."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from bot.database import Connection

WORDS = Path(__file__).with_suffix(".yml")
# Tables that hold nothing about a single parent.
IMPERSONAL = frozenset({"schema_migrations", "switches", "notices", "gaps", "removals", "erasures"})


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


def table(found: list[Column]) -> list[str]:
    """The map as a Markdown table, one row a database table."""
    words = yaml.safe_load(WORDS.read_text(encoding="utf-8"))
    rows = [words["head"], "|---|---|---|---|"]
    for name in dict.fromkeys(column.table for column in found):
        own = [column for column in found if column.table == name]
        sealed = ", ".join(f"`{c.name}`" for c in own if c.is_sealed) or words["nothing"]
        plain = ", ".join(f"`{c.name}`" for c in own if not c.is_sealed)
        rows.append(f"| `{name}` | {sealed} | {plain} | {words[_until(own)]} |")
    return rows


def _until(own: list[Column]) -> str:
    table = own[0].table
    if table == "conversations" or any(column.name == "conversation_id" for column in own):
        return "conversation"
    return "never" if table in IMPERSONAL else "account"
