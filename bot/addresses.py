"""Phone numbers and e-mail addresses: encrypted, apart from what is said, each for one purpose.

A number a parent writes from belongs to the conversation; one she gives for notices is used for
those alone; `staff` is whoever is told that danger waits. An address is never shown to a guide and
never written to a log.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID, uuid4

from bot.database import Connection, Row
from bot.privacy import Seal

Purpose = Literal["conversation", "notice", "staff"]
ARRIVALS_KEPT_DAYS = 14  # WhatsApp repeats for 7 days, 46elks and Twilio for less
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_NUMBER = re.compile(r"\+[1-9]\d{6,14}")  # E.164


class AddressError(ValueError):
    """Not an address of its channel."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where something is sent; `value` is E.164 for a phone."""

    channel: str
    value: str


@dataclass(frozen=True, slots=True)
class Thread:
    """A phone's conversation, and how far its messages were turned into what is sent."""

    address: UUID
    conversation: UUID
    municipality: str
    sender: str
    rendered_seq: int
    menu: dict[str, Any]
    full_text: bool
    is_stopped: bool


def tidy(address: Address) -> Address:
    """The address in one spelling; Swedish numbers get their country. Raises AddressError."""
    if address.channel == "email":
        value = address.value.strip()
        if not _EMAIL.fullmatch(value):
            raise AddressError("not an e-mail address")
        return Address("email", value)
    digits = re.sub(r"[\s\-().–/]", "", address.value)
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    elif digits.startswith("0"):
        digits = f"+46{digits[1:]}"
    if not _NUMBER.fullmatch(digits):
        raise AddressError("not a phone number")
    return Address(address.channel, digits)


async def keep_address(
    connection: Connection,
    seal: Seal,
    conversation: UUID,
    address: Address,
    purpose: Purpose,
    sender: str = "",
) -> UUID:
    """Keep an address for a purpose; the same again is the one that is kept already.

    Raises AddressError, and KeyError for an unknown conversation.
    """
    tidied = tidy(address)
    cursor = await connection.execute(
        "SELECT municipality FROM conversations WHERE id = %s", [conversation]
    )
    row = await cursor.fetchone()
    if row is None:
        raise KeyError(conversation)
    marks = seal.marks(f"{tidied.channel}:{tidied.value}")
    cursor = await connection.execute(
        "SELECT id FROM addresses WHERE conversation_id = %s AND purpose = %s AND mark = ANY(%s)",
        [conversation, purpose, marks],
    )
    if earlier := await cursor.fetchone():
        return UUID(str(earlier["id"]))
    address_id = uuid4()
    await connection.execute(
        "INSERT INTO addresses (id, municipality, conversation_id, channel, purpose, "
        "sealed_address, mark, sender) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [
            address_id,
            row["municipality"],
            conversation,
            tidied.channel,
            purpose,
            seal.seal(tidied.value),
            marks[0],
            sender,
        ],
    )
    return address_id


async def forget_addresses(connection: Connection, conversation: UUID, purpose: Purpose) -> int:
    """Forget the addresses kept for a purpose, with all that waits to be sent there."""
    cursor = await connection.execute(
        "DELETE FROM addresses WHERE conversation_id = %s AND purpose = %s",
        [conversation, purpose],
    )
    return cursor.rowcount


async def thread_of(
    connection: Connection, seal: Seal, channel: str, sender: str, value: str
) -> Thread | None:
    """The conversation this phone has with the municipality's number; locked for the caller."""
    cursor = await connection.execute(
        "SELECT * FROM addresses WHERE channel = %s AND sender = %s AND mark = ANY(%s) "
        "AND purpose = 'conversation' FOR UPDATE",
        [channel, sender, seal.marks(f"{channel}:{value}")],
    )
    row = await cursor.fetchone()
    return _thread(row, seal) if row else None


async def unrendered_thread(connection: Connection, seal: Seal) -> Thread | None:
    """A phone's conversation with messages not yet made into what is sent; locked."""
    cursor = await connection.execute(
        "SELECT a.* FROM addresses a JOIN conversations c ON c.id = a.conversation_id "
        "WHERE a.purpose = 'conversation' AND a.channel = c.channel "
        "AND c.last_seq > a.rendered_seq AND a.stopped_at IS NULL "
        "ORDER BY c.last_at LIMIT 1 FOR UPDATE OF a SKIP LOCKED"
    )
    row = await cursor.fetchone()
    return _thread(row, seal) if row else None


