"""Finds the details in a message: ages, how long, who is involved, what was tried, signals.

spaCy tokenises (blank pipelines: Swedish, English, and one for every other language), simplemma
gives dictionary forms, and the vocabularies and number patterns are data/<language>/entities.yml
and signals.yml. An authority that the parent says she has no contact with is left out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import chain, product
from pathlib import Path
from typing import Any

import spacy
import yaml
from spacy.matcher import Matcher, PhraseMatcher
from spacy.tokens import Doc, Span, Token

from nlu.normalise import NormalText, Words, lemma

Pattern = list[dict[str, Any]]

DATA = Path(__file__).parent / "data"
WRITTEN = ("sv", "en")  # languages with vocabularies of their own
OTHER = "xx"

OLDEST_CHILD = 25
OLDEST_BARE_NUMBER, YOUNGEST_BARE_NUMBER = 20, 6  # lower ones may answer a question of scale
OLDEST_SELF = 17  # "I am 16": a child who writes
LONG_MONTHS = 6
WORD_LISTS = ("negation", "help_words", "contact_words", "tried_words")
NEGATION_REACH = 5
TRIED_REACH = 6
GAP = {"IS_PUNCT": False, "OP": "{0,4}"}
_STAGES = {1: "low", 2: "low", 3: "low", 4: "middle", 5: "middle", 6: "middle"}
_NO_DURATION = frozenset({"om", "inom", "in", "within", "för", "på", "till", "another"})


@dataclass(frozen=True)
class Entity:
    """One detail; `start` and `end` are positions in the parent's own text."""

    name: str
    value: Any
    start: int
    end: int


@dataclass(frozen=True)
class Details:
    """What was found in one message."""

    entities: tuple[Entity, ...]
    signals: tuple[str, ...]


def municipality_id(name: str) -> str:
    """`Upplands Väsby` -> `upplands-vasby`; Håbo is `haabo`, because there is also a Habo."""
    if name.lower() == "håbo":
        return "haabo"
    letters = unicodedata.normalize("NFKD", name.lower())
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return re.sub(r"[^a-z0-9]+", "-", bare).strip("-")


@cache
def spelling(language: str) -> Words:
    """Abbreviations and undotted words of a language, for `normalise`."""
    if language not in WRITTEN:
        return Words()
    raw = _read(language, "entities.yml")
    return Words(raw["chat"], raw["undotted"])


class EntityReader:
    """Vocabularies of every language, compiled once."""

    def __init__(self, municipalities: Sequence[str]) -> None:
        """`municipalities`: names as written, without the word kommun."""
        places = _Places(municipalities, _read("sv", "entities.yml")["places_also_words"])
        self._readers = {code: _LanguageReader(code, (code,), places) for code in WRITTEN}
        self._readers[OTHER] = _LanguageReader(OTHER, WRITTEN, places)

    def read(self, text: NormalText, language: str, today: date) -> Details:
        """Every entity and signal; what is relative ("since autumn") counts back from `today`."""
        reader = self._readers.get(language, self._readers[OTHER])
        found = sorted(reader.entities(text.text, today), key=lambda entity: entity.start)
        signals = reader.signals(text.text, found)
        placed = [_in_original(entity, text) for entity in _without_repeats(found)]
        return Details(tuple(placed), signals)


def _in_original(entity: Entity, text: NormalText) -> Entity:
    start, end = text.span(entity.start, entity.end)
    return Entity(entity.name, entity.value, start, end)


def _without_repeats(entities: Iterable[Entity]) -> Iterator[Entity]:
    seen: set[tuple[str, Any]] = set()
    for entity in entities:
        if (entity.name, entity.value) not in seen:
            seen.add((entity.name, entity.value))
            yield entity


