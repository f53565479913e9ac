"""The answer to "are you and the child safe now", which every answer to danger ends with."""

from __future__ import annotations

from collections.abc import Iterable

from bot import answers, case
from bot.content import Content
from bot.engine.compile import START_FORM, Policy
from bot.engine.turn import Said
from bot.ledger import Conversation
from bot.messages import Author, StoredMessage

FEW = 5  # words; a longer yes tells more and is heard as any message
OUTCOMES = ("safe", "unsafe", "unsure")


def is_open(
    earlier: Iterable[StoredMessage], message: StoredMessage, asking: frozenset[str]
) -> bool:
    """Whether the last thing said to the parent was an answer to danger; `asking` are their ids."""
    said = [m for m in earlier if m.author is not Author.PARENT and m.seq < message.seq]
    return bool(said) and said[-1].author is Author.SAFETY and said[-1].reply_id in asking


def is_safe(text: str, language: str, content: Content) -> bool | None:
    """Whether she says that all are safe; "not sure" is no; None where it says neither."""
    named = answers.named(content, language, "safe_now", OUTCOMES, text)
    if not named or not answers.is_short(text):
        return None
    if named[0] != "safe":
        return False
    return True if len(text.split()) <= FEW else None


def gone_on(message: StoredMessage, conversation: Conversation, policy: Policy) -> Said:
    """All are safe: what was told with the danger is taken up, or the open question asked again."""
    reference, loop = f"message:{message.seq}", conversation.active_loop
    path = policy.path_for(case.strongest_needs(conversation.slots))
    if path and loop is None:
        return Said(reference, "tell", 1.0, {"path": path})
    if path and loop == START_FORM:
        return Said(reference, "answer", 1.0, {"path": path})
    return Said(reference, "repeat" if loop else "greet")
