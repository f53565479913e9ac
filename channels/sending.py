"""Runs beside the worker: turns replies into what phones show, and hands it to the providers."""

from __future__ import annotations

import asyncio
import datetime as dt
import smtplib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from email.message import EmailMessage
from uuid import uuid4

import aiosmtplib
import httpx
import psycopg

from bot import booking, consent
from bot.addresses import Thread, keep_rendered, unrendered_thread
from bot.codes import CodePolicy, new_code
from bot.content import Content, MissingTextError
from bot.database import RETRY, Connection, listen, open_pool
from bot.ledger import OUTGOING, Conversation, Ledger
from bot.log import get_log
from bot.messages import StoredMessage
from bot.outbox import OUTBOX, Outbox, Piece, Sent, add_piece
from bot.privacy import Seal
from bot.safe_use import may_send
from bot.settings import Settings
from channels.access import to_render
from channels.gsm import count, plain
from channels.phones import MailServer, Phones
from channels.providers.adapter import Letter, NotSentError, WindowClosedError
from channels.short import Bit, Look, Short
from knowledge.catalogue import Catalogue

log = get_log()
LEASE = 30.0  # seconds; longer than a provider may take to answer
AT_ONCE = 4
POLL = 1.0
WINDOW = dt.timedelta(hours=24)
RESUME_PAGE = "/fortsatt"


class Sending:
    """Renders and sends; several may run at once."""

    def __init__(
        self,
        ledger: Ledger,
        phones: Phones,
        short: Short,
        catalogue: Catalogue,
        http: httpx.AsyncClient,
        stopped: frozenset[str] = frozenset(),
    ) -> None:
        self.outbox = Outbox(ledger)
        self._ledger = ledger
        self._phones = phones
        self._short = short
        self._catalogue = catalogue
        self._http = http
        self._channels = [c for c in phones.channels if c not in stopped]
        self._id = uuid4()

    async def work(self) -> bool:
        """Render and send what there is; false when there was nothing. Raises psycopg.Error."""
        rendered = await self.render_next()
        sent = await asyncio.gather(*(self.send_next() for _ in range(AT_ONCE)))
        return rendered or any(sent)

    async def render_next(self) -> bool:
        """Put what a phone has not got yet in the outbox, in one commit with how far it came."""
        seal = self._ledger.seal
        async with self._ledger.transaction() as connection:
            thread = await unrendered_thread(connection, seal)
            if thread is None:
                return False
            conversation = await self._ledger.conversation(thread.conversation)
            messages = await to_render(self._ledger, thread)
            look = look_of(self._catalogue, conversation, thread)
            bits = self._rendered(messages, look)
            seq = max((m.seq for m in messages), default=thread.rendered_seq)
            if any(bit.is_link for bit in bits):
                bits = await self._linked(connection, bits, thread, look)
            for number, bit in enumerate(bits):
                await put(connection, seal, self._short, thread, bit, look, f"{seq}.{number}")
            menu = self._short.menu_after(bits, look, thread.menu)
            last = max(seq, await self._ledger.last_seq(thread.conversation))
            await keep_rendered(connection, seal, thread, seq if messages else last, menu)
        return True

    def _rendered(self, messages: Sequence[StoredMessage], look: Look) -> list[Bit]:
        try:
            return self._short.render(messages, look)
        except Exception as error:  # noqa: BLE001 - one reply must not stop everybody's
            log.error("not_rendered", error=type(error).__name__)
            return [Bit("", is_link=True, is_own=True)]

    async def _linked(
        self, connection: Connection, bits: Sequence[Bit], thread: Thread, look: Look
    ) -> list[Bit]:
        text = await link_text(
            connection, self._ledger.seal, self._short, self._phones, thread, look
        )
        return [replace(bit, text=text, is_link=False) if bit.is_link else bit for bit in bits]

    async def send_next(self) -> bool:
        """Hand one piece to its provider; false when none is due."""
        if not self._channels:
            return False
        piece = await self.outbox.claim(self._id, LEASE, self._channels)
        if piece is None:
            return False
        try:
            provider, sent = await self._hand_over(piece)
        except WindowClosedError:
            await self.outbox.hold(piece)
            return True
        except NotSentError as error:
            log.warning("not_sent", piece=piece.id, channel=piece.channel, reason=error.reason)
            await self.outbox.not_sent(piece, error.reason, for_good=error.for_good)
            return True
        await self.outbox.accepted(piece, provider, sent)
        return True

    async def _hand_over(self, piece: Piece) -> tuple[str, Sent]:
        text = str(piece.content.get("text", ""))
        if "notice" in piece.content:
            text = await self._notice(piece)
        if piece.channel == "email":
            if self._phones.email is None:
                raise NotSentError("no_mail_server")
            subject = self._short.content.text(piece.language, "notice_subject")
            return "smtp", await send_mail(self._phones.email, piece, subject, text)
        provider = self._phones.provider(piece.channel)
        sender = piece.sender or self._phones.number_of(piece.channel, piece.municipality)
        if provider is None or sender is None:
            raise NotSentError("no_provider")
        written = piece.last_in_at
        is_open = written is not None and dt.datetime.now(dt.UTC) - written < WINDOW
        choices = tuple((str(c[0]), str(c[1])) for c in piece.content.get("choices", ()))
        letter = Letter(piece.reference, piece.to, sender, text, choices, is_open, piece.language)
        return provider.name, await provider.send(self._http, letter)

    async def _notice(self, piece: Piece) -> str:
        """The words of a notice; none without her yes to such messages as it stands now.

        None near violence either, unless she said that nobody else reads.

        What names its own language goes to somebody who works there, not to her.
        """
        content, kind = self._short.content, "email" if piece.channel == "email" else "sms"
        own, given = piece.content.get("language"), piece.content["values"]
        language = own or piece.language
        if own is None:
            conversation = await self._ledger.conversation(piece.conversation)
            if not may_send(conversation.slots, is_acute=conversation.is_acute):
                raise NotSentError("not_safe", for_good=True)
            async with self._ledger.transaction() as connection:
                if not await consent.says_yes(connection, piece.conversation, "messages"):
                    raise NotSentError("no_consent", for_good=True)
        try:
            values = {**given, **booking.worded(given, content, language)}
            words = content.text(language, piece.content["notice"], **values)
        except MissingTextError as error:
            raise NotSentError("missing_text", for_good=True) from error
        if own is not None:
            return words if kind == "email" else plain(words)
        ending = content.text(language, f"notice_stop_{kind}")
        return f"{words}\n{ending}" if kind == "email" else plain(f"{words} {ending}")


