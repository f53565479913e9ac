"""Which questions a case makes needless, and what is kept of those that were asked.

The forms ask every question of their path whose slot is empty, in the order of the policy. What is
written here fills or empties slots before a turn, from the conditions of the policy alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.engine.compile import (
    CONSENT_FORM,
    NOT_ASKED,
    REFUSALS,
    UNANSWERED,
    Condition,
    Policy,
)

# Answers that name nothing.
EMPTY = frozenset({"nobody", "nothing", "none", "nothing_now"})
NEXT_MATTER = frozenset({"path", "agenda_first"})  # what is said to take another matter
SURE = 0.6  # probability; below it a need is searched with, but not said to the parent


def is_known(value: Any) -> bool:
    """Whether a slot holds an answer; a refusal is none."""
    return value is not None and value not in UNANSWERED


def answered(slot: str, value: Any, *, each_is_one: bool = False) -> int:
    """How many things an answer names."""
    if not is_known(value):
        return 0
    if isinstance(value, dict) and slot == "needs":
        return sum(score >= SURE for score in value.values())
    if isinstance(value, list | tuple):
        return len([item for item in value if item not in EMPTY])
    if each_is_one or not isinstance(value, int):
        return int(value not in EMPTY) if isinstance(value, str) else 1
    return value


def holds(condition: Condition, slots: Mapping[str, Any]) -> bool:
    """Whether the slots of a condition hold as many answers as it asks for."""
    each = condition.each_is_one
    found = sum(answered(slot, slots.get(slot), each_is_one=each) for slot in condition.count)
    return found >= condition.at_least


def branches(policy: Policy, slots: Mapping[str, Any]) -> dict[str, str | None]:
    """The slots to fill because their question is needless, or to empty because it is not."""
    changes: dict[str, str | None] = {}
    for name, question in policy.questions.items():
        if question.only_if is None:
            continue
        is_wanted, value = holds(question.only_if, {**slots, **changes}), slots.get(name)
        if is_wanted and value == NOT_ASKED:
            changes[name] = None
        elif not is_wanted and value is None:
            changes[name] = NOT_ASKED
    return changes


def bookkeeping(
    policy: Policy,
    slots: Mapping[str, Any],
    said: Mapping[str, Any],
    intent: str,
    active_loop: str | None,
) -> dict[str, Any]:
    """What a turn changes beside what was said in it, given whole per slot.

    `slots` are those before the turn, `said` the entities of the turn.
    """
    requested = slots.get("requested_slot") if active_loop else None
    after = {**slots, **said}
    question = policy.questions.get(requested or "")
    if question is not None and question.refusals and intent in REFUSALS:
        after[str(requested)] = intent
    changes: dict[str, Any] = dict(branches(policy, after))
    if requested and active_loop != CONSENT_FORM:
        changes["asked"] = _asked(slots.get("asked"), active_loop, requested)
    elif active_loop is None and not NEXT_MATTER.isdisjoint(said):
        changes["asked"] = None  # its questions are counted from one
    if path := after.get("path"):
        changes["last_path"] = path
    left = dict(slots.get("left") or {})
    kept = {name: value for name, value in left.items() if after.get(name) is None}
    if kept != left:
        changes["left"] = kept or None
    return {
        name: value
        for name, value in changes.items()
        if name not in said and value != slots.get(name)
    }


def _asked(asked: Mapping[str, Any] | None, form: str | None, question: str) -> dict[str, Any]:
    known = list(asked["questions"]) if asked and asked["form"] == form else []
    return {"form": form, "questions": list(dict.fromkeys([*known, question]))}


def progress(
    questions: Sequence[str], question: str, slots: Mapping[str, Any]
) -> tuple[int, int] | None:
    """The number of a question and how many there are: those asked and those still to ask.

    None where there is only one.
    """
    asked = (slots.get("asked") or {}).get("questions", [])
    counted = [
        name
        for name in questions
        if slots.get(name) is None or (name in asked and slots[name] != NOT_ASKED)
    ]
    if question not in counted or len(counted) < 2:
        return None
    return counted.index(question) + 1, len(counted)
