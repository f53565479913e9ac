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

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

CATEGORIES = (  # the most urgent first; an answer shows them in this order
    "overdose", "violence_now", "infant_risk", "suicide_child", "suicide_self", "suicide_other",
    "violence_threat", "psychosis_danger", "abuse", "missing_child", "neglect_now", "honour",
    "exploitation", "child_writes",
)  # fmt: skip
SUICIDE = "suicide"  # in the YAML: becomes suicide_self, _child or _other by whom it concerns
WHO_CHOICES = ("subject", "speaker", "object", "me", "my_child", "other")
TIMES = ("now", "recent", "past")
ROLES = ("outsider", "child", "family", "pronoun", "me", "generic")
WHO_OF_ROLE = {"me": "me", "child": "my_child", "family": "other", "outsider": "other"}
DATA = Path(__file__).parent / "data"

SOFT, HARD = 1, 2  # a break before a word: comma or new line; end of a sentence
EDGES = {",": SOFT, ".": HARD}
REPORT_REACH = 10  # words between "she says" and what she says
NEAR_TIME = 15  # words between a danger and the time that belongs to it
HITS_ENOUGH = 6  # places of one kind of danger that are looked at closely
NEAR_PERSON = 6  # words after a danger in which its person may be named

_INVISIBLE = re.compile(
    "[\u0300-\u036f\u00ad\u0610-\u061a\u061c\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u115f\u1160"
    "\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\ufff9-\ufffb'’‘ʼ′`´*]"
)
_REPEATED = re.compile(r"([^\W\d_])\1+")
_DIGIT_AS_LETTER = re.compile(r"(?<=[^\W\d_])[01345](?=[^\W\d_])")
_LETTER_FOR = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s"}
_TOKEN = re.compile(r"\d+|[^\W\d_]+|[.!?…,;:\n()\[\]\"”“»«]+|[-–—]{2,}|[–—]")
_SPACED_LETTERS = re.compile(r"(?<!\w)(?:[^\W\d_] ){4,}[^\W\d_](?!\w)")
_RANGE = re.compile(r"(\d+)-(\d+)")
# Letters that Unicode does not take apart, and other scripts' punctuation.
_PLAIN_LETTER = str.maketrans("øıæłđґ،؛؟۔።፣፤፥፦፧", "oialdг,;?..,;;:?")
_PERSIAN_PREFIX = re.compile(r"(?<!\w)(ن?م[يی]) (?=[^\W\d_])")  # "می کشم" is one word


@dataclass(frozen=True)
class Check:
    """What the rules saw in one message."""

    acute: bool  # answer with emergency numbers now
    categories: tuple[str, ...]  # the most urgent first
    who: str  # "me" | "my_child" | "other" | "unknown"
    when: str  # "now" | "recent" | "past" | "unknown"
    denied: bool  # negated: lowers the tone, never the flag
    sure: bool = True  # rules are; a statistical flag may not be: help is shown, nothing is decided


NO_DANGER = Check(acute=False, categories=(), who="unknown", when="unknown", denied=False)


class LexiconError(ValueError):
    """A safety.yml cannot be used; the message names the file and the phrase."""


def check(text: str, language: str | None = None) -> Check:
    """Return the danger in ``text``; ``language`` only decides ties, all languages are read."""
    raw = _split(text)
    readings = [(lexicon, lexicon.read(raw)) for lexicon in load().values()]
    hits = {lexicon.language: lexicon.hits(reading) for lexicon, reading in readings}
    if not any(hits.values()):
        return NO_DANGER
    readings.sort(key=lambda pair: (-pair[1].known(), pair[0].language != language))
    explained = _Explained()
    for lexicon, reading in readings:
        lexicon.explain(reading, explained)
    found: list[_Finding] = []
    claimed: set[int] = set()
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
        claimed |= mine
    return _summary(found)


def _summary(found: list[_Finding]) -> Check:
    if not found:
        return NO_DANGER
    first = min(found, key=_urgency)
    return Check(
        acute=True,
        categories=tuple(c for c in CATEGORIES if any(c in f.categories for f in found)),
        who=first.who,
        when=first.when,
        denied=all(f.denied for f in found),
    )


@cache
def load() -> Mapping[str, Lexicon]:
    """Read every language's safety.yml once, best when a process starts; raises LexiconError."""
    files = sorted(DATA.glob("*/safety.yml"))
    if not files:
        raise LexiconError(f"no safety.yml under {DATA}")
    return {lexicon.language: lexicon for lexicon in map(load_lexicon, files)}


