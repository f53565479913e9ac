"""How replies are worded."""

from __future__ import annotations

import datetime as dt

import pytest

from bot import booking
from bot.calendar import LOCAL
from bot.content import Content, MissingTextError
from bot.engine.reply import ReplyRequest
from bot.replies import Replies, Setting
from knowledge.catalogue import Catalogue
from nlu import safety


def setting(catalogue: Catalogue, municipality: str = "demokommun", **changes: object) -> Setting:
    now = dt.datetime(2026, 11, 24, 22, 40, tzinfo=LOCAL)
    values = {"language": "sv", "now": now, **changes}
    return Setting(catalogue.municipalities[municipality], **values)  # type: ignore[arg-type]


def test_the_evening_says_when_a_guide_is_there(replies: Replies, catalogue: Catalogue) -> None:
    text = replies.presence(setting(catalogue))
    assert "onsdag 25 november kl. 08.00" in text


def test_unknown_hours_promise_nothing(replies: Replies, catalogue: Catalogue) -> None:
    text = replies.presence(setting(catalogue, "strangnas"))
    assert "kl." not in text


def test_a_guide_who_is_there_is_told(replies: Replies, catalogue: Catalogue) -> None:
    off = replies.presence(setting(catalogue, "strangnas"))
    on = replies.presence(setting(catalogue, "strangnas", on_duty=True))
    assert on != off


@pytest.mark.parametrize("category", safety.CATEGORIES)
@pytest.mark.parametrize("municipality", ["strangnas", "sollentuna", "demokommun"])
def test_danger_gives_one_to_three_different_numbers_with_112_first(
    replies: Replies, catalogue: Catalogue, category: str, municipality: str
) -> None:
    check = safety.Check(True, (category,), "unknown", "now", False)
    answer = replies.acute(check, setting(catalogue, municipality))
    numbers = [number["tel"] for number in answer.body["numbers"]]
    assert numbers[0] == "112"
    assert 1 <= len(numbers) <= 3
    assert len(set(numbers)) == len(numbers)
    assert "112" in answer.text.split("\n\n")[0]
    assert answer.body["choices"][0]["id"] == "intent:want_person"


def test_a_past_danger_lowers_the_tone_and_keeps_the_numbers(
    replies: Replies, catalogue: Catalogue
) -> None:
    check = safety.Check(True, ("suicide_child",), "my_child", "past", False)
    answer = replies.acute(check, setting(catalogue))
    assert answer.acute
    assert answer.body["numbers"]
    assert not answer.text.startswith("Ring 112")


def test_a_card_without_contact_names_the_contact_centre(
    replies: Replies, catalogue: Catalogue
) -> None:
    bare = next(s for s in catalogue.in_municipality("strangnas") if not s.phones and not s.url)
    card = replies.card({"service_id": bare.id, "reasons": []}, setting(catalogue, "strangnas"))
    assert "Kontaktcenter" in card["missing"]


def test_a_text_with_a_missing_value_is_an_error(content: Content) -> None:
    with pytest.raises(MissingTextError, match="municipality"):
        content.text("sv", "utter_matches")


def test_a_parents_braces_stay_braces(replies: Replies, catalogue: Catalogue) -> None:
    request = ReplyRequest("utter_masked", {"kinds": "{municipality} {7*7}"})
    assert "{municipality} {7*7}" in replies.word(request, setting(catalogue)).text


def test_a_help_line_says_in_every_language_what_it_is_and_that_somebody_always_answers(
    replies: Replies, catalogue: Catalogue, content: Content
) -> None:
    check = safety.Check(True, ("suicide_self",), "self", "now", False)
    for language in sorted(content.in_danger - {"sv", "sv-x-lattlast"}):
        answer = replies.acute(check, setting(catalogue, language=language))
        notes = [number["note"] for number in answer.body["numbers"]]
        always = content.raw(language, "web_stod_round_the_clock")
        assert all(note.endswith(always) for note in notes), language
        assert not any("dygnet" in note for note in notes), language
        is_told = content.says(language, "kind_sjalvmordslinjen")
        assert not is_told or content.raw(language, "kind_sjalvmordslinjen") in notes[1]


def test_a_day_on_a_button_keeps_the_large_letters_of_its_language(content: Content) -> None:
    assert booking.label("book:day_2027-03-17", content, "so") == "Arbaco 17 Maarso"
    assert booking.label("book:day_2027-03-17", content, "sv") == "Onsdag 17 mars"


def test_a_date_is_said_in_the_order_of_the_language(content: Content) -> None:
    day = dt.date(2027, 4, 15)
    assert content.day("so", day) == "15 Abriil 2027"
    assert content.day("sv", day) == "15 april 2027"
