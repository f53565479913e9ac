"""How well search finds: recall, MRR and nDCG for ours, BM25 alone and the embedding alone."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from numpy.typing import NDArray

from knowledge.catalogue import DATA
from knowledge.index import BM25, Floats, lemmas, letter_grams
from knowledge.search import Evidence, Query, Search, Settings, fuse

QUERIES = DATA / "queries"
DEPTH = 10
RESAMPLES = 1000
EmbedPool = Callable[[list[str], Literal["query", "passage"]], Floats]


@dataclass(frozen=True)
class LabelledQuery:
    """A message and every kind of support that answers it, best first."""

    text: str
    needs: tuple[str, ...]
    kinds: tuple[str, ...]
    municipality: str | None = None
    language: str = "sv"


def load_queries(folder: Path = QUERIES) -> list[LabelledQuery]:
    """All labelled queries of a folder, file by file."""
    return [
        LabelledQuery(
            item["text"],
            tuple(item["needs"]),
            tuple(item["kinds"]),
            item.get("municipality"),
            content["language"],
        )
        for path in sorted(folder.glob("*.yml"))
        for content in [yaml.safe_load(path.read_text(encoding="utf-8"))]
        for item in content["queries"]
    ]


def evaluate(
    search: Search,
    queries: Sequence[LabelledQuery],
    understand_vector: Callable[[str], NDArray[np.float32]],
    understand_needs: Callable[[str], Mapping[str, float]] | None = None,
    municipality: str = "strangnas",
) -> dict[str, Any]:
    """Metrics per system over the queries that the municipality has an entry for.

    `municipality` is used for queries that name none. A query none of whose kinds exists there
    is counted under `no_such_kind` and left out.
    """
    ranked: dict[str, list[list[float]]] = {"ours": [], "bm25": [], "e5": []}
    failures: list[dict[str, Any]] = []
    times: list[float] = []
    ideals: list[list[float]] = []
    for labelled in queries:
        place = labelled.municipality or municipality
        shown = search.kinds_in(place)
        ideal = sorted((g for k, g in _gains(labelled).items() if k in shown), reverse=True)
        if not ideal:
            continue
        needs = understand_needs(labelled.text) if understand_needs else {}
        vector = understand_vector(labelled.text)
        query = Query(labelled.text, vector, needs, language=labelled.language)
        start = time.perf_counter()
        found = [match.service.kinds for match in search.find(place, query, DEPTH)]
        times.append(1000 * (time.perf_counter() - start))
        evidence = search.evidence(place, query)
        rankings = {
            "ours": found,
            "bm25": _order(evidence.lemma, search.kinds_of_entries(place)),
            "e5": _order(search.plain_similarity(place, query), search.kinds_of_entries(place)),
        }
        for system, kinds in rankings.items():
            ranked[system].append(_claimed(kinds, _gains(labelled)))
        ideals.append(ideal)
        if not any(ranked["ours"][-1][:3]):
            failures.append({"text": labelled.text, "wanted": labelled.kinds, "found": found[:3]})
    return {
        "queries": len(ideals),
        "no_such_kind": len(queries) - len(ideals),
        **{system: _metrics(gains, ideals) for system, gains in ranked.items()},
        "milliseconds": {p: float(np.percentile(times or [0], int(p[1:]))) for p in ("p50", "p95")},
        "failures": failures,
    }


def _gains(labelled: LabelledQuery) -> dict[str, float]:
    """The best kind is worth two, every other fitting kind one."""
    return {kind: 2.0 if i == 0 else 1.0 for i, kind in enumerate(labelled.kinds)}


def _order(scores: Floats, kinds: Sequence[Sequence[str]]) -> list[list[str]]:
    return [list(kinds[row]) for row in np.argsort(-scores, kind="stable")[:DEPTH]]


def _claimed(ranking: Iterable[Sequence[str]], gains: Mapping[str, float]) -> list[float]:
    """Gain per rank; a kind is worth something only the first time it is shown."""
    left = dict(gains)
    claimed = []
    for kinds in ranking:
        best = max((k for k in kinds if k in left), key=lambda k: left[k], default=None)
        claimed.append(left.pop(best) if best else 0.0)
    return claimed


def _metrics(
    ranked: Sequence[Sequence[float]], ideals: Sequence[Sequence[float]]
) -> dict[str, Any]:
    hits = {k: np.array([float(any(g[:k])) for g in ranked]) for k in (1, 3, 5)}
    first = [next((1 / (i + 1) for i, gain in enumerate(g) if gain), 0.0) for g in ranked]
    ndcg = [_dcg(g) / _dcg(ideal) for g, ideal in zip(ranked, ideals, strict=True)]
    low, high = _interval(hits[3])
    return {
        **{f"recall@{k}": _mean(hit) for k, hit in hits.items()},
        "recall@3_interval": [low, high],
        "mrr": _mean(first),
        "ndcg@10": _mean(ndcg),
    }


def _mean(values: Sequence[float] | NDArray[Any]) -> float:
    return float(np.mean(values)) if len(values) else 0.0


def _dcg(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(i + 2) for i, gain in enumerate(gains[:DEPTH]))


def _interval(values: NDArray[Any]) -> tuple[float, float]:
    """95 % bootstrap interval of the mean, the same resamples every time."""
    if not len(values):
        return 0.0, 0.0
    rows = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.percentile(values[rows].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def rank_pool(
    queries: Sequence[str], passages: Sequence[str], embed: EmbedPool, language: str = "sv"
) -> dict[str, Floats]:
    """Score every passage for every query: (queries × passages) for ours, BM25 and embedding."""
    weights = Settings.load().weights_for(language)
    vectors = embed(list(queries), "query") @ embed(list(passages), "passage").T
    lemma_index = BM25([lemmas(text, language) for text in passages])
    letter_index = BM25([letter_grams(text) for text in passages])
    lemma = np.stack([lemma_index.scores(lemmas(text, language)) for text in queries])
    letters = np.stack([letter_index.scores(letter_grams(text)) for text in queries])
    nothing = np.zeros(len(passages), dtype=np.float32)
    ours = [
        fuse(Evidence(v, w, c, nothing), weights)
        for v, w, c in zip(vectors, lemma, letters, strict=True)
    ]
    return {"ours": np.stack(ours), "bm25": lemma, "e5": np.asarray(vectors, dtype=np.float32)}


def pool_metrics(scores: Floats, right: Sequence[int]) -> dict[str, float]:
    """One right passage a query: nDCG@10, recall@1/3 and MRR of a score matrix."""
    ranks = [1 + int((row > row[answer]).sum()) for row, answer in zip(scores, right, strict=True)]
    return {
        "ndcg@10": _mean([1 / math.log2(r + 1) if r <= DEPTH else 0.0 for r in ranks]),
        "recall@1": _mean([float(r <= 1) for r in ranks]),
        "recall@3": _mean([float(r <= 3) for r in ranks]),
        "mrr": _mean([1 / r for r in ranks]),
    }


def evaluate_faq(path: Path, embed: EmbedPool) -> dict[str, dict[str, float]]:
    """A file in the format of SweFAQ: each question against the pool of all answers in the file."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    pool = list(dict.fromkeys(answer for row in rows for answer in row["candidate_answers"]))
    position = {answer: i for i, answer in enumerate(pool)}
    right = [position[row["candidate_answers"][row["label"]]] for row in rows]
    scores = rank_pool([row["question"] for row in rows], pool, embed)
    return {system: pool_metrics(matrix, right) for system, matrix in scores.items()}
