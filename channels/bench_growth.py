"""How the cost of a turn grows: with the length of a conversation, and with open conversations."""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import psutil

from bot.backup import backup, restore
from bot.database import connect, database_url, migrate
from bot.ledger import Ledger
from bot.log import configure_logging
from bot.messages import IncomingMessage
from bot.privacy import Seal
from bot.settings import Settings
from bot.worker import Worker, open_worker
from channels.artifacts import open_embedder
from channels.bench import cpu_seconds, everybody
from knowledge import index as indexes
from knowledge.catalogue import Catalogue
from knowledge.queries import load_queries
from knowledge.search import Query, Search
from knowledge.words import Floats

LENGTHS = (1, 50, 100, 250, 500)  # turns
LARGEST = "strangnas"
OPEN = (0, 1_000, 10_000)  # conversations that wait for nothing
TIMES = (1, 4, 16)  # the catalogue over
QUERIES = 200
AROUND = 5  # turns measured at each length
SAID = ("hon är 9 år", "det har varit så i ett år", "vem är du", "vi har kontakt med bup")


async def run_growth(settings: Settings, actions: str, longest: int) -> dict[str, Any]:
    """CPU and wall milliseconds of a turn in the worker, and the memory of all of it."""
    configure_logging("ERROR")
    with TemporaryDirectory(prefix="lotsa-", ignore_cleanup_errors=True) as folder:
        own = settings.model_copy(
            update={"data": Path(folder), "database_url": None, "understand_timeout": 30.0}
        )
        url = database_url(own)
        await migrate(url)
        started = time.perf_counter()
        async with open_worker(own, url, actions) as worker:
            loaded = time.perf_counter() - started
            ledger: Ledger = worker._ledger
            by_length = await _by_length(worker, ledger, longest)
            by_open = await _by_open(worker, ledger, url)
            memory = _memory()
    return {
        "load_seconds": round(loaded, 1),
        "rss_mb": memory,
        "length": by_length,
        "open": by_open,
    }


async def _by_length(worker: Worker, ledger: Ledger, longest: int) -> dict[int, dict[str, float]]:
    conversation, _ = await ledger.open_conversation("demokommun", "bench", "sv")
    found: dict[int, dict[str, float]] = {}
    turns: list[tuple[float, float]] = []
    for turn in range(1, longest + 1):
        turns.append(await _turn(worker, ledger, conversation, SAID[turn % len(SAID)]))
        if turn in LENGTHS:
            found[turn] = _median(turns[-AROUND:])
    return found


async def _by_open(worker: Worker, ledger: Ledger, url: str) -> dict[int, dict[str, float]]:
    found: dict[int, dict[str, float]] = {}
    for many in OPEN:
        await fill(url, ledger.seal, many, 4)
        conversation, _ = await ledger.open_conversation("demokommun", "bench", "sv")
        turns = [await _turn(worker, ledger, conversation, text) for text in SAID]
        found[many] = _median(turns)
    return found


async def _turn(
    worker: Worker, ledger: Ledger, conversation: UUID, text: str
) -> tuple[float, float]:
    await ledger.accept(conversation, IncomingMessage("bench", str(uuid4()), text))
    processes = everybody()
    before, started = cpu_seconds(processes), time.perf_counter()
    await worker.take_turn()
    took = time.perf_counter() - started
    return (cpu_seconds(processes) - before) * 1000, took * 1000


def _median(turns: list[tuple[float, float]]) -> dict[str, float]:
    return {
        "cpu_ms": round(statistics.median(cpu for cpu, _ in turns), 1),
        "wall_ms": round(statistics.median(wall for _, wall in turns), 1),
    }


