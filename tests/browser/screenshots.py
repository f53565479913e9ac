"""Pictures for docs/images, taken of the running product: `make screenshots`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page

from bot.content import Content
from tests.browser import episodes
from tests.browser.own_language import STORIES, OwnLanguage
from tests.browser.product import (
    DANGER,
    PATIENCE,
    SITUATION,
    Product,
    ask_for_person,
    choose,
    open_chat,
    running_browser,
    running_product,
    sign_in,
    skip_rest,
    take_over,
    tell_situation,
    write,
)

COLOURS = 200  # of a picture; more cannot be told from what was on the screen
IMAGES = Path(__file__).parents[2] / "docs" / "images"
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2}
NARROW = {"viewport": {"width": 320, "height": 640}, "device_scale_factor": 2}
DESK = {"viewport": {"width": 1280, "height": 800}}


@contextmanager
def person(browser: Browser, product: Product, device: dict[str, Any]) -> Iterator[Page]:
    """Somebody with a device of her own."""
    settings = {"base_url": product.address, "locale": "sv-SE", **device}
    with browser.new_context(**settings) as context:
        context.set_default_timeout(PATIENCE)
        yield context.new_page()


def take(page: Page, name: str, top: str | None = None) -> None:
    """A picture of what is on the screen, scrolled so that `top` is uppermost."""
    page.wait_for_timeout(300)  # everything that moves has come to rest
    if top:
        page.locator(top).last.evaluate("one => one.scrollIntoView({block: 'start'})")
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path)
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(COLOURS)
    small.save(path, optimize=True)


def picture_parent(browser: Browser, product: Product) -> None:
    with person(browser, product, PHONE) as page:
        page.goto("/?lang=sv")
        take(page, "start")
        open_chat(page)
        write(page, SITUATION)
        page.get_by_text("Hur länge har det varit så?").wait_for()
        take(page, "question")
        choose(page, "Mer än ett halvår")
        skip_rest(page)
        take(page, "understood", ".message:has(.lines):has-text('Så här har jag förstått')")
        take(page, "suggestions", ".message:has(.card)")
        take(page, "level", ".message:has(.level)")
        write(page, DANGER)
        page.locator(".message-acute").wait_for()
        take(page, "acute")


def picture_papers(browser: Browser, product: Product) -> None:
    with person(browser, product, DESK) as page:
        open_chat(page, "demokommun")
        tell_situation(page)
        for tool, name in (("contacts", "kontaktkarta"), ("plan", "plan")):
            page.goto(f"/chat/demokommun/verktyg?lang=sv&tool={tool}")
            page.get_by_text("Hämtar det du har berättat").wait_for(state="hidden")
            page.locator(".tool h2, .tool svg").first.wait_for()
            take(page, name)


def picture_guide(browser: Browser, product: Product) -> None:
    with person(browser, product, PHONE) as parent, person(browser, product, DESK) as guide:
        open_chat(parent)
        tell_situation(parent)
        ask_for_person(parent)
        sign_in(guide, "anna")
        guide.get_by_role("button", name="Ta över").wait_for()
        take(guide, "console-queue")
        guide.keyboard.press("?")
        guide.locator("#keys[open]").wait_for()
        take(guide, "console-keys")
        guide.keyboard.press("Escape")
        take_over(guide, parent)
        picture_panels(guide)
        write(guide, "Hej, jag har läst sammanfattningen. Vem träffade ni senast?")
        parent.locator(".message-guide").wait_for()
        write(parent, "Det var skolkuratorn, för tre veckor sedan.")
        guide.locator(".message-parent").wait_for()
        write(guide, "Tack. Då hjälper jag dig att be om en SIP, så att alla möts samtidigt.")
        parent.locator(".message-guide").nth(1).wait_for()
        take(guide, "console-conversation")
        picture_narrow_and_dark(guide)
        take(parent, "with-guide")
        guide.get_by_role("button", name="Lämna tillbaka till assistenten").click()
        parent.get_by_text("Anna har lämnat tillbaka samtalet").wait_for()
        take(parent, "returned")


PANELS = {
    "matches": "h4:has-text('Stöd som kan passa')",
    "canned": ".canned-list",
    "notes": "textarea",
    "support": "summary",
    "leave": "form[data-promise]",
}


def picture_panels(guide: Page) -> None:
    """What stands beside a conversation, a picture each."""
    for name, shown in PANELS.items():
        guide.locator(f"#panel-tab-{name}").click()
        guide.locator(f"#panel-{name} {shown}").first.wait_for()
        if name == "support":
            guide.locator("#panel-support summary").first.click()
        take(guide, f"console-{name}")
    guide.locator("#panel-tab-brief").click()


def picture_narrow_and_dark(guide: Page) -> None:
    guide.set_viewport_size({"width": 768, "height": 1024})
    take(guide, "console-768")
    guide.set_viewport_size(DESK["viewport"])
    guide.emulate_media(color_scheme="dark")
    take(guide, "console-dark")
    guide.emulate_media(color_scheme="light")


def picture_family(browser: Browser, product: Product) -> None:
    with person(browser, product, PHONE) as parent, person(browser, product, DESK) as guide:
        open_chat(parent, "demokommun")
        tell_situation(parent)
        ask_for_person(parent)
        sign_in(guide, "karin", "demokommun")
        take_over(guide, parent)
        guide.locator("#panel-tab-support").click()
        guide.locator("#panel-support summary").last.click()
        guide.locator("#follow-how").fill("telefon")
        guide.locator("#follow-when").fill("varannan tisdag kl. 10")
        guide.locator("#follow-contacts").fill("Skolan\nBUP")
        take(guide, "console-follow", "#follow-how")
        guide.locator("#panel-support form:has(#follow-how) button").click()
        parent.get_by_role("link", name="Samordnaren och ni").click()
        parent.get_by_role("button", name="Ja, jag godkänner").click()
        parent.get_by_text("Karin följer er").wait_for()
        guide.goto("/console/familjer")
        take(guide, "console-families")
        guide.locator(".entries a").first.click()
        guide.locator("[id='who.0']").fill("Skolan")
        guide.locator("[id='what.0']").fill("Kallar till SIP")
        guide.get_by_role("button", name="Spara").click()
        take(guide, "console-family")
        parent.reload()
        parent.get_by_text("Kallar till SIP").wait_for()
        take(parent, "family-sees")


def picture_suggestions(
    browser: Browser, product: Product, name: str, device: dict[str, Any]
) -> None:
    with person(browser, product, device) as page:
        open_chat(page)
        tell_situation(page)
        take(page, name, ".message:has(.card)")


def picture_doors(browser: Browser, product: Product) -> None:
    with person(browser, product, DESK) as page:
        page.goto("/demo/widget?lang=sv")
        page.get_by_role("button", name="Hitta stöd").click()
        page.frame_locator("iframe").locator(".choices").first.wait_for()
        take(page, "widget")
    with person(browser, product, {**PHONE, "java_script_enabled": False}) as page:
        page.goto("/chat/strangnas/utan-skript?lang=sv")
        page.locator("textarea").fill(SITUATION)
        page.get_by_role("button", name="Skicka", exact=True).click()
        page.get_by_text("Hur länge har det varit så?").wait_for()
        page.screenshot(path=IMAGES / "without-script.png")
    with person(browser, product, NARROW) as page:
        open_chat(page)
        page.locator(".fold-more summary").click()
        take(page, "more")
        page.keyboard.press("Escape")
        page.context.set_offline(True)
        write(page, SITUATION)
        page.get_by_text("Inte skickat än").wait_for()
        take(page, "offline")
    with person(browser, product, PHONE) as page:
        open_chat(page)
        write(page, "Vad är en SIP?")
        page.locator(".message-bot button.term").last.click()
        take(page, "explained")
        write(page, "ابني يريد أن يقتل نفسه")
        page.locator(".message-acute").wait_for()
        page.evaluate("document.documentElement.dir = 'rtl'")
        take(page, "acute-arabic")
    with person(browser, product, PHONE) as page:
        page.goto("/tillganglighet/strangnas?lang=sv")
        take(page, "accessibility")


SMALL = {"viewport": {"width": 390, "height": 760}}


def picture_episodes(browser: Browser) -> None:
    """What docs/handbok-guide.md tells, from first to last, at most three pictures each."""
    with running_product(LOTSA_CLOCK=episodes.TUESDAY_EVENING) as product:
        product.add_guide("eva", "Eva", episodes.TOWN)
        with person(browser, product, SMALL) as parent, person(browser, product, DESK) as guide:
            episodes.evening(parent, guide, take)
    with running_product() as product:
        for login, name in (("anna", "Anna"), ("bo", "Bo")):
            product.add_guide(login, name, episodes.TOWN)
        product.add_guide("rut", "Rut", episodes.TOWN, roles="auditor")
        for episode in (episodes.contested, episodes.break_glass):
            with (
                person(browser, product, SMALL) as parent,
                person(browser, product, DESK) as guide,
                person(browser, product, DESK) as other,
            ):
                episode(parent, guide, other, take)
        with person(browser, product, SMALL) as parent, person(browser, product, DESK) as guide:
            episodes.silent(parent, guide, product, take)
        for two in (episodes.acute, episodes.meeting):
            with person(browser, product, SMALL) as parent, person(browser, product, DESK) as guide:
                two(parent, guide, take)


def picture_languages(browser: Browser) -> None:
    """On a narrow phone: the first question, a card, a booked call and danger."""
    content = Content.load()
    with running_product(LOTSA_CLOCK=episodes.TUESDAY_EVENING) as product:
        for language in STORIES:
            with person(browser, product, NARROW) as page:
                picture_language(page, OwnLanguage(page, content, language))


def picture_language(page: Page, parent: OwnLanguage) -> None:
    parent.come()
    parent.tell()
    take(page, f"{parent.language}-question", ".message-bot")
    parent.skip_to_the_cards()
    take(page, f"{parent.language}-cards", ".message:has(.card)")
    parent.share_with_a_person()
    parent.book_a_call()
    take(page, f"{parent.language}-booked", ".message-bot")
    parent.tell_danger()
    take(page, f"{parent.language}-acute")


def main() -> None:
    """Start the product, use it, write the pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with running_product() as product, running_browser() as browser:
        product.add_guide("anna")
        product.add_guide("karin", "Karin", "demokommun", "coordinator")
        picture_parent(browser, product)
        picture_papers(browser, product)
        picture_doors(browser, product)
        picture_guide(browser, product)
        picture_family(browser, product)
        picture_suggestions(browser, product, "suggestions-320", NARROW)
        picture_suggestions(browser, product, "suggestions-dark", {**PHONE, "color_scheme": "dark"})
        picture_episodes(browser)
        picture_languages(browser)


if __name__ == "__main__":
    main()
