"""A phone's conversation: found, opened, and spoken in."""

from __future__ import annotations

from dataclasses import dataclass

from bot import addresses
from bot.addresses import Address, Thread
from bot.database import Connection
from bot.outbox import release
from channels.doors import Doors
from channels.providers.adapter import Arrived, Provider
from channels.sending import look_of, put
from channels.short import WORDS, Bit, Look, Short
from nlu import safety


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

    @property
    def provider_id(self) -> str:
        """The message's id, unique among all providers."""
        return f"{self.provider.name}:{self.arrived.provider_id}"


class PhoneThreads:
    """Knows which conversation a phone is in."""

    def __init__(self, doors: Doors, short: Short) -> None:
        self._doors = doors
        self._short = short

    async def find(self, connection: Connection, written: Written) -> Thread | None:
        """The phone's conversation, None where it has none."""
        return await addresses.thread_of(
            connection, self._doors.ledger.seal, written.channel, written.number, written.phone
        )

    async def known(self, connection: Connection, written: Written) -> tuple[Thread | None, Look]:
        """The phone's conversation, if any, and how it looks there."""
        thread = await self.find(connection, written)
        if thread is None:
            municipality = self._doors.catalogue.municipalities[written.municipality]
            return None, Look(municipality, self._language_of(written), written.channel)
        conversation = await self._doors.ledger.conversation(thread.conversation)
        return thread, look_of(self._doors.catalogue, conversation, thread)

    async def open(self, written: Written) -> Thread:
        """The phone's conversation; a new one with its first words where there is none.

        One at a time per phone, so that two messages at once open one conversation.
        """
        seal, doors = self._doors.ledger.seal, self._doors
        mark = seal.marks(f"{written.number}:{written.phone}")[0]
        async with doors.ledger.transaction() as connection:
            key = int.from_bytes(mark[:8], "big", signed=True)
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", [key])
            thread = await self.find(connection, written)
            if thread is None:
                thread = await self._new(connection, written)
            conversation = await doors.ledger.conversation(thread.conversation)
            if thread.is_stopped or conversation.channel != written.channel:
                # What was said in silence or on the web is not sent afterwards.
                await addresses.catch_up(connection, thread.address)
                await addresses.set_thread(connection, thread.address, is_stopped=False)
            await addresses.note_incoming(connection, thread.address)
            await release(connection, thread.address)
        return thread

    async def _new(self, connection: Connection, written: Written) -> Thread:
        doors, language = self._doors, written.check.language or "sv"
        known = language if language in doors.content.languages else "sv"
        opening = doors.replies.opening(doors.setting(written.municipality, known))
        conversation, _ = await doors.ledger.open_conversation(
            written.municipality, written.channel, known, opening
        )
        await addresses.keep_address(
            connection,
            doors.ledger.seal,
            conversation,
            Address(written.channel, written.phone),
            "conversation",
            written.number,
        )
        thread = await self.find(connection, written)
        assert thread is not None
        return thread

    async def say(
        self, connection: Connection, written: Written, thread: Thread, bit: Bit, look: Look
    ) -> None:
        """Put the door's own answer in the outbox, once per message that it answers."""
        place = f"door.{written.arrived.provider_id}"
        seal = self._doors.ledger.seal
        await put(connection, seal, self._short, thread, bit, look, place)
        if bit.choices:
            await addresses.keep_rendered(
                connection, seal, thread, thread.rendered_seq, self._short.menu(bit, look)
            )

    def _language_of(self, written: Written) -> str:
        """The language whose word was written, to somebody nothing is known of."""
        said = written.arrived.text.strip().casefold()
        content = self._doors.content
        for language in content.languages:
            own = [content.raw(language, f"sms_word_{w}").casefold().split("|") for w in WORDS]
            if any(said in words for words in own):
                return language
        return "sv"
