"""What is answered at the phones' door itself: reserved words, codes, erasing, full text."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from bot import addresses, answers, codes
from bot.addresses import Thread
from bot.database import Connection
from bot.retention import erase
from channels.doors import Doors
from channels.phone_threads import PhoneThreads, Written
from channels.phones import Phones
from channels.providers.adapter import Arrived
from channels.sending import link_text
from channels.short import WORDS, Bit, Look, Short, chosen

NOT_MINE = "\x00not a code"  # an answer that is none: the text is a message like any other
FULL = {"sms:full": True, "sms:short": False}
Act = Callable[[Connection, Written], Awaitable[str | None]]
AskAgain = Callable[[Written], Awaitable[str | None]]


class PhoneWords:
    """One act a word; each returns words for the response, None where it answered in order."""

    def __init__(
        self, doors: Doors, phones: Phones, threads: PhoneThreads, short: Short, ask: AskAgain
    ) -> None:
        self._doors = doors
        self._phones = phones
        self._threads = threads
        self._short = short
        self._ask_again = ask
        self._words: dict[str, str] = {}
        for language in (*doors.content.languages, *doors.content.in_danger):
            for word in WORDS:
                for said in doors.content.raw(language, f"sms_word_{word}").split("|"):
                    self._words.setdefault(_bare(said), word)
        self.acts: dict[str, Act] = {
            "help": self.help,
            "stop": self.stop,
            "start": self.start,
            "web": self.web,
            "full": self.full,
            "short": self.short,
            "erase": self.erase,
        }

    def word(self, text: str) -> str | None:
        """The reserved word that a text is, in whichever language."""
        word = self._words.get(_bare(text))
        is_erase = word is None and answers.says_only(self._doors.content, "sms_word_erase", text)
        return "erase" if is_erase else word

    async def only_text(self, connection: Connection, written: Written) -> str | None:
        return await self._answer(connection, written, "sms_only_text")

    async def how(self, connection: Connection, written: Written) -> str | None:
        """A number that stands for nothing: how the open question is answered."""
        thread, look = await self._threads.known(connection, written)
        if thread is not None:
            bit = Bit(str(thread.menu.get("how", "")))
            await self._threads.say(connection, written, thread, bit, look)
        return None

    async def help(self, connection: Connection, written: Written) -> str | None:
        return await self._answer(connection, written, "sms_help")

    async def stop(self, connection: Connection, written: Written) -> str | None:
        """Silence, for the conversation and for notices; one last text says so."""
        thread, look = await self._threads.known(connection, written)
        seal = self._doors.ledger.seal
        await addresses.forget_notices_to(connection, seal, written.channel, written.phone)
        if thread is None:
            return self._short.text("sms_stopped", look)
        if not thread.is_stopped:
            await self._say(connection, written, thread, "sms_stopped", look)
            await addresses.set_thread(connection, thread.address, is_stopped=True)
        return None

    async def start(self, connection: Connection, written: Written) -> str | None:
        """Begin, or go on with the question that is open."""
        thread, _ = await self._threads.known(connection, written)
        if thread is not None:
            await addresses.set_thread(connection, thread.address, is_stopped=False)
            await addresses.catch_up(connection, thread.address)
            await connection.commit()
            return await self._ask_again(written)
        await connection.commit()
        await self._threads.open(written)
        thread, look = await self._threads.known(connection, written)
        assert thread is not None
        await self._say(connection, written, thread, "sms_begin", look)
        return None

    async def web(self, connection: Connection, written: Written) -> str | None:
        """A link and a code to the web conversation."""
        thread, look = await self._threads.known(connection, written)
        if thread is None:
            return None
        seal = self._doors.ledger.seal
        text = await link_text(connection, seal, self._short, self._phones, thread, look, "sms_web")
        await self._threads.say(connection, written, thread, Bit(text), look)
        return None

    async def full(self, connection: Connection, written: Written) -> str | None:
        """Explain what full text means and ask; nothing changes before the answer."""
        thread, look = await self._threads.known(connection, written)
        if thread is None or not look.may_send:
            return await self._answer(connection, written, "sms_full_refused")
        choices = (
            ("sms:full", self._short.text("sms_full_yes", look)),
            ("sms:short", self._short.text("sms_full_no", look)),
        )
        bit = Bit(self._short.text("sms_full_explained", look), choices)
        await self._threads.say(connection, written, thread, bit, look)
        return None

    async def short(self, connection: Connection, written: Written) -> str | None:
        thread, _ = await self._threads.known(connection, written)
        if thread is not None:
            await addresses.set_thread(connection, thread.address, full_text=False)
        return await self._answer(connection, written, "sms_full_off")

    async def set_full(self, connection: Connection, written: Written) -> str | None:
        """Her answer to what full text means."""
        thread, look = await self._threads.known(connection, written)
        is_full = FULL.get(choice_of(written.arrived, thread) or "", False) and look.may_send
        if thread is not None:
            await addresses.set_thread(connection, thread.address, full_text=is_full)
            seal = self._doors.ledger.seal
            await addresses.keep_rendered(connection, seal, thread, thread.rendered_seq, {})
        return await self._answer(connection, written, "sms_full_on" if is_full else "sms_full_off")

    async def erase(self, connection: Connection, written: Written) -> str | None:
        """Remove the conversation and the number; said in the response, since nothing is kept."""
        thread, look = await self._threads.known(connection, written)
        if thread is not None:
            reference = look.municipality.retention_decision
            await erase(connection, thread.conversation, reference)
        return self._short.text("sms_utter_deleted", look)

    async def code(self, connection: Connection, written: Written) -> str | None:
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
            return NOT_MINE
        if opened.municipality != written.municipality:
            await connection.rollback()
            return NOT_MINE
        await addresses.take_thread(
            connection, seal, opened.conversation, written.channel, written.number, written.phone
        )
        await connection.commit()
        thread, look = await self._threads.known(connection, written)
        assert thread is not None
        await self._say(connection, written, thread, "sms_moved_here", look)
        await connection.commit()
        return await self._ask_again(written)

    async def _answer(
        self, connection: Connection, written: Written, text_id: str, **values: Any
    ) -> str | None:
        """Say one of the phone's own texts: in the response to a stranger, else in order."""
        thread, look = await self._threads.known(connection, written)
        text = self._short.text(text_id, look, **values)
        if thread is None or thread.is_stopped:
            return text
        await self._threads.say(connection, written, thread, Bit(text), look)
        return None

    async def _say(
        self, connection: Connection, written: Written, thread: Thread, text_id: str, look: Look
    ) -> None:
        bit = Bit(self._short.text(text_id, look))
        await self._threads.say(connection, written, thread, bit, look)


def _bare(text: str) -> str:
    """A word without the signs around and above its letters, in small letters."""
    return " ".join(re.sub(r"[^\w\s]", "", text).casefold().split())


def choice_of(arrived: Arrived, thread: Thread | None) -> str | None:
    """The choice that a message is: a pressed button, or the number of one on the menu."""
    if arrived.choice is not None:
        # A button stays on the screen: any choice the product knows may come.
        return arrived.choice
    return chosen(arrived.text, thread.menu if thread else {})
