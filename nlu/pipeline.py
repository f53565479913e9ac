"""Puts the parts together: a parent's text in, an Understanding out. Nothing of the text is kept.

There is deliberately no logging here: what a parent writes must not reach a log file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import joblib

from nlu import language, language_model, safety
from nlu.danger import DangerModel, is_absence, reading, weighed
from nlu.embedder import Embedder, Vectors
from nlu.entities import WRITTEN, Entity, EntityReader, spelling
from nlu.intents import ABSTAINS_BELOW, TELL, UNCLEAR, FeatureSpace, IntentModel
from nlu.needs import Need, NeedModel
from nlu.normalise import NormalText, normalise
from nlu.safety import Check
from nlu.trained import FOLDER, MODEL_FILE

FEWEST_WORDS_READ = 4  # below that a message is not read for its level
CHILD_SELF, YOUNG_WRITER = "child_self", "youth_self_disclosure"
LONGEST_READ = 2_000  # characters; the safety check reads all of them

__all__ = ["Entity", "Need", "Pipeline", "Understanding"]


@dataclass(frozen=True)
class Understanding:
    """What one message means."""

    language: str
    intent: str
    confidence: float
    intents: tuple[tuple[str, float], ...]  # the best three
    needs: tuple[Need, ...]  # best first, one to five
    entities: tuple[Entity, ...]
    signals: tuple[str, ...]
    safety: Check
    is_language_sure: bool = True
    is_intent_sure: bool = True  # else nothing should be done on it


@dataclass(frozen=True)
class Trained:
    """What `nlu.train` writes."""

    embedder: str | None
    space: FeatureSpace
    intents: IntentModel
    needs: NeedModel
    kinds: NeedModel  # the same model over kinds of support: which of them answer a message
    danger: DangerModel
    levels: IntentModel  # how a message reads: the level a reader would choose
    municipalities: tuple[str, ...]


class Pipeline:
    """Everything loaded; one thread at a time."""

    def __init__(
        self, trained: Trained, artifacts: Path, today: Callable[[], date] = date.today
    ) -> None:
        self._trained = trained
        self._today = today
        self._embedder = Embedder(trained.embedder, artifacts)
        self._latest: tuple[str, Vectors] | None = None
        self._understood: tuple[str, Understanding] | None = None
        self._entities = EntityReader(trained.municipalities)
        self._spelling = {code: spelling(code) for code in WRITTEN}
        self._languages = language_model.read(artifacts / FOLDER)
        language.load()

    @classmethod
    def load(cls, artifacts: Path) -> Pipeline:
        """Reads what `lotsa train` wrote. Raises FileNotFoundError when there is nothing."""
        path = artifacts / FOLDER / MODEL_FILE
        if not path.is_file():
            raise FileNotFoundError(f"No trained model at {path}. Run: lotsa train")
        return cls(joblib.load(path, mmap_mode="r"), artifacts)

    @property
    def embedder_name(self) -> str:
        """The name the index is built under: the configured model, or `default`."""
        return self._trained.embedder or "default"

    def passage_vector(self, text: str) -> Vectors:
        """The normalised sentence vector (384,) of a catalogue text, not centred."""
        row: Vectors = self._embedder.encode([text], "passage")[0]
        return row

    @property
    def query_means(self) -> Mapping[str, Vectors]:
        """The mean sentence vector of the training messages per language (`*`: any)."""
        return self._trained.space.means

    def understand(self, text: str, hint: str | None = None) -> Understanding:
        """What `text` means; `hint` is the language of the conversation so far."""
        if self._understood and self._understood[0] == text:
            latest = self._understood[1]
            if latest.language == hint:  # a message is understood and then searched with
                return latest
        understanding = self._read(text, hint)
        self._understood = (text, understanding)
        return understanding

    def _read(self, text: str, hint: str | None) -> Understanding:
        check = safety.check(text, hint)
        short = text[:LONGEST_READ]
        code, sureness = language.identify(short, hint, self._languages)
        normal = self._normal(short, code)
        details = self._entities.read(normal, code, self._today())
        features = self._trained.space.features([normal.text], [code], self._vectors(normal.text))
        ranked = self._trained.intents.ranked(features)[0]
        intent, confidence = ranked[0]
        needs = self._trained.needs.chosen(
            features, is_told=intent == TELL, without=_not_of(details.entities)
        )
        reads = dict(self._trained.levels.ranked(features)[0])
        seen = self._trained.danger.added(check, features, code)
        if not check.acute and is_absence(seen, [need.id for need in needs]):
            seen = check
        if seen.acute and seen.language is None and language.is_sure(sureness):
            seen = replace(seen, language=code)
        check = weighed(seen, reads, by_rules=check.acute)
        signals = details.signals
        if intent == TELL and len(normal.text.split()) >= FEWEST_WORDS_READ:
            signals = (*signals, f"reads_{reading(reads, check)}")
        return Understanding(
            language=code,
            intent=intent,
            confidence=confidence,
            intents=tuple(ranked[:3]),
            needs=needs,
            entities=details.entities,
            signals=signals,
            safety=check,
            is_language_sure=language.is_sure(sureness),
            is_intent_sure=intent in (TELL, UNCLEAR) or confidence >= ABSTAINS_BELOW,
        )

    def vector(self, text: str, language: str) -> Vectors:
        """The normalised sentence vector (384,) of a query, not centred."""
        normal = self._normal(text[:LONGEST_READ], language)
        row: Vectors = self._vectors(normal.text)[0]
        return row

    def kinds(self, text: str, language: str) -> dict[str, float]:
        """How probably each kind of support (taxonomy id) answers `text`, 0..1."""
        normal = self._normal(text[:LONGEST_READ], language)
        features = self._trained.space.features(
            [normal.text], [language], self._vectors(normal.text)
        )
        return {kind.id: kind.score for kind in self._trained.kinds.ranked(features)}

    def _vectors(self, text: str) -> Vectors:
        """A message is understood and then searched with: its vector is made once."""
        if self._latest is None or self._latest[0] != text:
            self._latest = (text, self._embedder.encode([text], "query"))
        return self._latest[1]

    def _normal(self, text: str, code: str) -> NormalText:
        return normalise(text, code, self._spelling.get(code))


def _not_of(entities: Sequence[Entity]) -> frozenset[str]:
    """Needs that cannot be the writer's: who says "my son" is not a young person on her own."""
    relations = {entity.value for entity in entities if entity.name == "relation"}
    return frozenset() if not relations or CHILD_SELF in relations else frozenset({YOUNG_WRITER})
