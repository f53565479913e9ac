"""The level of a case, from points that can be shown."""

from __future__ import annotations

import pytest

from bot.complexity import Case, Complexity, Level


@pytest.mark.parametrize(
    ("case", "level"),
    [
        (Case(needs=["npf_child"]), "information"),
        (Case(needs=["leisure"], actors=["school"]), "information"),
        (Case(needs=["school_absence"], actors=["school", "bup"]), "information"),
        (Case(needs=["school_absence"], actors=["school", "bup", "habilitering"]), "coordinator"),
        (Case(needs=["parenting_support"], signals=["worn_out"]), "guide"),
        (Case(needs=["violence_in_family"]), "guide"),
        (Case(needs=["unclear"]), "guide"),
        (
            Case(needs=["school_absence"], actors=["school", "bup", "social_services"],
                 signals=["sent_between"]),
            "coordinator",
        ),
        (Case(needs=["school_absence", "coordination_overload"], months=7), "coordinator"),
        (
            Case(needs=["npf_child"], signals=["own_difficulties", "missed_appointments"]),
            "coordinator",
        ),
        (Case(needs=["out_of_home_care_return"]), "coordinator"),
        (Case(needs=["npf_child"], is_acute=True), "acute"),
    ],
)  # fmt: skip
def test_the_level_of_a_case(complexity: Complexity, case: Case, level: Level) -> None:
    assert complexity.assess(case).level == level


def test_every_signal_adds_points_and_no_signal_lowers_the_level(complexity: Complexity) -> None:
    order = ["information", "guide", "coordinator", "acute"]
    bare = complexity.assess(Case(needs=["npf_child"]))
    for signal in complexity.points:
        more = complexity.assess(Case(needs=["npf_child"], signals=[signal]))
        assert [s.id for s in more.signals] == [signal]
        assert order.index(more.level) >= order.index(bare.level)


def test_a_contact_named_nobody_is_no_contact(complexity: Complexity) -> None:
    assert complexity.assess(Case(needs=["npf_child"], actors=["nobody"])).signals == ()


def test_the_same_reason_counts_once(complexity: Complexity) -> None:
    case = Case(needs=["coordination_overload"], signals=["no_one_coordinates"])
    assert [s.id for s in complexity.assess(case).signals] == ["no_one_coordinates"]


def test_grave_needs_ask_for_a_person_the_same_day(complexity: Complexity) -> None:
    assert complexity.assess(Case(needs=["violence_in_family"])).same_day
    assert not complexity.assess(Case(needs=["npf_child"])).same_day
