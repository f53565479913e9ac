"""Reads a language's safety.yml and refuses whatever in it could not work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from nlu.safety_lexicon import (
    CATEGORIES,
    ROLES,
    SUICIDE,
    TIMES,
    WHO_CHOICES,
    Add,
    Cancel,
    Danger,
    Lexicon,
    Rules,
)
from nlu.safety_phrases import EDGES, RANGE, Phrase, Step, Vocabulary
from nlu.safety_words import fold, shortened, spelled


class LexiconError(ValueError):
    """A safety.yml cannot be used; the message names the file and the phrase."""


def load_lexicon(path: Path) -> Lexicon:
    """Read one safety.yml; raises LexiconError for anything in it that could not work."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)
        return _Reader(content).lexicon()
    except (OSError, yaml.YAMLError, LexiconError) as fault:
        raise LexiconError(f"{path}: {fault}") from fault


def _by_rarest(dangers: tuple[Danger, ...]) -> dict[int, tuple[int, Rules]]:
    rules: dict[int, list[tuple[Danger, Phrase]]] = defaultdict(list)
    for danger in dangers:
        for phrase in danger.phrases:
            rules[phrase.rarest].append((danger, phrase))
    return {bit: (number, tuple(rules[bit])) for number, bit in enumerate(rules)}


