"""The guide's door: the queue, the brief, the live conversation."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from bot import (
    audit,
    call_backs,
    desk,
    follow_ups,
    handoff,
    handoff_figures,
    meetings,
)
from bot.desk_help import area_of
from bot.engine.reply import ReplyRequest
from bot.handoff import Handoff, TransitionError
from bot.handoff_clock import release_all
from bot.ledger import ALARM, HANDOFF, notify
from bot.messages import Author, IncomingMessage, OutgoingMessage, StoredMessage
from bot.privacy import mask
from channels.access import (
    AccessError,
    Guide,
    follow_held,
    guide_of_session,
    handoff_of_guide,
    held_by,
    read_held,
    sign_out,
)
from channels.accounts import HANDLES, home_of
from channels.doors import Doors
from channels.errors import DoorError
from channels.following import plan_follow_up
from channels.stream import COMMENT, TYPING, event, notices
from channels.web import doors_of, shown_notices, templates

COOKIE = "lotsa_console"
LANGUAGE = "sv"
OUTCOMES = ("appointment", "information", "other_support", "comes_back", "broken_off")
MASKED_FOR_GUIDES = frozenset({"personal_number"})
router = APIRouter(prefix="/console")


def signed_in_as(roles: frozenset[str]) -> Callable[[Request], Awaitable[Guide]]:
    """The guide of the session cookie, if she has one of the roles.

    Writes must carry the console's own header. What the page asks for by itself is no act.
    """

    async def signed_in(request: Request) -> Guide:
        if request.method != "GET" and request.headers.get("x-lotsa-console") != "1":
            raise DoorError("not_allowed")
        token, is_act = request.cookies.get(COOKIE), request.method != "GET"
        try:
            guide = await guide_of_session(doors_of(request).ledger, token, is_act=is_act)
        except AccessError as error:
            raise DoorError("not_allowed") from error
        if not guide.may(roles):
            raise DoorError("wrong_role")
        return guide

    return signed_in


SignedIn = Annotated[Guide, Depends(signed_in_as(HANDLES))]


class NewAnswer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: str = Field(min_length=8, max_length=64)
    text: str = Field(min_length=1, max_length=4000)
    original: str | None = Field(None, max_length=4000)  # the guide's Swedish of a canned reply


class Claim(BaseModel):
    """`anyway`: also when the guide holds as many as she said she takes."""

    model_config = ConfigDict(extra="forbid")
    anyway: bool = False


_CLAIM = Claim()


class Close(BaseModel):
    model_config = ConfigDict(extra="forbid")
    outcome: str = Field(pattern=r"^[a-z_]{2,40}$")
    follow_up_days: int | None = None  # until the parent is asked how it went, if she wants that


@router.post("/logout", tags=["access:guide"])
async def logout(request: Request, guide: SignedIn) -> Response:
    """End the session; conversations the guide holds go back to the queue."""
    doors = doors_of(request)
    await give_up_held(doors, guide)
    await sign_out(doors_of(request).ledger, request.cookies.get(COOKIE))
    response = RedirectResponse("/console/login", 303)
    response.delete_cookie(COOKIE, path="/console")
    return response


async def give_up_held(doors: Doors, guide: Guide) -> int:
    """What somebody holds who leaves goes back to the queue; returns how many conversations."""
    mine = await _held_by(doors, guide)
    released = await release_all(doors.ledger, doors.replies, guide.id, guide.municipality)
    async with doors.ledger.transaction() as connection:
        for one in mine:
            subject = audit.conversation(one.conversation_id)
            await audit.write(connection, guide, "conversation_released", subject)
    return released


@router.get("", response_class=HTMLResponse, tags=["access:guide"])
async def console_page(request: Request) -> Response:
    """The queue and the conversation at hand."""
    doors = doors_of(request)
    try:
        guide = await guide_of_session(doors.ledger, request.cookies.get(COOKIE))
    except AccessError:
        return RedirectResponse("/console/login", 303)
    if not guide.may(HANDLES):
        return RedirectResponse(home_of(guide), 303)
    context = {
        "t": doors.content.chrome(LANGUAGE, "console_"),
        "lang": LANGUAGE,
        "dir": "ltr",
        "guide": guide,
        "municipality": doors.catalogue.municipalities[guide.municipality],
        "outcomes": OUTCOMES,
        "notices": await shown_notices(doors, guide.municipality, LANGUAGE),
    }
    return templates.TemplateResponse(request, "console.html", context)


@router.get("/api/queue", tags=["access:guide"])
async def read_queue(request: Request, guide: SignedIn) -> dict[str, Any]:
    """Metadata of the municipality's handoffs; no content before somebody takes over."""
    doors = doors_of(request)
    async with doors.ledger.transaction() as connection:
        found = await handoff.queue(connection, doors.ledger.seal, guide.municipality)
        own = await desk.desk_of(connection, guide.id)
        figures = await handoff_figures.figures(connection, guide.municipality)
        agreed = await call_backs.agreed(connection, guide.municipality)
    return {
        "handoffs": [
            metadata(doors, one, guide) | {"booked": agreed.get(one.conversation_id)}
            for one in found
        ],
        "figures": asdict(figures) | {"kept_share": figures.kept_share},
        "desk": {"held": own.held, "capacity": own.capacity, "is_away": own.is_away},
    }


