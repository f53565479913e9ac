"""Parents who write all the time, repeat themselves, and overtake themselves."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

DUPLICATES = 0.1
SWAPS = 0.1
LENGTH = 8  # messages a conversation
SAID: tuple[dict[str, str], ...] = (
    {"text": "hej"},
    {"choice": "path:school"},
    {"text": "hon är 9 år"},
    {"choice": "how_long:year"},
    {"text": "hon vägrar gå till skolan och jag orkar inte"},
    {"choice": "actors:bup"},
    {"text": "vem är du"},
    {"text": "tack"},
)
DANGER = {"text": "min dotter säger att hon vill ta sitt liv"}


@dataclass
class Load:
    """Posts messages at a steady rate and keeps what was accepted."""

    ports: list[int]
    rate: float
    dice: random.Random = field(default_factory=lambda: random.Random(8))
    accepted: dict[str, int] = field(default_factory=dict)  # conversation and own id → message
    accepted_at: list[float] = field(default_factory=list)
    danger: int = 0
    client: httpx.AsyncClient = field(default_factory=lambda: httpx.AsyncClient(timeout=8))
    is_paused: bool = False
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Write until cancelled; `drain` afterwards waits for what is on its way."""
        async with asyncio.TaskGroup() as group:
            for _ in range(max(1, round(self.rate))):
                group.create_task(self._parents(1.0))
                await asyncio.sleep(1.0 / self.rate)

    async def drain(self) -> None:
        await asyncio.gather(*self.tasks)
        await self.client.aclose()

    async def _parents(self, pause: float) -> None:
        """One parent after the other, a message a `pause`."""
        while True:
            conversation, token = await self._open()
            said = [*SAID]
            if self.dice.random() < 0.2:
                said.insert(self.dice.randrange(len(said)), DANGER)
            for turn in range(len(said) - 1):
                if self.dice.random() < SWAPS:
                    said[turn], said[turn + 1] = said[turn + 1], said[turn]
            for content in said:
                while self.is_paused:
                    await asyncio.sleep(0.2)
                task = asyncio.create_task(self._post(conversation, token, content))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)
                await asyncio.sleep(pause)

    async def _open(self) -> tuple[str, str]:
        body = {"municipality": "demokommun", "language": "sv"}
        answer = await self._until_taken("/api/conversations", body, {})
        return answer["conversation_id"], answer["token"]

    async def _post(self, conversation: str, token: str, content: dict[str, str]) -> None:
        body = {"id": str(uuid4()), **content}
        path = f"/api/conversations/{conversation}/messages"
        headers = {"Authorization": f"Bearer {token}"}
        times = 2 if self.dice.random() < DUPLICATES else 1
        posts = [self._until_taken(path, body, headers) for _ in range(times)]
        answers = await asyncio.gather(*posts)
        self.danger += content is DANGER
        self.accepted[f"{conversation}:{body['id']}"] = answers[0]["message_id"]
        self.accepted_at.append(asyncio.get_running_loop().time())

    async def _until_taken(
        self, path: str, body: dict[str, Any], headers: dict[str, str]
    ) -> dict[str, Any]:
        """As a browser does: again, until there is a yes."""
        while True:
            port = self.dice.choice(self.ports)
            try:
                url = f"http://127.0.0.1:{port}{path}"
                answer = await self.client.post(url, json=body, headers=headers)
                if answer.status_code in (201, 202):
                    taken: dict[str, Any] = answer.json()
                    return taken
                if answer.status_code < 500:
                    raise AssertionError(f"{answer.status_code}: {answer.text}")
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.3)
