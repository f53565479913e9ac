"""A guide agrees with the parent on a visit or a video meeting, with an interpreter if needed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Protocol
from uuid import UUID

import yaml
from babel import Locale
from pydantic import BaseModel, ConfigDict

from bot import call_backs
from bot.booking import CANCEL, REMIND, label
from bot.call_backs import CallBack, Slot
from bot.content import Content, spoken
from bot.handoff import Handoff
from bot.ledger import Ledger
from bot.messages import Author, OutgoingMessage
from bot.privacy import mask
from bot.reminders import BEFORE
from bot.replies import Replies
from knowledge.catalogue import Municipality

POLICY = Path(__file__).parent / "content" / "policy" / "meetings.yml"
MASKED_FOR_GUIDES = frozenset({"personal_number"})
SIGNED = "sgn"
Kind = Literal["visit", "video"]
Body = dict[str, Any]


class MeetingPolicy(BaseModel):
    """What a guide can choose from."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    minutes: list[int]
    proposed_minutes: int
    most_days_ahead: int
    follow_up_days: list[int]
    interpreters: list[str]


class Holder(Protocol):
    """The guide who holds the conversation."""

    @property
    def id(self) -> UUID: ...
    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Meeting:
    """What they agreed on. `place` is an address or a link, `prepare` the guide's own words."""

    how: Kind
    starts_at: dt.datetime
    minutes: int
    place: str = ""
    interpreter: str | None = None
    prepare: str = ""


@lru_cache
def policy() -> MeetingPolicy:
    """The choices in force."""
    return MeetingPolicy.model_validate(yaml.safe_load(POLICY.read_text(encoding="utf-8")))


def check(meeting: Meeting, now: dt.datetime) -> None:
    """Raises ValueError for a time or a choice that a guide does not have, a visit to nowhere."""
    known, latest = policy(), now + dt.timedelta(days=policy().most_days_ahead)
    if not now < meeting.starts_at <= latest or meeting.minutes not in known.minutes:
        raise ValueError("a meeting lies ahead and has one of the lengths")
    if meeting.interpreter is not None and meeting.interpreter not in known.interpreters:
        raise ValueError("no interpreter of that language is known")
    if meeting.how == "visit" and not meeting.place:
        raise ValueError("a visit has an address")


async def arrange(
    ledger: Ledger,
    replies: Replies,
    one: Handoff,
    guide: Holder,
    meeting: Meeting,
    now: dt.datetime,
    *,
    reminds: bool = False,
) -> CallBack:
    """Keep the meeting and confirm it to the parent; the assistant answers her until then.

    Where texts can be sent (`reminds`), a parent who gave her number can ask for a reminder.

    Raises ValueError, SlotTakenError where the guide has another meeting, TransitionError.
    """
    check(meeting, now)
    ends_at = meeting.starts_at + dt.timedelta(minutes=meeting.minutes)
    place = mask(meeting.place, MASKED_FOR_GUIDES).text
    municipality = replies.catalogue.municipalities[one.municipality]
    async with ledger.transaction() as connection:
        made = await call_backs.arrange(
            connection,
            ledger.seal,
            one,
            guide.id,
            Slot(meeting.starts_at, ends_at),
            meeting.how,
            place=place,
            interpreter=meeting.interpreter,
        )
        words = confirmation(
            replies.content, municipality, one, meeting, place, made.ticket, guide.name
        )
        number = await call_backs.number_of(connection, ledger.seal, one.conversation_id)
        if reminds and number is not None and now < meeting.starts_at - BEFORE:
            words = _with_reminder(words, replies.content)
        await ledger.add(connection, one.conversation_id, words)
    return made


def confirmation(
    content: Content,
    municipality: Municipality,
    one: Handoff,
    meeting: Meeting,
    place: str,
    ticket: str,
    name: str,
) -> OutgoingMessage:
    """When, with whom, where, how long, with which interpreter, and how to prepare."""
    language, when = one.language, content.when(one.language, meeting.starts_at)
    is_link = place.startswith("https://")
    lines = {
        "when": when,
        "who": f"{name}, {content.raw(language, f'function_{one.function}')}",
        "where": place or content.raw(language, "book_where_video"),
        "minutes": content.text(language, "book_minutes", minutes=meeting.minutes),
    }
    if meeting.interpreter:
        named = language_name(content, meeting.interpreter, language)
        first, rest = named[:1].upper(), named[1:]
        lines["interpreter"] = content.text(language, "book_interpreter", name=first + rest)
    lines["prepare"] = mask(meeting.prepare, MASKED_FOR_GUIDES).text or _preparing(
        content, municipality, one, meeting.how
    )
    links = [
        {"href": f"/tid/{ticket}", "label": content.raw(language, "book_to_calendar")},
        *([{"href": place, "label": content.raw(language, "book_to_meeting")}] if is_link else []),
    ]
    body: Body = {
        "lines": [
            {
                "id": f"line_book_{key}",
                "label": content.raw(language, f"line_book_{key}"),
                "value": v,
            }
            for key, v in lines.items()
        ],
        "links": links,
        "choices": [{"id": CANCEL, "label": label(CANCEL, content, language)}],
    }
    reply = f"utter_meeting_{meeting.how}"
    text = content.text(language, reply, when=when, name=name)
    return OutgoingMessage(Author.BOT, text, reply, language, body=body)


def _with_reminder(words: OutgoingMessage, content: Content) -> OutgoingMessage:
    offer = {"id": REMIND, "label": label(REMIND, content, words.language)}
    return replace(words, body={**words.body, "choices": [offer, *words.body["choices"]]})


def _preparing(content: Content, municipality: Municipality, one: Handoff, how: Kind) -> str:
    if how == "video":
        return content.raw(one.language, "book_prepare_video")
    rules = next(
        (f.call_backs for n, f in municipality.functions.items() if n == one.function), None
    )
    own = (rules.prepare or {}).get(one.language) if rules else None
    return own or content.raw(one.language, "book_prepare")


def language_name(content: Content, code: str, language: str) -> str:
    """What a language is called in another one; its own name where that has no word for it."""
    if code == SIGNED:
        return content.raw(language, "book_interpreter_signed")
    known = Locale.parse(spoken(language)).languages.get(code)
    return str(known or content.autonyms.get(code, code))
