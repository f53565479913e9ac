"""No barrier in any state, context and direction; what axe-core is unsure of is explained."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.browser.conftest import NewPage
from tests.browser.seen import findings
from tests.browser.states import CONTEXTS, DIRECTIONS, put, states

EXPLAINED = Path(__file__).parent / "incomplete.yml"


@pytest.mark.matrix
def test_no_state_holds_a_barrier_in_any_context_and_direction(
    new_page: NewPage, guide_login: str
) -> None:
    explained = yaml.safe_load(EXPLAINED.read_text(encoding="utf-8")) or []
    page = new_page()
    faults: dict[str, list[str]] = {}
    unexplained: dict[tuple[str, str], str] = {}
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
                for rule, html in unsure:
                    if not any(e["rule"] == rule and e["element"] in html for e in explained):
                        unexplained.setdefault((rule, html), f"{state}, {context}, {direction}")
        put(page, "wide", "ltr")
    assert faults == {}
    assert unexplained == {}
    assert looked_at >= 11 * 5 * 2
