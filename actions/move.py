"""Moves about among the questions: back, once more, one put anew, in simpler words."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.say import say
from bot.conversation import current_turn
from bot.engine.compile import NOT_ASKED


class GoBack(Action):
    """Puts the answer before the open question aside, so that the form asks it again."""

    def name(self) -> str:
        return "action_go_back"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        asked = (tracker.get_slot("asked") or {}).get("questions", [])
        if not tracker.active_loop_name:
            return _ask_last(dispatcher, asked)
        questions = current_turn().policy.forms().get(tracker.active_loop_name, [])
        now = tracker.get_slot("requested_slot")
        before = questions[: questions.index(now)] if now in questions else []
        answered = [q for q in before if tracker.get_slot(q) not in (None, NOT_ASKED)]
        if not answered:
            say(dispatcher, "utter_repeat")
            return []
        say(dispatcher, "utter_went_back")
        # What was asked comes before what the parent told by herself.
        back = next((q for q in reversed(answered) if q in asked), answered[-1])
        left = dict(tracker.get_slot("left") or {})
        restored = [SlotSet(now, left.pop(now))] if now in left else []
        left[back] = tracker.get_slot(back)
        return [*restored, SlotSet(back, None), SlotSet("left", left)]


def _ask_last(dispatcher: CollectingDispatcher, asked: list[str]) -> list[dict[str, Any]]:
    """After the last question that one is put anew; its answer stands until another is given."""
    if not asked:
        say(dispatcher, "utter_not_understood")
        return []
    say(dispatcher, "utter_went_back")
    say(dispatcher, f"utter_ask_{asked[-1]}")
    return [SlotSet("changing", asked[-1])]


class Repeat(Action):
    """The form asks its question again by itself."""

    def name(self) -> str:
        return "action_repeat"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        if tracker.active_loop_name:
            say(dispatcher, "utter_repeat")
        elif changing := tracker.get_slot("changing"):
            say(dispatcher, "utter_repeat")
            say(dispatcher, f"utter_ask_{changing}")
        else:
            say(dispatcher, "utter_not_understood")
        return []


class Change(Action):
    """Puts the question of one line of the summary anew; the rest stands."""

    def name(self) -> str:
        return "action_change"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        question = tracker.get_slot("changing")
        if question not in current_turn().policy.questions:
            say(dispatcher, "utter_not_understood")
            return [SlotSet("changing", None)]
        say(dispatcher, "utter_change")
        say(dispatcher, f"utter_ask_{question}")
        return []


class Simpler(Action):
    """From now on every question is put in simpler words."""

    def name(self) -> str:
        return "action_simpler"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        say(dispatcher, "utter_simpler")
        if not tracker.active_loop_name and (changing := tracker.get_slot("changing")):
            say(dispatcher, f"utter_ask_{changing}")
        return [SlotSet("simpler", True)]
