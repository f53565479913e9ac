"""The chat without a script: the same engine, spoken to with forms and whole pages.

There is no cookie, and no address names the conversation: its key stands in the forms alone.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from psycopg.errors import UniqueViolation
from pydantic import ValidationError
from starlette.datastructures import FormData

from bot.ledger import Conversation, QueueFullError, new_key
from channels.access import conversation_of_parent, messages_of
from channels.doors import Doors
from channels.errors import STATUS, DoorError, language_of
from channels.resume import code_in_words
from channels.stream import Notice
from channels.web import (
    ALWAYS_SHOWN,
    DATABASE_ERRORS,
    NewMessage,
    doors_of,
    erased,
    on_duty_in,
    page,
    receive,
    refuse_when_off,
    state_of,
    unstored,
    wants_erased,
)
from nlu import safety

ANSWER_WITHIN = 6.0  # seconds a page waits for the answer
LEAST_SECRET = 43  # characters: 256 bits as `new_key` writes them
OVER = ("returned", "closed", "expired")
PAUSED = "utter_pause"

router = APIRouter(tags=["access:public"])


@dataclass(frozen=True, slots=True)
class Sent:
    """A form as it came in. `is_first`: the conversation begins with it."""

    conversation: UUID
    token: str
    is_first: bool
    id: str
    text: str
    choices: tuple[str, ...]
    language: str | None
    is_pause: bool = False

    @classmethod
    def of(cls, form: FormData, municipality: str) -> Sent:
        """Raises DoorError for a form that no page of ours has sent."""

        def value(name: str) -> str:
            return str(form.get(name, ""))

        secret = value("token").removeprefix(f"{municipality}.")
        try:
            conversation = UUID(value("conversation"))
        except ValueError as error:
            raise DoorError("bad_request") from error
        if len(secret) < LEAST_SECRET or secret == value("token"):
            raise DoorError("bad_request")
        choices = tuple(str(choice) for choice in form.getlist("instead") or form.getlist("choice"))
        return cls(
            conversation=conversation,
            token=value("token"),
            is_first=value("first") == "1",
            id=value("id"),
            text=value("text"),
            choices=choices,
            language=value("language") or None,
            is_pause=value("pause") == "1",
        )

    @property
    def message(self) -> NewMessage:
        """What is said. Raises DoorError."""
        try:
            if self.choices:
                return NewMessage(id=self.id, choice=joined(self.choices))
            return NewMessage(id=self.id, text=self.text)
        except ValidationError as error:
            raise DoorError("bad_request") from error


@dataclass(frozen=True, slots=True)
class View:
    """What a page shows of the conversation; `over` names the text said when it is no more."""

    conversation: UUID
    token: str
    messages: Sequence[dict[str, Any]]
    is_first: bool = False
    is_waiting: bool = False
    state: dict[str, Any] | None = None
    trouble: DoorError | None = None
    draft: str = ""
    draft_id: str = ""
    over: str | None = None
    code: str | None = None  # how to come back, where the parent pauses


@router.get("/chat/{municipality}/utan-skript", response_class=HTMLResponse)
async def begin_page(request: Request, municipality: str) -> Response:
    """The first words, and a form that begins a conversation. Nothing is stored yet."""
    doors = doors_of(request)
    language = language_of(request, doors.content)
    if municipality not in doors.catalogue.municipalities:
        raise DoorError("unknown_municipality")
    return _page(request, municipality, language, await _beginning(doors, municipality, language))


@router.post("/chat/{municipality}/utan-skript", response_class=HTMLResponse)
async def talk_page(request: Request, municipality: str) -> Response:
    """Take a form in and show the answer; danger is answered whatever else is down."""
    doors = doors_of(request)
    language = language_of(request, doors.content)
    if municipality not in doors.catalogue.municipalities:
        raise DoorError("unknown_municipality")
    sent = Sent.of(await request.form(), municipality)
    check = safety.check(sent.text) if sent.text and not sent.choices else None
    try:
        view = await _talk(request, municipality, language, sent, check)
    except KeyError:
        acute = unstored(doors, check, municipality, language)
        view = View(sent.conversation, sent.token, acute, over="web_live_gone")
    except DoorError as error:
        view = await _troubled(doors, sent, error, [])
    except (QueueFullError, *DATABASE_ERRORS) as error:
        code = "busy" if isinstance(error, QueueFullError) else "unavailable"
        acute = unstored(doors, check, municipality, language)
        view = await _troubled(doors, sent, DoorError(code), acute)
    if view.state and view.state["language"] in doors.content.languages:
        language = view.state["language"]
    return _page(request, municipality, language, view)


async def _beginning(doors: Doors, municipality: str, language: str) -> View:
    try:
        on_duty = await on_duty_in(doors, municipality)
    except DATABASE_ERRORS:
        on_duty = False
    opening = doors.replies.opening(doors.setting(municipality, language, on_duty=on_duty))
    return View(*new_key(municipality), [doors.as_json(one) for one in opening], is_first=True)


async def _talk(
    request: Request, municipality: str, language: str, sent: Sent, check: safety.Check | None
) -> View:
    doors = doors_of(request)
    if sent.is_first:
        if check is None or not check.acute:
            doors.protection.opening(request)
            await refuse_when_off(doors)
        await _open(doors, municipality, language, sent)
    authorization = f"Bearer {sent.token}"
    conversation = await conversation_of_parent(doors.ledger, sent.conversation, authorization)
    if sent.language in doors.content.languages:
        await doors.ledger.set_language(conversation.id, str(sent.language))
        return await _view(doors, sent, conversation)
    choice = sent.choices[0] if len(sent.choices) == 1 else None
    if wants_erased(doors, choice, sent.text):
        said = await erased(doors, conversation)
        return View(sent.conversation, sent.token, said["messages"], over="web_live_erased")
    if sent.is_pause:
        return await _paused(request, conversation, await _view(doors, sent, conversation))
    if not sent.id:
        return await _view(doors, sent, conversation)
    return await _answered(request, conversation, sent, check)


async def _paused(request: Request, conversation: Conversation, view: View) -> View:
    """The view with a code to come back with."""
    return replace(view, code=(await code_in_words(request, conversation, "pause"))["text"])


async def _open(doors: Doors, municipality: str, language: str, sent: Sent) -> None:
    """The conversation whose key stands in the form; sent twice, it is opened once."""
    on_duty = await on_duty_in(doors, municipality)
    greeting = doors.replies.opening(doors.setting(municipality, language, on_duty=on_duty))
    key = (sent.conversation, sent.token)
    try:
        await doors.ledger.open_conversation(municipality, "web", language, greeting, key)
    except UniqueViolation:
        return


async def _answered(
    request: Request, conversation: Conversation, sent: Sent, check: safety.Check | None
) -> View:
    doors = doors_of(request)
    with doors.hub.watch(str(conversation.id)) as queue:
        accepted, _ = await receive(request, conversation, sent.message, check)
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                await _until_answered(doors, conversation, accepted.seq, queue)
        except TimeoutError:
            return await _view(doors, sent, conversation, is_waiting=True)
    view = await _view(doors, sent, conversation)
    is_paused = any(one.get("reply_id") == PAUSED for one in view.messages[-1:])
    return await _paused(request, conversation, view) if is_paused else view


async def _until_answered(
    doors: Doors, conversation: Conversation, after: int, queue: asyncio.Queue[Notice]
) -> None:
    """Returns when the other side has said something, or a person answers in her own time."""
    if (await state_of(doors, conversation.id))["held_by"]:
        return
    while all(
        one.author == "parent" for one in await messages_of(doors.ledger, conversation, after)
    ):
        await queue.get()


async def _view(
    doors: Doors, sent: Sent, conversation: Conversation, *, is_waiting: bool = False
) -> View:
    messages = await messages_of(doors.ledger, conversation, 0)
    return View(
        sent.conversation,
        sent.token,
        [doors.as_json(message) for message in messages],
        is_waiting=is_waiting,
        state=await state_of(doors, sent.conversation),
    )


async def _troubled(
    doors: Doors, sent: Sent, trouble: DoorError, acute: list[dict[str, Any]]
) -> View:
    """The conversation as far as it can be read, and what she wrote, under the same id."""
    try:
        stored = await conversation_of_parent(
            doors.ledger, sent.conversation, f"Bearer {sent.token}"
        )
        messages = [doors.as_json(one) for one in await messages_of(doors.ledger, stored, 0)]
    except (KeyError, *DATABASE_ERRORS):
        messages = []
    return View(
        sent.conversation,
        sent.token,
        [*messages, *acute],
        is_first=sent.is_first,
        trouble=trouble,
        draft=sent.text,
        draft_id=sent.id,
    )


def joined(choices: Sequence[str]) -> str:
    """Several choices of one question as one: a:x and a:y are a:x,y."""
    prefix = choices[0].partition(":")[0] + ":"
    return prefix + ",".join(choice.removeprefix(prefix) for choice in choices)


def _page(request: Request, municipality: str, language: str, view: View) -> Response:
    doors = doors_of(request)
    content = doors.content
    found = doors.catalogue.municipalities[municipality]
    said = [n for n, one in enumerate(view.messages) if one["author"] == "parent"]
    latest = said[-1] if said else 0
    handoff = view.state and view.state["handoff"]

    def clock(moment: str) -> str:
        return content.clock(language, dt.datetime.fromisoformat(moment))

    def day(iso: str) -> str:
        return content.day(language, dt.date.fromisoformat(iso))

    trouble = view.trouble and " ".join(
        content.text(language, f"error_{view.trouble.code}{part}", **view.trouble.values)
        for part in ("", "_hint")
    )
    context = {
        "municipality": found,
        "acute_numbers": doors.replies.numbers(ALWAYS_SHOWN, found, language, len(ALWAYS_SHOWN)),
        "view": view,
        "earlier": view.messages[:latest],
        "latest": view.messages[latest:],
        "handoff": handoff if handoff and handoff["state"] not in OVER else None,
        "trouble": trouble,
        "clock": clock,
        "day": day,
        "new_id": lambda: str(uuid4()),
    }
    response = page(request, "plain.html", language, context)
    response.status_code = STATUS[view.trouble.code] if view.trouble else 200
    return response
