"""Looks at everything an installation needs, and says what to do about what is missing."""

from __future__ import annotations

import asyncio
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import psycopg

from bot.database import MIGRATIONS, connect, database_url
from bot.privacy import Seal, SealError
from bot.settings import Settings
from channels import metrics
from channels.health import built
from knowledge.catalogue import Catalogue, CatalogueError

FREE_DISK = 500_000_000  # bytes
UNDECIDED = ("saknas", "missing")  # in a retention decision that nobody has taken


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: `state` is ok, warning or fault."""

    part: str
    state: str
    found: str
    what_to_do: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Everything, in the order a fault should be mended."""
    checks: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
        _machine, _keys, _built, _catalogue, _database,
    )  # fmt: skip
    return [finding for check in checks for finding in check(settings)]


def as_json(findings: list[Finding]) -> dict[str, Any]:
    return {"healthy": is_healthy(findings), "findings": [asdict(one) for one in findings]}


def is_healthy(findings: list[Finding]) -> bool:
    return all(finding.state != "fault" for finding in findings)


def lines(findings: list[Finding]) -> list[str]:
    """One line a finding, and one with what to do where something is wrong."""
    told = []
    for one in findings:
        told.append(f"{one.state:<8}{one.part:<12}{one.found}")
        if one.what_to_do:
            told.append(f"{'':<20}→ {one.what_to_do}")
    return told


def _machine(settings: Settings) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", "ok", version)
    folder = settings.data if settings.data.exists() else settings.data.parent
    free = shutil.disk_usage(folder).free
    room = f"{free // 1_000_000} MB free"
    if free < FREE_DISK:
        yield Finding("disk", "fault", room, "Make room for at least 500 MB.")
    else:
        yield Finding("disk", "ok", room)


def _keys(settings: Settings) -> Iterator[Finding]:
    path = settings.keys
    if not path.exists():
        yield Finding(
            "keys",
            "warning",
            f"{path} is not there",
            "It is made at the first start; copy it then.",
        )
        return
    try:
        Seal.from_file(path)
    except (SealError, ValueError):
        yield Finding("keys", "fault", f"{path} holds no key", "Restore it from your copy.")
        return
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield Finding("keys", "fault", f"{path} can be read by others", f"chmod 600 {path}")
    else:
        yield Finding("keys", "ok", str(path))


def _built(settings: Settings) -> Iterator[Finding]:
    for part, state in built(settings).items():
        if state == "ok":
            yield Finding(part, "ok", "built")
        else:
            yield Finding(part, "fault", "missing", "Run: lotsa train")
    try:
        import weasyprint  # noqa: F401 - only whether its libraries are there
    except (ImportError, OSError):
        yield Finding("pdf", "warning", "pango is missing", "apt install libpango-1.0-0")
    else:
        yield Finding("pdf", "ok", "papers can be made as PDF")


def _catalogue(_: Settings) -> Iterator[Finding]:
    try:
        catalogue = Catalogue.load()
    except CatalogueError as error:
        yield Finding("catalogue", "fault", str(error), "Run: lotsa catalogue check")
        return
    yield Finding("catalogue", "ok", f"{len(catalogue.services)} entries")
    undecided = [
        found.id
        for found in catalogue.municipalities.values()
        if any(word in found.retention_decision.lower() for word in UNDECIDED)
    ]
    if undecided:
        yield Finding(
            "retention",
            "warning",
            f"no decision on disposal: {', '.join(sorted(undecided))}",
            "Write it into _municipality.yml before parents use the service.",
        )


def _database(settings: Settings) -> Iterator[Finding]:
    if settings.database_url is None:
        yield Finding(
            "database", "warning", "the embedded one", "For trying; set LOTSA_DATABASE_URL in use."
        )
    try:
        yield from asyncio.run(_reached(database_url(settings)))
    except (psycopg.Error, OSError) as error:
        yield Finding(
            "database",
            "fault",
            f"not reached: {type(error).__name__}",
            "Is the server running, and LOTSA_DATABASE_URL right?",
        )


async def _reached(url: str) -> list[Finding]:
    newest = max(int(path.name[:4]) for path in MIGRATIONS.glob("*.up.sql"))
    async with await connect(url) as connection:
        version = connection.info.server_version // 10_000
        findings = [Finding("database", "ok", f"PostgreSQL {version}")]
        try:
            cursor = await connection.execute("SELECT max(version) AS v FROM schema_migrations")
            row = await cursor.fetchone()
        except psycopg.errors.UndefinedTable:
            row = None
        at = row["v"] if row and row["v"] else 0
        if at != newest:
            found = f"at {at}, this version needs {newest}"
            return [*findings, Finding("schema", "fault", found, "Run: lotsa migrate")]
        findings.append(Finding("schema", "ok", f"at {at}"))
        present = await metrics.workers(connection)
    if present:
        return [*findings, Finding("worker", "ok", f"{present} present")]
    return [*findings, Finding("worker", "warning", "none is running", "Run: lotsa serve")]
