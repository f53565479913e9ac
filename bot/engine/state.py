"""What is kept of a dialogue between turns; plain data, so that reading it needs no Rasa."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

EventDict = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything Rasa needs of the turns that are folded away."""

    slots: dict[str, Any] = field(default_factory=dict)
    active_loop: str | None = None


@dataclass(frozen=True, slots=True)
class DialogueState:
    """A conversation as the engine knows it: snapshot, then the events after it."""

    snapshot: Snapshot | None = None
    tail: tuple[EventDict, ...] = ()
