"""A file with a fault changes nothing, and every fault is said where it is."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from knowledge import exchange, workbook
from knowledge.catalogue import Catalogue, Service
from knowledge.exchange import Outcome, changes, export, import_entries, read_entries
from knowledge.faults import texts
from tests.knowledge.small_catalogue import Folder, service

Cells = dict[str, Any]
SHEET = "Poster"


@pytest.fixture
def catalogue(folder: Folder) -> Catalogue:
    folder.put().put("national", id="nationell", parent_says=["något helt annat"])
    return folder.catalogue()


@pytest.fixture
def edited(tmp_path: Path, catalogue: Catalogue) -> Callable[..., Path]:
    """An exported workbook with cells changed, entry by entry."""

    def edit(*rows: Cells, services: list[Service] | None = None) -> Path:
        path = tmp_path / "redigerad.xlsx"
        export(services or [service()], catalogue, "xlsx", path)
        book = load_workbook(path)
        columns = {cell.value: cell.column for cell in book[SHEET][1]}
        for number, cells in enumerate(rows, 2):
            for heading, value in cells.items():
                book[SHEET].cell(number, columns[heading]).value = value
        book.save(path)
        return path

    return edit


def run(path: Path, catalogue: Catalogue, **options: Any) -> tuple[Outcome, list[Service]]:
    saved: list[Service] = []
    return import_entries(path, catalogue, saved.extend, **options), saved


def faults(outcome: Outcome) -> list[tuple[int, str, str]]:
    """Line, field and the start of the problem."""
    return [(f.line, f.field, f.problem.split(".")[0]) for f in outcome.faults]


def test_what_is_new_and_changed_is_saved_and_the_rest_is_left(
    edited: Callable[..., Path], catalogue: Catalogue
) -> None:
    new = service(id="ny", parent_says=["en mening för sig"])
    path = edited({"Namn": "Nytt namn", "Kvällstid": "Ja"}, services=[service(), new])
    outcome, saved = run(path, catalogue)
    assert outcome.faults == ()
    assert [(c.service.id, c.kind, c.fields) for c in outcome.changes] == [
        ("stodteamet", "changed", ("name", "evening")),
        ("ny", "new", ()),
    ]
    assert [(s.id, s.name, s.evening) for s in saved] == [
        ("stodteamet", "Nytt namn", True),
        ("ny", "Stödteamet", None),
    ]


def test_a_file_that_says_the_same_saves_nothing(
    edited: Callable[..., Path], catalogue: Catalogue
) -> None:
    outcome, saved = run(edited(), catalogue)
    assert ([c.kind for c in outcome.changes], saved, outcome.saved) == (["unchanged"], [], False)


def test_a_dry_run_saves_nothing(edited: Callable[..., Path], catalogue: Catalogue) -> None:
    outcome, saved = run(edited({"Namn": "Nytt"}), catalogue, dry_run=True)
    assert [c.kind for c in outcome.changes] == ["changed"]
    assert (saved, outcome.saved) == ([], False)


def test_one_fault_keeps_the_right_rows_from_being_saved(
    edited: Callable[..., Path], catalogue: Catalogue
) -> None:
    new = service(id="ny", parent_says=["en mening för sig"])
    path = edited({"Namn": "Nytt"}, {"Status": "kanske"}, services=[service(), new])
    outcome, saved = run(path, catalogue)
    assert faults(outcome) == [(3, "Status", "Värdet kanske finns inte att välja")]
    assert "pilot (försök)" in outcome.faults[0].what_to_do
    assert saved == []


def test_every_fault_of_every_row_is_said(
    edited: Callable[..., Path], catalogue: Catalogue
) -> None:
    path = edited(
        {
            "Lägsta ålder": "sex",
            "Kontrollerad": "igår",
            "Tolk": "kanske",
            "Behov": "npf_child\nlängtan",
            "Namn": None,
            "Källa, länk": None,
        },
        {"Sorts stöd": "trolleri", "Lager": "hemby", "Id": "Å Ä Ö"},
        services=[service(), service(id="ny")],
    )
    outcome, _ = run(path, catalogue)
    assert set(faults(outcome)) == {
        (2, "Lägsta ålder", "sex är inte ett helt tal som går att använda"),
        (2, "Kontrollerad", "igår är inte ett datum"),
        (2, "Tolk", "kanske är varken ja eller nej"),
        (2, "Behov", "Behovet längtan finns inte"),
        (2, "Namn", "Uppgiften saknas"),
        (2, "Källa, titel (1)", "Källan har varken länk eller plats i en rapport"),
        (3, "Sorts stöd", "Sorten trolleri finns inte"),
        (3, "Lager", "Lagret hemby finns inte"),
        (3, "Id", "Id Å Ä Ö har tecken som inte kan användas"),
    }


@pytest.mark.parametrize(
    ("cells", "field"),
    [
        ({"Sammanfattning (en)": None}, "Sammanfattning (en)"),
        ({"Så gör du (sv)": "  "}, "Så gör du (sv)"),
        ({"Telefonnummer": "1\n2", "Telefontider (sv)": "vardagar"}, "Telefontider (sv)"),
        ({"Öppnar": "08:00", "Stänger": "16:00"}, "Öppet, veckodagar"),
        ({"Öppnar": "åtta", "Stänger": "16:00", "Öppet, veckodagar": "må"}, "Öppnar (1)"),
        ({"Namn": "=1+1"}, "Namn"),
        ({"Telefonnummer": "växeln"}, "Telefonnummer (1)"),
        ({"Webbsida": "example.org"}, "Webbsida"),
        ({"Status": "förslag"}, "Status"),  # the municipality's contact centre
    ],
)
def test_a_fault_is_said_by_the_heading_of_its_column(
    cells: Cells, field: str, edited: Callable[..., Path], catalogue: Catalogue
) -> None:
    outcome, saved = run(edited(cells), catalogue)
    assert (2, field) in [(f.line, f.field) for f in outcome.faults]
    assert saved == []


def test_a_phrase_like_that_of_another_entry_is_refused(
    edited: Callable[..., Path], catalogue: Catalogue
) -> None:
    new = service(id="ny", kinds=["elevhalsa"])
    outcome, _ = run(edited(services=[service(), new]), catalogue)
    assert {(f.line, f.field) for f in outcome.faults} == {(3, "Så säger föräldrar")}


def test_values_that_excel_has_made_its_own_are_understood(
    edited: Callable[..., Path], catalogue: Catalogue
) -> None:
    import datetime as dt

    path = edited(
        {
            "Kontrollerad": dt.datetime(2026, 11, 23),
            "Lägsta ålder": 7.0,
            "Öppnar": dt.time(8, 30),
            "Stänger": "16:00",
            "Öppet, veckodagar": "Må, FR",
            "Tolk": True,
        }
    )
    outcome, (saved,) = run(path, catalogue)
    assert outcome.faults == ()
    assert (saved.verified_on, saved.minimum_age) == (dt.date(2026, 11, 23), 7)
    assert (saved.schedules[0].opens_at, saved.schedules[0].byday) == (dt.time(8, 30), ["MO", "FR"])
    assert saved.interpreter is True


# --- layers


def test_an_id_of_another_layer_is_refused(
    edited: Callable[..., Path], catalogue: Catalogue
) -> None:
    outcome, _ = run(edited({"Lager": "alby"}), catalogue)
    assert faults(outcome) == [(2, "Id", "Id:t används redan i lagret ekby")]


def test_a_changed_national_entry_is_refused_unless_asked_for(
    edited: Callable[..., Path], catalogue: Catalogue
) -> None:
    path = edited({"Namn": "Nytt"}, services=[catalogue.services["nationell"]])
    assert [f.field for f in run(path, catalogue)[0].faults] == ["Lager"]
    assert [s.name for s in run(path, catalogue, layer="national")[1]] == ["Nytt"]


def test_an_unchanged_national_entry_may_stand_in_the_file(
    edited: Callable[..., Path], catalogue: Catalogue
) -> None:
    path = edited({"Namn": "Nytt"}, services=[service(), catalogue.services["nationell"]])
    assert [s.id for s in run(path, catalogue)[1]] == ["stodteamet"]


def test_a_file_for_one_layer_changes_no_other(
    edited: Callable[..., Path], catalogue: Catalogue
) -> None:
    outcome, _ = run(edited({"Namn": "Nytt"}), catalogue, layer="alby")
    assert [f.field for f in outcome.faults] == ["Lager"]


def test_an_entry_without_a_layer_gets_the_one_that_is_given(
    edited: Callable[..., Path], catalogue: Catalogue
) -> None:
    path = edited({"Lager": None, "Namn": "Nytt"})
    assert [f.field for f in run(path, catalogue)[0].faults] == ["Lager"]
    assert [s.layer for s in run(path, catalogue, layer="ekby")[1]] == ["ekby"]


# --- columns and rows


def rewritten(path: Path, change: Callable[[list[list[str]]], None]) -> Path:
    rows = list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig")), delimiter=";"))
    change(rows)
    text = io.StringIO()
    csv.writer(text, delimiter=",").writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


@pytest.fixture
def csv_file(tmp_path: Path, catalogue: Catalogue) -> Path:
    path = tmp_path / "poster.csv"
    export([service()], catalogue, "csv", path)
    return path


def test_a_csv_file_opens_in_swedish_excel(csv_file: Path) -> None:
    content = csv_file.read_bytes()
    assert content.startswith(b"\xef\xbb\xbfId;Lager;Namn;")
    assert "# Hjälp".encode() in content


def test_a_formula_is_neutral_in_the_file(tmp_path: Path, catalogue: Catalogue) -> None:
    entry = service(name="=cmd|' /C calc'!A0", owner="@SUM(1)")
    for form in ("csv", "xlsx"):
        export([entry], catalogue, form, tmp_path / f"f.{form}")
    assert b";'=cmd" in (tmp_path / "f.csv").read_bytes()
    cells = [cell for row in load_workbook(tmp_path / "f.xlsx")[SHEET] for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert not [cell.value for cell in cells if str(cell.value)[:1] in "=+-@"]


def test_columns_may_be_moved_and_commas_separate_them(
    csv_file: Path, catalogue: Catalogue
) -> None:
    path = rewritten(csv_file, lambda rows: [row.reverse() for row in rows] and None)
    assert [c.kind for c in run(path, catalogue)[0].changes] == ["unchanged"]


def test_a_missing_column_is_refused_so_that_nothing_is_lost(
    csv_file: Path, catalogue: Catalogue
) -> None:
    path = rewritten(csv_file, lambda rows: [row.pop(2) for row in rows] and None)
    assert faults(run(path, catalogue)[0]) == [(1, "Namn", "Kolumnen saknas")]


def test_an_unknown_column_is_refused(csv_file: Path, catalogue: Catalogue) -> None:
    path = rewritten(csv_file, lambda rows: [row.append("Färg") for row in rows] and None)
    assert faults(run(path, catalogue)[0]) == [(1, "Färg", "Kolumnen finns inte i mallen")]


def test_an_id_twice_is_refused_with_both_rows(csv_file: Path, catalogue: Catalogue) -> None:
    path = rewritten(csv_file, lambda rows: rows.append(rows[-1]))
    assert faults(run(path, catalogue)[0]) == [(4, "Id", "Id stodteamet står också på rad 3")]


def test_a_hidden_control_character_is_refused(csv_file: Path, catalogue: Catalogue) -> None:
    csv_file.write_bytes(csv_file.read_bytes().replace("hjälper".encode(), b"hj\x07"))
    outcome, _ = run(csv_file, catalogue)
    assert [(f.line, f.field) for f in outcome.faults] == [(3, "Sammanfattning (sv)")]


def test_a_file_in_an_old_encoding_is_refused(csv_file: Path, catalogue: Catalogue) -> None:
    csv_file.write_bytes(csv_file.read_bytes().decode("utf-8-sig").encode("cp1252"))
    assert [f.problem for f in run(csv_file, catalogue)[0].faults] == [
        "Filen är inte sparad som UTF-8."
    ]


def test_the_template_is_empty_with_two_examples(tmp_path: Path, catalogue: Catalogue) -> None:
    path = tmp_path / "mall.xlsx"
    workbook.write_template(catalogue, path)
    rows = list(load_workbook(path)[SHEET].iter_rows(values_only=True))
    assert [str(row[0])[:9] for row in rows[1:]] == ["# EXEMPEL"] * 2
    assert [f.problem for f in read_entries(path).faults] == ["Filen har inga poster."]


def test_an_example_of_the_template_is_a_right_entry() -> None:
    shipped = Catalogue.load()
    for example in texts()["examples"]:
        entry = Service.model_validate(example)
        assert set(entry.kinds) <= set(shipped.taxonomy.kinds)
        assert set(entry.needs) <= set(shipped.taxonomy.needs)


def test_a_workbook_offers_the_allowed_values(tmp_path: Path, catalogue: Catalogue) -> None:
    path = tmp_path / "mall.xlsx"
    workbook.write_template(catalogue, path)
    book = load_workbook(path)
    offered = {str(v.sqref).split("2:")[0]: v for v in book[SHEET].data_validations.dataValidation}
    status = next(cell for cell in book[SHEET][1] if cell.value == "Status")
    choice = offered[status.column_letter]
    name, place = choice.formula1.split("!")
    values = [cell.value for (cell,) in book[name.strip("'")][place.replace("$", "")]]
    assert values == ["finns", "försök", "förslag"]
    assert choice.showErrorMessage
    headings = [row[0] for row in book["Hjälp"].iter_rows(min_row=2, values_only=True)]
    assert headings == [cell.value for cell in book[SHEET][1]]


# --- other formats


def document(tmp_path: Path, catalogue: Catalogue, **changed: Any) -> Path:
    path = tmp_path / "poster.json"
    export([service()], catalogue, "hsds", path)
    content = json.loads(path.read_text(encoding="utf-8"))
    content["services"][0] |= changed
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"assured_date": "x"}, "assured_date"),
        ({"lotsa_status": "active"}, "lotsa_status"),
        ({"lotsa_colour": "red"}, "lotsa_colour"),
        ({"phones": "112"}, "phones"),
        ({"phones": [{}]}, "phones.number (1)"),
        ({"organization": {"name": "Ekby"}}, "organization.lotsa_huvudman"),
        ({"description": None}, "description"),
        ({"lotsa_kinds": ["trolleri"]}, "lotsa_kinds"),
    ],
)
def test_a_fault_in_hsds_is_said_by_the_name_of_its_field(
    changed: dict[str, Any], field: str, tmp_path: Path, catalogue: Catalogue
) -> None:
    outcome, saved = run(document(tmp_path, catalogue, **changed), catalogue)
    assert [(f.line, f.field) for f in outcome.faults][:1] == [(1, field)]
    assert saved == []


def test_an_edited_hsds_field_is_what_changes(tmp_path: Path, catalogue: Catalogue) -> None:
    path = document(tmp_path, catalogue, description="Ny text.", lotsa_evening=True)
    (saved,) = run(path, catalogue)[1]
    assert saved.summary == {"sv": "Ny text.", "en": "Stödteamet helps the family."}
    assert saved.evening is True


def test_a_row_of_a_data_package_that_belongs_to_nothing_is_refused(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    export([service()], catalogue, "datapackage", tmp_path / "paket")
    phones = tmp_path / "paket" / "phones.csv"
    phones.write_text(phones.read_text().replace(",016", "X,016"), encoding="utf-8")
    head, row = phones.read_text().splitlines()
    own, _, rest = row.partition(",")
    phones.write_text(f"{head}\n{own},nobody,{rest.partition(',')[2]}\n", encoding="utf-8")
    outcome, _ = run(tmp_path / "paket", catalogue)
    assert [(f.line, f.field) for f in outcome.faults] == [(2, "phones.csv: service_id")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b""),
        ("a.csv", b"a;b\n1;2\n"),
        ("a.txt", b"hello"),
        ("a.json", b"{"),
        ("a.json", b"[" * 100_000),
        ("a.json", b'{"services": {}}'),
        ("a.json", b'{"services": [null]}'),
        ("a.xlsx", b"PK\x05\x06" + b"\0" * 18),
    ],
)
def test_a_file_that_is_something_else_is_a_fault(
    name: str, content: bytes, tmp_path: Path, catalogue: Catalogue
) -> None:
    (tmp_path / name).write_bytes(content)
    outcome, saved = run(tmp_path / name, catalogue)
    assert len(outcome.faults) == 1
    assert saved == []


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path, catalogue: Catalogue) -> None:
    outcome, _ = run(tmp_path / "borta.csv", catalogue)
    assert [f.problem for f in outcome.faults] == ["Filen finns inte."]


@pytest.mark.parametrize("inside", ["datapackage.json", "xl/workbook.xml"])
def test_a_zip_bomb_is_refused_before_it_is_unpacked(
    inside: str, tmp_path: Path, catalogue: Catalogue
) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(inside, "{}")
        archive.writestr("services.csv", b"0" * (exchange.LARGEST_FILE * exchange.MEGABYTE))
    assert path.stat().st_size < exchange.MEGABYTE
    outcome, _ = run(path, catalogue)
    assert [f.problem for f in outcome.faults] == ["Filen är större än 50 MB."]


def test_too_many_entries_are_refused(tmp_path: Path, catalogue: Catalogue) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"services": [{}] * 5001}), encoding="utf-8")
    assert [f.problem for f in run(path, catalogue)[0].faults] == ["Filen har fler än 5000 rader."]


def test_a_workbook_with_a_cell_far_down_is_refused_at_once(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    path = tmp_path / "a.xlsx"
    export([service()], catalogue, "xlsx", path)
    book = load_workbook(path)
    book[SHEET].cell(1_000_000, 1).value = "x"
    book.save(path)
    assert [f.problem for f in run(path, catalogue)[0].faults] == ["Filen har fler än 5000 rader."]


def test_a_workbook_without_our_sheet_is_read_from_its_first(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    path = tmp_path / "a.xlsx"
    export([service()], catalogue, "xlsx", path)
    rows = list(load_workbook(path)[SHEET].iter_rows(values_only=True))
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    book.save(path)
    assert [c.kind for c in run(path, catalogue)[0].changes] == ["unchanged"]


def test_changes_are_told_without_a_file(catalogue: Catalogue) -> None:
    (change,) = changes(catalogue, [service(minimum_age=None)])
    assert (change.kind, change.fields) == ("changed", ("minimum_age",))
