"""Moves about in the conversation: back, over again, delete, not understood."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import AllSlotsReset, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.say import say
from bot.conversation import current_turn


class GoBack(Action):
    """Empties the answer before the open question, so that the form asks it again."""

    def name(self) -> str:
        return "action_go_back"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        questions = current_turn().policy.forms().get(tracker.active_loop_name or "", [])
        asked = tracker.get_slot("requested_slot")
        before = questions[: questions.index(asked)] if asked in questions else []
        answered = [question for question in before if tracker.get_slot(question) is not None]
        if not answered:
            say(dispatcher, _asked_again(tracker))
            return []
        say(dispatcher, "utter_went_back")
        return [SlotSet(answered[-1], None)]


class Repeat(Action):
    """The form asks its question again by itself."""

    def name(self) -> str:
        return "action_repeat"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        say(dispatcher, _asked_again(tracker))
        return []


def _asked_again(tracker: Tracker) -> str:
    return "utter_repeat" if tracker.active_loop_name else "utter_not_understood"


class StartOver(Action):
    def name(self) -> str:
        return "action_start_over"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        say(dispatcher, "utter_start_over")
        return [AllSlotsReset()]


class DeleteAll(Action):
    """Asks once; the erasure itself is done at the door, where the answer can still be given."""

    def name(self) -> str:
        return "action_delete_all"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        say(dispatcher, "utter_delete_confirm")
        return []


class NotUnderstood(Action):
    def name(self) -> str:
        return "action_not_understood"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        say(dispatcher, "utter_not_understood")
        return []
