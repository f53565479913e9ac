"""Inför mötet: what the parent wants to have said and asked, and a sheet for who does what."""

from __future__ import annotations

import datetime as dt

from pydantic import Field

from bot.tools.basis import Basis, Kept, Long, Short
from bot.tools.contacts import names
from bot.tools.plan import documents, steps_of
from bot.tools.sheet import Part, Row, Sheet, Table

QUESTIONS = ("now", "who", "time", "if_not")
NOTHING_WELL = {"choice_works_well_nothing_now", "choice_works_well_told"}
EMPTY_ROWS = 3  # beside one for each contact
MOST_ROWS = 8


class KeptMeeting(Kept):
    """The parent's notes; an empty field takes what the conversation says, where it says it."""

    purpose: Long = ""
    day: dt.date | None = None
    time: dt.time | None = None
    place: Short = ""
    minutes: int | None = Field(None, ge=5, le=480)
    who: Long = ""
    say: Long = ""
    questions: Long = ""
    strengths: Long = ""
    wishes: Long = ""
    documents: Long = ""


def meeting_of(basis: Basis) -> KeptMeeting:
    """The notes as they stand: hers, and where she wrote nothing what she said in the chat."""
    kept = basis.read("meeting", KeptMeeting)
    if "meeting" in basis.kept:
        return kept
    bring = [paper for step in steps_of(basis) for paper in documents(basis, step.service)]
    return kept.model_copy(
        update={
            "strengths": "\n".join(_works_well(basis)),
            "who": "\n".join(names(basis)),
            "say": "\n".join(basis.own_words),
            "questions": "\n".join(basis.say(f"meeting_question_{one}") for one in QUESTIONS),
            "documents": "\n".join(dict.fromkeys(bring)),
        }
    )


def sheet(basis: Basis) -> Sheet:
    """The notes on paper, with lines to write on where there is nothing yet."""
    notes = meeting_of(basis)
    when = basis.day(notes.day) if notes.day else ""
    if notes.time:
        when = basis.say("meeting_when", day=when, time=notes.time.strftime("%H.%M")).strip()
    rows = [
        Row(basis.say("meeting_day"), when),
        Row(basis.say("meeting_place"), notes.place),
        Row(basis.say("meeting_length"), _minutes(basis, notes.minutes)),
    ]
    parts = [
        Part(basis.say("meeting_practical"), rows=[row for row in rows if row.value]),
        _notes(basis, "purpose", notes.purpose),
        _list(basis, "who", notes.who),
        _notes(basis, "say", notes.say),
        _list(basis, "questions", notes.questions),
        _notes(basis, "strengths", notes.strengths),
        _notes(basis, "wishes", notes.wishes),
        _list(basis, "documents", notes.documents),
        who_does_what(basis),
    ]
    if not parts[0].rows:
        parts = parts[1:]
    title, lead = basis.say("meeting_title"), basis.say("meeting_lead")
    return Sheet(title, lead, parts, basis.say("meeting_foot"))


def who_does_what(basis: Basis) -> Part:
    """A table to fill in at the meeting, a row for each who is to be there."""
    who = _lines(meeting_of(basis).who)[: MOST_ROWS - EMPTY_ROWS]
    rows = [(name, "", "") for name in [*who, *[""] * EMPTY_ROWS]]
    head = [basis.say(f"meeting_column_{column}") for column in ("who", "what", "when")]
    heading, text = basis.say("meeting_tasks"), [basis.say("meeting_tasks_lead")]
    return Part(heading, text=text, table=Table(head, rows))


def _works_well(basis: Basis) -> list[str]:
    """What works, in the words of the choices she made; nothing is added to it."""
    said = basis.slots.get("works_well")
    labels = [f"choice_works_well_{one}" for one in said] if isinstance(said, list) else []
    known = [label for label in labels if basis.content.has(basis.language, label)]
    return [basis.content.raw(basis.language, one) for one in known if one not in NOTHING_WELL]


def _notes(basis: Basis, name: str, text: str) -> Part:
    return Part(basis.say(f"meeting_{name}"), text=_lines(text), blank_lines=0 if text else 2)


def _list(basis: Basis, name: str, text: str) -> Part:
    return Part(basis.say(f"meeting_{name}"), items=_lines(text), blank_lines=0 if text else 2)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _minutes(basis: Basis, minutes: int | None) -> str:
    return basis.say("minutes", minutes=minutes) if minutes else ""
