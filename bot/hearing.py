"""What a message says, as the engine may hear it: an intent and facts, never words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bot import answers, booking, brief, case, children, closing, tongue
from bot.complexity import Complexity
from bot.content import Content, spoken
from bot.engine.branching import SURE, is_known
from bot.engine.compile import CONSENT_FORM, REFUSALS, SAFE_FORM, Policy
from bot.engine.turn import Said
from bot.ledger import Conversation
from bot.messages import Author, StoredMessage
from bot.pausing import is_pause
from bot.questions import options, questions_of
from bot.typed import Typed, asked_in
from bot.understanding import Reader
from nlu import safety

if TYPE_CHECKING:
    from nlu.pipeline import Understanding

FACT_INTENTS = frozenset({"tell", "affirm", "deny", "unclear"})
FEW_WORDS = 3
PLAIN = {"yes": "affirm", "no": "deny", "dont_know": "dont_know"}
# How sure these intents must be, 0 to 1, in place of the bar for the others (nlu/intents.py): what
# would lose answers more, what answers an open question less.
SUREST = {
    "start_over": 0.6, "affirm": 0.3, "deny": 0.3,
    "skip": 0.3, "dont_know": 0.3, "rather_not_say": 0.3,
}  # fmt: skip
# Signals of a parent at the end of her strength; a vague cry with one is met with care first.
EXHAUSTED = frozenset({"worn_out", "night_alone", "no_network"})
OPENINGS = (None, "form_start")
REMOVED = "rather_not_say"
# Answered to the question whether all are safe.
UNSAFE = safety.Check(True, ("unsafe",), "unknown", "now", False)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a message says, and how it is to be answered."""

    said: Said
    language: str
    check: safety.Check
    doubt: str | None = None  # why to ask in which language to go on


