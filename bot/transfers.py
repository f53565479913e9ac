"""Giving the brief on to another function: offered, then accepted or declined by the parent alone.

No receiving system is connected. The parent takes the paper there herself, or the coordinator of
the same municipality gets the conversation in the queue.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID, uuid4

from bot import consent, handoff
from bot.database import Connection, Row
from bot.handoff import OPEN
from bot.privacy import Seal

Receiver = Literal["coordinator", "school_health", "bup", "self"]
State = Literal["offered", "accepted", "declined", "revoked"]
RECEIVERS: tuple[Receiver, ...] = ("coordinator", "school_health", "bup", "self")
YES, NO = "transfer", "transfer_no"
ANSWERS = (YES, NO)
OUTCOME = "transferred"


@dataclass(frozen=True, slots=True)
class Transfer:
    """One brief to one receiver; `brief` is gone when the parent took her yes back."""

    id: UUID
    municipality: str
    conversation_id: UUID
    receiver: Receiver
    state: State
    offered_by: str | None  # the guide's name; None where the parent did it herself
    version: str
    brief: dict[str, Any] | None
    created_at: dt.datetime
    decided_at: dt.datetime | None


def id_of(name: str) -> UUID | None:
    """The transfer a button names; None for what is no id."""
    try:
        return UUID(name)
    except ValueError:
        return None


async def offer(
    connection: Connection,
    seal: Seal,
    *,
    municipality: str,
    conversation: UUID,
    receiver: Receiver,
    brief: Mapping[str, Any],
    offered_by: str | None,
) -> Transfer:
    """Ask the parent whether a brief may be given on; nothing is given before she says yes."""
    cursor = await connection.execute(
        "INSERT INTO transfers (id, municipality, conversation_id, receiver, state, offered_by, "
        "brief_version, sealed_brief) VALUES (%s, %s, %s, %s, 'offered', %s, %s, %s) RETURNING *",
        [
            uuid4(),
            municipality,
            conversation,
            receiver,
            offered_by,
            consent.policy().version,
            seal.seal(dict(brief)),
        ],
    )
    row = await cursor.fetchone()
    assert row is not None
    return _transfer(row, seal)


async def offered(
    connection: Connection, seal: Seal, conversation: UUID, transfer: UUID | None
) -> Transfer | None:
    """The offer of this conversation that waits for an answer; None where there is none."""
    cursor = await connection.execute(
        "SELECT * FROM transfers WHERE id = %s AND conversation_id = %s AND state = 'offered'",
        [transfer, conversation],
    )
    row = await cursor.fetchone()
    return _transfer(row, seal) if row else None


async def of_conversation(connection: Connection, seal: Seal, conversation: UUID) -> list[Transfer]:
    """Every transfer of a conversation, the oldest first."""
    cursor = await connection.execute(
        "SELECT * FROM transfers WHERE conversation_id = %s ORDER BY created_at", [conversation]
    )
    return [_transfer(row, seal) for row in await cursor.fetchall()]


async def accept(
    connection: Connection,
    seal: Seal,
    transfer: Transfer,
    *,
    words: str,
    language: str,
    promised_at: dt.datetime,
) -> bool:
    """The parent says yes to this receiver; false where the offer was answered already.

    For the coordinator the conversation goes into that queue, and leaves the person who held it.
    """
    if not await _decide(connection, transfer, "accepted"):
        return False
    await consent.add(
        connection,
        municipality=transfer.municipality,
        conversation=transfer.conversation_id,
        purpose="handoff",
        answer="share",
        words=words,
        language=language,
        receiver=transfer.receiver,
    )
    if transfer.receiver == "coordinator":
        await _to_coordinator(connection, seal, transfer, language, promised_at)
    return True


async def decline(connection: Connection, transfer: Transfer) -> bool:
    """The parent says no; the brief offered is removed."""
    return await _decide(connection, transfer, "declined")


async def revoke(connection: Connection, conversation: UUID) -> None:
    """Every brief given on or offered is removed; what was done stays as a receipt."""
    await connection.execute(
        "UPDATE transfers SET state = 'revoked', sealed_brief = NULL, decided_at = now() "
        "WHERE conversation_id = %s AND state IN ('offered', 'accepted')",
        [conversation],
    )


async def _decide(connection: Connection, transfer: Transfer, state: State) -> bool:
    cursor = await connection.execute(
        "UPDATE transfers SET state = %s, decided_at = now(), "
        "sealed_brief = CASE WHEN %s = 'accepted' THEN sealed_brief END "
        "WHERE id = %s AND state = 'offered' RETURNING id",
        [state, state, transfer.id],
    )
    return await cursor.fetchone() is not None


async def _to_coordinator(
    connection: Connection,
    seal: Seal,
    transfer: Transfer,
    language: str,
    promised_at: dt.datetime,
) -> None:
    current = await handoff.open_for(connection, seal, transfer.conversation_id)
    if current is not None and current.function == "coordinator":
        await handoff.share(connection, seal, transfer.conversation_id, transfer.brief)
        return
    if current is not None and current.state in OPEN:
        await handoff.move(connection, current, "closed", outcome=OUTCOME)
    brief = transfer.brief or {}
    await handoff.request(
        connection,
        seal,
        conversation=transfer.conversation_id,
        municipality=transfer.municipality,
        function="coordinator",
        level=current.level if current else brief.get("level") or "coordinator",
        language=language,
        brief=transfer.brief,
        promised_at=promised_at,
    )


def _transfer(row: Row, seal: Seal) -> Transfer:
    return Transfer(
        id=row["id"],
        municipality=row["municipality"],
        conversation_id=row["conversation_id"],
        receiver=row["receiver"],
        state=row["state"],
        offered_by=row["offered_by"],
        version=row["brief_version"],
        brief=seal.open(row["sealed_brief"]),
        created_at=row["created_at"],
        decided_at=row["decided_at"],
    )
