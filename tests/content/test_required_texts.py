"""The texts that danger is answered with stand in every language a parent may write in."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
import yaml

from bot.content import CONTENT, REQUIRED, Content, spoken
from nlu.language import LANGUAGES

CONTRACT = yaml.safe_load((CONTENT / "contract.yml").read_text(encoding="utf-8"))
CONTENTS = Content.load()
LISTED = yaml.safe_load((CONTENT / "languages.yml").read_text(encoding="utf-8"))
ONLY_REQUIRED = sorted(code for code, known in LISTED.items() if known["status"] == REQUIRED)
# The scripts whose letters may stand in a text; Latin also carries names and numbers everywhere.
LETTERS = {
    "ar": "\u0600-\u06ff", "fa": "\u0600-\u06ff", "ckb": "\u0600-\u06ff",
    "ti": "\u1200-\u137f", "uk": "\u0400-\u04ff",
}  # fmt: skip
LONGEST = 2.2  # times the Swedish text's letters
PHONE = re.compile(r"\d[\d ]+\d")


def test_danger_is_answered_in_every_language_that_is_understood() -> None:
    assert set(LANGUAGES) == {code for code in LISTED if spoken(code) == code}
    assert set(LISTED) == CONTENTS.in_danger


@pytest.mark.parametrize("language", sorted(LISTED))
def test_a_language_has_every_required_text(language: str) -> None:
    missing = [text for text in CONTRACT["required"] if not CONTENTS.has(language, text)]
    assert missing == []


@pytest.mark.parametrize("language", ONLY_REQUIRED)
def test_a_language_with_required_texts_has_those_and_no_others(language: str) -> None:
    assert CONTENTS.ids(language) == {*CONTRACT["required"], *CONTRACT["with_an_interpreter"]}


@pytest.mark.parametrize("language", ONLY_REQUIRED)
def test_placeholders_and_numbers_are_those_of_the_swedish_text(language: str) -> None:
    for text in CONTRACT["required"]:
        assert CONTENTS.placeholders(language, text) == CONTENTS.placeholders("sv", text), text
        for number in PHONE.findall(CONTENTS.raw("sv", text)):
            assert number in CONTENTS.raw(language, text), text


@pytest.mark.parametrize("language", sorted(LETTERS))
def test_a_text_is_written_in_the_letters_of_its_language(language: str) -> None:
    own = re.compile(f"[{LETTERS[language]}]")
    for text in CONTENTS.ids(language):
        words = re.sub(r"\{\w+\}", "", CONTENTS.raw(language, text))
        is_name = CONTENTS.has("sv", text) and words == CONTENTS.raw("sv", text)  # BUP is BUP
        is_name = is_name or text.endswith(("_save_name", "_file_name"))  # of a file
        has_words = "format" not in text and not is_name and re.search(r"[^\W\d_]", words)
        if has_words:
            assert own.search(words), text


@pytest.mark.parametrize("language", ONLY_REQUIRED)
def test_a_text_is_neither_empty_nor_much_longer_than_the_swedish(language: str) -> None:
    for text in (one for one in CONTRACT["required"] if not one.startswith("sms_word_")):
        swedish, own = CONTENTS.raw("sv", text), CONTENTS.raw(language, text)
        assert 0 < len(own) <= LONGEST * len(swedish) + 20, (text, own)


@pytest.mark.parametrize("language", ONLY_REQUIRED)
def test_a_day_and_a_clock_time_can_be_said(language: str) -> None:
    said = CONTENTS.when(language, dt.datetime(2026, 11, 23, 7, 15, tzinfo=dt.UTC))
    assert re.search(r"\d", said) or re.search("[\u0660-\u0669\u06f0-\u06f9]", said)


def test_the_texts_nobody_outside_has_read_are_marked() -> None:
    for language in ONLY_REQUIRED:
        for path in (Path(CONTENT) / language).glob("*.yml"):
            first = path.read_text(encoding="utf-8").splitlines()[0]
            assert first.startswith("# Machine-written"), path
