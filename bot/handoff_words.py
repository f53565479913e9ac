"""What a parent who has asked for a person reads while she waits, in one or two sentences."""

from __future__ import annotations

from bot.content import Content
from bot.handoff import Handoff
from bot.handoff_queue import Wait

_HOURS_FROM = 120  # minutes; longer waits are told in hours


def waiting_words(
    content: Content, language: str, one: Handoff, wait: Wait | None, *, is_booked: bool = False
) -> str | None:
    """Her place, the usual wait and the promised time; None where there is nothing to wait for."""
    if one.promised_at is None:
        return None
    when = content.when(language, one.promised_at)
    if one.state == "paused":
        agreed = "web_live_wait_book" if is_booked else "web_live_wait_answer"
        return content.text(language, agreed, when=when)
    if one.state != "waiting" or wait is None:
        return None
    interval = _interval(content, language, wait)
    return content.text(
        language, "web_live_wait_place", place=wait.place, interval=interval, when=when
    )


def _interval(content: Content, language: str, wait: Wait) -> str:
    if wait.low is None or wait.high is None:
        return content.raw(language, "web_live_wait_unknown")
    if wait.high > _HOURS_FROM:
        low, high = max(1, wait.low // 60), -(-wait.high // 60)
        return content.text(language, "web_live_wait_hours", low=low, high=high)
    return content.text(language, "web_live_wait_interval", low=wait.low, high=wait.high)
