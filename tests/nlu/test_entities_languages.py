"""Details of a message in the ten languages that Lotsa reads fully."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from nlu import evaluate_entities
from nlu.entities import STEMMED, WRITTEN, Details, EntityReader
from nlu.train import municipality_names

SENTENCES = Path(__file__).parents[1] / "data" / "entities"
LANGUAGES = (*WRITTEN, *STEMMED)
LOWEST_RECALL, LOWEST_PRECISION = 0.9, 0.85
SLOWEST = 20.0  # milliseconds of a message, for a machine that does other things too
Read = Callable[[str, str], Details]


@pytest.fixture(scope="module")
def reader() -> EntityReader:
    return EntityReader(municipality_names())


@pytest.fixture(scope="module")
def read(reader: EntityReader) -> Read:
    return lambda text, language: evaluate_entities.read(reader, text, language)


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    return evaluate_entities.entities(SENTENCES, municipality_names())


def values(details: Details, name: str) -> list[Any]:
    return [entity.value for entity in details.entities if entity.name == name]


def test_every_language_has_thirty_sentences_ten_of_them_held_out() -> None:
    for code in LANGUAGES:
        content = yaml.safe_load((SENTENCES / f"{code}.yml").read_text(encoding="utf-8"))
        held_out = [row for row in content["messages"] if row.get("held_out")]
        assert (content["language"], len(content["messages"]), len(held_out)) == (code, 30, 10)


@pytest.mark.parametrize("part", ["tuned", "held_out"])
@pytest.mark.parametrize("code", LANGUAGES)
def test_most_details_are_found_and_most_of_those_found_are_right(
    figures: dict[str, Any], code: str, part: str
) -> None:
    rows = figures[code][part].values()
    rates = evaluate_entities.rates(
        *(sum(row[key] for row in rows) for key in ("wanted", "missed", "extra"))
    )
    assert rates["recall"] >= LOWEST_RECALL
    assert rates["precision"] >= LOWEST_PRECISION


def test_reading_a_sentence_takes_little_time(figures: dict[str, Any]) -> None:
    assert figures["milliseconds_p95"] < SLOWEST


@pytest.mark.parametrize(
    ("code", "text", "age"),
    [
        ("ar", "ابني ١٤ سنة", 14),
        ("fa", "پسرم ۱۴ ساله است", 14),
        ("tr", "kizim on dort yasinda", 14),
        ("pl", "corka ma czternascie lat", 14),
        ("ku", "kece min cardeh sali ye", 14),
        ("uk", "донці 14 років", 14),
        ("so", "wiilkaygu waa 14 jir", 14),
        ("fi", "poikani on neljätoistavuotias", 14),
    ],
)
def test_a_childs_age_is_read_in_local_digits_and_without_diacritics(
    read: Read, code: str, text: str, age: int
) -> None:
    assert values(read(text, code), "child_age") == [age]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("pl", "mam trzydzieści cztery lata"),
        ("uk", "мені тридцять чотири роки"),
        ("tr", "ben otuz dört yaşındayım"),
        ("fa", "من سی و چهار ساله هستم"),
        ("fi", "olen 34-vuotias"),
    ],
)
def test_a_parents_own_age_is_not_a_childs(read: Read, code: str, text: str) -> None:
    assert values(read(text, code), "child_age") == []


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("fi", "poika ei ole käynyt koulussa"),
        ("en", "he hasn't been to school"),
        ("sv", "han har inte varit i skolan"),
    ],
)
def test_a_child_who_is_not_at_school_still_has_a_school(read: Read, code: str, text: str) -> None:
    details = read(text, code)
    assert values(details, "actor") == ["school"]
    assert values(details, "actor_state") == []


def test_an_authority_without_contact_is_missing_and_no_actor(read: Read) -> None:
    details = read("vi har ingen kontakt med BUP", "sv")
    assert values(details, "actor") == []
    assert values(details, "actor_state") == [{"actor": "bup", "state": "missing"}]


def test_what_is_said_after_a_but_belongs_to_the_other_authority(read: Read) -> None:
    details = read("BUP is great but the school never answers", "en")
    states = {value["actor"]: value["state"] for value in values(details, "actor_state")}
    assert states == {"bup": "works", "school": "less_well"}


def test_a_time_in_a_long_story_is_no_appointment(read: Read) -> None:
    story = (
        "varje natt vaknar han klockan 3 och skriker och sedan sover ingen av oss mer den natten"
    )
    assert values(read(story, "sv"), "when") == []


@pytest.mark.parametrize(
    ("code", "text", "answer"),
    [
        ("fi", "En tiedä.", "dont_know"),
        ("pl", "nie dziekuje", "deny"),
        ("tr", "Evet!", "affirm"),
        ("ar", "لا أعرف", "dont_know"),
        ("fa", "نمیدونم", "dont_know"),
        ("uk", "пропустити", "skip"),
        ("so", "dib u noqo", "go_back"),
        ("ku", "erê", "affirm"),
        ("sv", "vet inte", "dont_know"),
        ("en", "I'd rather not say", "rather_not_say"),
    ],
)
def test_a_short_answer_is_known_without_a_model(
    read: Read, code: str, text: str, answer: str
) -> None:
    assert values(read(text, code), "answer") == [answer]


@pytest.mark.parametrize(
    ("code", "text", "grade"),
    [("sv", "trean", 3), ("sv", "4/5", 4), ("fi", "nelonen", 4), ("ar", "٣", 3), ("en", "6", None)],
)
def test_a_grade_from_one_to_five_is_read(
    read: Read, code: str, text: str, grade: int | None
) -> None:
    assert values(read(text, code), "scale") == ([] if grade is None else [grade])


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_short_answer_has_eight_examples_in_every_language(code: str) -> None:
    path = Path(evaluate_entities.__file__).parent / "data" / "intents" / f"{code}.yml"
    examples = yaml.safe_load(path.read_text(encoding="utf-8"))
    few = [intent for intent, texts in examples.items() if len(texts) < 8]
    assert few == []
    assert all(isinstance(text, str) for texts in examples.values() for text in texts)


def test_an_entity_stands_in_the_parents_own_words_also_without_diacritics(read: Read) -> None:
    text = "Keça min 14 salî ye, BUPê alîkarî nekir"
    places = {e.name: text[e.start : e.end] for e in read(text, "ku").entities}
    assert places["actor"] == "BUPê"
    assert places["child_age"].startswith("14")
