"""How suggestions are chosen for showing: few, first steps marked, a plan B, no wait for diagnosis.

The data stand in `content/policy/cards.yml` and `plan_b.yml`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from knowledge.catalogue import Service

_FOLDER = Path(__file__).parent / "content" / "policy"
CARDS, PLAN_B = _FOLDER / "cards.yml", _FOLDER / "plan_b.yml"
# A need that surely holds; below it, nothing is said because of the need.
SURE = 0.5


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _FirstSteps(_Model):
    most: int
    not_by: list[str]


class _NoDiagnosis(_Model):
    needs: list[str]
    kinds: list[str]


class _MustReport(_Model):
    needs: list[str]


class CardPolicy(_Model):
    """The policy of the cards (`content/policy/cards.yml`)."""

    most: int
    first_steps: _FirstSteps
    no_diagnosis: _NoDiagnosis
    must_report: _MustReport

    def first_of(self, services: Sequence[Service]) -> list[str]:
        """The ids of the entries to begin with, in order."""
        fitting = [s.id for s in services if s.access_path not in self.first_steps.not_by]
        return fitting[: self.first_steps.most]

    def open_without_diagnosis(
        self, services: Sequence[Service], needs: Mapping[str, float]
    ) -> Service | None:
        """The first entry that helps before a diagnosis, where the case may be waiting for one."""
        if not holds_any(needs, self.no_diagnosis.needs):
            return None
        return next((s for s in services if self._needs_none(s)), None)

    def says_must_report(self, needs: Mapping[str, float]) -> bool:
        """Whether what staff must report is to be said before anything else is told."""
        return holds_any(needs, self.must_report.needs)

    def _needs_none(self, service: Service) -> bool:
        asks = any(criterion.fact == "diagnosis" for criterion in service.eligibility)
        return service.kinds[0] in self.no_diagnosis.kinds and not asks


class PlanB(_Model):
    """What to do after a no, per entry (`content/policy/plan_b.yml`)."""

    by_kind: dict[str, str]
    by_access_path: dict[str, str]
    default: str
    silent: list[str]

    def of(self, service: Service) -> str | None:
        """The text id of an entry's plan B; None where nobody says no."""
        found = self.by_kind.get(service.kinds[0])
        found = found or self.by_access_path.get(service.access_path, self.default)
        return None if found in self.silent else found

    def texts(self) -> frozenset[str]:
        """Every text id the policy names."""
        return frozenset([*self.by_kind.values(), *self.by_access_path.values(), self.default])


@lru_cache
def card_policy() -> CardPolicy:
    """The policy of the cards, read once."""
    return CardPolicy.model_validate(yaml.safe_load(CARDS.read_text(encoding="utf-8")))


@lru_cache
def plan_b() -> PlanB:
    """The policy of the plans B, read once."""
    return PlanB.model_validate(yaml.safe_load(PLAN_B.read_text(encoding="utf-8")))


def holds_any(needs: Mapping[str, float], wanted: Sequence[str], sure: float = SURE) -> bool:
    """Whether a case surely holds one of the needs."""
    return any(needs.get(need, 0.0) >= sure for need in wanted)


def tried_kinds(services: Mapping[str, Service], slots: Mapping[str, Any]) -> list[str]:
    """What the family has tried, with the main kinds of the entries it says so of."""
    known = slots.get("tried")
    kinds = [kind for kind in known if kind != "nothing"] if isinstance(known, list) else []
    named = [i for i in slots.get("tried_services") or [] if i in services]
    return list(dict.fromkeys([*kinds, *(services[i].kinds[0] for i in named)]))
