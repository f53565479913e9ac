"""The case as the slots hold it: merged from what was said, read by the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.complexity import Case
from bot.engine.compile import REFUSALS, Policy
from nlu.pipeline import Understanding

# Slots that grow with every message; their value is given whole each time.
LISTS = ("signals", "actors", "tried", "refused")
_ENTITY_FOR_LIST = {"actors": "actor", "tried": "tried", "refused": "refused"}
_SINGLE = ("how_long", "relation", "coping")
SURE = 0.5
# Intents in which the parent asks something: what is named there is not part of her case.
ASKING = frozenset(
    [
        "ask_who",
        "ask_stored",
        "ask_secrecy",
        "ask_cost",
        "ask_sip",
        "ask_time",
        "change_language",
        "delete_all",
    ]
)


def entities_of(
    understanding: Understanding,
    slots: Mapping[str, Any],
    policy: Policy,
    seq: int,
    *,
    may_start: bool,
) -> dict[str, Any]:
    """What a text adds to the case, as entities for the engine.

    `may_start` is true where no other question is open, so that the needs may choose a path.
    """
    if understanding.intent in ASKING:
        return {}
    found: dict[str, list[Any]] = {}
    for entity in understanding.entities:
        found.setdefault(entity.name, []).append(entity.value)
    entities: dict[str, Any] = {}
    for slot in LISTS:
        said = understanding.signals if slot == "signals" else found.get(_ENTITY_FOR_LIST[slot], [])
        if said:
            entities[slot] = _joined(_as_list(slots.get(slot)), said)
    if entities.get("actors") == ["school"] and slots.get("requested_slot") != "actors":
        # "Does not go to school" names a place; who is involved is still to be asked.
        del entities["actors"]
    for slot in _SINGLE:
        if slot in found:
            entities[slot] = found[slot][-1]
    if "child_age" in found:
        entities["child_age"] = (
            found["child_age"] if len(found["child_age"]) > 1 else found["child_age"][0]
        )
    if understanding.intent in ("tell", "unclear"):
        entities.update(_story(understanding, slots, policy, seq, may_start))
    return entities


def _story(
    understanding: Understanding,
    slots: Mapping[str, Any],
    policy: Policy,
    seq: int,
    may_start: bool,
) -> dict[str, Any]:
    needs = {need.id: need.score for need in understanding.needs if need.id != "unclear"}
    known: dict[str, float] = dict(slots.get("needs") or {})
    merged = {need: max(score, known.get(need, 0.0)) for need, score in {**known, **needs}.items()}
    entities: dict[str, Any] = {"story": _joined(_as_list(slots.get("story")), [seq])}
    if merged:
        entities["needs"] = merged
    if may_start and understanding.intent == "tell":
        strongest_first = sorted(needs, key=lambda need: -needs[need])
        entities["path"] = policy.path_for(strongest_first) or "other"
    return entities


def case_of(slots: Mapping[str, Any], *, is_acute: bool = False) -> Case:
    """The facts of the case for the level engine."""
    months, coping = slots.get("how_long"), slots.get("coping")
    return Case(
        needs=strongest_needs(slots),
        signals=_as_list(slots.get("signals")),
        actors=_as_list(slots.get("actors")),
        refused=_as_list(slots.get("refused")),
        months=months if isinstance(months, int) else None,
        coping=coping if isinstance(coping, int) else None,
        is_acute=is_acute,
    )


def strongest_needs(slots: Mapping[str, Any]) -> list[str]:
    """Need ids, strongest first."""
    needs: dict[str, float] = slots.get("needs") or {}
    return sorted(needs, key=lambda need: -needs[need])


def _clear_needs(slots: Mapping[str, Any]) -> list[str]:
    """The needs sure enough to be said back: the strongest, and others above even odds."""
    needs: dict[str, float] = slots.get("needs") or {}
    strongest = strongest_needs(slots)[:3]
    return [need for n, need in enumerate(strongest) if n == 0 or needs[need] >= SURE]


def child_ages(slots: Mapping[str, Any]) -> tuple[int, ...]:
    """Known ages in years; an answered age band counts by its ends."""
    value = slots.get("child_age")
    ages = value["band"] if isinstance(value, dict) else _as_list(value)
    return tuple(age for age in ages if isinstance(age, int))


def facts_of(slots: Mapping[str, Any]) -> dict[str, Any]:
    """What a card or a brief says of the case: ids and numbers, no words and no names."""
    case = case_of(slots)
    return {
        "needs": _clear_needs(slots),
        "child_ages": list(child_ages(slots)),
        "age_is_band": isinstance(slots.get("child_age"), dict),
        "months": case.months,
        "actors": list(case.actors),
        "refused": list(case.refused),
        "coping": case.coping,
    }


def _as_list(value: Any) -> list[Any]:
    if value is None or value in REFUSALS:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _joined(known: Iterable[Any], said: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys([*known, *said]))
