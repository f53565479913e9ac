"""Ages, counts, school years and durations in the languages read by stems.

The patterns are `numbers:` of data/<language>/entities.yml, in plain letters. A number is read as
one thing only: a school year before a count, a count before an age, an age before a duration.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from nlu.detail import (
    OLDEST_BARE_NUMBER,
    OLDEST_CHILD,
    OLDEST_SELF,
    STAGES,
    YOUNGEST_BARE_NUMBER,
    Entity,
    overlaps,
)
from nlu.normalise import plain_letters
from nlu.numbers import months_since
from nlu.when import plain_pattern

_KINDS = ("grade", "count", "twins", "baby", "born", "age_list", "age", "not_lasting")
_LASTING = ("duration", "fixed_duration", "since_when", "since_year")
FEWEST_YEARS_OLD = 4  # fewer bare years may be how long it has lasted
MOST_CHILDREN = 12
Span = tuple[int, int]


class Quantities:
    """The number patterns of one language."""

    def __init__(self, numbers: Mapping[str, Any], clitics: str) -> None:
        self.words = {
            plain_letters(str(word)): int(value)
            for value, words in numbers["words"].items()
            for word in words
        }
        self.words |= _compounds(numbers)
        self._lasting_before = re.compile(plain_pattern(numbers["lasting_before"]))
        self._lasting_after = re.compile(plain_pattern(numbers["lasting_after"]))
        self._ordinals = _values(numbers.get("ordinals", {}))
        self._units = _values(numbers["units"])
        self._since = _values(numbers["since"])
        self._fixed = _values(numbers.get("fixed", {}))
        before = r"(?<!\d[.,:/\-])(?<![\w+])"
        if clitics:
            before = r"(?<!\d[.,:/\-])(?:(?<![\w+])|(?<=\bو)|(?<=\bب)|(?<=\bل)|(?<=\bع))"
        spoken = "|".join(_spaced(w) for w in sorted(self.words, key=len, reverse=True))
        number = rf"(?:\d{{1,2}}(?!\d)|{spoken})"
        places = {
            "{n}": f"{before}(?P<n>{number})",
            "{m}": f"{before}{number}",
            "{list}": _listed(f"{before}{number}(?!\\w)", numbers["and"]),
            "{ord}": f"(?P<o>{_joined(self._ordinals)})",
            "{unit}": f"(?P<u>{_joined(self._units)})",
            "{since}": f"(?P<s>{_joined(self._since)})",
            "{fixed}": f"(?P<f>{_joined(self._fixed)})",
        }
        patterns = numbers["patterns"]
        self._patterns = {
            name: [_filled(pattern, places) for pattern in patterns.get(name, ())]
            for name in (*_KINDS, *_LASTING, "i_am")
        }
        self._number = re.compile(f"{before}{number}(?!\\w)")
        self._only_number = re.compile(rf"^\W*(?P<n>{number})\W*$")

    def find(self, text: str, today: date) -> list[Entity]:
        """Entities in plain text; what is relative counts back from `today`."""
        found: list[Entity] = []
        taken: list[Span] = []
        counts: list[tuple[int, Span]] = []
        for name in _KINDS:
            for match in self._matches(name, text, taken):
                taken.append(_number_span(match))
                if name in ("count", "twins"):
                    counts.append((self._value(match, default=2), match.span()))
                else:
                    found += self._entities(name, match, text, today)
        found += _counted(counts)
        for name in _LASTING:
            for match in self._matches(name, text, taken):
                taken.append(_number_span(match))
                found.append(self._lasting(name, match, text, today))
        return found + list(self._bare(text))

    def _matches(self, name: str, text: str, taken: list[Span]) -> Iterator[re.Match[str]]:
        for pattern in self._patterns[name]:
            for match in pattern.finditer(text):
                if not overlaps(Entity(name, None, *_number_span(match)), taken):
                    yield match

    def _entities(
        self, name: str, match: re.Match[str], text: str, today: date
    ) -> Iterator[Entity]:
        if name == "grade":
            stage = STAGES.get(self._value(match), "high")
            yield Entity("school_stage", stage, *match.span())
        elif name == "baby":
            yield Entity("child_age", 0, *match.span())
        elif name == "born":
            age = today.year - int(match["year"])
            if 0 <= age <= OLDEST_CHILD:
                yield Entity("child_age", age, *match.span())
        elif name == "age_list":
            for number in self._number.finditer(text, match.start("list"), match.end("list")):
                yield Entity("child_age", self._read(number.group()), *number.span())
        elif name == "age":
            age = self._value(match)
            is_self = any(p.search(text[: match.start()]) for p in self._patterns["i_am"])
            if 0 < age <= (OLDEST_SELF if is_self else OLDEST_CHILD):
                yield Entity("child_age", age, *match.span())

    def _lasting(self, name: str, match: re.Match[str], text: str, today: date) -> Entity:
        """A duration; "11 years" that says nothing of lasting is a child's age."""
        months = self._months(name, match, today)
        if name == "duration" and match["u"] and _valued(self._units, match["u"]) == 12:
            says_so = self._lasting_before.search(text[: match.start()])
            says_so = says_so or self._lasting_after.search(text[match.end() :])
            if not says_so and FEWEST_YEARS_OLD <= months // 12 <= OLDEST_CHILD:
                return Entity("child_age", months // 12, *match.span())
        return Entity("how_long", months, *match.span())

    def _value(self, match: re.Match[str], default: int = 1) -> int:
        groups = match.groupdict()
        if said := groups.get("n"):
            return self._read(said)
        if said := groups.get("o"):
            return int(_valued(self._ordinals, said))
        if said := groups.get("f"):
            return int(_valued(self._fixed, said)) // 12
        return default

    def _read(self, said: str) -> int:
        return int(said) if said.isdigit() else self.words[re.sub(r"\s+", " ", said)]

    def _months(self, name: str, match: re.Match[str], today: date) -> int:
        groups = match.groupdict()
        if name == "since_year":
            return max((today.year - int(match["year"])) * 12 + today.month - 1, 0)
        if name == "since_when":
            month = int(_valued(self._since, match["s"]))
            return months_since(month, groups.get("last"), today)
        if groups.get("f"):
            return int(_valued(self._fixed, match["f"]))
        half = 0.5 if groups.get("half") else 0.0
        return int((self._value(match) + half) * _valued(self._units, match["u"]))

    def _bare(self, text: str) -> Iterator[Entity]:
        """A turn that is only a number answers some question; the conversation knows which."""
        match = self._only_number.search(text)
        if match is None:
            return
        value = self._read(match["n"])
        yield Entity("number", value, *match.span("n"))
        if YOUNGEST_BARE_NUMBER <= value <= OLDEST_BARE_NUMBER:
            yield Entity("child_age", value, *match.span("n"))


def _number_span(match: re.Match[str]) -> Span:
    """Where the number itself stands, which is read as one thing only."""
    for group in ("n", "list", "f", "o", "year", "s"):
        if match.re.groupindex.get(group) and match[group]:
            return match.span(group)
    return match.span()


def _counted(counts: list[tuple[int, Span]]) -> Iterator[Entity]:
    """The largest count that is named: "three children, two of them twins"."""
    if counts:
        value, span = max(counts)
        if 1 < value <= MOST_CHILDREN:
            yield Entity("child_count", value, *span)


def _compounds(numbers: Mapping[str, Any]) -> dict[str, int]:
    """Twenty-one to fifty-nine: the age of a parent is not read as that of a child."""
    ones = [(w, int(v)) for v, words in numbers["words"].items() if 0 < int(v) < 10 for w in words]
    return {
        plain_letters(numbers["tens_joined"].format(t=ten, u=one)): int(value) + number
        for value, tens in numbers.get("tens", {}).items()
        for ten in tens
        for one, number in ones
    }


def _values(raw: Mapping[Any, Any]) -> list[tuple[float, str]]:
    return [(float(v), plain_pattern(str(w))) for v, words in raw.items() for w in words]


def _joined(values: list[tuple[float, str]]) -> str:
    longest_first = sorted((word for _, word in values), key=len, reverse=True)
    return "|".join(longest_first) if longest_first else "(?!)"


def _valued(values: list[tuple[float, str]], said: str) -> float:
    by_length = sorted(values, key=lambda pair: -len(pair[1]))
    return next(value for value, word in by_length if re.fullmatch(word, said))


def _listed(number: str, ands: Sequence[str]) -> str:
    """Two or more numbers: "4, 9 and 14"."""
    joined = "|".join([",", "&", "\u060c", *map(plain_letters, ands)])
    return rf"(?P<list>{number}(?:\s*(?:{joined})\s*{number})+)"


def _spaced(word: str) -> str:
    return r"\s+".join(re.escape(part) for part in word.split())


def _filled(pattern: str, places: Mapping[str, str]) -> re.Pattern[str]:
    text = plain_pattern(pattern)
    for name, expression in places.items():
        text = text.replace(name, expression)
    return re.compile(text)
