"""What is kept and who sees it: a page per municipality, the parent's four choices, her export."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from babel.dates import format_date
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, ConfigDict

from bot import consent, families, reminders, transfers
from bot.consent import BY_YES_OR_NO
from bot.content import spoken
from bot.engine.reply import ReplyRequest
from bot.families import Family
from bot.ledger import Conversation
from bot.replies import Setting
from bot.sharing import unshare
from channels import reads
from channels.access import messages_of
from channels.doors import Doors
from channels.errors import DoorError, language_of
from channels.paper import can_make_pdf
from channels.transfers import brief_for, check_sight, own, paper, receivers, sheet_of
from channels.web import ALWAYS_SHOWN, Authorization, doors_of, page, templates

router = APIRouter()


class NewChoice(BaseModel):
    model_config = ConfigDict(extra="forbid")
    answer: Literal["yes", "no"]


@router.get("/integritet/{municipality}", response_class=HTMLResponse, tags=["access:public"])
async def privacy_page(request: Request, municipality: str) -> Response:
    """What is kept, who sees it and for how long; the parent's own choices come by script."""
    doors = doors_of(request)
    if municipality not in doors.catalogue.municipalities:
        raise DoorError("unknown_municipality")
    language = language_of(request, doors.content)
    setting = doors.setting(municipality, language)
    found = setting.municipality
    words = doors.content.chrome(language, "web_") | doors.content.chrome(language, "privacy_")
    context = {
        "t": words,
        "municipality": found,
        "parts_of_page": _parts(doors, setting),
        "acute_numbers": doors.replies.numbers(ALWAYS_SHOWN, found, language, len(ALWAYS_SHOWN)),
    }
    return page(request, "privacy.html", language, context)


def _parts(doors: Doors, setting: Setting) -> list[dict[str, str]]:
    values = {
        "municipality": setting.municipality.name,
        "days": setting.municipality.retention_days,
        "longer": consent.policy().longer_days,
        "decision": setting.municipality.retention_decision,
        "must_report": doors.content.raw(setting.language, "must_report"),
    }
    names = ("kept", "not_kept", "long", "sees", "sees_not", "limit", "rights")
    say = doors.content.text
    return [
        {
            "heading": say(setting.language, f"privacy_{name}_heading", **values),
            "text": say(setting.language, f"privacy_{name}", **values),
        }
        for name in names
    ]


@router.get(
    "/api/conversations/{conversation_id}/privacy",
    response_class=HTMLResponse,
    tags=["access:parent"],
)
async def own_privacy(
    request: Request, conversation_id: UUID, authorization: Authorization = None
) -> Response:
    """The parent's own choices as they stand, her brief line by line, her receipts."""
    doors = doors_of(request)
    conversation, setting = await own(request, conversation_id, authorization)
    async with doors.ledger.transaction() as connection:
        chosen = await consent.in_force(connection, conversation.id)
        given = await transfers.of_conversation(connection, doors.ledger.seal, conversation.id)
        family = await families.of_conversation(connection, doors.ledger.seal, conversation.id)
        read = await reads.by_day(doors, connection, conversation, setting.language)
    content, language = doors.content, setting.language
    briefs, town = doors.replies.briefs, setting.municipality.name
    shared = [c for (purpose, _), c in chosen.items() if purpose == "handoff" and c.is_yes]
    context: dict[str, Any] = {
        "t": content.chrome(language, "privacy_"),
        "lang": language,
        "municipality": setting.municipality,
        "choices": [
            {
                "purpose": purpose,
                "words": choice_words(doors, purpose, setting),
                "is_yes": (purpose, "") in chosen and chosen[purpose, ""].is_yes,
            }
            for purpose in BY_YES_OR_NO
        ],
        "shared": [
            {
                "reader": briefs.reader(choice.receiver, town, language),
                "when": content.when(language, choice.at),
                "version": choice.version,
            }
            for choice in shared
        ],
        "lines": briefs.lines(await brief_for(doors, conversation), language),
        "receivers": [
            (one, briefs.reader(one, town, language))
            for one in receivers(doors, conversation.municipality)
        ],
        "receipts": [
            {
                "reader": briefs.reader(one.receiver, town, language),
                "receiver": one.receiver,
                "state": content.raw(language, f"privacy_state_{one.state}"),
                "is_given": one.state == "accepted",
                "when": content.when(language, one.decided_at or one.created_at),
                "version": one.version,
                "what": content.listed(
                    language, [x["label"] for x in briefs.lines(one.brief, language)]
                )
                if one.brief
                else "",
            }
            for one in given
        ],
        "pdf": can_make_pdf(),
        "reads": read,
        "family": _family(doors, family, chosen.get(("follow_up", "coordinator")), setting),
    }
    return HTMLResponse(templates.get_template("privacy_own.html").render(context))


def _family(
    doors: Doors, family: Family | None, yes: consent.Choice | None, setting: Setting
) -> dict[str, str] | None:
    """The yes to being followed by a coordinator, while it holds."""
    if family is None or family.state != "agreed":
        return None
    content, language = doors.content, setting.language
    until = format_date(family.until, "long", locale=spoken(language))
    say = {"name": family.guide_name, "until": until}
    return {
        "heading": content.raw(language, "tools_name_family"),
        "text": content.text(language, "tools_family_agreed", **say),
        "kept": content.raw(language, "tools_family_kept"),
        "since": content.when(language, yes.at) if yes else "",
        "end": content.raw(language, "tools_family_end"),
        "page": f"/chat/{family.municipality}/verktyg?lang={language}&tool=family",
        "about": content.raw(language, "tools_about_family"),
    }


