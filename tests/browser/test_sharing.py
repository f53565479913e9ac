"""In two browsers: the guide reads what the parent left, and nothing once she regrets it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.product import (
    PATIENCE,
    Product,
    choose,
    open_chat,
    running_product,
    sign_in,
    take_over,
    write,
)
from tests.browser.seen import sideways, violations
from tests.browser.test_browser import NARROW

STORY = "dottern är 14 och har inte varit i skolan på fem veckor, vi har kontakt med bup"


@pytest.fixture(scope="module")
def product(artifacts: Any) -> Iterator[Product]:
    with running_product() as running:
        yield running


def someone(product: Product, browser: Browser, **options: Any) -> Page:
    context = browser.new_context(base_url=product.address, locale="sv-SE", **options)
    context.set_default_timeout(PATIENCE)
    return context.new_page()


def photograph(page: Page, name: str) -> None:
    """For looking at, where a folder is named."""
    if folder := os.environ.get("LOTSA_TEST_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_what_is_left_is_read_and_what_is_taken_back_is_gone(
    product: Product, browser: Browser
) -> None:
    product.add_guide("karin", "Karin")
    parent, guide = someone(product, browser, viewport=NARROW), someone(product, browser)
    open_chat(parent)
    write(parent, STORY)
    parent.get_by_role("button", name="Hoppa över").last.wait_for()
    parent.locator("#person").click()
    brief = parent.locator(".message", has_text="Så här ser sammanfattningen ut").last
    expect(brief).to_contain_text("Jag vet inte vad barnet vill")
    brief.get_by_role("button", name="Dela inte: Barnets ålder").click()
    expect(parent.get_by_role("button", name="Ta med igen: Barnets ålder")).to_be_visible()
    photograph(parent, "brief")
    assert violations(parent) == []
    assert sideways(parent) == 0
    choose(parent, "Ja, ge guiden sammanfattningen")
    parent.get_by_text("får sammanfattningen, så att").wait_for()

    sign_in(guide, "karin")
    take_over(guide, parent)
    expect(guide.locator("#brief")).to_contain_text("BUP")
    expect(guide.locator("#brief")).not_to_contain_text("14 år")
    photograph(guide, "guide")

    write(parent, "Jag ångrar mig, dela inget")
    expect(parent.locator(".message-bot").last).to_contain_text("Du har tagit tillbaka ditt ja")
    expect(guide.locator("#brief")).not_to_contain_text("BUP")
    expect(guide.locator("#pane")).to_contain_text("Du har tagit tillbaka ditt ja")

    parent.locator(".fold-more > summary").click()
    parent.get_by_role("link", name="Vad sparas? Vem ser?").click()
    expect(parent.get_by_text("Ingen får läsa din sammanfattning just nu.")).to_be_visible()
    parent.get_by_role("button", name="Säg ja: spara längre").click()
    expect(parent.get_by_text("Nu: ja.")).to_be_visible()
    parent.get_by_label("Bara du.").check()
    parent.get_by_role("button", name="Ja, det här får ges vidare").click()
    expect(parent.get_by_role("heading", name="Dina kvitton")).to_be_visible()
    with parent.expect_download() as saved:
        parent.get_by_role("button", name="Spara som pdf").click()
    assert saved.value.suggested_filename == "anteckning.pdf"
    assert violations(parent) == []
    assert sideways(parent) == 0
    photograph(parent, "privacy")