class Hearing:
    """Turns a message into what was said, by its buttons, its words and the open question."""

    def __init__(
        self, reader: Reader, content: Content, policy: Policy, complexity: Complexity
    ) -> None:
        self._reader = reader
        self._content = content
        self._policy = policy
        self._typed = Typed(content, policy)
        self._urgent = [need for need, floor in complexity.floors.items() if floor.same_day]

    async def hear(self, message: StoredMessage, conversation: Conversation) -> Heard:
        """What was said, the language to answer in, and the danger in it.

        Raises UnderstandingError when the words cannot be read.
        """
        reference = f"message:{message.seq}"
        if message.author is Author.SYSTEM:
            return self.resumed(message, conversation)
        choice = message.choice or self._typed.choice(message.text, conversation)
        if choice is not None and (code := tongue.pressed(choice, self._content)):
            return Heard(Said(reference, "change_language"), code, safety.NO_DANGER)
        if choice is not None:
            said = self._chosen(choice, reference, conversation)
            check = UNSAFE if choice == "safe_now:unsafe" else safety.NO_DANGER
            return Heard(said, conversation.language, check)
        return await self._told(message, reference, conversation)

    def resumed(self, message: StoredMessage, conversation: Conversation) -> Heard:
        """The assistant is to go on where it was when a person was asked for."""
        path = None if conversation.active_loop else conversation.slots.get("paused_path")
        said = Said(f"message:{message.seq}", "resume", 1.0, {"path": path} if path else {})
        return Heard(said, message.language, safety.NO_DANGER)

    def _chosen(self, choice: str, reference: str, conversation: Conversation) -> Said:
        """A pressed button or a typed label; ids are `<question>:<choice>` or `intent:<intent>`."""
        kind, _, names = choice.partition(":")
        slots, asked = conversation.slots, asked_in(conversation)
        if kind == "intent":
            return self._intent(Said(reference, names), conversation)
        if kind == "had":
            tried = {"tried_services": [*(slots.get("tried_services") or []), names]}
            return Said(reference, "tried_it", 1.0, tried)
        if kind in ("change", "remove", *brief.BUTTONS):
            return self._line(kind, names, reference, conversation)
        if kind == "keep" and asked:
            return self._kept(Said(reference, "answer"), asked, conversation)
        question = self._policy.questions.get(kind)
        if question is None:
            return booking.said(choice, reference, slots)
        known = options(self._policy, kind, slots)
        values = [known[name] for name in names.split(",") if name in known]
        if not values:
            return Said(reference, "answer")
        if kind == "agenda_first":
            return self._taken(reference, values[0], conversation)
        value = values[: question.most] if question.multiple else values[0]
        entities: dict[str, Any] = {question.entity: value}
        if kind == "path":
            assumed = {need: 1.0 for need in self._policy.paths[values[0]].starts_with}
            entities["needs"] = {**(slots.get("needs") or {}), **assumed}
            is_start = conversation.active_loop == "form_start"
            return Said(reference, "answer" if is_start else "tell", 1.0, entities)
        if kind == conversation.requested_slot:
            return Said(reference, "answer", 1.0, entities)
        return self._correction(reference, entities, conversation)

    def _intent(self, said: Said, conversation: Conversation) -> Said:
        """An intent that means something else because of what was asked."""
        asked, slots = asked_in(conversation), conversation.slots
        if asked and asked in (slots.get("left") or {}) and said.intent == "affirm":
            return self._kept(said, asked, conversation)
        if asked == "agenda_first" and said.intent in (*REFUSALS, "affirm"):
            return self._taken(said.reference, slots["agenda"][0], conversation)
        if slots.get("changing") and asked and said.intent == "skip":
            return self._correction(said.reference, {}, conversation)
        if slots.get("changing") and asked and said.intent in REFUSALS:
            return self._correction(said.reference, {asked: said.intent}, conversation)
        agenda = slots.get("agenda")
        if agenda and conversation.active_loop is None and not slots.get("changing"):
            if said.intent == "affirm":
                return self._taken(said.reference, agenda[0], conversation)
            if said.intent == "deny":
                return replace(said, intent="thanks", entities={"agenda": None})
        return said

    def _line(self, kind: str, line: str, reference: str, conversation: Conversation) -> Said:
        """A line of the summary is to be changed or taken away, or one of the brief left out."""
        if kind in brief.BUTTONS:
            shown_anew = "change_brief" if conversation.active_loop == CONSENT_FORM else "answer"
            return Said(reference, shown_anew, 1.0, brief.changed(kind, line, conversation.slots))
        questions = questions_of(line)
        if not questions:
            return Said(reference, "answer")
        if line == "line_needs":
            forgotten = dict.fromkeys(["path", "needs", "story", "agenda", "agenda_first"])
            return Said(reference, "change_path", 1.0, forgotten)
        if kind == "remove":
            gone: dict[str, Any] = dict.fromkeys(questions, REMOVED)
            if "refused" in gone:
                gone = {"refused": None}
            return self._correction(reference, gone, conversation)
        if line == "line_refused":
            return Said(reference, "answer")
        return Said(reference, "change", 1.0, {"changing": questions[0]})

    def _kept(self, said: Said, question: str, conversation: Conversation) -> Said:
        """The answer put aside by going back is taken again."""
        value = (conversation.slots.get("left") or {}).get(question)
        return replace(said, intent="answer", entities={question: value})

    def _taken(self, reference: str, need: str, conversation: Conversation) -> Said:
        """One need of the agenda is taken now; the others wait."""
        later = [other for other in conversation.slots.get("agenda") or [] if other != need]
        entities = {
            "agenda_first": need,
            "agenda": later or None,
            "path": self._policy.path_for([need]) or "other",
        }
        is_asked = conversation.requested_slot == "agenda_first"
        return Said(reference, "answer" if is_asked else "tell", 1.0, entities)

    def _correction(
        self, reference: str, entities: dict[str, Any], conversation: Conversation
    ) -> Said:
        """Something known is told anew; with no question open, the suggestions are made again."""
        if conversation.active_loop is None:
            slots = conversation.slots
            known = case.strongest_needs({**slots, **entities})
            path = slots.get("path") or slots.get("last_path") or self._policy.path_for(known)
            entities = {"path": path or "other", "changing": None, **entities}
        return Said(reference, "tell", 1.0, entities)

    async def _told(
        self, message: StoredMessage, reference: str, conversation: Conversation
    ) -> Heard:
        text, loop = message.text, conversation.active_loop
        understanding = _sure(await self._reader.understand(text, spoken(conversation.language)))
        understanding = self._plainly(text, understanding, conversation.language)
        understanding = closing.as_told(understanding, conversation.slots, loop)
        if code := tongue.asked_for(text, understanding, conversation, self._content):
            return Heard(Said(reference, "change_language"), code, understanding.safety)
        if word := self._typed.word_asked(text, understanding):
            heard = Said(reference, "ask_word", 1.0, {"word": word})
            return Heard(heard, conversation.language, understanding.safety)
        if is_pause(text, understanding, conversation.language, self._content):
            language = tongue.continued(text, understanding, conversation, self._content)
            return Heard(Said(reference, "pause"), language, understanding.safety)
        return self._with_facts(message, reference, conversation, understanding)

    def _with_facts(
        self,
        message: StoredMessage,
        reference: str,
        conversation: Conversation,
        understanding: Understanding,
    ) -> Heard:
        text, loop = message.text, conversation.active_loop
        words = len(text.split())
        entities, ages = self._facts(message, understanding, conversation)
        language = tongue.continued(text, understanding, conversation, self._content)
        said = Said(reference, understanding.intent, understanding.confidence, entities)
        if ages:
            said = self._ages(said, conversation)
        elif _asks_secrecy(understanding, words):
            said = replace(said, intent="ask_secrecy", entities=_without(entities, "path"))
        elif loop in OPENINGS and self._is_cry(understanding, text):
            said = replace(said, intent="cry")
        else:
            said = self._meant(said, understanding, conversation, words)
        check = understanding.safety
        if entities.get("safe_now") == "no" and not check.sure:
            check = UNSAFE
        doubt = tongue.doubt(text, understanding, conversation, self._content)
        return Heard(said, language, check, doubt)

    def _ages(self, said: Said, conversation: Conversation) -> Said:
        """Ages of several children: an answer, more that is told, or a correction."""
        if not conversation.active_loop:
            return self._correction(said.reference, dict(said.entities), conversation)
        is_asked = asked_in(conversation) in said.entities
        return replace(said, intent="answer" if is_asked else "tell")

    def _plainly(self, text: str, understanding: Understanding, language: str) -> Understanding:
        """The same, where a text is only yes, no or "do not know", however it is spelt."""
        for word, intent in PLAIN.items():
            if answers.is_whole(self._content, language, f"word_{word}", text):
                return replace(understanding, intent=intent, confidence=1.0)
        return understanding

    def _facts(
        self, message: StoredMessage, understanding: Understanding, conversation: Conversation
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a text says of the case, and the ages of several children where it lists them."""
        text, asked = message.text, asked_in(conversation)
        known, words = {**conversation.slots, "requested_slot": asked}, len(text.split())
        if conversation.slots.get("changing") == asked:
            known[str(asked)] = None
        marks = self._typed.marks(text, conversation.language)
        if ages := children.listed_in(text, known, negated=marks.negated):
            return ages, ages
        entities = case.entities_of(
            understanding,
            known,
            self._policy,
            message.seq,
            may_start=conversation.active_loop in (*OPENINGS, SAFE_FORM),
            words=words,
            marks=marks,
        )
        is_time = words <= FEW_WORDS and asked not in entities
        if asked in children.SLOTS and is_time:
            entities = _as_age(str(asked), entities.get("how_long")) or entities
        if asked and asked not in entities:
            answer = self._typed.answer(message, understanding, asked, known, entities)
            entities = answer if "works_well" in answer else {**entities, **answer}
        return entities, {}

    def _meant(
        self, said: Said, understanding: Understanding, conversation: Conversation, words: int
    ) -> Said:
        """The same with the conversation in mind: an answer, a correction, a cry, an agenda."""
        entities, loop = dict(said.entities), conversation.active_loop
        asked = asked_in(conversation)
        if asked == "agenda_first" and "agenda_first" in entities:
            return self._taken(said.reference, entities["agenda_first"], conversation)
        heard = self._agenda(said, understanding, conversation)
        if asked == "path" and heard.intent == "tell_many":
            return heard
        if asked and asked in entities:
            if loop:
                return replace(said, intent="answer")
            entities.pop("path", None)
            return self._correction(said.reference, entities, conversation)
        if _is_new_fact(understanding, entities, conversation, words):
            entities.pop("path", None)
            return self._correction(said.reference, entities, conversation)
        if loop in OPENINGS and said.intent == "tell":
            return heard
        if said.intent in ("affirm", "deny", *REFUSALS):
            return self._intent(said, conversation)
        if conversation.slots.get("changing"):
            # Something else was said than what was asked for: the question is let go.
            return replace(said, entities={**entities, "changing": None})
        return said

    def _is_cry(self, understanding: Understanding, text: str) -> bool:
        """A cry for help that says nothing but that strength is at its end."""
        if understanding.intent not in ("unclear", "goodbye") or not answers.is_short(text):
            return False
        is_named = answers.is_said(self._content, understanding.language, "mark_exhausted", text)
        return is_named or bool(EXHAUSTED & set(understanding.signals))

    def _agenda(self, said: Said, understanding: Understanding, conversation: Conversation) -> Said:
        """Several sure needs: the urgent one is taken at once, else the parent chooses."""
        is_told = said.intent == "tell"
        sure = {need.id: need.score for need in understanding.needs if is_told}
        agenda = case.agenda_of(sure, self._policy, self._urgent)
        entities = {**said.entities, "changing": None}
        if not agenda:
            return replace(said, entities={**entities, "agenda_first": None})
        if agenda[0] in self._urgent:
            path = self._policy.path_for(agenda[:1])
            first = {"path": path, "agenda_first": agenda[0], "agenda": agenda[1:]}
            return replace(said, entities={**entities, **first})
        entities.pop("path", None)
        return replace(said, intent="tell_many", entities={**entities, "agenda": agenda})


def _sure(understanding: Understanding) -> Understanding:
    """The same; what is only guessed counts as not understood: the parent is asked again."""
    if understanding.intent == "start_over" and any(
        entity.name in ("how_long", "child_age") for entity in understanding.entities
    ):
        return replace(understanding, intent="tell")  # "it began last summer"
    bar = SUREST.get(understanding.intent)
    if understanding.confidence >= bar if bar is not None else understanding.is_intent_sure:
        return understanding
    return replace(understanding, intent="answer")


def _as_age(question: str, months: object) -> dict[str, Any]:
    """A time told in whole years where an age was asked for."""
    is_years = isinstance(months, int) and months >= 12 and months % 12 == 0
    return {question: months // 12} if is_years and isinstance(months, int) else {}


def _without(entities: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {known: value for known, value in entities.items() if known != name}


def _asks_secrecy(understanding: Understanding, words: int) -> bool:
    """A short message about who gets to know, which tells of no trouble beside the fear of that."""
    told = [n.id for n in understanding.needs if n.score >= SURE]
    is_short = understanding.intent == "tell" and words <= answers.LONGEST
    return is_short and told[:1] == [case.META] and set(told) <= {case.META, case.FEAR}


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
        # Before anything is known of what it is about, a fact alone opens nothing: it is asked.
        return conversation.active_loop not in OPENINGS or bool(conversation.slots.get("needs"))
    is_begun = bool(conversation.slots.get("needs")) and conversation.active_loop is None
    return is_begun and case.is_correction(understanding, entities, words)


def is_changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """An answer given earlier was replaced; the parent is told, so that she can trust it."""
    return any(
        is_known(before.get(slot)) and is_known(after.get(slot)) and before[slot] != after[slot]
        for slot in (*children.SLOTS, "how_long", "coping", "which_child", "child_count")
    )