def look_of(catalogue: Catalogue, conversation: Conversation, thread: Thread) -> Look:
    """How a conversation looks on its phone."""
    return Look(
        municipality=catalogue.municipalities[conversation.municipality],
        language=conversation.language,
        channel=conversation.channel if conversation.channel != "web" else "sms",
        full_text=thread.full_text,
        may_send=may_send(conversation.slots, is_acute=conversation.is_acute),
    )


async def link_text(
    connection: Connection, seal: Seal, short: Short, phones: Phones, thread: Thread, look: Look,
    text_id: str = "sms_link",
) -> str:  # fmt: skip
    """The words that lead to the web conversation, with a new code; none to a phone others read."""
    if not look.may_send:
        return short.text("sms_no_link", look)
    days = look.municipality.retention_days
    code = await new_code(connection, seal, thread.conversation, "move", days)
    minutes = CodePolicy.load().move // 60
    link = f"{phones.public_url}{RESUME_PAGE}"
    return short.text(text_id, look, link=link, code=code, minutes=minutes)


async def put(
    connection: Connection,
    seal: Seal,
    short: Short,
    thread: Thread,
    bit: Bit,
    look: Look,
    place: str,
) -> None:
    """Put a bit in the outbox once; `place` tells which of the conversation's it is."""
    content = {"text": short.shown(bit, look)}
    if look.channel != "sms" and bit.choices:
        content["choices"] = [list(choice) for choice in bit.choices]  # type: ignore[assignment]
    await add_piece(
        connection,
        seal,
        thread.address,
        f"{thread.address}:{place}",
        content,
        parts=count(content["text"]).parts if look.channel == "sms" else 1,
        is_urgent=bit.is_urgent,
    )


async def send_mail(server: MailServer, piece: Piece, subject: str, text: str) -> Sent:
    """Hand a notice to the mail server. Raises NotSentError."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = server.sender, piece.to, subject
    message["Message-ID"] = f"<{piece.reference}@{server.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    try:
        await aiosmtplib.send(
            message,
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            start_tls=server.start_tls,
            timeout=10,
        )
    except aiosmtplib.SMTPRecipientsRefused as error:
        # 4xx: not now, as from a server that wants to see us twice (RFC 5321 §4.2.1).
        is_final = all(refused.code >= 500 for refused in error.recipients)
        raise NotSentError("recipient_refused", for_good=is_final) from error
    except (aiosmtplib.SMTPException, OSError, smtplib.SMTPException) as error:
        raise NotSentError(type(error).__name__) from error
    return Sent(str(piece.reference))


async def run_sending(settings: Settings, url: str) -> None:
    """Send until cancelled; a database that goes away is waited for."""
    phones = Phones.load(settings.channels)
    if not phones.channels:
        return
    catalogue, wake = Catalogue.load(), asyncio.Event()
    short = Short(Content.load(), catalogue)
    async with open_pool(url) as pool, httpx.AsyncClient() as http:
        ledger = Ledger(pool, Seal.from_file(settings.keys))
        sending = Sending(ledger, phones, short, catalogue, http, settings.stopped_channels)
        log.info("sending_ready", channels=phones.channels)
        listening = asyncio.create_task(listen(url, [OUTBOX, OUTGOING], lambda *_: wake.set()))
        try:
            while True:
                await _round(sending, wake)
        finally:
            listening.cancel()


async def _round(sending: Sending, wake: asyncio.Event) -> None:
    wake.clear()
    try:
        while await sending.work():
            pass
    except (psycopg.Error, OSError) as error:
        log.warning("database_away", error=type(error).__name__)
        await asyncio.sleep(RETRY)
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(POLL):
            await wake.wait()
