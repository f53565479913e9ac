"""Typed text made comparable, without losing where it came from."""

from __future__ import annotations

import pytest

from nlu.entities import spelling
from nlu.normalise import lemma, normalise, restored


def read(text: str, language: str = "sv") -> str:
    return normalise(text, language, spelling(language)).text


def test_dots_come_back_where_only_one_word_is_possible() -> None:
    assert read("hon behover hjalp fran skolan") == "hon behöver hjälp från skolan"


def test_words_that_are_right_with_and_without_dots_are_read_by_the_rest_of_the_message() -> None:
    assert read("han ar radd nar vi ska ga") == "han är rädd när vi ska gå"
    assert read("vi är i en far, sa hon") == "vi är i en far, sa hon"


def test_a_word_that_exists_without_dots_stays_as_it_is() -> None:
    assert restored("skola") == "skola"


def test_chat_abbreviations_are_written_out() -> None:
    assert read("asså dom gör ngt iaf") == "alltså de gör något i alla fall"


def test_invisible_characters_disappear_and_odd_ones_become_plain() -> None:
    assert read("so\u00adcial\u200btjänsten") == "socialtjänsten"
    assert read("ｈｊälp") == "hjälp"
    assert read("ga\u030ar") == "går"


def test_joiners_that_carry_meaning_in_persian_are_kept() -> None:
    assert read("نمی\u200cخواهد", "fa") == "نمی\u200cخواهد"


def test_emoji_are_kept() -> None:
    assert read("orkar inte 😭") == "orkar inte 😭"


def test_english_is_not_given_swedish_dots() -> None:
    assert read("help for my son", "en") == "help for my son"


@pytest.mark.parametrize(
    "text", ["asså bup svarar inte", "BUP \u200bringer ngn gång", "ga\u030ar bup"]
)
def test_a_place_in_the_result_points_back_to_the_parents_own_words(text: str) -> None:
    normal = normalise(text, "sv", spelling("sv"))
    at = normal.text.lower().index("bup")
    start, end = normal.span(at, at + 3)
    assert text[start:end].lower().strip("\u200b ") == "bup"


def test_nothing_becomes_nothing() -> None:
    assert read("") == ""


def test_a_lemma_ignores_case_and_genitive_marks() -> None:
    assert lemma("Socialtjänstens", "sv") == lemma("socialtjänsten", "sv")
    assert lemma("BUP:s", "sv") == "bup"
