"""Beside a guide's conversation: help from the catalogue, words to send, notes, handing on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot import audit, clock, concerns, desk, desk_help, families, written_answers
from bot.calendar import LOCAL
from bot.handoff import Handoff, TransitionError
from bot.ledger import Conversation
from bot.messages import Author, OutgoingMessage
from bot.privacy import mask
from bot.tools import contacts, letters
from bot.tools.basis import Basis
from channels import leaving
from channels.access import Guide, note_act
from channels.console import LANGUAGE, SignedIn, give_up_held, held
from channels.doors import Doors
from channels.errors import DoorError
from channels.web import doors_of, templates
from knowledge.catalogue import Service

FOLLOWED = dt.timedelta(days=90)  # proposed time limit of following a family

router = APIRouter(prefix="/console/api", tags=["access:guide"])
Text = Annotated[str, Field(max_length=4000)]
Shown = dict[str, Any]


class DeskChange(BaseModel):
    """`release`: what is held goes back to the queue."""

    model_config = ConfigDict(extra="forbid")
    capacity: int = Field(desk.CAPACITY, ge=1, le=50)
    is_away: bool = False
    release: bool = False


class PassOn(BaseModel):
    """`to` is a colleague's id, or the coordinators' list."""

    model_config = ConfigDict(extra="forbid")
    to: str = Field("", max_length=64)


class Promise(BaseModel):
    """When the parent is to have a written answer."""

    model_config = ConfigDict(extra="forbid")
    by: dt.datetime = Field(description="a time without a zone is Swedish")


class Fields(BaseModel):
    """The fields of a form of a panel."""

    model_config = ConfigDict(extra="ignore")
    fields: dict[str, list[Text]] = Field(default_factory=dict, max_length=40)

    def one(self, name: str) -> str:
        return self.fields.get(name, [""])[0].strip()


@router.post("/desk")
async def change_desk(request: Request, new: DeskChange, guide: SignedIn) -> dict[str, Any]:
    """How many conversations the guide takes, and whether she is away."""
    doors = doors_of(request)
    async with doors.ledger.transaction() as connection:
        await desk.set_desk(
            connection,
            guide.municipality,
            guide.id,
            capacity=new.capacity,
            is_away=new.is_away,
        )
    if not new.release:
        return {"released": 0}
    return {"released": await give_up_held(doors, guide)}


@router.post("/handoffs/{handoff_id}/pass")
async def pass_on(
    request: Request, handoff_id: UUID, new: PassOn, guide: SignedIn
) -> dict[str, Any]:
    """Hand the conversation to a colleague who is here, or to the coordinators' list."""
    doors = doors_of(request)
    one = await held(doors, handoff_id, guide)
    if new.to == leaving.COORDINATORS_LIST:
        await leaving.refer(doors, one, guide)
    else:
        await leaving.pass_to_colleague(doors, one, guide, new.to)
    return {"state": "passed_on"}


@router.post("/handoffs/{handoff_id}/promise")
async def promise_answer(
    request: Request, handoff_id: UUID, new: Promise, guide: SignedIn
) -> dict[str, Any]:
    """Promise a written answer by a time; until then the assistant speaks."""
    doors = doors_of(request)
    one = await held(doors, handoff_id, guide)
    by = new.by if new.by.tzinfo else new.by.replace(tzinfo=LOCAL)
    try:
        await written_answers.promise(doors.ledger, doors.replies, one, by, clock.now())
    except ValueError as error:
        raise DoorError("bad_request") from error
    except TransitionError as error:
        raise DoorError("taken") from error
    await note_act(doors.ledger, one, guide, "answer_promised")
    return {"state": "paused"}


# --- Panels: pieces of the page, made here and shown as they are ---


@router.get("/handoffs/{handoff_id}/panel/{name}", response_class=HTMLResponse)
async def show_panel(
    request: Request, handoff_id: UUID, name: str, guide: SignedIn, q: str = "", time: str = ""
) -> Response:
    """One panel beside the conversation the guide holds."""
    doors = doors_of(request)
    one = await held(doors, handoff_id, guide)
    if name not in _PANELS:
        raise DoorError("unknown_page")
    if name in _TELL:
        await note_act(doors.ledger, one, guide, "conversation_read", part=name)
    asked = {"q": " ".join(q.split())[:200], "time": time[:40]}
    return await _panel(doors, one, guide, name, asked)


