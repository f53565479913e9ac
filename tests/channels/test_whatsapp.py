"""A whole conversation on WhatsApp, in calls and messages of its own format."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest

from bot.content import Content
from bot.ledger import Ledger
from bot.settings import Settings
from bot.worker import Worker
from channels.app import create_app
from channels.phones import Phones
from channels.sending import Sending
from channels.short import Short
from knowledge.catalogue import Catalogue
from tests.channels.providers import CASES, write_file

CASE = CASES["whatsapp"]
STORY = "min son på 9 vill inte gå till skolan"


@dataclass
class WhatsAppPhone:
    """Somebody with WhatsApp, and Meta in between."""

    http: httpx.AsyncClient
    sending: Sending
    worker: Worker
    ledger: Ledger
    own: str
    sent: list[dict[str, Any]] = field(default_factory=list)
    seen: int = 0

    async def say(self, text: str) -> list[dict[str, Any]]:
        """Write a text; what is sent for it."""
        return await self._deliver({"type": "text", "text": {"body": text}})

    async def press(self, choice: str, title: str, kind: str = "button_reply") -> list[Any]:
        """Press a button or choose a row that was shown."""
        pressed = {"type": kind, kind: {"id": choice, "title": title}}
        return await self._deliver({"type": "interactive", "interactive": pressed})

    async def deliver(self, message: dict[str, Any], times: int = 1) -> None:
        """The webhook, `times` times, signed over its bytes."""
        told = json.loads(CASE.payload("message"))
        value = told["entry"][0]["changes"][0]["value"]
        value["contacts"] = [{"profile": {"name": "N"}, "wa_id": self.own}]
        value["messages"] = [{"from": self.own, "timestamp": "1749416383", **message}]
        await self._call(told, times)

    async def report(self, wamid: str, state: str) -> None:
        told = json.loads(CASE.payload("report"))
        status = told["entry"][0]["changes"][0]["value"]["statuses"][0]
        del status["biz_opaque_callback_data"]
        status.update(id=wamid, status=state, recipient_id=self.own)
        await self._call(told, 1)

    async def _call(self, told: dict[str, Any], times: int) -> None:
        call = CASE.call("message", body=json.dumps(told).encode())
        for _ in range(times):
            answer = await self.http.post(
                call.target, content=call.body, headers=dict(call.headers)
            )
            assert answer.status_code == 200, answer.text

    async def _deliver(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        await self.deliver({"id": f"wamid.{uuid4().hex}", **message}, times=2)
        return await self.work()

    async def work(self) -> list[dict[str, Any]]:
        """Let the product work until nothing is left to do; what was sent to this phone."""
        while await self.worker.take_turn() is not None:
            pass
        while await self.sending.work():
            pass
        mine = [body for body in self.sent if body["to"] == self.own]
        new, self.seen = mine[self.seen :], len(mine)
        return new

    async def grow_silent(self, hours: int) -> None:
        """As if she had written that many hours ago."""
        async with self.ledger.transaction() as connection:
            await connection.execute(
                "UPDATE addresses SET last_in_at = now() - make_interval(hours => %s) "
                "WHERE mark = ANY(%s)",
                [hours, self.ledger.seal.marks(f"whatsapp:+{self.own}")],
            )

    async def states(self) -> set[str]:
        async with self.ledger.transaction() as connection:
            cursor = await connection.execute(
                "SELECT DISTINCT o.state FROM outbox o JOIN addresses a ON a.id = o.address_id "
                "WHERE a.mark = ANY(%s)",
                [self.ledger.seal.marks(f"whatsapp:+{self.own}")],
            )
            return {row["state"] for row in await cursor.fetchall()}


@pytest.fixture
async def phone(
    test_settings: Settings, database_url: str, ledger: Ledger, worker: Worker, tmp_path: Any
) -> AsyncIterator[WhatsAppPhone]:
    """The product with WhatsApp alone, and a Meta that takes every message and gives it an id."""
    path = write_file(tmp_path / "channels.yml", "whatsapp", "demokommun")
    app = create_app(test_settings.model_copy(update={"channels_file": path}), database_url)
    sent: list[dict[str, Any]] = []

    def take(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "Bearer token"
        body = {**json.loads(request.content), "wamid": f"wamid.{uuid4().hex}"}
        sent.append(body)
        return httpx.Response(200, json={"messages": [{"id": body["wamid"]}]})

    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://inside:8080") as http,
            httpx.AsyncClient(transport=httpx.MockTransport(take)) as meta,
        ):
            app.state.phone_door._http = meta
            catalogue = Catalogue.load()
            short = Short(Content.load(), catalogue)
            sending = Sending(ledger, Phones.load(path), short, catalogue, meta)
            own = f"4670{uuid4().int % 10**7:07d}"
            yield WhatsAppPhone(http, sending, worker, ledger, own, sent)


def words(body: dict[str, Any]) -> str:
    """What a message says."""
    kind = body["type"]
    return str(body["text"]["body"] if kind == "text" else body[kind]["body"]["text"])


def offered(body: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """How choices are shown, and which: id to title."""
    if body["type"] == "text":
        return "text", {}
    shown, action = body["interactive"], body["interactive"]["action"]
    if shown["type"] == "button":
        return "button_reply", {b["reply"]["id"]: b["reply"]["title"] for b in action["buttons"]}
    rows = [row for section in action["sections"] for row in section["rows"]]
    return "list_reply", {row["id"]: row["title"] for row in rows}


async def test_a_whole_conversation_is_held_with_buttons_and_rows(phone: WhatsAppPhone) -> None:
    sent = await phone.say(STORY)
    assert "dator" in words(sent[0])
    asked, shown, typed = [], set(), iter(["bara skolan", "inget"])
    for _ in range(14):
        kind, choices = offered(sent[-1])
        shown.add(kind)
        asked.append(words(sent[-1]))
        assert len(choices) <= (3 if kind == "button_reply" else 10)
        limit = 20 if kind == "button_reply" else 24
        assert all(0 < len(title) <= limit for title in choices.values())
        if any("/fortsatt" in words(body) for body in sent):
            break
        choice = next((c for c in choices if not c.startswith("intent:")), None)
        sent = (
            await phone.press(choice, choices[choice], kind)
            if choice
            else await phone.say(next(typed, "HOPPA"))
        )
    assert any("/fortsatt" in words(body) for body in sent), asked
    assert {"button_reply", "list_reply"} & shown
    questions = [text for text in asked if "?" in text]
    assert len(questions) >= 4
    assert len(set(asked)) == len(asked)  # each once, though every webhook came twice


async def test_danger_is_answered_at_once_in_the_conversation(phone: WhatsAppPhone) -> None:
    said = {"type": "text", "text": {"body": "min dotter säger att hon ska ta livet av sig i natt"}}
    await phone.deliver({"id": "wamid.danger", **said}, times=1)
    (answer,) = phone.sent  # no worker and no sender has run yet
    assert words(answer).startswith("Ring 112")


async def test_after_a_day_of_silence_the_template_knocks_and_the_answer_waits(
    phone: WhatsAppPhone,
) -> None:
    await phone.say(STORY)
    await phone.deliver(
        {"id": f"wamid.{uuid4().hex}", "type": "text", "text": {"body": "bara skolan"}}
    )
    await phone.grow_silent(25)
    (knock,) = await phone.work()
    assert (knock["type"], knock["template"]["name"]) == ("template", "message_waits")
    assert "skol" not in json.dumps(knock)
    assert "waiting" in await phone.states()

    sent = await phone.say("hej")
    assert len(sent) == 2  # what waited, and the answer to what she wrote now
    assert "skrivit upp" in words(sent[0])
    assert "waiting" not in await phone.states()


async def test_reports_out_of_order_leave_the_last_state(phone: WhatsAppPhone) -> None:
    for body in await phone.say(STORY):
        for state in ("read", "delivered", "sent"):
            await phone.report(body["wamid"], state)
    assert await phone.states() == {"delivered"}


async def test_a_picture_is_answered_with_a_wish_for_words(phone: WhatsAppPhone) -> None:
    await phone.say(STORY)
    (answer,) = await phone._deliver({"type": "image", "image": {"id": "1"}})
    assert "Jag kan bara läsa text" in words(answer)


async def test_a_pressed_button_of_an_earlier_question_corrects_it(phone: WhatsAppPhone) -> None:
    await phone.say(STORY)
    await phone.say("bara skolan")
    sent = await phone.press("how_long:months", "Några månader")
    assert any("?" in words(body) for body in sent)  # and the open question is asked on
