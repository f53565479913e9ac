"""Says what a message is about: every need of the taxonomy with its own probability.

One logistic regression per need on centred sentence vectors and need words, a ridge regression on
character n-grams and the needs of the nearest training messages; a sigmoid fitted on held-out
messages turns the three scores into a probability.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

from nlu.embedder import Vectors
from nlu.intents import FOLDS, SEED, Features, Linear, Scores, Truth, fit_ridge
from nlu.neighbours import Neighbours

NOTHING_CLEAR = "unclear"
NO_NEED = frozenset({NOTHING_CLEAR, "out_of_scope"})
MOST_NEEDS = 5
MEANING_STRENGTH = 3.0
NEVER = -10.0  # score of a need without messages
FEWEST_FOR_OWN_SIGMOID = 15
_THRESHOLDS = np.arange(0.10, 0.61, 0.02)


@dataclass(frozen=True)
class Need:
    """A need of the taxonomy and how probable it is, 0..1."""

    id: str
    score: float


@dataclass(frozen=True)
class Sigmoids:
    """Per need: what each model's score weighs, and where a probability of one half lies."""

    weights: Scores  # (models, needs)
    offsets: Scores  # (needs,)

    def probabilities(self, scores: Scores) -> Scores:
        """Probabilities from the scores (models, messages, needs)."""
        return sigmoid(np.einsum("kml,kl->ml", scores, self.weights) + self.offsets)


@dataclass(frozen=True)
class Models:
    """Three ways of reading the same messages."""

    meaning: Linear
    spelling: Linear
    nearest: Neighbours

    def scores(self, features: Features) -> Scores:
        """What each says: (models, messages, needs), unbounded."""
        return np.stack(
            [
                self.meaning.scores(features.meaning),
                self.spelling.scores(features.spelling),
                self.nearest.scores(features.meaning),
            ]
        )


@dataclass(frozen=True)
class NeedModel:
    """Three models, a sigmoid per need over their scores, and one threshold."""

    labels: tuple[str, ...]
    models: Models
    sigmoids: Sigmoids
    threshold: float

    def probabilities(self, features: Features) -> Scores:
        """One row per message, one calibrated column per need; rows need not add up to one."""
        return self.sigmoids.probabilities(self.models.scores(features))

    def ranked(self, features: Features) -> list[Need]:
        """Every need of the first message, the most probable first."""
        row = self.probabilities(features)[0]
        return [Need(self.labels[index], float(row[index])) for index in np.argsort(-row)]

    def chosen(
        self, features: Features, is_told: bool, without: frozenset[str] = frozenset()
    ) -> tuple[Need, ...]:
        """One to five needs of the first message, best first, but none of `without`.

        A message that describes a situation (`is_told`) always has a real need, if only the most
        probable; anything else without a probable one is `unclear`.
        """
        ranked = [need for need in self.ranked(features) if need.id not in without]
        kept = [need for need in ranked if need.score >= self.threshold][:MOST_NEEDS]
        if is_told and not any(need.id not in NO_NEED for need in kept):
            kept = [next(need for need in ranked if need.id not in NO_NEED)]
        return tuple(kept) or (Need(NOTHING_CLEAR, 1.0 - ranked[0].score),)


def sigmoid(scores: Scores) -> Scores:
    """1 / (1 + e^-x), safe for large numbers."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(scores, -40, 40))))


def truth_table(needs: Sequence[Sequence[str]], labels: Sequence[str]) -> Truth:
    """One row per message, one column per label."""
    return np.array([[label in own for label in labels] for own in needs], dtype=bool)


def fit_needs(features: Features, needs: Sequence[Sequence[str]]) -> NeedModel:
    """Trains the models, the sigmoids and the threshold that gives the best F1."""
    return fit_with_held_out(features, needs)[0]


def fit_with_held_out(
    features: Features, needs: Sequence[Sequence[str]]
) -> tuple[NeedModel, Scores]:
    """The trained model, and its probabilities for messages that were held out from training."""
    labels = tuple(sorted({need for own in needs for need in own}))
    truth = truth_table(needs, labels)
    scores = np.zeros((len(fields(Models)), *truth.shape))
    for train, test in KFold(FOLDS, shuffle=True, random_state=SEED).split(truth):
        scores[:, test] = _fit(features.rows(train), truth[train]).scores(features.rows(test))
    sigmoids = _fit_sigmoids(scores, truth)
    held_out = sigmoids.probabilities(scores)
    threshold = best_threshold(held_out, truth)
    return NeedModel(labels, _fit(features, truth), sigmoids, threshold), held_out


def best_threshold(probabilities: Scores, truth: Truth) -> float:
    """The threshold with the highest micro-averaged F1."""
    return float(max(_THRESHOLDS, key=lambda level: micro_f1(probabilities >= level, truth)))


def micro_f1(chosen: Truth, truth: Truth) -> float:
    """F1 over all pairs of message and need."""
    hits = int((chosen & truth).sum())
    return 2 * hits / max(int(chosen.sum()) + int(truth.sum()), 1)


def _fit(features: Features, truth: Truth) -> Models:
    return Models(
        _one_against_rest(features.meaning, truth, MEANING_STRENGTH),
        fit_ridge(features.spelling, truth),
        Neighbours.learnt(features.meaning, truth),
    )


def _one_against_rest(rows: Vectors, truth: Truth, strength: float) -> Linear:
    """A logistic regression per need; one without messages is never chosen."""

    def fitted(wanted: Truth) -> tuple[Scores, float]:
        if wanted.all() or not wanted.any():
            return np.zeros(rows.shape[1]), NEVER
        model = LogisticRegression(
            C=strength, solver="liblinear", class_weight="balanced", tol=1e-2
        )
        model.fit(rows, wanted)
        return model.coef_[0], float(model.intercept_[0])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        weights, offsets = zip(*pool.map(fitted, truth.T), strict=True)
    columns = np.ascontiguousarray(np.asarray(weights).T, dtype=np.float32)
    return Linear(columns, np.asarray(offsets, dtype=np.float32))


def _fit_sigmoids(scores: Scores, truth: Truth) -> Sigmoids:
    """What each score weighs is learnt over all needs, slope and offset per need.

    Needs with few messages share the slope and offset of all.
    """
    shared = LogisticRegression(C=10.0).fit(scores.reshape(len(scores), -1).T, truth.ravel())
    weights, offset = shared.coef_[0], float(shared.intercept_[0])
    combined = np.einsum("kml,k->ml", scores, weights) + offset
    pairs = [
        _sigmoid_for(column, wanted) if wanted.sum() >= FEWEST_FOR_OWN_SIGMOID else (1.0, 0.0)
        for column, wanted in zip(combined.T, truth.T, strict=True)
    ]
    slopes, offsets = np.asarray(pairs, dtype=np.float64).T
    return Sigmoids(weights[:, None] * slopes, offset * slopes + offsets)


def _sigmoid_for(scores: Scores, wanted: Truth) -> tuple[float, float]:
    model = LogisticRegression(C=1.0).fit(scores.reshape(-1, 1), wanted)
    return max(float(model.coef_[0, 0]), 0.05), float(model.intercept_[0])
