"""The catalogue to and from files: HSDS (JSON), data package, CSV and XLSX.

Reading a file never changes anything: it gives the entries, every fault, and what would change.
Writing is the caller's (`save`). An entry that a file does not name is left as it is.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from knowledge import datapackage, hsds, sheet, workbook
from knowledge.catalogue import Catalogue, Municipality, NeededEntryError, Service
from knowledge.checks import check as check_catalogue
from knowledge.faults import (
    Fault,
    FileFaultError,
    control_faults,
    fault,
    model_faults,
    shown,
)
from knowledge.sheet import ROW_LIMIT

Format = Literal["hsds", "datapackage", "csv", "xlsx"]
Save = Callable[[Sequence[Service]], None]
NameOf = Callable[[str], str]
Entries = tuple[list[tuple[int, dict[str, Any]]], list[Fault]]
SCHEMAS = Path(__file__).parent / "schema"
PUBLISHED_AT = "https://example.org/lotsa/schema/"  # change it with `url` in publiccode.yml
MEGABYTE = 1_000_000
LARGEST_FILE = 50  # MB, also of what a zip or xlsx file holds unpacked
NATIONAL = hsds.NATIONAL


@dataclass(frozen=True)
class Imported:
    """What a file holds: the entries that can be read, and what is wrong with the others."""

    services: tuple[Service, ...]
    faults: tuple[Fault, ...]
    lines: tuple[int, ...] = ()  # the services' rows in a sheet, or their numbers in a JSON file
    raw: tuple[tuple[int, dict[str, Any]], ...] = ()  # every entry with its line, as plain data
    name_of: NameOf = str  # what the file calls one of our fields


@dataclass(frozen=True)
class Change:
    """What an entry of a file means for the catalogue."""

    service: Service
    kind: Literal["new", "changed", "unchanged"]
    fields: tuple[str, ...] = ()  # those that differ


@dataclass(frozen=True)
class Outcome:
    """What an import found and did."""

    changes: tuple[Change, ...]
    faults: tuple[Fault, ...]
    saved: bool


def selected(catalogue: Catalogue, municipality: str | None) -> list[Service]:
    """All entries, or those of a municipality's layers. Raises KeyError if it is unknown."""
    services = catalogue.services.values()
    if municipality is None:
        return list(services)
    layers = catalogue.municipalities[municipality].layers
    return [service for service in services if service.layer in layers]


def export(services: Sequence[Service], catalogue: Catalogue, form: Format, path: Path) -> None:
    """Write entries to a file, or for `datapackage` to a folder when the name has no `.zip`."""
    if form == "hsds":
        content = json.dumps(hsds.document(services, catalogue), ensure_ascii=False, indent=2)
        path.write_text(content + "\n", encoding="utf-8")
    elif form == "datapackage":
        datapackage.write(services, catalogue, path)
    elif form == "csv":
        path.write_bytes(sheet.write_csv(services))
    else:
        workbook.write(services, catalogue, path)


def read_entries(path: Path) -> Imported:
    """Every entry of a file in any of the formats, and every fault; a bad file is a fault too."""
    try:
        (entries, faults), name_of = _read(path)
        if len(entries) > ROW_LIMIT:
            raise FileFaultError("too_many_rows", limit=ROW_LIMIT)
        if not entries and not faults:
            raise FileFaultError("no_services")
    except FileFaultError as error:
        return Imported((), (error.fault,))
    found = [(line, _validated(data, line, name_of, faults)) for line, data in entries]
    read = [(line, service) for line, service in found if service]
    faults += _doubles(read, name_of)
    lines, services = tuple(line for line, _ in read), tuple(service for _, service in read)
    return Imported(services, tuple(faults), lines, tuple(entries), name_of)


def _validated(
    data: dict[str, Any], line: int, name_of: NameOf, faults: list[Fault]
) -> Service | None:
    """The entry, or None and more faults; a field is only said to be wrong once."""
    wrong = control_faults(data, line, name_of)
    said = {found.field for found in faults if found.line == line}
    try:
        service = Service.model_validate(data)
    except ValidationError as error:
        wrong += model_faults(error, line, name_of)
        faults += [found for found in wrong if found.field not in said]
        return None
    faults += wrong
    return None if wrong or said else service


