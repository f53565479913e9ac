"""Every word a parent reads is there in every language, with the same values."""

from __future__ import annotations

import re

import pytest
import yaml

from bot.content import CONTENT, REQUIRED, Content
from bot.engine.compile import Policy
from bot.replies import ACUTE
from knowledge.catalogue import Catalogue
from nlu import safety

LISTED = yaml.safe_load((CONTENT / "languages.yml").read_text(encoding="utf-8"))
CONTRACT = yaml.safe_load((CONTENT / "contract.yml").read_text(encoding="utf-8"))
LANGUAGES = sorted(c for c, known in LISTED.items() if known["status"] != REQUIRED and "-" not in c)
COUNTED = ("value_age", "value_months", "value_years")  # have a form for each plural of CLDR
NAMES = ("need_", "kind_")  # of the taxonomy, which has the Swedish and the English ones
SHARED = (
    "word_language_"  # what languages are called, in all of them, stands with the Swedish texts
)
AT_WORK = ["sv", "en"]  # what guides, editors and administrators read
VAGUE = re.compile(
    r"\b(strax|snart|en stund|vänta lite|ögonblick|inom kort|så småningom|stadigvarande)\b", re.I
)
BLAMING = re.compile(r"\b(du måste|du borde|(?<!inte )ditt fel|skyll)\b", re.I)


def spoken(content: Content, language: str) -> dict[str, str]:
    """What is said to a parent; not the console, nor the words she is heard by."""
    unsaid = ("console", "word_", "said_")
    return {i: content.raw(language, i) for i in content.ids(language) if not i.startswith(unsaid)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_text_of_swedish(content: Content, language: str) -> None:
    for_guides = () if language in AT_WORK else tuple(CONTRACT["for_guides"])
    unasked = ("console_", SHARED, *for_guides)
    swedish = {i for i in content.ids("sv") if not i.startswith(unasked)}
    assert swedish - content.ids(language) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_no_text_that_swedish_lacks(content: Content, language: str) -> None:
    extra = content.ids(language) - content.ids("sv") - set(CONTRACT["with_an_interpreter"])
    plurals = {text for text in extra if text.rpartition("_")[0] in COUNTED}
    assert {text for text in extra - plurals if not text.startswith(NAMES)} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_are_those_of_the_swedish_text(content: Content, language: str) -> None:
    for text_id in content.ids(language) & content.ids("sv"):
        expected = content.placeholders("sv", text_id)
        assert content.placeholders(language, text_id) == expected, text_id


def test_every_reply_of_the_engine_has_a_text(content: Content, artifacts: object) -> None:
    from bot.settings import settings

    domain = yaml.safe_load((settings().rasa_project / "domain.yml").read_text())
    for reply in domain["responses"]:
        for language in LANGUAGES:
            assert content.has(language, reply), (language, reply)


def test_every_reply_an_action_names_has_a_text(content: Content) -> None:
    named = set()
    for path in (CONTENT.parents[1] / "actions").glob("*.py"):
        named |= set(re.findall(r'"(utter_\w+)"', path.read_text(encoding="utf-8")))
    assert len(named) > 15
    assert {name for name in named if not content.has("sv", name)} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_question_has_its_words(content: Content, language: str) -> None:
    for name, question in Policy.load().questions.items():
        for text_id in (f"utter_ask_{name}", f"why_{name}", f"simpler_{name}"):
            assert content.has(language, text_id), text_id
        for choice in question.choices:
            assert content.has(language, f"choice_{name}_{choice.id}"), choice.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_choices_of_a_question_are_distinct(content: Content, language: str) -> None:
    for name, question in Policy.load().questions.items():
        labels = [content.raw(language, f"choice_{name}_{c.id}") for c in question.choices]
        assert len(set(labels)) == len(labels), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_need_and_kind_has_a_label(
    content: Content, catalogue: Catalogue, language: str
) -> None:
    for kind, section in (("need", catalogue.taxonomy.needs), ("kind", catalogue.taxonomy.kinds)):
        for name, entry in section.items():
            assert language in entry.label or f"{kind}_{name}" in content.ids(language), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_category_of_danger_has_an_answer(content: Content, language: str) -> None:
    answers = yaml.safe_load(ACUTE.read_text(encoding="utf-8"))
    assert set(safety.CATEGORIES) <= set(answers)
    for answer in answers.values():
        assert content.has(language, answer["text"])
        assert "112" in content.raw(language, answer["text"])


def test_help_lines_of_the_acute_answer_are_verified_and_fresh(catalogue: Catalogue) -> None:
    import datetime as dt

    answers = yaml.safe_load(ACUTE.read_text(encoding="utf-8"))
    named = {line for answer in answers.values() for line in answer["lines"]}
    for line in named:
        if line in catalogue.kinds:
            continue
        entry = catalogue.services[line]
        assert entry.phones, line
        assert entry.review_due > dt.date.today(), f"{line} is to be verified again"


def test_the_swedish_texts_avoid_vague_times_and_blame(content: Content) -> None:
    for text_id, text in spoken(content, "sv").items():
        assert not VAGUE.search(text), text_id
        assert not BLAMING.search(text), text_id
        assert "!" not in text, text_id


def lix(text: str) -> float:
    """Swedish readability: words a sentence plus per cent words over six letters."""
    words = re.findall(r"[^\W\d_]+", text)
    sentences = max(1, len(re.findall(r"[.?:](?:\s|$)", text)))
    long_words = sum(len(word) > 6 for word in words)
    return len(words) / sentences + 100 * long_words / max(1, len(words))


def test_longer_swedish_texts_are_easy_to_read(content: Content) -> None:
    hard = {
        text_id: round(lix(text))
        for text_id, text in spoken(content, "sv").items()
        if len(text.split()) > 15 and lix(text) > 40
    }
    assert hard == {}


def test_the_first_message_is_honest_in_every_language(content: Content) -> None:
    must = {
        "sv": ["dator", "minuter", "{days}", "{presence}", "112", "radera", "anmäla"],
        "en": ["computer", "minutes", "{days}", "{presence}", "112", "erase", "report"],
    }
    for language, words in must.items():
        parts = ("utter_welcome", "utter_welcome_kept", "utter_welcome_start")
        text = " ".join(content.raw(language, part) for part in parts)
        assert [word for word in words if word not in text] == []


def test_the_first_bubble_is_short_and_says_what_to_do_in_danger(content: Content) -> None:
    for language in LANGUAGES:
        text = content.raw(language, "utter_welcome")
        assert len(text.split()) <= 40
        assert "112" in text


def test_nothing_promises_secrecy_that_cannot_be_kept(content: Content) -> None:
    promise = re.compile(
        r"\b(ingen får veta|lovar att inte|helt anonymt|stannar mellan oss)\b", re.I
    )
    said = spoken(content, "sv")
    assert [text_id for text_id, text in said.items() if promise.search(text)] == []
    for text_id in ("utter_secrecy", "utter_must_report"):
        assert "{must_report}" in content.raw("sv", text_id)
