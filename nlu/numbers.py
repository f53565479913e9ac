"""Ages, counts, school years and durations in Swedish and English, from patterns in data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from nlu.detail import (
    OLDEST_BARE_NUMBER,
    OLDEST_CHILD,
    OLDEST_SELF,
    STAGES,
    YOUNGEST_BARE_NUMBER,
    Entity,
    any_of,
    overlaps,
)

_NO_DURATION = frozenset({"om", "inom", "in", "within", "för", "på", "till", "another"})
_IN_THE_LAST = frozenset({"på", "in"})


class Numbers:
    """Ages, counts, school years and durations, from the patterns of one language."""

    def __init__(self, vocabulary: Mapping[str, Any]) -> None:
        self._words: Mapping[str, int] = vocabulary["number_words"]
        self._school: Mapping[str, int] = vocabulary["school_words"]
        self._units: Mapping[str, float] = vocabulary["duration_units"]
        self._vague: Mapping[str, int] = vocabulary["vague_numbers"]
        self._vague_years: int = vocabulary["vague_years"]
        self._since: Mapping[str, int] = vocabulary["since_months"]
        self._began = re.compile(any_of(vocabulary["began_words"]))
        self._not = re.compile(any_of(vocabulary["not_words"]))
        raw = vocabulary["numbers"]
        self._ages = [self._compile(pattern) for pattern in raw["child_age"]]
        self._one = {
            name: self._compile(pattern) for name, pattern in raw.items() if name != "child_age"
        }

    def _compile(self, pattern: str) -> re.Pattern[str]:
        above_one = [word for word, value in self._words.items() if value > 1]
        filled = pattern.format(
            n=rf"(?:\d{{1,2}}|{any_of(above_one)})",
            one=rf"(?:\d{{1,2}}|{any_of(self._words)})",
            unit=any_of(self._units),
            since=any_of(self._since),
            school=any_of(self._school) if self._school else "(?!)",
        )
        return re.compile(filled)

    def find(self, text: str, today: date) -> list[Entity]:
        """Entities in lower-case text; a number is read as one thing only."""
        only_years = self._one["only_years"].search(text)
        babies = [match.span() for match in self._one["months_old"].finditer(text)]
        durations = [] if only_years else list(self._durations(text))
        durations = [entity for entity in durations if not overlaps(entity, babies)]
        taken = [(entity.start, entity.end) for entity in durations]
        found = [entity for entity in durations if entity.value is not None]
        found += self._since_when(text, today)
        found += self._counts(text)
        found += [age for age in self._child_ages(text, today) if not overlaps(age, taken)]
        found += self._stages(text)
        found += self._bare(text)
        if only_years and (years := self._number(only_years["n"])) <= 10:
            found.append(Entity("how_long", years * 12, *only_years.span("n")))
        return found

    def _number(self, word: str) -> int:
        return int(word) if word.isdigit() else self._words[word]

    def _child_ages(self, text: str, today: date) -> Iterator[Entity]:
        for pattern in self._ages:
            for match in pattern.finditer(text):
                age = self._number(match["n"])
                if self._can_be_child(age, text[: match.start("n")]):
                    yield Entity("child_age", age, match.start("n"), match.end())
        for match in self._one["child_age_list"].finditer(text):
            yield from self._listed(match)
        for match in self._one["born"].finditer(text):
            year = int(re.sub(r"\D", "", match["year"]))
            month = self._since.get(match["month"] or "", 1)
            born = date(year + (2000 if year < 100 else 0), month, 1)
            age = today.year - born.year - (match["month"] is not None and today.month < month)
            if 0 <= age <= OLDEST_CHILD:
                yield Entity("child_age", age, *match.span())
        for name in ("months_old", "newborn"):
            for match in self._one[name].finditer(text):
                yield Entity("child_age", 0, *match.span())

    def _can_be_child(self, age: int, before: str) -> bool:
        is_self = self._one["i_am"].search(before) is not None
        return age <= (OLDEST_SELF if is_self else OLDEST_CHILD)

    def _listed(self, match: re.Match[str]) -> Iterator[Entity]:
        start = match.start("list")
        for number in re.finditer(rf"\b(?:\d{{1,2}}|{any_of(self._words)})\b", match["list"]):
            value = self._number(number.group())
            if value <= OLDEST_BARE_NUMBER:
                yield Entity("child_age", value, start + number.start(), start + number.end())

    def _bare(self, text: str) -> Iterator[Entity]:
        """A turn that is only a number answers some question; the conversation knows which."""
        match = self._one["only_number"].search(text)
        if match is None:
            return
        value = self._number(match["n"])
        yield Entity("number", value, *match.span("n"))
        if YOUNGEST_BARE_NUMBER <= value <= OLDEST_BARE_NUMBER:
            yield Entity("child_age", value, *match.span("n"))

    def _counts(self, text: str) -> Iterator[Entity]:
        matches = list(self._one["child_count"].finditer(text))
        several = {match["noun"]: match for match in matches}
        single = {match["noun"]: match for match in self._one["one_child"].finditer(text)}
        total = sum(self._number(match["n"]) for match in several.values()) + len(single)
        general = [m for m in matches if m["noun"] in {"barn", "ungar", "kids", "children"}]
        if general:
            total = max(self._number(match["n"]) for match in general)
        twins = self._one["twins"].search(text)
        spans = [*several.values(), *single.values(), *([twins] if twins else [])]
        if twins:
            total = max(total, 2)
        if total > 1 or general:
            yield Entity("child_count", total, min(m.start() for m in spans), spans[0].end())

    def _stages(self, text: str) -> Iterator[Entity]:
        for match in self._one["stage_number"].finditer(text):
            year = next((group for group in match.groups() if group), None)
            if year is not None:
                yield _stage(self._number(year), match)
        for match in self._one["stage_word"].finditer(text):
            yield _stage(self._school[match["w"]], match)

    def _durations(self, text: str) -> Iterator[Entity]:
        """How long it has lasted; value None marks a span that is time but not that."""
        for match in self._one["duration"].finditer(text):
            if match["unit"] in {"år", "year", "years"} and not self._is_lasting(match):
                continue
            months = self._months(match)
            if not self._counts_as_lasting(match, text):
                months = None
            yield Entity("how_long", months, match.start(), match.end())

    def _is_lasting(self, match: re.Match[str]) -> bool:
        """Years without a word such as "for" or "since" before them are an age."""
        lead = (match["lead"] or "").strip()
        vague = match["n"] in self._vague
        return vague or bool(match["after"] or match["half"]) or lead not in {"", "är", "is", "på"}

    def _counts_as_lasting(self, match: re.Match[str], text: str) -> bool:
        lead = (match["lead"] or "").strip()
        if match["after"]:  # "two years ago": only when that is when it began
            return (
                self._began.search(text[max(match.start() - 60, 0) : match.end() + 40]) is not None
            )
        before = text[max(match.start() - 60, 0) : match.start()]
        if lead in _IN_THE_LAST and self._not.search(before):
            return True  # "has not been there in two months"
        return lead not in _NO_DURATION

    def _months(self, match: re.Match[str]) -> int | None:
        unit, number = self._units[match["unit"]], match["n"]
        if number in self._vague:
            is_years = unit == 12 and self._vague[number] > 2
            amount = float(self._vague_years if is_years else self._vague[number])
        elif re.fullmatch(r"\d+[.,]5", number):
            amount = float(number.replace(",", "."))
        else:
            amount = float(self._number(number))
        return int((amount + (0.5 if match["half"] else 0.0)) * unit)

    def _since_when(self, text: str, today: date) -> Iterator[Entity]:
        for match in self._one["since"].finditer(text):
            month = self._since[match["w"]]
            yield Entity("how_long", months_since(month, match["last"], today), *match.span())
        for match in self._one["since_year"].finditer(text):
            months = (today.year - int(match["year"])) * 12 + today.month - 1
            if months >= 0:
                yield Entity("how_long", months, *match.span())


def months_since(month: int, year: str | None, today: date) -> int:
    """Whole months since the first of the latest such month that has passed."""
    if year is not None and year.isdigit():
        return max((today.year - int(year)) * 12 + today.month - month, 0)
    months = (today.month - month) % 12
    if year is not None:  # "last year"
        return today.month - month + 12
    return months


def _stage(year: int, match: re.Match[str]) -> Entity:
    return Entity("school_stage", STAGES.get(year, "high"), *match.span())
