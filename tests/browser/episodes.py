"""What happens between parents and guides, from first to last, in pages of separate people.

Each episode is walked through by a test, and photographed for docs/images by `make screenshots`.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable

import psycopg
import pyotp
from playwright.sync_api import Locator, Page, expect

from bot.calendar import LOCAL
from tests.browser.product import (
    DANGER,
    PASSWORD,
    Product,
    ask_for_person,
    choose,
    open_chat,
    sign_in,
    take_over,
    write,
)

Keep = Callable[[Page, str], None]  # a page and the name of its picture
TOWN = "demokommun"
TUESDAY_EVENING = "2027-03-16T22:40"
STORY = "Min son är 13 år och har inte varit i skolan på fem veckor"
WHY = "Kollegan är sjuk och föräldern har väntat längst"


def nothing(_: Page, __: str) -> None:
    """No pictures are kept."""


def waits(parent: Page, municipality: str = TOWN) -> str:
    """A parent who shares her summary and waits for a guide; returns her conversation."""
    open_chat(parent, municipality)
    write(parent, STORY)
    parent.get_by_role("button", name="Hoppa över").last.wait_for()
    ask_for_person(parent)
    conversation: str = json.loads(parent.evaluate("Object.values(sessionStorage)[0]"))[
        "conversation_id"
    ]
    return conversation


def row_of(guide: Page, conversation: str) -> str:
    """The button of a conversation's row in the inbox."""
    queue = guide.request.get("/console/api/queue").json()["handoffs"]
    one = next(h["id"] for h in queue if h["conversation_id"] == conversation)
    return f"[data-handoff='{one}']"


def _to_top(shown: Locator) -> None:
    shown.evaluate("one => one.scrollIntoView({block: 'start'})")


def evening(parent: Page, guide: Page, keep: Keep) -> None:
    """At 22:40 she books a call; the guide who calls has the number, and closes with an outcome."""
    open_chat(parent, TOWN)
    write(parent, STORY)
    parent.get_by_role("button", name="Hoppa över").last.wait_for()
    parent.locator("#person").click()
    choose(parent, "Ja, ge guiden sammanfattningen")
    asked = parent.locator(".message-bot", has_text="Vilken dag passar dig?").last
    asked.wait_for()
    _to_top(asked)
    keep(parent, "fall-kvall-1")
    choose(parent, "Onsdag 17 mars")
    choose(parent, "08.30")
    choose(parent, "Ring mig")
    parent.get_by_text("Vilket nummer ska vi ringa?").wait_for()
    write(parent, "0701740635")
    told = parent.locator(".message-bot", has_text="Din tid är bokad").last
    told.wait_for()
    _to_top(told)
    keep(parent, "fall-kvall-2")
    sign_in(guide, "eva", TOWN)
    guide.locator("#tab-booked").click()
    take_over(guide, parent)
    expect(guide.locator("#pane-meta")).to_contain_text("0701740635")
    guide.locator("#panel-tab-leave").click()
    guide.locator("#outcome").select_option("appointment")
    keep(guide, "fall-kvall-3")
    guide.locator("#close-form button").click()
    expect(guide.locator("#ended")).to_have_text("Samtalet är avslutat.")


def contested(parent: Page, anna: Page, bo: Page, keep: Keep) -> None:
    """Two press at once: one gets the conversation, the other is told."""
    conversation = waits(parent)
    sign_in(anna, "anna", TOWN)
    sign_in(bo, "bo", TOWN)
    row = row_of(anna, conversation)
    bo.locator(row).wait_for()
    behind = bo.request.get("/console/api/queue").json()
    bo.route("**/console/api/queue", lambda route: route.fulfill(json=behind))
    anna.locator(row).click()
    expect(anna.locator("#pane-open")).to_be_visible()
    bo.wait_for_timeout(500)  # what is new would have come to his list by now
    bo.unroute("**/console/api/queue")
    bo.locator(row).click()
    expect(bo.locator("#queue-trouble")).to_contain_text("En kollega har redan tagit över")
    expect(bo.locator("#pane-open")).to_be_hidden()
    expect(bo.locator(row)).to_be_hidden()
    keep(bo, "fall-tva-tar-1")


def silent(parent: Page, guide: Page, product: Product, keep: Keep) -> None:
    """A guide who does not answer loses the conversation, not the parent her place."""
    conversation = waits(parent)
    sign_in(guide, "anna", TOWN)
    take_over(guide, parent)
    parent.locator("#presence", has_text="svarar dig nu").wait_for()
    write(parent, "Hej, är du där?")
    guide.locator(".message-parent").wait_for()
    _pass_time(product, conversation, 60)
    expect(parent.locator(".message-bot").last).to_contain_text("har inte svarat, och det beror")
    expect(parent.locator("#presence")).not_to_contain_text("svarar dig nu")
    _to_top(parent.locator(".message-bot").last)
    keep(parent, "fall-tyst-1")
    expect(guide.locator("#ended")).to_have_text("Du har inte längre det samtalet.")
    expect(guide.locator(row_of(guide, conversation))).to_contain_text("Ta över")
    keep(guide, "fall-tyst-2")