@router.post("/handoffs/{handoff_id}/panel/{name}", response_class=HTMLResponse)
async def change_panel(
    request: Request, handoff_id: UUID, name: str, new: Fields, guide: SignedIn
) -> Response:
    """Keep what was written in a panel, and show it anew."""
    doors = doors_of(request)
    one = await held(doors, handoff_id, guide)
    if name not in _CHANGES:
        raise DoorError("bad_request")
    await _CHANGES[name](doors, one, guide, new)
    return await _panel(doors, one, guide, name, {})


async def _panel(
    doors: Doors, one: Handoff, guide: Guide, name: str, asked: dict[str, str]
) -> Response:
    context: Shown = {
        "t": doors.content.chrome(LANGUAGE, "console_"),
        "handoff": one,
        "guide": guide,
        "asked": {"q": "", "time": "", **asked},
        "language": doors.content.autonyms.get(one.language, one.language),
        "dir": doors.content.direction(one.language),
        "is_swedish": one.language == LANGUAGE,
    }
    context |= await _PANELS[name](doors, one, guide, context["asked"])
    return HTMLResponse(templates.get_template(f"panel_{name}.html").render(context))


async def _matches(doors: Doors, one: Handoff, _: Guide, asked: dict[str, str]) -> Shown:
    municipality = doors.catalogue.municipalities[one.municipality]
    if asked["q"]:
        services = desk_help.found(doors.catalogue, municipality, asked["q"])
    else:
        services = desk_help.matching(doors.catalogue, municipality, one.brief)
    conversation = await doors.ledger.conversation(one.conversation_id)
    question = desk_help.next_question(
        doors.replies.questions, doors.replies.policy, conversation, one, one.language
    )
    return {
        "entries": [_entry(doors, service, one) for service in services],
        "question": question,
        "shared": one.brief is not None,
    }


def _entry(doors: Doors, service: Service, one: Handoff) -> Shown:
    """An entry for the guide, with the words that go into her draft."""

    def said(texts: Any, language: str) -> str:
        return texts.get(language) or texts.get(LANGUAGE) or "" if texts else ""

    phone = service.phones[0] if service.phones else None
    number = phone.number if phone else ""
    how = said(service.how_to_get, one.language)
    draft = " ".join(part for part in (f"{service.name}.", how, number) if part)
    return {
        "id": service.id,
        "name": service.name,
        "summary": said(service.summary, LANGUAGE),
        "number": number,
        "hours": said(phone.hours, LANGUAGE) if phone else "",
        "alert": said(service.alert, LANGUAGE),
        "verified_on": service.verified_on.isoformat(),
        "is_overdue": service.review_due < dt.datetime.now(LOCAL).date(),
        "is_own": service.layer == one.municipality,
        "draft": draft,
    }


async def _canned(doors: Doors, one: Handoff, guide: Guide, asked: dict[str, str]) -> Shown:
    time = one.promised_at
    if asked["time"]:
        try:
            time = dt.datetime.fromisoformat(asked["time"]).replace(tzinfo=LOCAL)
        except ValueError as error:
            raise DoorError("bad_request") from error
    replies = desk_help.canned(
        doors.content, one.language, name=guide.name, function=guide.function, time=time
    )
    return {
        "replies": replies,
        "chosen": time.astimezone(LOCAL).strftime("%Y-%m-%dT%H:%M") if time else "",
    }


async def _notes(doors: Doors, one: Handoff, guide: Guide, _: dict[str, str]) -> Shown:
    async with doors.ledger.transaction() as connection:
        found = await desk.notes_of(connection, doors.ledger.seal, one.conversation_id)
    return {"notes": [(note, doors.content.when(LANGUAGE, note.written_at)) for note in found]}


async def _support(doors: Doors, one: Handoff, guide: Guide, _: dict[str, str]) -> Shown:
    municipality = doors.catalogue.municipalities[one.municipality]
    async with doors.ledger.transaction() as connection:
        decided = await concerns.decided_on(connection, one.id)
        family = await families.of_conversation(connection, doors.ledger.seal, one.conversation_id)
    basis = _shared_basis(doors, one, await doors.ledger.conversation(one.conversation_id))
    today = dt.datetime.now(LOCAL).date()
    return {
        "steps": concerns.STEPS,
        "decisions": concerns.DECISIONS,
        "receivers": [
            _entry(doors, service, one)
            for service in concerns.receivers(doors.catalogue, municipality)
        ],
        "decided": [(row, doors.content.when(LANGUAGE, row.decided_at)) for row in decided],
        "invited": contacts.names(basis),
        "letter": letters.text_of(basis, "sip"),
        "family": family,
        "until": (today + FOLLOWED).isoformat(),
        "latest": (today + families.LONGEST).isoformat(),
        "earliest": (today + dt.timedelta(days=1)).isoformat(),
    }


