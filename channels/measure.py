"""Figures for `lotsa evaluate` and `lotsa bench`: quality and speed of the whole product."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import statistics
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import yaml

from bot.case import entities_of
from bot.content import Content
from bot.database import database_url, migrate
from bot.engine.compile import Policy
from bot.ledger import Claim, Ledger, TurnResult
from bot.log import configure_logging
from bot.messages import IncomingMessage, Outcome
from bot.privacy import mask
from bot.settings import PROJECT, Settings
from bot.translation import scores
from bot.understanding import Wanted
from bot.worker import open_worker
from channels import artifacts, scorecard, single
from channels.simulation import run as simulation
from channels.simulation import spoken
from channels.unseen import table as unseen_table
from channels.unseen import unseen
from knowledge import evaluate as knowledge_evaluate
from knowledge.catalogue import Catalogue
from knowledge.queries import load_queries
from knowledge.rerank import learn
from nlu import evaluate as nlu_evaluate
from nlu import evaluate_entities, evaluate_language, language_model, safety
from nlu.train import DEMO_MUNICIPALITY, municipality_names
from nlu.trained import FOLDER

SHARED = PROJECT.parent / "shared" / "data"
DANGER_TESTS = PROJECT / "tests" / "data" / "safety"
LANGUAGE_TESTS = PROJECT / "tests" / "data" / "language"
BENCH_TURNS = 200
ENTITY_TESTS = PROJECT / "tests" / "data" / "entities"
EVALUATED_IN = "strangnas"  # where a query without a municipality is asked
SUITES = (
    "needs",
    "intents",
    "search",
    "safety",
    "language",
    "entities",
    "unseen",
    "swefaq",
    "texts",
    "spoken",
    "conversations",
    "massive",
)
BY_DEFAULT = SUITES[:-2]  # the last two take minutes or need a file


def run_suites(
    settings: Settings,
    suite: str | None,
    data: Path | None,
    train: Path | None,
    test: Path | None,
    runs: int = simulation.RUNS,
) -> Iterator[dict[str, Any]]:
    """One object of figures a suite; `runs` is how many conversations are simulated.

    Raises ValueError for an unknown suite.
    """
    suites: dict[str, Callable[[], dict[str, Any]]] = {
        "needs": lambda: nlu_evaluate.needs(artifacts.open_embedder(settings)),
        "intents": lambda: nlu_evaluate.intents(artifacts.open_embedder(settings)),
        "search": lambda: _search(settings, data),
        "safety": lambda: nlu_evaluate.danger(
            single.load_pipeline(settings), data or DANGER_TESTS, SHARED
        ),
        "language": lambda: _languages(settings, data or LANGUAGE_TESTS),
        "entities": lambda: evaluate_entities.entities(
            data or ENTITY_TESTS, [*municipality_names(), DEMO_MUNICIPALITY]
        ),
        "unseen": lambda: unseen(settings, data or PROJECT / "tests" / "data"),
        "swefaq": lambda: _swefaq(settings, data or SHARED / "swefaq_dev.jsonl"),
        "conversations": lambda: asyncio.run(
            simulation.run_conversations(settings, "actions", runs)
        ),
        "texts": _texts,
        "spoken": lambda: asyncio.run(spoken.run_languages(settings, "actions")),
        "massive": lambda: nlu_evaluate.massive(
            train or SHARED / "massive_sv_train.jsonl", test, artifacts.open_embedder(settings)
        ),
    }
    if suite is not None and suite not in suites:
        raise ValueError(f"no suite '{suite}'; known: {', '.join(SUITES)}")
    for name in [suite] if suite else BY_DEFAULT:
        yield {"suite": name, **suites[name]()}


def _texts() -> dict[str, Any]:
    """How complete each language is: texts of its own of those it should have, and read ones."""
    catalogue = Catalogue.load()
    shown = [one for one in catalogue.services.values() if one.is_suggestible]
    found = {}
    for score in scores(Content.load()):
        supports = sum(score.language in catalogue.summary(service) for service in shown)
        found[score.name] = {
            "required": _of(*score.required),
            "usable": _of(*score.usable) if score.usable[1] else "–",
            "supports": _of(supports, len(shown)),
            "read by a person outside": score.reviewed,
        }
    return {"languages": found}


def _of(own: int, wanted: int) -> str:
    return f"{own} of {wanted}"


def readable(figures: dict[str, Any]) -> list[str]:
    """The figures of a suite as lines: a table where there is one, else indented JSON."""
    if figures["suite"] == "search":
        return ["search", *knowledge_evaluate.tables(figures)]
    if figures["suite"] == "language":
        return ["language", *evaluate_language.table(figures)]
    if figures["suite"] == "entities":
        return ["entities: precision/recall in %", *evaluate_entities.table(figures)]
    if figures["suite"] == "unseen":
        return ["unseen", *unseen_table(figures)]
    if figures["suite"] == "conversations":
        return ["conversations", *simulation.table(figures)]
    if figures["suite"] == "spoken":
        return ["spoken: simulated parents by language", *spoken.table(figures)]
    return [json.dumps(figures, ensure_ascii=False, indent=2)]


def write_scorecard(settings: Settings, name: str) -> Path:
    """Measures what the scorecard `name` shows and writes it to `docs`; returns its path.

    Raises ValueError for an unknown scorecard.
    """
    if not (scorecard.TEMPLATES / f"{name}.md.j2").is_file():
        raise ValueError(f"no scorecard '{name}'")

    @cache
    def figures(suite: str) -> dict[str, Any]:
        return next(run_suites(settings, suite, None, None, None))

    return scorecard.write(name, PROJECT / "docs", figures, readable, dt.date.today())


def learn_weights(settings: Settings) -> dict[str, dict[str, float]]:
    """Weights of the re-ranker per language, learnt from the queries that are not for testing."""
    finder = single.Finder(settings)
    dev = [query for query in load_queries() if query.split == "dev"]
    learnt = learn(finder.index, dev, finder.query, EVALUATED_IN)
    return {code: weights.model_dump() for code, weights in learnt.weights.items()}


def _languages(settings: Settings, folder: Path) -> dict[str, Any]:
    """The written texts, and the test queries in pieces."""
    queries = [(one.text, one.language) for one in load_queries() if one.split == "test"]
    model = language_model.read(settings.artifacts / FOLDER)
    return evaluate_language.languages(model, folder, queries)


def _search(settings: Settings, data: Path | None) -> dict[str, Any]:
    """Another file as it is; our own: the test queries, the re-ranker learnt from the others."""
    finder = single.Finder(settings)
    if data:
        queries = load_queries(data)
        return knowledge_evaluate.evaluate(finder.index, queries, finder.query, EVALUATED_IN)
    queries = load_queries()
    test = [query for query in queries if query.split == "test"]
    dev = [query for query in queries if query.split == "dev"]
    return knowledge_evaluate.evaluate(finder.index, test, finder.query, EVALUATED_IN, dev)


def _swefaq(settings: Settings, data: Path) -> dict[str, Any]:
    """The right answer among all answers of the file: ours, with plain e5 and BM25 beside it."""
    embedder = artifacts.open_embedder(settings)
    systems = knowledge_evaluate.evaluate_faq(data, embedder.encode)
    return {**systems.pop("ours"), **systems}


async def run_bench(settings: Settings, actions: str) -> dict[str, Any]:
    """Milliseconds of each stage over the unseen test messages, on a database of its own."""
    configure_logging("ERROR")
    path = PROJECT / "tests" / "data" / "unseen_sv.yml"
    texts = [item["text"] for item in yaml.safe_load(path.read_text())["messages"]]
    with TemporaryDirectory() as folder:
        own = settings.model_copy(
            update={"data": Path(folder), "database_url": None, "understand_timeout": 30.0}
        )
        url = database_url(own)
        await migrate(url)
        async with open_worker(own, url, actions) as worker:
            bench = _Bench(worker)
            for turn in range(BENCH_TURNS):
                await bench.turn(texts[turn % len(texts)])
    return bench.figures()


class _Bench:
    def __init__(self, worker: Any) -> None:
        self._worker = worker
        self._ledger: Ledger = worker._ledger
        self._conversations = worker._conversations
        self._milliseconds: dict[str, list[float]] = {}
        self._policy = Policy.load()

    async def turn(self, text: str) -> None:
        """One conversation's first turn, and each of its stages once more on its own."""
        conversation, _ = await self._ledger.open_conversation("strangnas", "bench", "sv")
        masked = self._timed("safety", lambda: (safety.check(text), mask(text)))[1]
        message = IncomingMessage("bench", str(uuid4()), masked.text)
        started = time.perf_counter()
        await self._ledger.accept(conversation, message)
        self._note("accept", started)
        whole = time.perf_counter()
        await self._worker.take_turn()
        self._note("whole turn", whole)
        await self._stages(conversation, masked.text)

    async def _stages(self, conversation: Any, text: str) -> None:
        reader = self._conversations._reader
        started = time.perf_counter()
        # Not the very text of the turn: its vector is kept from there.
        understood = await reader.understand(f"{text} tack", "sv")
        self._note("understanding", started)
        entities = entities_of(understood, {}, self._policy, 1, may_start=True)
        needs = dict(entities.get("needs") or {})
        started = time.perf_counter()
        await reader.find("strangnas", Wanted(text=f"{text} tack", language="sv", needs=needs))
        self._note("search", started)
        await self._engine(conversation, entities)
        await self._commit(conversation)

    async def _engine(self, conversation: Any, entities: dict[str, Any]) -> None:
        from bot.engine.state import DialogueState
        from bot.engine.turn import Said

        started = time.perf_counter()
        said = Said("message:1", "ask_sip", 1.0, {"child_age": 9})
        await self._conversations._engine.decide(str(conversation), said, DialogueState())
        self._note("engine", started)

    async def _commit(self, conversation: Any) -> None:
        message = IncomingMessage("bench", str(uuid4()), "hej")
        await self._ledger.accept(conversation, message)
        claim: Claim | None = await self._ledger.claim(self._worker.id, 60)
        if claim is None:
            return
        started = time.perf_counter()
        await self._ledger.finish(claim, TurnResult(Outcome.ANSWERED, [], 0))
        self._note("commit", started)

    def figures(self) -> dict[str, Any]:
        """Median and 95th percentile in milliseconds, and turns a second."""
        stages = {
            name: {
                "p50": round(statistics.median(values), 2),
                "p95": round(statistics.quantiles(values, n=20)[-1], 2),
            }
            for name, values in self._milliseconds.items()
        }
        total = sum(self._milliseconds["whole turn"])
        return {"turns_per_second": round(1000 * BENCH_TURNS / total, 1), "stages": stages}

    def _timed(self, name: str, work: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        result = work()
        self._note(name, started)
        return result

    def _note(self, name: str, started: float) -> None:
        self._milliseconds.setdefault(name, []).append((time.perf_counter() - started) * 1000)


def table(figures: dict[str, Any]) -> list[str]:
    """The figures of the bench as lines."""
    lines = [f"{'stage':<16}{'p50 ms':>10}{'p95 ms':>10}"]
    for name, row in figures["stages"].items():
        lines.append(f"{name:<16}{row['p50']:>10.2f}{row['p95']:>10.2f}")
    return [*lines, f"turns/s, one worker: {figures['turns_per_second']}"]