def load_lexicon(path: Path) -> Lexicon:
    """Read one safety.yml; raises LexiconError for anything in it that could not work."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)
        return _Reader(content).lexicon()
    except (OSError, yaml.YAMLError, LexiconError) as fault:
        raise LexiconError(f"{path}: {fault}") from fault


# --- text ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Raw:
    """Folded words, and before each the kind of break (0, SOFT, HARD)."""

    words: tuple[str, ...]
    breaks: tuple[int, ...]


def _fold(text: str) -> str:
    """Lower case without accents, invisible characters, doubled letters, ae/oe for ä/ö."""
    text = unicodedata.normalize("NFKD", text).casefold().replace("і\u0308", "иі")
    text = _INVISIBLE.sub("", text).translate(_PLAIN_LETTER)
    text = text.replace("ae", "a").replace("oe", "o")
    return _PERSIAN_PREFIX.sub(r"\1", _REPEATED.sub(r"\1", text))


def _split(text: str) -> _Raw:
    folded = _DIGIT_AS_LETTER.sub(lambda m: _LETTER_FOR[m.group()], _fold(text))
    folded = _SPACED_LETTERS.sub(lambda m: _fold(m.group().replace(" ", "")), folded)
    words: list[str] = []
    breaks: list[int] = []
    pending = HARD
    for token in _TOKEN.findall(folded):
        if token[0].isalnum():
            words.append(token)
            breaks.append(pending)
            pending = 0
        else:
            hard = token[0] in "!?" or (token[0] == "." and not token.startswith(".."))
            pending = max(pending, HARD if hard else SOFT)
    return _Raw(tuple(words), tuple(breaks))


# --- phrases -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Step:
    """One step of a phrase; bits say which words fit (see _Vocabulary)."""

    single: int = 0  # bit carried by every single word that fits
    start: int = 0  # bit carried by every word with which the step may begin
    sequences: tuple[tuple[int, ...], ...] = ()  # bits of several words in a row
    gap: int = 0  # this many words may stand here
    optional: bool = False
    forbidden: bool = False
    edge: int = 0  # a break at least this strong stands here


@dataclass(frozen=True)
class _Phrase:
    steps: tuple[_Step, ...]
    needs: int  # bits that a text must have before the phrase is tried
    rarest: int  # the one of them that fewest words carry
    negative: bool  # contains a negation itself ("does not want to live")


class _Vocabulary:
    """Gives every set of words a bit and tells which bits a word carries."""

    def __init__(self) -> None:
        self._bits: dict[frozenset[str], int] = {}
        self._members: dict[int, frozenset[str]] = {}
        self._words: dict[str, int] = {}
        self._stems: dict[str, int] = {}
        self._endings: dict[str, int] = {}
        self._ranges: list[tuple[int, int, int]] = []

    def bit(self, members: frozenset[str]) -> int:
        if members not in self._bits:
            bit = self._bits[members] = 1 << len(self._bits)
            self._members[bit] = members
            for member in members:
                self._add(member, bit)
        return self._bits[members]

    def members(self, bit: int) -> frozenset[str]:
        """The words, beginnings, endings and ranges that carry ``bit``."""
        return self._members.get(bit, frozenset())

    def _add(self, member: str, bit: int) -> None:
        number = _RANGE.fullmatch(member)
        if number:
            self._ranges.append((int(number[1]), int(number[2]), bit))
            return
        if member.endswith("*"):
            table, key = self._stems, member[:-1]
        elif member.startswith("*"):
            table, key = self._endings, member[1:]
        else:
            table, key = self._words, member
        table[key] = table.get(key, 0) | bit

    def mark(self, word: str) -> int:
        """All bits that ``word`` carries."""
        mark = self._words.get(word, 0)
        if word.isdecimal():
            number = int(word[:6])
            for low, high, bit in self._ranges:
                if low <= number <= high:
                    mark |= bit
            return mark
        stems, endings = self._stems, self._endings
        for length in range(2, min(len(word), 24) + 1):
            mark |= stems.get(word[:length], 0)
        for start in range(1, min(len(word), 24)):
            mark |= endings.get(word[-start:], 0)
        return mark


@dataclass
class _Text:
    """A message as one language's rules see it; what is asked twice is kept."""

    words: tuple[str, ...]
    breaks: tuple[int, ...]
    marks: tuple[int, ...]
    all_marks: int
    origins: tuple[int, ...]  # each word's place among the raw words
    signs: dict[str, bool] = field(default_factory=dict)
    people: list[_Mention] | None = None
    times: list[tuple[_Span, int]] | None = None

    def known(self) -> int:
        """How many words this language knows: where two languages see danger, more is right."""
        return sum(1 for mark in self.marks if mark)

    def origin(self, span: _Span) -> range:
        return range(self.origins[span.start], self.origins[span.end - 1] + 1)

    def sentence(self, position: int) -> tuple[int, int]:
        start = position
        while start > 0 and self.breaks[start] != HARD:
            start -= 1
        end = position + 1
        while end < len(self.words) and self.breaks[end] != HARD:
            end += 1
        return start, end


