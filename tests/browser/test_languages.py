"""In her own language, on a narrow phone: from the first words to a booked call, and danger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bot.content import Content
from tests.browser.own_language import NUMBER, STORIES, OwnLanguage
from tests.browser.product import PATIENCE, Product, running_product

TUESDAY_EVENING = "2027-03-16T22:40"
NARROW = {"width": 320, "height": 640}
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# Words that stand wider than the button they are in.
CLIPPED = """() => [...document.querySelectorAll("button, summary")]
    .filter((one) => one.offsetParent && one.scrollWidth > one.clientWidth + 1)
    .map((one) => one.innerText)"""
IN_EVERY = pytest.mark.parametrize("language", sorted(STORIES))


@pytest.fixture(scope="module")
def product(artifacts: Path) -> Iterator[Product]:
    with running_product(LOTSA_CLOCK=TUESDAY_EVENING) as running:
        yield running


@pytest.fixture
def page(product: Product, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(base_url=product.address, viewport=NARROW)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE)
    faults: list[str] = []
    opened = context.new_page()
    opened.on("pageerror", lambda error: faults.append(str(error)))
    yield opened
    context.close()
    assert faults == []


def fits(page: Page) -> None:
    """Nothing has to be scrolled sideways to be read, and no button cuts its words."""
    assert page.evaluate(SIDEWAYS) <= 0
    assert page.evaluate(CLIPPED) == []


@IN_EVERY
def test_a_parent_books_a_call_from_her_first_message_on(
    page: Page, content: Content, language: str
) -> None:
    parent = OwnLanguage(page, content, language)
    parent.come()
    assert page.locator("html").get_attribute("dir") == content.direction(language)
    fits(page)
    parent.tell()
    fits(page)
    parent.skip_to_the_cards()
    original = page.locator(".card").first.locator("details").first
    expect(original).to_contain_text(parent.said("web_stod_in_swedish"))
    fits(page)
    parent.share_with_a_person()
    parent.book_a_call()
    expect(page.locator("#presence")).to_contain_text("17")  # of March
    expect(page.locator("#history, #new").last).not_to_contain_text(NUMBER)
    fits(page)


@IN_EVERY
def test_danger_is_answered_in_her_language_with_what_each_number_is(
    page: Page, content: Content, language: str
) -> None:
    parent = OwnLanguage(page, content, language)
    parent.come()
    parent.tell_danger()
    acute = page.locator(".message-acute").last
    expect(acute).to_contain_text(parent.said("acute_suicide"))
    expect(acute).to_contain_text(content.raw(language, "kind_sjalvmordslinjen"))
    expect(acute).to_contain_text(content.raw(language, "web_stod_round_the_clock"))
    fits(page)


def test_a_button_to_send_is_as_wide_as_its_word_in_every_language(
    page: Page, content: Content
) -> None:
    for language in content.languages:
        page.goto(f"/chat/demokommun?lang={language}")
        page.locator(".message-bot .choices").first.wait_for()
        fits(page)
