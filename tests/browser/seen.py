"""What a page shows, and which barriers it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NARROW = {"width": 320, "height": 640}


def shown_messages(page: Page) -> list[tuple[str, str]]:
    """Number and words of every message on the page."""
    shown: list[tuple[str, str]] = page.locator(".message").evaluate_all(
        "items => items.map(item => [item.dataset.seq, item.dataset.text])"
    )
    return [(seq, text) for seq, text in shown]


def stored_messages(page: Page) -> int:
    """How many messages the product holds of the conversation in this tab."""
    held: int = page.evaluate(
        """async () => {
            const {conversation_id, token} = JSON.parse(Object.values(sessionStorage)[0]);
            const url = `/api/conversations/${conversation_id}/messages?after=0`;
            const answer = await fetch(url, {headers: {Authorization: `Bearer ${token}`}});
            return (await answer.json()).messages.length;
        }"""
    )
    return held


def violations(page: Page) -> list[str]:
    """What axe-core calls a fault."""
    return findings(page)[0]


@dataclass(frozen=True, slots=True)
class Unsure:
    """What axe-core leaves to a person: which rule, why it cannot tell, and where."""

    rule: str
    why: str
    html: str


def findings(page: Page) -> tuple[list[str], list[Unsure]]:
    """What axe-core calls a fault, and what it leaves to a person."""
    options = {"runOnly": {"type": "tag", "values": RULES}}
    found = Axe().run(page, options=options).response
    faults = [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found["violations"]]
    unsure = [
        Unsure(one["id"], _why(node), node["html"][:160])
        for one in found["incomplete"]
        for node in one["nodes"]
    ]
    return faults, unsure


def _why(node: dict[str, Any]) -> str:
    """The key of axe-core's own reason, its words where it has no key."""
    checks = [check for kind in ("any", "all", "none") for check in node[kind]]
    data = checks[0].get("data") if checks else None
    key = data.get("messageKey") if isinstance(data, dict) else None
    return str(key or (checks[0]["message"] if checks else ""))


def sideways(page: Page) -> int:
    """How far the page or the conversation can be scrolled sideways, in pixels."""
    extra: int = page.evaluate(
        "() => Math.max(...[document.scrollingElement, ...document.querySelectorAll('.scroller')]"
        ".map(one => one.scrollWidth - one.clientWidth))"
    )
    return extra
