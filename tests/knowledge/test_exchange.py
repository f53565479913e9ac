"""Entries that leave for a file come back the same; the published schemas are the model's."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from jsonschema import Draft202012Validator

from knowledge import datapackage, hsds, sheet
from knowledge.catalogue import (
    DATA,
    NOT_LAYERS,
    AccessPath,
    Catalogue,
    Criterion,
    Organization,
    Schedule,
    Service,
    Status,
    TranslationStatus,
    Weekday,
)
from knowledge.exchange import (
    SCHEMAS,
    Format,
    export,
    json_schemas,
    read_entries,
    selected,
)
from knowledge.faults import texts
from tests.knowledge.small_catalogue import Folder, service

FILES: list[tuple[Format, str]] = [
    ("hsds", "entries.json"),
    ("datapackage", "entries"),
    ("datapackage", "entries.zip"),
    ("csv", "entries.csv"),
    ("xlsx", "entries.xlsx"),
]
AWKWARD = [
    "=HYPERLINK(1)",
    "+46 8 123",
    "-minus",
    "@name",
    "'=quoted",
    "''+twice",
    'semi;colon, comma | bar "quote"',
    "two\nlines\n",
    "back\\slash \\n \\",
    "– dash",
    "#N/A",
    "åäö ሰላም سڵاو",
]


def back(services: list[Service], form: Format, path: Path, catalogue: Catalogue) -> list[Service]:
    export(services, catalogue, form, path)
    read = read_entries(path)
    assert read.faults == ()
    return list(read.services)


@pytest.mark.parametrize(("form", "name"), FILES)
def test_the_whole_catalogue_comes_back_the_same(
    form: Format, name: str, tmp_path: Path, catalogue: Catalogue
) -> None:
    services = selected(catalogue, None)
    assert len(services) > 100
    assert back(services, form, tmp_path / name, catalogue) == services


def full_entry(text: str) -> Service:
    """An entry with something in every field, and `text` wherever text may stand."""
    both = {"sv": text, "en": f"{text}!"}
    return service(
        name=text,
        organization={"name": text, "huvudman": "region"},
        status="pilot",
        lagrum=text,
        for_whom=["child", "professional"],
        eligibility=[
            {"fact": "situation", "is_any": ["a", "b,c"], "is_none": []},
            {"fact": "diagnosis", "is_none": ["adhd"]},
        ],
        summary=both,
        how_to_get={**both, "so": text},
        what_happens_next={"en": text},
        say_this=both,
        parent_says=[text, "–", "-", " edges ", "a|b"],
        phones=[
            {"number": "+46 8 123", "label": both, "fictional": True},
            {"number": "2", "hours": {"en": text}},
        ],
        url="https://example.org/?a=1;b=2",
        location={"name": text},
        schedules=[
            {"byday": ["MO", "FR"], "opens_at": "08:00", "closes_at": "16:30:15"},
            {
                "freq": "MONTHLY",
                "interval": 2,
                "bymonthday": [1, 15],
                "opens_at": "00:00",
                "closes_at": "23:59",
                "valid_from": "2026-01-01",
                "valid_to": "2026-12-31",
                "description": both,
            },
        ],
        evening=False,
        interpreter=True,
        languages=["sv", "so"],
        cost_options=[{"amount": 0}, {"note": both}],
        required_documents=[both, {"en": text}],
        wait_time={"text": both, "measured_on": "2026-11-22", "source": text},
        sip_relevant=True,
        alert=both,
        translations={"en": "reviewed", "so": "draft"},
        sources=[{"title": text, "lines": text}, {"title": "2", "url": "https://example.org"}],
        owner=text,
    )


@pytest.mark.parametrize(("form", "name"), FILES)
@pytest.mark.parametrize("text", AWKWARD)
def test_awkward_text_comes_back_the_same_in_every_field(
    text: str, form: Format, name: str, tmp_path: Path, folder: Folder
) -> None:
    entries = [full_entry(text), service(id="annan")]
    assert back(entries, form, tmp_path / name, folder.catalogue()) == entries


@pytest.mark.parametrize(("form", "name"), FILES)
@pytest.mark.parametrize("known", [None, False, True])
def test_unknown_is_not_the_same_as_no(
    known: bool | None, form: Format, name: str, tmp_path: Path, folder: Folder
) -> None:
    entry = service(evening=known, home_visit=known, digital=None)
    (read,) = back([entry], form, tmp_path / name, folder.catalogue())
    assert (read.evening, read.home_visit, read.digital) == (known, known, None)


def test_only_the_layers_of_the_municipality_are_exported(catalogue: Catalogue) -> None:
    layers = {entry.layer for entry in selected(catalogue, "strangnas")}
    assert layers == set(catalogue.municipalities["strangnas"].layers)


def test_an_hsds_service_has_the_fields_of_the_standard(folder: Folder) -> None:
    made = hsds.service_object(full_entry("Text"), folder.catalogue())
    assert made["status"] == "active"
    assert made["assured_date"] == "2026-01-02"
    assert made["organization"]["name"] == "Text"
    assert made["application_process"] == "Text"
    assert made["wait_time"] == "Text"
    assert made["schedules"][0]["byday"] == "MO,FR"
    assert made["schedules"][0]["opens_at"] == "08:00"
    assert made["schedules"][1]["lotsa_rrule"].startswith("FREQ=MONTHLY;INTERVAL=2")
    assert made["service_areas"][0]["name"] == "Ekby"
    terms = [each["taxonomy_term"]["code"] for each in made["attributes"]]
    assert terms == ["skolsocialt_team", "school_absence"]
    assert {"field": "description", "language": "en", "text": "Text!"} in made["lotsa_texts"]


def test_what_is_only_proposed_is_inactive_for_other_readers(folder: Folder) -> None:
    entry = service(status="proposed")
    assert hsds.service_object(entry, folder.catalogue())["status"] == "inactive"


def test_the_same_entry_always_has_the_same_uuid(folder: Folder) -> None:
    first = hsds.document([service()], folder.catalogue())
    again = hsds.document([service(name="Annat namn")], folder.catalogue())
    assert first["services"][0]["id"] == again["services"][0]["id"]
    assert first["services"][0]["id"] != hsds.identifier("service", "annan")


def test_every_uuid_of_a_document_is_used_for_one_thing(folder: Folder) -> None:
    def ids(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["id"]] if "id" in value and "taxonomy" not in value else []
            return [*own, *(i for inner in value.values() for i in ids(inner))]
        return [i for inner in value for i in ids(inner)] if isinstance(value, list) else []

    found = ids(hsds.service_object(full_entry("Text"), folder.catalogue()))
    assert len(found) == len(set(found)) > 10


def test_every_table_of_a_data_package_holds_what_its_description_says(
    catalogue: Catalogue,
) -> None:
    content = datapackage.files(selected(catalogue, None), catalogue)
    described = json.loads(content[datapackage.DESCRIPTOR])
    tables = {}
    for resource in described["resources"]:
        rows = list(csv.DictReader(io.StringIO(content[resource["path"]].decode(), newline="")))
        fields = [field["name"] for field in resource["schema"]["fields"]]
        assert all(list(row) == fields for row in rows), resource["name"]
        tables[resource["name"]] = rows
        keys = [tuple(row[name] for name in resource["schema"]["primaryKey"]) for row in rows]
        assert len(keys) == len(set(keys)), resource["name"]
    for resource in described["resources"]:
        for key in resource["schema"].get("foreignKeys", []):
            known = {row["id"] for row in tables[key["reference"]["resource"]]}
            assert {row[key["fields"]] for row in tables[resource["name"]]} <= known


def test_the_same_entries_give_the_same_zip(tmp_path: Path, folder: Folder) -> None:
    for name in ("a.zip", "b.zip"):
        export([full_entry("Text")], folder.catalogue(), "datapackage", tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


@pytest.mark.parametrize("name", json_schemas())
def test_the_published_schema_is_that_of_the_model(name: str) -> None:
    # After a change of the model: lotsa catalogue schema
    assert (SCHEMAS / name).read_text(encoding="utf-8") == json_schemas()[name]


def test_every_shipped_file_fits_the_published_schemas() -> None:
    check = {name: Draft202012Validator(json.loads(text)) for name, text in json_schemas().items()}
    seen = 0
    for path in DATA.glob("*/*.yml"):
        if path.parent.name in NOT_LAYERS:
            continue
        kind = "municipality" if path.name.startswith("_") else "service"
        content = json.loads(json.dumps(yaml.safe_load(path.read_text("utf-8")), default=str))
        check[f"{kind}.schema.json"].validate(content)
        seen += 1
    assert seen > 100


def test_every_field_of_the_model_has_a_column_with_help() -> None:
    columns = {path.partition(".")[0] for path in texts()["columns"]}
    assert columns == set(Service.model_fields)
    assert all(words["heading"] and words["help"] for words in texts()["columns"].values())


def test_no_two_columns_have_the_same_heading() -> None:
    headings = [column.heading for column in sheet.columns()]
    assert len(headings) == len(set(headings))


def test_every_allowed_value_has_a_word_in_the_sheet() -> None:
    values = texts()["values"]
    for path, allowed in (
        ("status", Status),
        ("access_path", AccessPath),
        ("translations", TranslationStatus),
        ("schedules.byday", Weekday),
        ("organization.huvudman", Organization.model_fields["huvudman"].annotation),
        ("schedules.freq", Schedule.model_fields["freq"].annotation),
        ("eligibility.fact", Criterion.model_fields["fact"].annotation),
        ("for_whom", get_args(Service.model_fields["for_whom"].annotation)[0]),
    ):
        assert set(values[path]) == set(get_args(allowed)), path
        assert len(set(values[path].values())) == len(values[path]), path
