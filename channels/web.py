"""The parent's door: pages, and the conversation over HTTP with a live stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import psycopg
from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import HTMLResponse, StreamingResponse
from fastapi.templating import Jinja2Templates
from psycopg_pool import PoolTimeout
from pydantic import BaseModel, ConfigDict, Field

from bot import answers, faults, handoff, handoff_queue, switches
from bot.calendar import opening
from bot.call_backs import GIVEN_NUMBER, booked, take_number, without_number
from bot.engine.reply import ReplyRequest
from bot.handoff_words import waiting_words
from bot.ledger import ALARM, INCOMING, Accepted, Conversation, QueueFullError, notify
from bot.messages import IncomingMessage, OutgoingMessage
from bot.privacy import mask
from bot.replies import DELETE
from bot.retention import erase
from channels.access import conversation_of_parent, messages_of
from channels.doors import Doors
from channels.errors import DoorError, language_of
from channels.framing import framed_by
from channels.stream import COMMENT, TYPING, event, notices
from nlu import safety

FOLDER = Path(__file__).parent
ERASE = "sms_word_erase"  # the reserved word of phones, typed here
DATABASE_ERRORS = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, OSError)
# Shown on the page itself, so that they are there without any server.
ALWAYS_SHOWN = ["nodnumret-112", "radgivning-1177", "mind-sjalvmordslinjen", "kvinnofridslinjen"]

router = APIRouter()
templates = Jinja2Templates(FOLDER / "templates")
Authorization = Annotated[str | None, Header()]


class NewConversation(BaseModel):
    model_config = ConfigDict(extra="forbid")
    municipality: str = Field(max_length=64)
    language: str = Field("sv", max_length=16)


class NewMessage(BaseModel):
    """Text or choice; `id` is the sender's own, so that a repeated delivery counts once."""

    model_config = ConfigDict(extra="forbid")
    id: str = Field(min_length=8, max_length=64)
    text: str | None = None
    choice: str | None = Field(None, max_length=200)


class NewLanguage(BaseModel):
    model_config = ConfigDict(extra="forbid")
    language: str = Field(max_length=16)


def doors_of(request: Request) -> Doors:
    doors: Doors = request.app.state.doors
    return doors


@router.get("/", response_class=HTMLResponse, tags=["access:public"])
async def start_page(request: Request) -> Response:
    """Choose a municipality."""
    doors = doors_of(request)
    language = language_of(request, doors.content)
    context = {
        "municipalities": sorted(doors.catalogue.municipalities.values(), key=lambda m: m.name),
        "acute_numbers": doors.replies.numbers(ALWAYS_SHOWN, None, language, len(ALWAYS_SHOWN)),
    }
    return page(request, "start.html", language, context)


@router.get("/chat/{municipality}", response_class=HTMLResponse, tags=["access:public"])
async def chat_page(request: Request, municipality: str) -> Response:
    """The chat of a municipality."""
    doors = doors_of(request)
    language = language_of(request, doors.content)
    if municipality not in doors.catalogue.municipalities:
        raise DoorError("unknown_municipality")
    found = doors.catalogue.municipalities[municipality]
    context = {
        "notices": await shown_notices(doors, municipality, language),
        "municipality": found,
        "acute_numbers": doors.replies.numbers(ALWAYS_SHOWN, found, language, len(ALWAYS_SHOWN)),
    }
    return page(request, "chat.html", language, context)


async def shown_notices(doors: Doors, municipality: str, language: str) -> list[str]:
    """What everybody is told right now; nothing when the database is away."""
    try:
        async with doors.ledger.transaction() as connection:
            return await switches.notices_now(connection, municipality, language)
    except DATABASE_ERRORS:
        return []


