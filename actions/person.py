"""Offers a person, and hands the conversation over as the parent chose."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.booking import offer_days
from actions.say import say
from bot import call_backs, handoff
from bot.booking import BACK, BOOK, WAIT
from bot.calendar import answer_by, opening
from bot.call_backs import bookable
from bot.case import facts_of
from bot.conversation import Turn, current_turn
from bot.database import Connection
from bot.handoff import Handoff
from bot.ledger import Effect
from bot.messages import StoredMessage

INFORMATION_VERSION = "1"
# Internal answer to the consent question where there is nothing to consent to.
NOTHING_TO_ASK = "nothing_to_ask"


class OfferPerson(Action):
    def name(self) -> str:
        return "action_offer_person"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        turn = current_turn()
        if turn.open_handoff is not None:
            say(dispatcher, "utter_handoff_already", **_already(turn.open_handoff))
            return [SlotSet("consent_handoff", NOTHING_TO_ASK)]
        function = _function(turn, turn.assess(tracker.slots).level)
        if function is None:
            steps = list(turn.municipality.functions["guide"].instead)
            say(dispatcher, "utter_offer_person_absent", steps=steps)
            return [SlotSet("consent_handoff", NOTHING_TO_ASK)]
        say(dispatcher, f"utter_offer_{function}")
        say(dispatcher, "utter_must_report")
        facts = facts_of(tracker.slots)
        if facts["needs"]:
            assessment = turn.assess(tracker.slots)
            signals = [signal.id for signal in assessment.signals]
            say(dispatcher, "utter_brief", facts=facts, level=assessment.level, signals=signals)
        return [SlotSet("consent_handoff", None)]


class RequestHandoff(Action):
    """Runs also when the question was left unanswered: then nothing is handed over."""

    def name(self) -> str:
        return "action_request_handoff"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        turn, slots = current_turn(), tracker.slots
        choice = slots.get("consent_handoff")
        asked_again = SlotSet("consent_handoff", None)
        if choice == NOTHING_TO_ASK and (turn.open_handoff or slots.get("path")):
            return [asked_again]
        if choice == NOTHING_TO_ASK:
            say(dispatcher, "utter_enough")
            return [asked_again, SlotSet("closing", "asked")]
        if choice not in ("share", "share_nothing"):
            say(dispatcher, "utter_handoff_not_now")
            return [asked_again]
        function = _function(turn, turn.assess(slots).level)
        if function is None:
            return [asked_again]
        is_offered = _is_closed(turn, function)
        promised_at = answer_by(turn.municipality, function, turn.now)
        _hand_over(turn, slots, function, promised_at, is_offered, is_shared=choice == "share")
        can_book = bool(bookable(turn.municipality, function, turn.now))
        choices = [] if is_offered else [BOOK, BACK] if can_book else [BACK]
        say(
            dispatcher,
            "utter_handoff_waiting",
            promised_at=promised_at.isoformat(),
            choices=choices,
        )
        told = "utter_handoff_shared" if choice == "share" else "utter_handoff_not_shared"
        say(dispatcher, told)
        offered = await offer_days(dispatcher, turn, None, function) if is_offered else []
        paused = SlotSet("paused_path", slots.get("path"))
        return [asked_again, paused, SlotSet("path", None), *offered]


class Returned(Action):
    """The guide gave the conversation back."""

    def name(self) -> str:
        return "action_returned"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        turn = current_turn()
        if turn.goes_back:
            turn.effects.append(_back_to_bot(turn))
            say(dispatcher, "utter_back_to_bot")
        else:
            say(dispatcher, "utter_returned", name=turn.guide_name)
        facts = facts_of(tracker.slots)
        if facts["needs"]:
            say(dispatcher, "utter_understood", facts=facts)
        if tracker.active_loop_name or tracker.get_slot("path"):
            return [SlotSet("paused_path", None)]
        say(dispatcher, "utter_enough")
        return [SlotSet("paused_path", None), SlotSet("closing", "asked")]


def _function(turn: Turn, level: str) -> str | None:
    """The coordinator for what needs one, else the guide, else after hours; None if all absent."""
    functions = turn.municipality.functions
    order = ["coordinator", "guide"] if level == "coordinator" else ["guide", "coordinator"]
    guide = functions["guide"]
    closed = turn.municipality.closures
    is_evening = guide.hours is not None and not opening(guide, turn.now, closed).is_open
    # On-call staff answer by phone; here only where one of them is signed in.
    if is_evening and turn.on_duty and opening(functions["after_hours"], turn.now, closed).is_open:
        order.insert(0, "after_hours")
    return next((name for name in order if functions[name].exists), None)  # type: ignore[index]


def _is_closed(turn: Turn, function: str) -> bool:
    """Whether nobody has time now, and a time can be booked instead of only waiting."""
    found = turn.municipality.functions[function]  # type: ignore[index]
    if turn.on_duty or opening(found, turn.now, turn.municipality.closures).is_open:
        return False
    return bool(bookable(turn.municipality, function, turn.now))


def _already(one: Handoff) -> dict[str, Any]:
    """When she gets an answer, and the ways to choose anew."""
    ways: dict[str, list[str]] = {"held": [BACK], "waiting": [BACK]}
    choices = ways.get(one.state, [BOOK, WAIT, BACK])
    promised_at = one.promised_at.isoformat() if one.promised_at else None
    return {"promised_at": promised_at, "choices": choices}


def _back_to_bot(turn: Turn) -> Effect:
    async def back(connection: Connection, message: StoredMessage) -> None:
        one = await handoff.open_for(
            connection, turn.ledger.seal, turn.conversation.id, is_kept=True
        )
        if one is not None:
            await call_backs.let_go(connection, turn.conversation.id)
            await handoff.move(connection, one, "back_to_bot", actor="parent")

    return back


def _hand_over(
    turn: Turn,
    slots: dict[str, Any],
    function: str,
    promised_at: dt.datetime,
    is_offered: bool,
    *,
    is_shared: bool,
) -> None:
    assessment = turn.assess(slots)
    facts = facts_of(slots)
    signals = [signal.id for signal in assessment.signals]
    brief = {"facts": facts, "level": assessment.level, "signals": signals} if is_shared else None
    level = "acute" if turn.conversation.is_acute else assessment.level

    async def hand_over(connection: Connection, message: StoredMessage) -> None:
        await handoff.request(
            connection,
            turn.ledger.seal,
            conversation=turn.conversation.id,
            municipality=turn.municipality.id,
            function=function,
            level=level,
            language=turn.language,
            brief=brief,
            promised_at=promised_at,
            is_offered=is_offered,
        )
        await handoff.add_consent(
            connection,
            message,
            purpose="handoff",
            choice="share" if is_shared else "share_nothing",
            version=INFORMATION_VERSION,
            text_hash=hashlib.sha256(repr(brief).encode()).hexdigest(),
        )

    turn.effects.append(hand_over)