@dataclass(frozen=True)
class _Span:
    start: int
    end: int  # exclusive

    def distance(self, other: _Span) -> int:
        return max(0, other.start - self.end, self.start - other.end)

    def overlaps(self, other: _Span) -> bool:
        return self.start < other.end and other.start < self.end


def _step_ends(step: _Step, text: _Text, at: int) -> Iterator[int]:
    """Where ``step`` may end when it starts at ``at``; the longest row of words first."""
    count = len(text.marks)
    if at >= count or not text.marks[at] & step.start:
        return
    for sequence in step.sequences:
        end = at + len(sequence)
        if end <= count and all(text.marks[at + i] & bit for i, bit in enumerate(sequence)):
            yield end
    if text.marks[at] & step.single:
        yield at + 1


def _end(steps: tuple[_Step, ...], k: int, text: _Text, at: int, limit: int) -> int | None:
    """Where the phrase ends; gaps never cross a break as strong as ``limit``."""
    if k == len(steps):
        return at
    step = steps[k]
    if step.edge:
        here = at in (0, len(text.words)) or text.breaks[at] >= step.edge
        return _end(steps, k + 1, text, at, limit) if here else None
    if step.gap:
        return _end_after_gap(steps, k, text, at, limit)
    if step.forbidden:
        if any(True for _ in _step_ends(step, text, at)):
            return None
        return _end(steps, k + 1, text, at, limit)
    for after in _step_ends(step, text, at):
        end = _end(steps, k + 1, text, after, limit)
        if end is not None:
            return end
    return _end(steps, k + 1, text, at, limit) if step.optional else None


def _end_after_gap(
    steps: tuple[_Step, ...], k: int, text: _Text, at: int, limit: int
) -> int | None:
    last, count = k + 1 == len(steps), len(text.words)
    reached = at
    for skipped in range(steps[k].gap + 1):
        here = at + skipped
        if skipped and (here > count or text.breaks[here - 1] >= limit):
            break
        reached = here
        crosses = skipped and here < count and text.breaks[here] >= limit
        if not last and not crosses:
            end = _end(steps, k + 1, text, here, limit)
            if end is not None:
                return end
    return reached if last else None


def _matches(phrase: _Phrase, text: _Text, limit: int) -> Iterator[_Span]:
    """Every place where ``phrase`` stands in ``text``."""
    if phrase.needs & text.all_marks != phrase.needs:
        return
    steps = phrase.steps
    before = steps[0] if steps[0].forbidden else None
    back = steps[0].gap
    if before or back:
        steps = steps[1:]
    opening = 0 if steps[0].optional or steps[0].edge else steps[0].start
    for at, mark in enumerate(text.marks):
        if opening and not mark & opening:
            continue
        if before and at and text.breaks[at] != HARD and text.marks[at - 1] & before.start:
            continue
        end = _end(steps, 0, text, at, limit)
        if end is not None and end > at:
            yield _Span(_reach_back(text, at, back, limit), end)


def _reach_back(text: _Text, at: int, back: int, limit: int) -> int:
    while back and at and text.breaks[at] < limit:
        at, back = at - 1, back - 1
    return at


# --- one language --------------------------------------------------------------------------


@dataclass(frozen=True)
class _Danger:
    """A group of phrases with one meaning."""

    categories: tuple[str, ...]
    phrases: tuple[_Phrase, ...]
    who: str
    when: str
    needs: tuple[str, ...]  # signs that must stand somewhere in the message
    unless: tuple[str, ...]  # signs that make the group silent


@dataclass(frozen=True)
class _Add:
    """A category that is added to any danger in the message."""

    category: str
    needs: tuple[str, ...]
    unless: tuple[str, ...]


@dataclass(frozen=True)
class _Cancel:
    categories: frozenset[str]  # empty: all
    phrases: tuple[_Phrase, ...]


@dataclass(frozen=True)
class _Hit:
    danger: _Danger
    phrase: _Phrase
    span: _Span


class _Explained:
    """Places among the raw words that do not mean danger."""

    def __init__(self) -> None:
        self._places: dict[frozenset[str], set[int]] = {}

    def add(self, categories: frozenset[str], places: range) -> None:
        """``categories``: the only ones explained; empty: all."""
        self._places.setdefault(categories, set()).update(places)

    def covers(self, danger: _Danger, places: range) -> bool:
        """The last word decides: "threatens to report me and kill me" is not explained."""
        return any(
            places[-1] in known
            for only, known in self._places.items()
            if not only or only & set(danger.categories)
        )


