"""Says which person is the next step for a level, or what exists where there is none."""

from __future__ import annotations

from rasa_sdk.executor import CollectingDispatcher

from actions.say import say
from bot.complexity import LEVELS, Level
from bot.conversation import Turn


def say_next_step(
    dispatcher: CollectingDispatcher, turn: Turn, level: Level, at_least: Level = "information"
) -> None:
    """The coordinator for what needs one, else the guide; absent ones are said to be absent."""
    level = max(level, at_least, key=LEVELS.index)
    functions = turn.municipality.functions
    if level == "coordinator":
        coordinator = functions["coordinator"]
        if coordinator.exists:
            say(dispatcher, "utter_next_coordinator")
            return
        say(dispatcher, "utter_next_coordinator_absent", steps=list(coordinator.instead))
    if level != "information":
        guide = functions["guide"]
        if guide.exists:
            say(dispatcher, "utter_next_guide")
        else:
            say(dispatcher, "utter_next_guide_absent", steps=list(guide.instead))
