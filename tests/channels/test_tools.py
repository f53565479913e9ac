"""The parent's tools over HTTP: only hers, inert whatever is written, erased with the rest."""

from __future__ import annotations

import io
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import httpx
import pypdf
import pytest
from icalendar import Calendar

from bot.database import connect
from bot.ledger import Ledger
from bot.messages import Author, IncomingMessage, OutgoingMessage
from channels import paper
from channels.tools import TOOLS

EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>"
SUGGESTED = ["demo-skolnarvaroteam", "demo-bup"]
OF = {"letters": "sip", "transitions": "eighteen", "reminder": "demo-bup"}


@dataclass
class Parent:
    """Somebody with a key to one conversation."""

    client: httpx.AsyncClient
    conversation: UUID
    headers: dict[str, str]

    async def get(self, path: str, **params: str) -> httpx.Response:
        url = f"/api/conversations/{self.conversation}/tools/{path}"
        return await self.client.get(url, params=params, headers=self.headers)

    async def put(self, tool: str, of: str = "", **fields: str | list[str]) -> httpx.Response:
        url = f"/api/conversations/{self.conversation}/tools/{tool}"
        known = {k: v if isinstance(v, list) else [v] for k, v in fields.items()}
        body = {"fields": known}
        return await self.client.put(url, params={"of": of}, json=body, headers=self.headers)


NewTold = Callable[..., Awaitable[Parent]]


@pytest.fixture
def new_told(client: httpx.AsyncClient, ledger: Ledger) -> NewTold:
    """A parent who has told something and got two suggestions."""

    async def make(words: str = "Han går inte till skolan.", **slots: Any) -> Parent:
        conversation, token = await ledger.open_conversation("demokommun", "web", "sv")
        message = IncomingMessage("web", str(conversation), words)
        accepted = await ledger.accept(conversation, message)
        known = {"actors": ["school", "bup"], "story": [accepted.seq], **slots}
        cards = {"cards": [{"service_id": one} for one in SUGGESTED]}
        async with ledger.transaction() as connection:
            await ledger.add(
                connection, conversation, OutgoingMessage(Author.BOT, "Här", body=cards)
            )
            await connection.execute(
                "UPDATE conversations SET sealed_slots = %s WHERE id = %s",
                [ledger.seal.seal(known), conversation],
            )
            await connection.execute(
                "UPDATE messages SET done_at = now() WHERE conversation_id = %s", [conversation]
            )
        return Parent(client, conversation, {"Authorization": f"Bearer {token}"})

    return make


