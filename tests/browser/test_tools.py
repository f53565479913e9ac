"""A parent opens, changes and takes along her papers in Chromium."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.product import PATIENCE, Product
from tests.browser.seen import NARROW, sideways, violations


@pytest.fixture
def page(product: Product, browser: Browser) -> Iterator[Page]:
    """A parent on a small phone who has begun a conversation; no script of the page fails."""
    context = browser.new_context(base_url=product.address, locale="sv-SE", viewport=NARROW)
    context.set_default_timeout(PATIENCE)
    page, faults = context.new_page(), []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.goto("/chat/demokommun?lang=sv")
    page.locator(".message-bot").first.wait_for()
    yield page
    context.close()
    assert faults == []


def test_a_parent_opens_changes_and_prints_her_contact_map(page: Page) -> None:
    page.locator(".fold-more summary").click()
    page.get_by_role("link", name="Dina papper").click()
    page.get_by_role("link", name="Kontaktkarta").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Kontaktkarta")
    for name, state in (("Mormor", "fungerar"), ("Skolan på berget", "konflikt")):
        if not page.get_by_role("button", name="Lägg till", exact=True).is_visible():
            page.get_by_text("Lägg till en kontakt").click()
        new = page.locator("form", has=page.get_by_role("button", name="Lägg till", exact=True))
        new.get_by_label("Vem är det?").fill(name)
        new.get_by_label("Hur går det?").select_option(label=state)
        new.get_by_role("button", name="Lägg till", exact=True).click()
        expect(page.locator(".contacts")).to_contain_text(name)
    expect(page.get_by_role("status")).to_have_text("Sparat.")
    expect(page.locator("#add-contact")).to_be_focused()

    picture = page.get_by_role("img", name="Karta över kontakterna")
    expect(picture).to_be_visible()
    assert "Skolan på berget: konflikt." in (picture.locator("desc").text_content() or "")
    assert sideways(page) == 0
    assert violations(page) == []

    page.get_by_text("Ändra Mormor").click()
    page.get_by_role("button", name="Ta bort Mormor").click()
    expect(page.locator(".contacts")).not_to_contain_text("Mormor")

    page.reload()
    expect(page.locator(".contacts")).to_contain_text("Skolan på berget")
    page.emulate_media(media="print")
    expect(page.locator(".top")).to_be_hidden()
    expect(page.get_by_role("button", name="Skriv ut")).to_be_hidden()
    expect(picture).to_be_visible()


def test_every_paper_is_without_barriers_and_can_be_saved(page: Page) -> None:
    for tool in ("plan", "meeting", "letters&of=sip", "transitions&of=grade_6_7", "all"):
        page.goto(f"/chat/demokommun/verktyg?lang=sv&tool={tool}")
        page.locator(".tool h1").wait_for()
        expect(page.locator(".tool")).not_to_contain_text("Hämtar")
        for fold in page.locator("details.edit:not([open]) > summary").all():
            fold.click()
        assert violations(page) == [], tool
        assert sideways(page) == 0, tool
    page.goto("/chat/demokommun/verktyg?lang=sv&tool=meeting")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Spara som text").click()
    assert saved.value.suggested_filename == "anteckning.txt"


def test_a_tab_without_a_conversation_leads_to_the_chat(page: Page) -> None:
    page.evaluate("sessionStorage.clear()")
    page.goto("/chat/demokommun/verktyg?lang=sv&tool=plan")
    expect(page.get_by_role("heading", level=1)).to_contain_text("inget samtal")
    page.get_by_role("link", name="Till chatten").click()
    page.locator(".message-bot").first.wait_for()
