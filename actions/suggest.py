"""Shows what was understood, support that fits, the level with its reasons, the next step."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.say import say
from bot.case import facts_of
from bot.complexity import Assessment
from bot.conversation import Turn, current_turn
from bot.understanding import Found, UnderstandingError


class Suggest(Action):
    def name(self) -> str:
        return "action_suggest"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        turn, slots = current_turn(), tracker.slots
        assessment = turn.assess(slots)
        turn.level = assessment.level
        facts = facts_of(slots)
        if facts["needs"]:
            say(dispatcher, "utter_understood", facts=facts)
        try:
            found = await turn.find(slots)
        except UnderstandingError:
            found = []
        _say_matches(dispatcher, found, turn)
        signals = [signal.id for signal in assessment.signals]
        say(dispatcher, _level_reply(assessment), signals=signals)
        _say_next_step(dispatcher, assessment, turn)
        say(dispatcher, "utter_enough")
        return [SlotSet("path", None), SlotSet("level", assessment.level)]


def _say_matches(dispatcher: CollectingDispatcher, found: list[Found], turn: Turn) -> None:
    matches = [
        {
            "service_id": match.service_id,
            "score": round(match.score, 3),
            "reasons": [{"id": r.id, "values": dict(r.values)} for r in match.reasons],
        }
        for match in found
    ]
    if not matches:
        say(dispatcher, "utter_no_match")
        return
    say(dispatcher, "utter_matches" if len(matches) > 1 else "utter_one_match", matches=matches)
    first = turn.catalogue.services[found[0].service_id]
    if not first.phones and not first.url:
        centre = {"service_id": turn.municipality.contact_centre, "reasons": []}
        say(dispatcher, "utter_contact_centre", matches=[centre])


def _level_reply(assessment: Assessment) -> str:
    """A level by a need alone has no points to show; then it is said without "because"."""
    if assessment.level == "guide" and not assessment.signals:
        return "utter_level_guide_gently"
    return f"utter_level_{assessment.level}"


def _say_next_step(dispatcher: CollectingDispatcher, assessment: Assessment, turn: Turn) -> None:
    if assessment.same_day:
        say(dispatcher, "utter_same_day")
    functions = turn.municipality.functions
    if assessment.level == "coordinator":
        coordinator = functions["coordinator"]
        if coordinator.exists:
            say(dispatcher, "utter_next_coordinator")
            return
        say(dispatcher, "utter_next_coordinator_absent", steps=list(coordinator.instead))
    if assessment.level != "information":
        guide = functions["guide"]
        if guide.exists:
            say(dispatcher, "utter_next_guide")
        else:
            say(dispatcher, "utter_next_guide_absent", steps=list(guide.instead))
