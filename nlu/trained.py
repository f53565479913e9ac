"""What training leaves, and whether it was trained from the data and code that are here now.

Stands apart from the training itself: a start of the product asks this first, and need not load
what trains.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

DATA = Path(__file__).parent / "data"
MUNICIPALITIES = Path(__file__).parents[1] / "knowledge" / "data" / "municipalities.csv"
FOLDER = "nlu"  # below the artefacts
MODEL_FILE, LANGUAGE_FILE, MANIFEST = "model.joblib", "language.joblib", "manifest.json"
FAST_FOLDER = "e5"  # the embedder's faster form, below the artefacts
CODE = (
    "embedder",
    "normalise",
    "intents",
    "neighbours",
    "needs",
    "danger",
    "train",
    "pipeline",
    "language_model",
    "transliteration",
)


def is_prepared(artifacts: Path) -> bool:
    """Whether the faster form of the packaged embedder is there."""
    return (artifacts / FAST_FOLDER).is_dir()


def is_current(artifacts: Path) -> bool:
    """Whether the artefacts were trained from the data and code that are here now."""
    folder = artifacts / FOLDER
    if not all((folder / name).is_file() for name in (MODEL_FILE, LANGUAGE_FILE, MANIFEST)):
        return False
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return bool(manifest["inputs"] == inputs_hash())


def inputs_hash() -> str:
    """One hash of every file the result depends on."""
    code = [Path(__file__).parent / f"{name}.py" for name in CODE]
    folders = ("needs", "intents", "safety_messages", "everyday", "language")
    data = [path for name in folders for path in (DATA / name).glob("*.yml")]
    written = [*DATA.glob("*/entities.yml"), *DATA.glob("*/need_words.yml")]
    digest = hashlib.sha256()
    for path in [*sorted(code), *sorted(data), *sorted(written), MUNICIPALITIES]:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
