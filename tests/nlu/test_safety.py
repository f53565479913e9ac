"""Danger first: what must be seen, what must not be flagged, in messages parents could write."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from nlu import safety
from nlu.safety import Check, LexiconError, check, load_lexicon

HERE = Path(__file__).parent
SHARED = HERE.parents[1].parent / "shared" / "data"
LANGUAGES = ("sv", "en")
MOST_FALSE_ALARMS = 0.03  # of the near misses
MOST_EVERYDAY_ALARMS = 0.005
LONGEST_MESSAGE = 4000


def labelled(language: str) -> dict[str, Any]:
    path = HERE / "data" / f"safety_{language}.yml"
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


ACUTE = [(language, m) for language in LANGUAGES for m in labelled(language)["acute"]]
NEAR_MISSES = [(lang, text) for lang in LANGUAGES for text in labelled(lang)["near_misses"]]


def acute_texts(language: str) -> list[str]:
    return [message["text"] for lang, message in ACUTE if lang == language]


@pytest.mark.parametrize(("language", "message"), ACUTE, ids=lambda v: str(v)[:60])
def test_a_message_about_danger_is_acute_and_in_the_right_category(
    language: str, message: dict[str, Any]
) -> None:
    seen = check(message["text"], language)
    assert seen.acute
    assert set(message["categories"]) <= set(seen.categories)


@pytest.mark.parametrize(
    ("language", "message"),
    [(lang, m) for lang, m in ACUTE if {"who", "when", "denied"} & set(m)],
    ids=lambda v: str(v)[:60],
)
def test_a_message_tells_whom_it_concerns_when_and_whether_it_is_denied(
    language: str, message: dict[str, Any]
) -> None:
    seen = check(message["text"], language)
    for name in ("who", "when", "denied"):
        if name in message:
            assert getattr(seen, name) == message[name], name


@pytest.mark.parametrize("language", LANGUAGES)
def test_near_misses_are_hardly_ever_flagged(language: str) -> None:
    texts = labelled(language)["near_misses"]
    flagged = [text for text in texts if check(text, language).acute]
    assert len(flagged) <= MOST_FALSE_ALARMS * len(texts), flagged


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_category_has_at_least_four_labelled_messages(language: str) -> None:
    found = [c for lang, m in ACUTE if lang == language for c in m["categories"]]
    assert {c: found.count(c) for c in safety.CATEGORIES if found.count(c) < 4} == {}


def test_no_labelled_message_is_both_acute_and_a_near_miss() -> None:
    texts = [m["text"] for _, m in ACUTE] + [text for _, text in NEAR_MISSES]
    assert len(texts) == len(set(texts))


@pytest.mark.shared
@pytest.mark.parametrize("language", LANGUAGES)
def test_everyday_talk_to_an_assistant_is_not_flagged(language: str) -> None:
    path = SHARED / f"everyday_{language}.jsonl"
    if not path.exists():
        pytest.skip(f"{path} is missing: third-party test data lies beside the project")
    lines = path.read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    flagged = [text for text in texts if check(text).acute]
    assert len(flagged) <= MOST_EVERYDAY_ALARMS * len(texts), flagged


# however it is typed


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("hint", ["sv", "en", "so", None])
def test_the_language_hint_never_decides_whether_danger_is_seen(
    language: str, hint: str | None
) -> None:
    assert [text for text in acute_texts(language) if not check(text, hint).acute] == []


def test_swedish_without_dots_is_understood() -> None:
    dotless = str.maketrans("åäöÅÄÖ", "aaoAAO")
    unseen = [t for t in acute_texts("sv") if not check(t.translate(dotless)).acute]
    assert unseen == []


def test_swedish_spelled_with_ae_and_oe_is_understood() -> None:
    assert check("min dotter saeger att hon vill doe").acute
    assert check("han slaar mig").acute


@pytest.mark.parametrize("language", LANGUAGES)
def test_capital_letters_change_nothing(language: str) -> None:
    for text in acute_texts(language):
        assert check(text.upper()) == check(text.lower()), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_final_shout_of_punctuation_changes_nothing(language: str) -> None:
    for text in acute_texts(language):
        assert check(text.rstrip(".?! ") + "!!!???").acute, text


@pytest.mark.parametrize("language", LANGUAGES)
def test_commas_left_out_hide_no_danger(language: str) -> None:
    unseen = [t for t in acute_texts(language) if not check(t.replace(",", "")).acute]
    assert unseen == []


@pytest.mark.parametrize("invisible", ["\u200b", "\u200d", "\u00ad", "\ufeff", "\u2060"])
def test_invisible_characters_inside_words_hide_nothing(invisible: str) -> None:
    for text in acute_texts("sv"):
        hidden = re.sub(r"(?<=\w)(?=\w)", invisible, text)
        assert check(hidden) == check(text), text


@pytest.mark.parametrize(
    "text",
    [
        "jaaag viiiill döööö",
        "viill innte leeva längree",
        "min dotter har s j ä l v m o r d s tankar",
        "min son har sj4lvm0rdstankar",
        "han\nslår\nmig",
        "hon vill... inte... leva...",
        "min dotter har självmordstnakar",
        "sjävmord",
        "ja pallar int leva mer",
        "dom hotar å slå ihjäl våran son",
        "he wants to kiiill himself",
        "my son is suicdal",
        "ｍｉｎ ｓｏｎ ｖｉｌｌ ｄö",
    ],
)
def test_misspelled_stretched_and_spoken_words_are_understood(text: str) -> None:
    assert check(text).acute


def test_danger_in_the_middle_of_a_long_message_is_seen() -> None:
    filler = "Vi har väntat länge på ett möte med skolan och det har varit en tung höst. "
    half = filler * ((LONGEST_MESSAGE // 2 - 40) // len(filler))
    text = half + "Igår sa min son att han vill dö. " + half
    assert len(text) > LONGEST_MESSAGE * 0.9
    assert check(text).categories == ("suicide_child",)
    assert not check(half + half).acute


def test_a_message_in_two_languages_is_read_in_both() -> None:
    assert check("hej jag vet inte hur jag ska säga, my husband hits me every day", "sv").acute
    assert check("Hello, sorry for my Swedish. Min man slår mig.", "en").acute


@pytest.mark.parametrize("text", ["", "   ", "...", "?!", "\u200b", "🙂", "a" * LONGEST_MESSAGE])
def test_a_message_without_words_is_no_danger_and_no_error(text: str) -> None:
    assert check(text) == Check(False, (), "unknown", "unknown", False)


# figures of speech, past, denied, somebody else


def test_a_figure_of_speech_does_not_hide_a_danger_beside_it() -> None:
    assert not check("jag dör av skratt åt honom").acute
    seen = check("jag dör av skratt åt honom ibland men igår sa han att han vill dö")
    assert seen.acute


def test_a_film_about_suicide_does_not_hide_the_childs_own_words() -> None:
    assert not check("de såg en film om självmord i skolan").acute
    seen = check("de såg en film om självmord i skolan och nu skär hon sig")
    assert seen.categories == ("suicide_child",)


def test_a_course_about_violence_is_not_violence() -> None:
    assert not check("när är nästa föreläsning om våld i nära relationer").acute
    assert not check("I need leaflets about domestic violence for my training course").acute


def test_a_general_question_about_a_childs_suicidal_thoughts_is_acute() -> None:
    seen = check("vad ska en förälder göra när ett barn har självmordstankar")
    assert (seen.acute, seen.who) == (True, "unknown")


def test_a_past_danger_in_the_family_stays_acute_and_is_marked_past() -> None:
    seen = check("för tre år sedan försökte min son ta sitt liv")
    assert (seen.acute, seen.when, seen.who) == (True, "past", "my_child")


def test_a_past_danger_outside_the_family_is_not_acute() -> None:
    assert not check("för tio år sedan tog en klasskamrat till min kollega livet av sig").acute


def test_a_denied_danger_in_the_family_stays_acute_and_is_marked_denied() -> None:
    seen = check("min dotter har inga självmordstankar men hon gråter varje kväll")
    assert (seen.acute, seen.denied) == (True, True)


def test_a_danger_that_itself_says_not_is_not_denied() -> None:
    assert not check("jag vill inte leva").denied
    assert not check("hon rymde och svarar inte").denied


def test_words_that_a_child_says_concern_the_child() -> None:
    seen = check("min son skrev: jag vill inte leva")
    assert (seen.categories, seen.who) == (("suicide_child",), "my_child")


def test_a_child_that_writes_gets_its_own_category_beside_the_danger() -> None:
    seen = check("jag är 12 år och min pappa slår mig")
    assert {"child_writes", "violence_now"} <= set(seen.categories)


def test_a_parent_who_names_the_childs_age_is_not_taken_for_a_child() -> None:
    assert "child_writes" not in check("min son är 12 år och säger att han vill dö").categories


def test_a_small_childs_outbursts_are_not_violence_but_a_knife_is() -> None:
    assert not check("min son är 5 år och slår mig när han blir arg").acute
    assert check("min son är 5 år och hotar mig med kniv").acute


def test_categories_come_with_the_most_urgent_first() -> None:
    seen = check("han hotar att döda mig och min dotter har tagit en överdos")
    assert seen.categories == tuple(sorted(seen.categories, key=safety.CATEGORIES.index))
    assert {"overdose", "violence_threat"} <= set(seen.categories)


# the YAML


def lexicon_with(tmp_path: Path, change: dict[str, Any]) -> Path:
    content = yaml.safe_load((safety.DATA / "sv" / "safety.yml").read_text(encoding="utf-8"))
    path = tmp_path / "safety.yml"
    path.write_text(yaml.safe_dump(content | change, allow_unicode=True), encoding="utf-8")
    return path


def danger(**group: Any) -> dict[str, Any]:
    group = {"categories": ["abuse"], "phrases": ["ett ord"]} | group
    return {"dangers": [group], "tolerant": ["flickan"]}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_lexicon_in_the_project_can_be_read(language: str) -> None:
    assert load_lexicon(safety.DATA / language / "safety.yml").language == language
    assert language in safety.load()


def test_a_changed_copy_without_faults_can_be_read(tmp_path: Path) -> None:
    assert load_lexicon(lexicon_with(tmp_path, danger())).language == "sv"


@pytest.mark.parametrize(
    ("change", "words_in_the_message"),
    [
        (danger(categories=["abuze"]), "abuze"),
        (danger(categories=[]), "categories"),
        (danger(phrases=[]), "abuse"),
        (danger(phrases=["<nobody> slår"]), "<nobody>"),
        (danger(phrases=["slår ~0 mig"]), "gap"),
        (danger(phrases=["slår mig ~3"]), "gap"),
        (danger(phrases=["~3"]), "no word"),
        (danger(phrases=["slår sl%r mig"]), "sl%r"),
        (danger(phrases=["slår mig", "slår mig"]), "twice"),
        (danger(phrases=["slår|bara mig"]), "bara"),
        (danger(phrases=[True]), "quote"),
        (danger(who="everyone"), "everyone"),
        (danger(when="later"), "later"),
        (danger(unless=["no_such_sign"]), "no_such_sign"),
        (danger(colour="red"), "colour"),
        ({"dangers": []}, "dangers"),
        ({"fillers": None}, "fillers"),
        ({"extra": 1}, "extra"),
        ({"negation_reach": [2]}, "negation_reach"),
        ({"tolerant": ["nosuchword"]}, "nosuchword"),
        ({"people": {"me": ["jag"]}}, "people"),
        ({"times": {"now": ["nu"]}}, "times"),
    ],
)
def test_a_fault_in_the_yaml_is_an_error_that_names_it(
    tmp_path: Path, change: dict[str, Any], words_in_the_message: str
) -> None:
    with pytest.raises(LexiconError, match=re.escape(words_in_the_message)) as fault:
        load_lexicon(lexicon_with(tmp_path, change))
    assert "safety.yml" in str(fault.value)


@pytest.mark.parametrize("text", ["", "- a list", "language: [", "language: sv\nlanguage: en"])
def test_a_file_that_is_no_lexicon_at_all_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "safety.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LexiconError):
        load_lexicon(path)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LexiconError, match=r"safety\.yml"):
        load_lexicon(tmp_path / "safety.yml")
