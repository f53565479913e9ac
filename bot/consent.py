"""What the parent said yes and no to: four purposes, each receiver by itself, never changed after.

A choice is kept with the version and a hash of the words that stood on her screen when she made it
(Offentlighets- och sekretesslagen 12 kap. 2 §: consent may cover chosen facts, to a named receiver,
and may be taken back at any time).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import yaml
from pydantic import BaseModel, ConfigDict

from bot.database import Connection
from bot.messages import StoredMessage

Purpose = Literal["storage", "handoff", "follow_up", "messages"]
Answer = Literal["share", "share_nothing", "revoked", "yes", "no"]
PURPOSES: tuple[Purpose, ...] = ("storage", "handoff", "follow_up", "messages")
BY_YES_OR_NO: tuple[Purpose, ...] = ("storage", "follow_up", "messages")
POLICY = Path(__file__).parent / "content" / "policy" / "consent.yml"
BRIEF, QUESTION, OFFER = "utter_brief", "utter_ask_consent_handoff", "utter_offer_"


class ConsentPolicy(BaseModel):
    """The version of the words, and how long a chat is kept for those who want it longer."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    version: str
    longer_days: int
    own_view_from: int
    own_view_counts_from: int
    of_age: int


@lru_cache
def policy() -> ConsentPolicy:
    """The rules in force."""
    return ConsentPolicy.model_validate(yaml.safe_load(POLICY.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer; `receiver` is empty where the purpose has none."""

    purpose: Purpose
    receiver: str
    answer: Answer
    version: str
    text_hash: str
    language: str
    at: dt.datetime

    @property
    def is_yes(self) -> bool:
        return self.answer in ("share", "yes")


async def add(
    connection: Connection,
    *,
    municipality: str,
    conversation: UUID,
    purpose: Purpose,
    answer: Answer,
    words: str,
    language: str,
    receiver: str = "",
) -> None:
    """Note a choice; `words` are those that were shown, and only their hash is kept."""
    await connection.execute(
        "INSERT INTO consent_choices (municipality, conversation_id, purpose, choice, "
        "information_version, text_hash, language, receiver) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [
            municipality,
            conversation,
            purpose,
            answer,
            policy().version,
            hash_of(words),
            language,
            receiver,
        ],
    )


async def history(connection: Connection, conversation: UUID) -> list[Choice]:
    """Every choice of a conversation, the oldest first."""
    cursor = await connection.execute(
        "SELECT purpose, receiver, choice, information_version, text_hash, language, created_at "
        "FROM consent_choices WHERE conversation_id = %s ORDER BY id",
        [conversation],
    )
    return [
        Choice(
            row["purpose"],
            row["receiver"],
            row["choice"],
            row["information_version"],
            row["text_hash"],
            row["language"],
            row["created_at"],
        )
        for row in await cursor.fetchall()
    ]


async def in_force(
    connection: Connection, conversation: UUID
) -> Mapping[tuple[Purpose, str], Choice]:
    """The newest choice of each purpose and receiver."""
    return {
        (choice.purpose, choice.receiver): choice
        for choice in await history(connection, conversation)
    }


async def may_read(connection: Connection, conversation: UUID, receiver: str) -> bool:
    """Whether a function or receiver has the parent's yes to read her brief."""
    choice = (await in_force(connection, conversation)).get(("handoff", receiver))
    return choice is not None and choice.is_yes


async def says_yes(connection: Connection, conversation: UUID, purpose: Purpose) -> bool:
    """Whether the newest choice of a purpose without receivers is a yes."""
    choice = (await in_force(connection, conversation)).get((purpose, ""))
    return choice is not None and choice.is_yes


async def kept_longer(connection: Connection, municipality: str) -> list[UUID]:
    """Conversations whose parent wants them kept longer, and whose longer time is not over."""
    cursor = await connection.execute(
        "SELECT c.id FROM conversations c JOIN LATERAL (SELECT choice FROM consent_choices "
        "WHERE conversation_id = c.id AND purpose = 'storage' ORDER BY id DESC LIMIT 1) newest "
        "ON newest.choice = 'yes' "
        "WHERE c.municipality = %s AND c.last_at >= now() - make_interval(days => %s)",
        [municipality, policy().longer_days],
    )
    return [row["id"] for row in await cursor.fetchall()]


def hash_of(words: str) -> str:
    """SHA-256 of the words shown, as hexadecimal digits."""
    return hashlib.sha256(words.encode()).hexdigest()


def words_shown(messages: Iterable[StoredMessage]) -> str:
    """The words on which consent to a handoff was asked: the brief of the offer, the question."""
    brief = question = ""
    for message in messages:
        reply = message.reply_id or ""
        if reply.startswith(OFFER):
            brief = ""
        elif reply == BRIEF:
            brief = words_of(message.text, message.body)
        elif reply == QUESTION:
            question = words_of(message.text, message.body)
    return "\n".join(part for part in (brief, question) if part)


def words_of_offer(messages: Iterable[StoredMessage], offer: str) -> str:
    """The words of the message in which something was offered to be given on."""
    for message in messages:
        ids = [choice["id"] for choice in message.body.get("choices", ())]
        if any(choice.endswith(f":{offer}") for choice in ids):
            return words_of(message.text, message.body)
    return ""


def words_of(text: str, body: Mapping[str, Any]) -> str:
    """A message as plain text: what was said, its lines, its sections, the choices offered."""
    parts = [text, *_lines(body)]
    for section in body.get("sections", ()):
        parts += [section["heading"], *_lines(section)]
    parts += [choice["label"] for choice in body.get("choices", ())]
    return "\n".join(parts)


def _lines(body: Mapping[str, Any]) -> list[str]:
    return [f"{line['label']}: {line['value']}" for line in body.get("lines", ())]
