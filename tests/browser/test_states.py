"""Some states in the hardest contexts; `make browser-matrix` looks at all of them in all."""

from __future__ import annotations

from tests.browser.conftest import NewPage
from tests.browser.seen import sideways, violations
from tests.browser.states import put, states

HARDEST = (("narrow", "rtl"), ("dark", "ltr"), ("forced", "rtl"), ("zoomed", "ltr"))
LOOKED_AT = ("opening", "question", "multiple", "understood and suggestions", "acute")
ON_THEIR_OWN = ("without a script", "widget", "statement")


def test_a_conversation_holds_no_barrier_in_the_hardest_contexts(
    new_page: NewPage, guide_login: str
) -> None:
    page = new_page()
    known = states(page, new_page, guide_login)
    for state in (*LOOKED_AT, *ON_THEIR_OWN):
        put(page, "wide", "ltr")
        known[state]()
        for context, direction in HARDEST:
            put(page, context, direction)
            assert violations(page) == [], (state, context, direction)
            assert sideways(page) == 0, (state, context, direction)