def _memory() -> float:
    everybody = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return float(sum(one.memory_info().rss for one in everybody) // 1_000_000)


async def fill(url: str, seal: Seal, conversations: int, messages: int) -> None:
    """Conversations that are answered, with so many messages each."""
    async with await connect(url) as connection:
        await connection.execute(
            "WITH new AS (INSERT INTO conversations (id, municipality, channel, language, "
            "token_hash, last_seq) SELECT gen_random_uuid(), 'demokommun', 'bench', 'sv', "
            "sha256(gen_random_uuid()::text::bytea), %s FROM generate_series(1, %s) "
            "RETURNING id) INSERT INTO messages (municipality, conversation_id, seq, author, "
            "channel, provider_id, sealed_text, sealed_body, language, done_at) "
            "SELECT 'demokommun', id, n, 'parent', 'bench', gen_random_uuid()::text, %s, %s, "
            "'sv', now() FROM new, generate_series(1, %s) n",
            [messages, conversations, seal.seal("text " * 20), seal.seal({}), messages],
        )


async def run_copies(settings: Settings, messages: int) -> dict[str, float]:
    """Seconds to copy and to restore a database with so many messages."""
    configure_logging("ERROR")
    with TemporaryDirectory(prefix="lotsa-", ignore_cleanup_errors=True) as folder:
        own = settings.model_copy(update={"data": Path(folder), "database_url": None})
        url = database_url(own)
        await migrate(url)
        await fill(url, Seal.from_file(own.keys), messages // 10, 10)
        path = Path(folder) / "copy.zip"
        started = time.perf_counter()
        await backup(url, path)
        copied = time.perf_counter()
        await restore(url, path)
        restored = time.perf_counter()
    return {
        "messages": messages,
        "backup_seconds": round(copied - started, 1),
        "restore_seconds": round(restored - copied, 1),
    }


def run_catalogue(settings: Settings) -> dict[int, dict[str, float]]:
    """CPU ms of a search by number of entries: the catalogue, and every entry several times."""
    catalogue, embedder = Catalogue.load(), open_embedder(settings)
    texts = [query.text for query in load_queries() if query.language == "sv"][:QUERIES]
    vectors = embedder.encode(texts, "query")
    known: dict[str, Floats] = {}

    def embed(passages: list[str]) -> Floats:
        new = [text for text in passages if text not in known]
        known.update(zip(new, embedder.encode(new, "passage"), strict=True))
        return np.stack([known[text] for text in passages])

    found: dict[int, dict[str, float]] = {}
    for times in TIMES:
        grown = _times(catalogue, times)
        with TemporaryDirectory() as folder:
            indexes.build(grown, embed, Path(folder))
            search = Search.load(Path(folder), grown)
            search.find(LARGEST, Query(texts[0], vectors[0]))
            started = time.process_time()
            for text, vector in zip(texts, vectors, strict=True):
                search.find(LARGEST, Query(text, vector))
            spent = (time.process_time() - started) * 1000
        entries = sum(1 for _ in grown.in_municipality(LARGEST))
        found[entries] = {"cpu_ms": round(spent / len(texts), 2)}
    return found


def _times(catalogue: Catalogue, times: int) -> Catalogue:
    services = {
        f"{name}-{copy}" if copy else name: service.model_copy(
            update={"id": f"{name}-{copy}" if copy else name}
        )
        for name, service in catalogue.services.items()
        for copy in range(times)
    }
    return Catalogue(services, catalogue.municipalities, catalogue.taxonomy, catalogue.summaries)


def catalogue_table(figures: dict[int, dict[str, float]]) -> list[str]:
    """The figures as lines."""
    lines = [f"{'entries':<20}{'CPU ms':>10}"]
    return lines + [f"{entries:<20}{row['cpu_ms']:>10.2f}" for entries, row in figures.items()]


def table(figures: dict[str, Any]) -> list[str]:
    """The figures as lines."""
    lines = [f"models loaded in {figures['load_seconds']} s, memory {figures['rss_mb']} MB"]
    for kind, title in (("length", "turns so far"), ("open", "open conversations")):
        lines.append(f"{title:<20}{'CPU ms':>10}{'wall ms':>10}")
        for many, row in figures[kind].items():
            lines.append(f"{many:<20}{row['cpu_ms']:>10.1f}{row['wall_ms']:>10.1f}")
    return lines


def run(settings: Settings, actions: str, longest: int) -> dict[str, Any]:
    """Both measurements."""
    return asyncio.run(run_growth(settings, actions, longest))