def _shared_basis(doors: Doors, one: Handoff, conversation: Conversation) -> Basis:
    """What the parent agreed to share, and nothing else, for a letter in Swedish."""
    facts = one.brief["facts"] if one.brief else {}
    shared = {name: facts[name] for name in ("actors", "refused") if name in facts}
    return Basis(
        conversation=replace(conversation, slots=shared),
        municipality=doors.catalogue.municipalities[one.municipality],
        catalogue=doors.catalogue,
        content=doors.content,
        language=LANGUAGE,
    )


# --- What a panel keeps ---


async def _note(doors: Doors, one: Handoff, guide: Guide, new: Fields) -> None:
    text, removed = mask(new.one("text")).text, new.one("remove")
    subject = audit.conversation(one.conversation_id)
    async with doors.ledger.transaction() as connection:
        if removed.isdecimal():
            await desk.remove_note(connection, int(removed), guide.id)
            await audit.write(connection, guide, "note_written", subject, removed=True)
        elif text:
            await desk.add_note(
                connection,
                doors.ledger.seal,
                municipality=one.municipality,
                conversation=one.conversation_id,
                guide=guide.id,
                text=text,
            )
            await audit.write(connection, guide, "note_written", subject)


async def _support_change(doors: Doors, one: Handoff, guide: Guide, new: Fields) -> None:
    if "how" in new.fields:
        await _propose(doors, one, guide, new)
        return
    decision = next((known for known in concerns.DECISIONS if known == new.one("decision")), None)
    if decision is None:
        raise DoorError("bad_request")
    async with doors.ledger.transaction() as connection:
        await concerns.decide(
            connection,
            municipality=one.municipality,
            handoff=one.id,
            guide=guide.id,
            decision=decision,
            steps=new.fields.get("steps", []),
        )
        subject = audit.conversation(one.conversation_id)
        await audit.write(connection, guide, "report_considered", subject, decision=decision)


async def _ask_to_give_on(doors: Doors, one: Handoff, guide: Guide, new: Fields) -> None:
    await leaving.ask_to_give_on(doors, one, guide, new.one("receiver"))


async def _propose(doors: Doors, one: Handoff, guide: Guide, new: Fields) -> None:
    """Propose to follow the family; she reads and answers it on her own page."""
    if guide.function != "coordinator":
        raise DoorError("bad_request")
    page = f"/chat/{one.municipality}/verktyg?tool=family"
    link = {"href": page, "label": doors.content.raw(one.language, "tools_name_family")}
    text = doors.content.text(one.language, "desk_family_proposed", name=guide.name)
    words = OutgoingMessage(
        Author.BOT, text, "desk_family_proposed", one.language, body={"links": [link]}
    )
    try:
        agreement = families.Agreement(
            how=new.one("how"), when=new.one("when"), contacts=new.one("contacts")
        )
        async with doors.ledger.transaction() as connection:
            await families.propose(
                connection,
                doors.ledger.seal,
                municipality=one.municipality,
                conversation=one.conversation_id,
                guide=guide.id,
                agreement=agreement,
                until=dt.date.fromisoformat(new.one("until")),
                today=dt.datetime.now(LOCAL).date(),
            )
            await doors.ledger.add(connection, one.conversation_id, words)
            subject = audit.conversation(one.conversation_id)
            await audit.write(connection, guide, "agreement_changed", subject, state="proposed")
    except (ValidationError, ValueError) as error:
        raise DoorError("bad_request") from error
    except families.FamilyError as error:
        raise DoorError("family_changed") from error


_PANELS: dict[str, Callable[[Doors, Handoff, Guide, dict[str, str]], Awaitable[Shown]]] = {
    "matches": _matches,
    "canned": _canned,
    "notes": _notes,
    "support": _support,
    "leave": leaving.shown,
}
# Panels that show what the parent shared, or what was written of her.
_TELL = frozenset({"matches", "notes", "support"})
_CHANGES: dict[str, Callable[[Doors, Handoff, Guide, Fields], Awaitable[None]]] = {
    "notes": _note,
    "support": _support_change,
    "leave": _ask_to_give_on,
}
