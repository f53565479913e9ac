"""One turn: from a claimed message to everything the turn changes."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import psycopg

from bot import (
    after_danger,
    booking,
    call_backs,
    case,
    clock,
    faults,
    handoff,
    safe_use,
    switches,
    tongue,
)
from bot.complexity import Assessment, Complexity
from bot.content import Content, spoken
from bot.engine.compile import Policy
from bot.engine.reply import ReplyRequest
from bot.engine.turn import Decision, EngineError, Said
from bot.handoff import Handoff
from bot.hearing import UNSAFE, Heard, Hearing, is_changed
from bot.ledger import Claim, Conversation, Effect, Ledger, TurnResult
from bot.log import get_log
from bot.messages import Author, Outcome, OutgoingMessage, StoredMessage
from bot.reminders import Reach, nowhere
from bot.replies import Replies, Setting
from bot.sharing import Sharing
from bot.understanding import (
    Found,
    Reader,
    UnderstandingError,
    UnderstandingTimeoutError,
    Wanted,
)
from knowledge.catalogue import Catalogue, Municipality
from nlu import safety

if TYPE_CHECKING:
    from bot.engine.engine import Engine

log = get_log()
# What a message would choose besides what it tells; after danger nothing is chosen for the parent.
OF_A_WAY = frozenset({"path", "agenda", "agenda_first", "changing"})
HEAVY = (4, 5)  # of how the parent copes, where 5 is the worst
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
    is_danger: bool = False  # surely; a conversation is flagged as acute also where it is perhaps
    guide_name: str = ""
    goes_back: bool = False  # the parent wants the assistant instead of a person
    on_duty: bool = False  # a guide has the console open
    now: dt.datetime = field(default_factory=clock.now)
    effects: list[Effect] = field(default_factory=list)
    level: str | None = None
    reach: Reach = nowhere
    heard: tuple[str, ...] = ()  # several needs told in this message, the most urgent first

    def assess(self, slots: Mapping[str, Any]) -> Assessment:
        """The level of the case as known so far."""
        return self.complexity.assess(case.case_of(slots, is_acute=self.is_danger))

    async def find(self, slots: Mapping[str, Any], k: int = 3) -> list[Found]:
        """The support that fits the case. Raises UnderstandingError when search is down."""
        texts = await self.ledger.texts(self.conversation.id, slots.get("story") or [])
        needs = case.weighted_needs(slots)
        taxonomy = self.catalogue.taxonomy.needs
        labels = [taxonomy[need].label["sv"] for need in case.strongest_needs(slots)]
        wanted = Wanted(
            text=" ".join(texts) or ". ".join(labels),
            language=spoken(self.language),
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
        engine: Engine | None,
        replies: Replies,
        complexity: Complexity,
        engine_timeout: float,
        reach: Reach = nowhere,
    ) -> None:
        self._ledger = ledger
        self._reader = reader
        self._engine = engine
        self._replies = replies
        self._complexity = complexity
        self._hearing = Hearing(reader, replies.content, replies.policy, complexity)
        self._sharing = Sharing(ledger, replies, replies.policy)
        self._engine_timeout = engine_timeout
        self._reach = reach
        self._clock = clock.now

    @property
    def _content(self) -> Content:
        return self._replies.content

    @property
    def _policy(self) -> Policy:
        return self._replies.policy

    async def take(self, claim: Claim) -> TurnResult:
        """Everything one turn changes; the parent gets words when a part fails.

        Raises psycopg.Error alone: without the database the turn is taken again.
        """
        started = time.perf_counter()
        message = claim.message
        conversation = await self._ledger.conversation(message.conversation_id)
        async with self._ledger.transaction() as connection:
            open_handoff = await handoff.open_for(connection, self._ledger.seal, conversation.id)
            on_duty = await handoff.is_on_duty(connection, conversation.municipality)
            if open_handoff is not None and open_handoff.state == "paused":
                made = await call_backs.booked(connection, conversation.id)
                slots = booking.with_booked(conversation.slots, made)
                conversation = replace(conversation, slots=slots)
        setting = Setting(
            municipality=self._replies.catalogue.municipalities[conversation.municipality],
            language=conversation.language,
            now=self._clock(),
            on_duty=on_duty,
        )
        try:
            result = await self._turn(claim, conversation, open_handoff, setting)
        except psycopg.Error:
            raise
        except Exception as error:  # noqa: BLE001 - whatever breaks, the parent gets words
            log.error("turn_failed", message_id=message.id, error=_named(error))
            result = self._fixed(Outcome.ERROR_ENGINE, setting)
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
        check = self._danger_in(message, conversation)
        is_acute = check is not None and check.acute
        goes_back = message.author is Author.PARENT and self._goes_back(message, open_handoff)
        is_held = open_handoff is not None and not handoff.bot_speaks(open_handoff.state)
        if is_acute and check is not None:
            return await self._in_danger(claim, conversation, open_handoff, setting, check, is_held)
        if message.author is Author.PARENT:
            settled = await self._sharing.settle(message, conversation, open_handoff, setting)
            if settled is not None:
                return settled
        if is_held and not goes_back:
            return TurnResult(Outcome.HELD_BY_GUIDE, [], 0)
        if claim.times > 1:
            return self._fixed(Outcome.TIMED_OUT, setting)
        if goes_back:
            heard = self._hearing.resumed(message, conversation)
            return await self._go_on(message, heard, conversation, open_handoff, setting, True)
        answered = await self._after_danger(message, conversation, open_handoff, setting)
        if answered is not None:
            return answered
        try:
            heard = await self._hearing.hear(message, conversation)
        except UnderstandingTimeoutError:
            return self._fixed(Outcome.TIMED_OUT, setting)
        except UnderstandingError as error:
            log.error("understanding_error", message_id=message.id, error=_named(error))
            return self._fixed(Outcome.ERROR_UNDERSTANDING, setting)
        faults.reach("heard")
        result = await self._go_on(message, heard, conversation, open_handoff, setting)
        return self._with_danger(result, heard.check, conversation, setting)

    @staticmethod
    def _danger_in(message: StoredMessage, conversation: Conversation) -> safety.Check | None:
        """What the rules see in a parent's own words; a pressed button's words are ours."""
        is_own = message.choice in (None, call_backs.GIVEN_NUMBER)
        if message.author is not Author.PARENT or not (is_own and message.text):
            return None
        return safety.check(message.text, spoken(conversation.language))

    async def _after_danger(
        self,
        message: StoredMessage,
        conversation: Conversation,
        open_handoff: Handoff | None,
        setting: Setting,
    ) -> TurnResult | None:
        """The answer to "are you and the child safe now", where that was just asked."""
        if not (conversation.is_acute and message.author is Author.PARENT and message.text):
            return None
        earlier = await self._ledger.messages(conversation.id)
        if not after_danger.is_open(earlier, message, self._replies.asking_if_safe):
            return None
        is_safe = after_danger.is_safe(message.text, conversation.language, self._content)
        if is_safe is None:
            return None
        if not is_safe:
            answer = self._replies.acute(UNSAFE, setting)
            return TurnResult(Outcome.ACUTE, [answer], 0, level="acute")
        on = after_danger.gone_on(message, conversation, self._policy)
        heard = Heard(on, conversation.language, safety.NO_DANGER)
        return await self._go_on(message, heard, conversation, open_handoff, setting)

    def _goes_back(self, message: StoredMessage, open_handoff: Handoff | None) -> bool:
        """Whether the parent wants the assistant: by words only where a person was asked for."""
        if open_handoff is None and message.choice is None:
            return False
        return booking.wants_back(message.text, message.choice, self._content)

    async def _in_danger(
        self,
        claim: Claim,
        conversation: Conversation,
        open_handoff: Handoff | None,
        setting: Setting,
        check: safety.Check,
        is_held: bool,
    ) -> TurnResult:
        """What the rules saw is answered first, whatever else is broken.

        Where the models do not read it as danger, the conversation goes on after that answer;
        never after violence at home, where the answer asks whether she and the child are safe.
        """
        acute = self._replies.acute(check, setting)
        answer = [] if claim.answered_acute else [acute]
        alone = TurnResult(Outcome.ACUTE, answer, 0, level="acute")
        if is_held or claim.times > 1:
            return alone
        try:
            heard = await self._hearing.hear(claim.message, conversation)
        except UnderstandingError:
            return alone
        if heard.check.sure or safe_use.is_danger_at_home([acute.reply_id]):
            return await self._remembered(alone, heard, conversation)
        try:
            result = await self._go_on(claim.message, heard, conversation, open_handoff, setting)
        except psycopg.Error:
            raise
        except Exception as error:  # noqa: BLE001 - the numbers are given whatever breaks
            log.error("turn_failed", message_id=claim.message.id, error=_named(error))
            return alone
        return replace(result, replies=[*answer, *result.replies])

    async def _remembered(
        self, answered: TurnResult, heard: Heard, conversation: Conversation
    ) -> TurnResult:
        """The answer to danger alone; what was told with it is known to the rest of the talk."""
        told = {k: v for k, v in heard.said.entities.items() if k not in OF_A_WAY}
        said = replace(heard.said, intent="danger_told", entities=told)
        try:
            decision = await self._decide(conversation, said)
        except (EngineError, TimeoutError) as error:
            log.error("engine_error", conversation_id=str(conversation.id), error=_named(error))
            return answered
        return replace(
            answered,
            events=decision.events,
            state=decision.state,
            active_loop=decision.active_loop,
            requested_slot=decision.requested_slot,
            slots=dict(decision.slots),
        )

    async def _go_on(
        self,
        message: StoredMessage,
        heard: Heard,
        conversation: Conversation,
        open_handoff: Handoff | None,
        setting: Setting,
        goes_back: bool = False,
    ) -> TurnResult:
        """What the engine decides on what was heard, in words."""
        said, language = heard.said, heard.language
        setting = replace(setting, language=language)
        if await self._is_off(said):
            return self._fixed(Outcome.OUT_OF_SCOPE, setting)
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
            is_danger=conversation.is_acute and await self._ledger.is_danger(conversation.id),
            guide_name=message.text if message.author is Author.SYSTEM else "",
            goes_back=goes_back,
            on_duty=setting.on_duty,
            now=setting.now,
            reach=self._reach,
            heard=_heard(said),
        )
        _current.set(turn)
        try:
            decision = await self._decide(conversation, said)
        except (EngineError, TimeoutError) as error:
            timed_out = isinstance(error, TimeoutError)
            log.error("engine_error", message_id=message.id, error=_named(error))
            return self._fixed(Outcome.TIMED_OUT if timed_out else Outcome.ERROR_ENGINE, setting)
        faults.reach("decided")
        if not decision.replies:
            log.error("engine_silent", message_id=message.id, intent=said.intent)
            return self._fixed(Outcome.ERROR_ENGINE, setting)
        result = self._result(message, decision, turn, setting, conversation)
        if heard.doubt:
            asked = [tongue.question(heard.doubt, language, self._content)]
            if heard.doubt == language:  # what she could not read when she came
                asked.insert(0, self._replies.word(ReplyRequest("utter_welcome"), setting))
            result = replace(result, replies=[*asked, *result.replies])
        return result

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
        if not check.acute or (conversation.is_acute and check is not UNSAFE):
            return result
        if check.sure:
            replies = [self._replies.acute(check, setting), *result.replies]
            return replace(result, replies=replies, outcome=Outcome.ACUTE, level="acute")
        if conversation.active_loop not in (None, "form_start"):
            return result
        return replace(result, replies=[self._replies.maybe_acute(setting, check), *result.replies])

    async def _is_off(self, said: Said) -> bool:
        """Whether what was said is about a topic that is switched off."""
        topics = {said.entities.get("path"), *(said.entities.get("needs") or ())}
        async with self._ledger.transaction() as connection:
            off = await switches.switched_off(connection)
        return any(switch.name.removeprefix(switches.TOPIC) in topics for switch in off)

    async def _decide(self, conversation: Conversation, said: Said) -> Decision:
        if self._engine is None:
            raise EngineError("no engine")
        state = await self._ledger.dialogue_state(conversation.id)
        faults.reach("engine")
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
        setting = replace(setting, asked=asked, slots=decision.slots)
        said = _noted(message, conversation, decision)
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


def _heard(said: Said) -> tuple[str, ...]:
    """The needs of an agenda made in this message; one taken from it later is no news."""
    agenda = said.entities.get("agenda") or []
    if said.intent == "tell_many":
        return tuple(agenda)
    first = said.entities.get("agenda_first")
    return (first, *agenda) if first and "story" in said.entities else ()


def _noted(
    message: StoredMessage, conversation: Conversation, decision: Decision
) -> list[ReplyRequest]:
    """What was put right or taken away is said in place of a mere thanks; a heavy answer is met."""
    said, before = list(decision.replies), conversation.slots
    is_heavy = _is_heavy(decision.slots) and not _is_heavy(before)
    is_removed = (message.choice or "").startswith("remove:line_")
    is_reopened = bool(before.get("changing")) and not decision.slots.get("changing")
    rest = [reply for reply in said if not reply.id.startswith("utter_noted")]
    if is_heavy:
        return [ReplyRequest("utter_unclear"), *rest]
    if not (is_removed or is_reopened or is_changed(before, decision.slots)):
        return said
    return [ReplyRequest("utter_removed" if is_removed else "utter_changed"), *rest]


def _is_heavy(slots: Mapping[str, Any]) -> bool:
    """The parent answered that it is heavy, and was not yet met with care."""
    return slots.get("coping") in HEAVY and "unclear_1" not in (slots.get("told") or ())


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
