"""Finding the entries that answer a parent's message, and saying why each one fits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from knowledge import index as indexes
from knowledge.catalogue import Catalogue, Model, Municipality, Service
from knowledge.eligibility import Facts, Judgement, judge
from knowledge.index import Index, Passage
from knowledge.words import BM25, Floats, lemmas, letter_grams

SETTINGS = Path(__file__).parent / "search.yml"
WITHOUT_REFERRAL = frozenset({"oppen", "kontakt", "anmalan", "egenremiss"})
OUT_OF_SCOPE = "out_of_scope"
NOT_A_NEED = frozenset({"unclear", OUT_OF_SCOPE})
MOST_REASONS = 3
DIVERSE = 3
OTHER = "other"  # weights of every language without its own
LEAST_KIND = 0.01  # a kind less probable than this is as good as not meant
FEATURES = ("hybrid", "overlap", "kinds")
FOR_EVERYTHING = "kontaktcenter"  # the kind that also answers what is no support to a family


class Hybrid(Model):
    """What meaning, words and letters weigh when an entry's text is compared with a query."""

    vector: float
    lemma: float
    letters: float


class Weights(Model):
    """A logistic model over what a person can read; `knowledge.rerank` learns it.

    The hybrid z-score tells which text is best, the others whether any fits at all: the overlap
    of needs stays raw, as its z-score would be as large for a need at 0.1 as at 0.9.
    """

    bias: float
    hybrid: float
    overlap: float
    kinds: float
    out_of_scope: float


class Settings(Model):
    """`search.yml`: every number of the ranking, tuned on labelled queries."""

    hybrid: dict[str, Hybrid]
    weights: dict[str, Weights]
    need_ranks: list[float]
    kind_ranks: list[float]
    danger: dict[str, list[str]]
    nearer_layer: float
    nearer_share: float
    stale: float
    threshold: float
    similar_phrase: float
    called_for_score: float
    called_for: dict[str, list[str]]

    @classmethod
    def load(cls, path: Path = SETTINGS) -> Settings:
        return cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))

    def weights_for(self, language: str) -> Weights:
        return self.weights.get(language, self.weights[OTHER])

    def hybrid_for(self, language: str) -> Hybrid:
        return self.hybrid.get(language, self.hybrid[OTHER])


@dataclass(frozen=True)
class Query:
    """What is searched for: the words, their vector, and what was understood from them."""

    text: str
    vector: NDArray[np.float32]
    needs: Mapping[str, float] = field(default_factory=dict)
    kinds: Mapping[str, float] = field(default_factory=dict)  # how probably each kind answers it
    dangers: tuple[str, ...] = ()  # categories of the danger check: urgent kinds come first
    child_ages: tuple[int, ...] = ()
    relation: str | None = None
    avoid_kinds: frozenset[str] = frozenset()
    language: str = "sv"


@dataclass(frozen=True)
class Reason:
    """Why an entry fits; worded by the content files."""

    id: str
    values: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True)
class Match:
    service: Service
    score: float  # probability that the entry fits, 0..1
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Evidence:
    """What each part of the ranking found, one number an entry."""

    vector: Floats
    lemma: Floats
    letters: Floats
    needs: Floats
    kinds: Floats

    def of(self, rows: Sequence[int]) -> Evidence:
        keep = np.array(rows, dtype=np.int64)
        parts = (self.vector, self.lemma, self.letters, self.needs, self.kinds)
        return Evidence(*(part[keep] for part in parts))


@dataclass(frozen=True)
class _Candidate:
    service: Service
    judgement: Judgement
    passage: Passage
    similarity: float
    score: float


class _Area:
    """One municipality's entries with their vectors and words, in one fixed order."""

    def __init__(
        self,
        municipality: Municipality,
        catalogue: Catalogue,
        vectors: indexes.MunicipalityIndex,
    ) -> None:
        self.municipality = municipality
        self.vectors = vectors
        self.services = [catalogue.services[i] for i in vectors.service_ids]
        self._taxonomy = catalogue.taxonomy
        self.distance = np.array(
            [municipality.layers.index(s.layer) for s in self.services], dtype=np.float32
        )

    @cached_property  # counted when somebody there first asks: most installations serve few
    def lemma(self) -> BM25:
        return BM25([lemmas(text) for text in self._texts()])

    @cached_property
    def letters(self) -> BM25:
        return BM25([letter_grams(text) for text in self._texts()])

    def _texts(self) -> list[str]:
        return [indexes.words_of(service, self._taxonomy) for service in self.services]

    @cached_property
    def need_ranks(self) -> list[dict[str, int]]:
        return [{need: i for i, need in enumerate(s.needs)} for s in self.services]


