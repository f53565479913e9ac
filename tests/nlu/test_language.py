"""In which language a turn is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nlu.language import LANGUAGES, identify

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data"

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


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_plain_sentence_is_recognised_in_every_language(code: str) -> None:
    found, confidence = identify(SENTENCES[code])
    assert found == code
    assert confidence > 0.6


def test_swedish_typed_without_dots_is_still_swedish() -> None:
    assert identify("hon vagar inte ga till skolan langre")[0] == "sv"


@pytest.mark.parametrize(
    "text", ["min datter vil ikke gå på skolen mer", "min søn vil ikke i skole længere"]
)
def test_norwegian_and_danish_are_answered_in_swedish(text: str) -> None:
    assert identify(text)[0] == "sv"


def test_bosnian_in_cyrillic_letters_is_not_taken_for_ukrainian() -> None:
    assert identify("моја ћерка не жели да иде у школу")[0] == "bs"


@pytest.mark.parametrize("text", ["ok", "13", "ja tack", "👍", ""])
def test_a_turn_of_one_or_two_words_keeps_the_language_of_the_conversation(text: str) -> None:
    assert identify(text, "fi")[0] == "fi"


def test_one_word_in_another_script_changes_the_language() -> None:
    assert identify("مساعدة", "sv")[0] == "ar"


def test_a_whole_sentence_in_another_language_beats_the_conversation_so_far() -> None:
    assert identify("can we please continue in English instead", "sv")[0] == "en"


def test_without_letters_or_conversation_nothing_is_certain() -> None:
    code, confidence = identify("???")
    assert code == "sv"
    assert confidence < 0.5


@pytest.mark.shared
@pytest.mark.parametrize("code", ["sv", "en", "ar", "fi", "fa", "pl", "tr"])
def test_everyday_sentences_of_six_words_are_recognised_in_nineteen_of_twenty(code: str) -> None:
    path = SHARED / f"everyday_{code}.jsonl"
    if not path.is_file():
        pytest.skip(f"third-party data not found: {path}")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    texts = [row["text"] for row in rows if len(row["text"].split()) >= 6]
    right = sum(identify(text)[0] == code for text in texts)
    assert right / len(texts) >= 0.95
