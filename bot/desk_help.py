"""What a guide is helped with beside a conversation: entries, the next question, words to send."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bot.content import CONTENT, Content
from bot.engine.compile import Policy
from bot.handoff import Handoff
from bot.ledger import Conversation
from bot.questions import Questions
from bot.readability import Ease, ease, lix
from knowledge.catalogue import Catalogue, Municipality, Service
from knowledge.eligibility import Facts, judge
from knowledge.lexical import lexical_of

SITUATIONS = CONTENT / "policy" / "situations.yml"
MOST_ENTRIES = 8
CANNED = "canned_"
ORIGINAL = "sv"  # what guides write


@dataclass(frozen=True, slots=True)
class Canned:
    """Words to send: the guide's Swedish and the parent's language, when there are such."""

    id: str
    label: str
    original: str
    text: str | None  # None where it is not written in the parent's language
    lix: int
    ease: Ease


@cache
def _areas(path: Path = SITUATIONS) -> Mapping[str, str]:
    """Need → the life situation it belongs to."""
    raw: dict[str, list[str]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {need: area for area, needs in raw.items() for need in needs}


def area_of(handoff: Handoff) -> str | None:
    """The life situation of the first need; None where the parent shared nothing."""
    needs = handoff.brief["facts"].get("needs", []) if handoff.brief else []
    return next((_areas()[need] for need in needs if need in _areas()), None)


def matching(
    catalogue: Catalogue, municipality: Municipality, brief: Mapping[str, Any] | None
) -> list[Service]:
    """Entries for the needs the parent shared, that her children's ages do not rule out.

    Without a model: those that answer her first needs foremost come first, then the nearest.
    """
    facts = brief["facts"] if brief else {}
    needs: Sequence[str] = facts.get("needs", [])
    known = Facts(
        municipality=municipality.id,
        child_ages=tuple(facts.get("child_ages", ())),
        needs=frozenset(needs),
        already_tried=frozenset(facts.get("tried", ())),
    )
    scored = [
        (_fit(one, needs), -municipality.layers.index(one.layer), one)
        for one in catalogue.in_municipality(municipality.id)
        if one.is_suggestible and judge(one, known).outcome != "excluded"
    ]
    fitting = [entry for entry in scored if entry[0] > 0]
    fitting.sort(key=lambda entry: entry[:2], reverse=True)
    return [one for _, _, one in fitting[:MOST_ENTRIES]]


def _fit(service: Service, needs: Sequence[str]) -> float:
    """Early needs of the parent that are early needs of the entry weigh most."""
    shared = [need for need in needs if need in service.needs]
    return sum(1 / (1 + needs.index(n)) / (1 + service.needs.index(n)) for n in shared)


def found(catalogue: Catalogue, municipality: Municipality, words: str) -> list[Service]:
    """Entries by the guide's own words."""
    hits = lexical_of(catalogue, municipality.id).find(words).hits
    return [hit.service for hit in hits[:MOST_ENTRIES]]


def next_question(
    questions: Questions,
    policy: Policy,
    conversation: Conversation,
    handoff: Handoff,
    language: str,
) -> str | None:
    """What the assistant would ask now; nothing where the parent shared nothing."""
    if handoff.brief is None:
        return None
    slots = conversation.slots
    path = slots.get("paused_path") or slots.get("path") or slots.get("last_path")
    asked = policy.forms().get(f"form_{path}", [])
    open_now = [conversation.requested_slot] if conversation.requested_slot in asked else []
    name = next((one for one in [*open_now, *asked] if one and slots.get(one) is None), None)
    return questions.text(name, language, slots) if name else None


def canned(
    content: Content, language: str, *, name: str, function: str, time: dt.datetime | None
) -> list[Canned]:
    """The words to send, filled; a time that is not known is a blank to fill in."""
    found = []
    for text_id in sorted(one for one in content.ids(ORIGINAL) if one.startswith(CANNED)):
        original = _filled(content, ORIGINAL, text_id, name, function, time)
        has = content.has(language, text_id)
        text = _filled(content, language, text_id, name, function, time) if has else None
        label = content.raw(ORIGINAL, f"console_{text_id}")
        found.append(Canned(text_id, label, original, text, lix(original), ease(original)))
    return found


def _filled(
    content: Content,
    language: str,
    text_id: str,
    name: str,
    function: str,
    time: dt.datetime | None,
) -> str:
    values = {
        "name": name,
        "function": content.raw(language, f"function_{function}"),
        "time": content.when(language, time) if time else "…",
    }
    return content.text(language, text_id, **values)
