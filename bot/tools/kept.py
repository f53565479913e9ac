"""What a parent wrote in her tools: one sealed row a tool, erased with the conversation."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from bot.ledger import Ledger


async def read(ledger: Ledger, conversation: UUID) -> dict[str, Any]:
    """Everything kept for a conversation, by tool."""
    async with ledger.transaction() as connection:
        cursor = await connection.execute(
            "SELECT tool, sealed_content FROM kept_tools WHERE conversation_id = %s", [conversation]
        )
        rows = await cursor.fetchall()
    return {row["tool"]: ledger.seal.open(row["sealed_content"]) for row in rows}


async def keep(ledger: Ledger, conversation: UUID, tool: str, content: dict[str, Any]) -> None:
    """Put the content of a tool in the place of what was kept of it before.

    Writing in a tool counts as using the conversation: its time starts anew. Raises KeyError when
    the conversation is erased.
    """
    async with ledger.transaction() as connection:
        cursor = await connection.execute(
            "UPDATE conversations SET last_at = now() WHERE id = %s RETURNING municipality",
            [conversation],
        )
        row = await cursor.fetchone()
        if row is None:
            raise KeyError(conversation)
        await connection.execute(
            "INSERT INTO kept_tools (conversation_id, municipality, tool, sealed_content) "
            "VALUES (%s, %s, %s, %s) ON CONFLICT (conversation_id, tool) DO UPDATE "
            "SET sealed_content = excluded.sealed_content, changed_at = now()",
            [conversation, row["municipality"], tool, ledger.seal.seal(content)],
        )
