"""Who an entry is for: criteria as data, judged against what is known, with a trace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from knowledge.catalogue import Criterion, Service

Outcome = Literal["fits", "unknown", "excluded"]
Values = Mapping[str, str | int]


@dataclass(frozen=True)
class Facts:
    """What is known of a family. Empty or None means not known, never "no"."""

    municipality: str | None = None
    child_ages: tuple[int, ...] = ()
    relation: str | None = None
    needs: frozenset[str] = frozenset()
    already_has: frozenset[str] = frozenset()
    already_tried: frozenset[str] = frozenset()
    situation: frozenset[str] = frozenset()
    diagnoses: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Step:
    """One criterion and how it came out; `reason_id` is worded by the content files."""

    criterion: str
    outcome: Outcome
    reason_id: str
    values: Values = field(default_factory=dict)


@dataclass(frozen=True)
class Judgement:
    outcome: Outcome
    steps: tuple[Step, ...]


def judge(service: Service, facts: Facts) -> Judgement:
    """Judge one entry: excluded only by a known fact; what is unknown keeps the entry."""
    steps = tuple(_steps(service, facts))
    outcomes = {step.outcome for step in steps}
    if "excluded" in outcomes:
        return Judgement("excluded", steps)
    return Judgement("unknown" if "unknown" in outcomes else "fits", steps)


def _steps(service: Service, facts: Facts) -> Iterable[Step]:
    if service.minimum_age is not None or service.maximum_age is not None:
        yield _age_step(service, facts)
    if facts.relation == "child_self":
        yield _reader_step(service)
    if facts.already_has or facts.already_tried:
        yield _already_step(service, facts)
    for criterion in service.eligibility:
        yield _criterion_step(criterion, facts)


def _age_step(service: Service, facts: Facts) -> Step:
    """One child inside the limits is enough: the parent may write about several."""
    low, high = service.minimum_age, service.maximum_age
    values = {k: v for k, v in (("minimum", low), ("maximum", high)) if v is not None}
    inside = any(
        (low is None or age >= low) and (high is None or age <= high) for age in facts.child_ages
    )
    return _step("age", _known(bool(facts.child_ages), inside), values)


def _reader_step(service: Service) -> Step:
    """A child who writes is not sent to what only a parent can take part in."""
    for_child = any(who in ("child", "sibling", "family") for who in service.for_whom)
    return _step("for_whom", "fits" if for_child else "excluded", {})


def _already_step(service: Service, facts: Facts) -> Step:
    """What the family has, tried or was refused is not offered again (the entry's main kind)."""
    main = service.kinds[0]
    known = facts.already_has | facts.already_tried
    return _step("already_has", "excluded" if main in known else "fits", {"kind": main})


def _criterion_step(criterion: Criterion, facts: Facts) -> Step:
    known = _values_of(criterion.fact, facts)
    outcome: Outcome
    if any(_matches(criterion.fact, accepted, known) for accepted in criterion.is_none):
        outcome = "excluded"
    elif not criterion.is_any:
        # what was never said may still be so: only a full answer tells that it is not
        outcome = "fits" if known and _is_complete(criterion.fact) else "unknown"
    else:
        found = any(_matches(criterion.fact, accepted, known) for accepted in criterion.is_any)
        complete = bool(known) and _is_complete(criterion.fact)
        outcome = "fits" if found else _known(complete, False)
    return _step(criterion.fact, outcome, {"accepted": ", ".join(criterion.is_any)})


def _is_complete(fact: str) -> bool:
    """Needs and earlier support are told bit by bit; a missing one is unknown, not absent."""
    return fact in ("child_age", "relation", "lives_in")


def _values_of(fact: str, facts: Facts) -> frozenset[str]:
    match fact:
        case "child_age":
            return frozenset(str(age) for age in facts.child_ages)
        case "relation":
            return frozenset((facts.relation,) if facts.relation else ())
        case "lives_in":
            return frozenset((facts.municipality,) if facts.municipality else ())
        case "need":
            return facts.needs
        case "situation":
            return facts.situation
        case "diagnosis":
            return facts.diagnoses
        case "already_tried":
            return facts.already_tried
        case _:
            return facts.already_has


def _matches(fact: str, accepted: str, known: frozenset[str]) -> bool:
    """An accepted age is a year ("7") or a span ("6-16"); everything else is an id."""
    if fact != "child_age":
        return accepted in known
    low, _, high = accepted.partition("-")
    return any(int(low) <= int(age) <= int(high or low) for age in known)


def _known(known: bool, inside: bool) -> Outcome:
    return "unknown" if not known else "fits" if inside else "excluded"


def _step(criterion: str, outcome: Outcome, values: Values) -> Step:
    return Step(criterion, outcome, f"trace_{criterion}_{outcome}", values)
