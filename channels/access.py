"""Who may see what: the only place that fetches a conversation or handoff for somebody.

Every read of a conversation by somebody who works in the console is a row of the audit log.
"""

from __future__ import annotations

from typing import Literal, get_args
from uuid import UUID

from bot import audit, handoff
from bot.addresses import Thread
from bot.handoff import Handoff
from bot.ledger import Conversation, Ledger
from bot.messages import StoredMessage
from bot.privacy import mask
from channels.accounts import AccessError, Guide, add_guide
from channels.sessions import guide_of_session, sign_out

__all__ = ["AccessError", "Guide", "add_guide", "guide_of_session", "sign_out"]

Reason = Literal["acute", "handover", "complaint", "mistake", "parent_asked", "technical"]
REASONS: tuple[Reason, ...] = get_args(Reason)
LONGEST_NOTE = 300  # characters


async def conversation_of_parent(
    ledger: Ledger, conversation: UUID, authorization: str | None
) -> Conversation:
    """The conversation the bearer token belongs to. Raises KeyError for any other."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise KeyError(conversation)
    return await ledger.by_token(conversation, token)


async def handoff_of_guide(ledger: Ledger, handoff_id: UUID, guide: Guide) -> Handoff:
    """A handoff of the guide's municipality. Raises KeyError for any other."""
    async with ledger.transaction() as connection:
        return await handoff.find(connection, ledger.seal, handoff_id, guide.municipality)


async def held_by(ledger: Ledger, handoff_id: UUID, guide: Guide) -> Handoff:
    """A handoff this guide holds. Raises KeyError or AccessError."""
    found = await handoff_of_guide(ledger, handoff_id, guide)
    if found.state != "held" or found.guide_id != guide.id:
        raise AccessError("not held by this guide")
    return found


async def messages_of(
    ledger: Ledger, conversation: Conversation, after: int = 0
) -> list[StoredMessage]:
    """What was said, for the parent whose conversation it is."""
    return await ledger.messages(conversation.id, after)


async def to_render(ledger: Ledger, thread: Thread) -> list[StoredMessage]:
    """What the product itself turns into texts for the phone the conversation is held with."""
    return await ledger.messages(thread.conversation, thread.rendered_seq)


async def read_held(ledger: Ledger, held: Handoff, guide: Guide) -> list[StoredMessage]:
    """What was said since the parent asked for a person, for the guide who holds it."""
    said = await ledger.messages(held.conversation_id)
    await note_act(ledger, held, guide, "conversation_read")
    return [message for message in said if message.sent_at >= held.requested_at]


async def follow_held(
    ledger: Ledger, held: Handoff, guide: Guide, after: int
) -> list[StoredMessage]:
    """What is new in a conversation the guide has open."""
    said = await ledger.messages(held.conversation_id, after)
    if any(message.author != "guide" for message in said):
        await note_act(ledger, held, guide, "conversation_read", after=after)
    return said


async def open_unclaimed(
    ledger: Ledger, found: Handoff, guide: Guide, reason: str, note: str
) -> list[StoredMessage]:
    """The same without taking over, for a stated reason that an auditor reviews.

    The reason's own words are kept apart from the log and erased with the conversation. Raises
    ValueError for a reason that is not on the list, or without words of its own.
    """
    words = mask(note.replace("\x00", "").strip()[:LONGEST_NOTE]).text
    if reason not in REASONS or not words:
        raise ValueError("a reason is needed")
    said = await ledger.messages(found.conversation_id)
    async with ledger.transaction() as connection:
        subject = audit.conversation(found.conversation_id)
        number = await audit.write(connection, guide, "break_glass", subject, reason=reason)
        await connection.execute(
            "INSERT INTO opening_reasons (municipality, number, conversation_id, sealed_note) "
            "VALUES (%s, %s, %s, %s)",
            [guide.municipality, number, found.conversation_id, ledger.seal.seal(words)],
        )
    return [message for message in said if message.sent_at >= found.requested_at]


async def reasons_given(ledger: Ledger, auditor: Guide, numbers: list[int]) -> dict[int, str]:
    """The words of openings in the auditor's municipality, by number in the log."""
    async with ledger.transaction() as connection:
        cursor = await connection.execute(
            "SELECT number, sealed_note FROM opening_reasons "
            "WHERE municipality = %s AND number = ANY(%s)",
            [auditor.municipality, numbers],
        )
        rows = await cursor.fetchall()
    return {row["number"]: ledger.seal.open(row["sealed_note"]) for row in rows}


async def note_act(
    ledger: Ledger, found: Handoff, guide: Guide, act: audit.Act, **detail: str | int
) -> None:
    """Put what somebody read or did with a conversation in the log; the details are codes."""
    async with ledger.transaction() as connection:
        await audit.write(
            connection, guide, act, audit.conversation(found.conversation_id), **detail
        )
