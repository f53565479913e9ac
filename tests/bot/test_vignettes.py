"""Families in short get the level they need, and each reason can be read."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.complexity import LEVELS, Case, Complexity
from bot.content import Content

VIGNETTES: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "vignettes.yml").read_text(encoding="utf-8")
)
FACTS = {field.name for field in fields(Case)}


def case_of(vignette: dict[str, Any]) -> Case:
    return Case(**{name: value for name, value in vignette.items() if name in FACTS})


@pytest.mark.parametrize("vignette", VIGNETTES, ids=lambda v: v["story"][:60])
def test_a_family_gets_the_level_it_needs(complexity: Complexity, vignette: dict[str, Any]) -> None:
    assessment = complexity.assess(case_of(vignette))
    reasons = {signal.id: signal.points for signal in assessment.signals}
    assert assessment.level == vignette["level"], reasons
    assert assessment.same_day == vignette.get("same_day", False)
    if "why" in vignette:
        assert vignette["why"] in reasons


def test_there_are_many_families_and_every_level() -> None:
    assert len(VIGNETTES) >= 60
    assert {vignette["level"] for vignette in VIGNETTES} == set(LEVELS)
    known = {"story", "level", "why", "same_day"}
    assert [v["story"] for v in VIGNETTES if set(v) - FACTS - known] == []


def test_the_families_name_only_what_the_policy_and_the_taxonomy_know(
    complexity: Complexity, content: Content
) -> None:
    for vignette in VIGNETTES:
        assert set(vignette.get("signals", [])) <= set(complexity.points)
        for actor in [*vignette.get("actors", []), *vignette.get("refused", [])]:
            assert content.has("sv", f"actor_{actor}"), actor


@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_point_can_be_said_in_plain_words(
    complexity: Complexity, content: Content, language: str
) -> None:
    assert [s for s in complexity.points if not content.has(language, f"signal_{s}")] == []


def test_one_corrected_answer_does_not_take_back_the_help_offered(complexity: Complexity) -> None:
    first = complexity.assess(Case(signals=["sent_between", "waiting_long"]))
    corrected = Case(signals=["sent_between"], before=first.level)
    assert first.level == "coordinator"
    assert complexity.assess(corrected).level == "coordinator"
    assert complexity.assess(Case(signals=["sent_between"])).level == "guide"


def test_the_level_the_parent_chose_is_said_to_be_hers(complexity: Complexity) -> None:
    chosen = complexity.assess(Case(signals=["worn_out"], chosen="information"))
    assert chosen.is_chosen
    assert chosen.points == 2
    assert not complexity.assess(Case(signals=["worn_out"])).is_chosen
