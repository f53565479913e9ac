"""What an operator has switched off, and what everybody is told for a time."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass

from bot.database import Connection

CHANNEL, TOPIC = "channel:", "topic:"


@dataclass(frozen=True, slots=True)
class Switch:
    """Something switched off: `channel:web` or `topic:<need>`."""

    name: str
    reason: str
    by: str
    at: dt.datetime


async def switch_off(connection: Connection, name: str, reason: str, by: str) -> None:
    """Switch a channel or topic off; switched off again, the newest reason stays."""
    await connection.execute(
        "INSERT INTO switches (name, reason, switched_by) VALUES (%s, %s, %s) "
        "ON CONFLICT (name) DO UPDATE SET reason = excluded.reason, "
        "switched_by = excluded.switched_by, switched_at = now()",
        [name, reason, by],
    )


async def switch_on(connection: Connection, name: str) -> bool:
    """Switch it on again; false when it was not off."""
    cursor = await connection.execute("DELETE FROM switches WHERE name = %s RETURNING 1", [name])
    return await cursor.fetchone() is not None


async def switched_off(connection: Connection) -> list[Switch]:
    """Everything that is off."""
    cursor = await connection.execute("SELECT * FROM switches ORDER BY name")
    return [
        Switch(row["name"], row["reason"], row["switched_by"], row["switched_at"])
        for row in await cursor.fetchall()
    ]


async def is_off(connection: Connection, name: str) -> bool:
    """Whether a channel or topic is off."""
    cursor = await connection.execute("SELECT 1 FROM switches WHERE name = %s", [name])
    return await cursor.fetchone() is not None


async def add_notice(
    connection: Connection, municipality: str | None, texts: Mapping[str, str], ends: dt.datetime
) -> int:
    """Tell everybody something until a time; returns its number."""
    cursor = await connection.execute(
        "INSERT INTO notices (municipality, texts, ends_at) VALUES (%s, %s, %s) RETURNING id",
        [municipality, json.dumps(dict(texts)), ends],
    )
    row = await cursor.fetchone()
    return int(row["id"]) if row else 0


async def end_notice(connection: Connection, number: int) -> bool:
    """Take a notice away; false when there is none of that number."""
    cursor = await connection.execute("DELETE FROM notices WHERE id = %s RETURNING 1", [number])
    return await cursor.fetchone() is not None


async def notices_now(connection: Connection, municipality: str, language: str) -> list[str]:
    """The notices of this moment, in the language where there is one, else in Swedish."""
    cursor = await connection.execute(
        "SELECT texts FROM notices WHERE (municipality IS NULL OR municipality = %s) "
        "AND now() BETWEEN starts_at AND ends_at ORDER BY id",
        [municipality],
    )
    rows = await cursor.fetchall()
    return [row["texts"].get(language) or row["texts"]["sv"] for row in rows]
