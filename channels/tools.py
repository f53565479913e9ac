"""The parent's tools over HTTP: their page, each tool as a piece of it, and files to keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from bot import families
from bot.tools import contact_map, contacts, kept, letters, meeting, plan, reminder, transitions
from bot.tools.basis import Basis, basis_of
from bot.tools.sheet import Sheet, as_text
from bot.tools.who_sees import Sight, sight_of
from channels.access import conversation_of_parent
from channels.errors import DoorError, language_of
from channels.paper import NoPdfError, can_make_pdf, pdf_of
from channels.tool_forms import CHANGES, Form
from channels.web import (
    ALWAYS_SHOWN,
    DATABASE_ERRORS,
    Authorization,
    doors_of,
    page,
    templates,
)

TOOLS = ("contacts", "plan", "meeting", "letters", "transitions", "reminder")
ALL = "all"
FAMILY = "family"  # shown by channels/families.py, on the same page
SAFE_LINES = ["kvinnofridslinjen"]

router = APIRouter()
Text = Annotated[str, Field(max_length=5000)]


class Edit(BaseModel):
    """The fields of a form, as the page sends them."""

    model_config = ConfigDict(extra="ignore")
    fields: dict[str, list[Text]] = Field(default_factory=dict, max_length=60)


@router.get("/chat/{municipality}/verktyg", response_class=HTMLResponse, tags=["access:public"])
async def tools_page(
    request: Request, municipality: str, tool: str = ALL, of: str = ""
) -> Response:
    """The page the tools are shown in; it holds nothing of a conversation itself."""
    doors = doors_of(request)
    if municipality not in doors.catalogue.municipalities:
        raise DoorError("unknown_municipality")
    language = language_of(request, doors.content)
    found = doors.catalogue.municipalities[municipality]
    tool = tool if tool in (*TOOLS, FAMILY) else ALL
    words = doors.content.chrome(language, "web_") | doors.content.chrome(language, "tools_")
    context = {
        "t": words,
        "municipality": found,
        "tool": tool,
        "of": of if of.replace("-", "").replace("_", "").isalnum() else "",
        "acute_numbers": doors.replies.numbers(ALWAYS_SHOWN, found, language, len(ALWAYS_SHOWN)),
    }
    return page(request, "tools.html", language, context)


@router.get(
    "/api/conversations/{conversation_id}/tools/{tool}",
    response_class=HTMLResponse,
    tags=["access:parent"],
)
async def show_tool(
    request: Request,
    conversation_id: UUID,
    tool: str,
    of: str = "",
    authorization: Authorization = None,
) -> Response:
    """One tool, drawn from the conversation and the parent's own changes."""
    basis = await _basis(request, conversation_id, authorization)
    return _shown(request, basis, tool, of, is_followed=await _is_followed(request, basis))


@router.put(
    "/api/conversations/{conversation_id}/tools/{tool}",
    response_class=HTMLResponse,
    tags=["access:parent"],
)
async def change_tool(
    request: Request,
    conversation_id: UUID,
    tool: str,
    edit: Edit,
    of: str = "",
    authorization: Authorization = None,
) -> Response:
    """Keep what the parent wrote in a tool, and show it anew."""
    basis = await _basis(request, conversation_id, authorization)
    ledger = doors_of(request).ledger
    name = "who_sees" if "who_sees" in edit.fields else tool
    if name not in CHANGES:
        raise DoorError("bad_request")
    try:
        kept_as, content = CHANGES[name](basis, Form(edit.fields), of)
    except (KeyError, ValueError) as error:
        raise DoorError("bad_request") from error
    try:
        await kept.keep(ledger, conversation_id, kept_as, content.model_dump(mode="json"))
    except KeyError as error:
        raise DoorError("unknown_conversation") from error
    except DATABASE_ERRORS as error:
        raise DoorError("unavailable") from error
    return _shown(request, await _basis(request, conversation_id, authorization), tool, of)


@router.get("/api/conversations/{conversation_id}/tools/{tool}/{form}", tags=["access:parent"])
async def file_of_tool(
    request: Request,
    conversation_id: UUID,
    tool: str,
    form: str,
    of: str = "",
    anyway: bool = False,
    authorization: Authorization = None,
) -> Response:
    """A tool as a file: `pdf`, `txt`, or of a reminder `ics`. The file's name says nothing.

    Near violence it is refused until the parent has said who can see her phone; where others can,
    it is made only when she asks for it `anyway`.
    """
    basis = await _basis(request, conversation_id, authorization)
    sight = sight_of(basis)
    if sight == "ask" or (sight == "seen" and not anyway):
        raise DoorError("safe_first")
    try:
        return await _file(basis, tool, form, of, sight)
    except KeyError as error:
        raise DoorError("unknown_page") from error
    except ValueError as error:
        raise DoorError("bad_request") from error
    except NoPdfError as error:
        raise DoorError("no_pdf") from error


async def _file(basis: Basis, tool: str, form: str, of: str, sight: Sight) -> Response:
    if form == "ics" and tool == "reminder":
        content = reminder.as_ics(basis, reminder.find(basis, of), is_bare=sight == "seen")
        return _attachment(basis, content, "text/calendar; charset=utf-8", "ics")
    sheet = _sheet(basis, tool, of)
    if form == "txt":
        return _attachment(basis, as_text(sheet).encode(), "text/plain; charset=utf-8", "txt")
    if form == "pdf":
        return _attachment(
            basis, await pdf_of(_paper(basis, tool, sheet)), "application/pdf", "pdf"
        )
    raise KeyError(form)


