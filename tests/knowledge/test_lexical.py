"""Search by words alone."""

from __future__ import annotations

import pytest

from knowledge.catalogue import Catalogue
from knowledge.lexical import Found, Lexical, lexical_of, marked


@pytest.fixture(scope="module")
def words(catalogue: Catalogue) -> Lexical:
    return lexical_of(catalogue, "strangnas")


def ids(found: Found) -> list[str]:
    return [hit.service.id for hit in found.hits]


def test_what_a_parent_says_finds_support(words: Lexical) -> None:
    assert "strangnas-budget-skuldradgivning" in ids(words.find("pengarna räcker inte"))[:3]
    assert "orosanmalan" in ids(words.find("någon har gjort en orosanmälan"))[:3]


def test_the_nearest_layer_comes_first_of_equals(words: Lexical) -> None:
    found = ids(words.find("elevhälsan"))
    assert found.index("strangnas-elevhalsa") < found.index("elevhalsan")


def test_only_what_can_be_shown_in_the_municipality_is_found(
    words: Lexical, catalogue: Catalogue
) -> None:
    shown = {service.id for service in catalogue.in_municipality("strangnas")}
    for query in ("npf", "skola", "barn", "familj", "stöd"):
        assert set(ids(words.find(query))) <= shown


def test_a_word_without_its_dots_is_understood(words: Lexical) -> None:
    assert ids(words.find("omvardnadsbidrag"))[0] == "omvardnadsbidrag"


def test_a_misspelt_word_gets_the_nearest_known_word(words: Lexical) -> None:
    found = words.find("hablitering")
    assert found.suggestion == "habilitering"
    assert found.used_suggestion
    assert "habiliteringen" in ids(found)


def test_a_misspelt_word_beside_known_ones_is_only_asked_about(words: Lexical) -> None:
    found = words.find("skulder hablitering")
    assert found.suggestion == "skulder habilitering"
    assert not found.used_suggestion
    assert found.hits


@pytest.mark.parametrize(
    ("query", "swedish"),
    [
        ("school", "skola"),
        ("مدرسة", "skola"),
        ("للمدرسة", "skola"),
        ("iskuul", "skola"),
        ("koulu", "skola"),
        ("مدرسه", "skola"),
        ("школи", "skola"),
        ("szkoła", "skola"),
        ("okul", "skola"),
        ("dibistan", "skola"),
        ("tercüman", "tolk"),
        ("opieka społeczna", "socialtjänsten"),
        ("divorce", "separation"),
    ],
)
def test_a_foreign_word_leads_to_swedish_ones(words: Lexical, query: str, swedish: str) -> None:
    found = words.find(query)
    assert swedish in found.translated
    assert found.hits


def test_a_word_the_entries_do_not_use_is_helped_by_one_that_means_the_same(
    words: Lexical,
) -> None:
    found = words.find("skolvägran")
    assert "frånvaro" in found.translated
    assert "skolfranvaro-utredning" in ids(found)


def test_nothing_is_found_for_what_is_not_support(words: Lexical) -> None:
    for query in ("bygglov", "xyzzyq", "", "   ", "och det att", "??", "a" * 5000):
        assert ids(words.find(query)) == [], query


def test_a_helping_verb_is_not_a_school(words: Lexical) -> None:
    assert ids(words.find("ska")) == []


def test_the_reason_is_a_phrase_that_holds_a_word_of_the_query(words: Lexical) -> None:
    hit = words.find("mobbning i skolan").hits[0]
    assert hit.words
    assert hit.phrase is None or any(is_found for _, is_found in marked(hit.phrase, hit.words))


def test_marked_words_are_whole_and_the_text_is_unchanged() -> None:
    text = "Skolan ska <b>hjälpa</b> barn i skolor."
    pieces = marked(text, {"skola"})
    assert "".join(piece for piece, _ in pieces) == text
    assert [piece for piece, is_found in pieces if is_found] == ["Skolan", "skolor"]


def test_an_unknown_municipality_is_a_key_error(catalogue: Catalogue) -> None:
    with pytest.raises(KeyError):
        lexical_of(catalogue, "ingenstans")
