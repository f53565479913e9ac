"""The forms of the parent's tools: what is to be kept after one was sent, and under which name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from bot.tools import contacts, letters, meeting, plan, reminder, transitions
from bot.tools.basis import Basis, Kept
from bot.tools.who_sees import KeptSight


@dataclass(frozen=True, slots=True)
class Form:
    """A form's fields by name, read as what they stand for."""

    fields: dict[str, list[str]]

    def one(self, name: str) -> str:
        return next(iter(self.fields.get(name, [])), "").strip()

    def many(self, name: str) -> list[str]:
        return self.fields.get(name, [])

    def day(self, name: str) -> dt.date | None:
        """Raises ValueError for what is no date."""
        return dt.date.fromisoformat(text) if (text := self.one(name)) else None

    def time(self, name: str) -> dt.time | None:
        """Raises ValueError for what is no time."""
        return dt.time.fromisoformat(text) if (text := self.one(name)) else None

    def number(self, name: str) -> int | None:
        """Raises ValueError for what is no number."""
        return int(text) if (text := self.one(name)) else None


def _change_contacts(basis: Basis, form: Form, _: str) -> tuple[str, Kept]:
    action, contact = form.one("action"), form.one("id")
    if action == "remove":
        return "contacts", contacts.remove(basis, contact)
    need = contacts.need_of(form.one("need"))
    state = contacts.state_of(form.one("state"))
    if action == "change":
        return "contacts", contacts.change(basis, contact, form.one("name"), need, state)
    return "contacts", contacts.add(basis, form.one("name"), need, state)


def _change_plan(basis: Basis, form: Form, _: str) -> tuple[str, Kept]:
    chosen = form.many("step")
    days = {one: form.day(f"day-{one}") for one in chosen}
    return "plan", plan.choose(basis, chosen, days, form.one("note"))


def _change_meeting(_basis: Basis, form: Form, _: str) -> tuple[str, Kept]:
    texts = ("purpose", "place", "who", "say", "questions", "strengths", "wishes", "documents")
    return "meeting", meeting.KeptMeeting(
        day=form.day("day"),
        time=form.time("time"),
        minutes=form.number("minutes"),
        **{name: form.one(name) for name in texts},
    )


def _change_letters(basis: Basis, form: Form, of: str) -> tuple[str, Kept]:
    letter = letters.Letter(
        receiver=form.one("receiver"),
        what=form.one("what"),
        words=form.one("words"),
        decision=form.one("decision"),
        decided_on=form.day("decided_on"),
    )
    return "letters", letters.write(basis, letters.kind_of(of), letter)


def _change_transitions(basis: Basis, form: Form, of: str) -> tuple[str, Kept]:
    return "transitions", transitions.tick(basis, of, form.many("done"))


def _change_reminder(basis: Basis, form: Form, of: str) -> tuple[str, Kept]:
    when = reminder.KeptTime(
        day=form.day("day"),
        time=form.time("time"),
        minutes=form.number("minutes"),
        place=form.one("place"),
    )
    return "reminders", reminder.set_time(basis, of, when)


def _change_sight(_basis: Basis, form: Form, _: str) -> tuple[str, Kept]:
    return "who_sees", KeptSight.model_validate({"answer": form.one("who_sees") or None})


CHANGES: dict[str, Callable[[Basis, Form, str], tuple[str, Kept]]] = {
    "who_sees": _change_sight,
    "contacts": _change_contacts,
    "plan": _change_plan,
    "meeting": _change_meeting,
    "letters": _change_letters,
    "transitions": _change_transitions,
    "reminder": _change_reminder,
}
