"""Measures understanding: needs, intents, false alarms and a public intent benchmark.

Every function returns plain figures; whoever calls it prints them.
"""

from __future__ import annotations

import json
import resource
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.model_selection import KFold, StratifiedKFold

from nlu import safety
from nlu.embedder import Embedder, Vectors
from nlu.intents import (
    ABSTAINS_BELOW,
    SEED,
    TELL,
    Features,
    FeatureSpace,
    IntentModel,
    Rows,
    Scores,
    fit_intents,
)
from nlu.needs import NeedModel, fit_needs, micro_f1, truth_table
from nlu.pipeline import Pipeline
from nlu.train import Example, Message, encoded, intent_examples, needs_messages

Split = tuple[Rows, Rows]

FOLDS = 5
WORST = 8
RISK_LEVELS = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
MASSIVE_LANGUAGE = "sv"


def needs(embedder: Embedder) -> dict[str, Any]:
    """Top-1, top-3 and micro-F1 on messages, and on authors, the model has not seen."""
    messages = needs_messages()
    vectors = encoded([message.text for message in messages], embedder)
    by_message = list(KFold(FOLDS, shuffle=True, random_state=SEED).split(messages))
    return {
        "messages": len(messages),
        "by_message": _needs_figures(messages, vectors, by_message),
        "author_held_out": {
            author: _needs_figures(messages, vectors, [split])
            for author, split in _author_splits(messages)
        },
    }


def _author_splits(messages: Sequence[Message]) -> Iterator[tuple[str, Split]]:
    """Each author in turn unseen, where others wrote in the same language."""
    authors = np.array([f"{message.language}-{message.author}" for message in messages])
    languages = np.array([message.language for message in messages])
    for author in sorted(set(authors)):
        test = authors == author
        if (languages[~test] == languages[test][0]).any():
            yield author, (np.flatnonzero(~test), np.flatnonzero(test))


def _needs_figures(
    messages: Sequence[Message], vectors: Vectors, splits: Sequence[Split]
) -> dict[str, Any]:
    own = [message.needs for message in messages]
    labels = tuple(sorted({need for needs_ in own for need in needs_}))
    truth = truth_table(own, labels)
    scores = np.zeros(truth.shape)
    chosen = np.zeros(truth.shape, dtype=bool)
    for train, test in splits:
        model, features = _trained_needs(messages, vectors, train)
        columns = np.array([labels.index(label) for label in model.labels])
        probabilities = model.probabilities(features.rows(test))
        scores[np.ix_(test, columns)] = probabilities
        chosen[np.ix_(test, columns)] = probabilities >= model.threshold
    tested = np.concatenate([test for _, test in splits])
    return _ranking_figures([messages[i] for i in tested], scores[tested], labels) | {
        "micro_f1": round(micro_f1(chosen[tested], truth[tested]), 3)
    }


def _trained_needs(
    messages: Sequence[Message], vectors: Vectors, train: Rows
) -> tuple[NeedModel, Features]:
    texts = [message.text for message in messages]
    features = _features(texts, [message.language for message in messages], vectors, train)
    return fit_needs(features.rows(train), [messages[i].needs for i in train]), features


def _features(
    texts: Sequence[str], languages: Sequence[str], vectors: Vectors, train: Rows
) -> Features:
    """Features of all texts, learnt from the training rows alone."""
    space = FeatureSpace.learnt(
        [texts[i] for i in train], [languages[i] for i in train], vectors[train]
    )
    return space.features(texts, languages, vectors)


def _ranking_figures(
    messages: Sequence[Message], scores: Scores, labels: Sequence[str]
) -> dict[str, Any]:
    """Share of messages with a right need first, and with the main need among three."""
    order = np.argsort(-scores, axis=1)[:, :3]
    best = [[labels[index] for index in row] for row in order]
    main = [message.needs[0] in three for message, three in zip(messages, best, strict=True)]
    missed = Counter(m.needs[0] for m, hit in zip(messages, main, strict=True) if not hit)
    first = [m.needs and three[0] in m.needs for m, three in zip(messages, best, strict=True)]
    some = [bool(set(m.needs) & set(three)) for m, three in zip(messages, best, strict=True)]
    return {
        "messages": len(messages),
        "top1": _share(first),
        "top3": _share(some),
        "top3_main": _share(main),
        "by_language": _by_language(messages, some),
        "missed_most": dict(missed.most_common(WORST)),
    }


