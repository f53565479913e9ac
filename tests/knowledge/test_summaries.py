"""What an entry gives is read in other languages only while it is what the entry says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bot.cards import Cards
from bot.content import Content
from knowledge import index
from knowledge.catalogue import Catalogue, CatalogueError
from knowledge.checks import check
from knowledge.summaries import in_language, write_digests
from tests.knowledge.small_catalogue import Folder, letters_vector

SWEDISH = "Stödteamet hjälper familjen."
SOMALI = "Kooxdu waxay caawisaa qoyska."


def written(folder: Folder, swedish: str = SWEDISH, **languages: dict[str, str]) -> Catalogue:
    """The catalogue with texts beside it that were written from some Swedish."""
    beside = folder.data / "summaries"
    beside.mkdir(exist_ok=True)
    for language, texts in languages.items():
        path = beside / f"{language.replace('_', '-')}.yml"
        path.write_text(yaml.safe_dump(texts, allow_unicode=True), encoding="utf-8")
    write_digests(beside, {"stodteamet": swedish})
    return folder.put().catalogue()


def shown(catalogue: Catalogue, language: str) -> tuple[str, str]:
    return in_language(catalogue.summary(catalogue.services["stodteamet"]), language)


def codes(catalogue: Catalogue) -> set[tuple[str, str]]:
    return {(found.code, found.level) for found in check(catalogue) if "summar" in found.field}


def test_a_text_beside_the_entry_is_shown_in_its_language(folder: Folder) -> None:
    assert shown(written(folder, so={"stodteamet": SOMALI}), "so") == (SOMALI, "so")


def test_a_language_without_the_text_gets_easy_swedish_before_swedish(folder: Folder) -> None:
    assert shown(folder.put().catalogue(), "so") == (SWEDISH, "sv")
    catalogue = written(folder, sv_x_lattlast={"stodteamet": "Teamet hjälper dig."})
    assert shown(catalogue, "so") == ("Teamet hjälper dig.", "sv-x-lattlast")
    assert shown(catalogue, "sv") == (SWEDISH, "sv")


def test_the_entrys_own_text_comes_first(folder: Folder) -> None:
    catalogue = written(folder, en={"stodteamet": "Something else."})
    assert shown(catalogue, "en") == ("Stödteamet helps the family.", "en")


def test_texts_rest_when_the_swedish_has_changed_since(folder: Folder) -> None:
    catalogue = written(folder, swedish="Stödteamet fanns förut.", so={"stodteamet": SOMALI})
    assert shown(catalogue, "so") == (SWEDISH, "sv")
    assert codes(catalogue) == {("stale_summary", "note")}


def test_an_edit_of_the_swedish_lets_the_other_texts_rest(folder: Folder) -> None:
    catalogue = written(folder, so={"stodteamet": SOMALI})
    service = catalogue.services["stodteamet"]
    edited = service.model_copy(update={"summary": {"sv": "Teamet har lagts om."}})
    after = catalogue.with_edits({service.id: edited})
    assert shown(after, "so") == ("Teamet har lagts om.", "sv")
    assert shown(catalogue, "so") == (SOMALI, "so")


def test_a_text_of_no_entry_and_an_empty_one_are_errors(folder: Folder) -> None:
    catalogue = written(folder, so={"stodteamet": " ", "stodteam": SOMALI})
    errors = {(f.code, f.where) for f in check(catalogue) if f.level == "error"}
    assert {("unknown_id", "summaries/so"), ("missing_text", "stodteamet")} <= errors


def test_an_entry_taken_out_leaves_no_text_of_nothing(folder: Folder) -> None:
    folder.put(id="annat", name="Annat")
    catalogue = written(folder, so={"annat": SOMALI})
    after = catalogue.with_edits({"annat": None})
    assert not [found for found in check(after) if found.where.startswith("summaries/")]


def test_a_file_that_is_no_list_of_texts_is_refused_by_name(folder: Folder) -> None:
    with pytest.raises(CatalogueError, match=r"so\.yml"):
        written(folder, so={"stodteamet": ["a", "list"]})  # type: ignore[dict-item]


def test_other_languages_neither_make_the_index_grow_nor_stale(
    folder: Folder, tmp_path: Path
) -> None:
    before = folder.put().catalogue()
    index.build(before, letters_vector, tmp_path)
    assert index.is_current(written(folder, so={"stodteamet": SOMALI}), tmp_path)


@pytest.mark.parametrize(
    ("language", "what", "written_in"),
    [("sv", SWEDISH, None), ("so", SOMALI, None), ("fi", "Teamet hjälper dig.", "sv-x-lattlast")],
)
def test_a_card_says_its_language_and_keeps_the_swedish_within_reach(
    folder: Folder, content: Content, language: str, what: str, written_in: str | None
) -> None:
    folder.put("national", id="kvinnofridslinjen")  # named where somebody says no
    easy = {"stodteamet": "Teamet hjälper dig."}
    catalogue = written(folder, so={"stodteamet": SOMALI}, sv_x_lattlast=easy)
    match = {"service_id": "stodteamet", "reasons": []}
    card = Cards(content).card(match, catalogue, catalogue.municipalities["ekby"], language)
    assert (card["what"], card["languages"].get("what")) == (what, written_in)
    is_swedish = language == "sv"
    assert card.get("swedish") == (None if is_swedish else SWEDISH)
    assert card["languages"].get("how") == (None if is_swedish else "sv")
