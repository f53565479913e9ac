"""`lotsa evaluate --suite conversations`: many simulated parents on a database of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from bot.database import database_url, migrate
from bot.log import configure_logging
from bot.settings import Settings
from bot.worker import open_worker
from channels.app import create_app
from channels.simulation.measures import FAULTS, Figures, KindsOf, Outcome, measure
from channels.simulation.personas import personas
from channels.simulation.screen import Message
from channels.simulation.talk import Bot, HttpBot, talk
from knowledge.catalogue import Catalogue

RUNS = 500
MOST_NOTES = 40


async def run_conversations(settings: Settings, actions: str, runs: int = RUNS) -> dict[str, Any]:
    """The figures of `runs` conversations, the personas in turn; the turn is the seed."""
    configure_logging("ERROR")
    kinds_of = kinds_in(Catalogue.load())
    outcomes: list[Outcome] = []
    async with product(settings, actions) as (client, work):
        for number in range(runs):
            outcomes.append(await simulate(number, HttpBot(client, work), kinds_of))
    figures = Figures(outcomes)
    return {
        **figures.as_json(),
        "personas": {name: part.as_json() for name, part in figures.per_persona().items()},
        "notes": sorted(figures.notes(), key=lambda note: "misread" in note)[:MOST_NOTES],
    }


async def simulate(number: int, bot: Bot, kinds_of: KindsOf) -> Outcome:
    """The conversation of that number: which persona, and which seed."""
    known = personas()
    transcript = await talk(known[number % len(known)], number // len(known), bot)
    return measure(transcript, kinds_of)


@asynccontextmanager
async def product(settings: Settings, actions: str) -> AsyncIterator[tuple[Any, Any]]:
    """A client and what answers: the web application and a worker on a temporary database."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        own = settings.model_copy(
            update={
                "writes_per_conversation": 0,
                "writes_per_address": 0,
                "opened_per_address": 0,
                "data": Path(folder),
                "database_url": None,
                "understand_timeout": 30.0,
                "engine_timeout": 30.0,
                "lease": 60.0,
            }
        )
        url = database_url(own)
        await migrate(url)
        app = create_app(own, url)
        async with open_worker(own, url, actions) as worker, app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://lotsa") as client:
                yield client, worker.take_turn


def kinds_in(catalogue: Catalogue) -> KindsOf:
    """The kinds of support that the cards, phone lines and steps of a message stand for."""
    by_name = {service.name: service for service in catalogue.services.values()}

    def kinds(message: Message) -> frozenset[str]:
        ids = [card["service_id"] for card in message.get("cards", [])]
        services = [catalogue.services[i] for i in ids if i in catalogue.services]
        named = [*message.get("numbers", []), *message.get("lines", [])]
        services += [by_name[n["label"]] for n in named if n["label"] in by_name]
        return frozenset(kind for service in services for kind in service.kinds)

    return kinds


def table(figures: dict[str, Any]) -> list[str]:
    """The figures as lines: a row a persona, all together last, then what was wrong."""
    header = f"{'persona':<24}{'n':>5}{'goal %':>8}{'level %':>9}{'turns':>7}{'asked':>7}"
    header += f"{'cards':>7}{'misread':>9}{'faults':>8}{'ms':>8}"
    rows = [_row(name, part) for name, part in figures["personas"].items()]
    faults = ", ".join(f"{name} {figures['faults'][name]}" for name in FAULTS)
    ends = ", ".join(f"{name} {count}" for name, count in figures["ends"].items())
    return [header, *rows, _row("all", figures), f"faults: {faults}", f"ends: {ends}"] + [
        f"  {note}" for note in figures["notes"]
    ]


def _row(name: str, part: dict[str, Any]) -> str:
    shown = [
        f"{part['conversations']:>5}",
        f"{_or_dash(part['reached']):>8}",
        f"{_or_dash(part['level_right']):>9}",
        f"{part['turns']:>7}",
        f"{part['questions']:>7}",
        f"{part['suggestions']:>7}",
        f"{part['misread']:>9}",
        f"{sum(part['faults'].values()):>8}",
        f"{_or_dash(part['turn_ms']):>8}",
    ]
    return f"{name:<24}{''.join(shown)}"


def _or_dash(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