async def keep_rendered(
    connection: Connection, seal: Seal, thread: Thread, seq: int, menu: dict[str, Any]
) -> None:
    """Note that messages up to `seq` are on their way, and what the shown numbers mean."""
    await connection.execute(
        "UPDATE addresses SET rendered_seq = %s, sealed_menu = %s WHERE id = %s",
        [seq, seal.seal(menu), thread.address],
    )


async def set_thread(
    connection: Connection,
    address: UUID,
    *,
    full_text: bool | None = None,
    is_stopped: bool | None = None,
) -> None:
    """What the parent chose for her phone: full text or neutral, sending or silence."""
    if full_text is not None:
        await connection.execute(
            "UPDATE addresses SET full_text = %s WHERE id = %s", [full_text, address]
        )
    if is_stopped is not None:
        await connection.execute(
            "UPDATE addresses SET stopped_at = CASE WHEN %s THEN now() END WHERE id = %s",
            [is_stopped, address],
        )


async def is_first_time(connection: Connection, channel: str, provider_id: str) -> bool:
    """Whether what a provider delivered was not answered at the door before; noted."""
    cursor = await connection.execute(
        "INSERT INTO arrivals (channel, provider_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        [channel, provider_id],
    )
    return cursor.rowcount > 0


async def forget_arrivals(connection: Connection) -> None:
    """Forget which deliveries were answered at the door: no provider repeats one that late."""
    await connection.execute(
        "DELETE FROM arrivals WHERE received_at < now() - make_interval(days => %s)",
        [ARRIVALS_KEPT_DAYS],
    )


async def forget_notices_to(connection: Connection, seal: Seal, channel: str, value: str) -> int:
    """Forget a number given for notices: whoever holds it wants no more."""
    cursor = await connection.execute(
        "DELETE FROM addresses WHERE channel = %s AND purpose = 'notice' AND mark = ANY(%s)",
        [channel, seal.marks(f"{channel}:{value}")],
    )
    return cursor.rowcount


async def take_thread(
    connection: Connection, seal: Seal, conversation: UUID, channel: str, sender: str, value: str
) -> UUID:
    """Let this phone speak for a conversation from now on; what was said before is not sent."""
    await connection.execute(
        "DELETE FROM addresses WHERE channel = %s AND sender = %s AND mark = ANY(%s) "
        "AND purpose = 'conversation'",
        [channel, sender, seal.marks(f"{channel}:{value}")],
    )
    await connection.execute(
        "DELETE FROM addresses WHERE conversation_id = %s AND purpose = 'conversation'",
        [conversation],
    )
    address = await keep_address(
        connection, seal, conversation, Address(channel, value), "conversation", sender
    )
    await connection.execute(
        "UPDATE conversations SET channel = %s WHERE id = %s", [channel, conversation]
    )
    await catch_up(connection, address)
    return address


async def speak_on_the_web(connection: Connection, conversation: UUID) -> None:
    """What is said from now on is shown on the web, until the phone writes again."""
    await connection.execute(
        "UPDATE conversations SET channel = 'web' WHERE id = %s", [conversation]
    )


async def catch_up(connection: Connection, address: UUID) -> None:
    """What was said so far was read elsewhere and is not sent to the phone."""
    await connection.execute(
        "UPDATE addresses a SET rendered_seq = c.last_seq FROM conversations c "
        "WHERE a.id = %s AND c.id = a.conversation_id",
        [address],
    )


async def note_incoming(connection: Connection, address: UUID) -> None:
    """The phone wrote now; some channels may only be answered for a time after that."""
    await connection.execute("UPDATE addresses SET last_in_at = now() WHERE id = %s", [address])


async def address_of(connection: Connection, seal: Seal, conversation: UUID) -> Address | None:
    """The phone a conversation is held with, if any."""
    cursor = await connection.execute(
        "SELECT channel, sealed_address FROM addresses WHERE conversation_id = %s "
        "AND purpose = 'conversation' ORDER BY created_at DESC LIMIT 1",
        [conversation],
    )
    row = await cursor.fetchone()
    return Address(row["channel"], seal.open(row["sealed_address"])) if row else None


def _thread(row: Row, seal: Seal) -> Thread:
    return Thread(
        address=row["id"],
        conversation=row["conversation_id"],
        municipality=row["municipality"],
        sender=row["sender"],
        rendered_seq=row["rendered_seq"],
        menu=seal.open(row["sealed_menu"]) or {},
        full_text=row["full_text"],
        is_stopped=row["stopped_at"] is not None,
    )
