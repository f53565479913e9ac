"""The catalogue reads what is right, refuses what is wrong and lists what to look at."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from knowledge.catalogue import (
    NOT_LAYERS,
    Catalogue,
    CatalogueError,
    NeededEntryError,
    Service,
)
from knowledge.checks import check
from knowledge.summaries import SUMMARIES
from tests.knowledge.small_catalogue import MONEY, Folder

DAY = dt.date(2026, 11, 22)


def codes(catalogue: Catalogue, where: str) -> set[tuple[str, str]]:
    return {(f.code, f.field) for f in check(catalogue, DAY) if f.where == where}


def test_a_complete_entry_gives_no_findings(folder: Folder) -> None:
    folder.put()
    assert codes(folder.catalogue(), "stodteamet") == set()


def test_an_entry_whose_id_is_not_its_file_name_is_refused_by_file(folder: Folder) -> None:
    folder.put()
    path = folder.data / "ekby" / "stodteamet.yml"
    path.rename(path.with_name("annat.yml"))
    with pytest.raises(CatalogueError, match=r"annat\.yml"):
        folder.catalogue()


def test_an_unknown_need_is_refused_by_name(folder: Folder) -> None:
    folder.put(needs=["longing"])
    with pytest.raises(CatalogueError, match="longing"):
        folder.catalogue()


def test_an_unknown_field_is_refused(folder: Folder) -> None:
    folder.put(telephone="1")
    with pytest.raises(CatalogueError, match="telephone"):
        folder.catalogue()


def test_an_entry_without_a_source_is_refused(folder: Folder) -> None:
    folder.put(sources=[])
    with pytest.raises(CatalogueError, match="sources"):
        folder.catalogue()


def test_labelled_queries_beside_the_entries_are_not_read_as_entries(folder: Folder) -> None:
    folder.put()
    for name in NOT_LAYERS - {SUMMARIES}:
        (folder.data / name).mkdir()
        (folder.data / name / "sv.yml").write_text("queries: []", encoding="utf-8")
    assert set(folder.catalogue().services) == {"stodteamet"}


def test_only_the_layers_of_the_municipality_are_shown(folder: Folder) -> None:
    folder.put().put("alby", id="annan-ort").put("national", id="nationell")
    shown = {service.id for service in folder.catalogue().in_municipality("ekby")}
    assert shown == {"stodteamet", "nationell"}


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"review_due": "2026-11-21"}, ("stale", "review_due")),
        ({"phones": [], "url": None}, ("no_contact", "phones")),
        ({"status": "proposed"}, ("proposed", "status")),
        ({"for_whom": ["professional"]}, ("professional", "for_whom")),
        ({"summary": {"sv": "Stöd."}}, ("missing_text", "summary")),
        ({"how_to_get": {"sv": "Ring.", "en": " "}}, ("missing_text", "how_to_get")),
        ({"say_this": {"en": "Hi"}}, ("missing_text", "say_this")),
        (
            {"phones": [{"number": "112", "label": {"sv": "Växel"}}]},
            ("missing_translation", "phones.label"),
        ),
        ({"needs": ["unclear"]}, ("unreachable", "needs")),
        (
            {"eligibility": [{"fact": "need", "is_none": ["school_absence"]}]},
            ("unreachable", "needs"),
        ),
    ],
)
def test_what_an_editor_should_look_at_is_listed(
    folder: Folder, changes: dict[str, Any], finding: tuple[str, str]
) -> None:
    folder.put(**changes)
    assert finding in codes(folder.catalogue(), "stodteamet")


def test_edits_are_put_in_and_taken_out_and_the_catalogue_stays_as_it_was(folder: Folder) -> None:
    shipped = folder.put().put(id="annat").catalogue()
    changed = shipped.services["stodteamet"].model_copy(update={"name": "Nya teamet"})
    edited = shipped.with_edits({"stodteamet": changed, "annat": None})
    assert {i: s.name for i, s in edited.services.items()} == {"stodteamet": "Nya teamet"}
    assert set(shipped.services) == {"stodteamet", "annat"}


def test_an_edit_that_breaks_what_a_municipality_points_to_is_refused(folder: Folder) -> None:
    with pytest.raises(NeededEntryError, match="ekby"):
        folder.put().catalogue().with_edits({"stodteamet": None})


def test_a_review_due_today_is_not_stale(folder: Folder) -> None:
    folder.put(review_due=DAY.isoformat())
    assert codes(folder.catalogue(), "stodteamet") == set()


def test_the_same_phrase_for_two_kinds_of_support_is_listed(folder: Folder) -> None:
    folder.put().put(**{**MONEY, "id": "budget", "parent_says": ["Sonen går inte till skolan!"]})
    assert ("near_duplicate", "parent_says") in codes(folder.catalogue(), "stodteamet")


def test_the_same_phrase_for_one_kind_in_two_municipalities_is_not_listed(folder: Folder) -> None:
    folder.put().put("alby", id="annan-ort")
    assert not [f for f in check(folder.catalogue(), DAY) if f.code == "near_duplicate"]


def test_a_municipality_that_points_to_an_entry_it_cannot_show_is_listed(folder: Folder) -> None:
    folder.put(status="proposed")
    found = codes(folder.catalogue(), "ekby")
    assert found == {("unknown_id", "contact_centre"), ("unknown_id", "functions.guide.instead")}


def test_an_entry_in_a_layer_nobody_belongs_to_is_listed(folder: Folder) -> None:
    folder.put("nowhere")
    assert ("orphan", "layer") in codes(folder.catalogue(), "stodteamet")


# --- the real catalogue

REAL = Catalogue.load()
SERVICES = [pytest.param(service, id=service.id) for service in REAL.services.values()]


@pytest.mark.parametrize("service", SERVICES)
def test_an_entry_says_where_it_comes_from_and_when_it_was_read(service: Service) -> None:
    assert service.sources
    assert service.status in ("exists", "pilot", "proposed")
    assert service.verified_on < service.review_due


@pytest.mark.parametrize("municipality", sorted(REAL.municipalities))
def test_every_layer_of_a_municipality_has_entries(municipality: str) -> None:
    layers = {service.layer for service in REAL.services.values()}
    assert set(REAL.municipalities[municipality].layers) <= layers


def test_the_real_catalogue_has_nothing_that_must_be_mended() -> None:
    errors = [finding for finding in check(REAL, DAY) if finding.level == "error"]
    assert errors == []
