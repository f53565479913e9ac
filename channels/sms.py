"""The phones' door: what providers deliver, handled in the order that safety asks for.

Danger is looked for before anything else and answered in the provider's own call, also with the
database down. A message is stored once per provider id; what is answered at the door as well.
"""

from __future__ import annotations

import asyncio
import re
from uuid import uuid4

import httpx

from bot import addresses, codes
from bot.addresses import Address, AddressError
from bot.call_backs import GIVEN_NUMBER, take_number, without_number
from bot.database import RETRY
from bot.ledger import ALARM, Conversation, QueueFullError, notify
from bot.log import get_log
from bot.messages import IncomingMessage, OutgoingMessage
from bot.outbox import Outbox
from bot.privacy import mask
from bot.replies import DELETE
from channels.doors import Doors
from channels.errors import DoorError
from channels.phone_threads import PhoneThreads, Written
from channels.phone_words import FULL, NOT_MINE, Act, PhoneWords, choice_of
from channels.phones import Phones
from channels.providers.adapter import (
    Answer,
    Arrived,
    Letter,
    NotSentError,
    Provider,
    Report,
    WindowClosedError,
)
from channels.sending import look_of
from channels.short import TOLD, Look, Short
from channels.web import DATABASE_ERRORS
from nlu import safety

log = get_log()
MOST_UNSTORED = 1000
_INTENTS = {"back": "intent:go_back", "guide": "intent:want_person", "skip": "intent:skip"}