def _by_language(messages: Sequence[Message], hits: Sequence[bool]) -> dict[str, float]:
    groups: dict[str, list[bool]] = defaultdict(list)
    for message, hit in zip(messages, hits, strict=True):
        groups[message.language].append(hit)
    return {code: _share(group) for code, group in sorted(groups.items())}


def _share(hits: Sequence[Any] | NDArray[np.bool_]) -> float:
    return round(sum(map(bool, hits)) / max(len(hits), 1), 3)


def intents(embedder: Embedder) -> dict[str, Any]:
    """Accuracy on examples the model has not seen, five folds, and what is confused."""
    examples = intent_examples()
    vectors = encoded([example.text for example in examples], embedder)
    predicted, confidence = _predicted_intents(examples, vectors)
    right = np.array([example.intent for example in examples])
    hits = predicted == right
    pairs = Counter(
        f"{wanted} -> {given}" for wanted, given in zip(right[~hits], predicted[~hits], strict=True)
    )
    per_intent = [float(hits[right == intent].mean()) for intent in sorted(set(right))]
    return {
        "examples": len(examples),
        "accuracy": round(float(hits.mean()), 3),
        "accuracy_per_intent": round(float(np.mean(per_intent)), 3),
        "calibration_error": round(_calibration_error(confidence, hits), 3),
        "confused_most": dict(pairs.most_common(WORST)),
        "abstains_below": ABSTAINS_BELOW,
        "risk_coverage": _risk_coverage(confidence, hits, right == TELL),
    }


def _risk_coverage(
    confidence: NDArray[np.float64], hits: NDArray[np.bool_], told: NDArray[np.bool_]
) -> dict[str, dict[str, float]]:
    """Per threshold: the share of messages acted on and how often that is right.

    Beside all messages those that are no description of a situation: what the threshold is for.
    """
    curve = {}
    for threshold in RISK_LEVELS:
        sure = confidence >= threshold
        curve[f"{threshold:.1f}"] = {
            "coverage": _share(sure),
            "right": _share(hits[sure]),
            "coverage_of_others": _share(sure[~told]),
            "right_of_others": _share(hits[sure & ~told]),
        }
    return curve


def _predicted_intents(
    examples: Sequence[Example], vectors: Vectors
) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    texts = [example.text for example in examples]
    languages = [example.language for example in examples]
    labels = np.array([example.intent for example in examples])
    predicted, confidence = np.empty_like(labels), np.zeros(len(labels))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    for train, test in folds.split(texts, labels):
        features = _features(texts, languages, vectors, train)
        model = fit_intents(features.rows(train), labels[train].tolist())
        best = [row[0] for row in model.ranked(features.rows(test))]
        predicted[test] = [label for label, _ in best]
        confidence[test] = [score for _, score in best]
    return predicted, confidence


def _calibration_error(confidence: NDArray[np.float64], hits: NDArray[np.bool_]) -> float:
    """Mean gap between certainty and accuracy over ten equal ranges of certainty."""
    bins = np.minimum((confidence * 10).astype(int), 9)
    gaps = [
        abs(confidence[bins == b].mean() - hits[bins == b].mean()) * (bins == b).mean()
        for b in sorted(set(bins.tolist()))
    ]
    return float(sum(gaps))


