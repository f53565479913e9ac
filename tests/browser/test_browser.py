"""A parent and a guide use the running product in Chromium."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import NewPage
from tests.browser.product import (
    DANGER,
    PATIENCE,
    SITUATION,
    Product,
    ask_for_person,
    choose,
    open_chat,
    sign_in,
    take_over,
    tell_situation,
    write,
)
from tests.browser.seen import NARROW, shown_messages, sideways, stored_messages, violations


def tab_to(page: Page, selector: str, key: str = "Tab") -> None:
    """Move with the keyboard alone; the place reached must show that it has focus."""
    for _ in range(60):
        page.keyboard.press(key)
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"{selector} does not show its focus"
            return
    raise AssertionError(f"{selector} cannot be reached with {key}")


def test_a_parent_sees_what_was_understood_and_support_with_reasons(new_page: NewPage) -> None:
    page = new_page()
    page.goto("/")
    page.get_by_role("link", name="Strängnäs", exact=True).click()
    expect(page.locator(".message-bot").first).to_contain_text("en dator")
    tell_situation(page)

    understood = page.locator(".message", has_text="Så här har jag förstått").locator(".lines")
    for words in ("13 år", "skolan", "BUP", "socialtjänsten"):
        expect(understood).to_contain_text(words)
    cards = page.locator(".card")
    assert 1 <= cards.count() <= 3
    for card in cards.all():
        expect(card).to_contain_text("Varför det kan passa")
        assert card.locator("ul").first.locator("li").first.inner_text().strip()
        assert card.locator(".card-source").inner_text().count("Källa:") == 1


def test_where_no_coordinator_exists_the_parent_is_told_so_and_what_to_do(
    new_page: NewPage,
) -> None:
    page = new_page()
    open_chat(page, "strangnas")
    tell_situation(page)

    level = page.locator(".level-coordinator")
    expect(level).to_contain_text("Någon behöver samordna")
    assert level.locator("li").count() >= 2
    next_step = page.locator(".message", has_text="Strängnäs har ingen samordnare")
    expect(next_step.locator("dt").first).to_be_visible()
    expect(page.get_by_text("har en samordnare")).to_have_count(0)


def test_where_a_coordinator_exists_the_parent_is_offered_one(new_page: NewPage) -> None:
    page = new_page()
    open_chat(page, "demokommun")
    expect(page.locator(".fictional")).to_be_visible()
    tell_situation(page)

    expect(page.get_by_text("Demokommun har en samordnare")).to_be_visible()
    expect(page.get_by_text("har ingen samordnare")).to_have_count(0)


def test_a_guide_takes_over_answers_live_and_gives_the_conversation_back(
    new_page: NewPage, guide_login: str
) -> None:
    parent, guide = new_page(), new_page()
    open_chat(parent)
    tell_situation(parent)
    ask_for_person(parent)

    sign_in(guide, guide_login)
    queue = guide.locator(".queue")
    expect(queue).to_contain_text("Behöver samordning")
    expect(queue).to_contain_text(
        "Rättigheter och många kontakter"
    )  # the area she shared, and no more
    assert not re.search(r"BUP|13 år|socialtjänst|kommer inte", queue.inner_text(), re.IGNORECASE)

    take_over(guide, parent)
    for words in ("13 år", "socialtjänsten", "Någon behöver samordna"):
        expect(guide.locator("#brief")).to_contain_text(words)
    expect(guide.locator("#pane")).not_to_contain_text(SITUATION)
    expect(parent.locator("#presence")).to_contain_text("Guiden Anna svarar dig nu")
    expect(parent.get_by_label("Skriv till Anna")).to_be_visible()
    expect(parent.locator("#person")).to_be_hidden()

    write(guide, "Hej, vilka var med på senaste mötet?")
    answer = parent.locator(".message-guide")
    expect(answer).to_contain_text("vilka var med på senaste mötet")
    expect(answer).to_contain_text("Anna")

    said_by_bot = parent.locator(".message-bot").count()
    write(parent, "Det var bara rektorn som kom")
    expect(guide.locator(".message-parent").last).to_contain_text("bara rektorn")
    write(guide, "Tack, då vet jag.")
    expect(parent.locator(".message-guide")).to_have_count(2)
    parent.wait_for_timeout(1000)  # as long as the assistant would have needed to answer
    expect(parent.locator(".message-bot")).to_have_count(said_by_bot)

    guide.get_by_role("button", name="Lämna tillbaka till assistenten").click()
    expect(parent.get_by_text("Anna har lämnat tillbaka samtalet")).to_be_visible()
    write(parent, "Vad är en SIP?")
    # What is new stands apart; the words may stand in what was said before as well.
    expect(parent.get_by_role("log")).to_contain_text("samordnad individuell plan")
    expect(parent.locator(".message")).to_have_count(stored_messages(parent))
    before = shown_messages(parent)
    parent.reload()
    expect(parent.locator(".message")).to_have_count(len(before))
    assert shown_messages(parent) == before
    assert len({seq for seq, _ in before}) == len(before)


def test_danger_is_answered_with_112_first_as_a_link_to_call(new_page: NewPage) -> None:
    page = new_page(viewport={"width": 390, "height": 844})
    open_chat(page)
    write(page, DANGER)

    answer = page.locator(".message-acute")
    expect(answer.locator("a").first).to_have_attribute("href", "tel:112")
    expect(answer.locator("a").first).to_be_in_viewport()
    expect(answer).to_contain_text("Ring 112 nu")
    page.wait_for_timeout(1000)  # as long as the assistant would have needed to begin
    expect(page.locator("#typing")).to_be_empty()


def test_everything_a_parent_does_can_be_done_with_the_keyboard(new_page: NewPage) -> None:
    page = new_page()
    page.goto("/?lang=sv")
    tab_to(page, ".tiles a[href^='/chat/strangnas']")
    page.keyboard.press("Enter")
    page.locator(".message-bot").first.wait_for()

    tab_to(page, ".choice")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Hur gammalt är barnet?")).to_be_visible()
    tab_to(page, ".choice[data-label='13–15 år']", "Shift+Tab")
    page.keyboard.press("Space")
    expect(page.get_by_text("Hur länge har det varit så?")).to_be_visible()

    tab_to(page, "#text")
    page.keyboard.type("Ungefär ett år")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Vilka har ni kontakt med om detta?")).to_be_visible()
    tab_to(page, ".choice-box input[value='actors:school']", "Shift+Tab")
    page.keyboard.press("Space")
    tab_to(page, ".choices:not(.choices-closed) .button-main")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Hur går det med")).to_be_visible()
    while not page.locator(".card").count():
        answered = page.locator(".message-bot").count()
        tab_to(page, ".choices:not(.choices-closed) .choice[data-label='Hoppa över']", "Shift+Tab")
        page.keyboard.press("Enter")
        page.locator(".message-bot").nth(answered).wait_for()

    tab_to(page, "#person")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Får guiden läsa sammanfattningen?")).to_be_visible()
    tab_to(page, "#erase")
    page.keyboard.press("Enter")
    tab_to(page, "#erase-confirm")
    page.keyboard.press("Enter")
    expect(page.locator("#ended-text")).to_be_focused()


def test_nothing_scrolls_sideways_on_a_narrow_screen(new_page: NewPage, guide_login: str) -> None:
    parent, guide = new_page(viewport=NARROW), new_page(viewport=NARROW)
    parent.goto("/?lang=sv")
    assert sideways(parent) == 0
    open_chat(parent)
    assert sideways(parent) == 0
    tell_situation(parent)
    assert sideways(parent) == 0
    ask_for_person(parent)
    write(parent, DANGER)
    parent.locator(".message-acute").wait_for()
    assert sideways(parent) == 0

    guide.goto("/console/login")
    assert sideways(guide) == 0
    sign_in(guide, guide_login)
    assert sideways(guide) == 0
    take_over(guide, parent)
    assert sideways(guide) == 0


def test_axe_finds_no_barrier_on_the_parents_pages(new_page: NewPage) -> None:
    page = new_page()
    page.goto("/?lang=sv")
    assert violations(page) == []
    open_chat(page)
    assert violations(page) == []
    choose(page, "Mitt barn mår dåligt")
    expect(page.get_by_text("Hur gammalt är barnet?")).to_be_visible()
    assert violations(page) == []
    tell_situation(page)
    assert violations(page) == []
    write(page, DANGER)
    page.locator(".message-acute").wait_for()
    assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_barrier_on_the_pages_without_the_chat(new_page: NewPage, scheme: str) -> None:
    page = new_page(viewport=NARROW, color_scheme=scheme)
    for path in (
        "/stod/strangnas?situation=school&age=13",
        "/stod/strangnas?q=skola",
        "/stod/strangnas?q=min+son+vill+ta+livet+av+sig",
        "/stod/strangnas/strangnas-skolsocialt-stodteam?lang=sv",
        "/ordlista?lang=sv#sip",
    ):
        page.goto(path)
        assert violations(page) == [], path
        assert sideways(page) == 0, path


def test_support_is_found_without_any_script(new_page: NewPage) -> None:
    page = new_page(java_script_enabled=False)
    page.goto("/chat/strangnas?lang=sv")
    page.get_by_role("link", name="Allt stöd i Strängnäs").click()
    page.get_by_label("Sök stöd").fill("orosanmälan")
    page.get_by_role("button", name="Sök").click()
    page.get_by_role("link", name="Om orosanmälan").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Om orosanmälan")
    page.locator(".term").first.click()
    expect(page).to_have_url(re.compile(r"/ordlista\?lang=sv#"))


def test_a_card_leads_to_its_page_and_to_the_words_in_it(new_page: NewPage) -> None:
    page = new_page()
    open_chat(page)
    tell_situation(page)
    card = page.locator(".card").first
    name = card.locator("h4, h3").first.inner_text()
    with page.expect_popup() as opened:
        card.get_by_role("link", name="Läs mer och skriv ut").click()
    expect(opened.value.get_by_role("heading", level=1)).to_have_text(name)
    for link in card.locator(".card-terms a").all():
        expect(link).to_have_attribute("href", re.compile(r"^/ordlista\?lang=sv#[\w-]+$"))
        expect(link).to_have_attribute("rel", "noopener")


def test_axe_finds_no_barrier_in_the_console(new_page: NewPage, guide_login: str) -> None:
    parent, guide = new_page(), new_page()
    open_chat(parent)
    tell_situation(parent)
    ask_for_person(parent)

    guide.goto("/console/login")
    assert violations(guide) == []
    sign_in(guide, guide_login)
    guide.get_by_role("button", name="Ta över").first.wait_for()
    assert violations(guide) == []
    take_over(guide, parent)
    write(guide, "Hej, jag har läst ditt underlag.")
    expect(guide.locator(".message-guide")).to_be_visible()
    assert violations(guide) == []


@pytest.mark.parametrize("way", ["escape", "button"])
def test_who_leaves_quickly_leaves_nothing_behind(
    browser: Browser, product: Product, way: str
) -> None:
    with browser.new_context(base_url=product.address, locale="sv-SE") as context:
        context.set_default_timeout(PATIENCE)
        context.route("https://www.wikipedia.org/**", _neutral_page)
        page = context.new_page()
        open_chat(page)
        assert page.title() == "Lotsa"
        opening = len(shown_messages(page))
        write(page, "Det är bråk hemma varje kväll")
        expect(page.locator(".message")).not_to_have_count(opening)
        entries = page.evaluate("history.length")

        if way == "button":
            page.locator("#leave").click()
        else:
            for _ in range(3):
                page.keyboard.press("Escape")
        page.wait_for_url("https://www.wikipedia.org/**")

        assert page.title() == "Wikipedia"
        assert page.evaluate("history.length") == entries
        page.go_back()
        assert not page.url.startswith(product.address)
        open_chat(page)
        expect(page.locator(".message")).to_have_count(opening)
        assert context.cookies() == []
        assert page.evaluate("localStorage.length") == 0


def _neutral_page(route: Route) -> None:
    route.fulfill(body="<title>Wikipedia</title>", content_type="text/html")
