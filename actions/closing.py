"""The end of a conversation: whether the family got the help it needs, and what follows from it."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.next_step import say_next_step
from actions.say import say
from bot import gaps, safe_use
from bot.case import child_ages, strongest_needs
from bot.conversation import Turn, current_turn
from bot.database import Connection
from bot.messages import StoredMessage
from bot.suggestions import plan_b

SAFE_WORDS = {
    "only_me": "utter_safe_only_me",
    "others_can_see": "utter_safe_others",
    "unsure": "utter_safe_unsure",
}
Events = list[dict[str, Any]]


class Closing(Action):
    """Says what the answer on the phone means, and asks if the help was enough.

    While another need waits its turn the question is not put yet.
    """

    def name(self) -> str:
        return "action_closing"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        slots, events = tracker.slots, []
        told = list(slots.get("told") or [])
        answer = safe_use.answer(slots)
        if answer is not None and f"safe_{answer}" not in told:
            say(dispatcher, SAFE_WORDS[answer])
            events.append(SlotSet("told", [*told, f"safe_{answer}"]))
        if slots.get("agenda"):
            return [*events, SlotSet("closing", None)]
        say(dispatcher, "utter_enough")
        return [*events, SlotSet("closing", "asked")]


class Helped(Action):
    def name(self) -> str:
        return "action_helped"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        say(dispatcher, "utter_good")
        return _answered("yes", None)


class PartlyHelped(Action):
    """Asks what is missing; what is told then is searched with, without what was shown."""

    def name(self) -> str:
        return "action_partly_helped"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        say(dispatcher, "utter_missing")
        count_gap(current_turn(), tracker.slots, "partly")
        return _answered("partly", "missing")


class NotHelped(Action):
    """What to do after a no, and the person who is the next step."""

    def name(self) -> str:
        return "action_not_helped"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        turn, slots = current_turn(), tracker.slots
        say(dispatcher, "utter_not_helped")
        _say_plan_b(dispatcher, turn, slots)
        say_next_step(dispatcher, turn, turn.assess(slots).level, at_least="guide")
        count_gap(turn, slots, "not_enough")
        return _answered("no", None)


class Thanks(Action):
    def name(self) -> str:
        return "action_thanks"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        if tracker.slots.get("got_help") == "yes":
            say(dispatcher, "utter_goodbye")
            return []
        say(dispatcher, "utter_thanks")
        return [SlotSet("closing", "asked")]


class Goodbye(Action):
    """Asks once more only where something was told and the question is not answered yet."""

    def name(self) -> str:
        return "action_goodbye"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        slots = tracker.slots
        say(dispatcher, "utter_goodbye")
        if not slots.get("needs") or slots.get("got_help") in ("yes", "no"):
            return []
        say(dispatcher, "utter_enough")
        return [SlotSet("closing", "asked")]


def count_gap(turn: Turn, slots: dict[str, Any], reason: gaps.Reason) -> None:
    """Count, with the turn, that support was missing: no text, no conversation."""
    need = next(iter(strongest_needs(slots)), None)
    ages = child_ages(slots)

    async def count(connection: Connection, message: StoredMessage) -> None:
        await gaps.count(
            connection, message.municipality, need=need, ages=ages, reason=reason, now=turn.now
        )

    turn.effects.append(count)


def _say_plan_b(dispatcher: CollectingDispatcher, turn: Turn, slots: dict[str, Any]) -> None:
    """The plan B of the latest card shown that has one."""
    for service_id in slots.get("shown") or []:
        service = turn.catalogue.services.get(service_id)
        if service is not None and plan_b().of(service) is not None:
            say(dispatcher, "utter_not_helped_plan_b", service_id=service_id)
            return


def _answered(got_help: str, closing: str | None) -> Events:
    return [SlotSet("got_help", got_help), SlotSet("closing", closing)]