def page(request: Request, name: str, language: str, context: dict[str, Any]) -> Response:
    """A page of the parent's side in a language, with the texts all of them share.

    A page of a municipality has its colours, and may be framed by the sites it allows.
    """
    doors = doors_of(request)
    content = doors.content
    languages = [
        {"code": code, "name": known["name"], "dir": known["direction"]}
        for code, known in content.languages.items()
    ]
    municipality = context.get("municipality")
    origins = doors.frame_origins(municipality.id, str(request.base_url)) if municipality else []
    asked = request.query_params.get("widget", "")
    shared = {
        "t": content.chrome(language, "web_"),
        "lang": language,
        "dir": content.direction(language),
        "languages": languages,
        "theme": municipality.id if municipality and municipality.id in doors.themes else None,
        "host": asked if asked in origins else None,
    }
    response = templates.TemplateResponse(request, name, {**shared, **context})
    if origins:
        response.headers["Content-Security-Policy"] = framed_by(origins)
    return response


@router.post("/api/conversations", status_code=201, tags=["access:public"])
async def open_conversation(request: Request, new: NewConversation) -> dict[str, Any]:
    """A new conversation, opened with an honest first message."""
    doors = doors_of(request)
    if new.municipality not in doors.catalogue.municipalities:
        raise DoorError("unknown_municipality")
    doors.protection.opening(request)
    language = new.language if new.language in doors.content.languages else "sv"
    try:
        await refuse_when_off(doors)
        on_duty = await on_duty_in(doors, new.municipality)
        setting = doors.setting(new.municipality, language, on_duty=on_duty)
        conversation, token = await doors.ledger.open_conversation(
            new.municipality, "web", language, doors.replies.opening(setting)
        )
        opened = await conversation_of_parent(doors.ledger, conversation, f"Bearer {token}")
        messages = await messages_of(doors.ledger, opened)
    except DATABASE_ERRORS as error:
        raise DoorError("unavailable") from error
    shown = [doors.as_json(message) for message in messages]
    return {"conversation_id": str(conversation), "token": token, "messages": shown}


@router.post(
    "/api/conversations/{conversation_id}/messages", status_code=202, tags=["access:parent"]
)
async def post_message(
    request: Request, conversation_id: UUID, new: NewMessage, authorization: Authorization = None
) -> dict[str, Any]:
    """Take a message in. Danger is answered in this response, whatever else is down."""
    doors = doors_of(request)
    faults.reach("received")
    check = safety.check(new.text) if new.text and new.choice is None else None
    try:
        conversation = await conversation_of_parent(doors.ledger, conversation_id, authorization)
        if wants_erased(doors, new.choice, new.text):
            return await erased(doors, conversation)
        accepted, answers = await receive(request, conversation, new, check)
    except KeyError as error:
        raise DoorError("unknown_conversation", messages=_unstored(request, check)) from error
    except QueueFullError as error:
        raise DoorError("busy") from error
    except DATABASE_ERRORS as error:
        raise DoorError("unavailable", messages=_unstored(request, check)) from error
    shown = [doors.as_json(a, accepted.seq + n) for n, a in enumerate(answers, 1)]
    return {
        "message_id": accepted.message_id,
        "seq": accepted.seq,
        "messages": shown if accepted.is_new else [],
    }


async def receive(
    request: Request, conversation: Conversation, new: NewMessage, check: safety.Check | None
) -> tuple[Accepted, list[OutgoingMessage]]:
    """Store a message once, with the answer to danger beside it; raises as the ledger does."""
    doors = doors_of(request)
    is_acute = check is not None and check.acute
    doors.protection.message(request, str(conversation.id), is_acute=is_acute)
    if not is_acute:
        await refuse_when_off(doors)
    is_kept = await take_number(doors.ledger, conversation.id, conversation.slots, new.text or "")
    message = _incoming(doors, conversation, new, is_acute=is_acute, is_kept=is_kept)
    answers = [await _acute_answer(doors, conversation, check)] if check and is_acute else []
    accepted = await doors.ledger.accept(
        conversation.id, message, answers, doors.settings.queue_limit
    )
    if is_acute:
        await _alarm(doors, conversation)
    return accepted, answers


