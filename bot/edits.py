"""Edits of the catalogue in the running product: recorded, in force, and known without a database.

The files of `knowledge/data` are the shipped catalogue. A row of `catalogue_edits` puts a whole
entry in the place of a shipped one, adds one, or hides one.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import yaml
from psycopg.types.json import Jsonb

from bot.database import Connection, Row, connect, listen
from bot.ledger import notify
from bot.log import get_log
from bot.settings import Settings
from knowledge.catalogue import (
    Catalogue,
    CatalogueError,
    NeededEntryError,
    Service,
    Taxonomy,
    service_of,
)

log = get_log()
CHANGED = "lotsa_catalogue"
POLL = 20.0  # seconds between looks: a notice can be missed
LONGEST_PAUSE = 600.0  # seconds between attempts at what keeps failing
ACUTE = Path(__file__).parent / "content" / "policy" / "acute.yml"
SNAPSHOT = "catalogue-edits.json"
LONGEST_TEXT = 2000  # characters
BY_LANGUAGE = frozenset({"summary", "how_to_get", "what_happens_next", "say_this", "alert"})
_EDIT_LOCK = 760_115_002


class OvertakenError(RuntimeError):
    """Somebody else changed the entry after it was read."""


@dataclass(frozen=True)
class Edits:
    """The edits in force: whole entries as plain fields, None for a hidden one."""

    entries: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    version: int = 0  # number of the newest row; 0 = none

    def applied_to(self, shipped: Catalogue) -> Catalogue:
        """The catalogue with the edits; one that no longer fits is logged and left out."""
        try:
            return shipped.with_edits(self._services(self.entries, shipped.taxonomy))
        except CatalogueError:
            fitting = {i: fields for i, fields in self.entries.items() if self._fits(i, shipped)}
            return shipped.with_edits(self._services(fitting, shipped.taxonomy))

    def _fits(self, service_id: str, shipped: Catalogue) -> bool:
        one = {service_id: self.entries[service_id]}
        try:
            shipped.with_edits(self._services(one, shipped.taxonomy))
        except CatalogueError:
            log.warning("catalogue_edit_unfit", service_id=service_id)
            return False
        return True

    def _services(
        self, entries: Mapping[str, Mapping[str, Any] | None], known: Taxonomy
    ) -> dict[str, Service | None]:
        services = {
            service_id: None if fields is None else service_of(fields, known, service_id)
            for service_id, fields in entries.items()
        }
        for service_id, service in services.items():
            _check_danger(service_id, service)
        return services


@dataclass(frozen=True, slots=True)
class Change:
    """One row: what an entry became, what it was, and who did it."""

    id: int
    entry: Mapping[str, Any] | None
    before: Mapping[str, Any] | None
    changed_by: str
    note: str
    changed_at: dt.datetime

    def differences(self) -> list[tuple[str, Any, Any]]:
        """(field, before, after) of each field that differs, in the order of the fields."""
        before, after = self.before or {}, self.entry or {}
        return [
            (name, before.get(name), after.get(name))
            for name in Service.model_fields
            if before.get(name) != after.get(name)
        ]


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it stands, also when it is hidden."""

    service: Service
    is_hidden: bool
    version: int  # number of its newest row; 0 = as shipped


async def record(
    connection: Connection,
    shipped: Catalogue,
    service_id: str,
    service: Service | None,
    by: str,
    note: str = "",
    guide_id: UUID | None = None,
) -> bool:
    """Put an entry in force, or hide it (None); false when that changes nothing.

    Raises CatalogueError for what the file loader would refuse and for an entry that a parent
    could not read, KeyError for hiding what does not exist. Wakes every process on commit.
    """
    entries = {service_id: service}
    return bool(await record_all(connection, shipped, entries, by, note, guide_id))