def changes(catalogue: Catalogue, services: Sequence[Service]) -> list[Change]:
    """What the entries would change, in their order."""
    return [_change(catalogue.services.get(service.id), service) for service in services]


def import_entries(
    path: Path, catalogue: Catalogue, save: Save, layer: str | None = None, dry_run: bool = False
) -> Outcome:
    """Read a file and save what is new or changed; on any fault nothing is saved.

    `layer` is given to entries that name none, and is then the only one that may be changed;
    without it, everything but the national layer may be.
    """
    read = read_entries(path)
    services = [_in_layer(service, layer) for service in read.services]
    planned = changes(catalogue, services)
    faults = [*read.faults, *_check(planned, read, catalogue, layer)]
    faults.sort(key=lambda found: found.line)
    to_save = [change.service for change in planned if change.kind != "unchanged"]
    will_save = bool(to_save) and not faults and not dry_run
    if will_save:
        save(to_save)
    return Outcome(tuple(planned), tuple(faults), will_save)


def json_schemas() -> dict[str, str]:
    """The published JSON Schemas by file name, made from the models."""
    return {
        "service.schema.json": _schema(
            Service, "service.schema.json", "Lotsa service", "An entry of the support catalogue."
        ),
        "municipality.schema.json": _schema(
            Municipality,
            "municipality.schema.json",
            "Lotsa municipality",
            "A municipality: its layers of entries and its people.",
        ),
    }


def _schema(model: type[BaseModel], name: str, title: str, description: str) -> str:
    described = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{PUBLISHED_AT}{name}",
        **model.model_json_schema(),
        "title": title,
        "description": description,
    }
    return json.dumps(described, ensure_ascii=False, indent=2) + "\n"


def _read(path: Path) -> tuple[Entries, NameOf]:
    """The entries of a file by its content. Raises FileFaultError."""
    if path.is_dir():
        return datapackage.read(partial(_file_in, path)), hsds.name_of
    if not path.is_file():
        raise FileFaultError("not_found")
    if path.stat().st_size > LARGEST_FILE * MEGABYTE:
        raise FileFaultError("too_large", limit=LARGEST_FILE)
    if path.name == datapackage.DESCRIPTOR:
        return datapackage.read(partial(_file_in, path.parent)), hsds.name_of
    if zipfile.is_zipfile(path):
        return _read_zip(path)
    content = path.read_bytes()
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return hsds.read_services(_json(content)), hsds.name_of
    if path.suffix.lower() == ".csv":
        return sheet.read_rows(sheet.read_csv(content)), sheet.name_of
    raise FileFaultError("unknown_format")


def _read_zip(path: Path) -> tuple[Entries, NameOf]:
    """A zipped data package, or a workbook. What it holds is measured before it is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if sum(info.file_size for info in archive.infolist()) > LARGEST_FILE * MEGABYTE:
                raise FileFaultError("too_large", limit=LARGEST_FILE)
            if datapackage.DESCRIPTOR in names:
                return datapackage.read(partial(_file_of, archive)), hsds.name_of
    except (zipfile.BadZipFile, zlib.error, RuntimeError) as error:  # damaged, or encrypted
        raise FileFaultError("not_readable", value=shown(error)) from None
    if "xl/workbook.xml" in names:
        return sheet.read_rows(workbook.read(path)), sheet.name_of
    raise FileFaultError("unknown_format")


def _file_in(folder: Path, name: str) -> bytes | None:
    found = folder / name
    if not found.is_file():
        return None
    if found.stat().st_size > LARGEST_FILE * MEGABYTE:
        raise FileFaultError("too_large", limit=LARGEST_FILE)
    return found.read_bytes()


def _file_of(archive: zipfile.ZipFile, name: str) -> bytes | None:
    return archive.read(name) if name in archive.namelist() else None


def _json(content: bytes) -> object:
    try:
        return json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise FileFaultError("not_utf8") from None
    except (ValueError, RecursionError) as error:
        raise FileFaultError("not_readable", value=shown(error)) from None


def _doubles(found: list[tuple[int, Service]], name_of: NameOf) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for line, service in found:
        if service.id in first:
            before = first[service.id]
            yield fault("double_id", line, name_of("id"), value=service.id, first=before)
        first.setdefault(service.id, line)


def _in_layer(service: Service, layer: str | None) -> Service:
    return service.model_copy(update={"layer": layer}) if layer and not service.layer else service


def _change(before: Service | None, service: Service) -> Change:
    if before is None:
        return Change(service, "new")
    names = Service.model_fields
    differ = tuple(name for name in names if getattr(before, name) != getattr(service, name))
    return Change(service, "changed" if differ else "unchanged", differ)


def _check(
    planned: list[Change], read: Imported, catalogue: Catalogue, layer: str | None
) -> Iterator[Fault]:
    """What a file's entries may not say or change here."""
    for line, data in read.raw:
        yield from _unknown(data, line, read.name_of, catalogue)
    placed = list(zip(read.lines, planned, strict=True))
    for line, change in placed:
        yield from _layers(change, line, read.name_of, catalogue, layer)
        yield from _days(change.service, line, read.name_of)
    known = _known_layers(catalogue)
    lines = {
        change.service.id: line
        for line, change in placed
        if change.kind != "unchanged"
        and change.service.layer in known
        and "layer" not in change.fields
    }
    changed = {c.service.id: c.service for c in planned if c.service.id in lines}
    if changed:
        yield from _needed(changed, lines, read.name_of, catalogue)
        yield from _texts(changed, lines, read.name_of, catalogue)


