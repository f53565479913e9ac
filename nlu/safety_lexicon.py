"""One language's danger rules: what they see in a message, whom it concerns and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from nlu.safety_phrases import Mention, Phrase, Span, Step, Text, Vocabulary, matches, step_ends
from nlu.safety_words import HARD, SOFT, Raw, one_slip, shortened, spelled

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

REPORT_REACH = 10  # words between "she says" and what she says
NEAR_TIME = 15  # words between a danger and the time that belongs to it
NEAR_PERSON = 6  # words after a danger in which its person may be named


@dataclass(frozen=True)
class Danger:
    """A group of phrases with one meaning."""

    categories: tuple[str, ...]
    phrases: tuple[Phrase, ...]
    who: str
    when: str
    needs: tuple[str, ...]  # signs that must stand somewhere in the message
    unless: tuple[str, ...]  # signs that make the group silent


Rules = tuple[tuple[Danger, Phrase], ...]


@dataclass(frozen=True)
class Add:
    """A category that is added to any danger in the message."""

    category: str
    needs: tuple[str, ...]
    unless: tuple[str, ...]


@dataclass(frozen=True)
class Cancel:
    categories: frozenset[str]  # empty: all
    phrases: tuple[Phrase, ...]


@dataclass(frozen=True)
class Hit:
    danger: Danger
    phrase: Phrase
    span: Span


class Explained:
    """Places among the raw words that do not mean danger."""

    def __init__(self) -> None:
        self._places: dict[frozenset[str], set[int]] = {}

    def add(self, categories: frozenset[str], places: range) -> None:
        """``categories``: the only ones explained; empty: all."""
        self._places.setdefault(categories, set()).update(places)

    def covers(self, danger: Danger, places: range) -> bool:
        """The last word decides: "threatens to report me and kill me" is not explained."""
        return any(
            places[-1] in known
            for only, known in self._places.items()
            if not only or only & set(danger.categories)
        )


@dataclass(frozen=True)
class Finding:
    categories: tuple[str, ...]
    who: str
    when: str
    denied: bool


def urgency(finding: Finding) -> tuple[bool, int, int]:
    times = ("now", "recent", "unknown", "past")
    first = min(CATEGORIES.index(category) for category in finding.categories)
    return finding.denied, times.index(finding.when), first


@dataclass(frozen=True)
class Lexicon:
    """One language's compiled rules."""

    language: str
    _vocabulary: Vocabulary = field(repr=False)
    _letters: tuple[tuple[str, str], ...] = field(repr=False)
    _rewrites: Mapping[str, tuple[str, ...]] = field(repr=False)  # fillers: to nothing
    _breaks: frozenset[str] = field(repr=False)
    _slips: Mapping[str, frozenset[str]] = field(repr=False)
    _dangers: Mapping[int, tuple[int, Rules]] = field(repr=False)  # by rarest word, numbered
    _rarest: int = field(repr=False)  # all of their bits
    _cancels: tuple[Cancel, ...] = field(repr=False)
    _signs: Mapping[str, tuple[Phrase, ...]] = field(repr=False)
    _adds: tuple[Add, ...] = field(repr=False)
    _people: Mapping[str, Step] = field(repr=False)
    _times: Mapping[str, tuple[Phrase, ...]] = field(repr=False)
    _reports: Step = field(repr=False)  # "says", "writes"
    _third_person: int = field(repr=False)  # "himself", "found": not the writer
    _negations: int = field(repr=False)
    _not_denying: int = field(repr=False)  # words whose own negation says nothing of the danger
    _negation_reach: tuple[int, int] = field(repr=False)  # words before, words after

    def hits(self, text: Text) -> list[Hit]:
        """Every place where a phrase of danger stands."""
        return [
            Hit(danger, phrase, span)
            for _, rules in sorted(
                self._dangers[bit] for bit in _bits(self._rarest & text.all_marks)
            )
            for danger, phrase in rules
            for span in matches(phrase, text, HARD)
            if self._applies(danger, text)
        ]

    def _tried(self, marks: int) -> list[Rules]:
        """The rules of which the text holds the rarest words, in the order they were written."""
        held = [self._dangers[bit] for bit in _bits(self._rarest & marks)]
        return [rules for _, rules in sorted(held, key=lambda pair: pair[0])]

    def explain(self, text: Text, explained: Explained) -> None:
        """Note the places that a figure of speech, a film, a course … explains."""
        for cancel in self._cancels:
            for phrase in cancel.phrases:
                for span in matches(phrase, text, SOFT):
                    explained.add(cancel.categories, text.origin(span))

    def findings(self, hit: Hit, text: Text) -> Iterator[Finding]:
        """What the hit means; nothing for a past or denied danger outside the family."""
        role = self._role(hit.danger, hit.span, text)
        when = self._when(hit.span, text) or hit.danger.when
        denied = self._denied(hit.phrase, hit.span, text)
        if (denied or when == "past") and role in ("outsider", "generic"):
            return
        categories = [_suicide_of(role) if c == SUICIDE else c for c in hit.danger.categories]
        categories += [add.category for add in self._adds if self._applies(add, text)]
        who = WHO_OF_ROLE.get(role or "", "unknown")
        yield Finding(tuple(dict.fromkeys(categories)), who, when, denied)

    def read(self, raw: Raw) -> Text:
        """The words as this language's phrases want them."""
        words: list[str] = []
        breaks: list[int] = []
        origins: list[int] = []
        pending = 0
        for place, (word, kind) in enumerate(zip(raw.words, raw.breaks, strict=True)):
            if kind > pending:
                pending = kind
            if self._letters:
                word = spelled(word, self._letters)
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
        return Text(tuple(words), tuple(breaks), marks, union, tuple(origins))

    def _mark_of_slip(self, word: str) -> int:
        for variant in shortened(word):
            for meant in self._slips.get(variant, ()):
                if one_slip(word, meant):
                    return self._vocabulary.mark(meant)
        return 0

    def _applies(self, rule: Danger | Add, text: Text) -> bool:
        return all(self._has(sign, text) for sign in rule.needs) and not any(
            self._has(sign, text) for sign in rule.unless
        )

    def _has(self, sign: str, text: Text) -> bool:
        if sign not in text.signs:
            places = (matches(phrase, text, HARD + 1) for phrase in self._signs[sign])
            text.signs[sign] = any(True for spans in places for _ in spans)
        return text.signs[sign]

    # whom it concerns

    def _mentions(self, text: Text) -> list[Mention]:
        if text.people is None:
            text.people = list(self._find_people(text))
        return text.people

    def _find_people(self, text: Text) -> Iterator[Mention]:
        at = 0
        while at < len(text.words):
            best = max(
                (
                    (end, -order, role)
                    for order, role in enumerate(ROLES)
                    for end in step_ends(self._people[role], text, at)
                ),
                default=None,
            )
            if best:
                yield Mention(Span(at, best[0]), best[2])
            at = best[0] if best else at + 1

    def _role(self, danger: Danger, span: Span, text: Text) -> str | None:
        if danger.who in ("me", "my_child", "other"):
            return {"me": "me", "my_child": "child", "other": "family"}[danger.who]
        people = self._mentions(text)
        inside = [m for m in people if m.span.overlaps(span)]
        if danger.who == "object" and inside:
            chosen: Mention | None = inside[-1]
        else:
            chosen = self._subject(span, text, people, inside)
        if chosen is None:
            if self._is_third(span, text):
                return "pronoun"
            return "me" if danger.who == "speaker" else None
        return _antecedent(chosen, people) if chosen.role == "pronoun" else chosen.role

    def _subject(
        self, span: Span, text: Text, people: list[Mention], inside: list[Mention]
    ) -> Mention | None:
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

    def _is_third(self, span: Span, text: Text) -> bool:
        return any(mark & self._third_person for mark in text.marks[span.start : span.end])

    def _speaker(self, span: Span, text: Text, people: list[Mention]) -> Mention | None:
        """Who says it, when the writer repeats somebody's words."""
        for at in range(span.start - 1, max(-1, span.start - REPORT_REACH), -1):
            end = next(step_ends(self._reports, text, at), None)
            if end is None:
                continue
            beside = [m for m in people if at <= m.span.start <= end and m.role != "me"]
            left = [m for m in people if at - NEAR_PERSON <= m.span.start < at]
            for mention in (*beside, *reversed(left)):
                return mention if mention.role not in ("me", "generic") else None
        return None

    # when, and whether it is denied

    def _when(self, span: Span, text: Text) -> str | None:
        sentence = Span(*text.sentence(span.start))
        best: tuple[bool, int, int] | None = None
        for spot, order in self._spots(text):
            far = not sentence.overlaps(spot)
            candidate = (far, span.distance(spot), order)
            if not (far and candidate[1] > NEAR_TIME):
                best = candidate if best is None else min(best, candidate)
        return TIMES[best[2]] if best else None

    def _spots(self, text: Text) -> list[tuple[Span, int]]:
        """Every expression of time and which of TIMES it is."""
        if text.times is None:
            text.times = [
                (spot, order)
                for order, time in enumerate(TIMES)
                for phrase in self._times[time]
                for spot in matches(phrase, text, HARD)
            ]
        return text.times

    def _beside(self, at: int, text: Text) -> Iterator[int]:
        if at > 0 and not text.breaks[at]:
            yield at - 1
        if at + 1 < len(text.words) and not text.breaks[at + 1]:
            yield at + 1

    def _denied(self, phrase: Phrase, span: Span, text: Text) -> bool:
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


def _bits(mark: int) -> Iterator[int]:
    while mark:
        lowest = mark & -mark
        yield lowest
        mark ^= lowest


def _suicide_of(role: str | None) -> str:
    if role in ("me", None):
        return "suicide_self"
    return "suicide_other" if role in ("family", "outsider") else "suicide_child"


def _antecedent(pronoun: Mention, people: list[Mention]) -> str:
    """The child when one was named before, or else the last person who is not the writer."""
    earlier = [m.role for m in people if m.span.end <= pronoun.span.start]
    if "child" in earlier:
        return "child"
    named = [role for role in earlier if role in ("family", "outsider")]
    return named[-1] if named else "pronoun"
