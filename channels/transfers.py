"""Giving the brief on: the guide offers, the parent alone says yes, and takes the paper along."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from bot import audit, brief_document, transfer_words, transfers
from bot.brief import ALL_LINES, Brief, brief_of_case, is_empty, without
from bot.calendar import answer_by
from bot.consent import policy, words_of
from bot.handoff import Handoff
from bot.ledger import Conversation
from bot.replies import Setting
from bot.tools.basis import basis_of
from bot.tools.sheet import Part, Row, Sheet, as_text
from bot.tools.who_sees import sight_of
from bot.transfers import RECEIVERS, Receiver, Transfer
from channels.access import Guide, conversation_of_parent
from channels.console import SignedIn, held
from channels.doors import Doors
from channels.errors import DoorError, language_of
from channels.paper import NoPdfError, pdf_of
from channels.web import DATABASE_ERRORS, Authorization, doors_of, templates

router = APIRouter()
Line = Annotated[str, Field(max_length=40)]


class NewTransfer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    receiver: Receiver


class OwnTransfer(BaseModel):
    """The receiver and the lines left ticked; without `lines`, all that is not withheld."""

    model_config = ConfigDict(extra="forbid")
    receiver: Receiver
    lines: list[Line] | None = Field(None, max_length=40)


@router.post("/console/api/handoffs/{handoff_id}/transfer", status_code=201, tags=["access:guide"])
async def offer_transfer(
    request: Request, handoff_id: UUID, new: NewTransfer, guide: SignedIn
) -> dict[str, Any]:
    """Ask the parent in the chat whether her brief may be given on; she answers there."""
    doors = doors_of(request)
    one = await held(doors, handoff_id, guide)
    offer = await ask_parent(doors, one, guide, new.receiver)
    return {"id": str(offer.id), "receiver": offer.receiver, "state": offer.state}


async def ask_parent(doors: Doors, one: Handoff, guide: Guide, receiver: Receiver) -> Transfer:
    """Offer to give the brief on to a receiver. Raises DoorError where nothing can be given."""
    conversation = await doors.ledger.conversation(one.conversation_id)
    setting = doors.setting(one.municipality, conversation.language, on_duty=True)
    brief = one.brief  # the guide sees the offer too: nothing stands there that she may not read
    if brief is None:
        raise DoorError("bad_request")
    _check(receiver, brief, setting)
    async with doors.ledger.transaction() as connection:
        offer = await transfers.offer(
            connection,
            doors.ledger.seal,
            municipality=one.municipality,
            conversation=one.conversation_id,
            receiver=receiver,
            brief=brief,
            offered_by=guide.name,
        )
        words = transfer_words.offer(offer, doors.replies, setting)
        await doors.ledger.add(connection, one.conversation_id, words)
        subject = audit.conversation(one.conversation_id)
        await audit.write(
            connection,
            guide,
            "conversation_transferred",
            subject,
            to=offer.receiver,
            state=offer.state,
        )
    return offer


@router.get("/console/api/handoffs/{handoff_id}/transfers", tags=["access:guide"])
async def read_transfers(request: Request, handoff_id: UUID, guide: SignedIn) -> dict[str, Any]:
    """What was offered and what the parent said of it; no brief stands here."""
    doors = doors_of(request)
    one = await held(doors, handoff_id, guide)
    async with doors.ledger.transaction() as connection:
        found = await transfers.of_conversation(connection, doors.ledger.seal, one.conversation_id)
        subject = audit.conversation(one.conversation_id)
        await audit.write(connection, guide, "conversation_read", subject, part="transfers")
    listed = [{"id": str(t.id), "receiver": t.receiver, "state": t.state} for t in found]
    return {"transfers": listed, "receivers": list(receivers(doors, one.municipality))}


@router.post(
    "/api/conversations/{conversation_id}/transfers", status_code=201, tags=["access:parent"]
)
async def give_on(
    request: Request,
    conversation_id: UUID,
    new: OwnTransfer,
    authorization: Authorization = None,
) -> dict[str, Any]:
    """The parent gives her brief on herself; her receipt also stands in the chat."""
    doors = doors_of(request)
    conversation, setting = await own(request, conversation_id, authorization)
    brief = await brief_for(doors, conversation)
    if new.lines is not None:
        brief = without(brief, [line for line in ALL_LINES if line not in new.lines])
    _check(new.receiver, brief, setting)
    body = transfer_words.preview(brief, new.receiver, doors.replies, setting)
    reader = doors.replies.briefs.reader(new.receiver, setting.municipality.name, setting.language)
    promised_at = answer_by(setting.municipality, "coordinator", setting.now)
    async with doors.ledger.transaction() as connection:
        given = await transfers.offer(
            connection,
            doors.ledger.seal,
            municipality=conversation.municipality,
            conversation=conversation.id,
            receiver=new.receiver,
            brief=brief,
            offered_by=None,
        )
        await transfers.accept(
            connection,
            doors.ledger.seal,
            given,
            words=words_of(reader, body),
            language=setting.language,
            promised_at=promised_at,
        )
        receipt = transfer_words.receipt(given, doors.replies, setting)
        await doors.ledger.add(connection, conversation.id, receipt)
    return {"id": str(given.id), "state": "accepted", "receipt": receipt.body["lines"]}


@router.get("/api/conversations/{conversation_id}/brief/{form}", tags=["access:parent"])
async def brief_file(
    request: Request,
    conversation_id: UUID,
    form: str,
    receiver: Receiver = "self",
    anyway: bool = False,
    authorization: Authorization = None,
) -> Response:
    """The brief as `pdf`, `txt` or `json`: the one given to this receiver, else as it stands."""
    doors = doors_of(request)
    conversation, setting = await own(request, conversation_id, authorization)
    await check_sight(doors, conversation, setting.language, anyway=anyway)
    brief = await _given(doors, conversation, receiver)
    made = brief_document.document(
        brief, receiver, conversation.id, policy().version, doors.replies, setting
    )
    if form == "json":
        return _file(doors, setting, made.model_dump_json(indent=2).encode(), "json")
    sheet = sheet_of(doors, brief, receiver, setting)
    if form == "txt":
        return _file(doors, setting, as_text(sheet).encode(), "txt")
    if form == "pdf":
        return _file(doors, setting, await paper(doors, sheet, setting), "pdf")
    raise DoorError("unknown_page")


async def own(
    request: Request, conversation_id: UUID, authorization: str | None
) -> tuple[Conversation, Setting]:
    """The parent's conversation, and the setting its words are put in. Raises DoorError."""
    doors = doors_of(request)
    try:
        found = await conversation_of_parent(doors.ledger, conversation_id, authorization)
    except KeyError as error:
        raise DoorError("unknown_conversation") from error
    except DATABASE_ERRORS as error:
        raise DoorError("unavailable") from error
    return found, doors.setting(found.municipality, language_of(request, doors.content))


