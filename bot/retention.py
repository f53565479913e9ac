"""Removes conversations: on the parent's word at once, otherwise when their time is over.

Retention is data per municipality with the reference of its decision on disposal; what is removed
is counted, never described.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from bot import families
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
    return removed


async def _remove(
    connection: Connection,
    municipality: str,
    conversations: list[UUID],
    reason: str,
    decision_reference: str,
) -> None:
    cursor = await connection.execute(
        "SELECT count(*) AS n FROM messages WHERE conversation_id = ANY(%s)", [conversations]
    )
    row = await cursor.fetchone()
    await connection.execute("DELETE FROM conversations WHERE id = ANY(%s)", [conversations])
    await connection.execute(
        "INSERT INTO removals (municipality, reason, conversations, messages, decision_reference) "
        "VALUES (%s, %s, %s, %s, %s)",
        [municipality, reason, len(conversations), row["n"] if row else 0, decision_reference],
    )
