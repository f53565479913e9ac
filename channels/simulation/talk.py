"""One simulated conversation over HTTP, from the first message until the parent leaves."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import httpx

from channels.simulation.parent import Act, SimulatedParent
from channels.simulation.personas import Persona, Phrases
from channels.simulation.screen import Answer, Message

WELCOME = "welcome"


class Bot(Protocol):
    """What the parent talks to."""

    async def open(self, municipality: str) -> Answer:
        """A new conversation, and its first messages."""
        ...

    async def send(self, act: Act) -> Answer:
        """What is answered to an act."""
        ...


@dataclass(frozen=True, slots=True)
class Exchange:
    """What the parent did, and what came back."""

    act: Act
    answer: Answer


@dataclass(frozen=True, slots=True)
class Transcript:
    """A whole conversation."""

    persona: Persona
    seed: int
    told_first: Sequence[str]  # questions that the first message answered
    shown_first: dict[str, str]
    exchanges: Sequence[Exchange]
    left_because: str | None

    def lines(self) -> list[str]:
        """The conversation as text, for a person who reads it."""
        told = [f"# {self.persona.id}, seed {self.seed}: {self.left_because}"]
        for exchange in self.exchanges:
            told.append(f"> [{exchange.act.kind}] {exchange.act.choice or exchange.act.text}")
            told += [_line(message) for message in exchange.answer.messages]
        return told


async def talk(persona: Persona, seed: int, bot: Bot, words: Phrases | None = None) -> Transcript:
    """Let the parent of a seed talk until she leaves. Raises httpx.HTTPError."""
    parent = SimulatedParent(persona, seed, words)
    exchanges = [Exchange(Act(WELCOME), await bot.open(persona.municipality))]
    act: Act | None = parent.open()
    while act is not None:
        answer = await bot.send(act)
        exchanges.append(Exchange(act, answer))
        act = parent.reply(answer)
    return Transcript(
        persona, seed, parent.told_first, parent.shown_first, exchanges, parent.left_because
    )


class HttpBot:
    """The product through its public API; `work` answers what waits (a worker takes its turns)."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        work: Callable[[], Awaitable[Any]],
        language: str = "sv",
    ) -> None:
        self._client = client
        self._language = language
        self._work = work
        self._url = ""
        self._headers: dict[str, str] = {}
        self._after = 0
        self._sent = 0

    async def open(self, municipality: str) -> Answer:
        body = {"municipality": municipality, "language": self._language}
        response = await self._client.post("/api/conversations", json=body)
        response.raise_for_status()
        opened = response.json()
        self._url = f"/api/conversations/{opened['conversation_id']}"
        self._headers = {"Authorization": f"Bearer {opened['token']}"}
        return self._answer(opened["messages"], {}, response.status_code, 0.0)

    async def send(self, act: Act) -> Answer:
        self._sent += 1
        given = {"choice": act.choice} if act.choice else {"text": act.text}
        body = {"id": str(UUID(int=self._sent)), **given}
        started = time.perf_counter()
        response = await self._client.post(
            f"{self._url}/messages", json=body, headers=self._headers
        )
        if response.is_error:
            return Answer([], status=response.status_code)
        try:
            while await self._work() is not None:
                pass
        except Exception:  # noqa: BLE001 - a turn that fails is an answer the parent never gets
            return Answer([], status=500)
        milliseconds = (time.perf_counter() - started) * 1000
        read = await self._client.get(
            f"{self._url}/messages?after={self._after}", headers=self._headers
        )
        if read.is_error:
            return Answer([], status=read.status_code)
        news = read.json()
        return self._answer(news["messages"], news["state"], read.status_code, milliseconds)

    def _answer(
        self, messages: list[Message], state: dict[str, Any], status: int, milliseconds: float
    ) -> Answer:
        self._after = messages[-1]["seq"] if messages else self._after
        theirs = [message for message in messages if message["author"] != "parent"]
        return Answer(theirs, state, status, milliseconds)


def _line(message: Message) -> str:
    parts = [f"  {message.get('reply_id')}: {message['text']!r}"]
    if message.get("question"):
        parts.append(f"[{message['question'].get('progress')}]")
    parts += [f"({choice['id']})" for choice in message.get("choices", [])]
    parts += [f"<{line['label']}: {line['value']}>" for line in message.get("lines", [])]
    parts += [f"*{card['service_id']}*" for card in message.get("cards", [])]
    if message.get("level"):
        parts.append(str(message["level"]))
    return " ".join(parts)