class Tags(HTMLParser):
    """The elements and attributes of a page, as a browser would see them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.handlers: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name == "style"]


def pdf_text(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/pdf", answer.text
    pages = pypdf.PdfReader(io.BytesIO(answer.content)).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)


async def test_the_page_itself_holds_nothing_of_a_conversation(
    client: httpx.AsyncClient,
) -> None:
    page = await client.get("/chat/demokommun/verktyg?tool=plan")
    assert page.status_code == 200
    assert "noindex" in page.text
    odd = await client.get('/chat/demokommun/verktyg?tool=x&of="><script>alert(1)</script>')
    assert "alert(1)" not in odd.text
    assert (await client.get("/chat/nowhere/verktyg")).status_code == 404


@pytest.mark.parametrize("tool", [*TOOLS, "all"])
async def test_every_tool_is_shown_to_its_parent_and_to_nobody_else(
    new_told: NewTold, tool: str
) -> None:
    hers, other = await new_told("Mycket hemligt."), await new_told()
    shown = await hers.get(tool, of=OF.get(tool, ""))
    assert shown.status_code == 200
    assert "<h1" in shown.text
    for headers in (other.headers, {}, {"Authorization": "Bearer demokommun."}):
        stranger = Parent(hers.client, hers.conversation, headers)
        for answer in (
            await stranger.get(tool),
            await stranger.get(f"{tool}/pdf"),
            await stranger.get(f"{tool}/txt"),
            await stranger.get(f"{tool}/ics"),
            await stranger.put(tool, name="x"),
        ):
            assert answer.status_code == 404
            assert "hemligt" not in answer.text


async def test_what_is_unknown_is_refused(new_told: NewTold) -> None:
    parent = await new_told()
    assert (await parent.get("secrets")).status_code == 404
    assert (await parent.get("letters", of="threat")).status_code == 404
    assert (await parent.get("transitions", of="../x")).status_code == 404
    assert (await parent.get("plan/exe")).status_code == 404
    assert (await parent.put("secrets", name="x")).status_code == 400
    assert (await parent.put("contacts", action="change", id="nobody", name="x")).status_code == 400
    assert (await parent.put("meeting", day="not a day")).status_code == 400
    assert (await parent.put("meeting", say="x" * 5001)).status_code == 400


async def test_a_contact_is_added_changed_and_removed(new_told: NewTold) -> None:
    parent = await new_told()
    added = await parent.put("contacts", action="add", name="Mormor", need="both", state="works")
    assert "Mormor" in added.text
    changed = await parent.put(
        "contacts", action="change", id="school", name="Björkskolan", need="child", state="conflict"
    )
    assert "Björkskolan: konflikt." in changed.text
    removed = await parent.put("contacts", action="remove", id="bup")
    assert "BUP" not in removed.text
    again = (await parent.get("contacts")).text
    assert "Mormor" in again
    assert "BUP" not in again


async def test_a_plan_with_days_is_kept_and_printed(new_told: NewTold) -> None:
    parent = await new_told()
    fields: dict[str, str] = {"step": "demo-bup", "day-demo-bup": "2026-12-01", "note": "Lugnt"}
    assert (await parent.put("plan", **fields)).status_code == 200
    text = (await parent.get("plan/txt")).text
    assert "tisdag 1 december 2026" in text
    assert "Lugnt" in text
    too_many = await parent.put("plan", step=[*SUGGESTED, "demo-lots"])
    assert too_many.status_code == 400


async def test_a_pdf_is_a_tagged_swedish_a4_paper_with_the_steps(new_told: NewTold) -> None:
    parent = await new_told()
    answer = await parent.get("plan/pdf")
    reader = pypdf.PdfReader(io.BytesIO(answer.content))
    assert reader.trailer["/Root"]["/Lang"] == "sv"
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert b"pdfuaid" in reader.trailer["/Root"]["/Metadata"].get_object().get_data()
    assert reader.metadata is not None
    assert reader.metadata.title == "Min plan"
    assert [round(float(side)) for side in reader.pages[0].mediabox[2:]] == [595, 842]
    text = pdf_text(answer)
    for words in ("Steg 1: Demo Skolnärvaroteam", "Steg 2: Demo BUP", "08-465 004 30"):
        assert words in text


@pytest.mark.parametrize("tool", TOOLS)
async def test_every_tool_is_had_as_pdf_and_as_text(new_told: NewTold, tool: str) -> None:
    parent = await new_told()
    of = OF.get(tool, "")
    assert len(pdf_text(await parent.get(f"{tool}/pdf", of=of))) > 50
    text = await parent.get(f"{tool}/txt", of=of)
    assert text.headers["content-type"].startswith("text/plain")
    assert max(len(line) for line in text.text.splitlines()) <= 80


async def test_what_was_masked_in_the_chat_is_a_blank_on_paper(new_told: NewTold) -> None:
    parent = await new_told(words="Ring mig på [phone] om mötet.")
    assert "Ring mig på ________ om mötet." in (await parent.get("letters/txt", of="sip")).text


async def test_the_name_of_a_file_says_nothing(new_told: NewTold) -> None:
    parent = await new_told()
    for path in ("plan/pdf", "contacts/txt"):
        told = (await parent.get(path)).headers["content-disposition"]
        assert told.startswith('attachment; filename="anteckning.')


async def test_markup_in_what_a_parent_writes_is_inert_on_the_page(new_told: NewTold) -> None:
    parent = await new_told(words=EVIL)
    await parent.put("contacts", action="add", name=EVIL, need="child", state="works")
    await parent.put("letters", of="sip", receiver=EVIL, what=EVIL, words=EVIL)
    fields = dict.fromkeys(("purpose", "who", "say", "place", "wishes", "documents"), EVIL)
    await parent.put("meeting", **fields)
    plain = {
        tool: Tags((await (await new_told()).get(tool, of=OF.get(tool, ""))).text) for tool in TOOLS
    }
    for tool in TOOLS:
        shown = Tags((await parent.get(tool, of=OF.get(tool, ""))).text)
        assert "script" not in shown.tags
        assert "img" not in shown.tags
        assert shown.handlers == []
        assert set(shown.tags) - set(plain[tool].tags) <= {"li", "ul", "span", "div"}
    contacts = (await parent.get("contacts")).text
    assert "&lt;img src=x onerror=alert(1)&gt;" in contacts


async def test_markup_is_plain_words_in_a_pdf(new_told: NewTold) -> None:
    parent = await new_told()
    name = '</svg><a href="file:///etc/passwd">'
    await parent.put("contacts", action="add", name=name, need="child", state="works")
    answer = await parent.get("contacts/pdf")
    assert '<a href="file:///etc/passwd">' in pdf_text(answer)
    reader = pypdf.PdfReader(io.BytesIO(answer.content))
    assert all("/Annots" not in page for page in reader.pages)


async def test_a_line_break_in_a_place_starts_no_new_line_in_a_calendar(new_told: NewTold) -> None:
    parent = await new_told()
    place = "Hallen\r\nSUMMARY:BUP\r\nATTENDEE:mailto:a@b.se"
    await parent.put("reminder", of="demo-bup", day="2026-12-01", time="09:00", place=place)
    answer = await parent.get("reminder/ics", of="demo-bup")
    assert answer.headers["content-type"].startswith("text/calendar")
    events = Calendar.from_ical(answer.content).walk("VEVENT")
    assert [str(event["summary"]) for event in events] == ["Påminnelse"]
    assert "attendee" not in events[0]


async def test_near_violence_nothing_is_saved_before_she_has_answered(new_told: NewTold) -> None:
    parent = await new_told(needs={"violence_in_family": 0.9})
    shown = (await parent.get("plan")).text
    assert "Vem kan se din telefon" in shown
    assert 'data-file="pdf"' not in shown
    refused = await parent.get("plan/pdf")
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "safe_first"
    assert (await parent.get("plan/txt", anyway="true")).status_code == 409

    shown = (await parent.put("plan", who_sees="others_can_see")).text
    assert "116 016" in shown
    assert (await parent.get("plan/txt")).status_code == 409
    assert (await parent.get("plan/txt", anyway="true")).status_code == 200

    await parent.put("plan", who_sees="only_me")
    assert (await parent.get("plan/txt")).status_code == 200


async def test_what_she_wrote_is_sealed_and_erased_with_the_conversation(
    new_told: NewTold, database_url: str
) -> None:
    parent = await new_told()
    await parent.put("contacts", action="add", name="Mormor Gunborg", need="both", state="works")
    async with await connect(database_url) as connection:
        query = "SELECT sealed_content FROM kept_tools WHERE conversation_id = %s"
        row = await (await connection.execute(query, [parent.conversation])).fetchone()
        assert row is not None
        assert b"Gunborg" not in bytes(row["sealed_content"])
        url = f"/api/conversations/{parent.conversation}"
        erased = await parent.client.delete(url, headers=parent.headers)
        assert erased.status_code == 200
        assert await (await connection.execute(query, [parent.conversation])).fetchone() is None
    assert (await parent.get("contacts")).status_code == 404


async def test_without_pdf_the_page_offers_printing(
    new_told: NewTold, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)  # as where pango is missing
    monkeypatch.setattr(paper, "_weasyprint", paper._weasyprint.__wrapped__)
    parent = await new_told()
    shown = (await parent.get("plan")).text
    assert 'data-file="pdf"' not in shown
    assert "data-print" in shown
    assert "Välj Skriv ut" in shown
    refused = await parent.get("plan/pdf")
    assert refused.status_code == 501
    assert refused.json()["error"]["code"] == "no_pdf"


async def test_the_tools_speak_the_language_of_the_page(new_told: NewTold) -> None:
    parent = await new_told()
    parent.headers["Accept-Language"] = "en"
    assert "Contact map" in (await parent.get("contacts")).text
