"""The phones' door: what providers deliver, reserved words, codes and numbered answers.

Danger is looked for before anything else and answered in the provider's own call, also with the
database down. A message is stored once per provider id; what is answered at the door as well.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
from fastapi import APIRouter, Request, Response

from bot import addresses, answers, codes
from bot.addresses import Address, AddressError, Thread
from bot.call_backs import GIVEN_NUMBER, take_number, without_number
from bot.database import RETRY, Connection
from bot.ledger import ALARM, QueueFullError, notify
from bot.log import get_log
from bot.messages import IncomingMessage, OutgoingMessage
from bot.outbox import Outbox, release
from bot.privacy import mask
from bot.replies import DELETE
from bot.retention import erase
from channels.doors import Doors
from channels.errors import DoorError
from channels.phones import Phones
from channels.providers.adapter import (
    Answer,
    Arrived,
    Call,
    ForgedError,
    Letter,
    NotSentError,
    Provider,
    Report,
    UnreadableError,
    WindowClosedError,
)
from channels.sending import link_text, look_of, put
from channels.short import TOLD, WORDS, Bit, Look, Short, chosen
from channels.web import DATABASE_ERRORS
from nlu import safety

log = get_log()
router = APIRouter(prefix="/in")
MOST_UNSTORED = 1000
_INTENTS = {"back": "intent:go_back", "guide": "intent:want_person", "skip": "intent:skip"}
_FULL = {"sms:full": True, "sms:short": False}


@dataclass(frozen=True, slots=True)
class Written:
    """What a phone wrote, ready to be handled."""

    provider: Provider
    arrived: Arrived
    phone: str
    municipality: str
    check: safety.Check

    @property
    def channel(self) -> str:
        return self.provider.channel

    @property
    def number(self) -> str:
        return self.arrived.to


class PhoneDoor:
    """Handles what providers deliver."""

    def __init__(self, doors: Doors, phones: Phones, http: httpx.AsyncClient) -> None:
        self._doors = doors
        self.phones = phones
        self._http = http
        self.short = Short(doors.content, doors.shipped)
        self._outbox = Outbox(doors.ledger)
        self._unstored: dict[str, Written] = {}
        self._words: dict[str, str] = {}
        for language in (*doors.content.languages, *doors.content.in_danger):
            for word in WORDS:
                for said in doors.content.raw(language, f"sms_word_{word}").split("|"):
                    self._words.setdefault(said.casefold(), word)

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
        if written.check.acute:
            return await self._accept(written, written.arrived.text, None)
        if not written.arrived.text.strip():
            return await self._at_door(written, self._only_text)
        word = self._word(written.arrived.text)
        if codes.is_code(written.arrived.text):
            moved = await self._at_door(written, self._code)
            if moved is not _NOT_MINE:
                return moved
        if word and word not in _INTENTS:
            return await self._at_door(written, getattr(self, f"_{word}"))
        thread = await self._thread(written)
        choice = _INTENTS[word] if word else self._choice(written.arrived, thread)
        if choice == DELETE:
            return await self._at_door(written, self._erase)
        if choice in _FULL:
            said = await self._at_door(written, self._set_full)
            return said or await self._ask_again(written)
        is_number = re.fullmatch(r"[\d\s,.]+", written.arrived.text.strip())
        if choice is None and is_number and thread is not None and thread.menu.get("how"):
            return await self._at_door(written, self._how)
        return await self._accept(written, written.arrived.text, choice)

    async def _ask_again(self, written: Written) -> str | None:
        """Have the open question asked again, where there is one."""
        thread = await self._opened(written)
        conversation = await self._doors.ledger.conversation(thread.conversation)
        if conversation.requested_slot is None:
            return None
        return await self._accept(written, written.arrived.text, "intent:repeat")

    async def _how(self, connection: Connection, written: Written) -> str | None:
        """A number that stands for nothing: how the open question is answered."""
        thread, look = await self._known(connection, written)
        if thread is not None:
            bit = Bit(str(thread.menu.get("how", "")))
            await self._say(connection, written, thread, bit, look)
        return None

    def _word(self, text: str) -> str | None:
        said = re.sub(r"[^\w\s]", "", text).strip().casefold()
        word = self._words.get(" ".join(said.split()))
        is_erase = word is None and answers.says_only(self._doors.content, "sms_word_erase", text)
        return "erase" if is_erase else word

    def _choice(self, arrived: Arrived, thread: Thread | None) -> str | None:
        menu = thread.menu if thread else {}
        if arrived.choice is not None:
            # A button stays on the screen: any choice the product knows may come.
            return arrived.choice
        return chosen(arrived.text, menu)

    async def _thread(self, written: Written) -> Thread | None:
        async with self._doors.ledger.transaction() as connection:
            return await self._of(connection, written)

    async def _of(self, connection: Connection, written: Written) -> Thread | None:
        return await addresses.thread_of(
            connection, self._doors.ledger.seal, written.channel, written.number, written.phone
        )

    async def _opened(self, written: Written) -> Thread:
        """The phone's conversation; a new one with its first words where there is none.

        One at a time per phone, so that two messages at once open one conversation.
        """
        seal, doors = self._doors.ledger.seal, self._doors
        mark = seal.marks(f"{written.number}:{written.phone}")[0]
        async with doors.ledger.transaction() as connection:
            key = int.from_bytes(mark[:8], "big", signed=True)
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", [key])
            thread = await self._of(connection, written)
            if thread is None:
                language = written.check.language or "sv"
                known = language if language in doors.content.languages else "sv"
                setting = doors.setting(written.municipality, known)
                conversation, _ = await doors.ledger.open_conversation(
                    written.municipality, written.channel, known, doors.replies.opening(setting)
                )
                await addresses.keep_address(
                    connection,
                    seal,
                    conversation,
                    Address(written.channel, written.phone),
                    "conversation",
                    written.number,
                )
                thread = await self._of(connection, written)
                assert thread is not None
            conversation_row = await doors.ledger.conversation(thread.conversation)
            if thread.is_stopped or conversation_row.channel != written.channel:
                # What was said in silence or on the web is not sent afterwards.
                await addresses.catch_up(connection, thread.address)
                await addresses.set_thread(connection, thread.address, is_stopped=False)
            await addresses.note_incoming(connection, thread.address)
            await release(connection, thread.address)
        return thread

    async def _accept(
        self, written: Written, text: str, choice: str | None, *, is_told: bool = False
    ) -> str | None:
        """Store the message for the worker; an answer to danger comes at once."""
        doors = self._doors
        thread = await self._opened(written)
        conversation = await doors.ledger.conversation(thread.conversation)
        limit, is_acute = doors.settings.message_length, written.check.acute
        label = choice and doors.replies.choice_label(choice, conversation.language)
        choice, text = (choice, label) if label else (None, text)
        text = text.replace("\x00", "").strip()
        if choice is None and await take_number(
            doors.ledger, conversation.id, conversation.slots, text
        ):
            hidden = doors.content.raw(conversation.language, "book_number_hidden")
            text, choice = without_number(text, hidden), GIVEN_NUMBER
        masked = mask(text[:limit])
        message = IncomingMessage(
            written.channel,
            f"{written.provider.name}:{written.arrived.provider_id}",
            masked.text,
            choice=choice,
            acute=is_acute,
            masked=masked.kinds,
        )
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

    async def _at_door(
        self, written: Written, act: Callable[[Connection, Written], Awaitable[str | None]]
    ) -> str | None:
        """Do what is answered here once per provider id, in one commit."""
        async with self._doors.ledger.transaction() as connection:
            provider_id = f"{written.provider.name}:{written.arrived.provider_id}"
            if not await addresses.is_first_time(connection, written.channel, provider_id):
                return None
            said = await act(connection, written)
            if said is _NOT_MINE:
                await connection.rollback()
                return said
        if said and not written.provider.answers_in_response:
            await self._send_now(written, said)
        return said

    async def _say(
        self, connection: Connection, written: Written, thread: Thread, bit: Bit, look: Look
    ) -> None:
        place = f"door.{written.arrived.provider_id}"
        seal = self._doors.ledger.seal
        await put(connection, seal, self.short, thread, bit, look, place)
        if bit.choices:
            await addresses.keep_rendered(
                connection, seal, thread, thread.rendered_seq, self.short.menu(bit, look)
            )

    async def _known(self, connection: Connection, written: Written) -> tuple[Thread | None, Look]:
        thread = await self._of(connection, written)
        if thread is None:
            municipality = self._doors.catalogue.municipalities[written.municipality]
            language = self._language_of(written)
            return None, Look(municipality, language, written.channel)
        conversation = await self._doors.ledger.conversation(thread.conversation)
        return thread, look_of(self._doors.catalogue, conversation, thread)

    def _language_of(self, written: Written) -> str:
        """The language whose word was written, to somebody nothing is known of."""
        said = written.arrived.text.strip().casefold()
        content = self._doors.content
        for language in content.languages:
            own = [content.raw(language, f"sms_word_{w}").casefold().split("|") for w in WORDS]
            if any(said in words for words in own):
                return language
        return "sv"

    async def _answer(
        self, connection: Connection, written: Written, text_id: str, **values: Any
    ) -> str | None:
        """Say one of the phone's own texts: in the response to a stranger, else in order."""
        thread, look = await self._known(connection, written)
        text = self.short.text(text_id, look, **values)
        if thread is None or thread.is_stopped:
            return text
        await self._say(connection, written, thread, Bit(text), look)
        return None

    async def _only_text(self, connection: Connection, written: Written) -> str | None:
        return await self._answer(connection, written, "sms_only_text")

    async def _help(self, connection: Connection, written: Written) -> str | None:
        return await self._answer(connection, written, "sms_help")

    async def _stop(self, connection: Connection, written: Written) -> str | None:
        """Silence, for the conversation and for notices; one last text says so."""
        thread, look = await self._known(connection, written)
        seal = self._doors.ledger.seal
        await addresses.forget_notices_to(connection, seal, written.channel, written.phone)
        if thread is None:
            return self.short.text("sms_stopped", look)
        if not thread.is_stopped:
            await self._say(
                connection, written, thread, Bit(self.short.text("sms_stopped", look)), look
            )
            await addresses.set_thread(connection, thread.address, is_stopped=True)
        return None

    async def _start(self, connection: Connection, written: Written) -> str | None:
        """Begin, or go on with the question that is open."""
        thread, _ = await self._known(connection, written)
        if thread is not None:
            await addresses.set_thread(connection, thread.address, is_stopped=False)
            await addresses.catch_up(connection, thread.address)
            await connection.commit()
            return await self._ask_again(written)
        await connection.commit()
        await self._opened(written)
        thread, look = await self._known(connection, written)
        assert thread is not None
        bit = Bit(self.short.text("sms_begin", look))
        await self._say(connection, written, thread, bit, look)
        return None

    async def _web(self, connection: Connection, written: Written) -> str | None:
        """A link and a code to the web conversation."""
        thread, look = await self._known(connection, written)
        if thread is None:
            return None
        seal = self._doors.ledger.seal
        text = await link_text(connection, seal, self.short, self.phones, thread, look, "sms_web")
        await self._say(connection, written, thread, Bit(text), look)
        return None

    async def _full(self, connection: Connection, written: Written) -> str | None:
        """Explain what full text means and ask; nothing changes before the answer."""
        thread, look = await self._known(connection, written)
        if thread is None or not look.may_send:
            return await self._answer(connection, written, "sms_full_refused")
        choices = (
            ("sms:full", self.short.text("sms_full_yes", look)),
            ("sms:short", self.short.text("sms_full_no", look)),
        )
        bit = Bit(self.short.text("sms_full_explained", look), choices)
        await self._say(connection, written, thread, bit, look)
        return None

    async def _short(self, connection: Connection, written: Written) -> str | None:
        thread, _ = await self._known(connection, written)
        if thread is not None:
            await addresses.set_thread(connection, thread.address, full_text=False)
        return await self._answer(connection, written, "sms_full_off")

    async def _set_full(self, connection: Connection, written: Written) -> str | None:
        thread, look = await self._known(connection, written)
        choice = self._choice(written.arrived, thread)
        is_full = _FULL.get(choice or "", False) and look.may_send
        if thread is not None:
            await addresses.set_thread(connection, thread.address, full_text=is_full)
            seal = self._doors.ledger.seal
            await addresses.keep_rendered(connection, seal, thread, thread.rendered_seq, {})
        return await self._answer(connection, written, "sms_full_on" if is_full else "sms_full_off")

    async def _erase(self, connection: Connection, written: Written) -> str | None:
        """Remove the conversation and the number; said in the response, since nothing is kept."""
        thread, look = await self._known(connection, written)
        if thread is not None:
            reference = look.municipality.retention_decision
            await erase(connection, thread.conversation, reference)
        return self.short.text("sms_utter_deleted", look)

    async def _code(self, connection: Connection, written: Written) -> str | None:
        """A code from the web moves its conversation to this phone; anything else is a text."""
        seal = self._doors.ledger.seal
        try:
            opened = await codes.use_code(connection, seal, written.arrived.text, written.phone)
        except codes.TooManyCodesError:
            minutes = codes.CodePolicy.load().attempts_within // 60
            return await self._answer(connection, written, "sms_too_many_codes", minutes=minutes)
        except KeyError:
            await connection.rollback()
            await codes.note_wrong(connection, seal, written.phone)
            await connection.commit()
            return _NOT_MINE
        if opened.municipality != written.municipality:
            await connection.rollback()
            return _NOT_MINE
        await addresses.take_thread(
            connection, seal, opened.conversation, written.channel, written.number, written.phone
        )
        await connection.commit()
        thread, look = await self._known(connection, written)
        assert thread is not None
        await self._say(
            connection, written, thread, Bit(self.short.text("sms_moved_here", look)), look
        )
        await connection.commit()
        return await self._ask_again(written)


