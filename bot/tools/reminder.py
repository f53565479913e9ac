"""A reminder for the parent's own calendar with a neutral title, and words for a new time."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

from icalendar import Alarm, Calendar, Event
from pydantic import BaseModel, ConfigDict, Field

from bot.calendar import LOCAL
from bot.tools.basis import FALLBACK_LANGUAGE, Basis, Kept, Short
from bot.tools.meeting import meeting_of
from bot.tools.plan import documents, steps_of
from bot.tools.sheet import BLANK, Part, Row, Sheet

MEETING = "meeting"
# When the alarms go: before a time, and for a whole day at nine the day before and at eight.
BEFORE_TIME = (dt.timedelta(days=-1), dt.timedelta(hours=-1))
AROUND_DAY = (dt.timedelta(hours=-15), dt.timedelta(hours=8))
YEAR = dt.timedelta(days=366)  # on either side, for the rules of summer time
USUAL_MINUTES = 30


class KeptTime(BaseModel):
    """When and where, as the parent set it."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    day: dt.date | None = None
    time: dt.time | None = None
    minutes: int | None = Field(None, ge=5, le=480)
    place: Short = ""


class KeptReminders(Kept):
    times: dict[str, KeptTime] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reminder:
    """One thing to remember. `target` is a service id, or `meeting`."""

    target: str
    name: str
    day: dt.date | None
    time: dt.time | None
    minutes: int | None
    place: str
    who: str
    why: str
    prepare: tuple[str, ...]


def reminders_of(basis: Basis) -> list[Reminder]:
    """The steps of the plan and the meeting, with the times the parent set for them."""
    times = basis.read("reminders", KeptReminders).times
    found = []
    for step in steps_of(basis):
        set_for = times.get(step.service.id, KeptTime())
        phones = [phone.number for phone in step.service.phones]
        location = step.service.location
        found.append(
            Reminder(
                target=step.service.id,
                name=step.service.name,
                day=set_for.day or step.day,
                time=set_for.time,
                minutes=set_for.minutes,
                place=set_for.place or (location.name if location else ""),
                who=", ".join([step.service.name, *phones]),
                why=basis.summary(step.service),
                prepare=tuple(documents(basis, step.service)),
            )
        )
    return [*found, _meeting(basis, times.get(MEETING, KeptTime()))]


def find(basis: Basis, target: str) -> Reminder:
    """The reminder of a step or of the meeting. Raises KeyError."""
    for reminder in reminders_of(basis):
        if reminder.target == target:
            return reminder
    raise KeyError(target)


def set_time(basis: Basis, target: str, when: KeptTime) -> KeptReminders:
    """What is kept, with another time for one of them. Raises KeyError."""
    find(basis, target)
    kept = basis.read("reminders", KeptReminders)
    return KeptReminders(times={**kept.times, target: when})


def as_ics(basis: Basis, reminder: Reminder, *, is_bare: bool = False) -> bytes:
    """A calendar file (RFC 5545) with a neutral title; `is_bare` leaves out all but the time.

    Raises ValueError where no day is set.
    """
    if reminder.day is None:
        raise ValueError("a reminder needs a day")
    event = Event()
    event.add("uid", str(uuid5(NAMESPACE_URL, f"{basis.conversation.id}/{reminder.target}")))
    event.add("dtstamp", dt.datetime.now(dt.UTC))
    event.add("summary", basis.say("reminder_neutral"))
    event.add("class", "PRIVATE")
    if reminder.time:
        start = dt.datetime.combine(reminder.day, reminder.time, LOCAL)
        event.add("dtstart", start)
        event.add("duration", dt.timedelta(minutes=reminder.minutes or USUAL_MINUTES))
    else:
        event.add("dtstart", reminder.day)
    if not is_bare:
        event.add(
            "description", "\n".join(f"{one.label}: {one.value}" for one in _lines(basis, reminder))
        )
        if reminder.place:
            event.add("location", reminder.place)
    for offset in BEFORE_TIME if reminder.time else AROUND_DAY:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", basis.say("reminder_neutral"))
        alarm.add("trigger", offset)
        event.add_component(alarm)
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", "-//Lotsa//SV")
    calendar.add_component(event)
    calendar.add_missing_timezones(reminder.day - YEAR, reminder.day + YEAR)
    return bytes(calendar.to_ical())


def rebooking(basis: Basis) -> str:
    """Neutral words for somebody who missed a time."""
    return basis.say("reminder_rebook_text", blank=BLANK)


def sheet(basis: Basis, reminder: Reminder) -> Sheet:
    """The reminder on paper, with the words for a new time."""
    when = basis.day(reminder.day) if reminder.day else BLANK
    if reminder.time:
        when = basis.say("meeting_when", day=when, time=reminder.time.strftime("%H.%M"))
    rows = [Row(basis.say("reminder_when"), when), *_lines(basis, reminder)]
    if reminder.place:
        rows.insert(1, Row(basis.say("reminder_place"), reminder.place))
    parts = [
        Part(reminder.name, rows=rows),
        Part(
            basis.say("reminder_rebook"),
            text=[basis.say("reminder_rebook_lead")],
            quote=rebooking(basis.in_swedish()),
            language=FALLBACK_LANGUAGE if basis.language != FALLBACK_LANGUAGE else "",
        ),
    ]
    title, lead = basis.say("reminder_title"), basis.say("reminder_lead")
    return Sheet(title, lead, parts, "")


def _lines(basis: Basis, reminder: Reminder) -> list[Row]:
    lines = {
        "who": reminder.who,
        "why": reminder.why,
        "minutes": basis.say("minutes", minutes=reminder.minutes) if reminder.minutes else "",
        "prepare": "; ".join(reminder.prepare) or basis.say("reminder_prepare_default"),
    }
    return [Row(basis.say(f"reminder_{name}"), value) for name, value in lines.items() if value]


def _meeting(basis: Basis, set_for: KeptTime) -> Reminder:
    notes = meeting_of(basis)
    return Reminder(
        target=MEETING,
        name=basis.say("meeting_reminder"),
        day=set_for.day or notes.day,
        time=set_for.time or notes.time,
        minutes=set_for.minutes or notes.minutes,
        place=set_for.place or notes.place,
        who=", ".join(line for line in notes.who.split("\n") if line),
        why=notes.purpose,
        prepare=tuple(line for line in notes.documents.split("\n") if line),
    )
