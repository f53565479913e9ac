"""Going on with a conversation elsewhere or later: the page for a code, and codes themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from bot import codes
from bot.addresses import speak_on_the_web
from bot.case import facts_of
from bot.engine.reply import ReplyRequest
from bot.ledger import Conversation
from bot.messages import OutgoingMessage
from channels.access import conversation_of_parent, messages_of
from channels.doors import Doors
from channels.errors import STATUS, DoorError, language_of
from channels.sending import RESUME_PAGE
from channels.web import ALWAYS_SHOWN, DATABASE_ERRORS, doors_of, page

router = APIRouter()
Purpose = Literal["pause", "move"]
DAY = 86400
LONGEST_CODE = 40  # characters that are read


class GivenCode(BaseModel):
    model_config = ConfigDict(extra="forbid")
    code: str = Field(max_length=LONGEST_CODE)


class WantedCode(BaseModel):
    """`pause`: to go on another day; `move`: to go on by SMS."""

    model_config = ConfigDict(extra="forbid")
    purpose: Purpose


@router.get(RESUME_PAGE, response_class=HTMLResponse, tags=["access:public"])
async def resume_page(request: Request) -> Response:
    """Where a code is given."""
    return _resume_page(request, language_of(request, doors_of(request).content))


@router.post(RESUME_PAGE, response_class=HTMLResponse, tags=["access:public"])
async def resume_plainly(request: Request) -> Response:
    """The same without a script: a page with one button, whose form carries the new key."""
    doors = doors_of(request)
    language = language_of(request, doors.content)
    code = str((await request.form()).get("code", ""))[:LONGEST_CODE]
    opened: dict[str, Any] | None = None
    trouble, status = "", 200
    try:
        opened = await _opened(request, code)
    except DoorError as error:
        parts = (f"error_{error.code}{part}" for part in ("", "_hint"))
        trouble = " ".join(doors.content.raw(language, part) for part in parts)
        status = STATUS[error.code]
    return _resume_page(request, language, status, opened=opened, trouble=trouble)


def _resume_page(request: Request, language: str, status: int = 200, **shown: Any) -> Response:
    doors = doors_of(request)
    words = doors.content.chrome(language, "web_") | doors.content.chrome(language, "resume_")
    numbers = doors.replies.numbers(ALWAYS_SHOWN, None, language, len(ALWAYS_SHOWN))
    context = {"t": words, "acute_numbers": numbers, **shown}
    response = page(request, "resume.html", language, context)
    response.status_code = status
    return response


@router.post("/api/resume", tags=["access:public"])
async def resume(request: Request, given: GivenCode) -> dict[str, Any]:
    """The conversation a code opens, with a new token; the device before this one is let go."""
    return await _opened(request, given.code)


async def _opened(request: Request, code: str) -> dict[str, Any]:
    doors = doors_of(request)
    seal, ledger = doors.ledger.seal, doors.ledger
    origin = request.client.host if request.client else ""
    try:
        async with ledger.transaction() as connection:
            try:
                opened = await codes.use_code(connection, seal, code, origin)
            except codes.TooManyCodesError as error:
                raise DoorError("too_many_codes") from error
            except KeyError as error:
                await codes.note_wrong(connection, seal, origin)
                await connection.commit()
                raise DoorError("wrong_code") from error
            token = await codes.new_token(connection, opened)
            await speak_on_the_web(connection, opened.conversation)
            conversation = await ledger.conversation(opened.conversation)
            for message in greeting(doors, conversation):
                await ledger.add(connection, conversation.id, message)
        messages = await messages_of(ledger, conversation)
    except DATABASE_ERRORS as error:
        raise DoorError("unavailable") from error
    return {
        "conversation_id": str(opened.conversation),
        "token": token,
        "municipality": opened.municipality,
        "language": conversation.language,
        "messages": [doors.as_json(message) for message in messages],
    }


def greeting(doors: Doors, conversation: Conversation) -> list[OutgoingMessage]:
    """Hello again: what is known already, and the question that is open."""
    setting = doors.setting(conversation.municipality, conversation.language)
    facts = facts_of(conversation.slots)
    lines = doors.replies.lines(facts, setting.language) if facts["needs"] else []
    reply = ReplyRequest("utter_resumed_known" if lines else "utter_resumed")
    said = [replace(doors.replies.word(reply, setting), body={"lines": lines} if lines else {})]
    asked = conversation.requested_slot
    if asked in doors.replies.policy.questions:
        form = tuple(doors.replies.policy.forms().get(conversation.active_loop or "", []))
        setting = replace(setting, asked=form, slots=conversation.slots)
        said.append(doors.replies.word(ReplyRequest(f"utter_ask_{asked}"), setting))
    return said


@router.post("/api/conversations/{conversation_id}/codes", status_code=201, tags=["access:parent"])
async def make_code(request: Request, conversation_id: UUID, wanted: WantedCode) -> dict[str, Any]:
    """A code to go on later or by SMS; it is shown once and kept only as a hash."""
    doors = doors_of(request)
    try:
        conversation = await conversation_of_parent(
            doors.ledger, conversation_id, request.headers.get("authorization")
        )
        return await code_in_words(request, conversation, wanted.purpose)
    except KeyError as error:
        raise DoorError("unknown_conversation") from error
    except DATABASE_ERRORS as error:
        raise DoorError("unavailable") from error


async def code_in_words(
    request: Request, conversation: Conversation, purpose: Purpose
) -> dict[str, Any]:
    """A new code, and how to use it. Raises DoorError, psycopg.Error."""
    doors, phones = doors_of(request), request.app.state.phone_door.phones
    number = phones.number_of("sms", conversation.municipality)
    if purpose == "move" and number is None:
        raise DoorError("bad_request")
    days = doors.catalogue.municipalities[conversation.municipality].retention_days
    policy = codes.CodePolicy.load()
    values = {
        "days": min(policy.pause // DAY, days),
        "minutes": policy.move // 60,
        "number": number or "",
        "link": (phones.public_url or str(request.base_url).rstrip("/")) + RESUME_PAGE,
    }
    async with doors.ledger.transaction() as connection:
        values["code"] = await codes.new_code(
            connection, doors.ledger.seal, conversation.id, purpose, days
        )
    text_id = "utter_paused" if purpose == "pause" else "utter_move_code"
    text = doors.content.text(conversation.language, text_id, **values)
    return {"code": values["code"], "text": text}
