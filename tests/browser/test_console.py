"""Guides at work in Chromium: who gets a conversation, what helps beside it, and the alarm."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage
from tests.browser.product import (
    DANGER,
    Product,
    ask_for_person,
    choose,
    open_chat,
    running_product,
    sign_in,
    take_over,
    write,
)
from tests.browser.seen import sideways, violations

DESK = {"viewport": {"width": 1280, "height": 800}}


@pytest.fixture(scope="module")
def product(artifacts: Path) -> Iterator[Product]:
    with running_product() as running:
        running.add_guide("anna")
        running.add_guide("bo", "Bo")
        yield running


def waiting(page: Page) -> str:
    """A parent who asks for a person at the first question; returns her conversation's number."""
    open_chat(page)
    write(page, "Min son är 13 år och kommer inte iväg till skolan längre")
    page.get_by_text("Hur länge har det varit så?").wait_for()
    ask_for_person(page)
    stored = page.evaluate("Object.values(sessionStorage)[0]")
    conversation: str = json.loads(stored)["conversation_id"]
    return conversation


def button_of(guide: Page, conversation: str) -> str:
    queue = guide.request.get("/console/api/queue").json()["handoffs"]
    one = next(h["id"] for h in queue if h["conversation_id"] == conversation)
    return f"[data-handoff='{one}']"


def test_of_two_guides_one_gets_the_conversation_and_the_other_is_told(new_page: NewPage) -> None:
    parent, anna, bo = new_page(), new_page(**DESK), new_page(**DESK)
    conversation = waiting(parent)
    sign_in(anna, "anna")
    sign_in(bo, "bo")
    row = button_of(anna, conversation)
    anna.locator(row).wait_for()
    bo.locator(row).wait_for()
    bo.route("**/api/events", lambda route: route.abort())  # so that her list is a moment behind
    bo.reload()
    bo.locator(row).wait_for()
    anna.locator(row).click()
    expect(anna.locator("#pane-open")).to_be_visible()
    bo.locator(row).click()
    expect(bo.locator("#queue-trouble")).to_contain_text("En kollega har redan tagit över")
    expect(bo.locator("#pane-open")).to_be_hidden()


def test_what_helps_is_put_in_the_draft_and_sent_by_the_guide_alone(new_page: NewPage) -> None:
    parent, guide = new_page(), new_page(**DESK)
    waiting(parent)
    sign_in(guide, "anna")
    take_over(guide, parent)
    guide.locator("#pane-heading").focus()
    guide.keyboard.press("q")
    expect(guide.locator("#text")).to_have_value(re.compile("Hur länge har det varit så"))
    guide.wait_for_timeout(500)
    expect(parent.locator(".message-guide")).to_have_count(0)
    guide.locator("#text").press("Enter")
    expect(parent.locator(".message-guide")).to_contain_text("Hur länge har det varit så")
    guide.get_by_role("button", name="Lämna tillbaka till assistenten").click()
    expect(parent.get_by_text("Anna har lämnat tillbaka samtalet")).to_be_visible()
    choose(parent, "Mer än ett halvår")
    expect(guide.locator("#queue-heading")).to_be_focused()


def test_a_new_conversation_and_an_alarm_come_in_without_taking_the_focus(
    new_page: NewPage,
) -> None:
    parent, guide = new_page(), new_page(**DESK)
    sign_in(guide, "bo")
    guide.locator("#filter").fill("svenska")
    before = guide.locator("#rows tr").count()
    waiting(parent)
    expect(guide.locator("#rows tr")).to_have_count(before + 1)
    expect(guide.locator("#filter")).to_be_focused()
    write(parent, DANGER)
    expect(guide.locator(".alarm")).to_contain_text("ett meddelande tyder på fara nu")
    expect(guide.locator("#filter")).to_be_focused()
    expect(guide.locator("#rows tr").first).to_contain_text("Akut")
    guide.locator(".alarm [data-open]").click()
    expect(guide.locator("#pane-open")).to_be_visible()


def test_axe_finds_no_barrier_beside_a_conversation(new_page: NewPage) -> None:
    parent = new_page()
    waiting(parent)
    guide = new_page(viewport={"width": 768, "height": 1024}, color_scheme="dark")
    sign_in(guide, "anna")
    assert violations(guide) == []
    take_over(guide, parent)
    for name in ("matches", "canned", "notes", "support", "leave"):
        guide.locator(f"#panel-tab-{name}").click()
        guide.locator(f"#panel-{name} [data-content] > *").first.wait_for()
        guide.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert violations(guide) == [], name
        assert sideways(guide) == 0, name
