"""Short answers that mean something only after the suggestions: yes, partly, "I don't agree"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bot.content import Content
from nlu.normalise import plain_letters

if TYPE_CHECKING:
    from nlu.pipeline import Understanding

# Text id of the ways to say it -> the choice it is; which of them count depends on what was asked.
# Of two answers in one text ("no, partly") the first here counts.
_CLOSING = {
    "said_enough_partly": "intent:partly",
    "said_enough_no": "intent:not_enough",
    "said_enough_yes": "intent:enough",
}
# Asked what is missing, a no may be anything; a yes is the button beside: it is enough.
_MISSING = {"said_enough_yes": "intent:enough"}
_LEVEL = {
    "said_disagree": "intent:disagree",
    "said_more_help": "intent:more_help",
    "said_less_help": "intent:less_help",
    "said_explain_level": "intent:explain_level",
}
_MARKS = re.compile(r"[^\w\s]")
_PARTS = re.compile(r"[,.;!?]")


def typed_choice(
    text: str, slots: Mapping[str, Any], active_loop: str | None, content: Content
) -> str | None:
    """The choice a text is, word for word, where that choice was open; None otherwise.

    A text of several parts must be such words in every part: what else is told is never lost.
    """
    ways = {
        choice: {_plain(way) for code in content.languages for way in _ways(content, code, said)}
        for said, choice in _open(slots, active_loop).items()
    }
    whole, parts = _plain(text), {_plain(part) for part in _PARTS.split(text)} - {""}
    for choice, known in ways.items():
        if whole in known:
            return choice
    if not parts or not parts <= set().union(*ways.values()):
        return None
    return next((choice for choice, known in ways.items() if parts & known), None)


def as_told(
    understanding: Understanding, slots: Mapping[str, Any], active_loop: str | None
) -> Understanding:
    """Where it was asked what is missing, a wish in few words is told: no vague cry, no riddle."""
    is_missing = slots.get("closing") == "missing" and active_loop is None
    if not is_missing or understanding.intent not in ("unclear", "answer"):
        return understanding
    return replace(understanding, intent="tell")


def _ways(content: Content, language: str, said: str) -> list[str]:
    """Ways to say it, the words of its button with them."""
    button = content.raw(language, said.replace("said_", "choice_", 1))
    return [*content.raw(language, said).split("|"), button]


def _open(slots: Mapping[str, Any], active_loop: str | None) -> dict[str, str]:
    if active_loop is not None:
        return {}
    closing = {"asked": _CLOSING, "missing": _MISSING}.get(slots.get("closing") or "", {})
    level = _LEVEL if slots.get("level") else {}
    return {**level, **closing}


def _plain(text: str) -> str:
    return " ".join(plain_letters(_MARKS.sub(" ", text)).split())
