"""The brief: what a person may read of a conversation, line by line as the parent left it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from bot.case import case_of, facts_of
from bot.complexity import Complexity
from bot.questions import HOW_IT_GOES, LINES

Brief = dict[str, Any]  # ids and numbers, no words and no names
LEVEL, DANGER = "line_level", "line_danger"
ALL_LINES = (DANGER, *LINES, LEVEL)
# Line → the facts it shows. Who does what goes with who is there.
_FACTS: dict[str, tuple[str, ...]] = {
    "line_needs": ("needs",),
    "line_age": ("children", "child_ages"),
    "line_how_long": ("months",),
    "line_areas": ("life_areas",),
    "line_actors": ("actors", "how_it_goes"),
    "line_refused": ("refused",),
    "line_tried": ("tried",),
    "line_coping": ("coping",),
    "line_works_well": ("works_well",),
    "line_own_needs": ("own_needs",),
    "line_priority": ("priority",),
}
VIEWS = {
    "child": ("agrees", "against"),
    "guardian": ("agrees", "against", "none"),
    "mandate": ("given", "none"),
}
UNSAID = "unsaid"
BUTTONS = ("withhold", "include", "say")


def brief_of(
    facts: Mapping[str, Any],
    *,
    level: str,
    signals: Sequence[str],
    is_danger: bool,
    views: Mapping[str, str] | None = None,
) -> Brief:
    """The whole brief, before the parent has taken anything away."""
    brief: Brief = {"facts": dict(facts), "level": level, "signals": list(signals)}
    if is_danger:
        brief["danger"] = True
    if views:
        brief["views"] = dict(views)
    return brief


def without(brief: Brief, lines: Iterable[str]) -> Brief:
    """The same without some lines; what they showed is gone from it, not hidden."""
    facts = dict(brief["facts"])
    left: Brief = {**brief, "facts": facts}
    for line in lines:
        if line == LEVEL:
            left.update(level=None, signals=[])
        elif line == DANGER:
            left.pop("danger", None)
        elif line.removeprefix("line_") in HOW_IT_GOES:
            _forget_how(brief, facts, HOW_IT_GOES.index(line.removeprefix("line_")))
        else:
            for fact in _FACTS.get(line, ()):
                facts[fact] = type(facts[fact])() if isinstance(facts[fact], list | dict) else None
    return left


def _forget_how(brief: Brief, facts: dict[str, Any], number: int) -> None:
    actors = brief["facts"]["actors"]
    if number < len(actors):
        goes = facts["how_it_goes"]
        facts["how_it_goes"] = {a: how for a, how in goes.items() if a != actors[number]}


def is_empty(brief: Brief) -> bool:
    """Whether no line of what was told is left; a level alone tells nothing."""
    facts = {name: value for name, value in brief["facts"].items() if name != "child_ages"}
    return not brief.get("danger") and not any(
        value is not None and value != [] and value != {} for value in facts.values()
    )


def changed(kind: str, name: str, slots: Mapping[str, Any]) -> dict[str, Any]:
    """What a button on the brief changes in the case: `withhold`, `include` or `say`."""
    if kind == "say":
        about, _, view = name.partition("_")
        views = dict(slots.get("views") or {})
        if view in VIEWS.get(about, ()):
            views[about] = view
        elif view == UNSAID:
            views.pop(about, None)
        return {"views": views or None}
    withheld = [line for line in slots.get("withheld") or [] if line != name]
    if kind == "withhold" and name in ALL_LINES:
        withheld.append(name)
    return {"withheld": withheld or None}


@lru_cache
def _complexity() -> Complexity:
    return Complexity.load()


def brief_of_case(slots: Mapping[str, Any], *, is_danger: bool) -> Brief:
    """The brief of a case, without the lines the parent has left out."""
    assessment = _complexity().assess(case_of(slots, is_acute=is_danger))
    whole = brief_of(
        facts_of(slots),
        level=assessment.level,
        signals=[signal.id for signal in assessment.signals],
        is_danger=is_danger,
        views=slots.get("views"),
    )
    return without(whole, slots.get("withheld") or [])
