"""Says what a parent does in a turn: describes, answers, asks, goes back, wants a person …

Two linear models are averaged: one on centred sentence vectors (what the text means), one on
character n-grams (how it is written). What the nearest training messages show weighs in beside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from nlu.embedder import Vectors, centred, language_means
from nlu.neighbours import Neighbours

Scores = NDArray[np.float64]
Rows = NDArray[np.intp]
Truth = NDArray[np.bool_]  # one row per message, one column per label

DATA = Path(__file__).parent / "data"

TELL, UNCLEAR, OUT_OF_SCOPE = "tell", "unclear", "out_of_scope"
# Below this probability no intent but `tell` is acted on; from the risk and coverage of held-out
# examples (docs/nlu-scorecard.md): a wrong guess costs a parent more than being asked again.
ABSTAINS_BELOW = 0.5
MEANING_STRENGTH = 30.0  # inverse of the penalty, chosen by cross-validation
RIDGE = 1.0
SOLVED_TO, MOST_STEPS, TINY = 1e-3, 300, 1e-30
RIDGE_SCALE = 8.0  # makes ridge scores, which lie near 0..1, logits
WORD_WEIGHT = 0.5  # of need words beside a sentence vector of length one
LEAST_NEAR, NEAR_WEIGHT = 0.03, 0.8  # of neighbours, chosen on held-out authors
FOLDS = 3  # of the messages held out to learn how certain a model may be
SEED = 7


@dataclass(frozen=True)
class Features:
    """Messages as numbers: one row each, the same order."""

    meaning: Vectors  # centred sentence vector, then what need words were found
    spelling: csr_matrix

    def rows(self, which: Rows) -> Features:
        """The messages at these positions."""
        return Features(self.meaning[which], self.spelling[which])


@dataclass(frozen=True)
class FeatureSpace:
    """How texts become numbers: learnt from training texts, then the same for every message."""

    means: dict[str, Vectors]
    ngrams: TfidfVectorizer
    words: dict[str, list[str]]  # language -> one expression per need, in a fixed order

    @classmethod
    def learnt(
        cls, texts: Sequence[str], languages: Sequence[str], vectors: Vectors
    ) -> FeatureSpace:
        """Means per language and character n-grams of these texts, with the written words."""
        ngrams = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True, dtype=np.float32
        )
        return cls(language_means(vectors, languages), ngrams.fit(texts), need_expressions())

    def features(
        self, texts: Sequence[str], languages: Sequence[str], vectors: Vectors
    ) -> Features:
        """Numbers of normalised texts whose sentence vectors are `vectors`."""
        found = np.stack(
            [self._words_found(text, code) for text, code in zip(texts, languages, strict=True)]
        )
        meaning = np.hstack([centred(vectors, languages, self.means), found * WORD_WEIGHT])
        return Features(meaning.astype(np.float32), self.ngrams.transform(texts).tocsr())

    def _words_found(self, text: str, code: str) -> Vectors:
        """Per need, how many different of its words occur, on a logarithmic scale."""
        expressions = self.words.get(code)
        if expressions is None:
            return np.zeros(len(next(iter(self.words.values()))), dtype=np.float32)
        lower = text.lower()
        counts = [len(set(_compiled(one).findall(lower))) for one in expressions]
        return np.log1p(np.asarray(counts, dtype=np.float32))


def need_expressions() -> dict[str, list[str]]:
    """`data/<language>/need_words.yml` as one regular expression per need, in order of name."""
    result = {}
    for path in sorted(DATA.glob("*/need_words.yml")):
        phrases = yaml.safe_load(path.read_text(encoding="utf-8"))
        result[path.parent.name] = [_expression(phrases[need]) for need in sorted(phrases)]
    return result


def _expression(phrases: Sequence[str]) -> str:
    parts = [
        r"\s+(?:\S+\s+){0,3}?".join(re.escape(part.strip().lower()) for part in phrase.split("…"))
        for phrase in map(str, phrases)
    ]
    return r"(?<!\w)(?:" + "|".join(parts) + ")"


@cache
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression)


@dataclass(frozen=True)
class Linear:
    """Weights and offsets of a linear model, one column per label."""

    weights: NDArray[np.float32]
    offsets: NDArray[np.float32]

    def scores(self, rows: Vectors | csr_matrix) -> Scores:
        """One score per row and label, unbounded."""
        return np.asarray(rows @ self.weights + self.offsets, dtype=np.float64)


def fit_classifier(rows: Vectors, labels: NDArray[np.str_], strength: float) -> Linear:
    """Logistic regression over all labels at once; rare labels weigh as much as common ones."""
    model = LogisticRegression(C=strength, max_iter=300, class_weight="balanced", tol=1e-3)
    model.fit(rows, labels)
    weights = np.ascontiguousarray(model.coef_.T, dtype=np.float32)
    return Linear(weights, model.intercept_.astype(np.float32))


def fit_ridge(rows: csr_matrix, truth: Truth) -> Linear:
    """Weighted ridge regression of every label at once, by conjugate gradients over messages.

    As good as logistic regression on sparse n-grams and many times faster.
    """
    commonness = np.where(truth, truth.sum(axis=0), len(truth)).min(axis=1)
    weight = 1.0 / np.sqrt(commonness)  # a message of a rare label weighs more
    roots = np.sqrt(weight / weight.mean()).astype(np.float32)[:, None]
    by_ngram = rows.T.tocsr()

    def system(columns: Vectors) -> Vectors:
        weighed = roots * columns
        alike = rows @ (by_ngram @ weighed) + weighed.sum(axis=0)  # the sum stands for an offset
        return np.asarray(roots * alike + RIDGE * columns)

    solved = _conjugate_gradients(system, roots * truth.astype(np.float32)) * roots
    weights = np.ascontiguousarray(by_ngram @ solved * RIDGE_SCALE, dtype=np.float32)
    return Linear(weights, np.asarray(solved.sum(axis=0) * RIDGE_SCALE, dtype=np.float32))


def _conjugate_gradients(system: Callable[[Vectors], Vectors], wanted: Vectors) -> Vectors:
    """Solves `system(x) = wanted`, each column on its own, to a thousandth of its length."""
    solved, rest = np.zeros_like(wanted), wanted.copy()
    direction, length = rest.copy(), (rest**2).sum(axis=0)
    enough = length * SOLVED_TO**2
    for _ in range(MOST_STEPS):
        along = system(direction)
        step = length / np.maximum((direction * along).sum(axis=0), TINY)
        solved += step * direction
        rest -= step * along
        left = (rest**2).sum(axis=0)
        if (left <= enough).all():
            break
        direction = rest + left / np.maximum(length, TINY) * direction
        length = left
    return solved


def shares(scores: Scores) -> Scores:
    """Softmax: scores of a row as shares of one."""
    lifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(lifted / lifted.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Models:
    """Three ways of reading the same messages."""

    meaning: Linear
    spelling: Linear
    nearest: Neighbours

    def shares(self, features: Features) -> Scores:
        """How much speaks for each label: the linear models' mean, times what neighbours show."""
        first = shares(self.meaning.scores(features.meaning))
        second = shares(self.spelling.scores(features.spelling))
        near = (self.nearest.shares(features.meaning) + LEAST_NEAR) ** NEAR_WEIGHT
        both = (first + second) / 2 * near
        return np.asarray(both / both.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class IntentModel:
    """The models; `temperature` makes their certainty match their accuracy."""

    labels: tuple[str, ...]
    models: Models
    temperature: float

    def probabilities(self, features: Features) -> Scores:
        """One row per message, one calibrated column per label."""
        raw = self.models.shares(features)
        return shares(np.log(raw + 1e-9) / self.temperature)

    def ranked(self, features: Features) -> list[list[tuple[str, float]]]:
        """The labels of every message, best first."""
        result = []
        for row in self.probabilities(features):
            order = np.argsort(-row)
            result.append([(self.labels[index], float(row[index])) for index in order])
        return result


def fit_intents(features: Features, labels: Sequence[str]) -> IntentModel:
    """Trains both models and finds the temperature on messages they have not seen."""
    wanted = np.asarray(labels)
    names = tuple(sorted(set(labels)))
    held_out = np.zeros((len(labels), len(names)))
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(
        np.zeros(len(labels)), wanted
    ):
        held_out[test] = _fit(features.rows(train), wanted[train]).shares(features.rows(test))
    temperature = _temperature(held_out, np.searchsorted(names, wanted))
    return IntentModel(names, _fit(features, wanted), temperature)


def _fit(features: Features, labels: NDArray[np.str_]) -> Models:
    truth = labels[:, None] == np.unique(labels)[None, :]
    return Models(
        fit_classifier(features.meaning, labels, MEANING_STRENGTH),
        fit_ridge(features.spelling, truth),
        Neighbours.learnt(features.meaning, truth),
    )


def _temperature(probabilities: Scores, right: NDArray[np.intp]) -> float:
    logs = np.log(probabilities + 1e-9)

    def loss(temperature: float) -> float:
        chosen = shares(logs / temperature)[np.arange(len(right)), right]
        return float(-np.log(chosen + 1e-12).mean())

    return float(minimize_scalar(loss, bounds=(0.1, 3.0), method="bounded").x)
