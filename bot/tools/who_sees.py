"""Who can see the parent's phone: near violence it is asked before anything leaves the page."""

from __future__ import annotations

from typing import Literal

from bot.safe_use import answer, is_near_danger, must_ask
from bot.tools.basis import Basis, Kept

# free: nothing to ask; ask: not known yet; alone: only she sees the phone; seen: others may see it.
Sight = Literal["free", "ask", "alone", "seen"]


class KeptSight(Kept):
    """What the parent answered on the page of the tools."""

    answer: Literal["only_me", "others_can_see"] | None = None


def sight_of(basis: Basis) -> Sight:
    """Whether something may be saved or printed; her answer on this page goes before the chat's."""
    here = basis.read("who_sees", KeptSight).answer
    slots = {**basis.slots, "safe_contact": here or basis.slots.get("safe_contact")}
    if must_ask(slots, is_acute=basis.is_danger_at_home):
        return "ask"
    if not (basis.is_danger_at_home or is_near_danger(slots) or answer(slots)):
        return "free"
    return "alone" if answer(slots) == "only_me" else "seen"
