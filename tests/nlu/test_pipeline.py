"""A parent's text in, an understanding out – with the trained model."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from nlu.pipeline import Pipeline

ABSENT = "Min son på 13 har inte varit i skolan sedan i höstas. Skolan, BUP och soc bollar oss"


def test_a_story_is_told_and_its_main_need_comes_first(pipeline: Pipeline) -> None:
    understood = pipeline.understand(ABSENT)
    assert understood.language == "sv"
    assert understood.intent == "tell"
    assert {need.id for need in understood.needs[:3]} >= {"school_absence", "coordination_overload"}
    assert "sent_between" in understood.signals
    found = {(entity.name, entity.value) for entity in understood.entities}
    assert {("child_age", 13), ("actor", "bup"), ("relation", "parent")} <= found


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("hej", "greet"),
        ("kan jag få prata med en människa", "want_person"),
        ("ja", "affirm"),
        ("nej tack", "deny"),
        ("hoppa över", "skip"),
        ("vet inte", "dont_know"),
        ("det vill jag inte svara på", "rather_not_say"),
        ("gå tillbaka", "go_back"),
        ("tack så mycket", "thanks"),
        ("är du en robot", "ask_who"),
        ("vad sparas om mig", "ask_stored"),
        ("har ni tystnadsplikt", "ask_secrecy"),
        ("vad är en sip", "ask_sip"),
        ("ta bort allt jag skrivit", "delete_all"),
        ("can I talk to a real person", "want_person"),
        ("när går bussen till centrum", "out_of_scope"),
        ("hjälp", "unclear"),
    ],
)
def test_what_a_parent_does_in_a_turn_is_recognised(
    pipeline: Pipeline, text: str, intent: str
) -> None:
    assert pipeline.understand(text, "sv").intent == intent


@pytest.mark.parametrize(
    ("text", "need"),
    [
        ("jag har hittat cannabis i hans rum och han är ute hela nätterna", "youth_crime_drugs"),
        ("vi ska skiljas och kan inte komma överens om var barnen ska bo", "separation_conflict"),
        ("hon skär sig på armarna", "suicide_selfharm_child"),
        ("hyran är obetald och vi blir vräkta", "economy_housing"),
        ("pappan till barnen dog i våras", "bereavement"),
        ("my newborn cries all night and I feel nothing for her", "pregnancy_infant"),
    ],
)
def test_the_need_is_among_the_first_three(pipeline: Pipeline, text: str, need: str) -> None:
    assert need in [one.id for one in pipeline.understand(text).needs[:3]]


def test_needs_are_one_to_five_probabilities_best_first(pipeline: Pipeline) -> None:
    for text in (ABSENT, "hej", "???", "", "hjälp"):
        scores = [need.score for need in pipeline.understand(text).needs]
        assert 1 <= len(scores) <= 5
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= score <= 1 for score in scores)


def test_a_told_story_always_has_a_real_need(pipeline: Pipeline) -> None:
    for text in ("min son", "det blev fel igen på torsdagen med lillkillen", "13"):
        understood = pipeline.understand(text, "sv")
        if understood.intent == "tell":
            assert {need.id for need in understood.needs} - {"unclear", "out_of_scope"}


def test_the_three_best_intents_stand_beside_the_chosen_one(pipeline: Pipeline) -> None:
    understood = pipeline.understand("kan någon ringa mig")
    assert understood.intents[0] == (understood.intent, understood.confidence)
    assert len(understood.intents) == 3


def test_danger_is_part_of_every_understanding(pipeline: Pipeline) -> None:
    assert pipeline.understand("hon säger att hon ska ta livet av sig ikväll").safety.acute
    assert not pipeline.understand("hon vill inte göra läxorna").safety.acute


def test_the_vector_of_a_text_is_normalised(pipeline: Pipeline) -> None:
    vector = pipeline.vector("min son går inte till skolan", "sv")
    assert vector.shape == (384,)
    assert np.isclose(np.linalg.norm(vector), 1, atol=1e-5)


def test_a_very_long_message_is_understood(pipeline: Pipeline) -> None:
    assert pipeline.understand(ABSENT + " och så vidare" * 2_000).intent == "tell"


def test_nothing_a_parent_writes_reaches_a_log(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        pipeline.understand("mitt hemliga ord är kvastfening")
    printed = capsys.readouterr()
    assert "kvastfening" not in caplog.text + printed.out + printed.err


def test_without_trained_models_the_error_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="lotsa train"):
        Pipeline.load(tmp_path)