def _known_layers(catalogue: Catalogue) -> list[str]:
    return sorted({name for m in catalogue.municipalities.values() for name in m.layers})


def _unknown(
    data: dict[str, Any], line: int, name_of: NameOf, catalogue: Catalogue
) -> Iterator[Fault]:
    """Ids of the taxonomy and layers that do not exist."""
    known = {"kinds": catalogue.taxonomy.kinds, "needs": catalogue.taxonomy.needs}
    for field, ids in known.items():
        given = data.get(field)
        for value in given if isinstance(given, list) else []:
            if isinstance(value, str) and value not in ids:
                yield fault(f"unknown_{field[:-1]}", line, name_of(field), value=shown(value))
    layer, layers = data.get("layer"), _known_layers(catalogue)
    if isinstance(layer, str) and layer and layer not in layers:
        allowed = ", ".join(layers)
        yield fault("unknown_layer", line, name_of("layer"), value=shown(layer), allowed=allowed)


def _layers(
    change: Change, line: int, name_of: NameOf, catalogue: Catalogue, layer: str | None
) -> Iterator[Fault]:
    service, field = change.service, name_of("layer")
    before = catalogue.services.get(service.id)
    if not service.layer:
        yield fault("no_layer", line, field)
    elif before and before.layer != service.layer:
        yield fault("other_layer", line, name_of("id"), value=before.layer)
    elif change.kind == "unchanged":
        return
    elif layer and service.layer != layer:
        yield fault("outside_layer", line, field, value=service.layer, allowed=layer)
    elif not layer and service.layer == NATIONAL:
        yield fault("national", line, field)


def _days(service: Service, line: int, name_of: NameOf) -> Iterator[Fault]:
    for schedule in service.schedules:
        if not (schedule.byday or schedule.bymonthday):
            yield fault("no_days", line, name_of("schedules.byday"))


def _needed(
    changed: dict[str, Service], lines: dict[str, int], name_of: NameOf, catalogue: Catalogue
) -> Iterator[Fault]:
    """Entries that a municipality points to and would no longer show."""
    try:
        catalogue.with_edits(changed)
    except NeededEntryError:
        for service_id, service in changed.items():
            try:
                catalogue.with_edits({service_id: service})
            except NeededEntryError:
                yield fault("needed", lines[service_id], name_of("status"))


def _texts(
    changed: dict[str, Service], lines: dict[str, int], name_of: NameOf, catalogue: Catalogue
) -> Iterator[Fault]:
    """The errors in their texts that `lotsa catalogue check` would give."""
    merged = {**catalogue.services, **changed}
    for found in check_catalogue(Catalogue(merged, catalogue.municipalities, catalogue.taxonomy)):
        if found.where not in lines:
            continue
        if found.code == "missing_text":
            field = name_of(f"{found.field}.{found.detail}")
            yield fault("missing_text", lines[found.where], field, value=found.detail)
        elif found.code == "near_duplicate":
            field = name_of(found.field)
            yield fault("near_duplicate", lines[found.where], field, value=found.detail)