@dataclass(frozen=True)
class _Mention:
    span: _Span
    role: str


@dataclass(frozen=True)
class _Finding:
    categories: tuple[str, ...]
    who: str
    when: str
    denied: bool


def _urgency(finding: _Finding) -> tuple[bool, int, int]:
    times = ("now", "recent", "unknown", "past")
    first = min(CATEGORIES.index(category) for category in finding.categories)
    return finding.denied, times.index(finding.when), first


@dataclass(frozen=True)
class Lexicon:
    """One language's compiled rules."""

    language: str
    _vocabulary: _Vocabulary = field(repr=False)
    _letters: tuple[tuple[str, str], ...] = field(repr=False)
    _rewrites: Mapping[str, tuple[str, ...]] = field(repr=False)
    _fillers: frozenset[str] = field(repr=False)
    _breaks: frozenset[str] = field(repr=False)
    _slips: Mapping[str, frozenset[str]] = field(repr=False)
    _dangers: tuple[tuple[int, tuple[tuple[_Danger, _Phrase], ...]], ...] = field(repr=False)
    _cancels: tuple[_Cancel, ...] = field(repr=False)
    _signs: Mapping[str, tuple[_Phrase, ...]] = field(repr=False)
    _adds: tuple[_Add, ...] = field(repr=False)
    _people: Mapping[str, _Step] = field(repr=False)
    _times: Mapping[str, tuple[_Phrase, ...]] = field(repr=False)
    _reports: _Step = field(repr=False)  # "says", "writes"
    _third_person: int = field(repr=False)  # "himself", "found": not the writer
    _negations: int = field(repr=False)
    _not_denying: int = field(repr=False)  # words whose own negation says nothing of the danger
    _negation_reach: tuple[int, int] = field(repr=False)  # words before, words after

    def hits(self, text: _Text) -> list[_Hit]:
        """Every place where a phrase of danger stands."""
        return [
            _Hit(danger, phrase, span)
            for rarest, rules in self._dangers
            if rarest & text.all_marks
            for danger, phrase in rules
            for span in _matches(phrase, text, HARD)
            if self._applies(danger, text)
        ]

    def explain(self, text: _Text, explained: _Explained) -> None:
        """Note the places that a figure of speech, a film, a course … explains."""
        for cancel in self._cancels:
            for phrase in cancel.phrases:
                for span in _matches(phrase, text, SOFT):
                    explained.add(cancel.categories, text.origin(span))

    def findings(self, hit: _Hit, text: _Text) -> Iterator[_Finding]:
        """What the hit means; nothing for a past or denied danger outside the family."""
        role = self._role(hit.danger, hit.span, text)
        when = self._when(hit.span, text) or hit.danger.when
        denied = self._denied(hit.phrase, hit.span, text)
        if (denied or when == "past") and role in ("outsider", "generic"):
            return
        categories = [_suicide_of(role) if c == SUICIDE else c for c in hit.danger.categories]
        categories += [add.category for add in self._adds if self._applies(add, text)]
        who = WHO_OF_ROLE.get(role or "", "unknown")
        yield _Finding(tuple(dict.fromkeys(categories)), who, when, denied)

    def read(self, raw: _Raw) -> _Text:
        """The words as this language's phrases want them."""
        words: list[str] = []
        breaks: list[int] = []
        origins: list[int] = []
        pending = 0
        for place, (word, kind) in enumerate(zip(raw.words, raw.breaks, strict=True)):
            pending = max(pending, kind)
            word = _spelled(word, self._letters)
            if word in self._fillers:
                continue
            if word in self._breaks:
                pending = max(pending, SOFT)
                continue
            for part in self._rewrites.get(word, (word,)):
                words.append(part)
                breaks.append(pending)
                origins.append(place)
                pending = 0
        mark = {word: self._vocabulary.mark(word) for word in set(words)}
        for word in [word for word, bits in mark.items() if not bits and len(word) > 5]:
            mark[word] = self._mark_of_slip(word)
        union = 0
        for bits in mark.values():
            union |= bits
        marks = tuple(mark[word] for word in words)
        return _Text(tuple(words), tuple(breaks), marks, union, tuple(origins))

    def _mark_of_slip(self, word: str) -> int:
        for variant in _shortened(word):
            for meant in self._slips.get(variant, ()):
                if _one_slip(word, meant):
                    return self._vocabulary.mark(meant)
        return 0

    def _applies(self, rule: _Danger | _Add, text: _Text) -> bool:
        return all(self._has(sign, text) for sign in rule.needs) and not any(
            self._has(sign, text) for sign in rule.unless
        )

    def _has(self, sign: str, text: _Text) -> bool:
        if sign not in text.signs:
            places = (_matches(phrase, text, HARD + 1) for phrase in self._signs[sign])
            text.signs[sign] = any(True for spans in places for _ in spans)
        return text.signs[sign]

    # whom it concerns

    def _mentions(self, text: _Text) -> list[_Mention]:
        if text.people is None:
            text.people = list(self._find_people(text))
        return text.people

    def _find_people(self, text: _Text) -> Iterator[_Mention]:
        at = 0
        while at < len(text.words):
            best = max(
                (
                    (end, -order, role)
                    for order, role in enumerate(ROLES)
                    for end in _step_ends(self._people[role], text, at)
                ),
                default=None,
            )
            if best:
                yield _Mention(_Span(at, best[0]), best[2])
            at = best[0] if best else at + 1

    def _role(self, danger: _Danger, span: _Span, text: _Text) -> str | None:
        if danger.who in ("me", "my_child", "other"):
            return {"me": "me", "my_child": "child", "other": "family"}[danger.who]
        people = self._mentions(text)
        inside = [m for m in people if m.span.overlaps(span)]
        if danger.who == "object" and inside:
            chosen: _Mention | None = inside[-1]
        else:
            chosen = self._subject(span, text, people, inside)
        if chosen is None:
            if self._is_third(span, text):
                return "pronoun"
            return "me" if danger.who == "speaker" else None
        return _antecedent(chosen, people) if chosen.role == "pronoun" else chosen.role

    def _subject(
        self, span: _Span, text: _Text, people: list[_Mention], inside: list[_Mention]
    ) -> _Mention | None:
        third = self._is_third(span, text)
        others = [m for m in inside if m.role != "me"]
        if others and (third or len(others) == len(inside)):
            return others[-1]
        if inside and not third:
            return self._speaker(span, text, people) or inside[0]
        start, end = text.sentence(span.start)
        before = [m for m in people if m.span.end <= span.start and not (third and m.role == "me")]
        here = [m for m in before if m.span.start >= start]
        if here:
            mine = here[-1].role == "me"
            return (self._speaker(span, text, people) if mine else None) or here[-1]
        for mention in people:
            near = span.end <= mention.span.start < min(end, span.end + NEAR_PERSON)
            if near and mention.role != "generic" and not (third and mention.role == "me"):
                return mention
        return next((m for m in reversed(before) if m.role not in ("me", "generic")), None)

    def _is_third(self, span: _Span, text: _Text) -> bool:
        return any(mark & self._third_person for mark in text.marks[span.start : span.end])

    def _speaker(self, span: _Span, text: _Text, people: list[_Mention]) -> _Mention | None:
        """Who says it, when the writer repeats somebody's words."""
        for at in range(span.start - 1, max(-1, span.start - REPORT_REACH), -1):
            end = next(_step_ends(self._reports, text, at), None)
            if end is None:
                continue
            beside = [m for m in people if at <= m.span.start <= end and m.role != "me"]
            left = [m for m in people if at - NEAR_PERSON <= m.span.start < at]
            for mention in (*beside, *reversed(left)):
                return mention if mention.role not in ("me", "generic") else None
        return None

    # when, and whether it is denied

    def _when(self, span: _Span, text: _Text) -> str | None:
        sentence = _Span(*text.sentence(span.start))
        best: tuple[bool, int, int] | None = None
        for spot, order in self._spots(text):
            far = not sentence.overlaps(spot)
            candidate = (far, span.distance(spot), order)
            if not (far and candidate[1] > NEAR_TIME):
                best = candidate if best is None else min(best, candidate)
        return TIMES[best[2]] if best else None

    def _spots(self, text: _Text) -> list[tuple[_Span, int]]:
        """Every expression of time and which of TIMES it is."""
        if text.times is None:
            text.times = [
                (spot, order)
                for order, time in enumerate(TIMES)
                for phrase in self._times[time]
                for spot in _matches(phrase, text, HARD)
            ]
        return text.times

    def _beside(self, at: int, text: _Text) -> Iterator[int]:
        if at > 0 and not text.breaks[at]:
            yield at - 1
        if at + 1 < len(text.words) and not text.breaks[at + 1]:
            yield at + 1

    def _denied(self, phrase: _Phrase, span: _Span, text: _Text) -> bool:
        before, after = self._negation_reach
        start, end = text.sentence(span.start)
        places = [*range(max(start, span.start - before), span.start)]
        places += range(span.end, min(end, span.end + after))
        if not phrase.negative:
            places += range(span.start, span.end)
        return any(
            text.marks[at] & self._negations
            and not any(text.marks[i] & self._not_denying for i in self._beside(at, text))
            and not any(text.breaks[i] for i in range(at + 1, span.start + 1))
            and not (at >= span.end and any(text.breaks[i] for i in range(span.end, at + 1)))
            for at in places
        )


