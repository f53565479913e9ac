"""The guide agrees on a visit or a video meeting with the parent."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from bot import call_backs, clock, meetings
from bot.calendar import LOCAL
from bot.call_backs import MEETINGS, SlotTakenError
from bot.handoff import Handoff, TransitionError
from bot.meetings import Kind, Meeting
from bot.reminders import can_text
from channels.access import Guide, note_act
from channels.console import LANGUAGE, SignedIn, held
from channels.doors import Doors
from channels.errors import DoorError
from channels.web import doors_of

router = APIRouter(prefix="/console/api", tags=["access:guide"])


class NewMeeting(BaseModel):
    """`interpreter` is the code of a language, empty for none."""

    model_config = ConfigDict(extra="forbid")
    how: Kind
    starts_at: dt.datetime = Field(description="a time without a zone is Swedish")
    minutes: int
    place: str = Field("", max_length=300)
    interpreter: str = Field("", max_length=3)
    prepare: str = Field("", max_length=500)


@router.post("/handoffs/{handoff_id}/meeting")
async def arrange(
    request: Request, handoff_id: UUID, new: NewMeeting, guide: SignedIn
) -> dict[str, Any]:
    """Keep a meeting and confirm it to the parent; until then the assistant speaks."""
    doors = doors_of(request)
    one = await held(doors, handoff_id, guide)
    starts_at = new.starts_at if new.starts_at.tzinfo else new.starts_at.replace(tzinfo=LOCAL)
    meeting = Meeting(
        new.how,
        starts_at,
        new.minutes,
        " ".join(new.place.split()),
        new.interpreter or None,
        " ".join(new.prepare.split()),
    )
    reminds = await can_text(doors.ledger, doors.reach, one.municipality)
    try:
        await meetings.arrange(
            doors.ledger, doors.replies, one, guide, meeting, clock.now(), reminds=reminds
        )
    except ValueError as error:
        raise DoorError("meeting_unclear") from error
    except SlotTakenError as error:
        raise DoorError("meeting_twice") from error
    except TransitionError as error:
        raise DoorError("taken") from error
    await note_act(
        doors.ledger,
        one,
        guide,
        "booking_changed",
        how=new.how,
        at=starts_at.isoformat(),
        interpreter=new.interpreter or "none",
    )
    return {"state": "paused"}


async def shown(doors: Doors, one: Handoff, _: Guide) -> dict[str, Any]:
    """What the form offers, and the meeting that is agreed on already."""
    known, now = meetings.policy(), clock.now().astimezone(LOCAL)
    async with doors.ledger.transaction() as connection:
        made = await call_backs.booked(connection, one.conversation_id)
        place = await call_backs.place_of(connection, doors.ledger.seal, made.id) if made else ""
    names = [(meetings.language_name(doors.content, c, LANGUAGE), c) for c in known.interpreters]
    is_meeting = made is not None and made.how in MEETINGS
    return {
        "meeting": made if is_meeting else None,
        "meeting_when": doors.content.when(LANGUAGE, made.starts_at) if made else "",
        "meeting_place": place,
        "meeting_interpreter": meetings.language_name(doors.content, made.interpreter, LANGUAGE)
        if made and made.interpreter
        else "",
        "lengths": known.minutes,
        "proposed": known.proposed_minutes,
        "interpreters": sorted(names),
        "spoken": one.language,
        "earliest": now.strftime("%Y-%m-%dT%H:%M"),
        "latest": (now + dt.timedelta(days=known.most_days_ahead)).strftime("%Y-%m-%dT%H:%M"),
    }
