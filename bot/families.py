"""Families a coordinator follows for a time, by agreement; no case record is kept.

Socialstyrelsen describes the coordinator as free of the exercise of authority, working by an
agreement with the parents and writing no journal (Samordna stöd till barn och unga med
funktionsnedsättning, 2017). So nothing is kept before the family has said yes, what is kept is
shown to the family, and it is emptied when the coordination ends.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID, uuid4

from psycopg.errors import UniqueViolation
from pydantic import BaseModel, ConfigDict, Field

from bot.database import Connection, Row
from bot.privacy import Seal
from bot.tools.basis import Long, Short

LONGEST = dt.timedelta(days=180)
MOST_TASKS = 30
State = Literal["proposed", "agreed", "ended"]
Ending = Literal["taken_over", "family", "refused", "time_over"]


class FamilyError(RuntimeError):
    """It is not possible now: somebody changed it, it is not agreed, or the time is too long."""


class Agreement(BaseModel):
    """How and when they keep in touch, and with whom the coordinator may speak."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    how: Short
    when: Short
    contacts: Long = ""


class Task(BaseModel):
    """Who does what, by when."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    who: Short
    what: Short
    by: dt.date | None = None
    is_done: bool = False


class Content(BaseModel):
    """All that is kept of a family."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    agreement: Agreement
    tasks: list[Task] = Field(default_factory=list, max_length=MOST_TASKS)
    note: Long = ""


@dataclass(frozen=True, slots=True)
class Family:
    """A family that is, or was, followed. `content` is None once it has ended."""

    id: UUID
    municipality: str
    conversation_id: UUID
    guide_id: UUID
    guide_name: str
    state: State
    content: Content | None
    version: int
    next_contact: dt.date | None
    until: dt.date
    ended_as: Ending | None

    @property
    def open_tasks(self) -> int:
        return sum(not task.is_done for task in self.content.tasks) if self.content else 0


async def propose(
    connection: Connection,
    seal: Seal,
    *,
    municipality: str,
    conversation: UUID,
    guide: UUID,
    agreement: Agreement,
    until: dt.date,
    today: dt.date,
) -> UUID:
    """Propose an agreement; the family answers. Raises FamilyError for a wrong time or a second."""
    if not today < until <= today + LONGEST or not (agreement.how and agreement.when):
        raise FamilyError("an agreement needs how, when and an end within half a year")
    family = uuid4()
    await connection.execute(
        "DELETE FROM families WHERE conversation_id = %s AND state = 'ended'", [conversation]
    )
    try:
        async with connection.transaction():
            await connection.execute(
                "INSERT INTO families (id, municipality, conversation_id, guide_id, state, "
                "sealed_content, until) VALUES (%s, %s, %s, %s, 'proposed', %s, %s)",
                [
                    family,
                    municipality,
                    conversation,
                    guide,
                    seal.seal(Content(agreement=agreement).model_dump(mode="json")),
                    until,
                ],
            )
    except UniqueViolation as error:
        raise FamilyError("the family is followed already") from error
    return family


async def agree(connection: Connection, family: Family) -> None:
    """The family says yes to exactly this agreement. Raises FamilyError when it was changed."""
    if family.content is None:
        raise FamilyError("it has ended")
    cursor = await connection.execute(
        "UPDATE families SET state = 'agreed', agreed_at = now(), agreed_text_hash = %s, "
        "changed_at = now() WHERE id = %s AND state = 'proposed' AND version = %s RETURNING id",
        [agreement_hash(family.content.agreement), family.id, family.version],
    )
    if await cursor.fetchone() is None:
        raise FamilyError("not proposed, or changed")


async def write(
    connection: Connection,
    seal: Seal,
    family: Family,
    content: Content,
    next_contact: dt.date | None,
) -> None:
    """Keep tasks, note and the next contact; the agreement stays as the family agreed to it.

    Raises FamilyError where it is not agreed, or somebody else wrote in between.
    """
    if family.content is None:
        raise FamilyError("it has ended")
    kept = content.model_copy(update={"agreement": family.content.agreement})
    cursor = await connection.execute(
        "UPDATE families SET sealed_content = %s, next_contact = %s, version = version + 1, "
        "changed_at = now() WHERE id = %s AND state = 'agreed' AND version = %s RETURNING id",
        [seal.seal(kept.model_dump(mode="json")), next_contact, family.id, family.version],
    )
    if await cursor.fetchone() is None:
        raise FamilyError("not agreed, or changed")


async def end(connection: Connection, family: UUID, ended_as: Ending) -> None:
    """Empty everything that was kept; only that it was, and how it ended, is left."""
    await connection.execute(
        _END + "WHERE id = %s AND state <> 'ended'",
        [ended_as, family],
    )


async def end_overdue(connection: Connection, municipality: str) -> int:
    """Empty those whose time is over; returns how many."""
    cursor = await connection.execute(
        _END + "WHERE municipality = %s AND state <> 'ended' AND until < current_date",
        ["time_over", municipality],
    )
    return cursor.rowcount


_END = (
    "UPDATE families SET state = 'ended', sealed_content = NULL, next_contact = NULL, "
    "agreed_text_hash = NULL, ended_as = %s, version = version + 1, changed_at = now() "
)
_SELECT = "SELECT f.*, g.name AS guide_name FROM families f JOIN guides g ON g.id = f.guide_id "


async def of_guide(
    connection: Connection, seal: Seal, municipality: str, guide: UUID
) -> list[Family]:
    """The families a coordinator follows, the one to be contacted first uppermost."""
    cursor = await connection.execute(
        _SELECT + "WHERE f.municipality = %s AND f.guide_id = %s "
        "ORDER BY f.state = 'ended', f.next_contact NULLS LAST, f.until",
        [municipality, guide],
    )
    return [_family(row, seal) for row in await cursor.fetchall()]


async def of_conversation(connection: Connection, seal: Seal, conversation: UUID) -> Family | None:
    """What is kept of the family of a conversation."""
    cursor = await connection.execute(_SELECT + "WHERE f.conversation_id = %s", [conversation])
    row = await cursor.fetchone()
    return _family(row, seal) if row else None


def agreement_hash(agreement: Agreement) -> str:
    """What the family said yes to."""
    return hashlib.sha256(agreement.model_dump_json().encode()).hexdigest()


def _family(row: Row, seal: Seal) -> Family:
    opened: Any = seal.open(row["sealed_content"])
    return Family(
        id=row["id"],
        municipality=row["municipality"],
        conversation_id=row["conversation_id"],
        guide_id=row["guide_id"],
        guide_name=row["guide_name"],
        state=row["state"],
        content=Content.model_validate(opened) if opened is not None else None,
        version=row["version"],
        next_contact=row["next_contact"],
        until=row["until"],
        ended_as=row["ended_as"],
    )
