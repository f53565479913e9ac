"""The states a parent can meet, each as a way to get there, and the contexts to look at them in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page

from tests.browser.product import (
    DANGER,
    MOST_QUESTIONS,
    SITUATION,
    ask_for_person,
    choose,
    open_chat,
    sign_in,
    skip_rest,
    take_over,
    write,
)

Visit = Callable[[], None]
NewTab = Callable[[], Page]

# Forced colours and zoom change layout and colour alone: they are put over the same page.
CONTEXTS: dict[str, dict[str, Any]] = {
    "narrow": {"size": (320, 640), "media": {"color_scheme": "light"}},
    "wide": {"size": (1280, 800), "media": {"color_scheme": "light"}},
    "dark": {"size": (1280, 800), "media": {"color_scheme": "dark"}},
    "forced": {"size": (1280, 800), "media": {"forced_colors": "active"}},
    "zoomed": {"size": (320, 256), "media": {"reduced_motion": "reduce"}},
}
PLAIN_MEDIA = {"color_scheme": "light", "forced_colors": "none", "reduced_motion": "no-preference"}
RESTED = 200.0  # ms; a moment between light and dark is nothing a person reads
DIRECTIONS = ("ltr", "rtl")


def put(page: Page, context: str, direction: str) -> None:
    """The same page in another context and direction."""
    width, height = CONTEXTS[context]["size"]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(**{**PLAIN_MEDIA, **CONTEXTS[context]["media"]})
    for frame in page.frames:
        frame.evaluate("direction => { document.documentElement.dir = direction }", direction)
    page.wait_for_timeout(RESTED)


def states(page: Page, new_tab: NewTab, guide_login: str) -> dict[str, Visit]:
    """In order: each goes on from the one before. `new_tab` gives somebody else's page."""
    return {
        "start": lambda: _go(page, "/?lang=sv"),
        "opening": lambda: open_chat(page),
        "question": lambda: _ask(page),
        "multiple": lambda: _reach_several_answers(page),
        "understood and suggestions": lambda: skip_rest(page),
        "waiting for a guide": lambda: ask_for_person(page),
        "acute": lambda: _tell_danger(page),
        "with a guide": lambda: _be_taken_over(page, new_tab(), guide_login),
        "offline": lambda: _lose_network(page),
        "erasing": lambda: _ask_to_erase(page),
        "ended": lambda: _erase(page),
        "error": lambda: _write_too_much(page),
        "menu": lambda: page.locator(".fold-more summary").click(),
        "acute numbers": lambda: page.locator(".fold-acute summary").click(),
        "without a script": lambda: _use_forms(page),
        "widget": lambda: _open_widget(page),
        "statement": lambda: _go(page, "/tillganglighet/strangnas?lang=sv"),
    }


def _go(page: Page, address: str) -> None:
    page.goto(address)


def _ask(page: Page) -> None:
    write(page, SITUATION)
    page.get_by_text("Hur länge har det varit så?").wait_for()


def _reach_several_answers(page: Page) -> None:
    boxes = page.locator(".choices:not(.choices-closed) .choice-box")
    for _ in range(MOST_QUESTIONS):
        if boxes.count():
            return
        before = page.locator(".message-bot").count()
        choose(page, "Hoppa över")
        page.locator(".message-bot").nth(before).wait_for()
    raise AssertionError("no question takes several answers")


def _tell_danger(page: Page) -> None:
    write(page, DANGER)
    page.locator(".message-acute").wait_for()


def _be_taken_over(page: Page, guide: Page, login: str) -> None:
    sign_in(guide, login)
    take_over(guide, page)
    write(guide, "Hej, jag har läst sammanfattningen.")
    page.locator(".message-guide").wait_for()


def _lose_network(page: Page) -> None:
    page.context.set_offline(True)
    write(page, "Det är bråk varje kväll")
    page.get_by_text("Inte skickat än").wait_for()


def _ask_to_erase(page: Page) -> None:
    page.context.set_offline(False)
    page.locator("#offline:empty").wait_for(state="attached")
    page.locator("#erase").click()


def _erase(page: Page) -> None:
    page.locator("#erase-confirm").click()
    page.locator("#ended-text:not(:empty)").wait_for()


def _write_too_much(page: Page) -> None:
    open_chat(page)
    write(page, "Vi orkar inte mer. " * 300)
    page.locator("#trouble-text:not(:empty)").wait_for()


def _use_forms(page: Page) -> None:
    page.goto("/chat/strangnas/utan-skript?lang=sv")
    page.locator("textarea").fill(SITUATION)
    page.get_by_role("button", name="Skicka", exact=True).click()
    page.get_by_text("Hur länge har det varit så?").wait_for()


def _open_widget(page: Page) -> None:
    page.goto("/demo/widget?lang=sv")
    page.get_by_role("button", name="Hitta stöd").click()
    page.frame_locator("iframe").locator(".choices").first.wait_for()