def _suicide_of(role: str | None) -> str:
    if role in ("me", None):
        return "suicide_self"
    return "suicide_other" if role in ("family", "outsider") else "suicide_child"


def _antecedent(pronoun: _Mention, people: list[_Mention]) -> str:
    """The child when one was named before, or else the last person who is not the writer."""
    earlier = [m.role for m in people if m.span.end <= pronoun.span.start]
    if "child" in earlier:
        return "child"
    named = [role for role in earlier if role in ("family", "outsider")]
    return named[-1] if named else "pronoun"


@lru_cache(maxsize=8192)
def _spelled(word: str, letters: tuple[tuple[str, str], ...]) -> str:
    """A folded word in the one spelling that a language's alphabets and dialects share."""
    if not letters:
        return word
    word = f" {word} "
    for old, new in letters:
        word = word.replace(old, new)
    return _REPEATED.sub(r"\1", word.strip())


def _shortened(word: str) -> Iterator[str]:
    yield word
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]


def _one_slip(a: str, b: str) -> bool:
    """True when one letter is missing, added, wrong or swapped with its neighbour."""
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    stop = 0
    while stop < min(len(a), len(b)) - start and a[-1 - stop] == b[-1 - stop]:
        stop += 1
    left, right = a[start : len(a) - stop], b[start : len(b) - stop]
    return max(len(left), len(right)) <= 1 or (len(left) == 2 and left == right[::-1])


