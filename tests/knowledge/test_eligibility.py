"""Who an entry is for: a known fact may exclude, what is unknown never does."""

from __future__ import annotations

from typing import Any

import pytest

from knowledge.eligibility import Facts, judge
from tests.knowledge.small_catalogue import service


@pytest.mark.parametrize(
    ("ages", "outcome"),
    [
        ((), "unknown"),
        ((5,), "excluded"),
        ((6,), "fits"),
        ((16,), "fits"),
        ((17,), "excluded"),
        ((3, 10), "fits"),
        ((3, 19), "excluded"),
    ],
)
def test_one_child_within_the_age_limits_is_enough(ages: tuple[int, ...], outcome: str) -> None:
    entry = service(minimum_age=6, maximum_age=16)
    assert judge(entry, Facts(child_ages=ages)).outcome == outcome


def test_an_entry_without_limits_fits_every_age() -> None:
    entry = service(minimum_age=None, maximum_age=None)
    assert judge(entry, Facts(child_ages=(40,))).outcome == "fits"


def test_a_lower_limit_alone_has_no_upper_end() -> None:
    entry = service(minimum_age=13, maximum_age=None)
    assert judge(entry, Facts(child_ages=(30,))).outcome == "fits"
    assert judge(entry, Facts(child_ages=(12,))).outcome == "excluded"


@pytest.mark.parametrize(
    ("criterion", "facts", "outcome"),
    [
        ({"fact": "relation", "is_any": ["parent"]}, Facts(), "unknown"),
        ({"fact": "relation", "is_any": ["parent"]}, Facts(relation="parent"), "fits"),
        ({"fact": "relation", "is_any": ["parent"]}, Facts(relation="teacher"), "excluded"),
        ({"fact": "relation", "is_none": ["teacher"]}, Facts(relation="teacher"), "excluded"),
        ({"fact": "relation", "is_none": ["teacher"]}, Facts(relation="parent"), "fits"),
        ({"fact": "lives_in", "is_any": ["ekby"]}, Facts(municipality="alby"), "excluded"),
        ({"fact": "lives_in", "is_any": ["ekby"]}, Facts(), "unknown"),
        ({"fact": "child_age", "is_any": ["0-3", "7"]}, Facts(child_ages=(7,)), "fits"),
        ({"fact": "child_age", "is_any": ["0-3", "7"]}, Facts(child_ages=(5,)), "excluded"),
        ({"fact": "child_age", "is_none": ["18-99"]}, Facts(child_ages=(9,)), "fits"),
    ],
)
def test_a_criterion_on_what_a_parent_answers(
    criterion: dict[str, Any], facts: Facts, outcome: str
) -> None:
    entry = service(minimum_age=None, maximum_age=None, eligibility=[criterion])
    assert judge(entry, facts).outcome == outcome


@pytest.mark.parametrize("fact", ["need", "already_has"])
def test_a_need_or_a_support_nobody_mentioned_is_unknown_not_absent(fact: str) -> None:
    entry = service(eligibility=[{"fact": fact, "is_any": ["habilitering"]}], maximum_age=None)
    facts = Facts(needs=frozenset({"npf_child"}), already_has=frozenset({"bup"}), child_ages=(9,))
    assert judge(entry, facts).outcome == "unknown"


def test_a_support_that_rules_another_out_excludes_it() -> None:
    entry = service(eligibility=[{"fact": "already_has", "is_none": ["lss_insatser"]}])
    facts = Facts(already_has=frozenset({"lss_insatser"}))
    assert judge(entry, facts).outcome == "excluded"


def test_what_the_family_already_has_is_excluded() -> None:
    facts = Facts(already_has=frozenset({"skolsocialt_team"}))
    assert judge(service(), facts).outcome == "excluded"


def test_a_child_who_writes_is_not_sent_to_what_is_for_parents_only() -> None:
    facts = Facts(relation="child_self", child_ages=(13,))
    assert judge(service(for_whom=["parent"]), facts).outcome == "excluded"
    assert judge(service(for_whom=["child", "parent"]), facts).outcome == "fits"


def test_the_trace_names_every_criterion_with_its_outcome_and_limits() -> None:
    entry = service(eligibility=[{"fact": "lives_in", "is_any": ["ekby"]}])
    steps = judge(entry, Facts(municipality="ekby", child_ages=(20,))).steps
    assert [(step.criterion, step.outcome, step.reason_id) for step in steps] == [
        ("age", "excluded", "trace_age_excluded"),
        ("lives_in", "fits", "trace_lives_in_fits"),
    ]
    assert steps[0].values == {"minimum": 6, "maximum": 16}
