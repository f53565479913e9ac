"""How entries are shown: first steps, what after a no, no wait for a diagnosis."""

from __future__ import annotations

import datetime as dt

import pytest

from bot.calendar import LOCAL
from bot.content import Content
from bot.engine.reply import ReplyRequest
from bot.replies import Replies, Setting
from bot.suggestions import card_policy, plan_b, tried_kinds
from knowledge.catalogue import Catalogue, Service


def setting(catalogue: Catalogue, municipality: str = "strangnas") -> Setting:
    now = dt.datetime(2026, 11, 24, 22, 40, tzinfo=LOCAL)
    return Setting(catalogue.municipalities[municipality], "sv", now)


def entry(catalogue: Catalogue, **wanted: object) -> Service:
    return next(
        s
        for s in catalogue.services.values()
        if all(getattr(s, name) == value for name, value in wanted.items())
    )


def test_at_most_two_entries_are_first_steps(catalogue: Catalogue) -> None:
    services = [s for s in catalogue.services.values() if s.access_path == "kontakt"][:3]
    assert card_policy().first_of(services) == [s.id for s in services[:2]]


def test_what_somebody_else_must_do_first_is_no_first_step(catalogue: Catalogue) -> None:
    referred, own = entry(catalogue, access_path="remiss"), entry(catalogue, access_path="oppen")
    assert card_policy().first_of([referred, own]) == [own.id]


def test_every_plan_b_has_words(content: Content) -> None:
    for language in ("sv", "en"):
        assert [t for t in plan_b().texts() if not content.has(language, t)] == []


def test_the_kinds_and_ways_of_the_plan_b_exist(catalogue: Catalogue) -> None:
    assert set(plan_b().by_kind) <= set(catalogue.kinds)
    ways = {s.access_path for s in catalogue.services.values()}
    assert ways - {"kontakt", "okand"} <= set(plan_b().by_access_path)


@pytest.mark.parametrize(
    ("way", "words"), [("bistand", "tre veckor"), ("lss", "tre veckor"), ("egenremiss", "Patient")]
)
def test_a_no_by_decision_can_be_appealed_and_a_no_in_care_is_not(
    replies: Replies, catalogue: Catalogue, way: str, words: str
) -> None:
    service = entry(catalogue, access_path=way)
    card = replies.card({"service_id": service.id, "reasons": []}, setting(catalogue))
    assert words in card["plan_b"]


def test_a_help_line_for_danger_has_no_plan_b(replies: Replies, catalogue: Catalogue) -> None:
    card = replies.card({"service_id": "nodnumret-112", "reasons": []}, setting(catalogue))
    assert "plan_b" not in card


def test_a_card_names_what_to_bring_where_it_is_known(
    replies: Replies, catalogue: Catalogue
) -> None:
    service = next(s for s in catalogue.services.values() if s.required_documents)
    card = replies.card({"service_id": service.id, "reasons": []}, setting(catalogue))
    assert card["documents"] == [d["sv"] for d in service.required_documents]


def test_the_button_of_a_tried_entry_names_it(replies: Replies, catalogue: Catalogue) -> None:
    service = entry(catalogue, access_path="oppen")
    match = {"service_id": service.id, "reasons": [], "can_be_tried": True}
    button = replies.card(match, setting(catalogue))["tried"]
    assert button["id"] == f"had:{service.id}"
    assert service.name in str(replies.choice_label(button["id"], "sv"))
    assert replies.choice_label("had:no-such-entry", "sv") is None


def test_support_does_not_wait_for_a_diagnosis_where_the_need_may(catalogue: Catalogue) -> None:
    school = next(s for s in catalogue.services.values() if s.kinds[0] == "elevhalsa")
    care = next(s for s in catalogue.services.values() if s.kinds[0] == "habilitering")
    policy = card_policy()
    assert policy.open_without_diagnosis([care, school], {"npf_child": 0.9}) == school
    assert policy.open_without_diagnosis([care], {"npf_child": 0.9}) is None
    assert policy.open_without_diagnosis([school], {"leisure": 0.9}) is None


def test_a_tried_entry_counts_by_its_main_kind(catalogue: Catalogue) -> None:
    school = next(s for s in catalogue.services.values() if s.kinds[0] == "elevhalsa")
    slots = {"tried": ["bup"], "tried_services": [school.id, "gone-since"]}
    assert tried_kinds(catalogue.services, slots) == ["bup", "elevhalsa"]
    assert tried_kinds(catalogue.services, {"tried": "nothing"}) == []


def test_the_opening_is_short_first_and_honest_after(
    replies: Replies, catalogue: Catalogue
) -> None:
    first, kept, start = replies.opening(setting(catalogue))
    assert len(first.text.split()) <= 40
    assert "minuter" in first.text
    assert "112" in first.text
    assert "anmäla" in kept.text
    assert start.body["choices"]


def test_the_level_shows_how_to_disagree(replies: Replies, catalogue: Catalogue) -> None:
    request = ReplyRequest("utter_level_guide", {"signals": ["worn_out"]})
    body = replies.word(request, setting(catalogue)).body
    assert [choice["id"] for choice in body["choices"]] == ["intent:disagree"]
