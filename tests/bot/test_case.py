"""What a message adds to the case."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.case import case_of, child_ages, entities_of, facts_of, kinds_to_avoid
from bot.engine.branching import SURE
from bot.engine.compile import Policy
from nlu.pipeline import Entity, Need, Understanding
from nlu.safety import check

POLICY = Policy.load()


def understood(
    intent: str = "tell", needs: dict[str, float] | None = None, **entities: Any
) -> Understanding:
    return Understanding(
        language="sv",
        intent=intent,
        confidence=0.9,
        intents=((intent, 0.9),),
        needs=tuple(Need(name, score) for name, score in (needs or {}).items()),
        entities=tuple(Entity(name, value, 0, 0) for name, value in entities.items()),
        signals=(),
        safety=check(""),
    )


def added(understanding: Understanding, slots: dict[str, Any], **options: Any) -> dict[str, Any]:
    return entities_of(understanding, slots, POLICY, 7, **{"may_start": False, **options})


def test_a_story_gives_its_needs_its_path_and_a_reference_to_the_words() -> None:
    told = understood(needs={"school_absence": 0.9, "npf_child": 0.3})
    entities = added(told, {}, may_start=True)
    assert entities["path"] == "school"
    assert entities["story"] == [7]
    assert entities["needs"] == {"school_absence": 0.9, "npf_child": 0.3}


def test_a_short_answer_to_the_open_question_tells_nothing_else() -> None:
    told = understood(needs={"missing_child": 0.9}, child_age=10, how_long=120)
    assert added(told, {"requested_slot": "child_age"}, words=2) == {"child_age": 10}
    assert added(told, {"requested_slot": "how_long"}, words=2) == {"how_long": 120}


def test_in_the_middle_of_the_questions_only_sure_needs_count() -> None:
    told = understood(needs={"economy_housing": 0.2, "bereavement": 0.9})
    entities = added(told, {"needs": {"school_absence": 0.9}}, words=20)
    assert set(entities["needs"]) == {"school_absence", "bereavement"}


def test_a_grave_need_that_is_only_likely_is_not_said_back() -> None:
    told = understood(needs={"child_mental_health": 0.9, "suicide_selfharm_child": 0.7})
    needs = added(told, {}, may_start=True)["needs"]
    assert needs["child_mental_health"] == 0.9
    assert 0.5 < needs["suicide_selfharm_child"] < SURE


def test_a_grave_need_that_is_sure_is_said_back() -> None:
    sure = {"suicide_selfharm_child": 0.95}
    assert added(understood(needs=sure), {}, may_start=True)["needs"] == sure
    likely = replace(understood(needs={"missing_child": 0.7}), safety=check("hon har rymt"))
    assert added(likely, {}, may_start=True)["needs"] == {"missing_child": 0.7}


def test_lists_grow_and_keep_their_order() -> None:
    entities = added(understood(actor="bup"), {"actors": ["school", "bup"]}, words=20)
    assert entities["actors"] == ["school", "bup"]
    entities = added(understood(actor="police"), {"actors": ["school"]}, words=20)
    assert entities["actors"] == ["school", "police"]


def test_the_school_as_a_place_is_no_contact() -> None:
    assert "actors" not in added(understood(actor="school"), {}, words=20)


def test_a_school_year_gives_an_age_band() -> None:
    entities = added(understood(school_stage="high"), {}, words=20)
    assert child_ages(entities) == (13, 15)
    assert facts_of(entities)["children"][0]["band"] == [13, 15]


@pytest.mark.parametrize("intent", ["ask_sip", "ask_secrecy", "ask_cost"])
def test_what_a_question_mentions_is_not_part_of_the_case(intent: str) -> None:
    assert added(understood(intent, actor="bup", child_age=9), {}, words=20) == {}


@pytest.mark.parametrize("refusal", ["skip", "dont_know", "rather_not_say"])
def test_an_unanswered_question_is_unknown_and_never_a_no(refusal: str) -> None:
    slots = {"child_age": refusal, "how_long": refusal, "actors": refusal, "coping": refusal}
    case = case_of(slots)
    assert (case.months, case.coping, list(case.actors), child_ages(slots)) == (None, None, [], ())


def test_what_a_family_has_is_not_suggested_again() -> None:
    assert "bup" in kinds_to_avoid({"actors": ["bup"]})
    assert "bup" not in kinds_to_avoid({"actors": ["school"]})


def test_a_report_of_concern_is_for_those_who_worry_about_another_family() -> None:
    assert "orosanmalan_info" in kinds_to_avoid({"needs": {"contact_fear_social_services": 1.0}})
    assert "orosanmalan_info" not in kinds_to_avoid({"needs": {"third_party_concern": 1.0}})
