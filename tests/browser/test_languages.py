"""In her own language, on a narrow phone: from the first message to a booked call."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bot.content import Content
from tests.browser.product import (
    CHROMIUM,
    PATIENCE,
    Product,
    choose,
    running_browser,
    running_product,
    write,
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not CHROMIUM.is_file(), reason=f"{CHROMIUM} is missing: apt-get install chromium"
    ),
]
TUESDAY_EVENING = "2027-03-16T22:40"
PICTURES = os.environ.get("LOTSA_PICTURES")  # folder to keep the screens in
NARROW = {"width": 320, "height": 640}
STORIES = {
    "ar": "ابني عمره 13 سنة ولا يريد الذهاب إلى المدرسة",
    "so": "wiilkaygu waa 13 jir iskuulka wuu diiday inuu aado",
    "sv-x-lattlast": "min son är 13 han vill inte gå till skolan",
}
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def product(artifacts: Path) -> Iterator[Product]:
    with running_product(LOTSA_CLOCK=TUESDAY_EVENING) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
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


def fits(page: Page, name: str) -> None:
    """Nothing has to be scrolled sideways to be read; the screen is kept where that is asked."""
    page.wait_for_timeout(300)
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"))
    assert page.evaluate(SIDEWAYS) <= 0, name


def last_sentence(text: str) -> str:
    """The last sentence of a text, which holds no names or times that are filled in."""
    return re.split(r"(?<=[.?!؟]) ", text.strip())[-1]


@pytest.mark.parametrize("language", sorted(STORIES))
def test_a_parent_books_a_call_in_her_own_language(
    page: Page, content: Content, language: str
) -> None:
    def said(text_id: str) -> str:
        return content.raw(language, text_id)

    page.goto(f"/chat/demokommun?lang={language}")
    page.locator(".message-bot .choices").first.wait_for()
    assert page.locator("html").get_attribute("dir") == content.direction(language)
    fits(page, f"{language}-opening")
    write(page, STORIES[language])
    page.get_by_text(said("utter_ask_how_long")).first.wait_for()
    fits(page, f"{language}-question")
    for _ in range(12):
        if page.locator(".card").count():
            break
        choose(page, said("choice_skip"))
        page.wait_for_timeout(1500)
    card = page.locator(".card").first
    card.wait_for()
    expect(card.locator("details").first).to_contain_text(said("web_stod_in_swedish"))
    card.scroll_into_view_if_needed()
    fits(page, f"{language}-cards")
    page.locator("#person").click()
    choose(page, said("choice_consent_handoff_share"))
    for asked in ("utter_book_day", "utter_book_time"):
        question = page.locator(".message-bot", has_text=last_sentence(said(asked))).last
        question.locator(".choices button").first.click()
    choose(page, said("choice_book_how_phone"))
    page.get_by_text(last_sentence(said("utter_book_number"))).first.wait_for()
    write(page, "0701740635")
    booked = said("utter_booked_phone").split("{when}")[0].strip(" :")
    told = page.locator(".message-bot", has_text=booked).last
    expect(told).to_contain_text(re.compile("17|١٧"))
    expect(told.get_by_role("link")).to_have_count(1)  # for the calendar
    expect(page.locator("#history, #new").last).not_to_contain_text("0701740635")
    fits(page, f"{language}-booked")
