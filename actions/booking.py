"""Books a call or a chat with a person: day, time, how; moves it and cancels it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.say import say
from bot import call_backs, handoff, reminders
from bot.booking import BACK, BOOK, CANCEL, PERSON, REMIND, WAIT
from bot.calendar import LOCAL, answer_by
from bot.call_backs import How, Slot, SlotTakenError
from bot.conversation import Turn, current_turn
from bot.handoff import TransitionError
from bot.safe_use import may_send

Events = list[dict[str, Any]]
MOST_TIMES = 8  # buttons at once


class Book(Action):
    """One step of booking, as the slot `booking` says."""

    def name(self) -> str:
        return "action_book"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        turn, booking = current_turn(), dict(tracker.get_slot("booking") or {})
        if turn.open_handoff is None:
            say(dispatcher, "utter_book_first", choices=[PERSON])
            return [SlotSet("booking", None)]
        step, value = booking.get("step"), str(booking.get("value") or "")
        if step == "cancel":
            return await _cancel(dispatcher, turn)
        if step == "wait":
            return await _wait(dispatcher, turn)
        if step == "remind":
            return await _remind(dispatcher, turn, tracker.slots, booking)
        if step in ("day", "later"):
            return await offer_times(dispatcher, turn, booking, value)
        if step == "time":
            return _ask_how(dispatcher, turn, tracker.slots, {**booking, "starts_at": value})
        if step == "how" and value == "phone" and booking.get("starts_at"):
            say(dispatcher, "utter_book_number")
            return [SlotSet("booking", {**booking, "step": "number", "offered": []})]
        if step in ("how", "number") and booking.get("starts_at"):
            return await _book(dispatcher, turn, booking, "chat" if step == "how" else "phone")
        return await offer_days(dispatcher, turn, booking)


async def offer_days(
    dispatcher: CollectingDispatcher,
    turn: Turn,
    booking: dict[str, Any] | None = None,
    function: str | None = None,
) -> Events:
    """The days with free times, as buttons; nothing is said where no times can be booked."""
    slots = await _free(turn, function)
    if not slots:
        say(dispatcher, "utter_book_none")
        return [SlotSet("booking", {**(booking or {}), "step": None, "offered": []})]
    days = dict.fromkeys(slot.starts_at.date().isoformat() for slot in slots)
    state = turn.open_handoff.state if turn.open_handoff else "requested"
    rest = [CANCEL] if (booking or {}).get("booked") else [] if state == "waiting" else [WAIT]
    choices = [*(f"book:day_{day}" for day in days), *rest]
    say(dispatcher, "utter_book_day", choices=choices, starts_at=slots[0].starts_at.isoformat())
    return [SlotSet("booking", {**(booking or {}), "step": "days", "offered": choices})]


async def offer_times(
    dispatcher: CollectingDispatcher, turn: Turn, booking: dict[str, Any], value: str
) -> Events:
    """The free times of a day, from a time on."""
    try:
        after = dt.datetime.fromisoformat(value).replace(tzinfo=LOCAL)
    except ValueError:
        return await offer_days(dispatcher, turn, booking)
    on_day = [
        slot
        for slot in await _free(turn)
        if slot.starts_at.date() == after.date() and slot.starts_at >= after
    ]
    if not on_day:
        say(dispatcher, "utter_book_taken")
        return await offer_days(dispatcher, turn, booking)
    shown, later = on_day[:MOST_TIMES], on_day[MOST_TIMES:]
    choices = [f"book:time_{_local(slot)}" for slot in shown]
    choices += [f"book:later_{_local(later[0])}"] if later else []
    choices.append(BOOK)
    say(dispatcher, "utter_book_time", choices=choices)
    return [SlotSet("booking", {**booking, "step": "time", "offered": choices})]


def _ask_how(
    dispatcher: CollectingDispatcher, turn: Turn, slots: dict[str, Any], booking: dict[str, Any]
) -> Events:
    is_free = may_send(slots, is_acute=turn.is_danger)
    choices = ["book:how_phone", "book:how_chat", BOOK]
    try:
        starts_at = _moment(booking["starts_at"])
    except ValueError:
        return [SlotSet("booking", None)]
    say(
        dispatcher,
        "utter_book_how" if is_free else "utter_book_how_careful",
        choices=choices,
        starts_at=starts_at.isoformat(),
    )
    return [SlotSet("booking", {**booking, "step": "how", "offered": choices})]


async def _book(
    dispatcher: CollectingDispatcher, turn: Turn, booking: dict[str, Any], how: How
) -> Events:
    try:
        async with turn.ledger.transaction() as connection:
            made = await call_backs.book(
                connection,
                turn.ledger.seal,
                turn.conversation.id,
                turn.municipality,
                _moment(str(booking["starts_at"])),
                how,
                turn.now,
            )
    except (SlotTakenError, ValueError):
        say(dispatcher, "utter_book_taken")
        return await offer_days(dispatcher, turn, booking)
    except (TransitionError, KeyError):
        say(dispatcher, "utter_book_first", choices=[PERSON])
        return [SlotSet("booking", None)]
    function = turn.municipality.functions[made.function]  # type: ignore[index]
    prepare = function.call_backs.prepare if function.call_backs else None
    can_remind = how == "phone" and await _can_remind(turn, made.starts_at)
    choices = [*([REMIND] if can_remind else []), BOOK, CANCEL]
    say(
        dispatcher,
        f"utter_booked_{how}",
        starts_at=made.starts_at.isoformat(),
        how=how,
        minutes=made.minutes,
        function=made.function,
        prepare=dict(prepare or {}),
        ticket=made.ticket,
        choices=choices,
    )
    return [SlotSet("booking", {"booked": str(made.id), "offered": choices, "how": how})]


async def _cancel(dispatcher: CollectingDispatcher, turn: Turn) -> Events:
    async with turn.ledger.transaction() as connection:
        gone = await call_backs.cancel(connection, turn.ledger.seal, turn.conversation.id)
    if gone is None:
        say(dispatcher, "utter_book_nothing", choices=[BOOK, BACK])
    else:
        starts_at = gone.starts_at.isoformat()
        say(dispatcher, "utter_book_cancelled", starts_at=starts_at, choices=[PERSON])
    return [SlotSet("booking", None)]


async def _wait(dispatcher: CollectingDispatcher, turn: Turn) -> Events:
    """She rather waits for an answer in the chat; a booked time is let go."""
    promised_at = None
    async with turn.ledger.transaction() as connection:
        one = await handoff.open_for(
            connection, turn.ledger.seal, turn.conversation.id, is_kept=True
        )
        if one is not None and one.state in ("offered_call_back", "paused"):
            promised_at = answer_by(turn.municipality, one.function, turn.now)
            await call_backs.let_go(connection, turn.conversation.id)
            await handoff.move(
                connection, one, "rather_waits", promised_at=promised_at, actor="parent"
            )
            promised_at = promised_at if one.state == "paused" else one.promised_at
        elif one is not None:
            promised_at = one.promised_at
    if promised_at is None:
        say(dispatcher, "utter_book_first", choices=[PERSON])
    else:
        say(dispatcher, "utter_rather_waits", promised_at=promised_at.isoformat(), choices=[BACK])
    return [SlotSet("booking", None)]


async def _remind(
    dispatcher: CollectingDispatcher, turn: Turn, slots: dict[str, Any], booking: dict[str, Any]
) -> Events:
    if not may_send(slots, is_acute=turn.is_danger):
        say(dispatcher, "utter_book_no_reminder", choices=[BOOK, CANCEL])
        return [SlotSet("booking", booking)]
    due_at = None
    async with turn.ledger.transaction() as connection:
        made = await call_backs.booked(connection, turn.conversation.id)
        if made is not None and await _can_remind(turn, made.starts_at):
            due_at = await reminders.remind(connection, turn.ledger, made, turn.now, turn.language)
    if made is None:
        say(dispatcher, "utter_book_nothing", choices=[BOOK, BACK])
        return [SlotSet("booking", None)]
    if due_at is None:
        say(dispatcher, "utter_book_calendar", ticket=made.ticket, choices=[BOOK, CANCEL])
        return [SlotSet("booking", {**booking, "offered": [BOOK, CANCEL]})]
    say(dispatcher, "utter_book_reminded", starts_at=due_at.isoformat(), choices=[BOOK, CANCEL])
    return [SlotSet("booking", {**booking, "offered": [BOOK, CANCEL]})]


async def _can_remind(turn: Turn, starts_at: dt.datetime) -> bool:
    """Whether an SMS would come in time; without one there is the calendar file."""
    in_time = turn.now < starts_at - reminders.BEFORE
    return in_time and await reminders.can_text(turn.ledger, turn.reach, turn.municipality.id)


async def _free(turn: Turn, function: str | None = None) -> list[Slot]:
    function = function or (turn.open_handoff.function if turn.open_handoff else "guide")
    async with turn.ledger.transaction() as connection:
        return await call_backs.free(connection, turn.municipality, function, turn.now)


def _local(slot: Slot) -> str:
    return slot.starts_at.strftime("%Y-%m-%dT%H:%M")


def _moment(value: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=LOCAL)
