"""The editor's door: a guide changes the entries of her own municipality."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from bot import audit, edits
from bot.calendar import LOCAL
from bot.database import Connection
from bot.edits import Change, Entry, OvertakenError
from bot.privacy import mask
from channels.access import Guide
from channels.accounts import EDITS
from channels.console import LANGUAGE, MASKED_FOR_GUIDES, signed_in_as
from channels.doors import Doors
from channels.errors import DoorError
from channels.web import doors_of
from knowledge.catalogue import CatalogueError, NeededEntryError

LONGEST_NOTE = 500  # characters
router = APIRouter(prefix="/console/api/services", tags=["access:guide"])
SignedIn = Annotated[Guide, Depends(signed_in_as(EDITS))]
Texts = dict[str, str | None]
Note = Annotated[str, Field(max_length=LONGEST_NOTE, description="Why; for the history")]


class Changes(BaseModel):
    """The fields to change; others stay. Texts are changed one language at a time."""

    model_config = ConfigDict(extra="forbid")
    name: str | None = None
    status: str | None = None
    phones: list[dict[str, Any]] | None = None
    url: str | None = None
    schedules: list[dict[str, Any]] | None = None
    alert: Texts | None = None
    summary: Texts | None = None
    how_to_get: Texts | None = None
    what_happens_next: Texts | None = None
    say_this: Texts | None = None
    parent_says: list[str] | None = None
    verified_on: str | None = None
    review_due: str | None = None
    note: Note = ""
    based_on: int | None = Field(None, description="Version that was read; refused if it is older")

    def fields(self) -> dict[str, Any]:
        """What was sent of the entry itself."""
        return self.model_dump(exclude_unset=True, exclude={"note", "based_on"})


class Reason(BaseModel):
    model_config = ConfigDict(extra="forbid")
    note: Note = ""


@router.get("")
async def read_services(request: Request, guide: SignedIn) -> dict[str, Any]:
    """The entries of the guide's municipality."""
    doors = doors_of(request)
    async with doors.ledger.transaction() as connection:
        found = await edits.entries_of(connection, doors.shipped, guide.municipality)
    return {"services": [_listed(one) for one in found]}


def _listed(one: Entry) -> dict[str, Any]:
    service = one.service
    return {
        "id": service.id,
        "name": service.name,
        "kinds": service.kinds,
        "status": service.status,
        "verified_on": service.verified_on.isoformat(),
        "review_due": service.review_due.isoformat(),
        "is_edited": one.version > 0,
        "is_hidden": one.is_hidden,
    }


@router.get("/{service_id}")
async def read_service(request: Request, service_id: str, guide: SignedIn) -> dict[str, Any]:
    """An entry as it stands, with its history."""
    one, changes = await opened(doors_of(request), guide, service_id)
    return {
        "entry": one.service.model_dump(mode="json"),
        "version": one.version,
        "is_hidden": one.is_hidden,
        "history": [_told(change) for change in changes],
    }


def _told(change: Change) -> dict[str, Any]:
    return {
        "changed_at": change.changed_at.isoformat(),
        "changed_by": change.changed_by,
        "note": change.note,
        "is_hidden": change.entry is None,
        "differences": [
            {"field": name, "before": before, "after": after}
            for name, before, after in change.differences()
        ],
    }


@router.put("/{service_id}")
async def change_service(
    request: Request, service_id: str, changes: Changes, guide: SignedIn
) -> dict[str, Any]:
    """Change an entry; parents get it within a minute."""
    doors = doors_of(request)
    await save(doors, guide, service_id, changes)
    return await read_service(request, service_id, guide)


@router.post("/{service_id}/wrong")
async def mark_as_wrong(
    request: Request, service_id: str, reason: Reason, guide: SignedIn
) -> dict[str, Any]:
    """Something in the entry is wrong: parents are told, and it sinks among the suggestions."""
    await mark_wrong(doors_of(request), guide, service_id, reason.note)
    return await read_service(request, service_id, guide)


