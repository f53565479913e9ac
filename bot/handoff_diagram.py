"""docs/handoff.md, drawn from the table of states."""

from __future__ import annotations

from pathlib import Path

from bot.handoff import ENDS, GUIDE_SPEAKS, PROMISED, STATES, STEPS, Event

DOCUMENT = Path(__file__).parents[1] / "docs" / "handoff.md"
_LEAD = """\
# Handing a conversation to a person and back

Made from the table in `bot/handoff.py` by `lotsa handoff diagram`; a test says when it is old.
Nothing moves a conversation but the rows below, and of two events at once one wins.
"""
_PROMISES = {"new": "a new time is told", "stands": "the told time stands", "over": ""}


def document() -> str:
    """The whole page: a Mermaid state diagram, who speaks where, and every row."""
    return "\n".join([_LEAD, "```mermaid", *_diagram(), "```", "", *_states(), "", *_rows(), ""])


def _diagram() -> list[str]:
    arrows: dict[tuple[str, str], list[Event]] = {}
    for one in STEPS:
        arrows.setdefault((one.state, one.target), []).append(one.event)
    lines = [f"    {a} --> {b}: {' / '.join(events)}" for (a, b), events in arrows.items()]
    return ["stateDiagram-v2", "    [*] --> requested", *lines, *(f"    {e} --> [*]" for e in ENDS)]


def _states() -> list[str]:
    rows = [
        f"| {state} | {'the guide' if state in GUIDE_SPEAKS else 'the assistant'} "
        f"| {'yes' if state in PROMISED else ''} | {'yes' if state in ENDS else ''} |"
        for state in STATES
    ]
    return ["| State | Who speaks | A time is promised | End |", "| --- | --- | --- | --- |", *rows]


def _rows() -> list[str]:
    rows = [
        f"| {one.state} | {one.event} | {one.actor} | {one.target} | {_PROMISES[one.promise]} "
        f"| {one.why} |"
        for one in STEPS
    ]
    head = [
        "| In | Event | By | Leads to | Promise | Why |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    return [*head, *rows]