# --- reading the YAML ----------------------------------------------------------------------


def _by_rarest(
    dangers: tuple[_Danger, ...],
) -> tuple[tuple[int, tuple[tuple[_Danger, _Phrase], ...]], ...]:
    rules: dict[int, list[tuple[_Danger, _Phrase]]] = defaultdict(list)
    for danger in dangers:
        for phrase in danger.phrases:
            rules[phrase.rarest].append((danger, phrase))
    return tuple((bit, tuple(pairs)) for bit, pairs in rules.items())


class _UniqueKeys(yaml.SafeLoader):
    """A key written twice would silently drop rules."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise LexiconError(f"key written twice: {key!r}")
        return super().construct_mapping(node, deep=deep)


class _Reader:
    """Turns the content of a safety.yml into a Lexicon, refusing whatever could not work."""

    def __init__(self, content: object) -> None:
        self._content = _mapping(content, "the file")
        required = {
            "language", "rewrites", "fillers", "breaks", "tolerant", "words", "people", "times",
            "reports", "third_person", "negations", "not_denying", "negation_reach", "signs",
            "adds", "dangers", "cancels",
        }  # fmt: skip
        if set(self._content) - {"letters"} != required:
            raise LexiconError(f"keys missing or unknown: {sorted(set(self._content) ^ required)}")
        self._letters = tuple(
            (_word(old), _word(new))
            for old, new in _mapping(self._content.get("letters", {}), "letters").items()
        )
        self._vocabulary = _Vocabulary()
        self._rewrites = {
            self._word(key): tuple(self._word(part) for part in str(value).split())
            for key, value in _mapping(self._content["rewrites"], "rewrites").items()
        }
        self._fillers = frozenset(map(self._word, self._strings("fillers")))
        self._breaks = frozenset(map(self._word, self._strings("breaks")))
        self._lists = {
            str(name): _strings(items, f"words: {name}")
            for name, items in _mapping(self._content["words"], "words").items()
        }
        self._not_words = frozenset(map(self._word, self._strings("negations")))

    def lexicon(self) -> Lexicon:
        signs = {
            str(name): self._phrases(phrases, f"signs: {name}", allow_open=False)
            for name, phrases in _mapping(self._content["signs"], "signs").items()
        }
        adds = tuple(self._add(group, signs) for group in self._groups("adds"))
        reach = self._content["negation_reach"]
        if not isinstance(reach, list) or [type(n) for n in reach] != [int, int]:
            raise LexiconError("negation_reach: two numbers wanted")
        dangers = tuple(self._danger(group, signs) for group in self._groups("dangers"))
        cancels = tuple(self._cancel(group) for group in self._groups("cancels"))
        people, times = self._people(), self._times()
        return Lexicon(
            language=_word(self._content["language"]),
            _vocabulary=self._vocabulary,
            _letters=self._letters,
            _rewrites=self._rewrites,
            _fillers=self._fillers,
            _breaks=self._breaks,
            _slips=self._slips(),
            _dangers=_by_rarest(dangers),
            _cancels=cancels,
            _signs=signs,
            _adds=adds,
            _people=people,
            _times=times,
            _reports=self._step("|".join(self._strings("reports")).replace(" ", "_"), "reports"),
            _third_person=self._bit("third_person"),
            _negations=self._bit("negations"),
            _not_denying=self._bit("not_denying"),
            _negation_reach=(reach[0], reach[1]),
        )

    def _word(self, value: object) -> str:
        return _spelled(_word(value), self._letters)

    def _strings(self, key: str) -> list[str]:
        return _strings(self._content[key], key)

    def _groups(self, key: str) -> list[Mapping[str, Any]]:
        groups = self._content[key]
        if not isinstance(groups, list) or not groups:
            raise LexiconError(f"{key}: a list of groups wanted")
        return [_mapping(group, key) for group in groups]

    def _bit(self, key: str) -> int:
        step = self._step("|".join(self._strings(key)), key)
        if step.sequences:
            raise LexiconError(f"{key}: single words wanted")
        return step.single

    def _slips(self) -> dict[str, frozenset[str]]:
        slips: dict[str, set[str]] = {}
        for word in map(self._word, self._strings("tolerant")):
            if len(word) < 6 or not self._vocabulary.mark(word):
                raise LexiconError(f"tolerant: {word!r} is too short or in no phrase")
            for variant in _shortened(word):
                slips.setdefault(variant, set()).add(word)
        return {variant: frozenset(words) for variant, words in slips.items()}

    def _people(self) -> dict[str, _Step]:
        people = _mapping(self._content["people"], "people")
        if set(people) != set(ROLES):
            raise LexiconError(f"people: wanted exactly {', '.join(ROLES)}")
        return {
            role: self._step("|".join(_strings(people[role], role)).replace(" ", "_"), role)
            for role in ROLES
        }

    def _times(self) -> dict[str, tuple[_Phrase, ...]]:
        times = _mapping(self._content["times"], "times")
        if set(times) != set(TIMES):
            raise LexiconError(f"times: wanted exactly {', '.join(TIMES)}")
        return {t: self._phrases(times[t], f"times: {t}", allow_open=False) for t in TIMES}

    def _danger(self, group: Mapping[str, Any], signs: Mapping[str, object]) -> _Danger:
        allowed = {"categories", "phrases", "who", "when", "needs", "unless"}
        _known(group, allowed, "dangers: key")
        categories = tuple(_strings(group.get("categories"), "dangers: categories"))
        _known(categories, (*CATEGORIES, SUICIDE), "dangers: category")
        who, when = group.get("who", "subject"), group.get("when", "unknown")
        _known((who,), WHO_CHOICES, "dangers: who")
        _known((when,), (*TIMES, "unknown"), "dangers: when")
        needs, unless = self._conditions(group, signs)
        phrases = self._phrases(group.get("phrases"), f"dangers: {categories}", allow_open=False)
        return _Danger(categories, phrases, who, when, needs, unless)

    def _add(self, group: Mapping[str, Any], signs: Mapping[str, object]) -> _Add:
        _known(group, {"category", "needs", "unless"}, "adds: key")
        _known((str(group.get("category")),), CATEGORIES, "adds: category")
        needs, unless = self._conditions(group, signs)
        return _Add(str(group["category"]), needs, unless)

    def _conditions(
        self, group: Mapping[str, Any], signs: Mapping[str, object]
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        needs = tuple(_strings(group.get("needs", []), "needs", empty=True))
        unless = tuple(_strings(group.get("unless", []), "unless", empty=True))
        _known((*needs, *unless), signs, "sign")
        return needs, unless

    def _cancel(self, group: Mapping[str, Any]) -> _Cancel:
        _known(group, {"reason", "categories", "phrases"}, "cancels: key")
        categories = frozenset(_strings(group.get("categories", []), "cancels", empty=True))
        _known(categories, (*CATEGORIES, SUICIDE), "cancels: category")
        reason = f"cancels: {group.get('reason')}"
        return _Cancel(categories, self._phrases(group.get("phrases"), reason, allow_open=True))

    def _phrases(self, items: object, where: str, allow_open: bool) -> tuple[_Phrase, ...]:
        sources = _strings(items, where)
        for source in sources:
            if sources.count(source) > 1:
                raise LexiconError(f"{where}: written twice: {source!r}")
        return tuple(self._phrase(source, where, allow_open) for source in sources)

    def _phrase(self, source: str, where: str, allow_open: bool) -> _Phrase:
        where = f"{where}: {source!r}"
        steps: list[_Step] = []
        for part in source.split():
            steps.extend(self._steps(part, where))
        words = [s for s in steps if not (s.gap or s.edge or s.forbidden or s.optional)]
        if not words:
            raise LexiconError(f"{where}: no word that must be there")
        if (steps[0].gap or steps[-1].gap) and not allow_open:
            raise LexiconError(f"{where}: a gap at an end means nothing here")
        if steps[-1].optional or (steps[0].optional and not allow_open):
            raise LexiconError(f"{where}: a step at an end cannot be optional")
        needs = 0
        for step in words:
            needs |= step.start
        rarest = min(words, key=lambda step: len(self._vocabulary.members(step.start)))
        return _Phrase(tuple(steps), needs, rarest.start, any(map(self._says_not, steps)))

    def _says_not(self, step: _Step) -> bool:
        bits = [step.single, *(bit for sequence in step.sequences for bit in sequence)]
        words = (self._vocabulary.members(bit) for bit in bits)
        return not step.forbidden and any(self._not_words & members for members in words)

    def _steps(self, part: str, where: str) -> list[_Step]:
        if part.startswith("~"):
            if not part[1:].isdecimal() or not 0 < int(part[1:]) < 16:
                raise LexiconError(f"{where}: a gap is ~1 to ~15")
            return [_Step(gap=int(part[1:]))]
        if part in EDGES:
            return [_Step(edge=EDGES[part])]
        if part.startswith("^"):
            step = self._step(part[1:], where)
            return [replace(step, forbidden=True)]
        optional = part.endswith("?")
        part = part.removesuffix("?")
        if part.isalpha() and not optional:
            return [self._step(word, where) for word in self._kept((_fold(part),))]
        step = self._step(part, where)
        return [replace(step, optional=optional)]

    def _kept(self, row: tuple[str, ...]) -> tuple[str, ...]:
        """``row`` as it stands in a text after fillers are dropped and spellings unified."""
        spelled = (_spelled(word, self._letters) for word in row)
        kept = [w for w in spelled if w and w not in self._fillers | self._breaks]
        return tuple(part for word in kept for part in self._rewrites.get(word, (word,)))

    def _step(self, part: str, where: str) -> _Step:
        singles: set[str] = set()
        sequences: set[tuple[str, ...]] = set()
        for alternative in self._alternatives(part, where):
            row = self._kept(alternative)
            if not row:
                raise LexiconError(f"{where}: {'_'.join(alternative)!r} is never left in a text")
            if len(row) == 1:
                singles.add(row[0])
            else:
                sequences.add(row)
        rows = sorted(sequences, key=lambda row: (-len(row), row))
        bits = tuple(tuple(self._vocabulary.bit(frozenset({w})) for w in row) for row in rows)
        single = self._vocabulary.bit(frozenset(singles)) if singles else 0
        start = self._vocabulary.bit(frozenset(singles | {row[0] for row in rows}))
        return _Step(single, start, bits)

    def _alternatives(self, part: str, where: str) -> Iterator[tuple[str, ...]]:
        for choice in part.split("|"):
            if choice.startswith("<") and choice.endswith(">"):
                if choice[1:-1] not in self._lists:
                    raise LexiconError(f"{where}: no list called {choice}")
                for item in self._lists[choice[1:-1]]:
                    yield from self._alternatives(item.replace(" ", "_"), where)
                continue
            for form in (choice.replace("+", ""), choice.replace("+", "_")):
                yield tuple(_pattern_word(word, where) for word in form.split("_"))


def _pattern_word(word: str, where: str) -> str:
    if _RANGE.fullmatch(word):
        return word
    bare = _word(word.strip("*"))
    if not bare.isalnum() or word.count("*") > 1 or (len(bare) < 2 and "*" in word):
        raise LexiconError(f"{where}: {word!r} is not a word")
    return f"*{bare}" if word.startswith("*") else f"{bare}*" if word.endswith("*") else bare


def _word(value: object) -> str:
    return _fold(str(value))


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise LexiconError(f"{where}: names and values wanted (quote words such as no and on)")
    return value


def _strings(value: object, where: str, empty: bool = False) -> list[str]:
    if not isinstance(value, list) or not (value or empty):
        raise LexiconError(f"{where}: a list wanted")
    if not all(isinstance(item, str) and item for item in value):
        raise LexiconError(f"{where}: only texts wanted (quote words such as no and on)")
    return value


def _known(names: Iterable[str], allowed: Iterable[str], where: str) -> None:
    unknown = sorted(set(names) - set(allowed))
    if unknown:
        raise LexiconError(f"{where} unknown: {', '.join(unknown)}")
