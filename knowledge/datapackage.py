"""Entries as an HSDS tabular data package: one CSV file a table, described by `datapackage.json`.

The tables are those of HSDS 3 (https://docs.openreferral.org/), made from the objects of
`knowledge/hsds.py`; the profile's lists stand in tables of their own, named `lotsa_…`. The
description follows Frictionless Tabular Data Package (https://specs.frictionlessdata.io/).
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from knowledge import hsds
from knowledge.catalogue import Catalogue, Service
from knowledge.faults import Fault, FileFaultError, fault
from knowledge.hsds import Json

DESCRIPTOR = "datapackage.json"
POSITION = "lotsa_position"  # place of an item in its list
HEADINGS = 1
_DAY_ONE = (1980, 1, 1, 0, 0, 0)  # the same entries give the same file
Rows = dict[str, list[Json]]


@dataclass(frozen=True)
class Table:
    """A CSV file. `fields` are names, with `:type` where it is not a string."""

    path: str
    fields: str
    key: tuple[str, ...] = ("id",)

    @property
    def types(self) -> dict[str, str]:
        pairs = (field.partition(":") for field in self.fields.split())
        return {name: kind or "string" for name, _, kind in pairs}


def _values(name: str) -> Table:
    """A list of plain values of a service."""
    return Table(f"{name}s.csv", f"service_id {POSITION}:integer value", ("service_id", POSITION))


TABLES = {
    "organization": Table("organizations.csv", "id name description lotsa_huvudman"),
    "service": Table(
        "services.csv",
        "id organization_id name description url status application_process wait_time "
        "eligibility_description minimum_age:integer maximum_age:integer assured_date:date alert "
        "lotsa_id lotsa_layer lotsa_status lotsa_access_path lotsa_lagrum "
        "lotsa_what_happens_next lotsa_say_this lotsa_evening:boolean lotsa_interpreter:boolean "
        "lotsa_home_visit:boolean lotsa_digital:boolean lotsa_needs_bankid:boolean "
        "lotsa_sip_relevant:boolean lotsa_wait_time_measured_on:date lotsa_wait_time_source "
        "lotsa_review_due:date lotsa_owner",
    ),
    "location": Table("locations.csv", "id location_type name description"),
    "service_at_location": Table(
        "service_at_locations.csv", f"id service_id location_id {POSITION}:integer"
    ),
    "phone": Table(
        "phones.csv",
        f"id service_id number description lotsa_hours lotsa_fictional:boolean {POSITION}:integer",
    ),
    "schedule": Table(
        "schedules.csv",
        "id service_id valid_from:date valid_to:date dtstart:date freq interval:integer byday "
        f"bymonthday description opens_at:time closes_at:time lotsa_rrule {POSITION}:integer",
    ),
    "service_area": Table("service_areas.csv", f"id service_id name {POSITION}:integer"),
    "required_document": Table(
        "required_documents.csv", f"id service_id document {POSITION}:integer"
    ),
    "language": Table("languages.csv", f"id service_id code {POSITION}:integer"),
    "cost_option": Table(
        "cost_options.csv",
        f"id service_id currency amount:integer amount_description {POSITION}:integer",
    ),
    "taxonomy_term": Table("taxonomy_terms.csv", "id code name description taxonomy"),
    "attribute": Table(
        "attributes.csv", f"id link_id link_type link_entity taxonomy_term_id {POSITION}:integer"
    ),
    "lotsa_kind": _values("lotsa_kind"),
    "lotsa_need": _values("lotsa_need"),
    "lotsa_recipient": _values("lotsa_recipient"),
    "lotsa_phrase": _values("lotsa_phrase"),
    "lotsa_source": Table("lotsa_sources.csv", f"id service_id title url lines {POSITION}:integer"),
    "lotsa_criterion": Table(
        "lotsa_criteria.csv", f"id service_id fact is_any:array is_none:array {POSITION}:integer"
    ),
    "lotsa_translation": Table(
        "lotsa_translations.csv",
        f"service_id language status {POSITION}:integer",
        ("service_id", "language"),
    ),
    "lotsa_text": Table(
        "lotsa_texts.csv",
        f"link_id link_entity field language text {POSITION}:integer",
        ("link_id", "field", "language"),
    ),
}
# Table → list in its object → table of the items.
CHILDREN: dict[str, dict[str, str]] = {
    "service": {
        "phones": "phone",
        "schedules": "schedule",
        "service_areas": "service_area",
        "service_at_locations": "service_at_location",
        "languages": "language",
        "required_documents": "required_document",
        "cost_options": "cost_option",
        "attributes": "attribute",
        "lotsa_kinds": "lotsa_kind",
        "lotsa_needs": "lotsa_need",
        "lotsa_for_whom": "lotsa_recipient",
        "lotsa_parent_says": "lotsa_phrase",
        "lotsa_sources": "lotsa_source",
        "lotsa_eligibility": "lotsa_criterion",
        "lotsa_translations": "lotsa_translation",
        "lotsa_texts": "lotsa_text",
    },
    **{
        table: {"lotsa_texts": "lotsa_text"}
        for table in ("phone", "schedule", "cost_option", "required_document")
    },
}
# An object inside another: there the column `<table>_id`, here a row of its own.
EMBEDDED = ("organization", "location", "taxonomy_term")


def files(services: Iterable[Service], catalogue: Catalogue) -> dict[str, bytes]:
    """The package: content by file name."""
    rows: Rows = {table: [] for table in TABLES}
    for service in services:
        _flatten("service", hsds.service_object(service, catalogue), rows)
    made = {DESCRIPTOR: json.dumps(descriptor(), ensure_ascii=False, indent=2).encode()}
    for name, table in TABLES.items():
        made[table.path] = _csv(table, rows[name])
    return made


def write(services: Iterable[Service], catalogue: Catalogue, path: Path) -> None:
    """Write the package as a folder, or as one file when the name ends in `.zip`."""
    content = files(services, catalogue)
    if path.suffix != ".zip":
        path.mkdir(parents=True, exist_ok=True)
        for name, data in content.items():
            (path / name).write_bytes(data)
        return
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(zipfile.ZipInfo(name, _DAY_ONE), data, zipfile.ZIP_DEFLATED)


def descriptor() -> Json:
    """`datapackage.json`: every table, its fields, its keys."""
    return {
        "name": "lotsa-catalogue",
        "title": "Support catalogue, Swedish profile of Open Referral HSDS",
        "description": f"Tables of {hsds.BASE}; tables and fields named {hsds.OWN}… are ours.",
        "profile": "tabular-data-package",
        "resources": [_resource(name, table) for name, table in TABLES.items()],
    }


def read(
    read_file: Callable[[str], bytes | None],
) -> tuple[list[tuple[int, Json]], list[Fault]]:
    """The entries with their lines in services.csv as plain data for `Service`, and the faults.

    `read_file` gives a file of the package by name, None when there is none. Raises
    FileFaultError when there are no services or a table cannot be read.
    """
    if read_file(TABLES["service"].path) is None:
        raise FileFaultError("not_readable", value=TABLES["service"].path)
    rows = {name: list(_read_csv(table, read_file(table.path))) for name, table in TABLES.items()}
    children: dict[tuple[str, str], list[Json]] = {}
    for name in TABLES:
        for row in rows[name]:
            children.setdefault((name, str(row.get(_parent_column(name)))), []).append(row)
    known = {str(row["id"]): row for name in EMBEDDED for row in rows[name] if row.get("id")}
    objects = [_build("service", row, children, known) for row in rows["service"]]
    entries, faults = hsds.read_services({"services": objects})
    moved = [replace(found, line=found.line + HEADINGS) for found in faults]
    return [(number + HEADINGS, data) for number, data in entries], [*moved, *_orphans(rows)]


def _parent_column(name: str) -> str:
    return "link_id" if "link_id" in TABLES[name].types else "service_id"


def _flatten(name: str, obj: Json, rows: Rows) -> None:
    """Put an object and what is inside it in the rows of the tables."""
    row: Json = {}
    children = CHILDREN.get(name, {})
    for key, value in obj.items():
        if key in EMBEDDED:
            row[f"{key}_id"] = value["id"]
            if all(known["id"] != value["id"] for known in rows[key]):
                _flatten(key, value, rows)
        elif key in children:
            for position, item in enumerate(value):
                _flatten(children[key], _item(name, obj, children[key], position, item), rows)
        else:
            row[key] = value
    rows[name].append(row)


def _item(parent: str, obj: Json, table: str, position: int, item: Any) -> Json:
    own = item if isinstance(item, dict) else {"value": item}
    link = {_parent_column(table): obj["id"], POSITION: position}
    if "link_entity" in TABLES[table].types:
        link["link_entity"] = parent
    return {**own, **link}


def _csv(table: Table, rows: list[Json]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(table.types))
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return text.getvalue().encode()


def _cell(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _read_csv(table: Table, content: bytes | None) -> Iterator[Json]:
    if content is None:
        return
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        for row in reader:
            yield {
                name: _value(text, table.types.get(name, "string"))
                for name, text in row.items()
                if name and text and not isinstance(text, list)
            }
    except UnicodeDecodeError:
        raise FileFaultError("not_utf8") from None
    except csv.Error as error:
        raise FileFaultError("not_readable", value=f"{table.path}: {error}") from None


def _value(text: str, kind: str) -> object:
    """A cell as its type says; what does not fit is left for the model to refuse."""
    if kind in ("integer", "boolean", "array"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _build(name: str, row: Json, children: dict[tuple[str, str], list[Json]], known: Json) -> Json:
    """The object of a row, with what belongs to it."""
    obj = dict(row)
    for embedded in EMBEDDED:
        if f"{embedded}_id" in row:
            obj[embedded] = known.get(str(row[f"{embedded}_id"]), {})
    own = str(row.get("id"))
    for key, table in CHILDREN.get(name, {}).items():
        found = sorted(children.get((table, own), []), key=_position)
        items = [_build(table, item, children, known) for item in found]
        plain = table in TABLES and "value" in TABLES[table].types
        obj[key] = [item.get("value") for item in items] if plain else items
    return {key: value for key, value in obj.items() if value != []}


def _position(row: Json) -> int:
    position = row.get(POSITION)
    return position if isinstance(position, int) else 0


def _orphans(rows: Rows) -> Iterator[Fault]:
    """Rows that belong to nothing."""
    ids = {str(row.get("id")) for found in rows.values() for row in found}
    for name, table in TABLES.items():
        if name in (*EMBEDDED, "service"):
            continue
        column = _parent_column(name)
        for line, row in enumerate(rows[name], HEADINGS + 1):
            if str(row.get(column)) not in ids:
                yield fault("no_parent", line, f"{table.path}: {column}", value=row.get(column))


def _resource(name: str, table: Table) -> Json:
    links = [
        (field, field.removesuffix("_id"))
        for field in table.types
        if field.endswith("_id") and field not in ("lotsa_id", "link_id")
    ]
    keys = [
        {"fields": field, "reference": {"resource": resource, "fields": "id"}}
        for field, resource in links
    ]
    return {
        "name": name,
        "path": table.path,
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": {
            "fields": [_field(field, kind, table) for field, kind in table.types.items()],
            "primaryKey": list(table.key),
            **({"foreignKeys": keys} if keys else {}),
        },
    }


def _field(name: str, kind: str, table: Table) -> Json:
    field: Json = {"name": name, "type": kind}
    if name == "id":
        field |= {"format": "uuid", "constraints": {"required": True, "unique": True}}
    elif name in table.key:
        field["constraints"] = {"required": True}
    if kind == "time":
        field["format"] = "%H:%M"
    described = Service.model_fields.get(name.removeprefix(hsds.OWN))
    if name.startswith(hsds.OWN) and described and described.description:
        field["description"] = described.description
    return field
