"""Trains everything that understands a message, from the data in this repository."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import joblib
import numpy as np
import yaml

from nlu import language_model
from nlu.danger import ACUTE, UNSURE, DangerMessage, danger_messages, fit_danger
from nlu.embedder import Embedder, Vectors
from nlu.entities import spelling
from nlu.intents import OUT_OF_SCOPE, TELL, UNCLEAR, FeatureSpace, fit_intents
from nlu.needs import fit_needs
from nlu.normalise import normalise
from nlu.pipeline import Trained
from nlu.trained import DATA, FOLDER, MANIFEST, MODEL_FILE, MUNICIPALITIES, inputs_hash

DEMO_MUNICIPALITY = "Demokommun"
MOST_TELL = 500  # messages per language that join the intents as `tell`
_ABOUT_LOTSA = {"privacy_secrecy_meta", "complaint"}  # needs that say little about the intent


@dataclass(frozen=True)
class Message:
    """A labelled message of `data/needs`."""

    text: str
    language: str
    author: str
    needs: tuple[str, ...]
    kinds: tuple[str, ...] = ()  # kinds of support that answer it, best first; () = not labelled
    level: str | None = None  # what a reader would offer; None = not labelled


@dataclass(frozen=True)
class Example:
    """A text and the intent it shows."""

    text: str
    language: str
    intent: str


def train(artifacts: Path, progress: Callable[[str], None], embedder: str | None = None) -> None:
    """Writes `artifacts/nlu`; takes about two minutes on two cores.

    Raises ValueError when the data holds no messages or no examples.
    """
    messages, examples = needs_messages(), intent_examples()
    if not messages or not examples:
        raise ValueError(f"No training messages below {DATA}")
    dangers = _about_danger(messages, examples)
    progress(f"{len(messages)} messages, {len(examples)} examples, {len(dangers)} about danger")
    rows: list[Message | Example | DangerMessage] = [*messages, *examples, *dangers]
    texts, languages = [row.text for row in rows], [row.language for row in rows]
    vectors = encoded(texts, Embedder(embedder, artifacts))
    progress("sentence vectors done")
    space = FeatureSpace.learnt(texts, languages, vectors)
    features = space.features(texts, languages, vectors)
    parts = np.cumsum([0, len(messages), len(examples), len(dangers)])
    told, said, near = (features.rows(np.arange(*pair)) for pair in pairwise(parts))
    needs = fit_needs(told, [message.needs for message in messages])
    progress(f"{len(needs.labels)} needs trained")
    answered = np.flatnonzero([bool(message.kinds) for message in messages])
    kinds = fit_needs(told.rows(answered), [messages[i].kinds for i in answered])
    progress(f"{len(kinds.labels)} kinds trained on {len(answered)} messages")
    intents = fit_intents(said, [example.intent for example in examples])
    progress(f"{len(intents.labels)} intents trained")
    danger = fit_danger(near, dangers)
    starts = " ".join(f"{code} {score:.1f}" for code, score in danger.flag_from.items())
    progress(f"danger trained, flagged from {starts}, sure from {danger.sure_from:.1f}")
    read = np.flatnonzero([message.level is not None for message in messages])
    levels = fit_intents(told.rows(read), [str(messages[i].level) for i in read])
    progress(f"levels trained on {len(read)} messages")
    by_language = language_model.learnt(language_model.written())
    progress(f"{len(by_language.languages)} languages trained")
    names = (*municipality_names(), DEMO_MUNICIPALITY)
    trained = Trained(embedder, space, intents, needs, kinds, danger, levels, names)
    _write(artifacts, trained)
    by_language.write(artifacts / FOLDER)
    progress("written")


def _about_danger(messages: Sequence[Message], examples: Sequence[Example]) -> list[DangerMessage]:
    """Messages written about danger, and those of parents that surely are not; each once."""
    written = [
        replace(message, text=spelled(message.text, message.language))
        for message in danger_messages()
    ]
    told = [
        DangerMessage(m.text, m.language, ACUTE if m.level == ACUTE else None, level=m.level)
        for m in messages
        if m.level or UNSURE.isdisjoint(m.needs)
    ]
    said = [
        DangerMessage(e.text, e.language, None) for e in examples if e.intent not in (TELL, UNCLEAR)
    ]
    return list({row.text: row for row in [*said, *told, *written]}.values())


def encoded(texts: Sequence[str], embedder: Embedder) -> Vectors:
    """One row per text; a text that occurs twice is read once."""
    unique = list(dict.fromkeys(texts))
    position = {text: index for index, text in enumerate(unique)}
    return embedder.encode(unique, "query")[[position[text] for text in texts]]


def needs_messages() -> list[Message]:
    """Every message of `data/needs`, spelled as the models read it."""
    return list(_messages())


def _messages() -> Iterator[Message]:
    for path in sorted((DATA / "needs").glob("*.yml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        code = str(content["language"])
        for raw in content["messages"]:
            yield Message(
                spelled(str(raw["text"]), code),
                code,
                str(content["author"]),
                tuple(raw["needs"]),
                tuple(raw.get("kinds", ())),
                raw.get("level"),
            )


def intent_examples() -> list[Example]:
    """The written examples, and messages of `data/needs` whose needs say the intent."""
    written = [
        Example(spelled(str(text), path.stem), path.stem, intent)
        for path in sorted((DATA / "intents").glob("*.yml"))
        for intent, texts in yaml.safe_load(path.read_text(encoding="utf-8")).items()
        for text in texts
    ]
    known = {example.text for example in written}
    told = [example for example in _told(needs_messages()) if example.text not in known]
    return written + told


def _told(messages: Sequence[Message]) -> Iterator[Example]:
    used: dict[tuple[str, str], int] = {}
    for message in messages:
        intent = _intent_of(message)
        if intent is None:
            continue
        key = (message.language, intent)
        used[key] = used.get(key, 0) + 1
        if used[key] <= MOST_TELL:
            yield Example(message.text, message.language, intent)


def _intent_of(message: Message) -> str | None:
    needs = set(message.needs)
    if needs == {"unclear"}:
        return UNCLEAR
    if needs == {"out_of_scope"}:
        return OUT_OF_SCOPE
    return None if needs & (_ABOUT_LOTSA | {"unclear", "out_of_scope"}) else TELL


def spelled(text: str, code: str) -> str:
    """The text as `Pipeline` hands it to the models."""
    return normalise(text, code, spelling(code)).text


def municipality_names(path: Path = MUNICIPALITIES) -> list[str]:
    """The short names of the 290 municipalities."""
    with path.open(encoding="utf-8", newline="") as file:
        return [row["municipality_name_short"] for row in csv.DictReader(file)]


def _write(artifacts: Path, trained: Trained) -> None:
    folder = artifacts / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    # Not compressed, so that the weights are mapped and only what a text needs is in memory; put in
    # place whole, since a running product may have the old file mapped.
    with NamedTemporaryFile(dir=folder, delete=False) as file:
        joblib.dump(trained, file)
    Path(file.name).replace(folder / MODEL_FILE)
    manifest: dict[str, Any] = {
        "inputs": inputs_hash(),
        "intents": list(trained.intents.labels),
        "needs": list(trained.needs.labels),
        "need_threshold": trained.needs.threshold,
        "languages": sorted(trained.space.means),
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