class Search:
    """Ranks the entries of one municipality for a query; holds no state between queries."""

    def __init__(
        self,
        index: Index,
        catalogue: Catalogue,
        settings: Settings,
        today: Callable[[], dt.date] = dt.date.today,
    ) -> None:
        self.settings = settings
        self._today = today
        self._municipalities = catalogue.municipalities
        self._taxonomy = catalogue.taxonomy
        self._areas = {
            name: _Area(catalogue.municipalities[name], catalogue, vectors)
            for name, vectors in index.municipalities.items()
        }

    @classmethod
    def load(cls, artifacts: Path, catalogue: Catalogue) -> Search:
        """Open the built index. Raises IndexNotReadyError when it is missing or out of date."""
        return cls(indexes.load(artifacts, catalogue), catalogue, Settings.load())

    def find(self, municipality: str, query: Query, k: int = 3) -> list[Match]:
        """The best `k` entries, best first; [] when nothing fits well enough.

        Raises KeyError for an unknown municipality.
        """
        known = self._municipalities[municipality]
        area = self._areas.get(known.id)
        if area is None:
            return []
        ranked = [c for c in self._rank(area, query) if c.score >= self.settings.threshold]
        return [
            Match(c.service, c.score, self._reasons(c, query, known))
            for c in _diverse(ranked, known.layers, self.settings.nearer_share)[:k]
        ]

    def kinds_in(self, municipality: str) -> frozenset[str]:
        """Kinds some entry of the municipality offers; the others are gaps."""
        return frozenset(k for kinds in self.kinds_of_entries(municipality) for k in kinds)

    def kinds_of_entries(self, municipality: str) -> list[list[str]]:
        """Kinds of each entry, in the order of `evidence`."""
        area = self._areas.get(municipality)
        return [service.kinds for service in area.services] if area else []

    def texts_of_entries(self, municipality: str) -> list[str]:
        """The Swedish text of each entry, in the order of `evidence`."""
        area = self._areas.get(municipality)
        return [indexes.words_of(s, self._taxonomy) for s in area.services] if area else []

    def with_settings(self, settings: Settings) -> Search:
        """The same index, weighed otherwise."""
        other = copy(self)
        other.settings = settings
        return other

    def evidence(self, municipality: str, query: Query) -> Evidence:
        """What each part of the ranking alone says, before any filter; used to evaluate them."""
        area = self._areas[municipality]
        nearest = area.vectors.nearest(query.vector, query.language)
        return self._evidence(area, query, nearest.similarity)

    def plain_similarity(self, municipality: str, query: Query) -> Floats:
        """The embedding alone, without anything this module adds; what we compare with."""
        return self._areas[municipality].vectors.plain(query.vector)

    def _evidence(self, area: _Area, query: Query, similarity: Floats) -> Evidence:
        return Evidence(
            similarity,
            area.lemma.scores(lemmas(query.text, query.language)),
            area.letters.scores(letter_grams(query.text)),
            self._need_overlap(area, query.needs),
            self._kind_evidence(area, self._kinds(query)),
        )

    def _need_overlap(self, area: _Area, needs: Mapping[str, float]) -> Floats:
        """Sum over shared needs of how sure we are times how typical it is for the entry."""
        ranks = self.settings.need_ranks
        wanted = [(need, score) for need, score in needs.items() if need not in NOT_A_NEED]
        overlap = [
            sum(s * ranks[min(own[n], len(ranks) - 1)] for n, s in wanted if n in own)
            for own in area.need_ranks
        ]
        return np.array(overlap, dtype=np.float32)

    def _kinds(self, query: Query) -> dict[str, float]:
        """Kinds as understood; what a danger calls for is certain, in the order of the list."""
        kinds = dict(query.kinds)
        for category in query.dangers:
            for place, kind in enumerate(self.settings.danger.get(category, [])):
                kinds[kind] = max(kinds.get(kind, 0.0), 1.0 - place / 10)
        return kinds

    def _kind_evidence(self, area: _Area, kinds: Mapping[str, float]) -> Floats:
        """Logarithm of how probably the entry's best kind answers the query, 0 or more.

        An entry's main kind counts in full, the others less: they are what it also offers.
        """
        ranks = self.settings.kind_ranks
        best = [
            max(kinds.get(k, 0.0) * ranks[min(i, len(ranks) - 1)] for i, k in enumerate(s.kinds))
            for s in area.services
        ]
        return np.asarray(np.log1p(np.array(best) / LEAST_KIND), dtype=np.float32)

    def _rank(self, area: _Area, query: Query) -> list[_Candidate]:
        judgements = self._judge(area, query)
        rows = sorted(judgements)
        if not rows:
            return []
        nearest = area.vectors.nearest(query.vector, query.language)
        evidence = self._evidence(area, query, nearest.similarity).of(rows)
        scores = self._scores(area, rows, evidence, query)
        candidates = [
            _Candidate(
                area.services[row],
                judgements[row],
                nearest.passages[row],
                float(nearest.closest[row]),
                float(scores[i]),
            )
            for i, row in enumerate(rows)
        ]
        return sorted(candidates, key=lambda c: (-c.score, c.service.id))

    def _judge(self, area: _Area, query: Query) -> dict[int, Judgement]:
        """The hard filters: what a known fact excludes and what nothing calls for is left out."""
        facts = Facts(
            area.municipality.id,
            query.child_ages,
            query.relation,
            frozenset(query.needs),
            query.avoid_kinds,
        )
        heard = {n for n, s in query.needs.items() if s >= self.settings.called_for_score}
        kinds = self._kinds(query)
        judged = {
            row: judge(service, facts)
            for row, service in enumerate(area.services)
            if self._is_called_for(service, heard, kinds)
        }
        return {row: j for row, j in judged.items() if j.outcome != "excluded"}

    def _is_called_for(self, service: Service, heard: set[str], kinds: Mapping[str, float]) -> bool:
        kind = service.kinds[0]
        wanted = self.settings.called_for.get(kind)
        if wanted is None or not heard.isdisjoint(wanted):
            return True
        return kinds.get(kind, 0.0) >= self.settings.called_for_score

    def _scores(self, area: _Area, rows: Sequence[int], evidence: Evidence, query: Query) -> Floats:
        """Probability per entry; nearer layers gain a little, entries past review lose."""
        weights = self.settings.weights_for(query.language)
        named = features(evidence, self.settings.hybrid_for(query.language))
        logits = weights.bias + sum(getattr(weights, name) * named[name] for name in FEATURES)
        is_support = np.array([area.services[row].kinds[0] != FOR_EVERYTHING for row in rows])
        logits += weights.out_of_scope * query.needs.get(OUT_OF_SCOPE, 0.0) * is_support
        logits -= self.settings.nearer_layer * area.distance[np.array(rows)]
        today = self._today()
        stale = np.array([area.services[row].review_due < today for row in rows])
        logits += self.settings.stale * stale
        return np.asarray(1 / (1 + np.exp(-logits)), dtype=np.float32)

    def _reasons(
        self, found: _Candidate, query: Query, municipality: Municipality
    ) -> tuple[Reason, ...]:
        service = found.service
        reasons: list[Reason] = []
        shared = [n for n in service.needs if n in query.needs and n not in NOT_A_NEED]
        if shared:
            best = max(shared, key=lambda need: query.needs[need])
            reasons.append(Reason("reason_need", {"need": best}))
        reasons += self._reason_like(found, query)
        reasons += _reason_age(found.judgement)
        if service.access_path in WITHOUT_REFERRAL:
            reasons.append(Reason("reason_no_referral"))
        if service.layer == municipality.id:
            reasons.append(Reason("reason_local", {"municipality": municipality.name}))
        return tuple(reasons[:MOST_REASONS])

    def _reason_like(self, found: _Candidate, query: Query) -> list[Reason]:
        """The phrases are Swedish: they are only read back to who writes Swedish."""
        similar = found.similarity >= self.settings.similar_phrase
        if found.passage.part == "phrase" and query.language == "sv" and similar:
            return [Reason("reason_like", {"phrase": found.passage.text})]
        return []


