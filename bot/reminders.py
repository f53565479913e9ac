"""Word outside the conversation: the reminder a parent asked for, and danger that nobody took.

Both are pieces of the outbox, so that one sender, one set of limits and one erasure hold for all.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from bot import consent, follow_ups, switches
from bot.addresses import Address, AddressError, forget_addresses
from bot.call_backs import CallBack, number_of
from bot.database import Connection
from bot.handoff import Handoff
from bot.ledger import Ledger
from bot.outbox import Outbox
from knowledge.catalogue import Escalation

Reach = Callable[[str], frozenset[str]]  # the channels a municipality's notices can be sent on
BEFORE = dt.timedelta(hours=2)
TEXT = "notice_call_back"
ALARM_TEXT = "notice_escalation"


def nowhere(_: str) -> frozenset[str]:
    """An installation that sends nothing."""
    return frozenset()


async def can_text(ledger: Ledger, reach: Reach, municipality: str) -> bool:
    """Whether an SMS would be sent now: there is a number, and nobody has switched it off."""
    if "sms" not in reach(municipality):
        return False
    async with ledger.transaction() as connection:
        if await switches.is_off(connection, f"{switches.CHANNEL}sms"):
            return False
    return not await Outbox(ledger).is_stopped("sms", municipality)


async def remind(
    connection: Connection, ledger: Ledger, booked: CallBack, now: dt.datetime, language: str
) -> dt.datetime | None:
    """Queue the reminder the parent asked for, once; returns when it is sent.

    Her pressing the button is her yes to such messages, noted with the words it stood under. None
    where it would come too late, or the number given cannot get an SMS.
    """
    due_at = booked.starts_at - BEFORE
    number = await number_of(connection, ledger.seal, booked.conversation_id)
    if number is None or due_at <= now:
        return None
    with suppress(AddressError):
        await Outbox(ledger).notify_by(
            connection,
            booked.conversation_id,
            Address("sms", number),
            TEXT,
            {"starts_at": booked.starts_at.isoformat()},
            due_at,
            key=f"call_back:{booked.id}",
        )
        await _note_yes(connection, ledger, booked, language)
        return due_at
    return None


async def _note_yes(
    connection: Connection, ledger: Ledger, booked: CallBack, language: str
) -> None:
    if await consent.says_yes(connection, booked.conversation_id, "messages"):
        return
    said = await ledger.messages(booked.conversation_id)
    await consent.add(
        connection,
        municipality=booked.municipality,
        conversation=booked.conversation_id,
        purpose="messages",
        answer="yes",
        words=consent.words_of_offer(reversed(said), "remind"),
        language=language,
    )


async def take_back(connection: Connection, conversation: UUID, purpose: consent.Purpose) -> None:
    """What was to be sent or asked by a yes that is taken back is neither, from now on."""
    if purpose == "messages":
        await forget_addresses(connection, conversation, "notice")
    elif purpose == "follow_up":
        await follow_ups.forget(connection, conversation)


async def escalate(connection: Connection, ledger: Ledger, one: Handoff, to: Escalation) -> int:
    """Queue word that nobody took a conversation about danger; returns by how many ways.

    Nothing of the conversation stands in it.
    """
    queued = 0
    for channel, value in (("sms", to.phone), ("email", to.email)):
        if value is None:
            continue
        with suppress(AddressError):
            await Outbox(ledger).tell_staff(
                connection, one.conversation_id, Address(channel, value), ALARM_TEXT, str(one.id)
            )
            queued += 1
    return queued
