"""Figures for `lotsa evaluate` and `lotsa bench`: quality and speed of the whole product."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from bot.content import Content
from bot.settings import PROJECT, Settings
from bot.translation import scores
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
from nlu import evaluate_entities, evaluate_language, language_model
from nlu.train import DEMO_MUNICIPALITY, municipality_names
from nlu.trained import FOLDER

SHARED = PROJECT.parent / "shared" / "data"
DANGER_TESTS = PROJECT / "tests" / "data" / "safety"
LANGUAGE_TESTS = PROJECT / "tests" / "data" / "language"
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