def _incoming(
    doors: Doors,
    conversation: Conversation,
    new: NewMessage,
    *,
    is_acute: bool,
    is_kept: bool = False,
) -> IncomingMessage:
    text = new.text or ""
    if new.choice is not None:
        label = doors.replies.choice_label(new.choice, conversation.language)
        if label is None:
            raise DoorError("bad_request")
        text = label
    text = text.replace("\x00", "").strip()
    if not text:
        raise DoorError("empty")
    limit = doors.settings.message_length
    if len(text) > limit and not is_acute:
        raise DoorError("too_long", limit=limit)
    choice = new.choice
    if is_kept:
        # Any number counts as one where it was asked for, whatever it looks like.
        hidden = doors.content.raw(conversation.language, "book_number_hidden")
        text, choice = without_number(text, hidden), GIVEN_NUMBER
    masked = mask(text[:limit])
    provider_id = f"{conversation.id}:{new.id}"
    return IncomingMessage(
        "web", provider_id, masked.text, choice=choice, acute=is_acute, masked=masked.kinds
    )


async def _acute_answer(
    doors: Doors, conversation: Conversation, check: safety.Check
) -> OutgoingMessage:
    on_duty = await on_duty_in(doors, conversation.municipality)
    setting = doors.setting(conversation.municipality, conversation.language, on_duty=on_duty)
    return doors.replies.acute(check, setting)


def _unstored(request: Request, check: safety.Check | None) -> list[dict[str, Any]]:
    token = request.headers.get("authorization", "").partition(" ")[2]
    doors = doors_of(request)
    return unstored(doors, check, token.partition(".")[0], language_of(request, doors.content))


def unstored(
    doors: Doors, check: safety.Check | None, municipality: str, language: str
) -> list[dict[str, Any]]:
    """The acute answer when nothing can be stored; the token still names the municipality."""
    if check is None or not check.acute:
        return []
    known = doors.catalogue.municipalities
    place = municipality if municipality in known else next(iter(known))
    return [doors.as_json(doors.replies.acute(check, doors.setting(place, language)))]


async def refuse_when_off(doors: Doors) -> None:
    """Raises DoorError where the web channel is switched off."""
    async with doors.ledger.transaction() as connection:
        if await switches.is_off(connection, f"{switches.CHANNEL}web"):
            raise DoorError("switched_off")


async def _alarm(doors: Doors, conversation: Conversation) -> None:
    async with doors.ledger.transaction() as connection:
        await notify(connection, ALARM, f"{conversation.municipality} {conversation.id}")


def wants_erased(doors: Doors, choice: str | None, text: str | None) -> bool:
    """Whether it was pressed, or a message says only that everything is to go, in any language."""
    return choice == DELETE or answers.says_only(doors.content, ERASE, text or "")


async def erased(doors: Doors, conversation: Conversation) -> dict[str, Any]:
    """Remove a conversation; what is said about it."""
    reference = doors.catalogue.municipalities[conversation.municipality].retention_decision
    async with doors.ledger.transaction() as connection:
        await erase(connection, conversation.id, reference)
    setting = doors.setting(conversation.municipality, conversation.language)
    words = doors.replies.word(ReplyRequest("utter_deleted"), setting)
    return {"erased": True, "messages": [doors.as_json(words)]}


async def conversation_for(request: Request, conversation_id: UUID) -> Conversation:
    """The conversation of the request's token. Raises DoorError for any other."""
    header = request.headers.get("authorization")
    try:
        return await conversation_of_parent(doors_of(request).ledger, conversation_id, header)
    except KeyError as error:
        raise DoorError("unknown_conversation") from error
    except DATABASE_ERRORS as error:
        raise DoorError("unavailable") from error


@router.get("/api/conversations/{conversation_id}/messages", tags=["access:parent"])
async def read_messages(request: Request, conversation_id: UUID, after: int = 0) -> dict[str, Any]:
    """What was said after a number, and how things stand."""
    doors = doors_of(request)
    conversation = await conversation_for(request, conversation_id)
    messages = await messages_of(doors.ledger, conversation, after)
    state = await state_of(doors, conversation.id)
    return {"messages": [doors.as_json(message) for message in messages], "state": state}


