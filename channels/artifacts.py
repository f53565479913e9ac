"""Builds what is built from data (models, index, Rasa project) and loads it for single commands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bot.case import case_of, entities_of
from bot.complexity import Complexity
from bot.content import Content
from bot.edits import effective_catalogue, remembered
from bot.engine.compile import Policy, compile_project, fingerprint
from bot.live_search import building, open_search
from bot.settings import Settings
from bot.understanding import Wanted, as_query, find
from knowledge import index
from knowledge.catalogue import Catalogue
from knowledge.queries import LabelledQuery
from knowledge.search import Query
from nlu import train as nlu_train
from nlu.embedder import Embedder, is_prepared, prepare
from nlu.pipeline import Pipeline

Progress = Callable[[str], None]


def train_all(settings: Settings, progress: Progress, *, force: bool = False) -> list[str]:
    """Train and build what is not current; returns the parts that were made."""
    settings.artifacts.mkdir(parents=True, exist_ok=True)
    catalogue = effective_catalogue(settings)
    steps: list[tuple[str, bool, Callable[[], None]]] = [
        (
            "embedder",
            settings.embedder is not None or is_prepared(settings.artifacts),
            lambda: prepare(settings.artifacts),
        ),
        (
            "dialogue",
            _is_dialogue_current(settings),
            lambda: _train_dialogue(settings),
        ),
        (
            "understanding",
            nlu_train.is_current(settings.artifacts),
            lambda: nlu_train.train(settings.artifacts, progress, settings.embedder),
        ),
        (
            "index",
            index.is_current(catalogue, settings.artifacts, _embedder_name(settings)),
            lambda: _build_index(settings, catalogue, progress),
        ),
    ]
    made: list[str] = []
    for name, is_current, make in steps:
        # The index compares with the mean vectors that understanding was trained on.
        follows = name == "index" and "understanding" in made
        if force or follows or not is_current:
            progress(f"Building: {name} …")
            make()
            made.append(name)
    return made


def open_embedder(settings: Settings) -> Embedder:
    """The embedder of the settings, in its faster form when that is made."""
    return Embedder(settings.embedder, settings.artifacts)


def _embedder_name(settings: Settings) -> str:
    return settings.embedder or "default"


def _build_index(settings: Settings, catalogue: Catalogue, progress: Progress) -> None:
    embedder = open_embedder(settings)
    with building(settings.artifacts):
        index.build(
            catalogue,
            lambda texts: embedder.encode(texts, "passage"),
            settings.artifacts,
            lambda done, total: progress(f"  {done} of {total} catalogue texts"),
            _embedder_name(settings),
            load_pipeline(settings).query_means,
        )


def _is_dialogue_current(settings: Settings) -> bool:
    mark = settings.rasa_project / "fingerprint"
    return settings.rasa_model.is_file() and mark.is_file() and mark.read_text() == fingerprint()


def _train_dialogue(settings: Settings) -> None:
    """Train beside the model in use, then put it in place in one step."""
    fresh = settings.rasa_project.with_suffix(".new")
    compile_project(fresh, Policy.load())
    arguments = [
        "train",
        "core",
        "--out",
        "models",
        "--fixed-model-name",
        "lotsa",
        "--stories",
        "data",
    ]
    done = _run_rasa(fresh, arguments, quiet=True)
    if done.returncode != 0:
        raise RuntimeError("Rasa refused the compiled rules:\n" + done.stdout[-4000:])
    (fresh / "fingerprint").write_text(fingerprint())
    shutil.rmtree(settings.rasa_project, ignore_errors=True)
    fresh.rename(settings.rasa_project)


def rasa_command(settings: Settings, arguments: Sequence[str]) -> int:
    """Run Rasa's own command line in the compiled project; returns its exit code."""
    if not (settings.rasa_project / "domain.yml").is_file():
        compile_project(settings.rasa_project, Policy.load())
    return _run_rasa(settings.rasa_project, arguments, quiet=False).returncode


def _run_rasa(
    folder: Path, arguments: Sequence[str], *, quiet: bool
) -> subprocess.CompletedProcess[str]:
    code = (
        "from bot.engine import compat; compat.prepare(); "
        "import sys; sys.argv[0] = 'rasa'; "
        "from rasa.__main__ import main; main()"
    )
    search_path = os.pathsep.join(
        [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    )
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *arguments],
        cwd=folder,
        env={**os.environ, "RASA_TELEMETRY_ENABLED": "false", "PYTHONPATH": search_path},
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
        text=True,
        check=False,
    )


def load_pipeline(settings: Settings) -> Pipeline:
    """The trained pipeline. Raises FileNotFoundError with what to run."""
    return Pipeline.load(settings.artifacts)


class Finder:
    """Understands and searches a single text."""

    def __init__(self, settings: Settings) -> None:
        edits = remembered(settings)
        self.catalogue = edits.applied_to(Catalogue.load())
        self._pipeline = load_pipeline(settings)
        self.index = open_search(self._pipeline, settings.artifacts, edits)

    def needs(self, text: str, language: str | None = None) -> dict[str, float]:
        """The needs of a text with their scores, best first."""
        return {need.id: need.score for need in self._pipeline.understand(text, language).needs}

    def query(self, labelled: LabelledQuery) -> Query:
        """A labelled query as search gets it: with what is understood from its text alone."""
        return as_query(self._pipeline, self._wanted(labelled.text, labelled.language))

    def _wanted(self, text: str, language: str | None, age: int | None = None) -> Wanted:
        understood = self._pipeline.understand(text, language)
        said = tuple(e.value for e in understood.entities if e.name == "child_age")
        return Wanted(
            text=text,
            language=understood.language,
            needs={need.id: need.score for need in understood.needs if need.id != "unclear"},
            child_ages=(age,) if age is not None else said,
        )

    def search(
        self, text: str, municipality: str, age: int | None, language: str | None, k: int
    ) -> list[dict[str, Any]]:
        """Matches as plain data."""
        wanted = self._wanted(text, language, age)
        found = find(self._pipeline, self.index, municipality, wanted, k)
        return [
            {
                "service_id": match.service_id,
                "kinds": list(self.catalogue.services[match.service_id].kinds),
                "score": round(match.score, 4),
                "reasons": [{"id": r.id, "values": dict(r.values)} for r in match.reasons],
            }
            for match in found
        ]


class Assessor:
    """The level of a first message alone."""

    def __init__(self, settings: Settings) -> None:
        self._pipeline = load_pipeline(settings)
        self._complexity = Complexity.load()
        self._policy = Policy.load()
        self._content = Content.load()

    def assess(self, text: str, language: str | None) -> dict[str, Any]:
        """Level and signals, each with its points and its reason in Swedish."""
        understood = self._pipeline.understand(text, language)
        slots = entities_of(understood, {}, self._policy, 1, may_start=True)
        if understood.needs and "needs" not in slots:
            slots["needs"] = {need.id: need.score for need in understood.needs}
        check = understood.safety
        assessed = self._complexity.assess(case_of(slots, is_acute=check.acute and check.sure))
        signals = [
            {"id": s.id, "points": s.points, "why": self._content.raw("sv", f"signal_{s.id}")}
            for s in assessed.signals
        ]
        return {"level": assessed.level, "same_day": assessed.same_day, "signals": signals}
