"""Reports of what stands in somebody's way on the pages, kept for those who can mend it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from bot.database import Connection
from bot.privacy import Seal

KEPT_DAYS = 180
MOST_OPEN = 200  # of a municipality; more than that is nobody's reading


class TooManyReportsError(RuntimeError):
    """So many reports wait that another is not taken."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was reported; `contact` is empty where no answer is wanted."""

    id: UUID
    text: str
    contact: str
    reported_at: dt.datetime


async def add(
    connection: Connection, seal: Seal, report: UUID, municipality: str, text: str, contact: str
) -> None:
    """Keep a report, once per id. Raises TooManyReportsError."""
    cursor = await connection.execute(
        "SELECT count(*) AS n FROM barrier_reports WHERE municipality = %s AND handled_at IS NULL",
        [municipality],
    )
    row = await cursor.fetchone()
    if row is not None and row["n"] >= MOST_OPEN:
        raise TooManyReportsError(municipality)
    await connection.execute(
        "INSERT INTO barrier_reports (id, municipality, sealed_report) VALUES (%s, %s, %s) "
        "ON CONFLICT (id) DO NOTHING",
        [report, municipality, seal.seal({"text": text, "contact": contact})],
    )


async def waiting(connection: Connection, seal: Seal, municipality: str) -> list[Report]:
    """Reports nobody has marked as handled, the oldest first."""
    cursor = await connection.execute(
        "SELECT id, sealed_report, reported_at FROM barrier_reports "
        "WHERE municipality = %s AND handled_at IS NULL ORDER BY reported_at",
        [municipality],
    )
    return [
        Report(row["id"], reported_at=row["reported_at"], **seal.open(row["sealed_report"]))
        for row in await cursor.fetchall()
    ]


async def handle(connection: Connection, municipality: str, report: UUID, guide: UUID) -> None:
    """Mark a report of the municipality as handled."""
    await connection.execute(
        "UPDATE barrier_reports SET handled_at = now(), handled_by = %s "
        "WHERE id = %s AND municipality = %s AND handled_at IS NULL",
        [guide, report, municipality],
    )


async def remove_old(connection: Connection) -> None:
    """Remove what has been kept for longer than KEPT_DAYS."""
    await connection.execute(
        "DELETE FROM barrier_reports WHERE reported_at < now() - make_interval(days => %s)",
        [KEPT_DAYS],
    )
