"""Gives the number that helps tonight before anything is asked, where nobody is with the child."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.say import say
from bot.conversation import current_turn
from bot.tonight import tonight
from bot.understanding import UnderstandingError

SAID = "tonight"


async def say_tonight(dispatcher: CollectingDispatcher, tracker: Tracker) -> list[dict[str, Any]]:
    """Said once a conversation; the events to return."""
    slots, policy = tracker.slots, tonight()
    told = list(slots.get("told") or [])
    if SAID in told or not policy.is_possible(slots):
        return []
    try:
        found = await current_turn().find(slots, policy.first)
    except UnderstandingError:
        found = []
    if not policy.holds(slots, [match.service_id for match in found]):
        return []
    say(dispatcher, "utter_tonight", lines=policy.lines)
    say(dispatcher, "utter_tonight_tell")
    return [SlotSet("told", [*told, SAID])]
