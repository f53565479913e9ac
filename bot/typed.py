"""What typed words name: a choice of the question, a command, a line of the summary, a child."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bot import answers, booking, case, children, closing
from bot.content import Content
from bot.engine.branching import SURE
from bot.engine.compile import CONSENT_FORM, Policy
from bot.ledger import Conversation
from bot.messages import StoredMessage
from bot.questions import AREA, HOW_IT_GOES, LINES, options
from knowledge.glossary import glossary_links

if TYPE_CHECKING:
    from nlu.pipeline import Understanding

COMMAND_WORDS = 6  # longer texts are no command to change or take away a line
# Said in the middle of the questions, these are never an answer to the open one.
COMMANDS = frozenset(
    ["go_back", "repeat", "simpler", "delete_all", "start_over", "change_language", "ask_stored"]
)
# The reserved words of phones mean the same wherever they are typed alone.
RESERVED = {"back": "go_back", "skip": "skip", "guide": "want_person"}
# What "no" answers, where "no" is an answer.
_NO = {
    "actors": ["nobody"],
    "tried": ["nothing"],
    "own_needs": ["none"],
    "works_well": ["nothing_now"],
    "safe_now": "no",
}
_YES = {"safe_now": "yes"}
_NUMBERED = re.compile(r"^\d+ *[–.-] *")  # of a label on a scale
_BARE_NUMBER = re.compile(r"^\D{0,20}(\d{1,2})\D{0,20}$")


class Typed:
    """Finds what typed words name, by the question that is open and what has been told."""

    def __init__(self, content: Content, policy: Policy) -> None:
        self._content = content
        self._policy = policy

    def choice(self, text: str, conversation: Conversation) -> str | None:
        """The choice whose label the parent typed word for word, or a line named to be changed."""
        question, typed = asked_in(conversation), text.strip().strip(".").casefold()
        if question is not None and question in self._policy.questions:
            for choice in self._policy.questions[question].choices:
                for language in self._content.languages:
                    label = self._content.raw(language, f"choice_{question}_{choice.id}")
                    label = label.strip(".").casefold()
                    if typed in (label, _NUMBERED.sub("", label)):
                        return f"{question}:{choice.id}"
        slots, loop = conversation.slots, conversation.active_loop
        if command := self._command(text):
            return command
        if booked := booking.typed_choice(text, slots, self._content, conversation.language):
            return booked
        is_nothing = answers.is_said(self._content, conversation.language, "share_revoke", text)
        is_regret = answers.is_said(self._content, conversation.language, "share_regret", text)
        if loop == CONSENT_FORM and (is_nothing or is_regret) and answers.is_short(text):
            return "consent_handoff:share_nothing"
        if closed := closing.typed_choice(text, slots, loop, self._content):
            return closed
        language = conversation.language
        is_kept = answers.is_said(self._content, language, "line_keep", text)
        if question and question in (conversation.slots.get("left") or {}) and is_kept:
            return "keep:answer"
        return self._line_named(text, conversation)

    def _command(self, text: str) -> str | None:
        """A reserved word, or a few words that ask for everything to go, in any language."""
        is_short = len(text.split()) <= COMMAND_WORDS
        if is_short and answers.holds_phrase(self._content, "sms_word_erase", text):
            return "intent:delete_all"
        for word, intent in RESERVED.items():
            if answers.says_only(self._content, f"sms_word_{word}", text):
                return f"intent:{intent}"
        return None

    def _line_named(self, text: str, conversation: Conversation) -> str | None:
        """`change:<line>` or `remove:<line>` where a short text asks for that in words."""
        language = conversation.language
        if len(text.split()) > COMMAND_WORDS:
            return None
        verbs = answers.named(self._content, language, "line", ["change", "remove"], text)
        lines = answers.named(
            self._content, language, "line", [i.removeprefix("line_") for i in LINES], text
        )
        if not verbs or not lines:
            return None
        return f"{verbs[0]}:line_{lines[0]}"

    def answer(
        self,
        message: StoredMessage,
        understanding: Understanding,
        question: str,
        slots: Mapping[str, Any],
        told: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Short answers that mean something only because of the question they answer.

        A "no" before something that is told corrects that, and answers nothing else.
        """
        intent, text = understanding.intent, message.text
        if question not in self._policy.questions:
            return {}
        if (number := _BARE_NUMBER.match(text.strip())) and _takes(question, int(number[1])):
            return {question: int(number[1])}
        if named := self._named(text, understanding, question, slots):
            policy = self._policy.questions[question]
            return {question: named[: policy.most] if policy.multiple else named[0]}
        if intent in COMMANDS:
            return {}
        if intent == "deny" and question in _NO and not told:
            return {question: _NO[question]}
        if intent == "affirm" and question in _YES:
            return {question: _YES[question]}
        is_told = intent in ("tell", "unclear", "out_of_scope") and text.rstrip()[-1:] not in "?؟"
        if question == "works_well" and is_told:
            words = [*(slots.get("works_well_words") or []), message.seq]
            return {"works_well": ["told"], "works_well_words": words}
        return {}

    def _named(
        self, text: str, understanding: Understanding, question: str, slots: Mapping[str, Any]
    ) -> list[Any]:
        """The values of the choices that a short text names."""
        known = options(self._policy, question, slots)
        if not answers.is_short(text) or question == "consent_handoff":
            return []
        if question == "which_child":
            return self._which_child(text, understanding, slots)
        if question in HOW_IT_GOES and _tells_another_need(understanding, slots, text):
            return []
        prefix = HOW_IT_GOES[0] if question in HOW_IT_GOES else question
        language = understanding.language
        names = answers.named(self._content, language, prefix, known, text)
        if self._policy.questions[question].choices_from in ("named", "agenda"):
            areas = [name.removeprefix(AREA) for name in known]
            heard = answers.named(self._content, language, "life_areas", areas, text)
            names = [f"{AREA}{area}" for area in heard if f"{AREA}{area}" in known]
            names += [n.id for n in understanding.needs if n.id in known and n.id not in names]
        return [known[name] for name in names]

    def _which_child(
        self, text: str, understanding: Understanding, slots: Mapping[str, Any]
    ) -> list[Any]:
        """The child named by its age or place, or all of them."""
        known, language = children.by_number(slots), understanding.language
        said = [entity.value for entity in understanding.entities if entity.name == "child_age"]
        by_age = [number for number, age in known if age in said]
        if by_age:
            return by_age
        marks = self.marks(text, language)
        years = {number: age if isinstance(age, int) else age[0] for number, age in known}
        if marks.oldest:
            return [max(years, key=lambda number: years[number])]
        if marks.youngest:
            return [min(years, key=lambda number: years[number])]
        return ["all"] if answers.is_said(self._content, language, "which_child_all", text) else []

    def word_asked(self, text: str, understanding: Understanding) -> str | None:
        """The word of the glossary that a few words ask the meaning of."""
        language = understanding.language
        is_few = len(text.split()) <= COMMAND_WORDS and understanding.intent != "ask_sip"
        if not is_few or not answers.is_said(self._content, language, "mark_asks_word", text):
            return None
        found = {word for _, _, word in glossary_links(text, language)}
        found |= {word for _, _, word in glossary_links(text.upper(), "sv")}
        return found.pop() if len(found) == 1 else None

    def marks(self, text: str, language: str) -> case.Marks:
        def is_said(word: str) -> bool:
            return answers.is_said(self._content, language, f"mark_{word}", text)

        return case.Marks(is_said("negated"), is_said("oldest"), is_said("youngest"))


def asked_in(conversation: Conversation) -> str | None:
    """The question that is open, in a form or from the summary."""
    if conversation.requested_slot or conversation.active_loop:
        return conversation.requested_slot
    changing: str | None = conversation.slots.get("changing")
    return changing


def _takes(question: str, number: int) -> bool:
    """Whether a bare number is an answer of a question."""
    if question in children.SLOTS:
        return number <= 25
    return (question == "coping" and 1 <= number <= 5) or (
        question == "child_count" and 1 <= number <= children.MOST
    )


def _tells_another_need(understanding: Understanding, slots: Mapping[str, Any], text: str) -> bool:
    """A longer text about something not told before, which names no more than it by the way."""
    known = slots.get("needs") or {}
    new = [n for n in understanding.needs if n.score >= SURE and known.get(n.id, 0.0) < SURE]
    is_told = understanding.intent == "tell" and len(text.split()) > case.LONG_ANSWER
    return is_told and any(need.id != "unclear" for need in new)
