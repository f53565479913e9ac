"""A guide promises a written answer by a time, and sends it later: every question gets one."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from bot import handoff
from bot.engine.reply import ReplyRequest
from bot.handoff import Handoff
from bot.ledger import Ledger
from bot.messages import Author, OutgoingMessage
from bot.privacy import mask
from bot.replies import Replies, Setting

MASKED_FOR_GUIDES = frozenset({"personal_number"})


async def promise(
    ledger: Ledger, replies: Replies, one: Handoff, by: dt.datetime, now: dt.datetime
) -> None:
    """The guide who holds the conversation promises an answer; the assistant speaks meanwhile.

    Raises ValueError for a time that is not ahead, TransitionError when she does not hold it.
    """
    if by <= now:
        raise ValueError("a promised time lies ahead")
    values = {"name": one.guide_name, "promised_at": by.isoformat()}
    words = replies.word(ReplyRequest("utter_answer_promised", values), _here(replies, one, now))
    async with ledger.transaction() as connection:
        await handoff.move(connection, one, "promised_answer", one.guide_id, promised_at=by)
        await ledger.add(connection, one.conversation_id, words)


async def send(
    ledger: Ledger,
    replies: Replies,
    one: Handoff,
    guide: UUID,
    name: str,
    text: str,
    now: dt.datetime,
) -> int:
    """Send the promised answer, from any guide of the function; returns its seq.

    Raises TransitionError where none is promised.
    """
    answer = OutgoingMessage(
        Author.GUIDE, mask(text, MASKED_FOR_GUIDES).text, language=one.language, name=name
    )
    words = replies.word(
        ReplyRequest("utter_answer_is_here", {"name": name}), _here(replies, one, now)
    )
    async with ledger.transaction() as connection:
        await handoff.move(connection, one, "answered", guide, outcome="answered")
        seq = await ledger.add(
            connection, one.conversation_id, answer, client_id=f"{guide}:answer:{one.id}"
        )
        await ledger.add(connection, one.conversation_id, words)
    return seq


def _here(replies: Replies, one: Handoff, now: dt.datetime) -> Setting:
    return Setting(replies.catalogue.municipalities[one.municipality], one.language, now)
