"""Several needs at once, one at a time; and the first care for a parent who cries out."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.say import say
from bot.conversation import current_turn

HEAVY = 4  # of five: from here the parent's own strength comes first


class Agenda(Action):
    """Says what was heard; the form then asks which to take first."""

    def name(self) -> str:
        return "action_agenda"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        say(dispatcher, "utter_agenda", needs=list(current_turn().heard))
        return []


class AgendaNext(Action):
    """After the suggestions for one need the next is offered; without one nothing is said.

    The path is walked to its end: a form entered in the same turn may have read it once more.
    """

    def name(self) -> str:
        return "action_agenda_next"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        if waiting := tracker.get_slot("agenda"):
            say(dispatcher, "utter_agenda_next", needs=waiting[:1])
        return [SlotSet("path", None)]


class CryHeard(Action):
    """Before it is asked what is hardest: somebody to talk to, for who is worn out or alone."""

    def name(self) -> str:
        return "action_cry_heard"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        coping, company = tracker.get_slot("coping"), tracker.get_slot("with_you")
        is_heavy = isinstance(coping, int) and coping >= HEAVY
        if is_heavy or company in ("children", "nobody"):
            say(dispatcher, "utter_cry_numbers")
        else:
            say(dispatcher, "utter_cry_heard")
        return [SlotSet("path", None)]