@router.get("/api/conversations/{conversation_id}/events", tags=["access:parent"])
async def stream_events(
    request: Request,
    conversation_id: UUID,
    last_event_id: Annotated[int, Header()] = 0,
) -> StreamingResponse:
    """Messages as they come, from after `Last-Event-ID`; also state and who is typing."""
    conversation = await conversation_for(request, conversation_id)
    events = _events(doors_of(request), conversation, last_event_id)
    return StreamingResponse(events, media_type="text/event-stream")


async def _events(doors: Doors, own: Conversation, after: int) -> AsyncIterator[str]:
    last_state: dict[str, Any] | None = None
    conversation = own.id
    with doors.hub.watch(str(conversation)) as queue:
        doors.hub.heard("", str(conversation))
        async for heard in notices(queue):
            try:
                for message in await messages_of(doors.ledger, own, after):
                    after = message.seq
                    yield event("message", doors.as_json(message), message.seq)
                state = await state_of(doors, conversation)
            except KeyError:
                yield event("erased", {})
                return
            except DATABASE_ERRORS:
                yield COMMENT
                continue
            if state != last_state:
                last_state = state
                yield event("state", state)
            for channel, payload in heard:
                if channel == TYPING:
                    yield event("typing", {"who": "guide", "name": payload.partition(" ")[2]})
                elif channel == INCOMING and state["held_by"] is None:
                    yield event("typing", {"who": "bot"})
            if not heard:
                yield COMMENT


async def state_of(doors: Doors, conversation_id: UUID) -> dict[str, Any]:
    """Who holds the conversation, what is promised and who is on duty. Raises KeyError."""
    conversation = await doors.ledger.conversation(conversation_id)
    async with doors.ledger.transaction() as connection:
        found = await handoff.open_for(connection, doors.ledger.seal, conversation_id)
        on_duty = await handoff.is_on_duty(connection, conversation.municipality)
        municipality = doors.catalogue.municipalities[conversation.municipality]
        is_booked = await booked(connection, conversation_id) is not None
        wait = None
        if found and found.state == "waiting":
            wait = await handoff_queue.wait_of(connection, municipality, found)
        notices = await switches.notices_now(
            connection, conversation.municipality, conversation.language
        )
    setting = doors.setting(conversation.municipality, conversation.language, on_duty=on_duty)
    hours = opening(
        setting.municipality.functions["guide"], setting.now, setting.municipality.closures
    )
    language, content = conversation.language, doors.content
    return {
        "language": language,
        "notices": notices,
        "held_by": {"name": found.guide_name} if found and found.state == "held" else None,
        "handoff": found
        and {
            "state": found.state,
            "function": found.function,
            "promised": found.promised_at and content.when(language, found.promised_at),
            "place": wait and wait.place,
            "words": waiting_words(content, language, found, wait, is_booked=is_booked),
        },
        "guide": {
            "on_duty": on_duty,
            "until": hours.until and content.clock(language, hours.until),
            "next": hours.opens and content.when(language, hours.opens),
        },
    }


async def on_duty_in(doors: Doors, municipality: str) -> bool:
    """A guide of the municipality has the console open."""
    async with doors.ledger.transaction() as connection:
        return await handoff.is_on_duty(connection, municipality)


@router.put("/api/conversations/{conversation_id}/language", tags=["access:parent"])
async def change_language(
    request: Request, conversation_id: UUID, new: NewLanguage
) -> dict[str, Any]:
    """Word replies in another language from now on; answers are kept."""
    doors = doors_of(request)
    conversation = await conversation_for(request, conversation_id)
    if new.language not in doors.content.languages:
        raise DoorError("bad_request")
    await doors.ledger.set_language(conversation.id, new.language)
    return {"language": new.language}


@router.delete("/api/conversations/{conversation_id}", tags=["access:parent"])
async def erase_conversation(request: Request, conversation_id: UUID) -> dict[str, Any]:
    """Remove the conversation and everything that hangs on it."""
    return await erased(doors_of(request), await conversation_for(request, conversation_id))