def _pass_time(product: Product, conversation: str, minutes: int) -> None:
    """As if what was said and done lay further back."""
    folder = product.log.parent / "postgres"
    with psycopg.connect(host=str(folder), user="postgres", dbname="postgres") as connection:
        for table, column in (("handoffs", "held_since"), ("messages", "created_at")):
            connection.execute(
                f"UPDATE {table} SET {column} = {column} - make_interval(mins => %s) "  # type: ignore[arg-type]
                "WHERE conversation_id = %s",
                [minutes, conversation],
            )


def acute(parent: Page, guide: Page, keep: Keep) -> None:
    """Danger is answered at once, and alarms the guide who is there."""
    sign_in(guide, "anna", TOWN)
    waits(parent)
    write(parent, DANGER)
    parent.locator(".message-acute").wait_for()
    expect(guide.locator(".alarm").last).to_contain_text("ett meddelande tyder på fara nu")
    keep(guide, "fall-akut-1")
    guide.locator(".alarm [data-open]").last.click()
    expect(guide.locator("#pane-open")).to_be_visible()
    expect(parent.locator("#presence")).to_contain_text("svarar dig nu")
    keep(guide, "fall-akut-2")


def break_glass(parent: Page, guide: Page, auditor: Page, keep: Keep) -> None:
    """Opened from the row for a stated reason; the auditor and the parent see that it was."""
    conversation = waits(parent)
    sign_in(guide, "anna", TOWN)
    guide.locator("tr", has=guide.locator(row_of(guide, conversation))).locator(".peek").click()
    guide.get_by_label("Skäl", exact=False).first.select_option("handover")
    guide.locator("#note").fill(WHY)
    keep(guide, "fall-utan-att-ta-1")
    guide.locator("main form button").click()
    guide.get_by_role("heading", name="Underlag").wait_for()
    _sign_in_auditor(auditor)
    auditor.goto("/console/revision")
    expect(auditor.locator("main")).to_contain_text(WHY)
    keep(auditor, "fall-utan-att-ta-2")
    parent.goto(f"/integritet/{TOWN}?lang=sv")
    read = parent.get_by_text("Öppnade samtalet utan att ta över det")
    read.wait_for()
    read.scroll_into_view_if_needed()
    keep(parent, "fall-utan-att-ta-3")


def _sign_in_auditor(page: Page) -> None:
    page.goto("/console/login")
    page.locator("#municipality").select_option(TOWN)
    page.locator("#login").fill("rut")
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Slå på tvåstegsinloggning").wait_for()
    secret = page.locator(".secret").inner_text().replace(" ", "")
    page.get_by_label("Koden som appen visar").fill(pyotp.TOTP(secret).now())
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Spara dina reservkoder").wait_for()


def _workday(ahead: int) -> dt.date:
    """The first day from Monday to Friday at least so many days ahead."""
    day = dt.datetime.now(LOCAL).date() + dt.timedelta(days=ahead)
    while day.isoweekday() > 5:
        day += dt.timedelta(days=1)
    return day


def meeting(parent: Page, guide: Page, keep: Keep) -> None:
    """They agree on a visit with an interpreter, and she has it in words."""
    waits(parent)
    sign_in(guide, "anna", TOWN)
    take_over(guide, parent)
    guide.locator("#panel-tab-leave").click()
    form = guide.locator("form[data-meeting]")
    form.get_by_label("Besök").check()
    form.locator("#meeting-at").fill(f"{_workday(6)}T10:00")
    form.locator("#meeting-place").fill("Torggatan 1, rum 2")
    form.locator("#meeting-interpreter").select_option("so")
    form.locator("#meeting-at").scroll_into_view_if_needed()
    keep(guide, "fall-besok-1")
    form.get_by_role("button", name="Boka och bekräfta").click()
    told = parent.locator(".message-bot", has_text="Ni har bestämt ett besök").last
    for words in ("Anna, guide", "Torggatan 1, rum 2", "60 minuter", "Somaliska", "Förbered"):
        expect(told).to_contain_text(words)
    expect(parent.locator("#presence")).to_contain_text("tid bokad")
    _to_top(told)
    keep(parent, "fall-besok-2")
    expect(guide.locator("#ended")).to_contain_text("Mötet är bokat.")
    guide.locator("#tab-booked").click()
    expect(guide.locator("#rows")).to_contain_text("Besök")
