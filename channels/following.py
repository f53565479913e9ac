"""Closing a conversation with a day on which the parent is asked how it went."""

from __future__ import annotations

import datetime as dt

from bot import clock, follow_ups, meetings
from bot.database import Connection
from bot.handoff import Handoff
from channels.access import Guide
from channels.errors import DoorError


async def plan_follow_up(
    connection: Connection, one: Handoff, guide: Guide, days: int | None
) -> None:
    """Plan it where the guide chose a day. Raises DoorError where the parent has not said yes."""
    if days is None:
        return
    if days not in meetings.policy().follow_up_days:
        raise DoorError("bad_request")
    try:
        await follow_ups.plan(
            connection,
            municipality=one.municipality,
            conversation=one.conversation_id,
            guide=guide.id,
            due_at=clock.now() + dt.timedelta(days=days),
        )
    except follow_ups.NoConsentError as error:
        raise DoorError("meeting_not_asked") from error
