"""The ways into the chat, and what happens when the network or the page goes away."""

from __future__ import annotations

import json
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
    open_chat,
    sign_in,
    take_over,
    tell_situation,
    write,
)
from tests.browser.seen import NARROW, shown_messages, sideways, violations

HOST_POLICY = "default-src 'none'; script-src {lotsa}; frame-src {lotsa}; frame-ancestors 'none'"


def own(page: Page, text: str) -> int:
    """How often the parent is shown to have said this."""
    return sum(said == text for _, said in shown_messages(page))


def test_a_reload_while_the_answer_is_on_its_way_shows_it_once(new_page: NewPage) -> None:
    page = new_page()
    open_chat(page)
    write(page, SITUATION)
    page.locator(".message-parent").wait_for()
    page.reload()
    expect(page.get_by_text("Hur länge har det varit så?")).to_be_visible()
    assert own(page, SITUATION) == 1
    shown = shown_messages(page)
    assert len({seq for seq, _ in shown}) == len(shown)


def test_what_is_written_without_a_network_is_sent_once_when_it_is_back(
    new_page: NewPage,
) -> None:
    page = new_page()
    open_chat(page)
    page.context.set_offline(True)
    expect(page.locator("#offline")).to_contain_text("ingen uppkoppling")
    write(page, SITUATION)
    expect(page.get_by_text("Inte skickat än")).to_be_visible()
    page.locator(".fold-acute summary").click()
    expect(page.locator(".fold-acute a[href='tel:112']")).to_be_visible()

    page.context.set_offline(False)
    expect(page.get_by_text("Hur länge har det varit så?")).to_be_visible()
    expect(page.locator("#offline")).to_be_empty()
    assert own(page, SITUATION) == 1


def test_what_could_not_be_sent_is_kept_over_a_reload(new_page: NewPage) -> None:
    page = new_page()
    open_chat(page)
    page.route("**/api/conversations/*/messages", lambda route: route.abort())
    write(page, SITUATION)
    expect(page.locator("#trouble-text")).to_contain_text("skickas igen")
    page.unroute("**/api/conversations/*/messages")
    page.reload()
    expect(page.get_by_text("Hur länge har det varit så?")).to_be_visible()
    assert own(page, SITUATION) == 1


def test_two_tabs_of_one_conversation_show_the_same(new_page: NewPage) -> None:
    one = new_page()
    open_chat(one)
    kept = one.evaluate("Object.entries(sessionStorage)")
    other = one.context.new_page()
    other.goto("/ordlista")
    other.evaluate("kept => kept.forEach(([k, v]) => sessionStorage.setItem(k, v))", kept)
    other.goto("/chat/strangnas?lang=sv")
    expect(other.locator(".message")).to_have_count(len(shown_messages(one)))

    write(one, SITUATION)
    for tab in (one, other):
        expect(tab.get_by_text("Hur länge har det varit så?")).to_be_visible()
    write(other, "Ungefär ett år")
    for tab in (one, other):
        expect(tab.get_by_text("Fråga 2 av")).to_be_visible()
    assert shown_messages(one) == shown_messages(other)


def test_what_comes_while_nobody_looks_is_a_number_in_a_title_that_says_nothing_else(
    new_page: NewPage,
) -> None:
    page = new_page()
    open_chat(page)
    page.evaluate(
        "Object.defineProperty(document, 'hidden', {configurable: true, get: () => true})"
    )
    write(page, SITUATION)
    expect(page).to_have_title(re.compile(r"^\(\d+\) Lotsa$"))
    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    expect(page).to_have_title("Lotsa")


def test_who_says_that_she_stops_gets_a_code_that_opens_the_conversation_elsewhere(
    new_page: NewPage,
) -> None:
    page, other = new_page(viewport=NARROW), new_page(viewport=NARROW)
    open_chat(page)
    write(page, SITUATION)
    expect(page.get_by_text("Hur länge har det varit så?")).to_be_visible()
    write(page, "Jag måste sluta nu")
    paused = page.locator(".message-bot", has_text="Då pausar vi här").last
    expect(paused).to_contain_text("Här är din kod")
    expect(page.get_by_role("log")).to_contain_text("Här är din kod")
    assert sideways(page) == 0
    assert violations(page) == []
    code = re.search(r"[A-Z0-9]{4}-[A-Z0-9]{4}", paused.inner_text())
    assert code

    other.goto("/fortsatt?lang=sv")
    other.locator("input").first.fill(code[0])
    other.keyboard.press("Enter")
    expect(other.get_by_text("Hur länge har det varit så?").last).to_be_visible()


def test_who_is_writing_is_said(new_page: NewPage, guide_login: str) -> None:
    parent, guide = new_page(), new_page()
    open_chat(parent)
    tell_situation(parent)
    ask_for_person(parent)
    sign_in(guide, guide_login)
    take_over(guide, parent)
    guide.locator("#text").press_sequentially("Hej")
    expect(parent.locator("#typing")).to_have_text("Guiden Anna skriver")


