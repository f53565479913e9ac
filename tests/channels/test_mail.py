"""Notices by e-mail, through a mail server that speaks real SMTP."""

from __future__ import annotations

import datetime as dt
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from bot.outbox import Piece
from channels.phones import MailServer
from channels.providers.adapter import NotSentError
from channels.sending import send_mail

REFERENCE = UUID("7d444840-9dc0-11d1-b245-5ffdce74fad2")
SENDER = "lotsa@exempelkommun.example.se"


@dataclass
class Mailbox:
    """What the server took, and what it answers each recipient."""

    answer: str = "250 OK"
    letters: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        letter = message_from_bytes(bytes(envelope.content or b""), policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append((list(envelope.rcpt_tos), letter))
        return "250 OK"

    def check(self, server: SMTP, session: Session, envelope: Envelope, how: str, data: Any) -> Any:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"secret")


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def server(mailbox: Mailbox) -> Iterator[MailServer]:
    """A mail server on this machine that knows a login."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=port,
        authenticator=mailbox.check,
        auth_require_tls=False,
    )
    controller.start()
    yield MailServer(
        host="127.0.0.1", port=port, username="lotsa", password="secret", sender=SENDER,
        start_tls=False,
    )  # fmt: skip
    controller.stop()


def piece() -> Piece:
    now = dt.datetime.now(dt.UTC)
    return Piece(
        1, REFERENCE, "strangnas", uuid4(), "email", "anna@example.org", "", "sv", {}, 1, False, 0,
        uuid4(), now,
    )  # fmt: skip


async def test_a_notice_arrives_whole_and_says_that_it_is_automatic(
    server: MailServer, mailbox: Mailbox
) -> None:
    sent = await send_mail(server, piece(), "Ett svar väntar", "Någon har svarat dig.\nÅäö")
    ((recipients, letter),) = mailbox.letters
    assert recipients == ["anna@example.org"]
    assert (letter["From"], letter["To"], letter["Subject"]) == (
        SENDER, "anna@example.org", "Ett svar väntar",
    )  # fmt: skip
    assert letter.get_content().split() == ["Någon", "har", "svarat", "dig.", "Åäö"]
    assert letter["Auto-Submitted"] == "auto-generated"
    assert str(REFERENCE) in letter["Message-ID"]
    assert sent.provider_id == str(REFERENCE)
    assert mailbox.logins == [(b"lotsa", b"secret")]


async def test_an_address_that_is_refused_is_not_tried_again(
    server: MailServer, mailbox: Mailbox
) -> None:
    mailbox.answer = "550 No such user"
    with pytest.raises(NotSentError) as refused:
        await send_mail(server, piece(), "x", "y")
    assert refused.value.for_good
    assert "anna" not in refused.value.reason


async def test_a_server_that_is_busy_is_tried_again(server: MailServer, mailbox: Mailbox) -> None:
    mailbox.answer = "451 Try again later"
    with pytest.raises(NotSentError) as refused:
        await send_mail(server, piece(), "x", "y")
    assert not refused.value.for_good
    assert mailbox.letters == []


async def test_a_wrong_password_or_no_server_is_tried_again(server: MailServer) -> None:
    wrong = server.model_copy(update={"password": "another"})
    gone = server.model_copy(update={"port": 1})
    for unreachable in (wrong, gone):
        with pytest.raises(NotSentError) as refused:
            await send_mail(unreachable, piece(), "x", "y")
        assert not refused.value.for_good


async def test_words_that_look_like_a_header_stay_words(
    server: MailServer, mailbox: Mailbox
) -> None:
    await send_mail(server, replace(piece(), language="sv"), "Hej", "Bcc: all@example.org\n\nx")
    ((recipients, letter),) = mailbox.letters
    assert recipients == ["anna@example.org"]
    assert letter["Bcc"] is None