class _LanguageReader:
    def __init__(self, code: str, vocabularies: Sequence[str], places: _Places) -> None:
        self._nlp = spacy.blank(code)
        self._lemma_language = vocabularies[0]
        self._places = places
        self._vocabulary = _read(vocabularies[0], "entities.yml")
        self._words = {name: frozenset(map(str, self._vocabulary[name])) for name in WORD_LISTS}
        self._phrases = PhraseMatcher(self._nlp.vocab, attr="LEMMA")
        for other in vocabularies:
            self._add_phrases(_read(other, "entities.yml"), is_own=code != OTHER)
        self._numbers = None if code == OTHER else _Numbers(self._vocabulary)
        self._signals = Matcher(self._nlp.vocab)
        if code != OTHER:
            self._add_signals(_read(code, "signals.yml"))

    def entities(self, text: str, today: date) -> list[Entity]:
        doc = self._doc(text)
        found = list(self._places.find(text))
        found += self._named(doc)
        if self._numbers is not None:
            found += self._numbers.find(text.lower(), today)
        return found

    def signals(self, text: str, entities: Sequence[Entity]) -> tuple[str, ...]:
        if not len(self._signals):
            return tuple(sorted(set(_derived_signals(entities))))
        doc = self._doc(text)
        names = {self._nlp.vocab.strings[key] for key, _, _ in self._signals(doc)}
        return tuple(sorted(names | set(_derived_signals(entities))))

    def _doc(self, text: str) -> Doc:
        doc = self._nlp.make_doc(text)
        for token in doc:
            token.lemma_ = lemma(token.text, self._lemma_language)
        return doc

    def _add_phrases(self, vocabulary: Mapping[str, Any], is_own: bool) -> None:
        names = ["actor", "diagnosis"]
        if is_own:
            names += ["school_stage", "relation", "kind"]
        for name in names:
            for value, phrases in vocabulary[name].items():
                docs = [self._doc(str(phrase)) for phrase in phrases]
                self._phrases.add(f"{name}={value}", docs)
        if is_own:
            refused = [self._doc(str(word)) for word in vocabulary["refused_words"]]
            self._phrases.add("refused_words", refused)

    def _add_signals(self, signals: Mapping[str, Sequence[str]]) -> None:
        for signal, phrases in signals.items():
            self._signals.add(signal, [row for phrase in phrases for row in self._rows(phrase)])

    def _rows(self, phrase: str) -> list[Pattern]:
        """The token patterns of a phrase; several when an alternative is more than one token."""
        choices = [self._choices(step) for step in phrase.split()]
        return [list(chain.from_iterable(row)) for row in product(*choices)]

    def _choices(self, step: str) -> list[Pattern]:
        if step == "…":
            return [[GAP]]
        words_of = [word.replace("_", " ") for word in step.split("|")]
        split = [[token.lemma_ for token in self._doc(words)] for words in words_of]
        single = sorted({words[0] for words in split if len(words) == 1})
        choices: list[Pattern] = [[{"LEMMA": {"IN": single}}]] if single else []
        return choices + [[{"LEMMA": w} for w in words] for words in split if len(words) > 1]

    def _named(self, doc: Doc) -> Iterator[Entity]:
        spans = self._matches(doc)
        for name in ("actor", "diagnosis", "school_stage"):
            for span in _longest(span for span in spans if span.label_.startswith(f"{name}=")):
                value = span.label_.partition("=")[2]
                if name != "actor" or not self._is_denied(span):
                    yield Entity(name, value, span.start_char, span.end_char)
        yield from self._relation(spans)
        yield from self._tried_and_refused(doc, spans)

    def _matches(self, doc: Doc) -> list[Span]:
        strings = self._nlp.vocab.strings
        return [Span(doc, start, end, label=strings[key]) for key, start, end in self._phrases(doc)]

    def _relation(self, spans: Sequence[Span]) -> Iterator[Entity]:
        order = [f"relation={value}" for value in self._vocabulary["relation"]]
        found = [span for span in spans if span.label_ in order]
        if found:
            first = min(found, key=lambda span: (order.index(span.label_), span.start))
            value = first.label_.partition("=")[2]
            yield Entity("relation", value, first.start_char, first.end_char)

    def _is_denied(self, span: Span) -> bool:
        """No contact with it: "inte BUP", "ingen kontakt med soc"; "no help from soc" is not."""
        before = _clause_before(span, NEGATION_REACH)
        denial = self._position(before, "negation")
        if denial is None:
            return False
        between = [token.lower_ for token in before[denial + 1 :]]
        if not between or self._has(between, "contact_words"):
            return True
        return not self._has(between, "help_words") and self._has(between, "tried_words")

    def _tried_and_refused(self, doc: Doc, spans: Sequence[Span]) -> Iterator[Entity]:
        named = _longest(s for s in spans if s.label_.partition("=")[0] in {"kind", "actor"})
        refusals = [span for span in spans if span.label_ == "refused_words"]
        refused = [_what_was_refused(refusal, named) for refusal in refusals]
        for span in named:
            name, _, value = span.label_.partition("=")
            if span in refused:
                yield Entity("refused", value, span.start_char, span.end_char)
            elif name == "kind" and self._is_tried(span):
                yield Entity("tried", value, span.start_char, span.end_char)

    def _is_tried(self, span: Span) -> bool:
        words = _clause_before(span, TRIED_REACH)
        before = [token.lower_ for token in words]
        return self._has(before, "tried_words") and self._position(words, "negation") is None

    def _position(self, tokens: Sequence[Token], words: str) -> int | None:
        wanted = self._words[words]
        positions = [index for index, token in enumerate(tokens) if token.lower_ in wanted]
        return positions[-1] if positions else None

    def _has(self, found: Iterable[str], words: str) -> bool:
        return not self._words[words].isdisjoint(found)


