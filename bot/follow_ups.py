"""Asking later how it went: nobody is asked who has not said yes, or who has taken it back since.

Owns the table `follow_ups`.
"""

from __future__ import annotations

import datetime as dt
from uuid import UUID, uuid4

from bot import consent, handoff
from bot.booking import PERSON
from bot.content import Content
from bot.database import Connection
from bot.ledger import Ledger
from bot.messages import Author, OutgoingMessage
from bot.replies import Replies

REPLY = "utter_follow_up"


class NoConsentError(RuntimeError):
    """The parent has not said yes to being asked."""


async def may_ask(connection: Connection, conversation: UUID) -> bool:
    """Whether the parent wants to be asked how it went."""
    return await consent.says_yes(connection, conversation, "follow_up")


async def plan(
    connection: Connection,
    *,
    municipality: str,
    conversation: UUID,
    guide: UUID,
    due_at: dt.datetime,
) -> None:
    """Ask at `due_at`, in place of a time planned before. Raises NoConsentError."""
    if not await may_ask(connection, conversation):
        raise NoConsentError
    await forget(connection, conversation)
    await connection.execute(
        "INSERT INTO follow_ups (id, municipality, conversation_id, guide_id, due_at) "
        "VALUES (%s, %s, %s, %s, %s)",
        [uuid4(), municipality, conversation, guide, due_at],
    )


async def forget(connection: Connection, conversation: UUID) -> None:
    """Nobody asks: she has taken her yes back, or another time is planned."""
    await connection.execute(
        "UPDATE follow_ups SET state = 'not_asked', changed_at = now() "
        "WHERE state = 'waiting' AND conversation_id = %s",
        [conversation],
    )


async def ask_due(ledger: Ledger, replies: Replies, now: dt.datetime) -> int:
    """Ask in the chat what is due; returns how many parents were asked.

    The yes is read anew here. Who talks with a person, or waits for one, is not asked either.
    """
    asked = 0
    while True:
        async with ledger.transaction() as connection:
            cursor = await connection.execute(
                "SELECT f.id, f.conversation_id, f.municipality, g.name, c.language "
                "FROM follow_ups f JOIN guides g ON g.id = f.guide_id "
                "JOIN conversations c ON c.id = f.conversation_id "
                "WHERE f.state = 'waiting' AND f.due_at <= %s "
                "ORDER BY f.due_at LIMIT 1 FOR UPDATE OF f SKIP LOCKED",
                [now],
            )
            row = await cursor.fetchone()
            if row is None:
                return asked
            conversation = row["conversation_id"]
            is_wanted = await may_ask(connection, conversation)
            if is_wanted and await handoff.open_for(connection, ledger.seal, conversation) is None:
                words = question(replies.content, row["language"], row["name"], row["municipality"])
                await ledger.add(connection, conversation, words)
                await _settle(connection, "asked", row["id"])
                asked += 1
            else:
                await _settle(connection, "not_asked", row["id"])


def question(content: Content, language: str, name: str, municipality: str) -> OutgoingMessage:
    """How it went, asked in the guide's name; she need not answer, and may end the asking."""
    body = {
        "choices": [{"id": PERSON, "label": content.raw(language, "choice_person")}],
        "links": [
            {
                "href": f"/integritet/{municipality}",
                "label": content.raw(language, "web_privacy_link"),
            }
        ],
    }
    text = content.text(language, REPLY, name=name)
    return OutgoingMessage(Author.BOT, text, REPLY, language, body=body)


async def _settle(connection: Connection, state: str, follow_up: UUID) -> None:
    await connection.execute(
        "UPDATE follow_ups SET state = %s, changed_at = now() WHERE id = %s", [state, follow_up]
    )
