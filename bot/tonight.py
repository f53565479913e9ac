"""A parent who cannot be there tonight, and nobody for the child: when to give the number first."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from bot.suggestions import holds_any

POLICY = Path(__file__).parent / "content" / "policy" / "tonight.yml"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Case(_Model):
    needs: list[str]
    signals: list[str] = []
    actors: list[str] = []
    entries: list[str] = []


class Tonight(_Model):
    """The policy (`content/policy/tonight.yml`)."""

    sure: float
    first: int
    cases: list[_Case]
    lines: list[str]

    def is_possible(self, slots: Mapping[str, Any]) -> bool:
        """Whether a case could hold, once what support fits is known."""
        return any(self._holds(case, slots, case.entries) for case in self.cases)

    def holds(self, slots: Mapping[str, Any], entries: list[str]) -> bool:
        """Whether a case holds; `entries` are the ids that fit best, best first."""
        return any(self._holds(case, slots, entries[: self.first]) for case in self.cases)

    def _holds(self, case: _Case, slots: Mapping[str, Any], entries: list[str]) -> bool:
        if not holds_any(slots.get("needs") or {}, case.needs, self.sure):
            return False
        wanted = (case.signals, "signals"), (case.actors, "actors")
        said = all(_shares(names, slots.get(slot)) for names, slot in wanted if names)
        return said and (not case.entries or _shares(case.entries, entries))


def _shares(names: list[str], said: Any) -> bool:
    return isinstance(said, list | tuple) and bool(set(names) & set(said))


@lru_cache
def tonight() -> Tonight:
    """The policy, read once."""
    return Tonight.model_validate(yaml.safe_load(POLICY.read_text(encoding="utf-8")))
