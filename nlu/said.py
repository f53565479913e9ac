"""How it goes with each actor, what the parent wishes, and rough ages: phrases in plain letters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nlu.detail import Entity
from nlu.phrases import Clauses, Hit, PhraseBook

MISSING = "missing"
# A parent who names something bad about an actor has that to talk about, also beside something good
STATES = ("conflict", MISSING, "less_well", "works")
SHORT = 12  # words
_STATE_REACH = 1  # clauses back: "BUP, they do not help"


def add_said(book: PhraseBook, vocabulary: Mapping[str, Any]) -> None:
    """Files the phrases of `entities.yml` that `actor_states` and `wishes` read."""
    for label in ("state", "wish", "age_band"):
        for value, phrases in vocabulary.get(label, {}).items():
            book.add(label, str(value), phrases)
    book.add("but", "", vocabulary["but"])
    book.add("want", "", vocabulary["want"])


def actor_states(
    actors: Sequence[Hit], hits: Sequence[Hit], clauses: Clauses
) -> Iterator[tuple[Hit, str]]:
    """Each actor that something is said about, at its first mention, with the state."""
    said: dict[str, set[str]] = {}
    for hit in hits:
        if hit.label == "state":
            for actor in _about(hit, actors, clauses):
                if (actor.value, hit.value) != ("school", MISSING):  # not being at school
                    said.setdefault(actor.value, set()).add(hit.value)
    for name, states in said.items():
        first = next(actor for actor in actors if actor.value == name)
        yield first, next(state for state in STATES if state in states)


def _about(state: Hit, actors: Sequence[Hit], clauses: Clauses) -> list[Hit]:
    """The actors of the clause, or those of the clause before it in the sentence."""
    clause = clauses.of(state.start)
    here = [actor for actor in actors if clauses.of(actor.start) == clause]
    if here:
        outside = [a for a in here if a.end <= state.start or a.start >= state.end]
        nearest = min(outside or here, key=lambda actor: _distance(actor, state))
        return [nearest]
    before = [actor for actor in actors if clauses.of(actor.start) == clause - _STATE_REACH]
    return [actor for actor in before if clauses.same_sentence(clause - _STATE_REACH, clause)]


def _distance(one: Hit, other: Hit) -> int:
    return max(one.start - other.end, other.start - one.end, 0)


def wishes(hits: Sequence[Hit], wanted: Wanted) -> Iterator[Entity]:
    """What the parent wishes of the contact."""
    for hit in hits:
        if hit.label == "wish" and (hit.value == "no_phone" or wanted.at(hit.start)):
            yield Entity("wish", hit.value, hit.start, hit.end)


class Wanted:
    """Where a wish or a time is meant as one: in a short message, or beside a word of wanting."""

    def __init__(self, text: str, hits: Sequence[Hit], clauses: Clauses) -> None:
        self._is_short = len(text.split()) <= SHORT
        self._clauses = clauses
        self._wanting = {clauses.of(hit.start) for hit in hits if hit.label == "want"}

    def at(self, position: int) -> bool:
        """Whether what stands at `position` of the text is wanted."""
        return self._is_short or self._clauses.of(position) in self._wanting


def age_bands(hits: Sequence[Hit]) -> Iterator[Entity]:
    """ "A teenager" as the youngest and oldest age in years."""
    for hit in hits:
        if hit.label == "age_band":
            youngest, _, oldest = hit.value.partition("-")
            yield Entity("age_band", [int(youngest), int(oldest)], hit.start, hit.end)
            return