def test_enter_that_ends_a_composition_does_not_send(new_page: NewPage) -> None:
    page = new_page()
    open_chat(page)
    page.locator("#text").fill("にほんご")
    before = len(shown_messages(page))
    page.locator("#text").dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    page.locator("#text").dispatch_event("keydown", {"key": "Enter", "keyCode": 229})
    expect(page.locator("#text")).to_have_value("にほんご")
    assert len(shown_messages(page)) == before


def test_only_new_messages_are_read_aloud_and_focus_stays_in_the_box(new_page: NewPage) -> None:
    page = new_page()
    open_chat(page)
    write(page, SITUATION)
    expect(page.get_by_text("Hur länge har det varit så?")).to_be_visible()
    expect(page.locator("#text")).to_be_focused()
    expect(page.get_by_role("log")).to_contain_text("Hur länge har det varit så?")
    expect(page.get_by_role("log")).not_to_contain_text(SITUATION)
    expect(page.locator("#history")).to_contain_text(SITUATION)


def test_a_word_is_explained_where_it_stands_with_the_keyboard(new_page: NewPage) -> None:
    page = new_page()
    open_chat(page)
    write(page, "Vad är en SIP?")
    term = page.locator(".message-bot button.term").last
    term.focus()
    page.keyboard.press("Enter")
    expect(term).to_have_attribute("aria-expanded", "true")
    explanation = page.locator(f"#{term.get_attribute('aria-controls')}")
    expect(explanation).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Enter")
    expect(explanation).to_be_hidden()


def test_the_text_can_be_made_larger_and_nothing_is_cut_off(new_page: NewPage) -> None:
    page = new_page(viewport=NARROW)
    open_chat(page)
    page.locator(".fold-more summary").click()
    page.get_by_role("button", name="Störst").click()
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "24px"
    page.reload()
    page.locator(".message-bot").first.wait_for()
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "24px"
    assert sideways(page) == 0
    assert violations(page) == []


def test_the_conversation_can_be_saved_as_text(new_page: NewPage) -> None:
    page = new_page()
    open_chat(page)
    page.locator(".fold-more summary").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Spara som text").click()
    assert saved.value.suggested_filename == "anteckning.txt"
    assert "en dator" in saved.value.path().read_text(encoding="utf-8-sig")


def test_every_control_is_as_large_as_a_finger(new_page: NewPage) -> None:
    page = new_page(viewport=NARROW)
    open_chat(page)
    write(page, SITUATION)
    expect(page.get_by_text("Hur länge har det varit så?")).to_be_visible()
    small = page.evaluate(
        """() => [...document.querySelectorAll("button:not(.term), summary, input, textarea, a")]
        .filter(one => one.checkVisibility() && !one.closest(".hidden, .skip"))
        .map(one => [one.getBoundingClientRect(), one.outerHTML.slice(0, 80)])
        .filter(([box]) => box.width && (box.height < 43.9 || box.width < 43.9))
        .map(([, html]) => html)"""
    )
    assert small == []


@pytest.mark.parametrize("language", ["ar", "fa"])
def test_the_chat_in_a_language_from_right_to_left_holds_together(
    new_page: NewPage, language: str
) -> None:
    page = new_page(viewport=NARROW)
    page.goto(f"/chat/strangnas?lang={language}")
    page.locator(".message-bot .choices").first.wait_for()
    root = page.locator("html")
    expect(root).to_have_attribute("dir", "rtl")
    expect(root).to_have_attribute("lang", language)
    expect(page.locator(".message-bot .content").first).to_have_attribute("dir", "rtl")
    before = page.locator(".message-bot").count()
    page.locator(".message-bot .choices button").first.click()
    page.locator(".message-bot").nth(before).wait_for()
    leave, brand = page.locator("#leave").bounding_box(), page.locator(".brand").bounding_box()
    assert leave
    assert brand
    assert leave["x"] < brand["x"]
    assert sideways(page) == 0
    assert violations(page) == []


@pytest.mark.parametrize(
    ("language", "said"),
    [("ar", "ابني يريد أن يقتل نفسه"), ("ckb", "کوڕەکەم دەیەوێت خۆی بکوژێت")],
)
def test_danger_told_from_right_to_left_is_answered_so_on_a_page_from_left_to_right(
    new_page: NewPage, language: str, said: str
) -> None:
    page = new_page(viewport=NARROW)
    open_chat(page)
    write(page, said)
    answer = page.locator(".message-acute .content")
    expect(answer).to_have_attribute("dir", "rtl")
    expect(answer).to_have_attribute("lang", language)
    expect(answer.locator(".number-digits").first).to_have_attribute("dir", "ltr")
    assert sideways(page) == 0
    assert violations(page) == []