async def brief_for(doors: Doors, conversation: Conversation) -> Brief:
    """The brief of a conversation as the parent has left it."""
    is_danger = conversation.is_acute and await doors.ledger.is_danger(conversation.id)
    return brief_of_case(conversation.slots, is_danger=is_danger)


async def check_sight(
    doors: Doors, conversation: Conversation, language: str, *, anyway: bool
) -> None:
    """Near violence no file is made until it is known who sees the phone. Raises DoorError."""
    basis = await basis_of(doors.ledger, conversation, doors.catalogue, doors.content, language)
    sight = sight_of(basis)
    if sight == "ask" or (sight == "seen" and not anyway):
        raise DoorError("safe_first")


def receivers(doors: Doors, municipality: str) -> tuple[Receiver, ...]:
    """To whom a brief can be given on in a municipality."""
    has_one = doors.catalogue.municipalities[municipality].functions["coordinator"].exists
    return tuple(one for one in RECEIVERS if one != "coordinator" or has_one)


def sheet_of(doors: Doors, brief: Brief, receiver: Receiver, setting: Setting) -> Sheet:
    """The brief on paper."""
    content, language = doors.content, setting.language
    body = transfer_words.preview(brief, receiver, doors.replies, setting)
    told = Part(content.raw(language, "privacy_paper_told"), rows=_rows(body["lines"]))
    about = [Part(s["heading"], rows=_rows(s["lines"])) for s in body["sections"]]
    return Sheet(
        content.raw(language, "privacy_paper_title"),
        content.text(language, "privacy_paper_lead", municipality=setting.municipality.name),
        [told, *about],
        content.text(language, "privacy_paper_foot", version=policy().version),
    )


async def paper(doors: Doors, sheet: Sheet, setting: Setting) -> bytes:
    """A sheet as PDF. Raises DoorError where this machine makes none."""
    context = {
        "t": doors.content.chrome(setting.language, "tools_"),
        "lang": setting.language,
        "dir": doors.content.direction(setting.language),
        "sheet": sheet,
    }
    try:
        return await pdf_of(templates.get_template("tools_paper.html").render(context))
    except NoPdfError as error:
        raise DoorError("no_pdf") from error


def _rows(lines: list[dict[str, Any]]) -> list[Row]:
    return [Row(line["label"], line["value"]) for line in lines]


def _check(receiver: Receiver, brief: Brief, setting: Setting) -> None:
    is_absent = not setting.municipality.functions["coordinator"].exists
    if is_empty(brief) or (receiver == "coordinator" and is_absent):
        raise DoorError("bad_request")


async def _given(doors: Doors, conversation: Conversation, receiver: Receiver) -> Brief:
    async with doors.ledger.transaction() as connection:
        found = await transfers.of_conversation(connection, doors.ledger.seal, conversation.id)
    given = [t.brief for t in found if t.receiver == receiver and t.state == "accepted" and t.brief]
    return given[-1] if given else await brief_for(doors, conversation)


_TYPES = {
    "pdf": "application/pdf",
    "txt": "text/plain; charset=utf-8",
    "json": JSONResponse.media_type,
}


def _file(doors: Doors, setting: Setting, content: bytes, ending: str) -> Response:
    name = doors.content.raw(setting.language, "tools_file_name")
    headers = {"Content-Disposition": f'attachment; filename="{name}.{ending}"'}
    return Response(content, media_type=_TYPES[ending], headers=headers)
