"""Details a parent mentions on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from nlu.entities import Details, EntityReader, municipality_id, spelling
from nlu.normalise import normalise
from nlu.train import municipality_names

TODAY = date(2025, 11, 22)
Read = Callable[..., Details]


@pytest.fixture(scope="module")
def read() -> Read:
    reader = EntityReader(municipality_names())

    def of(text: str, language: str = "sv") -> Details:
        return reader.read(normalise(text, language, spelling(language)), language, TODAY)

    return of


def values(details: Details, name: str) -> list[Any]:
    return [entity.value for entity in details.entities if entity.name == name]


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("min son är 13 år", 13),
        ("en 13-åring", 13),
        ("vår trettonåring", 13),
        ("grabben på 13 stannar hemma", 13),
        ("hon är 7", 7),
        ("hon är snart 13 år", 13),
        ("sexåringen slår", 6),
        ("han är född 2014", 11),
        ("han fyller 9 i maj", 9),
        ("en bebis som skriker", 0),
        ("min dotter är 4 månader", 0),
        ("13", 13),
        ("nej vanta, 12 ar blir det", 12),
    ],
)
def test_a_childs_age_is_read_however_it_is_written(read: Read, text: str, age: int) -> None:
    assert values(read(text), "child_age") == [age]


@pytest.mark.parametrize(
    "text",
    ["jag är 34 år", "klockan är 7 på kvällen", "de är 4 barn", "i två år nu", "för 3 år sedan"],
)
def test_other_numbers_are_not_a_childs_age(read: Read, text: str) -> None:
    assert values(read(text), "child_age") == []


def test_several_children_are_counted_and_each_age_is_kept(read: Read) -> None:
    details = read("har tre barn, 4, 9 och 14")
    assert values(details, "child_count") == [3]
    assert values(details, "child_age") == [4, 9, 14]
    assert "several_children" in details.signals


def test_sons_and_daughters_are_added_up(read: Read) -> None:
    assert values(read("jag har två pojkar och en flicka"), "child_count") == [3]


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        ("hon går i sjuan", "high"),
        ("pojken i åk 2", "low"),
        ("går i 5:an", "middle"),
        ("tvåan på gymnasiet", "gymnasium"),
        ("på förskolan", "preschool"),
        ("ska börja förskoleklass", "forskoleklass"),
    ],
)
def test_a_school_year_gives_the_stage_and_no_age(read: Read, text: str, stage: str) -> None:
    details = read(text)
    assert values(details, "school_stage") == [stage]
    assert values(details, "child_age") == []


@pytest.mark.parametrize(
    ("text", "months"),
    [
        ("det har pågått i två år", 24),
        ("sen september", 2),
        ("sedan i höstas", 2),
        ("sedan i våras", 8),
        ("ett halvår", 6),
        ("ett och ett halvt år", 18),
        ("flera månader", 3),
        ("flera år", 24),
        ("ett par veckor", 0),
        ("vi har väntat åtta månader", 8),
        ("det började för två år sedan", 24),
        ("sedan 2024", 22),
        ("han har inte varit i skolan på två månader", 2),
        ("har inte satt sin fot dar pa tva manader", 2),
        ("sedan ett drygt halvår", 6),
    ],
)
def test_how_long_is_counted_in_months_up_to_today(read: Read, text: str, months: int) -> None:
    assert values(read(text), "how_long") == [months]


def test_half_a_year_or_more_is_a_signal_of_being_stuck(read: Read) -> None:
    assert "stuck_long" in read("så har det varit i åtta månader").signals
    assert "stuck_long" not in read("så har det varit i två månader").signals


def test_authorities_are_found_by_their_everyday_names(read: Read) -> None:
    found = values(read("habben, FK, soc, skolkuratorn och BUP:s läkare"), "actor")
    assert found == ["habilitering", "forsakringskassan", "social_services", "elevhalsa", "bup"]


@pytest.mark.parametrize(
    "text",
    ["vi har ingen kontakt med soc", "inte soc", "har aldrig haft kontakt med soc", "utan soc"],
)
def test_an_authority_without_contact_is_left_out(read: Read, text: str) -> None:
    assert values(read(text), "actor") == []


def test_no_help_from_an_authority_still_means_contact_with_it(read: Read) -> None:
    assert values(read("vi får ingen hjälp av soc"), "actor") == ["social_services"]


def test_no_after_a_but_belongs_to_the_other_authority(read: Read) -> None:
    assert values(read("vi har inte varit hos bup men skolan vet"), "actor") == ["school"]


@pytest.mark.parametrize(
    ("text", "relation"),
    [
        ("min son vägrar", "parent"),
        ("min bonusson vägrar", "stepparent"),
        ("jag är mormor till flickan", "grandparent"),
        ("en elev i min klass", "teacher"),
        ("grannens flicka gråter", "neighbour"),
        ("min systerdotter mår dåligt", "relative"),
        ("min pappa dricker", "child_self"),
    ],
)
def test_who_writes_is_told_from_how_the_child_is_named(
    read: Read, text: str, relation: str
) -> None:
    assert values(read(text), "relation") == [relation]


def test_what_was_tried_and_what_was_refused_are_kept_apart(read: Read) -> None:
    details = read("Vi har gått föräldrakurs men fick avslag på avlastning")
    assert values(details, "tried") == ["foraldrastod_npf"]
    assert values(details, "refused") == ["avlastning_praktisk_hjalp"]
    assert "refused_support" in details.signals


def test_diagnoses_are_named_by_their_everyday_words(read: Read) -> None:
    assert values(read("han har adhd och aspergers, hon har ätstörningar"), "diagnosis") == [
        "adhd",
        "autism",
        "eating_disorder",
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("vi bor i strängnäs", "strangnas"),
        ("Sollentuna", "sollentuna"),
        ("bor i Upplands Väsby kommun", "upplands-vasby"),
        ("vi flyttade till Vara", "vara"),
    ],
)
def test_a_municipality_is_found_by_name(read: Read, text: str, place: str) -> None:
    assert values(read(text), "municipality") == [place]


def test_a_word_that_is_also_a_municipality_is_just_a_word(read: Read) -> None:
    assert values(read("det ska inte vara så svårt, mark och berg"), "municipality") == []


def test_every_municipality_has_an_id_of_plain_letters() -> None:
    ids = {municipality_id(name) for name in municipality_names()}
    assert len(ids) == 290
    assert all(one.replace("-", "").isascii() and one.replace("-", "").isalpha() for one in ids)


@pytest.mark.parametrize(
    ("text", "signal"),
    [
        ("vi slussas bara runt", "sent_between"),
        ("jag orkar inte mer", "worn_out"),
        ("klarar inte att ringa", "cannot_call"),
        ("jag är rädd att soc tar barnen", "fear_of_services"),
        ("jag är ensamstående", "single_parent"),
        ("ingen håller ihop allt", "no_one_coordinates"),
        ("han fyller 18 i vår", "transition_ahead"),
    ],
)
def test_a_phrase_shows_a_signal(read: Read, text: str, signal: str) -> None:
    assert signal in read(text).signals


def test_several_authorities_alone_are_no_signal(read: Read) -> None:
    assert read("vi har kontakt med skolan, bup och soc").signals == ()


def test_english_details_are_read_too(read: Read) -> None:
    details = read("my 13 year old son has been home for two years, BUP said no", "en")
    assert values(details, "child_age") == [13]
    assert values(details, "how_long") == [24]
    assert values(details, "actor") == ["bup"]
    assert values(read("we have no contact with social services", "en"), "actor") == []


def test_swedish_authorities_are_found_in_another_language(read: Read) -> None:
    assert "bup" in values(read("olemme olleet BUP vastaanotolla, asumme Uppsala", "fi"), "actor")


def test_an_entity_says_where_it_stands_in_the_parents_own_words(read: Read) -> None:
    text = "asså min son e 8 år å har adhd"
    places = {e.name: text[e.start : e.end] for e in read(text).entities}
    assert places["diagnosis"] == "adhd"
    assert places["child_age"].startswith("8")


def test_a_common_word_is_no_authority_or_course_because_of_its_dictionary_form() -> None:
    reader = EntityReader(["Strängnäs"])
    for text in ("Jag ska till BUP i morgon", "Hon skulle kommit i går", "Det är noll hjälp"):
        read = reader.read(normalise(text, "sv", spelling("sv")), "sv", date(2026, 11, 22))
        found = {(e.name, e.value) for e in read.entities if e.name in ("actor", "school_stage")}
        assert found <= {("actor", "bup")}, text
        assert not [e for e in read.entities if e.name in ("tried", "refused", "kind")], text
