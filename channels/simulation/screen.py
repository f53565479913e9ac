"""What a parent sees of an answer: the JSON of the public API, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: messages, how things stand, HTTP status and milliseconds."""

    messages: Sequence[Message]
    state: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    milliseconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Screen:
    """The messages of one answer, as a parent reads them."""

    messages: Sequence[Message]

    @property
    def questions(self) -> list[Message]:
        """The messages that ask a guided question."""
        return [message for message in self.messages if message.get("question")]

    @property
    def question(self) -> Message | None:
        """The message with the last question."""
        return self.questions[-1] if self.questions else None

    @property
    def choices(self) -> list[str]:
        """Ids of every button, those of lines and cards left out."""
        return [str(c["id"]) for message in self.messages for c in message.get("choices", [])]

    @property
    def cards(self) -> list[dict[str, Any]]:
        return [card for message in self.messages for card in message.get("cards", [])]

    @property
    def lines(self) -> dict[str, str]:
        """What the product says that it has understood, by line id."""
        lines = [line for message in self.messages for line in message.get("lines", [])]
        return {str(line["id"]): str(line["value"]) for line in lines if "id" in line}

    @property
    def numbers(self) -> list[str]:
        """Names of the phone lines shown."""
        return [str(n["label"]) for message in self.messages for n in message.get("numbers", [])]

    @property
    def levels(self) -> list[dict[str, Any]]:
        return [message["level"] for message in self.messages if message.get("level")]

    @property
    def is_acute(self) -> bool:
        return any(message.get("acute") for message in self.messages)

    @property
    def texts(self) -> list[str]:
        return [str(message.get("text") or "") for message in self.messages]

    def asks_enough(self) -> bool:
        """Whether it asks if the family got the help it needs."""
        return "intent:enough" in self.choices
