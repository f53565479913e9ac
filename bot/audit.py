"""Who read, took over or changed what: rows added, never changed, one chain a municipality.

Each row's hash covers the one before it, so a row that is changed, taken out or put in is found.
The newest hash, noted outside the database, also tells when a whole chain was written anew. A row
carries ids and short codes, never what somebody said.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args
from uuid import UUID

from bot.database import Connection, Row

Act = Literal[
    "conversation_read",
    "conversation_claimed",
    "conversation_released",
    "conversation_returned",
    "conversation_closed",
    "conversation_transferred",
    "conversation_written",
    "answer_promised",
    "conversation_exported",
    "conversation_erased",
    "break_glass",
    "note_written",
    "booking_changed",
    "agreement_changed",
    "report_considered",
    "catalogue_edited",
    "content_edited",
    "signed_in",
    "sign_in_locked",
    "account_added",
    "account_disabled",
    "account_enabled",
    "roles_changed",
    "password_changed",
    "password_reset",
    "second_factor_added",
    "second_factor_removed",
    "audit_reviewed",
    "audit_exported",
]
ACTS: tuple[str, ...] = get_args(Act)
Detail = Mapping[str, str | int | bool]
START = bytes(32)  # what the first row of a chain follows on
_CODE = re.compile(r"[\w:.,+\-]{0,120}", re.ASCII)  # no spaces: a sentence does not fit


class Actor(Protocol):
    """Somebody who acts: a guide of channels.access is one."""

    @property
    def id(self) -> UUID | None: ...
    @property
    def municipality(self) -> str: ...
    @property
    def function(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Operator:
    """Whoever runs the command line, or the product itself, for a municipality."""

    municipality: str
    id: UUID | None = None
    function: str = "operator"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the log."""

    municipality: str
    number: int
    at: dt.datetime
    actor: UUID | None
    function: str
    act: str
    subject: str
    detail: dict[str, Any]
    previous: bytes
    hash: bytes

    def as_json(self) -> dict[str, Any]:
        """The row as it is exported; everything its hash covers, and the hash."""
        return {**_covered(self), "hash": self.hash.hex()}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verifying a chain found; `broken` is the first row that does not fit."""

    municipality: str
    rows: int
    head: str
    broken: int | None = None
    fault: Literal["changed", "missing", "cut", "rewritten"] | None = None


def conversation(id: UUID) -> str:
    """The subject of acts on a conversation."""
    return f"conversation:{id}"


def account(id: UUID) -> str:
    """The subject of acts on an account."""
    return f"account:{id}"


def service(id: str) -> str:
    """The subject of acts on an entry of the catalogue."""
    return f"service:{id}"


async def write(
    connection: Connection, actor: Actor, act: Act, subject: str, **detail: str | int | bool
) -> int:
    """Add a row in the transaction of the act itself; returns its number in the chain.

    `subject` is "kind:id" (see `conversation`, `account`, `service`), `detail` short codes. The
    chain is locked until the commit, so let this be the last thing a transaction does. Raises
    ValueError when a subject or detail could be a sentence.
    """
    for value in (subject, *detail.values()):
        if isinstance(value, str) and not _CODE.fullmatch(value):
            raise ValueError(f"{act}: a detail is a code without spaces")
    number, previous, at = await _lock(connection, actor.municipality)
    row = Entry(
        actor.municipality,
        number + 1,
        at,
        actor.id,
        actor.function,
        act,
        subject,
        dict(detail),
        previous,
        b"",
    )
    hashed = _hash(row)
    await connection.execute(
        "INSERT INTO audit_log (municipality, number, at, actor, function, act, subject, detail, "
        "previous, hash) VALUES (%s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s)",
        [
            row.municipality,
            row.number,
            row.at,
            row.actor,
            row.function,
            row.act,
            row.subject,
            json.dumps(row.detail),
            previous,
            hashed,
        ],
    )
    await connection.execute(
        "UPDATE audit_heads SET number = %s, hash = %s WHERE municipality = %s",
        [row.number, hashed, row.municipality],
    )
    return row.number


async def _lock(connection: Connection, municipality: str) -> tuple[int, bytes, dt.datetime]:
    await connection.execute(
        "INSERT INTO audit_heads (municipality, number, hash) VALUES (%s, 0, %s) "
        "ON CONFLICT DO NOTHING",
        [municipality, START],
    )
    cursor = await connection.execute(
        "SELECT number, hash, clock_timestamp() AS at FROM audit_heads WHERE municipality = %s "
        "FOR UPDATE",
        [municipality],
    )
    row = await cursor.fetchone()
    assert row is not None
    return row["number"], bytes(row["hash"]), row["at"]


def _covered(row: Entry) -> dict[str, Any]:
    return {
        "municipality": row.municipality,
        "number": row.number,
        "at": row.at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        "actor": str(row.actor) if row.actor else None,
        "function": row.function,
        "act": row.act,
        "subject": row.subject,
        "detail": row.detail,
        "previous": row.previous.hex(),
    }


def _hash(row: Entry) -> bytes:
    """SHA-256 of the row as JSON with sorted keys, so that an export can be verified anywhere."""
    plain = json.dumps(_covered(row), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).digest()


def _entry(row: Row) -> Entry:
    return Entry(
        **{name: row[name] for name in Entry.__slots__ if name not in ("previous", "hash")},
        previous=bytes(row["previous"]),
        hash=bytes(row["hash"]),
    )


async def entries(connection: Connection, municipality: str) -> AsyncIterator[Entry]:
    """A municipality's rows from the first, read as they are asked for."""
    async with connection.cursor(f"audit_{municipality}".replace("-", "_")) as cursor:
        await cursor.execute(
            "SELECT * FROM audit_log WHERE municipality = %s ORDER BY number", [municipality]
        )
        async for row in cursor:
            yield _entry(row)