def test_without_a_script_the_chat_goes_on_in_forms(new_page: NewPage) -> None:
    page = new_page(java_script_enabled=False, viewport=NARROW)
    page.goto("/chat/strangnas?lang=sv")
    page.wait_for_url("**/chat/strangnas/utan-skript?lang=sv")
    page.get_by_label("Skriv till Lotsa").fill(SITUATION)
    page.get_by_role("button", name="Skicka", exact=True).click()
    page.get_by_label("Mer än ett halvår").check()
    page.get_by_role("button", name="Skicka valet").click()
    expect(page.locator(".message-parent").first).to_contain_text("Mer än ett halvår")
    page.get_by_label("Skriv till Lotsa").fill(DANGER)
    page.get_by_role("button", name="Skicka", exact=True).click()
    expect(page.locator(".message-acute a").first).to_have_attribute("href", "tel:112")
    assert page.url.endswith("/chat/strangnas/utan-skript?lang=sv")
    assert page.context.cookies() == []


@pytest.fixture
def host_page(product: Product, browser: Browser) -> Page:
    """A municipality's own page, on another origin, with a policy as strict as can be."""
    context = browser.new_context(
        locale="sv-SE",
        viewport={"width": 1280, "height": 800},
        # Both servers are this machine; Chromium asks before a page may load from it.
        permissions=["local-network-access"],
    )
    context.set_default_timeout(PATIENCE)
    site = product.address.replace("127.0.0.1", "localhost")
    tag = (
        f'<script src="{product.address}/static/widget.js" data-municipality="strangnas" defer '
        'data-language="sv" data-label="Hitta stöd" data-title="Chatt" data-unread="Nya: {count}" '
        'data-color="#ffff00"></script>'
    )
    html = f"<!doctype html><html lang=sv><title>Kommunen</title>{tag}<main><h1>Hej</h1></main>"

    def answer(route: Route) -> None:
        policy = HOST_POLICY.format(lotsa=product.address)
        headers = {"Content-Security-Policy": policy, "Content-Type": "text/html; charset=utf-8"}
        route.fulfill(body=html, headers=headers)

    context.route(f"{site}/**", answer)
    page = context.new_page()
    page.goto(f"{site}/")
    return page


def test_the_widget_opens_one_titled_frame_on_a_page_with_a_strict_policy(host_page: Page) -> None:
    said: list[str] = []
    host_page.on("console", lambda one: said.append(one.text))
    host_page.reload()
    launcher = host_page.get_by_role("button", name="Hitta stöd")
    launcher.click()
    frame = host_page.frame_locator("iframe[title='Chatt']")
    frame.locator(".message-bot .choices").first.wait_for()
    expect(launcher).to_have_attribute("aria-expanded", "true")
    assert [text for text in said if "contrast" not in text] == []
    assert any("#ffff00" in text for text in said)  # white on yellow is not used
    assert violations(host_page) == []

    frame.locator("#text").fill(SITUATION)
    frame.locator("#text").press("Enter")
    launcher.click()
    expect(host_page.locator("iframe")).to_be_hidden()
    expect(launcher).to_contain_text("Nya:")
    launcher.click()
    expect(launcher).not_to_contain_text("Nya:")
    frame.get_by_text("Hur länge har det varit så?").wait_for()
    frame.locator("#text").press("Escape")
    expect(host_page.locator("iframe")).to_be_hidden()
    expect(launcher).to_be_focused()
    assert host_page.locator("iframe").count() == 1


def test_the_widget_listens_to_nobody_but_its_own_frame(host_page: Page) -> None:
    launcher = host_page.get_by_role("button", name="Hitta stöd")
    launcher.click()
    frame = host_page.frame_locator("iframe")
    frame.locator(".message-bot .choices").first.wait_for()
    for message in (
        {"lotsa": 1, "type": "close"},
        {"lotsa": 1, "type": "unread", "count": 7},
        {"lotsa": 1, "type": "resize", "height": 1},
    ):
        host_page.evaluate("message => postMessage(message, '*')", message)
    host_page.evaluate(
        "() => postMessage(null, '*') || postMessage({lotsa: 1, type: 'unread', count: '<b>'}, '*')"
    )
    host_page.wait_for_timeout(200)
    expect(host_page.locator("iframe")).to_be_visible()
    expect(launcher).to_have_text("Hitta stöd")


def test_a_site_that_is_not_allowed_gets_an_empty_frame(host_page: Page) -> None:
    host_page.evaluate("() => { document.querySelector('lotsa-widget').remove(); }")
    refused = host_page.evaluate(
        """lotsa => new Promise(resolve => {
            const frame = document.createElement("iframe");
            frame.src = lotsa + "/chat/sollentuna";
            frame.onload = () => resolve(frame.contentDocument === null);
            document.body.append(frame);
        })""",
        host_page.locator("script").get_attribute("src").split("/static")[0],  # type: ignore[union-attr]
    )
    assert refused
    assert host_page.frames[-1].locator("#text").count() == 0


def test_on_a_phone_the_widget_leads_to_the_whole_page(host_page: Page) -> None:
    host_page.set_viewport_size({"width": 390, "height": 844})
    host_page.get_by_role("button", name="Hitta stöd").click()
    host_page.wait_for_url("**/chat/strangnas?lang=sv")
    host_page.locator(".message-bot").first.wait_for()
    assert json.loads(host_page.evaluate("JSON.stringify(document.body.dataset)")) == {}
