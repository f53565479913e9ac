"""Dates and clock times a parent proposes: "tomorrow", "Thursday at three", "3 December".

The words are `when:` of data/<language>/entities.yml. A day without a date is the next such day;
an hour from one to six without "morning" is in the afternoon, when a guide can be reached.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from nlu.detail import Entity, overlaps
from nlu.normalise import plain_letters

_LAST_UNCLEAR_HOUR = 6
_ISO = re.compile(r"\b(?P<year>20\d\d)-(?P<month>\d\d)-(?P<day>\d\d)\b")
_NUMBERS = re.compile(r"(?<![\d/.])(?P<day>[0-3]?\d)(?:/|\.)(?P<month>1[0-2]|0?[1-9])(?![\d/])\.?")


class When:
    """The words for time of one language."""

    def __init__(self, vocabulary: Mapping[str, Any]) -> None:
        self._days = {
            "today": _words(vocabulary["today"]),
            "tomorrow": _words(vocabulary["tomorrow"]),
            "day_after_tomorrow": _words(vocabulary["day_after_tomorrow"]),
        }
        self._weekdays = {int(day): _words(w) for day, w in vocabulary["weekdays"].items()}
        self._any_weekday = _words(w for words in vocabulary["weekdays"].values() for w in words)
        self._months = {int(month): words for month, words in vocabulary["months"].items()}
        month = "|".join(plain_letters(w) for words in self._months.values() for w in words)
        hours = {str(h): int(n) for n, words in vocabulary["hours"].items() for h in words}
        self._hours = {plain_letters(word): hour for word, hour in hours.items()}
        hour = "|".join(sorted(map(re.escape, self._hours), key=len, reverse=True))
        places = {
            "{month}": f"(?P<month>{month})",
            "{h}": rf"(?P<h>\d{{1,2}}|{hour})(?!\w)(?![.:]\d)",
            "{hm}": r"(?P<h>[01]?\d|2[0-3])[:.](?P<min>[0-5]\d)(?!\d)",
        }
        self._dates = [_filled(pattern, places) for pattern in vocabulary["dates"]]
        self._clock = [_filled(pattern, places) for pattern in vocabulary["clock"]]
        self._half_before = [_filled(p, places) for p in vocabulary.get("half_before", ())]
        self._half_after = [_filled(p, places) for p in vocabulary.get("half_after", ())]
        self._morning = _words(vocabulary["morning"])
        self._night = _words(vocabulary["night"])
        self._later = _words(vocabulary["afternoon"])

    def find(self, text: str, today: date) -> list[Entity]:
        """Dates (ISO) and times (HH:MM) in plain text, in order of place."""
        found = [*self._found_dates(text, today)]
        found += self._found_days(text, today)
        return found + list(self._found_times(text))

    def _found_days(self, text: str, today: date) -> Iterator[Entity]:
        for ahead, name in enumerate(self._days):
            if match := self._days[name].search(text):
                yield _entity(today + timedelta(days=ahead), match)
        if not self._any_weekday.search(text):
            return
        for number, words in self._weekdays.items():
            for match in words.finditer(text):
                ahead = (number - today.isoweekday() - 1) % 7 + 1
                yield _entity(today + timedelta(days=ahead), match)

    def _found_dates(self, text: str, today: date) -> Iterator[Entity]:
        for match in _ISO.finditer(text):
            yield from _dated(match, int(match["month"]), today, int(match["year"]))
        for match in _NUMBERS.finditer(text):
            if "/" in match.group() or match.group().endswith("."):
                yield from _dated(match, int(match["month"]), today, None)
        for pattern in self._dates:
            for match in pattern.finditer(text):
                month = next(
                    number
                    for number, words in self._months.items()
                    if any(re.fullmatch(plain_letters(word), match["month"]) for word in words)
                )
                yield from _dated(match, month, today, None)

    def _found_times(self, text: str) -> Iterator[Entity]:
        taken: list[tuple[int, int]] = []
        patterns = [(p, -30) for p in self._half_before] + [(p, 30) for p in self._half_after]
        for pattern, minutes in [*patterns, *((p, 0) for p in self._clock)]:
            for match in pattern.finditer(text):
                minutes_of_day = self._minutes(match, text, minutes)
                time = Entity("when", _clock_time(minutes_of_day), *match.span())
                if 0 <= minutes_of_day < 24 * 60 and not overlaps(time, taken):
                    taken.append(match.span())
                    if not self._night.search(text):
                        yield time

    def _minutes(self, match: re.Match[str], text: str, extra: int) -> int:
        said = match["h"]
        hour = int(said) if said.isdigit() else self._hours[said]
        minute = int(match["min"]) if "min" in match.re.groupindex and match["min"] else 0
        is_later = hour < 12 and self._later.search(text)
        is_unclear = hour <= _LAST_UNCLEAR_HOUR and not self._morning.search(text)
        if is_later or is_unclear:
            hour += 12
        return hour * 60 + minute + extra


def _dated(match: re.Match[str], month: int, today: date, year: int | None) -> Iterator[Entity]:
    try:
        day = date(year or today.year, month, int(match["day"]))
        if year is None and day < today:
            day = day.replace(year=today.year + 1)
    except ValueError:
        return
    yield _entity(day, match)


def _entity(day: date, match: re.Match[str]) -> Entity:
    return Entity("when", day.isoformat(), *match.span())


def _clock_time(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _words(expressions: Any) -> re.Pattern[str]:
    joined = "|".join(plain_letters(str(one)) for one in expressions)
    return re.compile(rf"(?<!\w)(?:{joined})(?!\w)" if joined else "(?!)")


def _filled(pattern: str, places: Mapping[str, str]) -> re.Pattern[str]:
    text = plain_pattern(pattern)
    for name, expression in places.items():
        text = text.replace(name, expression)
    return re.compile(text)


def plain_pattern(pattern: str) -> str:
    r"""A regular expression in plain letters; `\W` and its like stay."""
    pieces = re.split(r"(\\.)", pattern)
    plain = "".join(p if p.startswith("\\") else plain_letters(p) for p in pieces)
    return plain.replace("(?p<", "(?P<")
