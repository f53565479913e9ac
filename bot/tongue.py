"""In which language a conversation goes on, and when the parent is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import answers
from bot.closing_words import WANT_PERSON
from bot.content import Content, spoken
from bot.ledger import Conversation
from bot.messages import Author, OutgoingMessage

if TYPE_CHECKING:
    from nlu.pipeline import Understanding

FEWEST_WORDS = 4  # shorter texts neither change the language of the conversation nor make it ask
LONGEST_NAME = 3  # words in which a language is asked for by its name alone
NAME_AND_PLEASE = 2  # words, in the middle of the questions
UNHEARD = frozenset({"answer", "unclear", "out_of_scope"})  # intents of a text that says no more
ASKS_FOR_HELP = "own_needs"  # the question to which a language means an interpreter
PRESSED = "language"
UNSURE = "unsure"
OPENINGS = (None, "form_start")


def pressed(choice: str, content: Content) -> str | None:
    """The language of a pressed `language:<code>`; None for other choices."""
    kind, _, code = choice.partition(":")
    return code if kind == PRESSED and code in content.languages else None


def asked_for(
    text: str, understanding: Understanding, conversation: Conversation, content: Content
) -> str | None:
    """The one language a parent asks for by name, or names alone before anything is known."""
    words = len(text.split())
    is_alone = words <= LONGEST_NAME and _is_opening(conversation)
    is_remark = understanding.intent in UNHEARD and conversation.requested_slot != ASKS_FOR_HELP
    is_politely = words <= NAME_AND_PLEASE and is_remark
    if understanding.intent != "change_language" and not (is_alone or is_politely):
        return None
    named = answers.named(content, conversation.language, PRESSED, content.languages, text)
    is_one = len({spoken(code) for code in named}) == 1
    return max(named, key=len) if is_one else None  # the longer name is of the easy form


def continued(
    text: str, understanding: Understanding, conversation: Conversation, content: Content
) -> str:
    """The language of the answer: another than before only where a sentence is surely in it.

    A language with the required texts alone is taken at the opening only: later the parent would
    lose the words she has been answered in.
    """
    told = understanding.language
    is_sentence = len(text.split()) >= FEWEST_WORDS
    is_known = told in content.languages or (
        told in content.in_danger and _is_opening(conversation)
    )
    is_other = told != spoken(conversation.language)
    is_sure = understanding.is_language_sure and is_known and is_other
    return told if is_sentence and is_sure else conversation.language


def doubt(
    text: str, understanding: Understanding, conversation: Conversation, content: Content
) -> str | None:
    """Why to ask for the language: a code without texts, or `unsure`; None when it is clear.

    Asked only before anything is known: later the parent has seen in which languages she is
    answered, and finds the choice at the top of the page.
    """
    words = [word for word in text.split() if any(letter.isalpha() for letter in word)]
    if len(words) < FEWEST_WORDS or not _is_opening(conversation):
        return None
    if not understanding.is_language_sure:
        return UNSURE
    is_answered = understanding.language in (*content.languages, conversation.language)
    return None if is_answered else understanding.language


def question(why: str, language: str, content: Content) -> OutgoingMessage:
    """One line that asks, with a button for every language that can be answered in.

    In a language with the required texts alone, a person comes first: she can use an interpreter.
    """
    names = {code: known["name"] for code, known in content.languages.items()}
    values = {"languages": " · ".join(names.values())}
    reply = "utter_which_language"
    if why != UNSURE:
        reply, values = "utter_language_missing", {**values, "written": content.autonyms[why]}
    choices = [{"id": f"{PRESSED}:{code}", "label": name} for code, name in names.items()]
    if content.says(why, reply):
        language = why
        person = {"id": WANT_PERSON, "label": content.raw(language, "choice_person")}
        choices = [person, *choices]
    text = content.text(language, reply, **values)
    return OutgoingMessage(Author.BOT, text, reply, language, {"choices": choices})


def _is_opening(conversation: Conversation) -> bool:
    return conversation.active_loop in OPENINGS and not conversation.slots.get("needs")