class PhoneDoor:
    """Handles what providers deliver."""

    def __init__(self, doors: Doors, phones: Phones, http: httpx.AsyncClient) -> None:
        self._doors = doors
        self.phones = phones
        self._http = http
        self.short = Short(doors.content, doors.shipped)
        self._outbox = Outbox(doors.ledger)
        self._unstored: dict[str, Written] = {}
        self._threads = PhoneThreads(doors, self.short)
        self._words = PhoneWords(doors, phones, self._threads, self.short, self._ask_again)

    async def take(self, provider: Provider, items: list[Arrived | Report]) -> Answer:
        """Handle what a call held. Raises DoorError where the provider is to call again."""
        said: str | None = None
        try:
            for item in items:
                if isinstance(item, Report):
                    await self._outbox.report(
                        provider.name,
                        item.state,
                        provider_id=item.provider_id,
                        reference=item.reference,
                    )
                else:
                    said = await self._arrived(provider, item) or said
        except DATABASE_ERRORS as error:
            raise DoorError("unavailable") from error
        except QueueFullError as error:
            raise DoorError("busy") from error
        return provider.answer(said)

    async def _arrived(self, provider: Provider, arrived: Arrived) -> str | None:
        """Words for the phone in this very response, if any."""
        municipality = self.phones.municipality(provider.channel, arrived.to)
        try:
            phone = addresses.tidy(Address(provider.channel, arrived.sender)).value
        except AddressError:
            log.warning("not_a_phone", channel=provider.channel)
            return None
        if municipality is None or municipality not in self._doors.catalogue.municipalities:
            log.warning("unknown_number", channel=provider.channel)
            return None
        check = safety.check(arrived.text)
        written = Written(provider, arrived, phone, municipality, check)
        try:
            return await self._handle(written)
        except DATABASE_ERRORS:
            if not check.acute:
                raise
            return await self._answer_unstored(written)

    async def _answer_unstored(self, written: Written) -> str | None:
        """Danger with the database down: answered now, stored when it is back."""
        if len(self._unstored) < MOST_UNSTORED:
            self._unstored[written.arrived.provider_id] = written
        doors = self._doors
        setting = doors.setting(written.municipality, written.check.language or "sv")
        if setting.language not in doors.content.in_danger:
            setting = doors.setting(written.municipality, "sv")
        message = doors.replies.acute(written.check, setting)
        look = Look(setting.municipality, message.language, written.channel)
        _, said = await self._tell_now(written, message, look)
        return said

    async def store_waiting(self) -> None:
        """Store what was answered while the database was away; runs until cancelled."""
        while True:
            await asyncio.sleep(RETRY)
            for provider_id, written in list(self._unstored.items()):
                try:
                    await self._accept(written, written.arrived.text, None, is_told=True)
                except DATABASE_ERRORS:
                    break
                self._unstored.pop(provider_id, None)

    async def _handle(self, written: Written) -> str | None:
        text, words = written.arrived.text, self._words
        if written.check.acute:
            return await self._accept(written, text, None)
        if not text.strip():
            return await self._at_door(written, words.only_text)
        word = words.word(text)
        if codes.is_code(text):
            moved = await self._at_door(written, words.code)
            if moved is not NOT_MINE:
                return moved
        if word and word not in _INTENTS:
            return await self._at_door(written, words.acts[word])
        async with self._doors.ledger.transaction() as connection:
            thread = await self._threads.find(connection, written)
        choice = _INTENTS[word] if word else choice_of(written.arrived, thread)
        if choice == DELETE:
            return await self._at_door(written, words.erase)
        if choice in FULL:
            said = await self._at_door(written, words.set_full)
            return said or await self._ask_again(written)
        is_number = re.fullmatch(r"[\d\s,.]+", text.strip())
        if choice is None and is_number and thread is not None and thread.menu.get("how"):
            return await self._at_door(written, words.how)
        return await self._accept(written, text, choice)

    async def _ask_again(self, written: Written) -> str | None:
        """Have the open question asked again, where there is one."""
        thread = await self._threads.open(written)
        conversation = await self._doors.ledger.conversation(thread.conversation)
        if conversation.requested_slot is None:
            return None
        return await self._accept(written, written.arrived.text, "intent:repeat")

    async def _accept(
        self, written: Written, text: str, choice: str | None, *, is_told: bool = False
    ) -> str | None:
        """Store the message for the worker; an answer to danger comes at once."""
        doors, is_acute = self._doors, written.check.acute
        thread = await self._threads.open(written)
        conversation = await doors.ledger.conversation(thread.conversation)
        message = await self._message(written, conversation, text, choice)
        answers: list[OutgoingMessage] = []
        said = None
        if is_acute:
            setting = doors.setting(conversation.municipality, conversation.language)
            acute = doors.replies.acute(written.check, setting)
            look = look_of(doors.catalogue, conversation, thread)
            if not is_told:
                is_told, said = await self._tell_now(written, acute, look)
            answers = [_told(acute) if is_told else acute]
        limit = doors.settings.queue_limit
        accepted = await doors.ledger.accept(conversation.id, message, answers, limit)
        if is_acute and accepted.is_new:
            async with doors.ledger.transaction() as connection:
                await notify(connection, ALARM, f"{conversation.municipality} {conversation.id}")
        return said

    async def _message(
        self, written: Written, conversation: Conversation, text: str, choice: str | None
    ) -> IncomingMessage:
        """What is stored of a text: without what identifies, and a given number set aside."""
        doors = self._doors
        label = choice and doors.replies.choice_label(choice, conversation.language)
        choice, text = (choice, label) if label else (None, text)
        text = text.replace("\x00", "").strip()
        if choice is None and await take_number(
            doors.ledger, conversation.id, conversation.slots, text
        ):
            hidden = doors.content.raw(conversation.language, "book_number_hidden")
            text, choice = without_number(text, hidden), GIVEN_NUMBER
        masked = mask(text[: doors.settings.message_length])
        return IncomingMessage(
            written.channel,
            written.provider_id,
            masked.text,
            choice=choice,
            acute=written.check.acute,
            masked=masked.kinds,
        )

    async def _tell_now(
        self, written: Written, message: OutgoingMessage, look: Look
    ) -> tuple[bool, str | None]:
        """Answer danger in the response, else through the provider; (told, words to respond)."""
        text = self.short.acute(message, look)
        if written.provider.answers_in_response:
            return True, text
        return await self._send_now(written, text), None

    async def _send_now(self, written: Written, text: str) -> bool:
        letter = Letter(uuid4(), written.phone, written.number, text)
        try:
            await written.provider.send(self._http, letter)
        except (NotSentError, WindowClosedError) as error:
            log.error("not_sent_at_once", channel=written.channel, error=type(error).__name__)
            return False
        return True

    async def _at_door(self, written: Written, act: Act) -> str | None:
        """Do what is answered here once per provider id, in one commit."""
        async with self._doors.ledger.transaction() as connection:
            if not await addresses.is_first_time(connection, written.channel, written.provider_id):
                return None
            said = await act(connection, written)
            if said is NOT_MINE:
                await connection.rollback()
                return said
        if said and not written.provider.answers_in_response:
            await self._send_now(written, said)
        return said


def _told(message: OutgoingMessage) -> OutgoingMessage:
    return OutgoingMessage(
        message.author,
        message.text,
        message.reply_id,
        message.language,
        {**message.body, TOLD: True},
        message.acute,
        message.name,
    )
