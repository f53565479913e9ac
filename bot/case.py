"""The case as the slots hold it: merged from what was said, read by the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from bot.complexity import Case
from bot.engine.compile import REFUSALS, Policy
from nlu.pipeline import Understanding

SUGGESTIONS = Path(__file__).parent / "content" / "policy" / "suggestions.yml"
# Slots that grow with every message; their value is given whole each time.
LISTS = ("signals", "actors", "tried", "refused")
_ENTITY_FOR_LIST = {"actors": "actor", "tried": "tried", "refused": "refused"}
_SINGLE = ("how_long", "relation", "coping")
SURE = 0.6  # probability; below it a need is searched with, but not said to the parent
LONG_ANSWER = 7  # words; a shorter text can be just the answer to a question
LONG_CORRECTION = 12  # words
FACTS = frozenset({"child_age", "how_long", "actors", "refused", "tried", "coping"})
# Ages in years of the Swedish school stages.
STAGE_AGES = {
    "preschool": (1, 5),
    "forskoleklass": (6, 6),
    "low": (7, 9),
    "middle": (10, 12),
    "high": (13, 15),
    "gymnasium": (16, 18),
}
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
    words: int = LONG_ANSWER,
) -> dict[str, Any]:
    """What a text of so many words adds to the case, as entities for the engine.

    `may_start` is true where no other question is open, so that the needs may choose a path.
    """
    found: dict[str, list[Any]] = {}
    for entity in understanding.entities:
        found.setdefault(entity.name, []).append(entity.value)
    asked = str(slots.get("requested_slot"))
    entities: dict[str, Any] = _details(understanding, found, slots)
    if asked in FACTS & set(entities) and words < LONG_ANSWER:
        # "10 years" answers the question that is open and no other; it tells no new need.
        return {asked: entities[asked]}
    if understanding.intent in ASKING:
        return {}
    if understanding.intent == "tell":
        entities.update(_story(understanding, slots, policy, seq, may_start))
    return entities


def _details(
    understanding: Understanding, found: Mapping[str, list[Any]], slots: Mapping[str, Any]
) -> dict[str, Any]:
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
    if ages := found.get("child_age"):
        entities["child_age"] = ages if len(ages) > 1 else ages[0]
    elif stages := [STAGE_AGES[s] for s in found.get("school_stage", []) if s in STAGE_AGES]:
        entities["child_age"] = {"band": list(stages[-1])}
    return entities


def _story(
    understanding: Understanding,
    slots: Mapping[str, Any],
    policy: Policy,
    seq: int,
    may_start: bool,
) -> dict[str, Any]:
    """The needs told. In the middle of the questions only those that are sure count."""
    told = {need.id: need.score for need in understanding.needs if need.id != "unclear"}
    if not may_start:
        told = {need: score for need, score in told.items() if score >= SURE}
    known: dict[str, float] = dict(slots.get("needs") or {})
    merged = {need: max(score, known.get(need, 0.0)) for need, score in {**known, **told}.items()}
    entities: dict[str, Any] = {"story": _joined(_as_list(slots.get("story")), [seq])}
    if merged:
        entities["needs"] = merged
    if may_start:
        strongest_first = sorted(told, key=lambda need: -told[need])
        entities["path"] = policy.path_for(strongest_first) or "other"
    return entities


def is_correction(understanding: Understanding, entities: Mapping[str, Any], words: int) -> bool:
    """A short message that changes a known fact and tells nothing new for sure."""
    is_sure = any(need.score >= SURE and need.id != "unclear" for need in understanding.needs)
    return words < LONG_CORRECTION and not is_sure and bool(FACTS & set(entities))


def case_of(slots: Mapping[str, Any], *, is_acute: bool = False) -> Case:
    """The facts of the case for the level engine."""
    months, coping = slots.get("how_long"), slots.get("coping")
    return Case(
        needs=_clear_needs(slots),
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
    """The needs sure enough to be said back and to count: the strongest, and others if sure."""
    needs: dict[str, float] = slots.get("needs") or {}
    strongest = strongest_needs(slots)[:3]
    return [need for n, need in enumerate(strongest) if n == 0 or needs[need] >= SURE]


def kinds_to_avoid(slots: Mapping[str, Any]) -> frozenset[str]:
    """Kinds of service that are not to be suggested: had, tried, or not for such a case."""
    policy, needs = _suggestions(), set(strongest_needs(slots))
    actors = [*_as_list(slots.get("actors")), *_as_list(slots.get("tried"))]
    had = [kind for actor in actors for kind in policy["already_has"].get(actor, [])]
    unfit = [kind for kind, only in policy["only_for"].items() if not needs & set(only)]
    return frozenset([*had, *_as_list(slots.get("tried")), *unfit])


@lru_cache
def _suggestions() -> dict[str, dict[str, list[str]]]:
    content: dict[str, dict[str, list[str]]] = yaml.safe_load(
        SUGGESTIONS.read_text(encoding="utf-8")
    )
    return content


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
