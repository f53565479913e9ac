"""How well search finds: ours, its parts, BM25, TF-IDF and the embedding alone, side by side."""

from __future__ import annotations

import json
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from knowledge.queries import LabelledQuery
from knowledge.rerank import PARTS, Understand, learn
from knowledge.search import Evidence, Query, Search, Settings, fuse
from knowledge.words import BM25, Floats, lemmas, letter_grams

DEPTH = 10
RESAMPLES = 1000
SYSTEMS = ("ours", "bm25", "tfidf", "e5")
FEWEST_OF_A_NEED = 5
EmbedPool = Callable[[list[str], Literal["query", "passage"]], Floats]
Kinds = Sequence[Sequence[str]]


@dataclass
class Run:
    """What every system gained, query by query; a gain is per rank."""

    queries: list[LabelledQuery] = field(default_factory=list)
    ideals: list[list[float]] = field(default_factory=list)
    gains: dict[str, list[list[float]]] = field(default_factory=lambda: defaultdict(list))
    failures: list[dict[str, Any]] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    no_such_kind: int = 0

    def rows(self, keep: Callable[[LabelledQuery], bool]) -> list[int]:
        return [i for i, query in enumerate(self.queries) if keep(query)]


def evaluate(
    search: Search,
    queries: Sequence[LabelledQuery],
    understand: Understand,
    municipality: str = "strangnas",
    tune_on: Sequence[LabelledQuery] = (),
) -> dict[str, Any]:
    """Metrics per system and language over the queries that the municipality has an entry for.

    `municipality` is used for queries that name none. A query none of whose kinds exists there
    is counted under `no_such_kind` and left out. With `tune_on`, ours is also measured without
    each of its parts, the weights learnt anew each time.
    """
    known = cache(understand)
    run = run_systems(search, queries, known, municipality)
    languages = sorted({query.language for query in run.queries})
    figures: dict[str, Any] = {
        "queries": len(run.queries),
        "no_such_kind": run.no_such_kind,
        **{system: _metrics(run, system, range(len(run.queries))) for system in SYSTEMS},
        "by_language": {
            code: _by_system(run, run.rows(lambda q, code=code: q.language == code))  # type: ignore[misc]
            for code in languages
        },
        "by_need": _by_need(run),
        "milliseconds": {
            p: float(np.percentile(run.milliseconds or [0], int(p[1:]))) for p in ("p50", "p95")
        },
        "agreement": _agreement(run.queries),
        "failures": run.failures,
    }
    if tune_on:
        figures["without"] = _without_parts(search, queries, known, municipality, tune_on, run)
    return figures


def run_systems(
    search: Search,
    queries: Sequence[LabelledQuery],
    understand: Understand,
    municipality: str,
    systems: Sequence[str] = SYSTEMS,
) -> Run:
    """Every query through every system."""
    run = Run()
    tfidf = cache(lambda place: _Tfidf(search.texts_of_entries(place)))
    for labelled in queries:
        place = labelled.municipality or municipality
        gains, shown = _gains(labelled), search.kinds_in(place)
        ideal = sorted((g for kind, g in gains.items() if kind in shown), reverse=True)
        if not ideal:
            run.no_such_kind += 1
            continue
        query = understand(labelled)
        started = time.perf_counter()
        found: Kinds = [match.service.kinds for match in search.find(place, query, DEPTH)]
        run.milliseconds.append(1000 * (time.perf_counter() - started))
        rankings: dict[str, Kinds] = {"ours": found}
        if len(systems) > 1:
            kinds = search.kinds_of_entries(place)
            rankings["bm25"] = _order(search.evidence(place, query).lemma, kinds)
            rankings["tfidf"] = _order(tfidf(place).scores(query), kinds)
            rankings["e5"] = _order(search.plain_similarity(place, query), kinds)
        for system in systems:
            run.gains[system].append(_claimed(rankings[system], gains))
        run.queries.append(labelled)
        run.ideals.append(ideal)
        if not any(run.gains["ours"][-1][:3]):
            run.failures.append(_failure(labelled, found[:3]))
    return run


