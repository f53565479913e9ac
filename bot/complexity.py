"""The only place a level comes from: points from signals, each shown with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

POLICY = Path(__file__).parent / "content" / "policy" / "complexity.yml"
Level = Literal["information", "guide", "coordinator", "acute"]
Thresholds = Mapping[Literal["guide", "coordinator"], int]
# How a message reads (nlu/danger.py); a coordinator's case is also a signal with a reason in words.
READS_QUESTION, READS_GUIDE = "reads_information", "reads_guide"
READS_COORDINATOR = "reads_coordinator"
READS_MORE = frozenset({READS_GUIDE, READS_COORDINATOR})
LEVELS: tuple[Level, ...] = ("information", "guide", "coordinator", "acute")


@dataclass(frozen=True, slots=True)
class Case:
    """What is known so far; `months` is how long it has gone on, `coping` 1 (well) to 5 (not).

    `before` is the level last told to the parent, `chosen` the one she chose herself.
    """

    needs: Sequence[str] = ()
    signals: Sequence[str] = ()
    actors: Sequence[str] = ()
    refused: Sequence[str] = ()
    months: int | None = None
    coping: int | None = None
    is_acute: bool = False
    before: Level | None = None
    chosen: Level | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    """One observed reason for a level."""

    id: str
    points: int


@dataclass(frozen=True, slots=True)
class Assessment:
    """The level with every reason behind it."""

    level: Level
    signals: tuple[Signal, ...]
    same_day: bool = False
    is_chosen: bool = False

    @property
    def points(self) -> int:
        """The sum of the points, as it can be counted from the reasons."""
        return sum(signal.points for signal in self.signals)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Floor(_Model):
    level: Level
    same_day: bool = False


class Complexity(_Model):
    """The policy (`bot/content/policy/complexity.yml`)."""

    thresholds: Thresholds
    thresholds_of_a_question: Thresholds
    thresholds_of_a_worry: Thresholds
    margins_down: Thresholds
    derived: Mapping[str, Mapping[str, int]]
    points: Mapping[str, int]
    need_signals: Mapping[str, str]
    floors: Mapping[str, _Floor]

    @classmethod
    def load(cls, path: Path = POLICY) -> Complexity:
        return cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))

    def assess(self, case: Case) -> Assessment:
        """The level of a case. Acute comes from the danger check alone, never from points.

        What the parent chose comes before the points: she knows her family, points do not.
        """
        signals = tuple(Signal(name, self.points[name]) for name in self._observed(case))
        floors = [self.floors[need] for need in case.needs if need in self.floors]
        same_day = any(floor.same_day for floor in floors)
        if case.is_acute:
            return Assessment("acute", signals, same_day=True)
        if case.chosen is not None:
            return Assessment(case.chosen, signals, same_day, is_chosen=True)
        answered = sum(signal.points for signal in signals if signal.id in self.derived)
        total = sum(signal.points for signal in signals)
        is_question = self._is_question(case)
        levels: list[Level] = [self._by_points(total, self._thresholds(case), case.before)]
        levels.append(self._by_points(answered, self.thresholds, case.before))
        if READS_GUIDE in case.signals:
            levels.append("guide")
        if not is_question:
            levels += [floor.level for floor in floors]
        return Assessment(max(levels, key=LEVELS.index), signals, same_day)

    def _thresholds(self, case: Case) -> Thresholds:
        """What was said in passing counts for less where the whole message has been read."""
        if self._is_question(case):
            return self.thresholds_of_a_question
        reads_worry = READS_GUIDE in case.signals and READS_COORDINATOR not in case.signals
        return self.thresholds_of_a_worry if reads_worry else self.thresholds

    @staticmethod
    def _is_question(case: Case) -> bool:
        """Nothing the parent wrote reads as more than a question."""
        return READS_QUESTION in case.signals and not READS_MORE & set(case.signals)

    def _by_points(self, points: int, thresholds: Thresholds, before: Level | None) -> Level:
        levels: tuple[Literal["coordinator", "guide"], ...] = ("coordinator", "guide")
        for level in levels:
            was_told = before is not None and LEVELS.index(before) >= LEVELS.index(level)
            margin = self.margins_down[level] if was_told and before != "acute" else 0
            if points >= thresholds[level] - margin:
                return level
        return "information"

    def _observed(self, case: Case) -> Iterator[str]:
        said = {s for s in case.signals if s in self.points}
        if case.months is not None:
            said.discard("stuck_long")  # how long it is outranks how it was put
        from_needs = {self.need_signals[need] for need in case.needs if need in self.need_signals}
        derived = {name for name, rule in self.derived.items() if _holds(rule, case)}
        for name in self.points:
            if name in said | from_needs | derived:
                yield name


def _holds(rule: Mapping[str, int], case: Case) -> bool:
    actors = len(set(case.actors) - {"nobody"})
    facts: dict[str, Callable[[int], bool]] = {
        "actors_at_least": lambda n: actors >= n,
        "actors_exactly": lambda n: actors == n,
        "months_at_least": lambda n: case.months is not None and case.months >= n,
        "coping_at_least": lambda n: case.coping is not None and case.coping >= n,
        "refused_at_least": lambda n: len(set(case.refused)) >= n,
    }
    return all(facts[name](bound) for name, bound in rule.items())
