"""One detail found in a message, and what every reader of details needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DATA = Path(__file__).parent / "data"
OLDEST_CHILD = 25
OLDEST_SELF = 17  # "I am 16": a child who writes
OLDEST_BARE_NUMBER, YOUNGEST_BARE_NUMBER = 20, 6  # lower ones may answer a question of scale
STAGES = {1: "low", 2: "low", 3: "low", 4: "middle", 5: "middle", 6: "middle"}  # later: high


@dataclass(frozen=True)
class Entity:
    """One detail; `start` and `end` are positions in the text that was read."""

    name: str
    value: Any
    start: int
    end: int


def overlaps(entity: Entity, spans: Iterable[tuple[int, int]]) -> bool:
    """Whether the entity shares a character with one of the spans."""
    return any(entity.start < end and entity.end > start for start, end in spans)


def any_of(words: Iterable[Any]) -> str:
    """A group of alternatives for a regular expression, the longest first."""
    escaped = sorted((re.escape(str(word)) for word in words), key=len, reverse=True)
    return "(?:" + "|".join(escaped) + ")"


def read_data(name: str) -> Mapping[str, Any]:
    """A file below `nlu/data`, e.g. `fi/entities.yml`."""
    with (DATA / name).open(encoding="utf-8") as file:
        content: Mapping[str, Any] = yaml.load(file, Loader=yaml.CSafeLoader)
    return content
