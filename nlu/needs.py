"""Says what a message is about: every need of the taxonomy with its own probability.

One logistic regression per need on centred sentence vectors and need words, and a ridge
regression on character n-grams; a sigmoid fitted on held-out messages turns both scores into a
probability.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

from nlu.embedder import Vectors
from nlu.intents import FOLDS, SEED, Features, Linear, Scores, Truth, fit_ridge

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

    meaning: Scores
    spelling: Scores
    offsets: Scores

    def probabilities(self, by_meaning: Scores, by_spelling: Scores) -> Scores:
        """Probabilities from the two models' scores."""
        return sigmoid(by_meaning * self.meaning + by_spelling * self.spelling + self.offsets)


@dataclass(frozen=True)
class NeedModel:
    """Two linear models per need, a sigmoid per need over both scores, and one threshold."""

    labels: tuple[str, ...]
    meaning: Linear
    spelling: Linear
    sigmoids: Sigmoids
    threshold: float

    def probabilities(self, features: Features) -> Scores:
        """One row per message, one calibrated column per need; rows need not add up to one."""
        return self.sigmoids.probabilities(
            self.meaning.scores(features.meaning), self.spelling.scores(features.spelling)
        )

    def ranked(self, features: Features) -> list[Need]:
        """Every need of the first message, the most probable first."""
        row = self.probabilities(features)[0]
        return [Need(self.labels[index], float(row[index])) for index in np.argsort(-row)]

    def above(self, features: Features) -> list[Need]:
        """Those of the first message that reach the threshold, best first."""
        return [need for need in self.ranked(features) if need.score >= self.threshold]

    def chosen(self, features: Features, is_told: bool) -> tuple[Need, ...]:
        """One to five needs of the first message, best first.

        A message that describes a situation (`is_told`) always has a real need, if only the most
        probable; anything else without a probable one is `unclear`.
        """
        kept = self.above(features)[:MOST_NEEDS]
        ranked = self.ranked(features)
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
    """Trains the pair of models, the sigmoids and the threshold that gives the best F1."""
    return fit_with_held_out(features, needs)[0]


def fit_with_held_out(
    features: Features, needs: Sequence[Sequence[str]]
) -> tuple[NeedModel, Scores]:
    """The trained model, and its probabilities for messages that were held out from training."""
    labels = tuple(sorted({need for own in needs for need in own}))
    truth = truth_table(needs, labels)
    by_meaning, by_spelling = np.zeros(truth.shape), np.zeros(truth.shape)
    for train, test in KFold(FOLDS, shuffle=True, random_state=SEED).split(truth):
        meaning, spelling = _fit_pair(features.rows(train), truth[train])
        by_meaning[test] = meaning.scores(features.meaning[test])
        by_spelling[test] = spelling.scores(features.spelling[test])
    sigmoids = _fit_sigmoids(by_meaning, by_spelling, truth)
    held_out = sigmoids.probabilities(by_meaning, by_spelling)
    threshold = best_threshold(held_out, truth)
    return NeedModel(labels, *_fit_pair(features, truth), sigmoids, threshold), held_out


def best_threshold(probabilities: Scores, truth: Truth) -> float:
    """The threshold with the highest micro-averaged F1."""
    return float(max(_THRESHOLDS, key=lambda level: micro_f1(probabilities >= level, truth)))


def micro_f1(chosen: Truth, truth: Truth) -> float:
    """F1 over all pairs of message and need."""
    hits = int((chosen & truth).sum())
    return 2 * hits / max(int(chosen.sum()) + int(truth.sum()), 1)


def _fit_pair(features: Features, truth: Truth) -> tuple[Linear, Linear]:
    return (
        _one_against_rest(features.meaning, truth, MEANING_STRENGTH),
        fit_ridge(features.spelling, truth),
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


def _fit_sigmoids(by_meaning: Scores, by_spelling: Scores, truth: Truth) -> Sigmoids:
    """What each score weighs is learnt over all needs, slope and offset per need.

    Needs with few messages share the slope and offset of all.
    """
    both = np.column_stack([by_meaning.ravel(), by_spelling.ravel()])
    shared = LogisticRegression(C=10.0).fit(both, truth.ravel())
    weights, offset = shared.coef_[0], float(shared.intercept_[0])
    combined = by_meaning * weights[0] + by_spelling * weights[1] + offset
    pairs = [
        _sigmoid_for(scores, wanted) if wanted.sum() >= FEWEST_FOR_OWN_SIGMOID else (1.0, 0.0)
        for scores, wanted in zip(combined.T, truth.T, strict=True)
    ]
    slopes, offsets = np.asarray(pairs, dtype=np.float64).T
    return Sigmoids(weights[0] * slopes, weights[1] * slopes, offset * slopes + offsets)


def _sigmoid_for(scores: Scores, wanted: Truth) -> tuple[float, float]:
    model = LogisticRegression(C=1.0).fit(scores.reshape(-1, 1), wanted)
    return max(float(model.coef_[0, 0]), 0.05), float(model.intercept_[0])
