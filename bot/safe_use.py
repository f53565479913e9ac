"""Whether something may be sent to a parent, or printed: near violence only as she has said.

Everything that sends (SMS, link, reminder) or prints (summary, tool) asks `may_send` first, and
`must_ask` whether to put the question `safe_contact`. The policy is `content/policy/safe_use.yml`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from bot.engine.compile import REFUSALS
from bot.suggestions import holds_any

POLICY = Path(__file__).parent / "content" / "policy" / "safe_use.yml"


class SafeUse(BaseModel):
    """When it matters who can see the phone, and which answers let something be sent."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    needs: list[str]
    relations: list[str]
    sure: float
    after_answers: list[str]
    may_send: list[str]
    answers: list[str]


def may_send(slots: Mapping[str, Any], *, is_acute: bool = False) -> bool:
    """Whether anything may be sent or printed. `is_acute`: danger was seen in the conversation."""
    if not (is_acute or is_near_danger(slots)):
        return True
    return slots.get("safe_contact") in _policy().may_send


def must_ask(slots: Mapping[str, Any], *, is_acute: bool = False) -> bool:
    """Whether to ask who can see the phone before anything is sent or printed."""
    if not (is_acute or is_near_danger(slots)):
        return False
    return answer(slots) is None


def is_danger_at_home(reply_ids: Iterable[str | None]) -> bool:
    """Whether one of the replies given was an answer to danger from somebody close."""
    return not set(_policy().after_answers).isdisjoint(reply_ids)


def answer(slots: Mapping[str, Any]) -> str | None:
    """Who can see the phone; a refused answer counts as unsure, None when it was not asked."""
    said = slots.get("safe_contact")
    if said in REFUSALS:
        return "unsure"
    return said if said in _policy().answers else None


def is_near_danger(slots: Mapping[str, Any]) -> bool:
    """Whether the case tells of violence or control, or a child writes of the home."""
    policy = _policy()
    if slots.get("relation") in policy.relations:
        return True
    return holds_any(slots.get("needs") or {}, policy.needs, policy.sure)


@lru_cache
def _policy() -> SafeUse:
    return SafeUse.model_validate(yaml.safe_load(POLICY.read_text(encoding="utf-8")))
