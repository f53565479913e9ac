"""Learns how search weighs its evidence: a logistic regression on features a person can read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from knowledge.queries import LabelledQuery
from knowledge.search import FEATURES, OTHER, Hybrid, Query, Search, Settings, Weights, features
from knowledge.words import Floats

STRENGTH = 1.0  # inverse of the penalty
Understand = Callable[[LabelledQuery], Query]


@dataclass(frozen=True)
class Part:
    """A part of the ranking that can be left out to see what it is worth."""

    name: str
    hybrid: tuple[str, ...] = ()  # what is left out of the comparison of texts
    features: tuple[str, ...] = ()  # what the re-ranker does not get


PARTS = (
    Part("meaning (FAISS)", ("vector",)),
    Part("words (BM25)", ("lemma",)),
    Part("letters", ("letters",)),
    Part("texts", (), ("hybrid",)),
    Part("needs", (), ("overlap",)),
    Part("kinds", (), ("kinds",)),
)


def learn(
    search: Search,
    queries: Sequence[LabelledQuery],
    understand: Understand,
    municipality: str,
    without: Part | None = None,
) -> Settings:
    """The settings of `search` with weights learnt from Swedish `queries`.

    A language without its own weights gets those learnt without counting Swedish words.
    """
    settings = search.settings
    if without is not None:
        hybrid = {
            code: known.model_copy(update=dict.fromkeys(without.hybrid, 0.0))
            for code, known in settings.hybrid.items()
        }
        settings = settings.model_copy(update={"hybrid": hybrid})
    left_out = without.features if without else ()
    asked = [(labelled, understand(labelled)) for labelled in queries]
    weights = {
        code: _fit(search, settings, asked, municipality, code, left_out)
        for code in settings.weights
    }
    return settings.model_copy(update={"weights": weights})


def _fit(
    search: Search,
    settings: Settings,
    asked: Sequence[tuple[LabelledQuery, Query]],
    municipality: str,
    code: str,
    left_out: Collection[str],
) -> Weights:
    kept = [name for name in FEATURES if name not in left_out]
    rows, fits, shares = [], [], []
    for labelled, query in asked:
        place = labelled.municipality or municipality
        known = search.kinds_of_entries(place)
        fitting = np.array([bool(set(kinds) & set(labelled.kinds)) for kinds in known])
        if not fitting.any():
            continue
        rows.append(_matrix(search, settings.hybrid[code], place, query, kept))
        fits.append(fitting)
        shares.append(np.full(len(known), 1.0 / len(known)))
    share = np.concatenate(shares)
    model = LogisticRegression(C=STRENGTH, max_iter=1000)
    model.fit(np.concatenate(rows), np.concatenate(fits), sample_weight=share / share.mean())
    learnt = {name: round(float(c), 3) for name, c in zip(kept, model.coef_[0], strict=True)}
    return settings.weights.get(code, settings.weights[OTHER]).model_copy(
        update=dict.fromkeys(left_out, 0.0)
        | learnt
        | {"bias": round(float(model.intercept_[0]), 3)}
    )


def _matrix(
    search: Search, hybrid: Hybrid, place: str, query: Query, names: Sequence[str]
) -> Floats:
    named = features(search.evidence(place, query), hybrid)
    return np.column_stack([named[name] for name in names])
