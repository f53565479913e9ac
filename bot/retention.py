"""Removes conversations: on the parent's word at once, otherwise when their time is over.

Retention is data per municipality with the reference of its decision on disposal. A conversation
whose time is over is hidden from everybody at once and removed by the next sweep. What is removed
is counted per table, never described; a hash of its id stays, so that a restored copy loses it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from bot import barriers, families
from bot.addresses import forget_arrivals
from bot.codes import sweep_codes
from bot.consent import kept_longer
from bot.database import Connection, connect
from bot.ledger import HANDOFF, OUTGOING, notify
from knowledge.catalogue import Municipality


async def erase(connection: Connection, conversation: UUID, decision_reference: str) -> bool:
    """Remove a conversation and all that hangs on it; false when it was gone already."""
    cursor = await connection.execute(
        "SELECT municipality FROM conversations WHERE id = %s FOR UPDATE", [conversation]
    )
    row = await cursor.fetchone()
    if row is None:
        return False
    await _remove(connection, row["municipality"], [conversation], "erased", decision_reference)
    await notify(connection, OUTGOING, str(conversation))
    await notify(connection, HANDOFF, row["municipality"])
    return True


async def sweep(url: str, municipalities: Iterable[Municipality]) -> int:
    """Remove conversations silent for longer than the municipality's days; returns how many.

    Those whose parent chose to keep them longer wait until that time is over too. That of a family
    that agreed to be followed stays until then, at most half a year.
    """
    removed = 0
    for municipality in municipalities:
        async with await connect(url) as connection:
            await families.end_overdue(connection, municipality.id)
            longer = await kept_longer(connection, municipality.id)
            await _note_days(connection, municipality, longer)
            cursor = await connection.execute(
                "SELECT id FROM conversations WHERE municipality = %s "
                "AND last_at < now() - make_interval(days => %s) AND NOT id = ANY(%s) "
                "AND NOT EXISTS (SELECT 1 FROM families f "
                "WHERE f.conversation_id = conversations.id AND f.state = 'agreed') "
                "FOR UPDATE SKIP LOCKED",
                [municipality.id, municipality.retention_days, longer],
            )
            old = [row["id"] for row in await cursor.fetchall()]
            if old:
                reference = municipality.retention_decision
                await _remove(connection, municipality.id, old, "retention", reference)
                removed += len(old)
    async with await connect(url) as connection:
        await barriers.remove_old(connection)
        await sweep_codes(connection)
        await forget_arrivals(connection)
    return removed


async def _note_days(
    connection: Connection, municipality: Municipality, longer: Sequence[UUID]
) -> None:
    """How long each conversation is shown; those kept for an agreement stay visible."""
    await connection.execute(
        "UPDATE conversations c SET keep_days = wanted.days "
        "FROM (SELECT id, CASE WHEN id = ANY(%s) "
        "OR EXISTS (SELECT 1 FROM families f WHERE f.conversation_id = k.id "
        "AND f.state = 'agreed') THEN 10000 ELSE %s END AS days FROM conversations k "
        "WHERE municipality = %s) AS wanted "
        "WHERE wanted.id = c.id AND c.keep_days <> wanted.days",
        [list(longer), municipality.retention_days, municipality.id],
    )


async def _remove(
    connection: Connection,
    municipality: str,
    conversations: list[UUID],
    reason: str,
    decision_reference: str,
) -> None:
    parts = await parts_of(connection)
    counts = {name: await _count(connection, name, conversations) for name in parts}
    await connection.execute("DELETE FROM conversations WHERE id = ANY(%s)", [conversations])
    await connection.execute(
        "INSERT INTO removals (municipality, reason, conversations, messages, decision_reference, "
        "counts) VALUES (%s, %s, %s, %s, %s, %s)",
        [
            municipality,
            reason,
            len(conversations),
            counts["messages"],
            decision_reference,
            json.dumps(counts),
        ],
    )
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO erasures (id_hash, municipality) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [(id_hash(conversation), municipality) for conversation in conversations],
        )


async def parts_of(connection: Connection) -> list[str]:
    """Every table whose rows belong to a conversation and go with it."""
    cursor = await connection.execute(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' "
        "AND column_name = 'conversation_id' ORDER BY table_name"
    )
    return [row["table_name"] for row in await cursor.fetchall()]


async def _count(connection: Connection, table: str, conversations: list[UUID]) -> int:
    cursor = await connection.execute(
        f"SELECT count(*) AS n FROM {table} WHERE conversation_id = ANY(%s)".encode(),
        [conversations],
    )
    row = await cursor.fetchone()
    return int(row["n"]) if row else 0


def id_hash(conversation: UUID) -> bytes:
    """What is kept of a removed conversation: enough to recognise it in an old copy."""
    return hashlib.sha256(conversation.bytes).digest()


async def erased_hashes(connection: Connection) -> dict[bytes, str]:
    """The hashes of what is gone for good, with the municipality."""
    cursor = await connection.execute("SELECT id_hash, municipality FROM erasures")
    return {bytes(row["id_hash"]): row["municipality"] for row in await cursor.fetchall()}


async def erase_again(connection: Connection, erased: Mapping[bytes, str]) -> int:
    """Remove from a restored copy what was gone when it was restored; returns how many."""
    cursor = await connection.execute("SELECT id, municipality FROM conversations")
    known = [(row["id"], row["municipality"]) for row in await cursor.fetchall()]
    back = [(found, place) for found, place in known if id_hash(found) in erased]
    for conversation, place in back:
        await _remove(connection, place, [conversation], "erased", "restored copy")
    async with connection.cursor() as many:
        await many.executemany(
            "INSERT INTO erasures (id_hash, municipality) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            list(erased.items()),
        )
    return len(back)
