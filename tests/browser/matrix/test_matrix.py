"""No barrier in any state, context and direction; what axe-core is unsure of is explained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.browser.conftest import NewPage
from tests.browser.seen import Unsure, findings
from tests.browser.states import CONTEXTS, DIRECTIONS, put, states

EXPLAINED = Path(__file__).parent / "incomplete.yml"


def _covers(known: dict[str, Any], unsure: Unsure, state: str) -> bool:
    """Whether an explanation is about this: the rule, why it is unsure, and in which states."""
    is_same = (known["rule"], known["why"]) == (unsure.rule, unsure.why)
    return is_same and ("states" not in known or state in known["states"])


@pytest.mark.matrix
def test_no_state_holds_a_barrier_in_any_context_and_direction(
    new_page: NewPage, guide_login: str
) -> None:
    explained = yaml.safe_load(EXPLAINED.read_text(encoding="utf-8")) or []
    page = new_page()
    faults: dict[str, list[str]] = {}
    unexplained: dict[tuple[str, str, str], str] = {}
    looked_at = 0
    for state, arrive in states(page, new_page, guide_login).items():
        put(page, "wide", "ltr")
        arrive()
        for context in CONTEXTS:
            for direction in DIRECTIONS:
                put(page, context, direction)
                looked_at += 1
                found, unsure = findings(page)
                if found:
                    faults[f"{state}, {context}, {direction}"] = found
                for one in unsure:
                    if not any(_covers(known, one, state) for known in explained):
                        found_in = (one.rule, one.why, state)
                        unexplained.setdefault(found_in, f"{context}, {direction}: {one.html}")
        put(page, "wide", "ltr")
    assert faults == {}
    assert unexplained == {}, "\n".join(f"{found}: {where}" for found, where in unexplained.items())
    assert looked_at >= 11 * 5 * 2
