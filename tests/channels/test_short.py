"""What a phone shows of every reply: short, neutral, and with numbers that mean something."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest

from bot.content import Content
from bot.engine.reply import ReplyRequest
from bot.messages import Author, OutgoingMessage
from bot.replies import Replies, Setting
from channels.gsm import count
from channels.providers.whatsapp import BODY_LENGTH
from channels.short import PARTS, WORDS, Bit, Look, Short, chosen, split
from knowledge.catalogue import Catalogue
from nlu import safety

LANGUAGES = sorted(Content.load().languages)
IN_SEVEN_BITS = {"sv", "sv-x-lattlast", "en", "fi", "so"}  # the others need letters beyond them
CHANNELS = ["sms", "whatsapp"]
SLOTS: dict[str, Any] = {
    "needs": {"school_absence": 0.95, "npf_child": 0.9},
    "actors": ["school", "bup", "social_services"],
    "child_age": 9,
    "child_age_2": 12,
    "child_age_3": 15,
    "agenda": ["school_absence"],
}


@pytest.fixture(scope="module")
def short(content: Content, catalogue: Catalogue) -> Short:
    return Short(content, catalogue)


def look(catalogue: Catalogue, language: str = "sv", **more: Any) -> Look:
    return Look(catalogue.municipalities["demokommun"], language, **more)


def every_reply(replies: Replies, catalogue: Catalogue, language: str) -> list[OutgoingMessage]:
    """Each reply id once, as it is stored, with values such as they come."""
    setting = Setting(
        catalogue.municipalities["demokommun"], language, dt.datetime.now(dt.UTC), slots=SLOTS
    )
    known = {"needs": "Adhd, autism", "name": "BUP Demokommun", "plan_b": "Fråga BUP", "kinds": "x",
             "function": "guide", "written": "so", "languages": "sv"}  # fmt: skip
    bup = replies.briefs.reader("bup", setting.municipality.name, language)
    said = []
    questions = [f"utter_ask_{q}" for q in replies.policy.questions]
    for reply in questions:
        said.append(replies.word(ReplyRequest(reply), setting))
    for reply in replies.content.ids(language):
        if not reply.startswith("utter_") or reply in questions:
            continue
        values = {**known, **replies._common(setting), "code": "4KMA-7RTX", "link": "https://x",
                  "minutes": "15", "number": "+46766861001", "actor": "BUP",
                  "when": "torsdag den 26 november kl. 13.30", "explanation": "Ett ord.",
                  "before": "onsdag den 25 november kl. 16.00", "reader": bup}  # fmt: skip
        text = replies.content.text(language, reply, **values)
        said.append(OutgoingMessage(Author.BOT, text, reply, language))
    return said


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reply_fits_and_tells_nobody_what_it_is_about(
    short: Short, replies: Replies, catalogue: Catalogue, language: str, channel: str
) -> None:
    phone = look(catalogue, language, channel=channel)
    said = every_reply(replies, catalogue, language)
    assert len(said) > 90
    for message in said:
        bits = short.render([message], phone)
        most = 2 if language not in IN_SEVEN_BITS or any(bit.is_link for bit in bits) else 1
        assert len(bits) <= most, (message.reply_id, bits)
        for bit in bits:
            shown = short.shown(bit, phone)
            assert short.parts(bit, phone) <= PARTS, (message.reply_id, shown)
            assert not short.reveals(shown), (message.reply_id, shown)
            assert not any(short.reveals(label) for _, label in bit.choices), message.reply_id


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_swedish_phone_keeps_back_is_kept_back_in_every_language(
    short: Short, replies: Replies, catalogue: Catalogue, language: str
) -> None:
    def kept_back(language: str) -> dict[str, tuple[bool, bool]]:
        """Whether the words of each reply are behind a link, and its choices not listed."""
        phone, found = look(catalogue, language), {}
        for message in every_reply(replies, catalogue, language):
            bits = short.render([message], phone)
            asked = any(bit.choices for bit in bits)
            found[message.reply_id] = (any(bit.is_link for bit in bits), not asked)
        return found

    swedish, own = kept_back("sv"), kept_back(language)
    assert own.keys() <= swedish.keys()  # a language falls back on another's words
    for reply in own:
        is_link, is_unlisted = swedish[reply]
        assert own[reply][0] == is_link, reply
        assert own[reply][1] or not is_unlisted, reply


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_in_full_text_nothing_is_left_out_and_nothing_is_too_long(
    short: Short, replies: Replies, catalogue: Catalogue, language: str, channel: str
) -> None:
    phone = look(catalogue, language, channel=channel, full_text=True)
    for message in every_reply(replies, catalogue, language):
        for bit in short.render([message], phone):
            assert not bit.is_link
            if channel == "sms":
                assert short.parts(bit, phone) <= PARTS, message.reply_id
            else:
                assert len(bit.text) <= BODY_LENGTH


def test_the_answer_to_danger_fits_in_every_language_it_is_given_in(
    short: Short, replies: Replies, catalogue: Catalogue, content: Content
) -> None:
    for category in safety.CATEGORIES:
        for language in sorted(content.in_danger):
            setting = Setting(
                catalogue.municipalities["demokommun"], language, dt.datetime.now(dt.UTC)
            )
            check = safety.Check(True, (category,), "unknown", "now", False, language=language)
            message = replies.acute(check, setting)
            text = short.acute(message, look(catalogue, language))
            assert "112" in text, (category, language)
            assert count(text).parts <= PARTS, (category, language)
            names = [n["label"] for n in message.body["numbers"] if n["number"] != "112"]
            assert not any(name in text for name in names)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_phones_own_texts_fit(short: Short, catalogue: Catalogue, language: str) -> None:
    phone = look(catalogue, language)
    values = {"link": "https://lotsa.langkommun.example.se/fortsatt", "code": "4KMA-7RTX",
              "minutes": 15, "last": 9, "most": 2, "numbers": "90101", "name": "Anna",
              "text": "hej"}  # fmt: skip
    for text_id in short.content.ids(language):
        if text_id.startswith("sms_") and not text_id.startswith("sms_word_"):
            text = short.text(text_id, phone, **values)
            assert language not in IN_SEVEN_BITS or count(text).encoding == "GSM-7", text_id
            assert count(text).parts <= PARTS, text_id


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_notice_says_nothing_of_what_it_is_about(short: Short, language: str) -> None:
    for text_id in short.content.ids(language):
        if text_id.startswith("notice_"):
            text = short.content.raw(language, text_id)
            assert not short.reveals(text)
            assert not re.search(r"\b(barn|child|skol|school|stöd|support)", text, re.I)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reserved_word_means_one_thing(content: Content, language: str) -> None:
    words = [w for word in WORDS for w in content.raw(language, f"sms_word_{word}").split("|")]
    assert len(words) == len({word.casefold() for word in words})


def test_a_reserved_word_means_the_same_in_every_language(content: Content) -> None:
    meant: dict[str, set[str]] = {}
    for language in LANGUAGES:
        for word in WORDS:
            for said in content.raw(language, f"sms_word_{word}").split("|"):
                meant.setdefault(said.casefold(), set()).add(word)
    assert {said: words for said, words in meant.items() if len(words) > 1} == {}


def test_a_short_form_belongs_to_a_reply(content: Content) -> None:
    for text_id in content.ids("sv"):
        if text_id.startswith("sms_utter_"):
            assert content.has("sv", text_id.removeprefix("sms_")), text_id


def test_a_phone_others_read_gets_no_cards(short: Short, catalogue: Catalogue) -> None:
    phone = look(catalogue, full_text=True, may_send=False)
    message = OutgoingMessage(Author.BOT, "Det här finns.", "utter_matches", body={"cards": [{}]})
    assert [bit.is_link for bit in short.render([message], phone)] == [True]


MENU = {"choices": ["actors:school", "actors:bup", "actors:nobody"], "multiple": True, "most": 2}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("1", "actors:school"), ("2.", "actors:bup"), ("1 2", "actors:school,bup"),
     ("1,2", "actors:school,bup"), ("1 1", "actors:school"), ("1 2 3", None), ("4", None),
     ("0", None), ("ett", None), ("", None), ("1 och 2", None), ("12", None)],
)  # fmt: skip
def test_a_typed_number_is_the_choice_that_was_shown(typed: str, meant: str | None) -> None:
    assert chosen(typed, MENU) == meant


def test_two_numbers_answer_no_question_that_takes_one() -> None:
    assert chosen("1 2", {**MENU, "multiple": False}) is None


def test_a_turn_has_one_question_and_it_comes_last(short: Short, catalogue: Catalogue) -> None:
    phone = look(catalogue)
    choices = {"choices": [{"id": "how_long:weeks", "label": "Några veckor"}]}
    turn = [
        OutgoingMessage(Author.BOT, "Tack.", "utter_noted", body=choices),
        OutgoingMessage(Author.BOT, "Hur länge?", "utter_ask_how_long",
                        body={**choices, "question": {"id": "how_long", "multiple": False}}),
    ]  # fmt: skip
    (bit,) = short.render(turn, phone)
    assert short.shown(bit, phone) == "Tack.\nHur länge?\n1 Några veckor\nSvara 1."


@pytest.mark.parametrize(
    ("text", "encoding", "parts"),
    [("a" * 160, "GSM-7", 1), ("a" * 161, "GSM-7", 2), ("a" * 306, "GSM-7", 2),
     ("a" * 307, "GSM-7", 3), ("a" * 459, "GSM-7", 3), ("a" * 460, "GSM-7", 4),
     ("€" * 80, "GSM-7", 1), ("€" * 81, "GSM-7", 2), ("€" * 153, "GSM-7", 3),
     ("å" * 160, "GSM-7", 1), ("ş" * 70, "UCS-2", 1), ("ş" * 71, "UCS-2", 2),
     ("م" * 134, "UCS-2", 2), ("م" * 135, "UCS-2", 3), ("😀" * 35, "UCS-2", 1),
     ("😀" * 36, "UCS-2", 2), ("😀" * 67, "UCS-2", 3), ("", "GSM-7", 1)],
)  # fmt: skip
def test_parts_are_counted_as_the_networks_do(text: str, encoding: str, parts: int) -> None:
    counted = count(text)
    assert (counted.encoding, counted.parts) == (encoding, parts)


def test_a_long_text_is_split_without_losing_a_word(catalogue: Catalogue) -> None:
    text = " ".join(f"Mening nummer {n} är här." for n in range(80)) + " " + "x" * 700
    pieces = split(text, look(catalogue))
    assert all(count(piece).parts <= PARTS for piece in pieces)
    assert re.sub(r"\s", "", "".join(pieces)) == re.sub(r"\s", "", text)


def test_what_was_told_in_the_call_is_not_told_again(short: Short, catalogue: Catalogue) -> None:
    told = OutgoingMessage(Author.SAFETY, "Ring 112.\n\nx", "acute_default", body={"told": True},
                           acute=True)  # fmt: skip
    assert short.render([told], look(catalogue)) == []


def test_the_last_numbers_stay_under_a_guides_words(short: Short, catalogue: Catalogue) -> None:
    guide = short.render([OutgoingMessage(Author.GUIDE, "Hej", name="Anna")], look(catalogue))
    assert short.menu_after(guide, look(catalogue), MENU) == MENU
    assert short.menu_after([Bit("Tack.")], look(catalogue), MENU) == {}
