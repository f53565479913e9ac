"""Finds the details in a message: ages, how long, who is involved and how it goes, what was tried,
wishes, dates, short answers, signals.

Swedish and English are read by dictionary forms (`lemmas`), eight languages by phrases and stems
(`stems`), any other for Swedish and English names only. What every word means is data.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from nlu.answers import Answers
from nlu.detail import Entity, read_data
from nlu.lemmas import NO_ACTOR, LemmaReader
from nlu.normalise import NormalText, Words, plain
from nlu.phrases import Clauses, Grammar, Hit, PhraseBook
from nlu.places import Places, municipality_id
from nlu.said import MISSING, Wanted, actor_states, add_said, age_bands, wishes
from nlu.stems import StemReader
from nlu.when import When

__all__ = ["WRITTEN", "Details", "Entity", "EntityReader", "municipality_id", "spelling"]

WRITTEN = ("sv", "en")  # read by dictionary forms
STEMMED = ("ar", "so", "fi", "fa", "uk", "pl", "tr", "ku")  # read by stems
OTHER = "xx"
LONG_MONTHS = 6


@dataclass(frozen=True)
class Details:
    """What was found in one message."""

    entities: tuple[Entity, ...]
    signals: tuple[str, ...]


@cache
def spelling(language: str) -> Words:
    """Abbreviations and undotted words of a language, for `normalise`."""
    if language not in WRITTEN:
        return Words()
    raw = read_data(f"{language}/entities.yml")
    return Words(raw["chat"], raw["undotted"], raw.get("undotted_after_number", {}))


class EntityReader:
    """Vocabularies of every language, compiled when the first text in it comes."""

    def __init__(self, municipalities: Sequence[str]) -> None:
        """`municipalities`: names as written, without the word kommun."""
        swedish = read_data("sv/entities.yml")
        self._names = (municipalities, swedish["places_also_words"], swedish["place_nicknames"])
        self._other = LemmaReader(OTHER, WRITTEN)
        self._known = {code: self._of(code) for code in WRITTEN}

    def _of(self, code: str) -> _Vocabulary:
        own = read_data(f"{code}/entities.yml")
        endings = own.get("place_endings")
        extra = {"endings": endings} if endings else {}
        return _Vocabulary(
            _WrittenReader(code) if code in WRITTEN else StemReader(code),
            Answers(code, spelling(code), own),
            Places(*self._names, **extra),
        )

    def read(self, text: NormalText, language: str, today: date) -> Details:
        """Every entity and signal; what is relative ("since autumn") counts back from `today`."""
        if language in STEMMED and language not in self._known:
            self._known[language] = self._of(language)
        own = self._known.get(language)
        found, signals = (own.reader if own else self._other).read(text.text, today)
        found += (own or self._known[WRITTEN[0]]).places.find(text.text)
        if own:
            found += own.answers.find(text.text)
        found = [entity for entity in found if entity.name != NO_ACTOR]
        found.sort(key=lambda entity: entity.start)
        if any(entity.name == "child_age" for entity in found):
            found = [entity for entity in found if entity.name != "age_band"]
        signals |= set(_derived_signals(found))
        placed = [_in_original(entity, text) for entity in _without_repeats(found)]
        return Details(tuple(placed), tuple(sorted(signals)))


class _WrittenReader:
    """Swedish or English: dictionary forms, and phrases for what is said about an actor."""

    def __init__(self, code: str) -> None:
        vocabulary = read_data(f"{code}/entities.yml")
        self._lemmas = LemmaReader(code, (code,))
        self._book = PhraseBook(Grammar())
        add_said(self._book, vocabulary)
        self._when = When(vocabulary["when"])

    def read(self, text: str, today: date) -> tuple[list[Entity], set[str]]:
        """Entities with places in `text`, and signals."""
        found, signals = self._lemmas.read(text, today)
        letters = plain(text)
        hits = self._book.find(letters.text)
        clauses = Clauses(letters.text, [hit for hit in hits if hit.label == "but"])
        wanted = Wanted(letters.text, hits, clauses)
        times = _times(self._when, letters, found, today)
        said = [*wishes(hits, wanted), *age_bands(hits)]
        said += [time for time in times if wanted.at(time.start)]
        placed = [Entity(e.name, e.value, *letters.span(e.start, e.end)) for e in said]
        states = self._states(found, hits, letters, clauses)
        without = {s.value["actor"] for s in states if s.value["state"] == MISSING}
        kept = [e for e in found if e.name != "actor" or e.value not in without]
        return [*kept, *states, *placed], signals

    def _states(
        self, found: Sequence[Entity], hits: Sequence[Hit], letters: NormalText, clauses: Clauses
    ) -> list[Entity]:
        named = [entity for entity in found if entity.name in ("actor", NO_ACTOR)]
        actors = [
            Hit("actor", e.value, _plain_place(letters, e.start), _plain_place(letters, e.end))
            for e in named
        ]
        states = {actor.value: state for actor, state in actor_states(actors, hits, clauses)}
        with_contact = {entity.value for entity in named if entity.name == "actor"}
        states |= {e.value: MISSING for e in named if e.value not in with_contact}
        first = {entity.value: entity for entity in reversed(named)}
        return [
            Entity("actor_state", {"actor": a, "state": s}, first[a].start, first[a].end)
            for a, s in states.items()
        ]


@dataclass(frozen=True)
class _Vocabulary:
    """What is known of one language."""

    reader: _WrittenReader | StemReader
    answers: Answers
    places: Places


def _times(
    when: When, letters: NormalText, found: Sequence[Entity], today: date
) -> Iterator[Entity]:
    """Dates and times that are no age, school year or duration."""
    taken = [e for e in found if e.name in ("child_age", "how_long", "school_stage", "child_count")]
    for entity in when.find(letters.text, today):
        start, end = letters.span(entity.start, entity.end)
        if all(end <= other.start or start >= other.end for other in taken):
            yield entity


def _plain_place(letters: NormalText, position: int) -> int:
    """Where a position of the text lies in its plain letters."""
    return bisect_left(letters.origin, position)


def _in_original(entity: Entity, text: NormalText) -> Entity:
    start, end = text.span(entity.start, entity.end)
    return Entity(entity.name, entity.value, start, end)


def _without_repeats(entities: Iterable[Entity]) -> Iterator[Entity]:
    seen: set[tuple[str, str]] = set()
    for entity in entities:
        key = (entity.name, json.dumps(entity.value, sort_keys=True))
        if key not in seen:
            seen.add(key)
            yield entity


def _derived_signals(entities: Sequence[Entity]) -> Iterator[str]:
    ages = {entity.value for entity in entities if entity.name == "child_age"}
    for entity in entities:
        if entity.name == "how_long" and entity.value >= LONG_MONTHS:
            yield "stuck_long"
        if entity.name == "child_count" and entity.value > 1:
            yield "several_children"
        if entity.name == "refused":
            yield "refused_support"
    if len(ages) > 1:
        yield "several_children"
