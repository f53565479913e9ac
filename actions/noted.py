"""Acknowledges what the parent told."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.say import say


class Noted(Action):
    def name(self) -> str:
        return "action_noted"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        is_first = not tracker.active_loop_name
        say(dispatcher, "utter_noted_first" if is_first else "utter_noted")
        return []


class Chosen(Action):
    """The parent chose or told what is hardest; the form of that path follows."""

    def name(self) -> str:
        return "action_chosen"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        say(dispatcher, "utter_noted_first")
        return []