def features(evidence: Evidence, hybrid: Hybrid) -> dict[str, Floats]:
    """What the re-ranker weighs, by the names of `FEATURES`: one number an entry each."""
    return {
        "hybrid": fuse(evidence, hybrid),
        "overlap": evidence.needs,
        "kinds": evidence.kinds,
    }


def fuse(evidence: Evidence, weights: Hybrid) -> Floats:
    """Weighted sum of the z-scores of meaning, words and letters."""
    return np.asarray(
        weights.vector * z_scores(evidence.vector)
        + weights.lemma * z_scores(evidence.lemma)
        + weights.letters * z_scores(evidence.letters),
        dtype=np.float32,
    )


def z_scores(values: Floats) -> Floats:
    """Distance from the mean in standard deviations; zeros when all are equal."""
    spread = float(values.std())
    if spread < 1e-9:
        return np.zeros_like(values)
    return np.asarray((values - values.mean()) / spread, dtype=np.float32)


def _reason_age(judgement: Judgement) -> list[Reason]:
    """Both ends must be true to say: no lower limit is 0 years, no known upper limit is silence."""
    for step in judgement.steps:
        if step.criterion == "age" and step.outcome == "fits" and "maximum" in step.values:
            values = {"minimum": step.values.get("minimum", 0), "maximum": step.values["maximum"]}
            return [Reason("reason_age", values)]
    return []


def _diverse(
    ranked: Sequence[_Candidate], layers: Sequence[str], nearer_share: float
) -> list[_Candidate]:
    """Best first, one entry a main kind among the first three, the nearest of that kind.

    A nearer entry takes the place of one further away if it has `nearer_share` of its score.
    """
    nearest: dict[str, _Candidate] = {}
    for candidate in ranked:
        kind = candidate.service.kinds[0]
        current = nearest.setdefault(kind, candidate)
        nearer = layers.index(candidate.service.layer) < layers.index(current.service.layer)
        if nearer and candidate.score >= nearer_share * current.score:
            nearest[kind] = candidate
    first = list(nearest.values())[:DIVERSE]
    chosen = {c.service.id for c in first}
    return first + [c for c in ranked if c.service.id not in chosen]