async def record_all(
    connection: Connection,
    shipped: Catalogue,
    entries: Mapping[str, Service | None],
    by: str,
    note: str = "",
    guide_id: UUID | None = None,
) -> int:
    """Put several entries in force at once, or none of them; how many that changes.

    Raises like `record`.
    """
    await _lock(connection)
    current = (await in_force(connection)).applied_to(shipped)
    changed: dict[str, Service | None] = {}
    for service_id, given in entries.items():
        service = given
        if given is not None:
            service = service_of(given.model_dump(mode="json"), shipped.taxonomy, service_id)
            _check_readable(service, service_id)
        if service != current.services.get(service_id):
            _check_danger(service_id, service)
            changed[service_id] = service
    if not changed:
        return 0
    current.with_edits(changed)
    for service_id, service in changed.items():
        before = current.services.get(service_id)
        layer = (service or current.services[service_id]).layer
        await connection.execute(
            "INSERT INTO catalogue_edits"
            " (layer, service_id, entry, before, changed_by, guide_id, note)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [layer, service_id, _json(service), _json(before), by, guide_id, note or None],
        )
    await notify(connection, CHANGED, next(iter(changed)))
    return len(changed)


async def revise(
    connection: Connection,
    shipped: Catalogue,
    service_id: str,
    changes: Mapping[str, Any],
    by: str,
    note: str = "",
    guide_id: UUID | None = None,
    based_on: int | None = None,
) -> bool:
    """Change some fields of an entry as it stands; a hidden one is shown again.

    Raises like `record`, and OvertakenError when `based_on` is not the entry's newest version.
    """
    await _lock(connection)
    found = await entry(connection, shipped, service_id)
    if based_on is not None and based_on != found.version:
        raise OvertakenError(service_id)
    service = revised(found.service, changes, shipped.taxonomy)
    return await record(connection, shipped, service_id, service, by, note, guide_id)


def revised(service: Service, changes: Mapping[str, Any], known: Taxonomy) -> Service:
    """An entry with other fields; texts by language are changed one language at a time.

    Raises CatalogueError.
    """
    fields = service.model_dump(mode="json")
    for name, value in changes.items():
        if name in BY_LANGUAGE and isinstance(value, Mapping):
            texts = {**(fields[name] or {}), **value}
            value = {code: text for code, text in texts.items() if text}
            value = value or (None if name == "alert" else {})
        fields[name] = value
    return service_of(fields, known, service.id)


def _check_readable(service: Service, service_id: str) -> None:
    """What a file may lack for a while, but not what parents see at once."""
    if service.id != service_id:
        raise CatalogueError(f"{service_id}: id '{service.id}' must be the same", ["id"])
    faulty = [
        name
        for name in ("summary", "how_to_get")
        if not getattr(service, name).get("sv", "").strip()
    ]
    timeless = [s for s in service.schedules if not (s.byday or s.bymonthday)]
    faulty += ["schedules"] if timeless else []
    faulty += ["parent_says"] if not all(said.strip() for said in service.parent_says) else []
    for name in BY_LANGUAGE:
        texts = getattr(service, name) or {}
        faulty += [name] if any(len(text) > LONGEST_TEXT for text in texts.values()) else []
    if faulty:
        raise CatalogueError(f"{service.id}: {', '.join(faulty)}: empty or too long", faulty)


@cache
def _named_in_danger() -> frozenset[str]:
    answers = yaml.safe_load(ACUTE.read_text(encoding="utf-8"))
    return frozenset(line for answer in answers.values() for line in answer["lines"])


def _check_danger(service_id: str, service: Service | None) -> None:
    """The answers to danger name entries, and say their numbers."""
    if service_id in _named_in_danger() and not (service and service.phones):
        raise NeededEntryError(f"{service_id}: the answers to danger need its phone number")


async def in_force(connection: Connection) -> Edits:
    """The newest edit of every edited entry."""
    cursor = await connection.execute(
        "SELECT DISTINCT ON (service_id) service_id, entry, max(id) OVER () AS newest "
        "FROM catalogue_edits ORDER BY service_id, id DESC"
    )
    rows = await cursor.fetchall()
    version = rows[0]["newest"] if rows else 0
    return Edits({row["service_id"]: row["entry"] for row in rows}, version)


async def entry(connection: Connection, shipped: Catalogue, service_id: str) -> Entry:
    """An entry as it stands. Raises KeyError."""
    rows = await _rows(connection, service_id, limit=1)
    if not rows:
        return Entry(shipped.services[service_id], is_hidden=False, version=0)
    newest = rows[0]
    fields = newest["entry"] or newest["before"]
    try:
        service = service_of(fields, shipped.taxonomy, service_id)
    except CatalogueError:  # written by a version that knew other fields
        return Entry(shipped.services[service_id], is_hidden=False, version=newest["id"])
    return Entry(service, is_hidden=newest["entry"] is None, version=newest["id"])


