"""Nothing is sent or printed near violence before the parent has said who can see her phone."""

from __future__ import annotations

from typing import Any

import pytest

from bot.closing import typed_choice
from bot.content import Content
from bot.safe_use import answer, may_send, must_ask
from bot.tonight import tonight

VIOLENCE = {"needs": {"violence_in_family": 0.9}}


@pytest.mark.parametrize(
    ("slots", "may", "must"),
    [
        ({}, True, False),
        ({"needs": {"school_absence": 0.9}}, True, False),
        ({"needs": {"violence_in_family": 0.2}}, True, False),
        (VIOLENCE, False, True),
        ({"relation": "child_self"}, False, True),
        ({**VIOLENCE, "safe_contact": "not_asked"}, False, True),
        ({**VIOLENCE, "safe_contact": "only_me"}, True, False),
        ({**VIOLENCE, "safe_contact": "others_can_see"}, False, False),
        ({**VIOLENCE, "safe_contact": "unsure"}, False, False),
        ({**VIOLENCE, "safe_contact": "rather_not_say"}, False, False),
    ],
)
def test_what_may_be_sent(slots: dict[str, Any], may: bool, must: bool) -> None:
    assert may_send(slots) is may
    assert must_ask(slots) is must


def test_danger_seen_in_the_conversation_counts_as_violence() -> None:
    assert not may_send({}, is_acute=True)
    assert must_ask({}, is_acute=True)
    assert may_send({"safe_contact": "only_me"}, is_acute=True)


def test_a_refused_answer_is_unsure() -> None:
    assert answer({"safe_contact": "skip"}) == "unsure"
    assert answer({"safe_contact": "not_asked"}) is None


@pytest.mark.parametrize(
    ("text", "slots", "loop", "choice"),
    [
        ("Delvis.", {"closing": "asked"}, None, "intent:partly"),
        ("nej", {"closing": "asked"}, None, "intent:not_enough"),
        ("Ja, tack!", {"closing": "asked"}, None, "intent:enough"),
        ("Nja, delvis", {"closing": "asked"}, None, "intent:partly"),
        ("Nej, men skolan ringde i dag", {"closing": "asked"}, None, None),
        ("nja", {}, None, None),
        ("ja", {"closing": "asked"}, "form_school", None),
        ("Jag håller inte med", {"level": "guide"}, None, "intent:disagree"),
        ("Jag håller inte med", {}, None, None),
        ("partly", {"closing": "asked"}, None, "intent:partly"),
    ],
)
def test_short_answers_mean_something_only_where_they_were_asked_for(
    content: Content, text: str, slots: dict[str, Any], loop: str | None, choice: str | None
) -> None:
    assert typed_choice(text, slots, loop, content) == choice


@pytest.mark.parametrize(
    ("slots", "entries", "holds"),
    [
        ({"needs": {"parent_crisis": 0.9}, "signals": ["no_network"]}, [], True),
        ({"needs": {"child_next_of_kin": 0.9}, "actors": ["police"]}, [], True),
        ({"needs": {"parent_crisis": 0.9}}, ["nar-foralder-blir-akut-sjuk"], True),
        ({"needs": {"parent_crisis": 0.9}}, ["elevhalsan"], False),
        ({"needs": {"disability_relief": 0.9}, "signals": ["no_network"]}, [], False),
    ],
)
def test_the_number_for_tonight_is_given_only_where_nobody_is_with_the_child(
    slots: dict[str, Any], entries: list[str], holds: bool
) -> None:
    assert tonight().holds(slots, entries) is holds


def test_the_number_for_tonight_is_not_the_last_of_many_entries() -> None:
    far_down = [*(f"entry-{n}" for n in range(tonight().first)), "nar-foralder-blir-akut-sjuk"]
    assert not tonight().holds({"needs": {"parent_crisis": 0.9}}, far_down)


def test_the_words_of_a_button_are_its_choice_in_every_language(content: Content) -> None:
    for language in content.languages:
        for said, choice in (("yes", "enough"), ("partly", "partly"), ("no", "not_enough")):
            words = content.raw(language, f"choice_enough_{said}")
            asked = {"closing": "asked"}
            assert typed_choice(words, asked, None, content) == f"intent:{choice}", words


def test_a_no_in_finnish_is_no_yes(content: Content) -> None:
    asked = {"closing": "asked"}
    assert typed_choice("ei, se ei auta", asked, None, content) == "intent:not_enough"