class _Tfidf:
    """Words weighed by how rare they are, compared by cosine: what everybody has."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._vectorizer = TfidfVectorizer(sublinear_tf=True)
        self._entries = self._vectorizer.fit_transform(texts)

    def scores(self, query: Query) -> Floats:
        row = self._vectorizer.transform([query.text])
        return np.asarray((self._entries @ row.T).toarray()[:, 0], dtype=np.float32)


def _failure(labelled: LabelledQuery, found: Kinds) -> dict[str, Any]:
    return {
        "language": labelled.language,
        "text": labelled.text,
        "wanted": labelled.kinds,
        "found": [list(kinds) for kinds in found],
    }


def _without_parts(
    search: Search,
    queries: Sequence[LabelledQuery],
    understand: Understand,
    municipality: str,
    tune_on: Sequence[LabelledQuery],
    full: Run,
) -> dict[str, Any]:
    result = {}
    for part in PARTS:
        changed = search.with_settings(learn(search, tune_on, understand, municipality, part))
        run = run_systems(changed, queries, understand, municipality, systems=("ours",))
        hits = [_hit(g, 3) for g in run.gains["ours"]]
        lost = np.array([_hit(g, 3) for g in full.gains["ours"]]) - np.array(hits)
        result[part.name] = {
            "recall@3": _mean(hits),
            "lost": _mean(lost),
            "lost_interval": list(_interval(lost)),
        }
    return result


def _by_system(run: Run, rows: Sequence[int]) -> dict[str, Any]:
    return {
        "queries": len(rows),
        **{system: _metrics(run, system, rows) for system in SYSTEMS},
        "ahead": {other: _ahead(run, other, rows) for other in SYSTEMS[1:]},
    }


def _ahead(run: Run, other: str, rows: Sequence[int]) -> dict[str, Any]:
    """How much higher our recall@3 is than another system's on the same queries."""
    ours, theirs = (
        np.array([_hit(run.gains[system][row], 3) for row in rows]) for system in ("ours", other)
    )
    return {"recall@3": _mean(ours - theirs), "interval": list(_interval(ours - theirs))}


def _by_need(run: Run) -> dict[str, dict[str, float]]:
    needs = sorted({query.needs[0] for query in run.queries if query.needs})
    rows = {need: run.rows(lambda q, need=need: q.needs[:1] == (need,)) for need in needs}  # type: ignore[misc]
    return {
        need: {
            "queries": len(own),
            "recall@3": _mean([_hit(run.gains["ours"][row], 3) for row in own]),
        }
        for need, own in rows.items()
        if len(own) >= FEWEST_OF_A_NEED
    }


def _agreement(queries: Sequence[LabelledQuery]) -> dict[str, float]:
    """How far the author and the second reader chose the same kinds."""
    both = [query for query in queries if query.author_kinds]
    if not both:
        return {}
    shared = [
        len({*q.kinds} & {*q.author_kinds}) / len({*q.kinds} | {*q.author_kinds}) for q in both
    ]
    return {
        "queries": len(both),
        "best kind among the other's": _mean([float(q.author_kinds[0] in q.kinds) for q in both]),
        "shared kinds": _mean(shared),
    }


def _gains(labelled: LabelledQuery) -> dict[str, float]:
    """The best kind is worth two, every other fitting kind one."""
    return {kind: 2.0 if i == 0 else 1.0 for i, kind in enumerate(labelled.kinds)}


def _order(scores: Floats, kinds: Kinds) -> Kinds:
    return [list(kinds[row]) for row in np.argsort(-scores, kind="stable")[:DEPTH]]


def _claimed(ranking: Iterable[Sequence[str]], gains: Mapping[str, float]) -> list[float]:
    """Gain per rank; a kind is worth something only the first time it is shown."""
    left = dict(gains)
    claimed = []
    for kinds in ranking:
        best = max((k for k in kinds if k in left), key=lambda k: left[k], default=None)
        claimed.append(left.pop(best) if best else 0.0)
    return claimed


def _hit(gains: Sequence[float], k: int) -> float:
    return float(any(gains[:k]))


def _metrics(run: Run, system: str, rows: Sequence[int]) -> dict[str, Any]:
    ranked = [run.gains[system][row] for row in rows]
    ideals = [run.ideals[row] for row in rows]
    hits = {k: np.array([_hit(g, k) for g in ranked]) for k in (1, 3, 5)}
    first = [next((1 / (i + 1) for i, gain in enumerate(g) if gain), 0.0) for g in ranked]
    ndcg = np.array([_dcg(g) / _dcg(ideal) for g, ideal in zip(ranked, ideals, strict=True)])
    return {
        **{f"recall@{k}": _mean(hit) for k, hit in hits.items()},
        "recall@3_interval": list(_interval(hits[3])),
        "mrr": _mean(first),
        "ndcg@10": _mean(ndcg),
        "ndcg@10_interval": list(_interval(ndcg)),
    }


