"""Phrases of the danger rules, and where they stand in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from nlu.safety_words import HARD, SOFT

EDGES = {",": SOFT, ".": HARD}
RANGE = re.compile(r"(\d+)-(\d+)")


@dataclass(frozen=True)
class Step:
    """One step of a phrase; bits say which words fit (see Vocabulary)."""

    single: int = 0  # bit carried by every single word that fits
    start: int = 0  # bit carried by every word with which the step may begin
    sequences: tuple[tuple[int, ...], ...] = ()  # bits of several words in a row
    gap: int = 0  # this many words may stand here
    optional: bool = False
    forbidden: bool = False
    edge: int = 0  # a break at least this strong stands here


@dataclass(frozen=True)
class Phrase:
    steps: tuple[Step, ...]
    needs: int  # bits that a text must have before the phrase is tried
    rarest: int  # the one of them that fewest words carry
    negative: bool  # contains a negation itself ("does not want to live")


_NOTHING: Mapping[str, int] = {}


class Vocabulary:
    """Gives every set of words a bit and tells which bits a word carries."""

    def __init__(self) -> None:
        self._bits: dict[frozenset[str], int] = {}
        self._members: dict[int, frozenset[str]] = {}
        self._words: dict[str, int] = {}
        self._stems: dict[str, dict[str, int]] = {}  # by their first two letters
        self._endings: dict[str, dict[str, int]] = {}  # by their last two letters
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
        number = RANGE.fullmatch(member)
        if number:
            self._ranges.append((int(number[1]), int(number[2]), bit))
            return
        if member.endswith("*"):
            table, key = self._stems.setdefault(member[:2], {}), member[:-1]
        elif member.startswith("*"):
            table, key = self._endings.setdefault(member[-2:], {}), member[1:]
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
        for stem, bits in self._stems.get(word[:2], _NOTHING).items():
            if word.startswith(stem):
                mark |= bits
        for ending, bits in self._endings.get(word[-2:], _NOTHING).items():
            if len(ending) < len(word) and word.endswith(ending):
                mark |= bits
        return mark


@dataclass(frozen=True)
class Mention:
    span: Span
    role: str


@dataclass
class Text:
    """A message as one language's rules see it; what is asked twice is kept."""

    words: tuple[str, ...]
    breaks: tuple[int, ...]
    marks: tuple[int, ...]
    all_marks: int
    origins: tuple[int, ...]  # each word's place among the raw words
    signs: dict[str, bool] = field(default_factory=dict)
    people: list[Mention] | None = None
    times: list[tuple[Span, int]] | None = None

    def known(self) -> int:
        """How many words this language knows: where two languages see danger, more is right."""
        return sum(1 for mark in self.marks if mark)

    def origin(self, span: Span) -> range:
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
class Span:
    start: int
    end: int  # exclusive

    def distance(self, other: Span) -> int:
        return max(0, other.start - self.end, self.start - other.end)

    def overlaps(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end


def step_ends(step: Step, text: Text, at: int) -> Iterator[int]:
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


def _end(steps: tuple[Step, ...], k: int, text: Text, at: int, limit: int) -> int | None:
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
        if any(True for _ in step_ends(step, text, at)):
            return None
        return _end(steps, k + 1, text, at, limit)
    for after in step_ends(step, text, at):
        end = _end(steps, k + 1, text, after, limit)
        if end is not None:
            return end
    return _end(steps, k + 1, text, at, limit) if step.optional else None


def _end_after_gap(steps: tuple[Step, ...], k: int, text: Text, at: int, limit: int) -> int | None:
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


def matches(phrase: Phrase, text: Text, limit: int) -> Iterator[Span]:
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
            yield Span(_reach_back(text, at, back, limit), end)


def _reach_back(text: Text, at: int, back: int, limit: int) -> int:
    while back and at and text.breaks[at] < limit:
        at, back = at - 1, back - 1
    return at