def danger(pipeline: Pipeline, tests: Path, everyday: Path) -> dict[str, Any]:
    """What the rules find in danger messages, and what they find together with the model.

    `tests` holds a file per language and author (`text`, `acute`, `category`, and `second`: what a
    second reader said without seeing the first); `everyday` holds talk without any danger.
    """
    rows = [
        (str(content["language"]), row)
        for path in sorted(tests.glob("*.yml"))
        for content in [yaml.safe_load(path.read_text(encoding="utf-8"))]
        for row in content["messages"]
    ]
    seen = [
        (safety.check(row["text"], code).acute, pipeline.understand(row["text"], code).safety.acute)
        for code, row in rows
    ]
    codes = sorted({code for code, _ in rows})
    groups = {code: [i for i, (c, _) in enumerate(rows) if c == code] for code in codes}
    figures: dict[str, Any] = {
        "by_language": {code: _danger_figures(rows, seen, own) for code, own in groups.items()},
        "by_category": {
            name: _found(
                [seen[i] for i, (_, row) in enumerate(rows) if row.get("category") == name]
            )
            for name in safety.CATEGORIES
        },
        "readers_agree": _share(
            [row["acute"] == (row["second"] != "no") for _, row in rows if "second" in row]
        ),
        "everyday": {},
    }
    for code, texts in _everyday(everyday):
        checks = [pipeline.understand(text, code).safety for text in texts]
        figures["everyday"][code] = {
            "texts": len(texts),
            "rules": sum(safety.check(text, code).acute for text in texts),
            "both": sum(check.acute for check in checks),
            "sure": sum(check.acute and check.sure for check in checks),
        }
    return figures


def _danger_figures(
    rows: Sequence[tuple[str, dict[str, Any]]], seen: Sequence[tuple[bool, bool]], own: list[int]
) -> dict[str, Any]:
    near = [seen[i] for i in own if not rows[i][1]["acute"]]
    return {
        "found": _found([seen[i] for i in own if rows[i][1]["acute"]]),
        "near_misses": len(near),
        "near_alarms_rules": sum(rules for rules, _ in near),
        "near_alarms_both": sum(both for _, both in near),
    }


def _found(seen: Sequence[tuple[bool, bool]]) -> dict[str, Any]:
    """How many were found by the rules and by both, with the Wilson interval of the latter."""
    both = sum(pair[1] for pair in seen)
    interval = binomtest(both, max(len(seen), 1)).proportion_ci(method="wilson")
    return {
        "messages": len(seen),
        "rules": sum(pair[0] for pair in seen),
        "both": both,
        "interval": [round(float(interval.low), 3), round(float(interval.high), 3)],
    }


def _everyday(folder: Path) -> Iterator[tuple[str, list[str]]]:
    for path in sorted(folder.glob("everyday_*.jsonl")):
        yield path.stem.removeprefix("everyday_"), [row["text"] for row in _lines(path)]


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def massive(train: Path, test: Path | None, model: Embedder) -> dict[str, Any]:
    """The same intent model on lines of {"text", "intent"}; without `test` five folds."""
    rows = _lines(train)
    texts = [row["text"] for row in rows]
    labels = [row["intent"] for row in rows]
    started = time.perf_counter()
    vectors = encoded(texts, model)
    if test is None:
        examples = [
            Example(text, MASSIVE_LANGUAGE, label)
            for text, label in zip(texts, labels, strict=True)
        ]
        predicted, _ = _predicted_intents(examples, vectors)
        accuracy = float((predicted == np.array(labels)).mean())
        return _massive_figures(accuracy, time.perf_counter() - started, len(texts), None)
    languages = [MASSIVE_LANGUAGE] * len(texts)
    space = FeatureSpace.learnt(texts, languages, vectors)
    fitted = fit_intents(space.features(texts, languages, vectors), labels)
    seconds = time.perf_counter() - started
    unseen = _lines(test)
    started = time.perf_counter()
    hits = [_one_intent(row["text"], model, space, fitted) == row["intent"] for row in unseen]
    each = (time.perf_counter() - started) / max(len(unseen), 1)
    return _massive_figures(_share(hits), seconds, len(texts), each * 1000)


def _one_intent(text: str, model: Embedder, space: FeatureSpace, fitted: IntentModel) -> str:
    features = space.features([text], [MASSIVE_LANGUAGE], model.encode([text], "query"))
    return fitted.ranked(features)[0][0][0]


def _massive_figures(
    accuracy: float, seconds: float, examples: int, each: float | None
) -> dict[str, Any]:
    return {
        "accuracy": round(accuracy, 4),
        "seconds": round(seconds, 1),
        "examples": examples,
        "ms_per_message": None if each is None else round(each, 2),
        "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