def _mean(values: Sequence[float] | NDArray[Any]) -> float:
    return round(float(np.mean(values)), 4) if len(values) else 0.0


def _dcg(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(i + 2) for i, gain in enumerate(gains[:DEPTH]))


def _interval(values: NDArray[Any]) -> tuple[float, float]:
    """95 % bootstrap interval of the mean, the same resamples every time."""
    if not len(values):
        return 0.0, 0.0
    rows = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.percentile(values[rows].mean(axis=1), [2.5, 97.5])
    return round(float(low), 4), round(float(high), 4)


def tables(figures: Mapping[str, Any]) -> list[str]:
    """The figures of `evaluate` as lines to read."""
    lines = [f"{'':<10}{'system':<8}{'n':>5}{'R@1':>7}{'R@3':>7}{'interval':>16}{'R@5':>7}"]
    lines[0] += f"{'MRR':>7}{'nDCG@10':>9}{'interval':>16}{'ahead R@3':>11}{'interval':>16}"
    for code, group in figures["by_language"].items():
        for system in SYSTEMS:
            lines.append(_row(code if system == "ours" else "", system, group))
    needs = figures["by_need"].items()
    worst = sorted(needs, key=lambda pair: float(pair[1]["recall@3"]))
    lines += ["", "need (first of a query)           n    R@3"]
    lines += [f"{need:<32}{n['queries']:>5}{n['recall@3']:>7.3f}" for need, n in worst]
    if "without" in figures:
        lines += ["", "ours without         R@3    lost   interval"]
        for name, part in figures["without"].items():
            low, high = part["lost_interval"]
            lines.append(
                f"{name:<18}{part['recall@3']:>7.3f}{part['lost']:>+8.3f}   {low:+.3f} {high:+.3f}"
            )
    agreement = ", ".join(f"{name} {value:g}" for name, value in figures["agreement"].items())
    spent = figures["milliseconds"]
    lines += [
        "",
        f"author and second reader: {agreement or 'no second labels'}",
        f"search without the embedding: p50 {spent['p50']:.1f} ms, p95 {spent['p95']:.1f} ms",
        f"no entry of any wanted kind: {figures['no_such_kind']}",
        "",
        "Not among the first three:",
    ]
    for failure in figures["failures"]:
        lines.append(f"  {failure['language']}  {failure['text']}")
        lines.append(f"      wanted {', '.join(failure['wanted'])}")
        lines.append(f"      found  {' | '.join('+'.join(kinds) for kinds in failure['found'])}")
    return lines


def _row(label: str, system: str, group: Mapping[str, Any]) -> str:
    m = group[system]
    low, high = m["recall@3_interval"]
    ndcg_low, ndcg_high = m["ndcg@10_interval"]
    line = f"{label:<10}{system:<8}{group['queries']:>5}{m['recall@1']:>7.3f}{m['recall@3']:>7.3f}"
    line += f"   {low:.3f}–{high:.3f}{m['recall@5']:>9.3f}{m['mrr']:>7.3f}{m['ndcg@10']:>9.3f}"
    line += f"   {ndcg_low:.3f}–{ndcg_high:.3f}"
    if system == "ours":
        return line
    ahead = group["ahead"][system]
    low, high = ahead["interval"]
    return f"{line}{ahead['recall@3']:>+11.3f}   {low:+.3f} {high:+.3f}"


def rank_pool(
    queries: Sequence[str], passages: Sequence[str], embed: EmbedPool, language: str = "sv"
) -> dict[str, Floats]:
    """Score every passage for every query: (queries × passages) for ours, BM25 and embedding."""
    hybrid = Settings.load().hybrid_for(language)
    vectors = embed(list(queries), "query") @ embed(list(passages), "passage").T
    lemma_index = BM25([lemmas(text, language) for text in passages])
    letter_index = BM25([letter_grams(text) for text in passages])
    lemma = np.stack([lemma_index.scores(lemmas(text, language)) for text in queries])
    letters = np.stack([letter_index.scores(letter_grams(text)) for text in queries])
    nothing = np.zeros(len(passages), dtype=np.float32)
    ours = [
        fuse(Evidence(v, w, c, nothing, nothing), hybrid)
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
