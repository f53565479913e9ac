"""Shows what was understood, support that fits, the level with its reasons, the next step."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.closing import count_gap
from actions.next_step import say_next_step
from actions.say import say
from bot import safe_use
from bot.case import facts_of
from bot.complexity import Assessment
from bot.conversation import Turn, current_turn
from bot.engine.compile import NOT_ASKED
from bot.suggestions import card_policy, tried_kinds
from bot.understanding import Found, UnderstandingError

MARGIN = 5  # entries looked at beyond those wanted, to have others for what was shown already
Events = list[dict[str, Any]]


class Suggest(Action):
    """At most a few cards; where the parent is telling what was missing, none that she has seen."""

    def name(self) -> str:
        return "action_suggest"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        turn, slots = current_turn(), tracker.slots
        assessment = turn.assess(slots)
        turn.level = assessment.level
        told = list(slots.get("told") or [])
        facts = facts_of(slots)
        if facts["needs"]:
            say(dispatcher, "utter_understood", facts=facts)
        told += _say_must_report(dispatcher, slots, told)
        seen = list(slots.get("shown") or []) if slots.get("closing") == "missing" else []
        found = await _find(turn, slots, without=seen)
        about = [slots.get("agenda_first"), *sorted(facts["needs"])]
        if slots.get("suggested") == about and _is_nothing_new(found, slots, assessment):
            say(dispatcher, "utter_same_matches")
            return [SlotSet("path", None)]
        if found:
            _say_matches(dispatcher, found, turn)
            told += _say_no_diagnosis(dispatcher, found, turn, slots, told)
        else:
            say(dispatcher, "utter_no_match")
            count_gap(turn, slots, "no_match")
        _say_level(dispatcher, assessment)
        if assessment.same_day:
            say(dispatcher, "utter_same_day")
        say_next_step(dispatcher, turn, assessment.level)
        if assessment.level == "coordinator" and "coordinator" not in told:
            say(dispatcher, "utter_explain_coordinator")
            say(dispatcher, "utter_request_coordinator")
            told.append("coordinator")
        may_link = safe_use.may_send(slots, is_acute=turn.conversation.is_acute)
        if found and may_link and "tools" not in told:
            say(dispatcher, "utter_tools")
            told.append("tools")
        return [
            SlotSet("path", None),
            SlotSet("level", assessment.level),
            SlotSet("suggested", about),
            SlotSet("shown", _shown(slots, found)),
            SlotSet("told", told),
            SlotSet("safe_contact", _safe_contact(slots, await _is_danger_at_home(turn))),
        ]


class Tried(Action):
    """The next entry that fits, in place of one the family has tried."""

    def name(self) -> str:
        return "action_tried"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Events:
        turn = current_turn()
        kinds = tried_kinds(turn.catalogue.services, tracker.slots)
        slots = {**tracker.slots, "tried": kinds}
        found = await _find(turn, slots, without=list(slots.get("shown") or []), most=1)
        if found:
            say(dispatcher, "utter_another", matches=_as_matches(found, []))
        else:
            say(dispatcher, "utter_no_other")
            count_gap(turn, slots, "all_tried")
        return [SlotSet("tried", kinds), SlotSet("shown", _shown(slots, found))]


def _is_nothing_new(found: list[Found], slots: dict[str, Any], assessment: Assessment) -> bool:
    """What was told leads to entries that stand above, and to the same level."""
    shown = slots.get("shown") or []
    is_same = bool(found) and all(match.service_id in shown for match in found)
    return is_same and slots.get("level") == assessment.level


async def _find(
    turn: Turn, slots: dict[str, Any], without: list[str], most: int | None = None
) -> list[Found]:
    """The best entries that are not among those to leave out; none when search is down."""
    wanted = card_policy().most if most is None else most
    left_out = {*without, *(slots.get("tried_services") or [])}
    k = wanted + len(left_out) + MARGIN if left_out else wanted
    try:
        found = await turn.find(slots, k)
    except UnderstandingError:
        return []
    return [match for match in found if match.service_id not in left_out][:wanted]


def _say_matches(dispatcher: CollectingDispatcher, found: list[Found], turn: Turn) -> None:
    services = [turn.catalogue.services[match.service_id] for match in found]
    matches = _as_matches(found, card_policy().first_of(services))
    say(dispatcher, "utter_matches" if len(matches) > 1 else "utter_one_match", matches=matches)
    if not services[0].phones and not services[0].url:
        centre = {"service_id": turn.municipality.contact_centre, "reasons": []}
        say(dispatcher, "utter_contact_centre", matches=[centre])


def _as_matches(found: list[Found], first_steps: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "service_id": match.service_id,
            "score": round(match.score, 3),
            "reasons": [{"id": r.id, "values": dict(r.values)} for r in match.reasons],
            "first_step": match.service_id in first_steps,
            "can_be_tried": True,
        }
        for match in found
    ]


def _say_must_report(
    dispatcher: CollectingDispatcher, slots: dict[str, Any], told: list[str]
) -> list[str]:
    """What staff must report, once, where a case comes near it."""
    if "must_report" in told or not card_policy().says_must_report(slots.get("needs") or {}):
        return []
    say(dispatcher, "utter_must_report")
    return ["must_report"]


def _say_no_diagnosis(
    dispatcher: CollectingDispatcher,
    found: list[Found],
    turn: Turn,
    slots: dict[str, Any],
    told: list[str],
) -> list[str]:
    """Once: support does not wait for a diagnosis, with an entry that shows it."""
    services = [turn.catalogue.services[match.service_id] for match in found]
    open_one = card_policy().open_without_diagnosis(services, slots.get("needs") or {})
    if open_one is None or "no_diagnosis" in told:
        return []
    say(dispatcher, "utter_no_diagnosis", name=open_one.name)
    return ["no_diagnosis"]


def _say_level(dispatcher: CollectingDispatcher, assessment: Assessment) -> None:
    """A level by a need alone has no points to show; then it is said without "because"."""
    signals = [signal.id for signal in assessment.signals]
    is_bare = assessment.level == "guide" and not signals
    reply = "utter_level_guide_gently" if is_bare else f"utter_level_{assessment.level}"
    say(dispatcher, reply, signals=signals)


def _shown(slots: dict[str, Any], found: list[Found]) -> list[str]:
    """The latest first."""
    new = [match.service_id for match in found]
    return list(dict.fromkeys([*new, *(slots.get("shown") or [])]))


async def _is_danger_at_home(turn: Turn) -> bool:
    """Danger is answered before the engine hears of it; the answer says what it was."""
    if not turn.conversation.is_acute:
        return False
    messages = await turn.ledger.messages(turn.conversation.id)
    return safe_use.is_danger_at_home(message.reply_id for message in messages)


def _safe_contact(slots: dict[str, Any], is_danger_at_home: bool) -> str | None:
    """Left open, so that it is asked, only near violence or control; an answer is kept."""
    known = slots.get("safe_contact")
    if safe_use.answer(slots) is not None:
        return str(known)
    return None if safe_use.must_ask(slots, is_acute=is_danger_at_home) else NOT_ASKED