def choice_words(doors: Doors, purpose: consent.Purpose, setting: Setting) -> str:
    """The exact words a choice stands under; their hash is what is kept."""
    values = {
        "municipality": setting.municipality.name,
        "days": setting.municipality.retention_days,
        "longer": consent.policy().longer_days,
    }
    return doors.content.text(setting.language, f"privacy_choice_{purpose}", **values)


@router.put("/api/conversations/{conversation_id}/choices/{purpose}", tags=["access:parent"])
async def choose(
    request: Request,
    conversation_id: UUID,
    purpose: str,
    new: NewChoice,
    authorization: Authorization = None,
) -> dict[str, Any]:
    """Note a yes or a no to one purpose; it holds from now on."""
    doors = doors_of(request)
    conversation, setting = await own(request, conversation_id, authorization)
    asked = next((one for one in BY_YES_OR_NO if one == purpose), None)
    if asked is None:
        raise DoorError("bad_request")
    async with doors.ledger.transaction() as connection:
        await consent.add(
            connection,
            municipality=conversation.municipality,
            conversation=conversation.id,
            purpose=asked,
            answer=new.answer,
            words=choice_words(doors, asked, setting),
            language=setting.language,
        )
        if new.answer == "no":
            await reminders.take_back(connection, conversation.id, asked)
    return {"purpose": asked, "answer": new.answer}


@router.delete("/api/conversations/{conversation_id}/sharing", tags=["access:parent"])
async def take_back(
    request: Request, conversation_id: UUID, authorization: Authorization = None
) -> dict[str, Any]:
    """Take every yes to sharing back; a guide who holds the conversation is told in it."""
    doors = doors_of(request)
    conversation, setting = await own(request, conversation_id, authorization)
    said = doors.replies.word(ReplyRequest("utter_share_revoked"), setting)
    async with doors.ledger.transaction() as connection:
        chosen = await consent.in_force(connection, conversation.id)
        yes = [c for (purpose, _), c in chosen.items() if purpose == "handoff" and c.is_yes]
        for choice in yes:
            await consent.add(
                connection,
                municipality=conversation.municipality,
                conversation=conversation.id,
                purpose="handoff",
                answer="revoked",
                words=doors.content.raw(setting.language, "privacy_take_back"),
                language=setting.language,
                receiver=choice.receiver,
            )
        await unshare(connection, doors.ledger.seal, conversation.id)
        if yes:
            await doors.ledger.add(connection, conversation.id, said)
    return {"taken_back": [choice.receiver for choice in yes]}


@router.get("/api/conversations/{conversation_id}/export", tags=["access:parent"])
async def export(
    request: Request,
    conversation_id: UUID,
    form: Literal["json", "html", "txt"] = "json",
    authorization: Authorization = None,
) -> Response:
    """Everything that is kept of the parent's own conversation."""
    doors = doors_of(request)
    conversation, setting = await own(request, conversation_id, authorization)
    kept = await _kept(doors, conversation)
    if form == "json":
        return JSONResponse(kept)
    words = doors.content.chrome(setting.language, "privacy_")
    authors = {
        "parent": words["privacy_by_parent"],
        "guide": words["privacy_by_guide"],
    }
    lines = [
        (authors.get(m["author"], words["privacy_by_lotsa"]), m["sent_at"][:16], m["text"])
        for m in kept["messages"]
    ]
    if form == "txt":
        text = "\n\n".join(f"{author} {at.replace('T', ' ')}\n{said}" for author, at, said in lines)
        return Response(text + "\n", media_type="text/plain; charset=utf-8")
    context = {
        "t": words,
        "lang": setting.language,
        "dir": doors.content.direction(setting.language),
        "lines": lines,
        "kept": kept,
    }
    return HTMLResponse(templates.get_template("export.html").render(context))


@router.get("/api/conversations/{conversation_id}/summary.pdf", tags=["access:parent"])
async def summary(
    request: Request,
    conversation_id: UUID,
    anyway: bool = False,
    authorization: Authorization = None,
) -> Response:
    """What was understood, as a paper for the parent herself."""
    doors = doors_of(request)
    conversation, setting = await own(request, conversation_id, authorization)
    await check_sight(doors, conversation, setting.language, anyway=anyway)
    sheet = sheet_of(doors, await brief_for(doors, conversation), "self", setting)
    content = await paper(doors, sheet, setting)
    name = doors.content.raw(setting.language, "tools_file_name")
    headers = {"Content-Disposition": f'attachment; filename="{name}.pdf"'}
    return Response(content, media_type="application/pdf", headers=headers)


async def _kept(doors: Doors, conversation: Conversation) -> dict[str, Any]:
    messages = await messages_of(doors.ledger, conversation)
    async with doors.ledger.transaction() as connection:
        choices = await consent.history(connection, conversation.id)
        given = await transfers.of_conversation(connection, doors.ledger.seal, conversation.id)
    return {
        "conversation": str(conversation.id),
        "municipality": conversation.municipality,
        "language": conversation.language,
        "messages": [doors.as_json(message) for message in messages],
        "understood": conversation.slots,
        "choices": [
            {
                "purpose": choice.purpose,
                "receiver": choice.receiver,
                "answer": choice.answer,
                "version": choice.version,
                "text_hash": choice.text_hash,
                "language": choice.language,
                "at": choice.at.isoformat(),
            }
            for choice in choices
        ],
        "transfers": [
            {
                "receiver": one.receiver,
                "state": one.state,
                "version": one.version,
                "brief": one.brief,
                "at": (one.decided_at or one.created_at).isoformat(),
            }
            for one in given
        ],
    }
