"""Checklists for changes on the way: new stage of school, 18 years, a new municipality."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field

from bot.case import child_ages
from bot.tools.basis import Basis, Kept
from bot.tools.sheet import Part, Sheet

POLICY = Path(__file__).parents[1] / "content" / "policy" / "transitions.yml"


class Checklist(BaseModel):
    """One change: the ages it concerns first (from and to, or none) and its items."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    ages: list[int] = Field(max_length=2)
    items: list[str] = Field(min_length=1)


class KeptTransitions(Kept):
    """Ticks, by checklist."""

    done: dict[str, list[str]] = Field(default_factory=dict)


def in_order(basis: Basis) -> list[str]:
    """Every checklist, those for the child's age first."""
    ages = child_ages(basis.slots)

    def is_far(name: str) -> bool:
        span = checklists()[name].ages
        return not any(span and span[0] <= age <= span[1] for age in ages)

    return sorted(checklists(), key=is_far)


def tick(basis: Basis, name: str, done: list[str]) -> KeptTransitions:
    """What is kept, with these ticks of one list. Raises KeyError for an unknown list."""
    known = checklists()[name].items
    kept = basis.read("transitions", KeptTransitions)
    ticks = [item for item in known if item in done]
    return KeptTransitions(done={**kept.done, name: ticks})


def done_of(basis: Basis, name: str) -> list[str]:
    """The items of a list that are done."""
    return basis.read("transitions", KeptTransitions).done.get(name, [])


def word(basis: Basis, name: str, part: str) -> str:
    """A text of a checklist."""
    return basis.content.text(basis.language, f"transition_{name}_{part}")


def sheet(basis: Basis, name: str) -> Sheet:
    """One checklist on paper. Raises KeyError for an unknown list."""
    items = {item: word(basis, name, item) for item in checklists()[name].items}
    done = [items[item] for item in done_of(basis, name) if item in items]
    part = Part(
        basis.say("transitions_items"),
        items=list(items.values()),
        ticked=done,
        is_checklist=True,
    )
    title, lead = word(basis, name, "title"), word(basis, name, "lead")
    return Sheet(title, lead, [part], basis.say("transitions_foot"))


@lru_cache
def checklists() -> Mapping[str, Checklist]:
    """Every checklist by id, in the order of the child's life."""
    raw = yaml.safe_load(POLICY.read_text(encoding="utf-8"))
    return {name: Checklist.model_validate(entry) for name, entry in raw.items()}