def _clause_before(span: Span, reach: int) -> list[Token]:
    """Up to `reach` tokens before `span` in the same clause."""
    doc = span.doc
    tokens: list[Token] = []
    for index in range(span.start - 1, max(span.start - reach, 0) - 1, -1):
        if _ends_clause(doc[index]):
            break
        tokens.append(doc[index])
    return tokens[::-1]


def _what_was_refused(refusal: Span, named: Sequence[Span]) -> Span | None:
    """The support that follows the word in its clause ("avslag på X"), else the one before."""
    reachable = [span for span in named if _is_same_clause(refusal, span)]
    after = [span for span in reachable if span.start >= refusal.end]
    before = [span for span in reachable if span.end <= refusal.start]
    if after:
        return min(after, key=lambda span: span.start)
    return max(before, key=lambda span: span.end, default=None)


def _is_same_clause(one: Span, other: Span) -> bool:
    """With no punctuation and at most `TRIED_REACH` words between."""
    first, second = sorted((one, other), key=lambda span: span.start)
    between = first.doc[first.end : max(second.start, first.end)]
    return len(between) <= TRIED_REACH and not any(_ends_clause(token) for token in between)


def _ends_clause(token: Token) -> bool:
    return token.text in ".,!?;:\n" or token.lower_ in {"men", "but"}


