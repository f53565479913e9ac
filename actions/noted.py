"""Acknowledges what the parent told."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.say import say
from actions.tonight import say_tonight
from bot.conversation import current_turn
from knowledge.glossary import glossary

_CARE = ("utter_unclear", "utter_cry_numbers", "utter_noted")


class Noted(Action):
    def name(self) -> str:
        return "action_noted"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        is_first = not tracker.active_loop_name
        _acknowledge(dispatcher, "utter_noted_first" if is_first else "utter_noted")
        return await say_tonight(dispatcher, tracker)


class Chosen(Action):
    """The parent chose or told what is hardest; the form of that path follows."""

    def name(self) -> str:
        return "action_chosen"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        _acknowledge(dispatcher, "utter_noted_first")
        return await say_tonight(dispatcher, tracker)


class Unclear(Action):
    """Met with care once; a second time with somebody to talk to, never twice in the same words."""

    def name(self) -> str:
        return "action_unclear"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        told = list(tracker.get_slot("told") or [])
        times = sum(name.startswith("unclear") for name in told)
        say(dispatcher, _CARE[min(times, len(_CARE) - 1)])
        return [SlotSet("told", [*told, f"unclear_{times + 1}"])]


class ExplainWord(Action):
    """A word of the glossary, in the middle of whatever was asked."""

    def name(self) -> str:
        return "action_explain_word"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        words = [e["value"] for e in tracker.latest_message["entities"] if e["entity"] == "word"]
        terms = glossary()
        term = terms.explained(terms.terms[words[0]], current_turn().language)
        values = {"name": term["name"], "explanation": term["explanation"]}
        say(dispatcher, "utter_word", **values)
        return []


def _acknowledge(dispatcher: CollectingDispatcher, thanks: str) -> None:
    """Thanks; where several needs were told, which of them comes first."""
    if heard := current_turn().heard:
        say(dispatcher, "utter_agenda_urgent", needs=list(heard))
    else:
        say(dispatcher, thanks)
