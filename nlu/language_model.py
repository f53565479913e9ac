"""Learns which language a few words are in, from the training messages of this repository.

Character n-grams, hashed, and one linear model. It learns from pieces of one to ten words, because
that is what parents write, and from the same pieces as other keyboards would write them.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import joblib
import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import SGDClassifier

from nlu.trained import LANGUAGE_FILE
from nlu.transliteration import otherwise

DATA = Path(__file__).parent / "data"
OTHER = "other"  # languages that are none of ours
LONGEST_READ = 300  # characters
FEATURES = 2**16
MOST_PIECES = 14  # of one message
PIECES = 12_000  # wanted of a language
LENGTHS = (1, 1, 2, 2, 3, 3, 4, 6, 6, 10)  # words of a piece, drawn evenly
OTHERWISE_WEIGHT = 0.35  # of a text typed with other letters
BY_HAND_SHARE = 0.15  # of a language's weight: texts of `data/language`
PENALTY = 1e-6
ROUNDS = 8
SEED = 1
# Makes scores probabilities; least log loss on pieces of 1 to 6 words of unseen authors.
SHARPNESS = 0.85

_MASKED_OR_NUMBER = re.compile(r"\[[^\]]*\]|\d+(?![^\W\d_])")


@dataclass(frozen=True)
class Written:
    """A text in a known language; `by_hand` when it was written to teach languages."""

    text: str
    language: str
    author: str
    by_hand: bool = False


@dataclass(frozen=True)
class LanguageModel:
    """A linear model: one column of weights per language, `other` among them."""

    languages: tuple[str, ...]
    weights: NDArray[np.float16]
    bias: NDArray[np.float32]

    def probabilities(self, text: str) -> dict[str, float]:
        """How probably the text is in each language, 0..1, all equally expected beforehand."""
        row = _features([plain(text)])
        scores = row.data @ self.weights[row.indices].astype(np.float32) + self.bias
        powers = np.exp((scores - scores.max()) * SHARPNESS)
        return dict(zip(self.languages, (powers / powers.sum()).tolist(), strict=True))

    def write(self, folder: Path) -> None:
        """Writes the file that `read` reads."""
        joblib.dump(self, folder / LANGUAGE_FILE, compress=3)


def read(folder: Path) -> LanguageModel | None:
    """What `LanguageModel.write` wrote; None when nothing was."""
    path = folder / LANGUAGE_FILE
    if not path.is_file():
        return None
    model: LanguageModel = joblib.load(path)
    return model


def learnt(texts: Sequence[Written]) -> LanguageModel:
    """The model of these texts; every language counts the same. Takes about ten seconds."""
    pieces, languages, weights = _pieces(texts)
    trained = SGDClassifier(
        loss="log_loss", alpha=PENALTY, max_iter=ROUNDS, tol=None, random_state=SEED
    )
    trained.fit(_features(pieces), languages, sample_weight=weights)
    columns = np.ascontiguousarray(trained.coef_.T.astype(np.float16))
    bias = trained.intercept_.astype(np.float32)
    return LanguageModel(tuple(map(str, trained.classes_)), columns, bias)


def written() -> list[Written]:
    """Every text of the training data, as it was written."""
    return [*_messages(), *_intents()]


def _messages() -> Iterator[Written]:
    for folder in ("needs", "safety_messages", "everyday", "language"):
        for path in sorted((DATA / folder).glob("*.yml")):
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
            code, author = str(content["language"]), str(content["author"])
            for message in content["messages"]:
                text = message["text"] if isinstance(message, Mapping) else message
                yield Written(str(text), code, f"{code}-{author}", folder == "language")


def _intents() -> Iterator[Written]:
    for path in sorted((DATA / "intents").glob("*.yml")):
        for texts in yaml.safe_load(path.read_text(encoding="utf-8")).values():
            for text in texts:
                yield Written(str(text), path.stem, f"{path.stem}-intents")


def plain(text: str) -> str:
    """The beginning of the text in small letters, without numbers and what was masked."""
    return " ".join(_MASKED_OR_NUMBER.sub(" ", text[:LONGEST_READ].lower()).split())


def _pieces(texts: Sequence[Written]) -> tuple[list[str], list[str], NDArray[np.float64]]:
    by_language: dict[str, list[tuple[str, float, bool]]] = defaultdict(list)
    for one in texts:
        rows = by_language[one.language]
        rows.append((plain(one.text), 1.0, one.by_hand))
        if not one.by_hand:
            others = otherwise(plain(one.text), one.language)
            rows.extend((other, OTHERWISE_WEIGHT, False) for other in others)
    chance = random.Random(SEED)
    pieces: list[str] = []
    languages: list[str] = []
    weights: list[NDArray[np.float64]] = []
    for code, rows in sorted(by_language.items()):
        several = max(2, min(MOST_PIECES, round(PIECES / len(rows))))
        drawn = [(piece, row) for row in rows for piece in _of(row[0], several, chance)]
        pieces.extend(piece for piece, _ in drawn)
        languages.extend([code] * len(drawn))
        own = np.array([row[1] for _, row in drawn])
        weights.append(_shared(own, np.array([row[2] for _, row in drawn])))
    together = np.concatenate(weights)
    return pieces, languages, together / together.mean()


def _of(text: str, several: int, chance: random.Random) -> Iterator[str]:
    """The text and some pieces of it."""
    words = text.split()
    if not words:
        return
    yield text
    for _ in range(several):
        length = chance.choice(LENGTHS)
        start = chance.randrange(max(1, len(words) - length + 1))
        yield " ".join(words[start : start + length])


def _shared(weights: NDArray[np.float64], by_hand: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Weights of one language that sum to one."""
    result: NDArray[np.float64] = weights / weights.sum()
    if by_hand.any() and not by_hand.all():
        for which, share in ((by_hand, BY_HAND_SHARE), (~by_hand, 1 - BY_HAND_SHARE)):
            result[which] *= share / result[which].sum()
    return result


def _features(texts: Sequence[str]) -> csr_matrix:
    return _hashing().transform(texts).tocsr()


@cache
def _hashing() -> HashingVectorizer:
    return HashingVectorizer(
        analyzer="char_wb",
        ngram_range=(1, 4),
        n_features=FEATURES,
        alternate_sign=False,
        norm="l2",
        lowercase=False,
        dtype=np.float32,
    )
