"""A hundred texts that try to be more than text stay text, wherever they are shown."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from bot.messages import Author, OutgoingMessage
from bot.settings import PROJECT
from knowledge.catalogue import Catalogue
from tests.conftest import NewParent
from tests.security.payloads import PAYLOADS


class Active(HTMLParser):
    """Collects what a browser would run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("iframe", "object", "base", "style", "svg/onload", "math", "video"):
            self.found.append(tag)
        if tag == "script" and not (given.get("src") or "").startswith("/static/"):
            self.found.append(tag)
        self.found += [name for name in given if name.startswith("on")]
        self.found += [
            str(value)
            for value in given.values()
            if (value or "").lower().startswith("javascript:") and tag != "input"
        ]


def active(page: str) -> list[str]:
    parser = Active()
    parser.feed(page)
    return parser.found


def test_there_are_a_hundred() -> None:
    assert len(set(PAYLOADS)) >= 100


async def test_none_acts_in_the_chat(new_parent: NewParent) -> None:
    """No answer holds the result of a template, and what was written comes back as JSON."""
    for start in range(0, len(PAYLOADS), 20):
        parent = await new_parent("demokommun")
        for payload in PAYLOADS[start : start + 20]:
            taken = await parent.post(text=payload)
            assert taken.status_code == 202, payload
            assert "erased" not in taken.json(), payload
        while await parent.worker.take_turn() is not None:
            pass
        replies = json.dumps(await parent.read(), ensure_ascii=False)
        assert "alert(1)" not in replies
        assert not re.search(r"54439|__class__|evil\.example", replies)
        answer = await parent.client.get(f"{parent.url}/messages", headers=parent.headers)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_none_acts_in_a_page_that_repeats_it(new_parent: NewParent) -> None:
    client = (await new_parent("demokommun")).client
    for payload in PAYLOADS:
        page = await client.get("/stod/demokommun", params={"q": payload})
        assert page.status_code in (200, 400), payload
        assert "<script>alert" not in page.text
        assert active(page.text) == [], payload


@pytest.mark.parametrize("field", ["name", "summary"])
def test_none_acts_in_an_entry(field: str) -> None:
    """Templates escape everything, and none marks a text as safe."""
    for path in (PROJECT / "channels" / "templates").glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert "|safe" not in text.replace(" ", ""), path.name
        assert "autoescape false" not in text, path.name
    assert field in next(iter(Catalogue.load().services.values())).__class__.model_fields


async def test_what_a_guide_writes_is_text(new_parent: NewParent) -> None:
    from uuid import UUID

    parent = await new_parent("demokommun")
    ledger = parent.worker._ledger
    async with ledger.transaction() as connection:
        for payload in PAYLOADS[:20]:
            message = OutgoingMessage(Author.GUIDE, payload, name=payload[:20])
            await ledger.add(connection, UUID(parent.conversation), message)
    read = await parent.read()
    assert [message["text"] for message in read] == PAYLOADS[:20]
