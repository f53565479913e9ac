"""Finds details in a language by written phrases and stems, in plain letters.

The vocabularies are data/<language>/entities.yml and signals.yml; Swedish names of authorities
and support, which parents write as they are, stand in data/swedish_names.yml.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from nlu.detail import Entity, overlaps, read_data
from nlu.normalise import plain
from nlu.phrases import Clauses, Grammar, Hit, PhraseBook, longest
from nlu.quantities import Quantities
from nlu.said import MISSING, Wanted, actor_states, add_said, age_bands, wishes
from nlu.when import When

_NAMED = ("actor", "diagnosis", "kind", "relation", "school_stage", "municipality")
_WORDS = ("tried", "refused", "not")


class StemReader:
    """The phrases, numbers and words for time of one language."""

    def __init__(self, code: str) -> None:
        vocabulary = read_data(f"{code}/entities.yml")
        grammar = Grammar(**vocabulary["grammar"])
        self._book = PhraseBook(grammar)
        for label in _NAMED:
            for value, phrases in vocabulary.get(label, {}).items():
                self._book.add(label, value, phrases)
        for label, values in read_data("swedish_names.yml").items():
            for value, names in values.items():
                self._book.add(label, value, names, is_name=True)
        for label in _WORDS:
            self._book.add(label, "", vocabulary[label])
        for signal, phrases in read_data(f"{code}/signals.yml").items():
            self._book.add("signal", signal, phrases)
        add_said(self._book, vocabulary)
        self._relations = list(vocabulary["relation"])
        self._quantities = Quantities(vocabulary["numbers"], grammar.clitics)
        self._when = When(vocabulary["when"])

    def read(self, text: str, today: date) -> tuple[list[Entity], set[str]]:
        """Entities with places in `text`, and signals."""
        letters = plain(text)
        hits = self._book.find(letters.text)
        numbers = self._quantities.find(letters.text, today)
        clauses = Clauses(letters.text, [hit for hit in hits if hit.label == "but"])
        wanted = Wanted(letters.text, hits, clauses)
        found = [*self._named(hits, clauses), *numbers, *wishes(hits, wanted)]
        spans = [(n.start, n.end) for n in numbers if n.name != "number"]
        times = self._when.find(letters.text, today)
        found += [t for t in times if wanted.at(t.start) and not overlaps(t, spans)]
        placed = [Entity(e.name, e.value, *letters.span(e.start, e.end)) for e in found]
        return placed, {hit.value for hit in hits if hit.label == "signal"}

    def _named(self, hits: Sequence[Hit], clauses: Clauses) -> Iterator[Entity]:
        actors = _labelled(hits, "actor")
        states = list(actor_states(actors, hits, clauses))
        without = {actor.value for actor, state in states if state == MISSING}
        for actor, state in states:
            value = {"actor": actor.value, "state": state}
            yield Entity("actor_state", value, actor.start, actor.end)
        for actor in actors:
            if actor.value not in without:
                yield Entity("actor", actor.value, actor.start, actor.end)
        for label in ("diagnosis", "school_stage", "municipality"):
            for hit in _labelled(hits, label):
                yield Entity(label, hit.value, hit.start, hit.end)
        yield from self._relation(hits)
        yield from _tried_and_refused(hits, actors, clauses)
        yield from age_bands(hits)

    def _relation(self, hits: Sequence[Hit]) -> Iterator[Entity]:
        """The first that the vocabulary names: a grandmother also says "my daughter"."""
        found = [hit for hit in hits if hit.label == "relation"]
        if found:
            first = min(found, key=lambda hit: self._relations.index(hit.value))
            yield Entity("relation", first.value, first.start, first.end)


def _labelled(hits: Sequence[Hit], label: str) -> list[Hit]:
    return longest(hit for hit in hits if hit.label == label)


def _tried_and_refused(
    hits: Sequence[Hit], actors: Sequence[Hit], clauses: Clauses
) -> Iterator[Entity]:
    kinds = _labelled(hits, "kind")
    places = {word: [clauses.of(h.start) for h in hits if h.label == word] for word in _WORDS}
    refused = [kind for kind in kinds if clauses.of(kind.start) in places["refused"]]
    if not refused:
        refused = [actor for actor in actors if clauses.of(actor.start) in places["refused"]]
    for hit in refused:
        yield Entity("refused", hit.value, hit.start, hit.end)
    for kind in kinds:
        clause = clauses.of(kind.start)
        if kind not in refused and clause in places["tried"] and clause not in places["not"]:
            yield Entity("tried", kind.value, kind.start, kind.end)
