"""Files of the catalogue on the command line: which entries, where they are saved, what is said."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from bot import edits
from bot.database import connect, database_url, migrate
from bot.settings import Settings
from knowledge import workbook
from knowledge.catalogue import Catalogue, CatalogueError, Service
from knowledge.exchange import Format, Outcome, export, import_entries, selected
from knowledge.faults import texts

Said = tuple[dict[str, Any], list[str]]  # for --json, and for a person


def exported(settings: Settings, form: Format, out: Path, municipality: str | None) -> Said:
    """Write the entries in force. Raises CatalogueError for an unknown municipality, OSError."""
    catalogue = edits.effective_catalogue(settings)
    if municipality is not None and municipality not in catalogue.municipalities:
        known = ", ".join(sorted(catalogue.municipalities))
        raise CatalogueError(f"no municipality '{municipality}'; known: {known}")
    services = selected(catalogue, municipality)
    export(services, catalogue, form, out)
    line = texts()["export"]["done"].format(count=len(services), path=out)
    return {"entries": len(services), "path": str(out)}, [line]


def template(settings: Settings, out: Path) -> None:
    """Write the empty workbook. Raises OSError."""
    workbook.write_template(edits.effective_catalogue(settings), out)


async def imported(
    settings: Settings, path: Path, by: str, layer: str | None, dry_run: bool
) -> Outcome:
    """Read a file and record what it changes, all or nothing.

    Raises CatalogueError for an entry that the edits refuse; then nothing is recorded.
    """
    if dry_run:
        known = edits.effective_catalogue(settings)
        return import_entries(path, known, lambda _: None, layer, dry_run=True)
    url = database_url(settings)
    await migrate(url)
    shipped = Catalogue.load()
    to_record: list[Service] = []
    note = texts()["import"]["note"].format(file=path.name)
    async with await connect(url) as connection:
        current = (await edits.in_force(connection)).applied_to(shipped)
        outcome = import_entries(path, current, to_record.extend, layer)
        entries = {service.id: service for service in to_record}
        await edits.record_all(connection, shipped, entries, by, note)
        in_force = await edits.in_force(connection)
    edits.write_edits(settings.data / edits.SNAPSHOT, in_force)
    return outcome


def report(
    outcome: Outcome, dry_run: bool, as_json: bool
) -> tuple[dict[str, Any], bool, list[str]]:
    """What an import found and did, as `channels.cli.show` takes it."""
    new = [change.service.id for change in outcome.changes if change.kind == "new"]
    changed = [change for change in outcome.changes if change.kind == "changed"]
    unchanged = len(outcome.changes) - len(new) - len(changed)
    content = {
        "faults": [asdict(fault) for fault in outcome.faults],
        "new": new,
        "changed": [{"id": c.service.id, "fields": list(c.fields)} for c in changed],
        "unchanged": unchanged,
        "saved": outcome.saved,
    }
    words = texts()["import"]
    if outcome.faults:
        lines = [
            words["fault" if fault.line else "fault_file"].format(**asdict(fault))
            for fault in outcome.faults
        ]
        return content, as_json, [*lines, words["nothing_saved"].format(count=len(lines))]
    lines = [words["new"].format(id=service_id) for service_id in new]
    lines += [words["changed"].format(id=c.service.id, fields=", ".join(c.fields)) for c in changed]
    lines.append(words["unchanged"].format(count=unchanged))
    code = "saved" if outcome.saved else "dry_run" if dry_run else "same"
    return content, as_json, [*lines, words[code].format(new=len(new), changed=len(changed))]
