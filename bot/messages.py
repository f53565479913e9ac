"""The words of a conversation as types: messages in and out, and how a turn may end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID


class Author(StrEnum):
    PARENT = "parent"
    BOT = "bot"
    GUIDE = "guide"
    SAFETY = "safety"
    SYSTEM = "system"


class Outcome(StrEnum):
    """Every turn ends in exactly one."""

    ANSWERED = "answered"
    ASKED = "asked"
    CLARIFIED = "clarified"
    NO_MATCH = "no_match"
    OUT_OF_SCOPE = "out_of_scope"
    ACUTE = "acute"
    HANDED_OFF = "handed_off"
    HELD_BY_GUIDE = "held_by_guide"
    ERROR_UNDERSTANDING = "error_understanding"
    ERROR_ENGINE = "error_engine"
    TIMED_OUT = "timed_out"


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """A message at the door: masked already, not yet stored."""

    channel: str
    provider_id: str
    text: str
    author: Author = Author.PARENT
    choice: str | None = None
    acute: bool = False
    masked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A worded reply. `body` holds what a screen shows beside the text (cards, choices, …)."""

    author: Author
    text: str
    reply_id: str | None = None
    language: str = "sv"
    body: Mapping[str, Any] = field(default_factory=dict)
    acute: bool = False
    name: str | None = None


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message as the ledger keeps it; `seq` counts from 1 within the conversation."""

    id: int
    conversation_id: UUID
    municipality: str
    seq: int
    author: Author
    text: str
    choice: str | None
    reply_id: str | None
    language: str
    body: Mapping[str, Any]
    acute: bool
    name: str | None
    sent_at: dt.datetime
