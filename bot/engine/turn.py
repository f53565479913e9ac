"""What goes into a turn of the engine and what comes out; without Rasa, which is slow to load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.engine.reply import ReplyRequest
from bot.engine.state import DialogueState, EventDict


class EngineError(RuntimeError):
    """The engine could not decide; the parent gets the fixed text."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the parent said, as the engine may see it: no text, only a reference to the ledger."""

    reference: str
    intent: str
    confidence: float = 1.0
    entities: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of one turn of the engine."""

    replies: tuple[ReplyRequest, ...]
    events: tuple[EventDict, ...]
    state: DialogueState
    slots: Mapping[str, Any]
    active_loop: str | None

    @property
    def requested_slot(self) -> str | None:
        """The question the parent is being asked, if any."""
        return self.slots.get("requested_slot") if self.active_loop else None