_NOT_MINE = "\x00not a code"


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


def door_of(request: Request) -> PhoneDoor:
    door: PhoneDoor = request.app.state.phone_door
    return door


@router.get("/{provider}", tags=["access:provider"])
async def verify(request: Request, provider: str) -> Response:
    """Answer a provider that asks whether this address is ours."""
    return await _answered(request, provider)


@router.post("/{provider}", tags=["access:provider"])
async def deliver(request: Request, provider: str) -> Response:
    """What a provider delivers: messages and reports. 403 for anybody else, and no row."""
    return await _answered(request, provider)


@router.post("/{provider}/{secret}", tags=["access:provider"])
async def deliver_to_secret(request: Request, provider: str, secret: str) -> Response:
    """The same, from a provider that signs nothing; the adapter reads the secret itself."""
    return await _answered(request, provider)


async def _answered(request: Request, provider: str) -> Response:
    door = door_of(request)
    known = door.phones.by_name.get(provider)
    if known is None:
        raise DoorError("forged_call")
    path = request.scope.get("raw_path") or request.url.path.encode()
    query = request.scope.get("query_string", b"")
    target = path.decode("latin-1").partition("?")[0]
    call = Call(
        method=request.method,
        target=f"{target}?{query.decode('latin-1')}" if query else target,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.body(),
    )
    try:
        read = known.read(call)
    except ForgedError:
        log.warning("forged_call", provider=known.name)
        raise DoorError("forged_call") from None
    except UnreadableError as error:
        log.warning("unreadable_call", provider=known.name, reason=str(error))
        raise DoorError("unreadable_call") from None
    answer = read if isinstance(read, Answer) else await door.take(known, read)
    return Response(answer.body, answer.status, media_type=answer.media_type)
