"""Finds many written phrases in one pass, where endings and small words may differ.

A phrase is words with spaces; `stem*` = any ending, `a|b` = either, `…` = up to four words of the
same clause. Text and phrases are compared in plain letters (`nlu.normalise.plain`).
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from nlu.normalise import plain_letters

GAP = "~"  # what stands for … in a phrase; no phrase holds one
KEY = 3  # letters under which a phrase is filed
_WORD = re.compile(r"\w+")
_BETWEEN = r"(?:\s+[^\s.,;!?:\u060c\u061b\u061f]+){0,4}?"
_CLAUSE_END = re.compile(r"[.,;!?:\n\u060c\u061b\u061f]+(?=\s|$)|\n")
_SENTENCE_END = frozenset(".!?\n\u061f")
_NAME_END = r"(?:['’:\-]\w+)?"


@dataclass(frozen=True)
class Grammar:
    """How words hang together in a language."""

    joined: bool = False  # words of a phrase may be written together (Persian)
    clitics: str = ""  # an expression: what may stand before a word, written together (Arabic)
    name_endings: str = ""  # an expression: what may follow a Swedish name


@dataclass(frozen=True)
class Hit:
    """A phrase found: what it was filed as, and where."""

    label: str
    value: str
    start: int
    end: int


class PhraseBook:
    """Phrases by what they mean."""

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar
        self._entries: dict[str, list[tuple[str, str, re.Pattern[str]]]] = {}
        self._clitic = re.compile(grammar.clitics) if grammar.clitics else None

    def add(
        self, label: str, value: str, phrases: Iterable[object], *, is_name: bool = False
    ) -> None:
        """Files phrases; a Swedish name may carry the endings of the language."""
        for phrase in phrases:
            written = [part.strip() for part in str(phrase).split("…")]
            steps = [
                step.split("|") for step in f" {GAP} ".join(map(plain_letters, written)).split()
            ]
            for first in steps[0]:
                words = [[first.replace("_", " ")], *steps[1:]]
                pattern = re.compile(self._expression(words, is_name))
                key = re.split(r"[*\s]", first.replace("_", " "))[0][:KEY]
                self._entries.setdefault(key, []).append((label, value, pattern))

    def find(self, text: str) -> list[Hit]:
        """Every phrase in plain `text`, in order of place."""
        found = []
        for start in self._starts(text):
            for length in range(1, KEY + 1):
                for label, value, pattern in self._entries.get(text[start : start + length], ()):
                    if match := pattern.match(text, start):
                        found.append(Hit(label, value, start, match.end()))
                if start + length >= len(text):
                    break
        return found

    def _starts(self, text: str) -> Iterator[int]:
        for word in _WORD.finditer(text):
            yield word.start()
            if self._clitic and (before := self._clitic.match(text, word.start())):
                yield from range(word.start() + 1, before.end() + 1)

    def _expression(self, steps: Sequence[Sequence[str]], is_name: bool) -> str:
        parts: list[str] = []
        for index, step in enumerate(steps):
            if step == [GAP]:
                parts.append(_BETWEEN)
                continue
            after_gap = index > 0 and steps[index - 1] == [GAP]
            loose = self._grammar.joined and not after_gap
            between = r"[\s\-]*" if loose else r"[\s\-]+"
            clitics = f"(?:{self._grammar.clitics})?" if self._grammar.clitics else ""
            words = "|".join(self._word(word, is_name) for word in step)
            parts.append((between + clitics if index else "") + f"(?:{words})")
        return "".join(parts)

    def _word(self, word: str, is_name: bool) -> str:
        within = r"[\s\-]*" if self._grammar.joined else r"[\s\-]+"
        body = re.escape(word.rstrip("*").replace("_", " ")).replace(r"\ ", within)
        body = body.replace(r"\*", r"\w*")
        if word.endswith("*"):
            return body + r"\w*" + _NAME_END
        endings = f"(?:['’:\\-]?(?:{self._grammar.name_endings}))?" if is_name else ""
        joined = r"(?!\w)" if not self._grammar.joined else r"(?![^\W\d_])"
        return body + (endings or _NAME_END) + joined


class Clauses:
    """Which clause of the text a position lies in; a word for "but" begins a new one."""

    def __init__(self, text: str, buts: Iterable[Hit]) -> None:
        marks = [(m.end(), m.group()[0] in _SENTENCE_END) for m in _CLAUSE_END.finditer(text)]
        marks += [(hit.start, False) for hit in buts]
        marks.sort()
        self._ends = [end for end, _ in marks]
        self._hard = [index for index, (_, is_end) in enumerate(marks) if is_end]

    def of(self, position: int) -> int:
        """The number of the clause."""
        return bisect_right(self._ends, position)

    def same_sentence(self, one: int, other: int) -> bool:
        """Whether no full stop lies between two clauses."""
        first, last = sorted((one, other))
        return bisect_left(self._hard, first) == bisect_left(self._hard, last)


def longest(hits: Iterable[Hit]) -> list[Hit]:
    """Hits that lie in no longer one, in order of place."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.start - hit.end, hit.start)):
        if all(hit.end <= other.start or hit.start >= other.end for other in kept):
            kept.append(hit)
    return sorted(kept, key=lambda hit: hit.start)
