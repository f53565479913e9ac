"""Builds what is built from data: models, index, Rasa project; loads little when all is current."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot.edits import effective_catalogue
from bot.engine.compile import Policy, compile_project, fingerprint
from bot.settings import Settings
from knowledge import index
from knowledge.catalogue import Catalogue
from nlu import trained

if TYPE_CHECKING:  # loaded where something is to be made
    from nlu.embedder import Embedder

Progress = Callable[[str], None]


def train_all(settings: Settings, progress: Progress, *, force: bool = False) -> list[str]:
    """Train and build what is not current; returns the parts that were made."""
    settings.artifacts.mkdir(parents=True, exist_ok=True)
    catalogue = effective_catalogue(settings)
    steps: list[tuple[str, bool, Callable[[], None]]] = [
        (
            "embedder",
            settings.embedder is not None or trained.is_prepared(settings.artifacts),
            lambda: _prepare_embedder(settings),
        ),
        (
            "dialogue",
            _is_dialogue_current(settings),
            lambda: _train_dialogue(settings),
        ),
        (
            "understanding",
            trained.is_current(settings.artifacts),
            lambda: _train_understanding(settings, progress),
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
    from nlu.embedder import Embedder

    return Embedder(settings.embedder, settings.artifacts)


def _embedder_name(settings: Settings) -> str:
    return settings.embedder or "default"


def _prepare_embedder(settings: Settings) -> None:
    from nlu.embedder import prepare

    prepare(settings.artifacts)


def _train_understanding(settings: Settings, progress: Progress) -> None:
    from nlu.train import train

    train(settings.artifacts, progress, settings.embedder)


def _build_index(settings: Settings, catalogue: Catalogue, progress: Progress) -> None:
    from bot.live_search import building
    from nlu.pipeline import Pipeline

    embedder = open_embedder(settings)
    with building(settings.artifacts):
        index.build(
            catalogue,
            lambda texts: embedder.encode(texts, "passage"),
            settings.artifacts,
            lambda done, total: progress(f"  {done} of {total} catalogue texts"),
            _embedder_name(settings),
            Pipeline.load(settings.artifacts).query_means,
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
