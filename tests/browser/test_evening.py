"""A parent at 22:40, when nobody is there: a booked call, a guide after all, and the way back."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

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

TUESDAY_EVENING = "2027-03-16T22:40"
STORY = "Min son är 13 år och har inte varit i skolan på fem veckor"
PICTURES = os.environ.get("LOTSA_PICTURES")  # folder to keep the screens in


@pytest.fixture  # anew for each: a guide who has signed in is there in the evening too
def product(artifacts: Path) -> Iterator[Product]:
    with running_product(LOTSA_CLOCK=TUESDAY_EVENING) as running:
        yield running


@pytest.fixture
def parent(product: Product, browser: Browser) -> Iterator[Page]:
    yield from _page(product, browser)


@pytest.fixture
def guide(product: Product, browser: Browser) -> Iterator[Page]:
    yield from _page(product, browser)


def _page(product: Product, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(base_url=product.address, locale="sv-SE")
    context.set_default_timeout(PATIENCE)
    faults: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert faults == []


def _ask_for_person(page: Page) -> None:
    open_chat(page, "demokommun")
    expect(page.locator("#presence")).to_contain_text("17 mars kl. 08.00")
    write(page, STORY)
    page.get_by_role("button", name="Hoppa över").last.wait_for()
    page.locator("#person").click()
    choose(page, "Ja, ge guiden sammanfattningen")
    page.get_by_text("Vilken dag passar dig?").wait_for()


def _keep(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"))


def test_in_the_evening_three_taps_and_a_number_book_a_call(parent: Page) -> None:
    _ask_for_person(parent)
    _keep(parent, "evening-days")
    choose(parent, "Onsdag 17 mars")
    choose(parent, "08.30")
    choose(parent, "Ring mig")
    parent.get_by_text("Vilket nummer ska vi ringa?").wait_for()
    write(parent, "0701740635")
    told = parent.locator(".message-bot", has_text="Din tid är bokad").last
    for words in ("onsdag 17 mars kl. 08.30", "guide", "Vi ringer dig", "30 minuter", "papper"):
        expect(told).to_contain_text(words)
    expect(parent.locator("#presence")).to_contain_text("tid bokad onsdag 17 mars kl. 08.30")
    expect(parent.locator(".message-bot", has_text="Jag tog bort")).to_have_count(0)
    expect(parent.locator(".message-parent").last).to_contain_text("(nummer, dolt här)")
    _keep(parent, "evening-booked")
    with parent.expect_download() as download:
        told.get_by_role("link", name="Lägg tiden i din kalender").click()
    assert download.value.suggested_filename == "kalender.ics"
    assert b"DTSTART;TZID=Europe/Stockholm:20270317T083000" in Path(
        download.value.path()
    ).read_bytes().replace(b"\r\n ", b"")

    choose(parent, "Välj dag och tid")
    choose(parent, "Torsdag 18 mars")
    choose(parent, "09.00")
    choose(parent, "Skriv med mig här i chatten")
    expect(parent.locator("#presence")).to_contain_text("torsdag 18 mars kl. 09.00")

    write(parent, "jag vill avboka")
    expect(parent.locator(".message-bot").last).to_contain_text("avbokad")
    expect(parent.locator("#assistant")).to_be_hidden()
    parent.reload()
    expect(parent.locator("#history")).not_to_contain_text("0701740635")


def test_after_the_guide_and_by_her_own_choice_the_assistant_goes_on(
    parent: Page, guide: Page, product: Product
) -> None:
    product.add_guide("eva", "Eva", "demokommun")
    _ask_for_person(parent)
    sign_in(guide, "eva", "demokommun")
    take_over(guide, parent)
    expect(parent.locator("#presence")).to_contain_text("Guiden Eva svarar dig nu")
    write(guide, "Hej, jag såg att du skrev.")
    expect(parent.locator(".message-guide")).to_contain_text("jag såg att du skrev")
    _keep(parent, "held")
    guide.get_by_role("button", name="Lämna tillbaka till assistenten").click()
    expect(parent.locator("#history, #new").last).to_contain_text("Eva har lämnat tillbaka")
    back = parent.locator(".message-bot")
    expect(back.filter(has_text="Så här har jag förstått").last).to_contain_text("13 år")
    parent.get_by_role("button", name="Hoppa över").last.wait_for()
    _keep(parent, "returned")

    # And once more, where it is she who wants the assistant again.
    parent.locator("#person").click()
    choose(parent, "Ja, men ge guiden inget")
    expect(parent.locator("#presence")).to_contain_text(re.compile(r"nummer 1 i kön"))
    take_over(guide, parent)
    expect(parent.locator("#presence")).to_contain_text("Guiden Eva svarar dig nu")
    parent.locator("#assistant").click()
    expect(parent.locator(".message-bot", has_text="Då är det jag, assistenten")).to_be_visible()
    expect(parent.locator("#assistant")).to_be_hidden()
    parent.get_by_role("button", name="Hoppa över").last.wait_for()
