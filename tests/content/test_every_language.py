"""What must hold of every text in every language, whoever wrote it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

import pytest
import yaml

from bot.content import CONTENT, REQUIRED, Content, spoken
from bot.engine.compile import Policy
from nlu.language import identify

CONTENTS = Content.load()
LISTED = yaml.safe_load((CONTENT / "languages.yml").read_text(encoding="utf-8"))
FULL = sorted(code for code, known in LISTED.items() if known["status"] != REQUIRED)
FOREIGN = sorted(code for code in LISTED if spoken(code) != "sv")
UNSAID = ("console", "word_", "said_", "sms_word_", "format", "web_stod_date", "tools_date")
AT_WORK = tuple(
    yaml.safe_load((CONTENT / "contract.yml").read_text(encoding="utf-8"))["for_guides"]
)
SENTENCE = re.compile(r"[.?!:;։።؟۔\n]+(?:\s|$)|\n")
LONGEST = {"sv-x-lattlast": 15}  # words of a sentence
LONGEST_ELSEWHERE = 34
LONGER, EXPLAINS = 2.7, 4.0  # times the letters of the Swedish; easy Swedish explains each word
LATIN, CYRILLIC = re.compile(r"[A-Za-zÀ-ɏ]"), re.compile(r"[Ѐ-ӿ]")
# Letters of an Arabic keyboard that a Persian or Sorani text writes with others.
NOT_THEIRS = {"fa": "يكىة", "ckb": "يكىة"}
BIDI = re.compile("[\u202a-\u202e]")  # overrides; isolates (2066-2069) are the right ones
SWEDISH = re.compile(r"\b(och|inte|är|från|eller|för att|du kan|barnet|hjälp|när|också)\b", re.I)
EXCLAIMED = re.compile(r"[!！]")
# Blame and threat, in the words the languages have for "your fault" and "you must".
FORBIDDEN = {
    "sv": r"\b(du måste|ditt fel|skyll dig)\b",
    "sv-x-lattlast": r"\b(du måste|ditt fel|skyll dig)\b",
    "en": r"\b(you must|your fault|you should have|unfortunately)\b",
    "ar": r"يجب عليك|ذنبك|خطؤك",
    "so": r"\b(waa inaad|khaladkaaga|eeddaada)\b",
    "fi": r"\b(sinun täytyy|sinun pitää|vikasi)\b",
    "fa": r"باید شما|تقصیر شماست|مجبورید",
    "uk": r"\b(ви мусите|ви повинні|ваша вина)\b",
    "pl": r"\b(musisz|musi pani|musi pan|twoja wina)\b",
    "tr": r"\b(zorundasınız|zorundasın|sizin suçunuz|senin suçun)\b",
    "ku": r"\b(divê tu|sûcê te|tu neçar)\b",
}
DENIED = re.compile(
    r"\b(inte|aldrig|not|never|no|ei|eikä|ma|aha|ahan|maaha|maahan|не|nie|değil|ne|nîne)\b"
    r"|ليس|ليست|لیس|نیست|لا ", re.I
)  # fmt: skip


def said(language: str) -> dict[str, str]:
    """What a parent reads in a language."""
    unread = UNSAID + (() if language in ("sv", "en") else AT_WORK)
    ids = (i for i in CONTENTS.ids(language) if not i.startswith(unread))
    return {i: CONTENTS.raw(language, i) for i in sorted(ids)}


def bare(text: str) -> str:
    return re.sub(r"\{\w+\}", "", text)


@pytest.mark.parametrize("language", sorted(LISTED))
def test_sentences_are_short(language: str) -> None:
    most = LONGEST.get(language, LONGEST_ELSEWHERE)
    long = {
        text_id: max(len(sentence.split()) for sentence in SENTENCE.split(text))
        for text_id, text in said(language).items()
        if max(len(sentence.split()) for sentence in SENTENCE.split(text)) > most
    }
    assert long == {}


@pytest.mark.parametrize("language", FULL)
def test_nobody_is_blamed_threatened_or_shouted_at(language: str) -> None:
    pattern = re.compile(FORBIDDEN[language], re.I)
    found = {i: t for i, t in said(language).items() if EXCLAIMED.search(t)}
    for text_id, text in said(language).items():
        for match in pattern.finditer(text):
            around = text[max(0, match.start() - 25) : match.end() + 25]
            if not DENIED.search(around.replace(match.group(), "")):
                found[text_id] = text
    assert found == {}


@pytest.mark.parametrize("language", FOREIGN)
def test_no_swedish_is_left_in_a_text(language: str) -> None:
    left = {}
    for text_id, text in said(language).items():
        words = re.sub(r"\([^)]*\)", "", bare(text))  # a gloss may stand in brackets
        is_sentence = len(words.split()) >= 6
        has_words = len(SWEDISH.findall(words)) > 1
        if has_words or (is_sentence and identify(words)[0] == "sv"):
            left[text_id] = text
    assert left == {}


@pytest.mark.parametrize("language", sorted(LISTED))
def test_letters_that_look_alike_are_those_of_the_language(language: str) -> None:
    wrong = {}
    for text_id, text in said(language).items():
        for word in re.findall(r"[^\W\d_]+", bare(text)):
            if LATIN.search(word) and CYRILLIC.search(word):
                wrong[text_id] = word
            if any(letter in word for letter in NOT_THEIRS.get(language, "")):
                wrong[text_id] = word
        if BIDI.search(text) or text != unicodedata.normalize("NFC", text):
            wrong[text_id] = text
    assert wrong == {}


@pytest.mark.parametrize("language", sorted(set(FULL) - {"sv"}))
def test_a_text_is_neither_much_shorter_nor_much_longer_than_the_swedish(language: str) -> None:
    odd = {}
    for text_id, text in said(language).items():
        if not CONTENTS.has("sv", text_id) or text_id.startswith(("need_", "kind_")):
            continue
        swedish = bare(CONTENTS.raw("sv", text_id))
        most = EXPLAINS if language == "sv-x-lattlast" else LONGER
        if len(swedish) >= 20 and not 0.3 <= len(bare(text)) / len(swedish) <= most:
            odd[text_id] = text
    assert odd == {}


@pytest.mark.parametrize("language", FULL)
def test_the_buttons_of_a_question_can_be_told_apart(language: str) -> None:
    for name, question in Policy.load().questions.items():
        labels = Counter(CONTENTS.raw(language, f"choice_{name}_{c.id}") for c in question.choices)
        assert [label for label, times in labels.items() if times > 1] == [], name


@pytest.mark.parametrize("language", sorted(LISTED))
def test_a_list_is_divided_as_the_language_divides_it(language: str) -> None:
    listed = CONTENTS.listed(language, ["1", "2", "3"])
    comma = {"ar": "،", "fa": "،", "ckb": "،", "ti": "፣"}.get(language, ",")
    assert comma in listed
    assert listed.index("1") < listed.index("2") < listed.index("3")


@pytest.mark.parametrize(
    ("language", "years", "words"),
    [
        ("sv", 2, "2 år"),
        ("pl", 1, "1 rok"),
        ("pl", 3, "3 lata"),
        ("pl", 12, "12 lat"),
        ("pl", 22, "22 lata"),
        ("uk", 2, "2 роки"),
        ("uk", 11, "11 років"),
        ("uk", 21, "21 рік"),
        ("fi", 2, "2 vuotta"),
    ],
)
def test_an_age_has_the_plural_of_its_language(language: str, years: int, words: str) -> None:
    assert CONTENTS.counted(language, "value_age", age=years) == words


@pytest.mark.parametrize(("months", "words"), [(2, "شهران"), (5, "5 أشهر"), (15, "15 شهرًا")])
def test_arabic_has_a_form_for_two_and_for_few(months: int, words: str) -> None:
    assert CONTENTS.counted("ar", "value_months", months=months) == words