def _longest(spans: Iterable[Span]) -> list[Span]:
    """Spans that lie in no longer one."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (-(span.end - span.start), span.start)):
        if all(span.end <= other.start or span.start >= other.end for other in kept):
            kept.append(span)
    return kept


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


class _Numbers:
    """Ages, counts, school years and durations, from the patterns of one language."""

    def __init__(self, vocabulary: Mapping[str, Any]) -> None:
        self._words: Mapping[str, int] = vocabulary["number_words"]
        self._school: Mapping[str, int] = vocabulary["school_words"]
        self._units: Mapping[str, float] = vocabulary["duration_units"]
        self._vague: Mapping[str, int] = vocabulary["vague_numbers"]
        self._vague_years: int = vocabulary["vague_years"]
        self._since: Mapping[str, int] = vocabulary["since_months"]
        self._began = re.compile(_any_of(vocabulary["began_words"]))
        raw = vocabulary["numbers"]
        self._ages = [self._compile(pattern) for pattern in raw["child_age"]]
        self._one = {
            name: self._compile(pattern) for name, pattern in raw.items() if name != "child_age"
        }

    def _compile(self, pattern: str) -> re.Pattern[str]:
        above_one = [word for word, value in self._words.items() if value > 1]
        filled = pattern.format(
            n=rf"(?:\d{{1,2}}|{_any_of(above_one)})",
            one=rf"(?:\d{{1,2}}|{_any_of(self._words)})",
            unit=_any_of(self._units),
            since=_any_of(self._since),
            school=_any_of(self._school) if self._school else "(?!)",
        )
        return re.compile(filled)

    def find(self, text: str, today: date) -> list[Entity]:
        """Entities in lower-case text; a number is read as one thing only."""
        only_years = self._one["only_years"].search(text)
        babies = [match.span() for match in self._one["months_old"].finditer(text)]
        durations = [] if only_years else list(self._durations(text))
        durations = [entity for entity in durations if not _overlaps(entity, babies)]
        taken = [(entity.start, entity.end) for entity in durations]
        found = [entity for entity in durations if entity.value is not None]
        found += self._since_when(text, today)
        found += self._counts(text)
        found += [age for age in self._child_ages(text, today) if not _overlaps(age, taken)]
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
        for number in re.finditer(rf"\b(?:\d{{1,2}}|{_any_of(self._words)})\b", match["list"]):
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
            yield Entity("how_long", _months_since(month, match["last"], today), *match.span())
        for match in self._one["since_year"].finditer(text):
            months = (today.year - int(match["year"])) * 12 + today.month - 1
            if months >= 0:
                yield Entity("how_long", months, *match.span())


def _months_since(month: int, year: str | None, today: date) -> int:
    """Whole months since the first of the latest such month that has passed."""
    if year is not None and year.isdigit():
        return max((today.year - int(year)) * 12 + today.month - month, 0)
    months = (today.month - month) % 12
    if year is not None:  # "last year"
        return today.month - month + 12
    return months


def _stage(year: int, match: re.Match[str]) -> Entity:
    return Entity("school_stage", _STAGES.get(year, "high"), *match.span())


def _overlaps(entity: Entity, spans: Iterable[tuple[int, int]]) -> bool:
    return any(entity.start < end and entity.end > start for start, end in spans)


class _Places:
    """The 290 municipalities by name; names that are also words need a capital and a lead."""

    def __init__(self, names: Sequence[str], also_words: Sequence[str]) -> None:
        self._ids = {name.lower(): municipality_id(name) for name in names}
        self._ids |= {
            municipality_id(name).replace("-", " "): municipality_id(name) for name in names
        }
        self._also_words = frozenset(also_words)
        self._pattern = re.compile(
            rf"\b(?P<name>{_any_of(self._ids)})s?\b(?P<kommun>\s+(?:kommun|municipality))?",
            re.IGNORECASE,
        )

    def find(self, text: str) -> Iterator[Entity]:
        for match in self._pattern.finditer(text):
            name = match["name"].lower()
            if name not in self._also_words or self._is_place(match, text):
                yield Entity("municipality", self._ids[name], *match.span("name"))

    def _is_place(self, match: re.Match[str], text: str) -> bool:
        if match["kommun"]:
            return True
        lead = re.search(r"\b(?:i|från|till|in|from|near|utanför|bor)\s+$", text[: match.start()])
        is_only = match.group().strip() == text.strip(" .!")
        return match["name"][:1].isupper() and (lead is not None or is_only)


def _any_of(words: Iterable[Any]) -> str:
    """A group of alternatives, the longest first."""
    escaped = sorted((re.escape(str(word)) for word in words), key=len, reverse=True)
    return "(?:" + "|".join(escaped) + ")"


def _read(language: str, name: str) -> Mapping[str, Any]:
    with (DATA / language / name).open(encoding="utf-8") as file:
        content: Mapping[str, Any] = yaml.safe_load(file)
    return content