async def _basis(request: Request, conversation_id: UUID, authorization: str | None) -> Basis:
    doors = doors_of(request)
    try:
        conversation = await conversation_of_parent(doors.ledger, conversation_id, authorization)
        language = language_of(request, doors.content)
        return await basis_of(doors.ledger, conversation, doors.catalogue, doors.content, language)
    except KeyError as error:
        raise DoorError("unknown_conversation") from error
    except DATABASE_ERRORS as error:
        raise DoorError("unavailable") from error


def _sheet(basis: Basis, tool: str, of: str) -> Sheet:
    """A tool as a sheet. Raises KeyError for what is no tool, or no part of one."""
    if tool == "contacts":
        return contacts.sheet(basis)
    if tool == "plan":
        return plan.sheet(basis)
    if tool == "meeting":
        return meeting.sheet(basis)
    if tool == "letters":
        return letters.sheet(basis, letters.kind_of(of))
    if tool == "transitions":
        return transitions.sheet(basis, of)
    if tool == "reminder":
        return reminder.sheet(basis, reminder.find(basis, of))
    raise KeyError(tool)


async def _is_followed(request: Request, basis: Basis) -> bool:
    """Whether a coordinator follows the family, or has proposed to."""
    ledger = doors_of(request).ledger
    async with ledger.transaction() as connection:
        found = await families.of_conversation(connection, ledger.seal, basis.conversation.id)
    return found is not None


def _shown(
    request: Request, basis: Basis, tool: str, of: str, *, is_followed: bool = False
) -> Response:
    if tool != ALL and tool not in TOOLS:
        raise DoorError("unknown_page")
    replies, language = doors_of(request).replies, basis.language
    context: dict[str, Any] = {
        "t": basis.content.chrome(language, "tools_"),
        "lang": language,
        "municipality": basis.municipality,
        "tool": tool,
        "of": of,
        "tools": TOOLS,
        "sight": sight_of(basis),
        "safe_numbers": replies.numbers(SAFE_LINES, basis.municipality, language),
        "pdf": can_make_pdf(),
        "basis": basis,
        "is_followed": is_followed,
    }
    try:
        context |= _PIECES[tool](basis, of)
    except KeyError as error:
        raise DoorError("unknown_page") from error
    template = templates.get_template(f"tools_{tool}.html")
    return HTMLResponse(template.render(context))


def _paper(basis: Basis, tool: str, sheet: Sheet) -> str:
    """The sheet as a page to be printed."""
    context = {
        "t": basis.content.chrome(basis.language, "tools_"),
        "lang": basis.language,
        "dir": basis.content.direction(basis.language),
        "sheet": sheet,
    }
    if tool == "contacts":
        context |= _map(basis)
    return templates.get_template("tools_paper.html").render(context)


def _attachment(basis: Basis, content: bytes, media_type: str, ending: str) -> Response:
    name = f"{basis.say('file_name')}.{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)


# --- What each piece of the page shows ---


def _map(basis: Basis) -> dict[str, Any]:
    picture = contact_map.draw(basis)
    return {"picture": picture, "middle": contact_map.MIDDLE, "summary": contacts.summary(basis)}


def _contacts(basis: Basis, _: str) -> dict[str, Any]:
    return _map(basis) | {
        "sheet": contacts.sheet(basis),
        "contacts": contacts.contacts_of(basis),
        "needs": contacts.NEEDS,
        "states": contacts.STATES,
    }


def _plan(basis: Basis, _: str) -> dict[str, Any]:
    steps = plan.steps_of(basis)
    return {
        "sheet": plan.sheet(basis),
        "services": basis.services(),
        "days": {step.service.id: step.day for step in steps},
        "note": basis.read("plan", plan.KeptPlan).note,
    }


def _meeting(basis: Basis, _: str) -> dict[str, Any]:
    return {"sheet": meeting.sheet(basis), "notes": meeting.meeting_of(basis)}


def _letters(basis: Basis, of: str) -> dict[str, Any]:
    if not of:
        return {"kinds": letters.KINDS}
    kind = letters.kind_of(of)
    return {"sheet": letters.sheet(basis, kind), "letter": letters.letter_of(basis, kind)}


def _transitions(basis: Basis, of: str) -> dict[str, Any]:
    if not of:
        lists = [
            {
                "id": name,
                "title": transitions.word(basis, name, "title"),
                "done": len(transitions.done_of(basis, name)),
                "total": len(transitions.checklists()[name].items),
            }
            for name in transitions.in_order(basis)
        ]
        return {"lists": lists}
    items = transitions.checklists()[of].items
    return {
        "sheet": transitions.sheet(basis, of),
        "items": [(item, transitions.word(basis, of, item)) for item in items],
        "done": transitions.done_of(basis, of),
    }


def _reminder(basis: Basis, of: str) -> dict[str, Any]:
    found = reminder.reminders_of(basis)
    if not of:
        return {"reminders": found}
    chosen = reminder.find(basis, of)
    return {"sheet": reminder.sheet(basis, chosen), "reminder": chosen}


_PIECES: dict[str, Callable[[Basis, str], dict[str, Any]]] = {
    ALL: lambda _basis, _of: {},
    "contacts": _contacts,
    "plan": _plan,
    "meeting": _meeting,
    "letters": _letters,
    "transitions": _transitions,
    "reminder": _reminder,
}