def metadata(doors: Doors, one: Handoff, guide: Guide) -> dict[str, Any]:
    """What everybody may know of a stretch; its area only where the parent shared her needs."""
    area = area_of(one)
    waited = dt.datetime.now(dt.UTC) - one.requested_at
    return {
        "id": str(one.id),
        "conversation_id": str(one.conversation_id),
        "state": one.state,
        "function": one.function,
        "level": one.level,
        "language": one.language,
        "channel": one.channel,
        "area": area and doors.content.raw(LANGUAGE, f"web_stod_situation_{area}"),
        "requested_at": one.requested_at.isoformat(),
        "waiting_minutes": int(waited.total_seconds() // 60),
        "promised": one.promised_at and one.promised_at.isoformat(),
        "claimed_by": one.guide_name,
        "mine": one.guide_id == guide.id,
    }


@router.post("/api/handoffs/{handoff_id}/claim", tags=["access:guide"])
async def claim(
    request: Request, handoff_id: UUID, guide: SignedIn, how: Annotated[Claim, Body()] = _CLAIM
) -> dict[str, Any]:
    """Take a conversation over; of two at once, one gets it.

    A guide who holds as many as she takes is asked first, unless somebody is in danger.
    """
    doors = doors_of(request)
    one = await _found(doors, handoff_id, guide)
    claimed = ReplyRequest(
        "utter_claimed",
        {
            "name": guide.name,
            "function": doors.content.raw(one.language, f"function_{one.function}"),
        },
    )
    try:
        async with doors.ledger.transaction() as connection:
            own = await desk.desk_of(connection, guide.id)
            if own.is_full and not how.anyway and one.level != "acute":
                raise DoorError("desk_full", held=own.held, capacity=own.capacity)
            await handoff.move(connection, one, "claimed", guide.id)
            setting = doors.setting(one.municipality, one.language, on_duty=True)
            words = doors.replies.word(claimed, setting)
            await doors.ledger.add(connection, one.conversation_id, words)
            subject = audit.conversation(one.conversation_id)
            await audit.write(connection, guide, "conversation_claimed", subject)
    except TransitionError as error:
        raise DoorError("taken") from error
    return metadata(doors, await _found(doors, handoff_id, guide), guide)


async def _found(doors: Doors, handoff_id: UUID, guide: Guide) -> Handoff:
    try:
        return await handoff_of_guide(doors.ledger, handoff_id, guide)
    except KeyError as error:
        raise DoorError("unknown_conversation") from error


async def held(doors: Doors, handoff_id: UUID, guide: Guide) -> Handoff:
    """The stretch this guide holds. Raises DoorError for any other."""
    try:
        return await held_by(doors.ledger, handoff_id, guide)
    except KeyError as error:
        raise DoorError("unknown_conversation") from error
    except AccessError as error:
        raise DoorError("taken") from error


@router.get("/api/handoffs/{handoff_id}", tags=["access:guide"])
async def read_handoff(request: Request, handoff_id: UUID, guide: SignedIn) -> dict[str, Any]:
    """The brief and the conversation, for the guide who holds it.

    What was said before the handoff stays with the parent; what she agreed to share is the brief.
    """
    doors = doors_of(request)
    one = await held(doors, handoff_id, guide)
    messages = await read_held(doors.ledger, one, guide)
    async with doors.ledger.transaction() as connection:
        number = await call_backs.number_of(connection, doors.ledger.seal, one.conversation_id)
        may_ask = await follow_ups.may_ask(connection, one.conversation_id)
    return {
        "handoff": metadata(doors, one, guide),
        "number": number,
        "follow_up_days": meetings.policy().follow_up_days if may_ask else [],
        "brief": doors.replies.briefs.for_person(one.brief),
        "messages": [_as_json(doors, message) for message in messages],
    }


def _as_json(doors: Doors, message: StoredMessage) -> dict[str, Any]:
    """A message with the Swedish the guide chose, where the parent got another language."""
    original = message.body.get("original")
    return doors.as_json(message) | ({"original": original} if original else {})


@router.post("/api/handoffs/{handoff_id}/messages", status_code=201, tags=["access:guide"])
async def answer(
    request: Request, handoff_id: UUID, new: NewAnswer, guide: SignedIn
) -> dict[str, Any]:
    """Write to the parent."""
    doors = doors_of(request)
    one = await held(doors, handoff_id, guide)
    words = OutgoingMessage(
        Author.GUIDE,
        mask(new.text, MASKED_FOR_GUIDES).text,
        language=one.language,
        body={"original": mask(new.original, MASKED_FOR_GUIDES).text} if new.original else {},
        name=guide.name,
    )
    async with doors.ledger.transaction() as connection:
        seq = await doors.ledger.add(
            connection, one.conversation_id, words, client_id=f"{guide.id}:{new.id}"
        )
    shown = doors.as_json(words, seq)
    return {"seq": seq, "message": shown | ({"original": new.original} if new.original else {})}


@router.post("/api/handoffs/{handoff_id}/typing", status_code=204, tags=["access:guide"])
async def typing(request: Request, handoff_id: UUID, guide: SignedIn) -> None:
    """Tell the parent that the guide is writing."""
    doors = doors_of(request)
    one = await held(doors, handoff_id, guide)
    async with doors.ledger.transaction() as connection:
        await notify(connection, TYPING, f"{one.conversation_id} {guide.name}")


@router.post("/api/handoffs/{handoff_id}/return", tags=["access:guide"])
async def give_back(request: Request, handoff_id: UUID, guide: SignedIn) -> dict[str, Any]:
    """Give the conversation back to the assistant, which goes on where it was."""
    doors = doors_of(request)
    one = await held(doors, handoff_id, guide)
    async with doors.ledger.transaction() as connection:
        await handoff.move(connection, one, "returned")
        subject = audit.conversation(one.conversation_id)
        await audit.write(connection, guide, "conversation_returned", subject)
    resume = IncomingMessage(
        "system", f"resume:{one.id}", guide.name, Author.SYSTEM, choice="intent:resume"
    )
    await doors.ledger.accept(one.conversation_id, resume)
    return {"state": "returned"}


@router.post("/api/handoffs/{handoff_id}/close", tags=["access:guide"])
async def close(request: Request, handoff_id: UUID, end: Close, guide: SignedIn) -> dict[str, Any]:
    """End the stretch with the guide."""
    doors = doors_of(request)
    one = await held(doors, handoff_id, guide)
    setting = doors.setting(one.municipality, one.language, on_duty=True)
    words = doors.replies.word(ReplyRequest("utter_closed", {"name": guide.name}), setting)
    async with doors.ledger.transaction() as connection:
        await handoff.move(connection, one, "closed", outcome=end.outcome)
        await doors.ledger.add(connection, one.conversation_id, words)
        await plan_follow_up(connection, one, guide, end.follow_up_days)
        subject = audit.conversation(one.conversation_id)
        await audit.write(connection, guide, "conversation_closed", subject, outcome=end.outcome)
    return {"state": "closed"}


@router.get("/api/events", tags=["access:guide"])
async def stream_console(request: Request, guide: SignedIn) -> StreamingResponse:
    """Changes of the queue, messages of held conversations, alarms."""
    return StreamingResponse(_events(request, guide), media_type="text/event-stream")


async def _events(request: Request, guide: Guide) -> AsyncIterator[str]:
    """Starts at what is there now; older messages are read with the handoff."""
    doors = doors_of(request)
    sent: dict[UUID, int] = {}
    while True:
        mine = await _held_by(doors, guide)
        for one in mine:
            if one.id not in sent:
                sent[one.id] = await doors.ledger.last_seq(one.conversation_id)
        keys = [guide.municipality, *(str(one.conversation_id) for one in mine)]
        with doors.hub.watch(*keys) as queue:
            async for heard in notices(queue):
                if not await _is_signed_in(doors, request):
                    return
                for chunk in await _news(doors, guide, mine, sent):
                    yield chunk
                for payload in [p for channel, p in heard if channel == ALARM]:
                    yield event("alarm", {"conversation_id": payload.partition(" ")[2]})
                if not heard:
                    yield COMMENT
                if (HANDOFF, guide.municipality) in heard:
                    yield event("queue", {})
                    break


async def _held_by(doors: Doors, guide: Guide) -> list[Handoff]:
    async with doors.ledger.transaction() as connection:
        found = await handoff.queue(connection, doors.ledger.seal, guide.municipality)
    return [one for one in found if one.state == "held" and one.guide_id == guide.id]


async def _news(
    doors: Doors, guide: Guide, mine: list[Handoff], sent: dict[UUID, int]
) -> list[str]:
    chunks = []
    for one in mine:
        for message in await follow_held(doors.ledger, one, guide, sent[one.id]):
            sent[one.id] = message.seq
            data = {"handoff_id": str(one.id), "message": _as_json(doors, message)}
            chunks.append(event("message", data))
    return chunks


async def _is_signed_in(doors: Doors, request: Request) -> bool:
    """Also notes that the guide is present."""
    try:
        await guide_of_session(doors.ledger, request.cookies.get(COOKIE), is_act=False)
    except AccessError:
        return False
    return True
