"""The case as the slots hold it: merged from what was said, read by the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from bot import children
from bot.complexity import Case
from bot.engine.branching import EMPTY, SURE, is_known
from bot.engine.compile import Policy
from bot.questions import HOW_IT_GOES

if TYPE_CHECKING:
    from nlu.pipeline import Understanding

SUGGESTIONS = Path(__file__).parent / "content" / "policy" / "suggestions.yml"
# Slots that grow with every message; their value is given whole each time.
LISTS = ("signals", "actors", "tried", "refused")
_ENTITY_FOR_LIST = {"actors": "actor", "tried": "tried", "refused": "refused"}
_SINGLE = ("how_long", "relation", "coping")
# What nobody may be told to have said unless it is sure; below it is searched with all the same.
GRAVE = frozenset({"suicide_selfharm_child", "violence_in_family", "missing_child"})
GRAVELY_SURE = 0.9  # probability
AGENDA_SURE = 0.7  # probability; from it a need is worth a place of its own on the agenda
LONG_ANSWER = 7  # words; a shorter text can be just the answer to a question
LONG_CORRECTION = 12  # words
OF_LATER = 0.5  # weight of needs that are not what matters most now
FACTS = frozenset(
    [*children.SLOTS, "child_count", "how_long", "actors", "refused", "tried", "coping"]
)
# What is wished in passing → the answer it gives to what makes it easier for the parent.
OWN_NEEDS = {
    "evening": "evening", "language": "interpreter", "no_phone": "write", "written": "write",
    "female_guide": "woman",
}  # fmt: skip
# A question about this service; beside a need of the family it is no matter of its own.
META, FEAR = "privacy_secrecy_meta", "contact_fear_social_services"
# Needs that one path takes together; they are no agenda.
TAKES_ALL = "coordination_overload"
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


@dataclass(frozen=True, slots=True)
class Marks:
    """What the words around a fact say of it."""

    negated: bool = False
    oldest: bool = False
    youngest: bool = False


NO_MARKS = Marks()

# Who writes shows in what is told at first; "no, he is 12" makes no parent a child.
WHO_WRITES = frozenset({"youth_self_disclosure", "third_party_concern"})


def entities_of(
    understanding: Understanding,
    slots: Mapping[str, Any],
    policy: Policy,
    seq: int,
    *,
    may_start: bool,
    words: int = LONG_ANSWER,
    marks: Marks = NO_MARKS,
) -> dict[str, Any]:
    """What a text of so many words adds to the case, as entities for the engine.

    `may_start` is true where no other question is open, so that the needs may choose a path.
    """
    found: dict[str, list[Any]] = {}
    for entity in understanding.entities:
        found.setdefault(entity.name, []).append(entity.value)
    asked = str(slots.get("requested_slot"))
    entities: dict[str, Any] = _details(understanding, found, slots, marks)
    if asked in FACTS & set(entities) and words < LONG_ANSWER:
        # "10 years" answers the question that is open and no other; it tells no new need.
        ages = (*children.SLOTS, "child_count") if asked in children.SLOTS else ()
        goes = HOW_IT_GOES if asked == "actors" else ()
        return {name: entities[name] for name in (asked, *ages, *goes) if name in entities}
    if understanding.intent in ASKING:
        return {}
    if understanding.intent == "tell":
        is_remark = words < LONG_ANSWER and not may_start
        unheard = WHO_WRITES if is_remark else frozenset()
        entities.update(_story(understanding, slots, policy, seq, may_start, unheard))
    return entities


def _details(
    understanding: Understanding,
    found: Mapping[str, list[Any]],
    slots: Mapping[str, Any],
    marks: Marks,
) -> dict[str, Any]:
    entities: dict[str, Any] = {}
    for slot in LISTS:
        said = understanding.signals if slot == "signals" else found.get(_ENTITY_FOR_LIST[slot], [])
        known = _as_list(slots.get(slot))
        if said and marks.negated and slot != "signals" and set(said) & set(known):
            # "Not BUP" takes back what was said of BUP.
            entities[slot] = [item for item in known if item not in said] or None
        elif said:
            entities[slot] = _joined([item for item in known if item not in EMPTY], said)
    if entities.get("actors") == ["school"] and slots.get("requested_slot") != "actors":
        # "Does not go to school" names a place; who is involved is still to be asked.
        del entities["actors"]
    for slot in _SINGLE:
        if slot in found:
            entities[slot] = found[slot][-1]
    entities.update(_wishes(found.get("wish", []), slots))
    entities.update(_states(found.get("actor_state", []), {**slots, **entities}))
    if counts := found.get("child_count"):
        entities["child_count"] = max(1, min(children.MOST, int(counts[-1])))
    if ages := found.get("child_age"):
        entities.update(children.told(list(dict.fromkeys(ages)), slots, **asdict(marks)))
    elif stages := [STAGE_AGES[s] for s in found.get("school_stage", []) if s in STAGE_AGES]:
        asked = slots.get("requested_slot")
        entities[asked if asked in children.SLOTS else "child_age"] = {"band": list(stages[-1])}
    return entities


def _wishes(said: Sequence[str], slots: Mapping[str, Any]) -> dict[str, Any]:
    """What makes it easier for the parent, wished in passing."""
    wishes = [OWN_NEEDS[wish] for wish in said if wish in OWN_NEEDS]
    return {"own_needs": _joined(_named(slots, "own_needs"), wishes)} if wishes else {}


def _states(said: Sequence[Mapping[str, str]], slots: Mapping[str, Any]) -> dict[str, Any]:
    """How it goes with those who are involved, where that was told along with them."""
    actors = _named(slots, "actors")
    places = dict(zip(actors, HOW_IT_GOES, strict=False))
    return {
        places[state["actor"]]: {"actor": state["actor"], "how": state["state"]}
        for state in said
        if state["actor"] in places
    }


def _story(
    understanding: Understanding,
    slots: Mapping[str, Any],
    policy: Policy,
    seq: int,
    may_start: bool,
    unheard: frozenset[str],
) -> dict[str, Any]:
    """The needs told. In the middle of the questions only those that are sure count."""
    passed_over = {"unclear", *unheard}
    is_danger = understanding.safety.acute and understanding.safety.sure
    told = {
        need.id: need.score if is_danger else _as_sure_as_grave(need.id, need.score)
        for need in understanding.needs
        if need.id not in passed_over
    }
    if not may_start:
        told = {need: score for need, score in told.items() if score >= SURE}
    known: dict[str, float] = dict(slots.get("needs") or {})
    merged = {need: max(score, known.get(need, 0.0)) for need, score in {**known, **told}.items()}
    if any(score >= SURE for need, score in merged.items() if need not in (META, FEAR)):
        merged.pop(META, None)
    entities: dict[str, Any] = {"story": _joined(_as_list(slots.get("story")), [seq])}
    if merged:
        entities["needs"] = merged
    if may_start:
        strongest_first = sorted(told, key=lambda need: -told[need])
        entities["path"] = policy.path_for(strongest_first) or "other"
    return entities


def _as_sure_as_grave(need: str, score: float) -> float:
    """A grave need that is only likely is not said back: crying in bed is no wish to die."""
    return min(score, SURE - 0.01) if need in GRAVE and score < GRAVELY_SURE else score


def agenda_of(needs: Mapping[str, float], policy: Policy, urgent: Sequence[str]) -> list[str]:
    """The sure needs of one message that are each a matter of their own, the urgent first.

    Empty where they are one matter, or one path takes them all. `urgent` are needs that a person
    should see the same day.
    """
    if needs.get(TAKES_ALL, 0.0) >= SURE:
        return []
    sure = [need for need, score in needs.items() if score >= AGENDA_SURE]
    sure.sort(key=lambda need: (need not in urgent, -needs[need]))
    by_matter: dict[int, str] = {}
    for need in sure:
        matter = next((n for n, together in enumerate(policy.matters) if need in together), None)
        if matter is not None:
            by_matter.setdefault(matter, need)
    return list(by_matter.values()) if len(by_matter) > 1 else []


def is_correction(understanding: Understanding, entities: Mapping[str, Any], words: int) -> bool:
    """A short message that changes a known fact and tells nothing new for sure."""
    is_sure = any(need.score >= SURE and need.id != "unclear" for need in understanding.needs)
    return words < LONG_CORRECTION and not is_sure and bool(FACTS & set(entities))


def case_of(slots: Mapping[str, Any], *, is_acute: bool = False) -> Case:
    """The facts of the case for the level engine."""
    months, coping = slots.get("how_long"), slots.get("coping")
    return Case(
        needs=_clear_needs(slots),
        signals=_joined(_as_list(slots.get("signals")), _signals_answered(slots)),
        actors=_as_list(slots.get("actors")),
        refused=_as_list(slots.get("refused")),
        months=months if isinstance(months, int) else None,
        coping=coping if isinstance(coping, int) else None,
        is_acute=is_acute,
        before=slots.get("level"),
        chosen=slots.get("level_choice"),
    )


def _signals_answered(slots: Mapping[str, Any]) -> list[str]:
    """The signals that the choices made tell of."""
    told = []
    for name, values in _choice_signals().items():
        answers = _as_list(slots.get(name))
        told += [signal for value, signal in values.items() if value in answers]
    return told


@lru_cache
def _choice_signals() -> dict[str, dict[Any, str]]:
    return {
        name: {c.value: c.signal for c in question.choices if c.signal}
        for name, question in Policy.load().questions.items()
        if any(choice.signal for choice in question.choices)
    }


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
    """Known ages in years of the children it is about; an answered age band counts by its ends."""
    return children.years(slots, in_focus=True)


def weighted_needs(slots: Mapping[str, Any]) -> dict[str, float]:
    """The needs to search with: what is taken now, or matters most, before the rest."""
    needs: dict[str, float] = slots.get("needs") or {}
    first = slots.get("agenda_first")
    chosen = {first} if first in needs else set(_as_list(slots.get("priority"))) & set(needs)
    if not chosen:
        return dict(needs)
    return {need: s if need in chosen else s * OF_LATER for need, s in needs.items()}


def facts_of(slots: Mapping[str, Any]) -> dict[str, Any]:
    """What a card or a brief says of the case: ids and numbers, no words and no names."""
    case = case_of(slots)
    return {
        "needs": _clear_needs(slots),
        "child_ages": list(children.years(slots)),
        "children": children.facts(slots),
        "months": case.months,
        "actors": list(case.actors),
        "refused": list(case.refused),
        "coping": case.coping,
        "how_it_goes": how_it_goes(slots),
        "life_areas": _as_list(slots.get("life_areas")),
        "works_well": _named(slots, "works_well"),
        "tried": _named(slots, "tried"),
        "own_needs": _named(slots, "own_needs"),
        "priority": _as_list(slots.get("priority")),
    }


def how_it_goes(slots: Mapping[str, Any]) -> dict[str, str]:
    """Actor → works, less_well, missing or conflict, for those that are still involved."""
    actors = _as_list(slots.get("actors"))
    answers = [slots.get(name) for name in HOW_IT_GOES]
    told = [answer for answer in answers if isinstance(answer, dict) and answer["actor"] in actors]
    return {answer["actor"]: answer["how"] for answer in told}


def _named(slots: Mapping[str, Any], slot: str) -> list[Any]:
    return [value for value in _as_list(slots.get(slot)) if value not in EMPTY]


def _as_list(value: Any) -> list[Any]:
    if not is_known(value):
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _joined(known: Iterable[Any], said: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys([*known, *said]))