class _UniqueKeys(yaml.CSafeLoader):
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
        self._vocabulary = Vocabulary()
        self._read_steps: dict[str, Step] = {}
        self._read_rows: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._read_lists: dict[str, tuple[tuple[str, ...], ...]] = {}
        self._rewrites = {
            self._word(key): tuple(self._word(part) for part in str(value).split())
            for key, value in _mapping(self._content["rewrites"], "rewrites").items()
        }
        self._fillers = frozenset(map(self._word, self._strings("fillers")))
        self._breaks = frozenset(map(self._word, self._strings("breaks")))
        self._left_out = self._fillers | self._breaks
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
        by_rarest = _by_rarest(dangers)
        return Lexicon(
            language=_word(self._content["language"]),
            _vocabulary=self._vocabulary,
            _letters=self._letters,
            _rewrites={**self._rewrites, **dict.fromkeys(self._fillers, ())},
            _breaks=self._breaks - self._fillers,
            _slips=self._slips(),
            _dangers=by_rarest,
            _rarest=sum(by_rarest),
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
        return spelled(_word(value), self._letters)

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
            for variant in shortened(word):
                slips.setdefault(variant, set()).add(word)
        return {variant: frozenset(words) for variant, words in slips.items()}

    def _people(self) -> dict[str, Step]:
        people = _mapping(self._content["people"], "people")
        if set(people) != set(ROLES):
            raise LexiconError(f"people: wanted exactly {', '.join(ROLES)}")
        return {
            role: self._step("|".join(_strings(people[role], role)).replace(" ", "_"), role)
            for role in ROLES
        }

    def _times(self) -> dict[str, tuple[Phrase, ...]]:
        times = _mapping(self._content["times"], "times")
        if set(times) != set(TIMES):
            raise LexiconError(f"times: wanted exactly {', '.join(TIMES)}")
        return {t: self._phrases(times[t], f"times: {t}", allow_open=False) for t in TIMES}

    def _danger(self, group: Mapping[str, Any], signs: Mapping[str, object]) -> Danger:
        allowed = {"categories", "phrases", "who", "when", "needs", "unless"}
        _known(group, allowed, "dangers: key")
        categories = tuple(_strings(group.get("categories"), "dangers: categories"))
        _known(categories, (*CATEGORIES, SUICIDE), "dangers: category")
        who, when = group.get("who", "subject"), group.get("when", "unknown")
        _known((who,), WHO_CHOICES, "dangers: who")
        _known((when,), (*TIMES, "unknown"), "dangers: when")
        needs, unless = self._conditions(group, signs)
        phrases = self._phrases(group.get("phrases"), f"dangers: {categories}", allow_open=False)
        return Danger(categories, phrases, who, when, needs, unless)

    def _add(self, group: Mapping[str, Any], signs: Mapping[str, object]) -> Add:
        _known(group, {"category", "needs", "unless"}, "adds: key")
        _known((str(group.get("category")),), CATEGORIES, "adds: category")
        needs, unless = self._conditions(group, signs)
        return Add(str(group["category"]), needs, unless)

    def _conditions(
        self, group: Mapping[str, Any], signs: Mapping[str, object]
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        needs = tuple(_strings(group.get("needs", []), "needs", empty=True))
        unless = tuple(_strings(group.get("unless", []), "unless", empty=True))
        _known((*needs, *unless), signs, "sign")
        return needs, unless

    def _cancel(self, group: Mapping[str, Any]) -> Cancel:
        _known(group, {"reason", "categories", "phrases"}, "cancels: key")
        categories = frozenset(_strings(group.get("categories", []), "cancels", empty=True))
        _known(categories, (*CATEGORIES, SUICIDE), "cancels: category")
        reason = f"cancels: {group.get('reason')}"
        return Cancel(categories, self._phrases(group.get("phrases"), reason, allow_open=True))

    def _phrases(self, items: object, where: str, allow_open: bool) -> tuple[Phrase, ...]:
        sources = _strings(items, where)
        for source in sources:
            if sources.count(source) > 1:
                raise LexiconError(f"{where}: written twice: {source!r}")
        return tuple(self._phrase(source, where, allow_open) for source in sources)

    def _phrase(self, source: str, where: str, allow_open: bool) -> Phrase:
        where = f"{where}: {source!r}"
        steps: list[Step] = []
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
        return Phrase(tuple(steps), needs, rarest.start, any(map(self._says_not, steps)))

    def _says_not(self, step: Step) -> bool:
        bits = [step.single, *(bit for sequence in step.sequences for bit in sequence)]
        words = (self._vocabulary.members(bit) for bit in bits)
        return not step.forbidden and any(self._not_words & members for members in words)

    def _steps(self, part: str, where: str) -> list[Step]:
        if part.startswith("~"):
            if not part[1:].isdecimal() or not 0 < int(part[1:]) < 16:
                raise LexiconError(f"{where}: a gap is ~1 to ~15")
            return [Step(gap=int(part[1:]))]
        if part in EDGES:
            return [Step(edge=EDGES[part])]
        if part.startswith("^"):
            step = self._step(part[1:], where)
            return [replace(step, forbidden=True)]
        optional = part.endswith("?")
        part = part.removesuffix("?")
        if part.isalpha() and not optional:
            return [self._step(word, where) for word in self._kept((fold(part),))]
        step = self._step(part, where)
        return [replace(step, optional=optional)]

    def _kept(self, row: tuple[str, ...]) -> tuple[str, ...]:
        """``row`` as it stands in a text after fillers are dropped and spellings unified."""
        if row not in self._read_rows:
            self._read_rows[row] = self._unified(row)
        return self._read_rows[row]

    def _unified(self, row: tuple[str, ...]) -> tuple[str, ...]:
        unified = (spelled(word, self._letters) for word in row)
        kept = [w for w in unified if w and w not in self._left_out]
        return tuple(part for word in kept for part in self._rewrites.get(word, (word,)))

    def _step(self, part: str, where: str) -> Step:
        if part not in self._read_steps:
            self._read_steps[part] = self._read_step(part, where)
        return self._read_steps[part]

    def _read_step(self, part: str, where: str) -> Step:
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
        return Step(single, start, bits)

    def _listed(self, name: str, where: str) -> tuple[tuple[str, ...], ...]:
        """The words of a list, taken apart once."""
        if name not in self._read_lists:
            self._read_lists[name] = tuple(
                row
                for item in self._lists[name]
                for row in self._alternatives(item.replace(" ", "_"), where)
            )
        return self._read_lists[name]

    def _alternatives(self, part: str, where: str) -> Iterator[tuple[str, ...]]:
        for choice in part.split("|"):
            if choice.startswith("<") and choice.endswith(">"):
                if choice[1:-1] not in self._lists:
                    raise LexiconError(f"{where}: no list called {choice}")
                yield from self._listed(choice[1:-1], where)
                continue
            for form in _forms(choice):
                yield tuple(_pattern_word(word, where) for word in form.split("_"))


def _forms(choice: str) -> tuple[str, ...]:
    """Written together and apart where `+` allows both."""
    return (choice.replace("+", ""), choice.replace("+", "_")) if "+" in choice else (choice,)


def _pattern_word(word: str, where: str) -> str:
    pattern = _pattern(word)
    if pattern is None:
        raise LexiconError(f"{where}: {word!r} is not a word")
    return pattern


@cache
def _pattern(word: str) -> str | None:
    if RANGE.fullmatch(word):
        return word
    bare = _word(word.strip("*"))
    if not bare.isalnum() or word.count("*") > 1 or (len(bare) < 2 and "*" in word):
        return None
    return f"*{bare}" if word.startswith("*") else f"{bare}*" if word.endswith("*") else bare


def _word(value: object) -> str:
    return _folded(str(value))


@cache
def _folded(text: str) -> str:
    return fold(text)


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
