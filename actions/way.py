"""Moves about in the conversation: over again, delete, not understood."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import AllSlotsReset, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.say import say


class StartOver(Action):
    def name(self) -> str:
        return "action_start_over"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        say(dispatcher, "utter_start_over")
        # How questions are to be put is no answer of hers: it stays.
        return [AllSlotsReset(), SlotSet("simpler", tracker.get_slot("simpler"))]


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
