"""The glossary: plain words, sources, and where a word of it stands in a text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from knowledge.catalogue import Catalogue
from knowledge.glossary import LANGUAGES as OTHER_LANGUAGES
from knowledge.glossary import TERMS, Glossary, GlossaryError, glossary, glossary_links

LANGUAGES = ["sv", "en"]
HARD = re.compile(r"\b(strax|snart|du måste|du borde|inom kort|stadigvarande)\b|!", re.I)


def named(text: str, language: str = "sv") -> list[tuple[str, str]]:
    return [(text[start:end], term) for start, end, term in glossary_links(text, language)]


def test_the_words_a_parent_meets_are_there() -> None:
    known = glossary().terms
    assert len(known) >= 95
    for term in ("insats", "sip", "lss", "orosanmalan", "bup", "adhd", "god-man", "tolk", "ivo"):
        assert term in known


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_term_is_explained_in_at_most_three_short_sentences(language: str) -> None:
    for term in glossary().terms.values():
        text = term.explanation[language]
        sentences = [s for s in re.split(r"[.?](?:\s|$)", text) if s.strip()]
        assert term.name[language].strip(), term.id
        assert 1 <= len(sentences) <= 3, term.id
        assert max(len(sentence.split()) for sentence in sentences) <= 20, term.id
        assert len(text.split()) <= 40, term.id


def test_the_swedish_explanations_blame_nobody_and_promise_no_vague_time() -> None:
    found = [t.id for t in glossary().terms.values() if HARD.search(t.explanation["sv"])]
    assert found == []


def test_every_term_says_where_it_comes_from() -> None:
    for term in glossary().terms.values():
        assert all(source.url or source.lines for source in term.sources), term.id


def test_a_word_is_found_also_with_an_ending() -> None:
    found = named("Kuratorn skrev remisser till BUP:s mottagning efter orosanmälningar.")
    assert found == [
        ("Kuratorn", "kurator"),
        ("remisser", "remiss"),
        ("BUP:s", "bup"),
        ("orosanmälningar", "orosanmalan"),
    ]


def test_the_longest_word_wins() -> None:
    assert named("en samordnad individuell plan") == [("samordnad individuell plan", "sip")]
    assert named("extra anpassningar i skolan") == [("extra anpassningar", "extra-anpassningar")]


def test_a_law_is_not_the_sun_and_help_is_not_a_guide() -> None:
    assert named("Solen och en sol skiner.") == []
    assert named("Enligt SoL får du stöd.") == [("SoL", "sol")]
    assert named("We add lots of help and cope.", "en") == []


def test_a_part_of_a_word_is_not_a_term() -> None:
    assert named("Tolkningen av egenremissbladet") == []


def test_a_number_to_call_is_no_link() -> None:
    assert named("Ring 112 eller 1177.") == []


def test_the_catalogue_uses_many_of_the_terms(catalogue: Catalogue) -> None:
    used = {
        term
        for service in catalogue.services.values()
        for text in (service.summary["sv"], service.how_to_get["sv"])
        for _, _, term in glossary_links(text, "sv")
    }
    assert len(used) > 50


def test_an_unknown_reference_is_told_with_its_term(tmp_path: Path) -> None:
    raw = yaml.safe_load(TERMS.read_text(encoding="utf-8"))
    raw["terms"][0]["see_also"] = ["finns-inte"]
    path = tmp_path / "terms.yml"
    path.write_text(yaml.safe_dump(raw), encoding="utf-8")
    with pytest.raises(GlossaryError, match="finns-inte"):
        Glossary.load(path)


def test_a_term_that_stands_twice_is_refused(tmp_path: Path) -> None:
    raw = yaml.safe_load(TERMS.read_text(encoding="utf-8"))
    raw["terms"].append(raw["terms"][0])
    path = tmp_path / "terms.yml"
    path.write_text(yaml.safe_dump(raw), encoding="utf-8")
    with pytest.raises(GlossaryError, match="twice"):
        Glossary.load(path)


def test_the_words_are_explained_in_every_language_that_has_them_and_wholly() -> None:
    terms = glossary().terms.values()
    for file in sorted((TERMS.parent / OTHER_LANGUAGES).glob("*.yml")):
        missing = [term.id for term in terms if file.stem not in term.explanation]
        assert missing == [], file.stem


def test_a_word_that_no_term_has_is_named(tmp_path: Path) -> None:
    (tmp_path / OTHER_LANGUAGES).mkdir()
    (tmp_path / "terms.yml").write_text(TERMS.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / OTHER_LANGUAGES / "fi.yml").write_text("ankka: {name: a, explanation: b}\n")
    with pytest.raises(GlossaryError, match="ankka"):
        Glossary.load(tmp_path / "terms.yml")
