"""Booking in words and buttons: day, time, how. Ids say what is pressed, `book:<step>_<value>`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from babel.dates import format_datetime

from bot import answers
from bot.calendar import LOCAL
from bot.call_backs import CallBack
from bot.content import Content, spoken
from bot.engine.turn import Said

KIND = "book"
BACK = "intent:back_to_bot"
BOOK = "book:days"
WAIT = "book:wait"
CANCEL = "book:cancel"
REMIND = "book:remind"
PERSON = "intent:want_person"
_INTENTS = {BACK: "choice_back_to_bot", PERSON: "choice_person"}
SHORT = 8  # words; a longer text is no command
Body = dict[str, Any]


def typed_choice(
    text: str, slots: Mapping[str, Any], content: Content, language: str
) -> str | None:
    """The button a short text stands for while a time is chosen or booked; None otherwise."""
    booking = slots.get("booking") or {}
    if len(text.split()) > SHORT:
        return None
    plain = _plain(text)
    for choice in booking.get("offered") or []:
        if plain == _plain(label(choice, content, language) or ""):
            return str(choice)
    if booking.get("booked"):
        for word, choice in (("cancel", CANCEL), ("change", BOOK)):
            if answers.is_said(content, language, f"book_{word}", text):
                return choice
    if plain in {_plain(way) for way in content.raw(language, "said_book").split("|")}:
        return BOOK
    return None


def with_booked(slots: dict[str, Any], made: CallBack | None) -> dict[str, Any]:
    """The slots where also a time that a guide has booked can be changed in words."""
    known = slots.get("booking") or {}
    if made is None or known.get("booked"):
        return slots
    return {**slots, "booking": {**known, "booked": str(made.id)}}


def wants_back(text: str, choice: str | None, content: Content) -> bool:
    """Whether the parent wants the assistant instead of a person, by button or in words."""
    if choice is not None:
        return choice == BACK
    ways = [content.raw(code, "said_back_to_bot") for code in content.languages]
    return _plain(text) in {_plain(way) for listed in ways for way in listed.split("|")}


def said(choice: str, reference: str, slots: Mapping[str, Any]) -> Said:
    """What a button of the booking says: what is known so far, and the step that was pressed."""
    kind, _, name = choice.partition(":")
    if kind != KIND:
        return Said(reference, "answer")
    step, _, value = name.partition("_")
    known = {**(slots.get("booking") or {}), "step": step, "value": value}
    return Said(reference, "book", 1.0, {"booking": known})


def label(choice: str, content: Content, language: str) -> str | None:
    """The words of a button, None for what is none."""
    step, _, value = choice.removeprefix(f"{KIND}:").partition("_")
    if step in ("day", "time", "later") and value:
        try:
            moment = dt.datetime.fromisoformat(value).replace(tzinfo=LOCAL)
        except ValueError:
            return None
        if step == "time":
            return content.clock(language, moment)
        if step == "later":
            return content.text(language, "choice_book_later", time=content.clock(language, moment))
        pattern = content.raw(language, "format_day")
        day = str(format_datetime(moment, pattern, locale=spoken(language)))
        return f"{day[:1].upper()}{day[1:]}"
    text_id = f"choice_book_{step}_{value}" if value else f"choice_book_{step}"
    return content.raw(language, text_id) if content.has(language, text_id) else None


def body(values: Mapping[str, Any], content: Content, language: str) -> Body:
    """Buttons, lines and the calendar link that an action asked for."""
    shown: Body = {}
    choices: Sequence[str] = values.get("choices") or ()
    if choices:
        shown["choices"] = [
            {"id": choice, "label": _any_label(choice, content, language)} for choice in choices
        ]
    if "minutes" in values:
        shown["lines"] = _confirmed(values, content, language)
    if ticket := values.get("ticket"):
        text = content.raw(language, "book_to_calendar")
        shown["links"] = [{"href": f"/tid/{ticket}", "label": text}]
    return shown


def _confirmed(values: Mapping[str, Any], content: Content, language: str) -> list[Body]:
    """Who, where, how long and how to prepare."""
    starts_at = dt.datetime.fromisoformat(values["starts_at"])
    prepare = values["prepare"].get(language) or content.raw(language, "book_prepare")
    lines = {
        "when": content.when(language, starts_at),
        "who": content.raw(language, f"function_{values['function']}"),
        "where": content.raw(language, f"book_where_{values['how']}"),
        "minutes": content.text(language, "book_minutes", minutes=values["minutes"]),
        "prepare": prepare,
    }
    return [
        {"id": f"line_book_{name}", "label": content.raw(language, f"line_book_{name}"), "value": v}
        for name, v in lines.items()
    ]


def worded(values: Mapping[str, Any], content: Content, language: str) -> dict[str, str]:
    """Moments among the values of a reply (`…_at`, ISO) in words, under `when` and the like."""
    return {
        name: content.when(language, dt.datetime.fromisoformat(values[key]))
        for key, name in (("starts_at", "when"), ("promised_at", "when"), ("before_at", "before"))
        if values.get(key)
    }


def _any_label(choice: str, content: Content, language: str) -> str:
    if choice.startswith("intent:"):
        return content.raw(language, _INTENTS[choice])
    return label(choice, content, language) or choice


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace(".", " ").replace(",", " ").replace("!", " ").split())