async def entries_of(connection: Connection, shipped: Catalogue, layer: str) -> list[Entry]:
    """Every entry of a layer by name, hidden ones included."""
    current = (await in_force(connection)).applied_to(shipped).services
    cursor = await connection.execute(
        "SELECT service_id, max(id) AS newest FROM catalogue_edits GROUP BY service_id"
    )
    versions = {row["service_id"]: row["newest"] for row in await cursor.fetchall()}
    found = [
        Entry(service, is_hidden=False, version=versions.get(service_id, 0))
        for service_id, service in current.items()
    ]
    hidden = versions.keys() - current.keys()
    found += [await entry(connection, shipped, service_id) for service_id in hidden]
    return sorted(
        (one for one in found if one.service.layer == layer), key=lambda one: one.service.name
    )


async def history(connection: Connection, service_id: str) -> list[Change]:
    """Every change of an entry, newest first."""
    return [
        Change(
            row["id"],
            row["entry"],
            row["before"],
            row["changed_by"],
            row["note"] or "",
            row["changed_at"],
        )
        for row in await _rows(connection, service_id)
    ]


async def _rows(connection: Connection, service_id: str, limit: int | None = None) -> list[Row]:
    cursor = await connection.execute(
        "SELECT id, entry, before, changed_by, note, changed_at FROM catalogue_edits "
        "WHERE service_id = %s ORDER BY id DESC LIMIT %s",
        [service_id, limit],
    )
    return await cursor.fetchall()


async def _lock(connection: Connection) -> None:
    """One edit at a time, so that rows become visible in the order of their numbers."""
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_EDIT_LOCK])


def _json(service: Service | None) -> Jsonb | None:
    return None if service is None else Jsonb(service.model_dump(mode="json"))


# --- without a database


def effective_catalogue(settings: Settings) -> Catalogue:
    """The shipped catalogue with the edits last known on this machine. Raises CatalogueError."""
    return remembered(settings).applied_to(Catalogue.load())


def remembered(settings: Settings) -> Edits:
    """The edits last known on this machine; none when there is no readable note of them."""
    return read_edits(settings.data / SNAPSHOT)


def read_edits(path: Path) -> Edits:
    """The edits in a file; none when it is missing or cannot be read."""
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        return Edits(dict(known["entries"]), int(known["version"]))
    except FileNotFoundError:
        return Edits()
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("catalogue_edits_unreadable", error=type(error).__name__)
        return Edits()


def write_edits(path: Path, edits: Edits) -> None:
    """Replace the file in one step, if it says anything else. Raises OSError."""
    if read_edits(path) == edits:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}-{uuid4().hex[:8]}.tmp")
    known = {"version": edits.version, "entries": edits.entries}
    temporary.write_text(json.dumps(known, ensure_ascii=False), encoding="utf-8")
    os.replace(temporary, path)


# --- as they change


async def watch(
    url: str,
    settings: Settings,
    in_use: Callable[[], Edits],
    change: Callable[[Edits], Awaitable[None]],
) -> None:
    """Call `change` when other edits are in force than `in_use` tells; never ends.

    Looks at every notice and every POLL; after a change that failed, less and less often. Each
    time the edits are noted on this machine first.
    """
    wake = asyncio.Event()
    listening = asyncio.create_task(listen(url, [CHANGED], lambda *_: wake.set()))
    pause = POLL
    try:
        while True:
            wake.clear()
            edits = await _in_force(url)
            if edits is not None and edits != in_use():
                _remember(settings, edits)
                await change(edits)
                pause = POLL if in_use() == edits else min(2 * pause, LONGEST_PAUSE)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await wake.wait()
    finally:
        listening.cancel()


async def _in_force(url: str) -> Edits | None:
    try:
        async with await connect(url) as connection:
            return await in_force(connection)
    except (psycopg.Error, OSError):
        return None


def _remember(settings: Settings, edits: Edits) -> None:
    try:
        write_edits(settings.data / SNAPSHOT, edits)
    except OSError as error:
        log.warning("catalogue_edits_not_noted", error=type(error).__name__)
