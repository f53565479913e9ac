"""In which language a turn is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from nlu import evaluate_language
from nlu.language import LANGUAGES, identify, is_sure
from nlu.language_model import LanguageModel, Written, learnt, read, written
from nlu.trained import FOLDER, LANGUAGE_FILE

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data"
TEXTS = Path(__file__).parents[1] / "data" / "language"
OTHERS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))["messages"]
    for path in (TEXTS / "others").glob("*.yml")
}

SENTENCES = {
    "sv": "min dotter vill inte gå till skolan längre",
    "en": "my daughter does not want to go to school",
    "ar": "ابنتي لا تريد الذهاب إلى المدرسة",
    "so": "gabadhaydu ma rabto inay iskuulka tagto",
    "fi": "tyttäreni ei halua enää mennä kouluun",
    "fa": "دخترم دیگر نمی‌خواهد به مدرسه برود",
    "uk": "моя донька більше не хоче ходити до школи",
    "pl": "moja córka nie chce już chodzić do szkoły",
    "tr": "kızım artık okula gitmek istemiyor",
    "ku": "keça min êdî naxwaze here dibistanê",
    "ti": "ጓለይ ናብ ቤት ትምህርቲ ክትከይድ ኣይትደልን",
    "ckb": "کچەکەم چیتر نایەوێت بچێت بۆ قوتابخانە",
    "bs": "moja kćerka više ne želi ići u školu",
}


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    """The model as `lotsa train` makes it."""
    folder = tmp_path_factory.mktemp("language")
    learnt(written()).write(folder)
    found = read(folder)
    assert found is not None
    assert (folder / LANGUAGE_FILE).stat().st_size < 3_000_000
    return found


@pytest.fixture(params=["trained", "rules"])
def known(request: pytest.FixtureRequest) -> LanguageModel | None:
    """With the trained model, and without: the product must answer before anything is trained."""
    return request.getfixturevalue("model") if request.param == "trained" else None


@pytest.fixture(scope="session")
def figures(model: LanguageModel) -> Mapping[str, Any]:
    found: Mapping[str, Any] = evaluate_language.languages(model, TEXTS, [])["model"]
    return found


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_plain_sentence_is_recognised_in_every_language(
    code: str, known: LanguageModel | None
) -> None:
    found, confidence = identify(SENTENCES[code], None, known)
    assert found == code
    assert confidence > 0.6


def test_swedish_typed_without_dots_is_still_swedish(known: LanguageModel | None) -> None:
    assert identify("hon vagar inte ga till skolan langre", None, known)[0] == "sv"


@pytest.mark.parametrize("text", OTHERS["neighbours"])
def test_norwegian_and_danish_are_answered_in_swedish(
    text: str, known: LanguageModel | None
) -> None:
    assert identify(text, None, known)[0] == "sv"


def test_bosnian_in_cyrillic_letters_is_not_taken_for_ukrainian(
    known: LanguageModel | None,
) -> None:
    assert identify("моја ћерка не жели да иде у школу", None, known)[0] == "bs"


@pytest.mark.parametrize("text", ["ok", "13", "ja tack", "👍", "", "BUP", "2 500 kr", "Åsa"])
def test_a_turn_of_one_or_two_words_keeps_the_language_of_the_conversation(
    text: str, known: LanguageModel | None
) -> None:
    code, confidence = identify(text, "fi", known)
    assert code == "fi"
    assert not is_sure(confidence)


@pytest.mark.parametrize("name", OTHERS["names"])
@pytest.mark.parametrize("hint", ["sv", "ar", "uk"])
def test_a_name_never_changes_the_language(name: str, hint: str, model: LanguageModel) -> None:
    assert identify(name, hint, model)[0] == hint


@pytest.mark.parametrize("name", [name for name in OTHERS["names"] if " " not in name])
def test_a_single_name_says_nothing_sure(name: str, model: LanguageModel) -> None:
    assert not is_sure(identify(name, None, model)[1])


def test_one_word_in_another_script_changes_the_language(known: LanguageModel | None) -> None:
    assert identify("مساعدة", "sv", known)[0] == "ar"


def test_a_whole_sentence_in_another_language_beats_the_conversation_so_far(
    known: LanguageModel | None,
) -> None:
    assert identify("can we please continue in English instead", "sv", known)[0] == "en"


@pytest.mark.parametrize("text", ["???", "112", "👍👍", "2026-11-22", "我的女儿不想去学校"])
def test_without_letters_of_ours_or_a_conversation_nothing_is_sure(
    text: str, known: LanguageModel | None
) -> None:
    code, confidence = identify(text, None, known)
    assert code == "sv"
    assert not is_sure(confidence)


def test_a_language_that_is_none_of_ours_is_seldom_sure(figures: Mapping[str, Any]) -> None:
    assert figures["others"]["foreign"]["sure"] <= 0.1
    assert figures["others"]["foreign"]["history_kept"] >= 0.8


@pytest.mark.parametrize("code", LANGUAGES)
def test_six_words_are_recognised_in_nineteen_of_twenty(
    code: str, figures: Mapping[str, Any]
) -> None:
    own = figures["by_language"][code]
    assert own["six"] >= 0.95
    assert own["six_otherwise"] >= 0.9
    assert own["six_after_swedish"] >= 0.92


@pytest.mark.parametrize("code", LANGUAGES)
def test_one_to_five_words_are_recognised_in_a_conversation_and_mostly_alone(
    code: str, figures: Mapping[str, Any]
) -> None:
    own = figures["by_language"][code]
    assert own["short_with_history"] >= 0.95
    assert own["short"] >= 0.85


def test_short_texts_in_all_languages_together_pass_nine_of_ten_alone(
    figures: Mapping[str, Any],
) -> None:
    assert figures["all"]["short"] >= 0.94
    assert figures["all"]["short_otherwise"] >= 0.87


def test_what_is_sure_is_nearly_always_right_and_most_is_sure(figures: Mapping[str, Any]) -> None:
    assert figures["all"]["right_when_sure"] >= 0.985
    assert figures["all"]["sure"] >= 0.9
    assert figures["calibration_error"] <= 0.05


def test_the_model_is_better_than_the_rules_where_letters_are_missing(
    figures: Mapping[str, Any],
) -> None:
    rules = evaluate_language.languages(None, TEXTS, [])["rules"]["all"]
    for column in ("six", "six_otherwise", "short", "short_otherwise", "short_with_history"):
        assert figures["all"][column] > rules[column]


def test_authors_the_model_has_not_read_are_recognised_by_six_of_their_words() -> None:
    texts = written()
    unseen = _every_third_author(texts)
    model = learnt([one for one in texts if one.author not in unseen])
    pieces = [
        (" ".join(one.text.split()[:6]), one.language)
        for one in texts
        if one.author in unseen and len(one.text.split()) >= 6
    ]
    right = [identify(piece, None, model)[0] == code for piece, code in pieces]
    assert sum(right) / len(right) >= 0.97


def _every_third_author(texts: list[Written]) -> set[str]:
    authors: dict[str, list[str]] = {}
    for one in texts:
        own = authors.setdefault(one.language, [])
        if not one.by_hand and one.author not in own:
            own.append(one.author)
    return {author for own in authors.values() for author in sorted(own)[1::3]}


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_measured_texts_are_as_many_and_as_long_as_they_say(code: str) -> None:
    short, six = _measured(code)
    assert len(set(short)) == len(set(six)) == 40
    assert all(1 <= len(text.split()) <= 5 for text in short)
    assert all(len(text.split()) == 6 for text in six)


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_measured_text_of_six_words_is_taught(code: str) -> None:
    """Shorter ones, as a wish to talk to a person, anybody may write alike."""
    taught = {one.text.lower().strip(" .!?") for one in written()}
    _, six = _measured(code)
    assert not taught & {text.lower().strip(" .!?") for text in six}


@cache
def _measured(code: str) -> tuple[list[str], list[str]]:
    content = yaml.safe_load((TEXTS / f"{code}.yml").read_text(encoding="utf-8"))
    assert content["language"] == code
    short, six = ([t for texts in content[key].values() for t in texts] for key in ("short", "six"))
    return short, six


def test_nothing_trained_is_read_as_nothing(tmp_path: Path) -> None:
    assert read(tmp_path / FOLDER) is None


@pytest.mark.shared
@pytest.mark.parametrize("code", ["sv", "en", "ar", "fi", "fa", "pl", "tr"])
def test_everyday_sentences_of_six_words_are_recognised_in_nineteen_of_twenty(
    code: str, known: LanguageModel | None
) -> None:
    path = SHARED / f"everyday_{code}.jsonl"
    if not path.is_file():
        pytest.skip(f"third-party data not found: {path}")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    texts = [row["text"] for row in rows if len(row["text"].split()) >= 6]
    right = sum(identify(text, None, known)[0] == code for text in texts)
    assert right / len(texts) >= 0.95
