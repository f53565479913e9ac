"""A phone for tests: the simulator on one side, the product with its own sender on the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import yaml
from fastapi import FastAPI

from bot.content import Content
from bot.ledger import Ledger
from bot.settings import Settings
from bot.worker import Worker
from channels.app import create_app
from channels.phone_simulator.app import create_simulator, new_file, read_file
from channels.phone_simulator.provider import Simulator, Sms
from channels.phones import Phones
from channels.sending import Sending
from channels.short import Short
from knowledge.catalogue import Catalogue

PRODUCT = "http://lotsa"


@dataclass
class Phone:
    """Somebody with a phone: writes, and sees what comes."""

    simulator: Simulator
    sending: Sending
    worker: Worker
    web: httpx.AsyncClient
    app: FastAPI
    number: str
    own: str
    seen: int = 0

    async def say(self, text: str) -> list[str]:
        """Write, let everything happen, and read what came."""
        self.write(text)
        return await self.read()

    def write(self, text: str) -> Sms:
        return self.simulator.type(self.own, self.number, text)

    async def read(self) -> list[str]:
        """Let the product work until nothing is left to do; the new texts on the phone."""
        await self.work()
        new = self.screen[self.seen :]
        self.seen = len(self.screen)
        return new

    async def work(self) -> None:
        for _ in range(6):
            await self.simulator.settle()
            while await self.worker.take_turn() is not None:
                pass
            while await self.sending.work():
                pass
        await self.simulator.settle()

    @property
    def screen(self) -> list[str]:
        return [sms.text for sms in self.simulator.screen(self.own) if sms.direction == "in"]


class Phones4Tests:
    """Opens phones on one simulated provider."""

    def __init__(
        self,
        simulator: Simulator,
        sending: Sending,
        worker: Worker,
        web: httpx.AsyncClient,
        app: FastAPI,
        numbers: dict[str, str],
    ) -> None:
        self.simulator, self.sending, self.worker = simulator, sending, worker
        self.web, self.app, self._numbers = web, app, numbers

    def __call__(self, municipality: str = "demokommun") -> Phone:
        own = f"+4670{uuid4().int % 10**7:07d}"
        number = next(n for n, m in self._numbers.items() if m == municipality)
        return Phone(self.simulator, self.sending, self.worker, self.web, self.app, number, own)


@asynccontextmanager
async def phones(
    settings: Settings, url: str, ledger: Ledger, worker: Worker, folder: Path
) -> AsyncIterator[Phones4Tests]:
    """The product and the simulator, each speaking HTTP to the other."""
    catalogue = Catalogue.load()
    path = folder / "channels.yml"
    file = new_file(list(catalogue.municipalities), PRODUCT, "http://elks")
    path.write_text(yaml.safe_dump(file), encoding="utf-8")
    door = read_file(path)
    assert door is not None
    app = create_app(settings.model_copy(update={"channels_file": path}), url)
    async with app.router.lifespan_context(app):
        web: Any = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=web, base_url=PRODUCT) as product:
            simulator = Simulator(door.account, product, retry=0.01)
            elks = httpx.ASGITransport(create_simulator(simulator, door.numbers))
            async with httpx.AsyncClient(transport=elks) as provider:
                app.state.phone_door._http = provider
                short = Short(Content.load(), catalogue)
                sending = Sending(ledger, Phones.load(path), short, catalogue, provider)
                yield Phones4Tests(simulator, sending, worker, product, app, door.numbers)
