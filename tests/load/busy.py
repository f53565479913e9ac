"""200 open chats and ten messages a second, from the press of Send to the answer: `make load`."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import statistics
import sys
import time
from dataclasses import dataclass, field
from uuid import uuid4

import httpx

from tests.browser.product import running_product

CHATS = 200
A_SECOND = 10.0  # messages
SECONDS = 60.0
GRACE = 20.0  # seconds for the last answers
# All these parents write from one address.
NO_LIMITS = {
    "LOTSA_WRITES_PER_ADDRESS": "0",
    "LOTSA_WRITES_PER_CONVERSATION": "0",
    "LOTSA_OPENED_PER_ADDRESS": "0",
}
SAID = (
    "Vad är en SIP?",
    "Min son är 13 år och går inte till skolan",
    "Vi är så trötta",
    "Vem kan jag prata med?",
    "Hur ansöker jag om avlastning?",
)


@dataclass
class Chat:
    """One parent with the page open."""

    client: httpx.AsyncClient
    url: str
    headers: dict[str, str]
    sent: dict[int, float] = field(default_factory=dict)  # seq of an unanswered message → when
    waits: list[float] = field(default_factory=list)  # milliseconds
    accepted: list[float] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    failed: int = 0

    async def listen(self, is_open: asyncio.Event) -> None:
        """Follow the stream until cancelled."""
        async with self.client.stream("GET", f"{self.url}/events", headers=self.headers) as answer:
            is_open.set()
            name = ""
            async for line in answer.aiter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: ") and name == "message":
                    self._take(json.loads(line.removeprefix("data: ")))

    def _take(self, message: dict[str, object]) -> None:
        seq = int(str(message["seq"]))
        self.seen.append(seq)
        if message["author"] == "parent":
            return
        for earlier in [one for one in self.sent if one < seq]:
            self.waits.append((time.perf_counter() - self.sent.pop(earlier)) * 1000)

    async def say(self, text: str) -> None:
        """Send a message and note when."""
        begun = time.perf_counter()
        body = {"id": str(uuid4()), "text": text}
        answer = await self.client.post(f"{self.url}/messages", json=body, headers=self.headers)
        self.accepted.append((time.perf_counter() - begun) * 1000)
        if answer.status_code == 202:
            self.sent.setdefault(answer.json()["seq"], begun)
        else:
            self.failed += 1


async def open_chats(client: httpx.AsyncClient, number: int) -> list[Chat]:
    """So many conversations, one after another."""
    chats = []
    for _ in range(number):
        opened = await client.post("/api/conversations", json={"municipality": "demokommun"})
        known = opened.raise_for_status().json()
        headers = {"Authorization": f"Bearer {known['token']}"}
        chats.append(Chat(client, f"/api/conversations/{known['conversation_id']}", headers))
    return chats


async def keep_busy(address: str, number: int, a_second: float, seconds: float) -> list[Chat]:
    """Hold the chats open and write in them in turn, at an even pace."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=address, limits=limits, timeout=60.0) as client:
        chats = await open_chats(client, number)
        opened = [asyncio.Event() for _ in chats]
        streams = [asyncio.create_task(c.listen(o)) for c, o in zip(chats, opened, strict=True)]
        await asyncio.gather(*(one.wait() for one in opened))
        begun, sends = time.perf_counter(), []
        turn = itertools.cycle(zip(itertools.cycle(SAID), chats))
        for n in range(int(a_second * seconds)):
            await asyncio.sleep(max(0.0, begun + n / a_second - time.perf_counter()))
            text, chat = next(turn)
            sends.append(asyncio.create_task(chat.say(text)))
        await asyncio.gather(*sends)
        last = time.perf_counter() + GRACE
        while any(chat.sent for chat in chats) and time.perf_counter() < last:
            await asyncio.sleep(0.2)
        for stream in streams:
            stream.cancel()
        await asyncio.gather(*streams, return_exceptions=True)
    return chats


def report(chats: list[Chat]) -> dict[str, object]:
    """What was measured, in milliseconds."""
    waits = [wait for chat in chats for wait in chat.waits]
    accepted = [wait for chat in chats for wait in chat.accepted]
    return {
        "chats": len(chats),
        "messages": len(accepted),
        "refused": sum(chat.failed for chat in chats),
        "unanswered": sum(len(chat.sent) for chat in chats),
        "shown_twice": sum(len(chat.seen) - len(set(chat.seen)) for chat in chats),
        "accept": _spread(accepted),
        "answer": _spread(waits),
        "others_load": round(os.getloadavg()[0], 1),
        "cores": os.cpu_count(),
    }


def _spread(values: list[float]) -> dict[str, int]:
    if len(values) < 2:
        return {}
    cuts = statistics.quantiles(values, n=100)
    return {"p50": round(cuts[49]), "p95": round(cuts[94]), "p99": round(cuts[98])}


def main() -> None:
    """Start the product, keep it busy, print one object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chats", type=int, default=CHATS)
    parser.add_argument("--rate", type=float, default=A_SECOND, help="messages a second")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    asked = parser.parse_args()
    with running_product(**NO_LIMITS) as product:
        chats = asyncio.run(keep_busy(product.address, asked.chats, asked.rate, asked.seconds))
    sys.stdout.write(json.dumps(report(chats), indent=2) + "\n")


if __name__ == "__main__":
    main()
