"""The level is the parent's to disagree with: more help, less help, or how it was counted."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.next_step import say_next_step
from actions.say import say
from bot.complexity import LEVELS, Level
from bot.conversation import Turn, current_turn

HIGHEST: Level = "coordinator"  # acute is never chosen: it comes from danger alone
Events = list[dict[str, Any]]


class Disagree(Action):
    def name(self) -> str:
        return "action_disagree"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        say(dispatcher, "utter_disagree")
        return []


class MoreHelp(Action):
    """One level up, with the person who is the next step there."""

    def name(self) -> str:
        return "action_more_help"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        turn = current_turn()
        level = turn.assess(tracker.slots).level
        if LEVELS.index(level) >= LEVELS.index(HIGHEST):
            say(dispatcher, "utter_most_help")
            say_next_step(dispatcher, turn, HIGHEST)
            say(dispatcher, "utter_request_coordinator")
            return []
        wanted = LEVELS[LEVELS.index(level) + 1]
        say(dispatcher, "utter_chosen")
        say_next_step(dispatcher, turn, wanted)
        if wanted == HIGHEST:
            say(dispatcher, "utter_explain_coordinator")
            say(dispatcher, "utter_request_coordinator")
        return _chosen(turn, wanted)


class LessHelp(Action):
    """One level down; where somebody may be in danger the numbers stay."""

    def name(self) -> str:
        return "action_less_help"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        turn = current_turn()
        assessment = turn.assess(tracker.slots)
        say(dispatcher, "utter_chosen")
        if assessment.same_day:
            say(dispatcher, "utter_less_in_danger")
            say(dispatcher, "utter_same_day")
        if assessment.level == "acute":
            return []
        return _chosen(turn, LEVELS[max(0, LEVELS.index(assessment.level) - 1)])


class ExplainLevel(Action):
    """Every reason with its points, and what the bot does not judge."""

    def name(self) -> str:
        return "action_explain_level"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        signals = current_turn().assess(tracker.slots).signals
        points = {signal.id: signal.points for signal in signals}
        if points:
            say(dispatcher, "utter_points", points=points)
        else:
            say(dispatcher, "utter_points_bare")
        return []


def _chosen(turn: Turn, level: Level) -> Events:
    turn.level = level
    return [SlotSet("level_choice", level), SlotSet("level", level)]
