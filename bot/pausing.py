"""Stopping for now by saying so: "I have to stop now", "we go on tomorrow"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import answers
from bot.content import Content

if TYPE_CHECKING:
    from nlu.pipeline import Understanding


def is_pause(text: str, understanding: Understanding, language: str, content: Content) -> bool:
    """Whether she says that she goes on later, in few words and with no danger in them.

    `language` is the conversation's; what was heard may be another.
    """
    if understanding.safety.acute or not answers.is_short(text):
        return False
    heard = {understanding.language, language}
    return any(answers.is_said(content, known, "mark_pause", text) for known in heard)