async def newest(
    connection: Connection,
    municipality: str,
    *,
    act: str | None = None,
    actor: UUID | None = None,
    limit: int = 200,
) -> list[Entry]:
    """The newest rows, one sort or one person's where that is asked for."""
    cursor = await connection.execute(
        "SELECT * FROM audit_log WHERE municipality = %(municipality)s "
        "AND (%(act)s::text IS NULL OR act = %(act)s) "
        "AND (%(actor)s::uuid IS NULL OR actor = %(actor)s) ORDER BY number DESC LIMIT %(limit)s",
        {"municipality": municipality, "act": act, "actor": actor, "limit": limit},
    )
    return [_entry(row) for row in await cursor.fetchall()]


async def unreviewed(connection: Connection, municipality: str) -> list[Entry]:
    """Openings without a claim that no auditor has reviewed, the oldest first."""
    cursor = await connection.execute(
        "SELECT * FROM audit_log a WHERE municipality = %s AND act = 'break_glass' "
        "AND NOT EXISTS (SELECT 1 FROM audit_log r WHERE r.municipality = a.municipality "
        "AND r.act = 'audit_reviewed' AND r.subject = 'audit:' || a.number) ORDER BY number",
        [municipality],
    )
    return [_entry(row) for row in await cursor.fetchall()]


async def reads(connection: Connection, municipality: str, conversation_id: UUID) -> list[Entry]:
    """When a conversation was taken over, read or opened, and by which function."""
    cursor = await connection.execute(
        "SELECT * FROM audit_log WHERE municipality = %s AND subject = %s "
        "AND act IN ('conversation_claimed', 'conversation_read', 'break_glass') ORDER BY number",
        [municipality, conversation(conversation_id)],
    )
    return [_entry(row) for row in await cursor.fetchall()]


async def municipalities(connection: Connection) -> list[str]:
    """Those that have a chain."""
    cursor = await connection.execute("SELECT municipality FROM audit_heads ORDER BY municipality")
    return [row["municipality"] for row in await cursor.fetchall()]


async def verify(
    connection: Connection, municipality: str, noted: tuple[int, str] | None = None
) -> Verdict:
    """Count the chain through and say where it first breaks.

    `noted` is a number and hash written down earlier, which must still be in the chain.
    """
    cursor = await connection.execute(
        "SELECT number, hash FROM audit_heads WHERE municipality = %s", [municipality]
    )
    head = await cursor.fetchone() or {"number": 0, "hash": START}
    previous, number = START, 0
    async for row in entries(connection, municipality):
        number += 1
        fault = _fault(row, number, previous, noted)
        if fault:
            return Verdict(municipality, number, previous.hex(), number, fault)
        previous = row.hash
        if number == head["number"]:
            break  # rows added while this reads
    if number != head["number"] or previous != bytes(head["hash"]):
        return Verdict(municipality, number, previous.hex(), number + 1, "cut")
    if noted and noted[0] > number:
        return Verdict(municipality, number, previous.hex(), number + 1, "cut")
    return Verdict(municipality, number, previous.hex())


def _fault(
    row: Entry, number: int, previous: bytes, noted: tuple[int, str] | None
) -> Literal["changed", "missing", "rewritten"] | None:
    if row.number != number:
        return "missing"
    if row.previous != previous or row.hash != _hash(row):
        return "changed"
    if noted and noted[0] == number and noted[1] != row.hash.hex():
        return "rewritten"
    return None
