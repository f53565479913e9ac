"""Words the offer to give a brief on, and the parent's receipt of what was given on."""

from __future__ import annotations

import datetime as dt

from bot.brief import Brief
from bot.cards import Body
from bot.engine.reply import ReplyRequest
from bot.messages import OutgoingMessage
from bot.replies import Replies, Setting
from bot.transfers import NO, YES, Receiver, Transfer


def offer(transfer: Transfer, replies: Replies, setting: Setting) -> OutgoingMessage:
    """What would be given on and to whom, with a yes and a no."""
    said = replies.word(
        ReplyRequest(
            "utter_transfer_offer", {"reader": _reader(transfer.receiver, replies, setting)}
        ),
        setting,
    )
    language = setting.language
    choices = [
        {"id": f"{kind}:{transfer.id}", "label": replies.content.raw(language, f"choice_{kind}")}
        for kind in (YES, NO)
    ]
    page = f"/integritet/{setting.municipality.id}"
    links = [{"href": page, "label": replies.content.raw(language, "brief_line_by_line")}]
    body = preview(transfer.brief or {}, transfer.receiver, replies, setting)
    return OutgoingMessage(
        said.author,
        said.text,
        said.reply_id,
        language,
        {**body, "choices": choices, "links": links},
    )


def preview(brief: Brief, receiver: Receiver, replies: Replies, setting: Setting) -> Body:
    """A brief as it would be given on."""
    return replies.briefs.body(
        brief,
        (),
        reader=receiver,
        municipality=setting.municipality.name,
        until=until(setting),
        language=setting.language,
        can_change=False,
    )


def receipt(transfer: Transfer, replies: Replies, setting: Setting) -> OutgoingMessage:
    """What was given on, to whom, when, and on which version of the words."""
    reply = "utter_transfer_self" if transfer.receiver == "self" else "utter_transfer_done"
    if transfer.receiver == "coordinator":
        reply = "utter_transfer_coordinator"
    said = replies.word(ReplyRequest(reply), setting)
    content, language = replies.content, setting.language
    lines = replies.briefs.lines(transfer.brief, language) if transfer.brief else []
    rows = {
        "receipt_what": content.listed(language, [line["label"] for line in lines]),
        "receipt_whom": _reader(transfer.receiver, replies, setting),
        "receipt_when": content.when(language, transfer.decided_at or setting.now),
        "receipt_version": transfer.version,
    }
    page = f"/integritet/{setting.municipality.id}"
    body = {
        "lines": [{"label": content.raw(language, i), "value": v} for i, v in rows.items() if v],
        "links": [{"href": page, "label": content.raw(language, "brief_to_page")}],
    }
    return OutgoingMessage(said.author, said.text, said.reply_id, language, body)


def until(setting: Setting) -> dt.date:
    """The day the brief is erased, unless the conversation goes on."""
    return (setting.now + dt.timedelta(days=setting.municipality.retention_days)).date()


def _reader(receiver: Receiver, replies: Replies, setting: Setting) -> str:
    return replies.briefs.reader(receiver, setting.municipality.name, setting.language)
