"""One turn: from a claimed message to everything the turn changes."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from bot import case, handoff
from bot.complexity import Assessment, Complexity
from bot.content import Content
from bot.engine.compile import Policy
from bot.engine.engine import Decision, Engine, EngineError, Said
from bot.engine.reply import ReplyRequest
from bot.handoff import Handoff
from bot.ledger import Claim, Conversation, Effect, Ledger, TurnResult
from bot.log import get_log
from bot.messages import Author, Outcome, OutgoingMessage, StoredMessage
from bot.replies import Replies, Setting
from bot.understanding import (
    Found,
    Reader,
    UnderstandingError,
    UnderstandingTimeoutError,
    Wanted,
)
from knowledge.catalogue import Catalogue, Municipality
from nlu import safety
from nlu.pipeline import Understanding

log = get_log()
FACT_INTENTS = frozenset({"tell", "affirm", "deny", "unclear"})
SWITCH_WORDS = 4  # shorter texts do not change the language of the conversation
_BARE_NUMBER = re.compile(r"^\D{0,20}(\d{1,2})\D{0,20}$")
_OUTCOMES = {
    "utter_matches": Outcome.ANSWERED,
    "utter_one_match": Outcome.ANSWERED,
    "utter_no_match": Outcome.NO_MATCH,
    "utter_out_of_scope": Outcome.OUT_OF_SCOPE,
    "utter_not_understood": Outcome.CLARIFIED,
    "utter_handoff_waiting": Outcome.HANDED_OFF,
}


@dataclass
class Turn:
    """What an action may see and do in the turn at hand."""

    conversation: Conversation
    municipality: Municipality
    language: str
    catalogue: Catalogue
    policy: Policy
    complexity: Complexity
    ledger: Ledger
    reader: Reader
    open_handoff: Handoff | None
    guide_name: str = ""
    now: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    effects: list[Effect] = field(default_factory=list)
    level: str | None = None

    def assess(self, slots: Mapping[str, Any]) -> Assessment:
        """The level of the case as known so far."""
        is_acute = self.conversation.is_acute
        return self.complexity.assess(case.case_of(slots, is_acute=is_acute))

    async def find(self, slots: Mapping[str, Any], k: int = 3) -> list[Found]:
        """The support that fits the case. Raises UnderstandingError when search is down."""
        texts = await self.ledger.texts(self.conversation.id, slots.get("story") or [])
        needs: dict[str, float] = slots.get("needs") or {}
        labels = [self.catalogue.taxonomy.needs[n].label["sv"] for n in case.strongest_needs(slots)]
        wanted = Wanted(
            text=" ".join(texts) or ". ".join(labels),
            language=self.language,
            needs=needs,
            child_ages=case.child_ages(slots),
            relation=slots.get("relation"),
            avoid_kinds=case.kinds_to_avoid(slots),
        )
        found = await self.reader.find(self.municipality.id, wanted, k)
        return [match for match in found if match.service_id in self.catalogue.services]


_current: ContextVar[Turn] = ContextVar("turn")


def current_turn() -> Turn:
    """The turn an action is run in."""
    return _current.get()


class Conversations:
    """Takes turns: understand, decide, word."""

    def __init__(
        self,
        ledger: Ledger,
        reader: Reader,
        engine: Engine,
        replies: Replies,
        complexity: Complexity,
        engine_timeout: float,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._ledger = ledger
        self._reader = reader
        self._engine = engine
        self._replies = replies
        self._complexity = complexity
        self._engine_timeout = engine_timeout
        self._clock = clock

    @property
    def _content(self) -> Content:
        return self._replies.content

    @property
    def _policy(self) -> Policy:
        return self._replies.policy

    async def take(self, claim: Claim) -> TurnResult:
        """Everything one turn changes; never raises for a failing part, the parent gets words."""
        started = time.perf_counter()
        message = claim.message
        conversation = await self._ledger.conversation(message.conversation_id)
        async with self._ledger.transaction() as connection:
            open_handoff = await handoff.open_for(connection, self._ledger.seal, conversation.id)
            on_duty = await handoff.is_on_duty(connection, conversation.municipality)
        setting = Setting(
            municipality=self._replies.catalogue.municipalities[conversation.municipality],
            language=conversation.language,
            now=self._clock(),
            on_duty=on_duty,
        )
        result = await self._turn(claim, conversation, open_handoff, setting)
        milliseconds = int((time.perf_counter() - started) * 1000)
        return replace(result, milliseconds=milliseconds)

    async def _turn(
        self,
        claim: Claim,
        conversation: Conversation,
        open_handoff: Handoff | None,
        setting: Setting,
    ) -> TurnResult:
        message = claim.message
        check = safety.check(message.text, conversation.language) if message.text else None
        is_acute = message.author is Author.PARENT and check is not None and check.acute
        if is_acute and check is not None:
            answer = [] if claim.answered_acute else [self._replies.acute(check, setting)]
            return TurnResult(Outcome.ACUTE, answer, 0, level="acute")
        if open_handoff is not None and open_handoff.state == "held":
            return TurnResult(Outcome.HELD_BY_GUIDE, [], 0)
        if claim.times > 1:
            return self._fixed(Outcome.TIMED_OUT, setting)
        try:
            said, language, check = await self._said(message, conversation)
        except UnderstandingTimeoutError:
            return self._fixed(Outcome.TIMED_OUT, setting)
        except UnderstandingError as error:
            log.error("understanding_error", message_id=message.id, error=_named(error))
            return self._fixed(Outcome.ERROR_UNDERSTANDING, setting)
        setting = replace(setting, language=language)
        turn = Turn(
            conversation=conversation,
            municipality=setting.municipality,
            language=language,
            catalogue=self._replies.catalogue,
            policy=self._policy,
            complexity=self._complexity,
            ledger=self._ledger,
            reader=self._reader,
            open_handoff=open_handoff,
            guide_name=message.text if message.author is Author.SYSTEM else "",
            now=setting.now,
        )
        _current.set(turn)
        try:
            decision = await self._decide(conversation, said)
        except (EngineError, TimeoutError) as error:
            timed_out = isinstance(error, TimeoutError)
            log.error("engine_error", message_id=message.id, error=_named(error))
            return self._fixed(Outcome.TIMED_OUT if timed_out else Outcome.ERROR_ENGINE, setting)
        if not decision.replies:
            log.error("engine_silent", message_id=message.id, intent=said.intent)
            return self._fixed(Outcome.ERROR_ENGINE, setting)
        result = self._result(message, decision, turn, setting, conversation)
        return self._with_danger(result, check, conversation, setting)

    def _with_danger(
        self,
        result: TurnResult,
        check: safety.Check,
        conversation: Conversation,
        setting: Setting,
    ) -> TurnResult:
        """What only the models saw: its answer first, and then what was asked for.

        Where they are not sure, one line says what to do if somebody is in danger.
        """
        if not check.acute or conversation.is_acute:
            return result
        if check.sure:
            replies = [self._replies.acute(check, setting), *result.replies]
            return replace(result, replies=replies, outcome=Outcome.ACUTE, level="acute")
        if conversation.active_loop not in (None, "form_start"):
            return result
        return replace(result, replies=[self._replies.maybe_acute(setting), *result.replies])

    async def _decide(self, conversation: Conversation, said: Said) -> Decision:
        state = await self._ledger.dialogue_state(conversation.id)
        async with asyncio.timeout(self._engine_timeout):
            return await self._engine.decide(str(conversation.id), said, state)

    def _result(
        self,
        message: StoredMessage,
        decision: Decision,
        turn: Turn,
        setting: Setting,
        conversation: Conversation,
    ) -> TurnResult:
        asked = tuple(self._policy.forms().get(decision.active_loop or "", []))
        setting = replace(setting, asked=asked)
        said = list(decision.replies)
        if _is_changed(conversation.slots, decision):
            rest = [reply for reply in said if not reply.id.startswith("utter_noted")]
            said = [ReplyRequest("utter_changed"), *rest]
        masked = self._masked_notice(message, setting)
        replies = [*masked, *(self._replies.word(reply, setting) for reply in said)]
        return TurnResult(
            outcome=_outcome(decision),
            replies=replies,
            milliseconds=0,
            events=decision.events,
            state=decision.state,
            active_loop=decision.active_loop,
            requested_slot=decision.requested_slot,
            slots=dict(decision.slots),
            language=setting.language if setting.language != conversation.language else None,
            level=turn.level,
            effects=tuple(turn.effects),
        )

    def _masked_notice(self, message: StoredMessage, setting: Setting) -> list[OutgoingMessage]:
        kinds: Sequence[str] = message.body.get("masked", ())
        if not kinds:
            return []
        names = [self._content.raw(setting.language, f"masked_{kind}") for kind in kinds]
        listed = self._content.listed(setting.language, names)
        return [self._replies.word(ReplyRequest("utter_masked", {"kinds": listed}), setting)]

    def _fixed(self, outcome: Outcome, setting: Setting) -> TurnResult:
        return TurnResult(outcome, [self._replies.word(ReplyRequest("utter_fixed"), setting)], 0)

    async def _said(
        self, message: StoredMessage, conversation: Conversation
    ) -> tuple[Said, str, safety.Check]:
        """What was said, for the engine, the language to answer in, and the danger in it."""
        reference = f"message:{message.seq}"
        if message.author is Author.SYSTEM:
            path = conversation.slots.get("paused_path")
            resumed = Said(reference, "resume", 1.0, {"path": path} if path else {})
            return resumed, message.language, safety.NO_DANGER
        choice = message.choice or self._typed_choice(message.text, conversation)
        if choice is not None:
            chosen = self._chosen(choice, reference, conversation)
            return chosen, conversation.language, safety.NO_DANGER
        return await self._told(message, reference, conversation)

    def _chosen(self, choice: str, reference: str, conversation: Conversation) -> Said:
        """A pressed button or a typed label; ids are `<question>:<choice>` or `intent:<intent>`."""
        kind, _, names = choice.partition(":")
        if kind == "intent":
            return Said(reference, names)
        question = self._policy.questions.get(kind)
        if question is None:
            return Said(reference, "answer")
        values = [c.value for c in question.choices if c.id in names.split(",")]
        if not values:
            return Said(reference, "answer")
        entities: dict[str, Any] = {question.entity: values if question.multiple else values[0]}
        if kind == "path":
            assumed = {need: 1.0 for need in self._policy.paths[values[0]].starts_with}
            entities["needs"] = {**(conversation.slots.get("needs") or {}), **assumed}
            is_start = conversation.active_loop == "form_start"
            return Said(reference, "answer" if is_start else "tell", 1.0, entities)
        if kind == conversation.requested_slot:
            return Said(reference, "answer", 1.0, entities)
        return self._correction(reference, entities, conversation)

    def _correction(
        self, reference: str, entities: dict[str, Any], conversation: Conversation
    ) -> Said:
        """Something known is told anew; with no question open, the suggestions are made again."""
        if conversation.active_loop is None:
            known = case.strongest_needs({**conversation.slots, **entities})
            entities = {"path": self._policy.path_for(known) or "other", **entities}
        return Said(reference, "tell", 1.0, entities)

    async def _told(
        self, message: StoredMessage, reference: str, conversation: Conversation
    ) -> tuple[Said, str, safety.Check]:
        understanding = await self._reader.understand(message.text, conversation.language)
        loop, words = conversation.active_loop, len(message.text.split())
        known = {**conversation.slots, "requested_slot": conversation.requested_slot}
        entities = case.entities_of(
            understanding,
            known,
            self._policy,
            message.seq,
            may_start=loop in (None, "form_start"),
            words=words,
        )
        entities.update(_in_context(message.text, understanding.intent, entities, conversation))
        language = conversation.language
        if understanding.language in self._content.languages and words >= SWITCH_WORDS:
            language = understanding.language
        said = Said(reference, understanding.intent, understanding.confidence, entities)
        if loop and conversation.requested_slot in entities:
            said = replace(said, intent="answer")
        elif _is_new_fact(understanding, entities, conversation, words):
            entities.pop("path", None)
            said = self._correction(reference, entities, conversation)
        return said, language, understanding.safety

    def _typed_choice(self, text: str, conversation: Conversation) -> str | None:
        """The choice whose label the parent typed word for word."""
        question = conversation.requested_slot
        if question is None or question not in self._policy.questions:
            return None
        typed = text.strip().strip(".!").casefold()
        for choice in self._policy.questions[question].choices:
            for language in self._content.languages:
                label = self._content.raw(language, f"choice_{question}_{choice.id}")
                if typed == label.strip(".").casefold():
                    return f"{question}:{choice.id}"
        return None


def _is_new_fact(
    understanding: Understanding,
    entities: Mapping[str, Any],
    conversation: Conversation,
    words: int,
) -> bool:
    """A fact told outside its question, perhaps within a yes or no ("no, she is 12")."""
    if understanding.intent not in FACT_INTENTS or not case.FACTS & set(entities):
        return False
    if understanding.intent != "tell":
        return True
    is_known = bool(conversation.slots.get("needs")) and conversation.active_loop is None
    return is_known and case.is_correction(understanding, entities, words)


def _in_context(
    text: str, intent: str, entities: Mapping[str, Any], conversation: Conversation
) -> dict[str, Any]:
    """Short answers that mean something only because of the question they answer."""
    question = conversation.requested_slot
    if question is None or question in entities:
        return {}
    if question == "actors" and intent == "deny":
        return {"actors": ["nobody"]}
    number = _BARE_NUMBER.match(text.strip())
    if number is None:
        return {}
    value = int(number[1])
    if question == "child_age" and value <= 25:
        return {"child_age": value}
    if question == "coping" and 1 <= value <= 5:
        return {"coping": value}
    return {}


def _is_changed(before: Mapping[str, Any], decision: Decision) -> bool:
    """An answer given earlier was replaced; the parent is told, so that she can trust it."""
    return any(
        before.get(slot) is not None
        and decision.slots.get(slot) is not None
        and before[slot] != decision.slots[slot]
        for slot in ("child_age", "how_long", "coping")
    )


def _outcome(decision: Decision) -> Outcome:
    for reply in decision.replies:
        if reply.id in _OUTCOMES:
            return _OUTCOMES[reply.id]
    return Outcome.ASKED if decision.requested_slot else Outcome.ANSWERED


def _named(error: BaseException) -> str:
    """The types in the chain of an error; its words may hold a parent's."""
    names = []
    current: BaseException | None = error
    while current is not None:
        names.append(type(current).__name__)
        current = current.__cause__
    return " < ".join(names)