@router.post("/{service_id}/hide")
async def hide_service(
    request: Request, service_id: str, reason: Reason, guide: SignedIn
) -> dict[str, Any]:
    """Suggest the entry no more. Changing it shows it again."""
    await hide(doors_of(request), guide, service_id, reason.note)
    return await read_service(request, service_id, guide)


# --- what the form and the API share


async def opened(doors: Doors, guide: Guide, service_id: str) -> tuple[Entry, list[Change]]:
    """An entry of the guide's municipality with its history. Raises DoorError for any other."""
    async with doors.ledger.transaction() as connection:
        one = await _own_entry(doors, connection, guide, service_id)
        return one, await edits.history(connection, service_id)


async def save(doors: Doors, guide: Guide, service_id: str, changes: Changes) -> bool:
    """Put changed fields in force; false when nothing differs. Raises DoorError."""
    try:
        async with doors.ledger.transaction() as connection:
            await _own_entry(doors, connection, guide, service_id)
            is_changed = await edits.revise(
                connection,
                doors.shipped,
                service_id,
                changes.fields(),
                guide.name,
                _masked(changes.note),
                guide.id,
                changes.based_on,
            )
            if is_changed:
                await _note(connection, guide, service_id, sorted(changes.fields()))
            return is_changed
    except OvertakenError as error:
        raise DoorError("entry_overtaken") from error
    except CatalogueError as error:
        raise _refused(doors, error) from error


async def mark_wrong(doors: Doors, guide: Guide, service_id: str, note: str) -> None:
    """Warn on the card, and let the review be overdue since yesterday. Raises DoorError."""
    yesterday = dt.datetime.now(LOCAL).date() - dt.timedelta(days=1)
    content = doors.content
    changes = Changes(
        alert={code: content.raw(code, "alert_marked_wrong") for code in content.languages},
        review_due=yesterday.isoformat(),
        note=note,
    )
    await save(doors, guide, service_id, changes)


async def hide(doors: Doors, guide: Guide, service_id: str, note: str) -> None:
    """Take an entry out of what parents see. Raises DoorError."""
    try:
        async with doors.ledger.transaction() as connection:
            one = await _own_entry(doors, connection, guide, service_id)
            if not one.is_hidden:
                await edits.record(
                    connection,
                    doors.shipped,
                    service_id,
                    None,
                    guide.name,
                    _masked(note),
                    guide.id,
                )
                await _note(connection, guide, service_id, ["hidden"])
    except CatalogueError as error:
        raise _refused(doors, error) from error


async def _note(connection: Connection, guide: Guide, service_id: str, what: list[str]) -> None:
    subject = audit.service(service_id)
    await audit.write(connection, guide, "catalogue_edited", subject, what=",".join(what)[:120])


async def _own_entry(doors: Doors, connection: Connection, guide: Guide, service_id: str) -> Entry:
    try:
        one = await edits.entry(connection, doors.shipped, service_id)
    except KeyError as error:
        raise DoorError("unknown_service") from error
    if one.service.layer != guide.municipality:
        raise DoorError("not_your_entry")
    return one


def _masked(note: str) -> str:
    return mask(note.replace("\x00", "").strip(), MASKED_FOR_GUIDES).text


def _refused(doors: Doors, error: CatalogueError) -> DoorError:
    if isinstance(error, NeededEntryError):
        return DoorError("entry_needed")
    return DoorError("entry_faulty", fields=", ".join(labels(doors, error.fields)))


def labels(doors: Doors, fields: tuple[str, ...]) -> list[str]:
    """The names of fields as the form has them."""
    content = doors.content
    known = [f"console_field_{name}" for name in fields]
    return [
        content.raw(LANGUAGE, text_id) if content.has(LANGUAGE, text_id) else name
        for text_id, name in zip(known, fields, strict=True)
    ]
