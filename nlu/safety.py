"""Danger first: says whether a message speaks of danger, by rules and word lists alone.

Runs on every message before anything else and needs no model, network or database. Every
``data/<language>/safety.yml`` is read on every message, because parents mix languages. Words are
compared without accents, doubled letters, capitals and invisible characters.

A phrase in the YAML is a row of steps separated by spaces:

=====================  ==========================================================================
``word``               this word
``stem*`` ``*ending``  a word that begins or ends so
``a|b_c|<list>``       any of these; ``_`` joins several words, ``<list>`` stands under ``words``
``själv+mord*``        written together or apart
``step?``              may be missing
``~3``                 at most three words in between, never across the end of a sentence
``9-17``               a number in this range
``^a|b``               the next word is none of these; first in a phrase: the word before
``.`` or ``,``         a sentence begins or ends here; the same or a comma, a new line, "and"
=====================  ==========================================================================

A danger is explained away only when the last word of its phrase lies in a phrase of ``cancels``.
A past or denied danger outside the family is not acute; everything else in doubt is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nlu.safety_lexicon import CATEGORIES, Explained, Finding, Lexicon, urgency
from nlu.safety_reading import LexiconError, load_lexicon
from nlu.safety_words import split

__all__ = ["CATEGORIES", "NO_DANGER", "Check", "LexiconError", "check", "load", "load_lexicon"]

DATA = Path(__file__).parent / "data"
HITS_ENOUGH = 6  # places of one kind of danger that are looked at closely


@dataclass(frozen=True)
class Check:
    """What the rules saw in one message."""

    acute: bool  # answer with emergency numbers now
    categories: tuple[str, ...]  # the most urgent first
    who: str  # "me" | "my_child" | "other" | "unknown"
    when: str  # "now" | "recent" | "past" | "unknown"
    denied: bool  # negated: lowers the tone, never the flag
    sure: bool = True  # rules are; a statistical flag may not be: help is shown, nothing is decided
    language: str | None = None  # whose rules saw it; None where that says nothing of the writer's


NO_DANGER = Check(acute=False, categories=(), who="unknown", when="unknown", denied=False)


def check(text: str, language: str | None = None) -> Check:
    """Return the danger in ``text``; ``language`` only decides ties, all languages are read."""
    raw = split(text)
    readings = [(lexicon, lexicon.read(raw)) for lexicon in load().values()]
    hits = {lexicon.language: lexicon.hits(reading) for lexicon, reading in readings}
    if not any(hits.values()):
        return NO_DANGER
    readings.sort(key=lambda pair: (-pair[1].known(), pair[0].language != language))
    explained = Explained()
    for lexicon, reading in readings:
        lexicon.explain(reading, explained)
    found: list[Finding] = []
    claimed: set[int] = set()
    known = readings[0][0].language  # the language that knows most of the words
    told_in: str | None = None
    for lexicon, reading in readings:
        mine: set[int] = set()
        used: Counter[int] = Counter()
        for hit in hits[lexicon.language]:
            places = reading.origin(hit.span)
            mine.update(places)
            fresh = used[id(hit.danger)] < HITS_ENOUGH and claimed.isdisjoint(places)
            if fresh and not explained.covers(hit.danger, places):
                used[id(hit.danger)] += 1
                found.extend(lexicon.findings(hit, reading))
        if found and lexicon.language == known:
            told_in = known
        claimed |= mine
    return _summary(found, told_in)


def _summary(found: list[Finding], language: str | None) -> Check:
    if not found:
        return NO_DANGER
    first = min(found, key=urgency)
    return Check(
        acute=True,
        categories=tuple(c for c in CATEGORIES if any(c in f.categories for f in found)),
        who=first.who,
        when=first.when,
        denied=all(f.denied for f in found),
        language=language,
    )


@cache
def load() -> Mapping[str, Lexicon]:
    """Read every language's safety.yml once, best when a process starts; raises LexiconError."""
    files = sorted(DATA.glob("*/safety.yml"))
    if not files:
        raise LexiconError(f"no safety.yml under {DATA}")
    return {lexicon.language: lexicon for lexicon in map(load_lexicon, files)}
