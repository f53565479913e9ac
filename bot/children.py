"""The children of a case: their ages one slot a child, and the one it is about."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.engine.branching import is_known

SLOTS = ("child_age", "child_age_2", "child_age_3")
MOST = 4  # counted; "four or more" is one answer
OLDEST = 25  # years; above that a number is no age of a child
LIST_WORDS = 8  # a longer text is a story
_FIGURES = re.compile(r"(?<![\w,.])\d{1,2}(?!\w)")
Age = int | tuple[int, int]  # years, or the ends of an answered band


def ages(slots: Mapping[str, Any]) -> list[Age]:
    """The known ages, first child first; an unknown one between them is left out."""
    return [age for _, age in by_number(slots)]


def by_number(slots: Mapping[str, Any]) -> list[tuple[int, Age]]:
    """(number of the child, age) for every child whose age is known; the third may be several."""
    found: list[tuple[int, Age]] = []
    for number, slot in enumerate(SLOTS, 1):
        value = slots.get(slot)
        if not is_known(value):
            continue
        if isinstance(value, dict):
            low, high = value["band"]
            found.append((number, (low, high)))
            continue
        values = value if isinstance(value, list | tuple) else [value]
        found += [(number, age) for age in values if isinstance(age, int)]
    return found


def years(slots: Mapping[str, Any], *, in_focus: bool = False) -> tuple[int, ...]:
    """Ages in years, a band by its ends; `in_focus` leaves out the children it is not about."""
    known = by_number(slots)
    focus = slots.get("which_child")
    if in_focus and isinstance(focus, int):
        known = [child for child in known if child[0] == focus] or known
    return tuple(year for _, age in known for year in _years(age))


def facts(slots: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each child as {age, band, in_focus}, for cards and printed tools."""
    focus = slots.get("which_child")
    return [
        {
            "age": age if isinstance(age, int) else None,
            "band": list(age) if not isinstance(age, int) else None,
            "in_focus": focus == number,
        }
        for number, age in by_number(slots)
    ]


def told(
    said: Sequence[int], slots: Mapping[str, Any], *, oldest: bool, youngest: bool, negated: bool
) -> dict[str, Any]:
    """What ages in a message change: an answer, all the children at once, or one put right.

    `slots` holds the open question; the flags are what the words around the ages say.
    """
    asked = slots.get("requested_slot")
    if asked in SLOTS:
        return _listed(said, SLOTS.index(asked), slots)
    known = [(number, age) for number, age in by_number(slots) if isinstance(age, int)]
    new = [age for age in said if age not in [age for _, age in known]]
    if negated and len(said) > 1 and known and len(new) == 1:
        return _replaced(new[0], next(n for n, age in known if age in said), slots)
    if len(said) > 1:
        return _listed(said, 0, slots)
    everyone = by_number(slots)
    if len(everyone) < 2:
        return {SLOTS[0]: said[0]}
    return _replaced(said[0], _meant(said[0], everyone, slots, oldest, youngest), slots)


def listed_in(text: str, slots: Mapping[str, Any], *, negated: bool) -> dict[str, Any]:
    """Ages in a short list of figures ("4, 9 and 14"), where ages are asked for.

    Elsewhere only one age put in the place of a known one ("not 12 but 13").
    """
    said = [int(figure) for figure in _FIGURES.findall(text)]
    if len(said) < 2 or max(said) > OLDEST or len(text.split()) > LIST_WORDS:
        return {}
    asked = slots.get("requested_slot")
    if asked in (*SLOTS, "child_count"):
        first = {**slots, "requested_slot": SLOTS[0] if asked == "child_count" else asked}
        return told(said, first, oldest=False, youngest=False, negated=False)
    is_known = bool(set(said) & set(years(slots)))
    if not (negated and is_known and len(said) == 2):
        return {}
    return told(said, slots, oldest=False, youngest=False, negated=True)


def _meant(
    age: int,
    known: Sequence[tuple[int, Age]],
    slots: Mapping[str, Any],
    oldest: bool,
    youngest: bool,
) -> int:
    """The number of the child an age is put right of: the one named, in focus, or nearest."""
    if oldest or youngest:
        pick = max if oldest else min
        return pick(known, key=lambda child: _years(child[1])[0])[0]
    focus = slots.get("which_child")
    if isinstance(focus, int):
        return focus
    return min(known, key=lambda child: abs(_years(child[1])[0] - age))[0]


def _replaced(age: int, number: int, slots: Mapping[str, Any]) -> dict[str, Any]:
    slot = SLOTS[number - 1]
    before = slots.get(slot)
    if isinstance(before, list):
        return {slot: [*before[:-1], age]}
    return {slot: age}


def _listed(said: Sequence[int], first: int, slots: Mapping[str, Any]) -> dict[str, Any]:
    """Ages from the slot `first` on; those beyond the last slot share it."""
    places = SLOTS[first:]
    changes: dict[str, Any] = dict(zip(places, said, strict=False))
    if len(said) > len(places):
        changes[places[-1]] = list(said[len(places) - 1 :])
    total = first + len(said)
    count = slots.get("child_count")
    if total > 1 and not (isinstance(count, int) and count >= total):
        changes["child_count"] = min(MOST, total)
    return changes


def _years(age: Age) -> tuple[int, ...]:
    return (age,) if isinstance(age, int) else age
