"""The parent's door, over HTTP."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any
from uuid import UUID

import httpx
import pytest

from bot.ledger import Ledger
from bot.settings import Settings
from channels.app import create_app
from knowledge.catalogue import Catalogue
from tests.conftest import NewParent, Parent

SCHOOL = "Min flicka på tretton är hemma från skolan hela dagarna sedan september."


async def test_the_first_message_says_what_this_is(new_parent: NewParent) -> None:
    parent = await new_parent("demokommun")
    opening = [message["reply_id"] for message in parent.seen]
    assert opening == ["utter_welcome", "utter_welcome_kept", "utter_welcome_start"]
    said = " ".join(message["text"] for message in parent.seen)
    for word in ("dator", "minuter", "30 dagar", "112", "radera"):
        assert word in said
    assert parent.seen[-1]["choices"][0]["id"] == "path:school"


async def test_support_and_words_are_found_without_the_chat(
    client: httpx.AsyncClient, catalogue: Catalogue
) -> None:
    start = (await client.get("/?lang=en")).text
    for municipality in catalogue.municipalities:
        assert f'href="/stod/{municipality}?lang=en"' in start
        chat = (await client.get(f"/chat/{municipality}?lang=en")).text
        assert re.search(rf'<a href="/stod/{municipality}\?lang=en">All support in ', chat)
        assert 'href="/ordlista?lang=en"' in chat
    assert 'href="/ordlista?lang=en"' in start


async def test_a_message_sent_twice_is_answered_once(new_parent: NewParent) -> None:
    parent = await new_parent()
    first = await parent.post(message_id="my-own-id-1", text=SCHOOL)
    again = await parent.post(message_id="my-own-id-1", text=SCHOOL)
    assert first.json()["message_id"] == again.json()["message_id"]
    while await parent.worker.take_turn() is not None:
        pass
    await parent.read()
    said = [message for message in parent.seen if message["author"] == "parent"]
    assert len(said) == 1


async def test_danger_is_answered_in_the_same_response(new_parent: NewParent) -> None:
    parent = await new_parent()
    answer = (await parent.post(text="min dotter säger att hon ska ta livet av sig i natt")).json()
    acute = answer["messages"][0]
    assert acute["acute"]
    assert acute["text"].startswith("Ring 112")
    assert acute["numbers"][0]["tel"] == "112"
    assert len(acute["numbers"]) <= 3
    assert acute["choices"][0]["id"] == "intent:want_person"


async def test_danger_is_answered_once_and_the_conversation_goes_on(new_parent: NewParent) -> None:
    parent = await new_parent()
    await parent.say("sonen är nio och vill inte gå till skolan")
    acute = await parent.say("han säger att han ska döda sig")
    assert [message["acute"] for message in acute] == [True]
    after = await parent.choose("how_long:months")
    assert after[-1]["question"]["id"] == "actors"


async def test_danger_is_answered_with_the_database_stopped(
    test_settings: Settings, fresh_database: str
) -> None:
    away = fresh_database.replace("host=", "host=/nowhere")
    app = create_app(test_settings, away)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://lotsa") as http:
            url = "/api/conversations/00000000-0000-0000-0000-000000000000/messages"
            headers = {"Authorization": "Bearer sollentuna.x"}
            body = {"id": "12345678", "text": "min man slår mig och barnen ser på nu"}
            danger = await http.post(url, json=body, headers=headers)
            everyday = await http.post(url, json={**body, "text": "hej"}, headers=headers)
    assert danger.status_code == 503
    assert danger.json()["messages"][0]["numbers"][0]["tel"] == "112"
    assert everyday.status_code == 503
    assert "messages" not in everyday.json()
    assert "112" in everyday.json()["error"]["hint"]


async def test_danger_is_answered_with_a_full_queue(
    new_parent: NewParent, test_settings: Settings, database_url: str
) -> None:
    parent = await new_parent()
    app = create_app(test_settings.model_copy(update={"queue_limit": 0}), database_url)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://lotsa") as http:
            full = Parent(http, parent.worker, parent.conversation, parent.headers)
            everyday = await full.post(text="hej")
            danger = await full.post(text="jag tänker ta livet av mig")
    assert everyday.status_code == 503
    assert everyday.json()["error"]["code"] == "busy"
    assert danger.status_code == 202
    assert danger.json()["messages"][0]["acute"]
    while await parent.worker.take_turn() is not None:
        pass


async def test_a_slash_command_is_only_text(new_parent: NewParent, ledger: Ledger) -> None:
    parent = await new_parent()
    for text in ("/restart", '/inform{"child_age": 1}', "/session_start"):
        answers = await parent.say(text)
        assert answers
    conversation = await ledger.by_token(
        UUID(parent.conversation), parent.headers["Authorization"].split()[1]
    )
    assert conversation.slots.get("child_age") is None


async def test_an_identifier_is_masked_and_the_parent_is_told(new_parent: NewParent) -> None:
    parent = await new_parent()
    answers = await parent.say("hans personnummer är 20120304-1234 och han går inte till skolan")
    assert answers[0]["reply_id"] == "utter_masked"
    said = next(message for message in parent.seen if message["author"] == "parent")
    assert "20120304" not in said["text"]
    assert "[personal_number]" in said["text"]


async def test_the_language_can_change_and_answers_are_kept(new_parent: NewParent) -> None:
    parent = await new_parent()
    await parent.say("min son på 9 vill inte gå till skolan")
    changed = await parent.client.put(
        f"{parent.url}/language", json={"language": "en"}, headers=parent.headers
    )
    assert changed.status_code == 200
    answers = await parent.choose("how_long:months")
    assert answers[-1]["language"] == "en"
    assert answers[-1]["question"]["id"] == "actors"


async def test_a_parent_can_erase_everything(new_parent: NewParent) -> None:
    parent = await new_parent()
    await parent.say("radera allt jag skrivit")
    answer = await parent.post(choice="delete:confirm")
    assert answer.json()["erased"]
    gone = await parent.client.get(f"{parent.url}/messages", headers=parent.headers)
    assert gone.status_code == 404


async def test_nobody_reads_a_conversation_without_its_token(new_parent: NewParent) -> None:
    parent, other = await new_parent(), await new_parent()
    for headers in ({}, other.headers, {"Authorization": "Bearer "}):
        answer = await parent.client.get(f"{parent.url}/messages", headers=headers)
        assert answer.status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"id": "12345678"}, 422, "empty"),
        ({"id": "12345678", "text": "   "}, 422, "empty"),
        ({"id": "12345678", "text": "a" * 4001}, 413, "too_long"),
        ({"id": "12345678", "choice": "nonsense:x"}, 400, "bad_request"),
        ({"id": "12345678", "choice": "intent:resume"}, 400, "bad_request"),
        ({"id": "1", "text": "hej"}, 400, "bad_request"),
        ({"text": "hej"}, 400, "bad_request"),
        ({"id": "12345678", "text": "hej", "slots": {}}, 400, "bad_request"),
    ],
)
async def test_bad_input_gets_one_error_shape(
    new_parent: NewParent, body: dict[str, Any], status: int, code: str
) -> None:
    parent = await new_parent()
    answer = await parent.client.post(f"{parent.url}/messages", json=body, headers=parent.headers)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "hint"}
    assert error["code"] == code


async def test_a_body_that_is_too_large_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/conversations", content=b"x" * 70_000)
    assert answer.status_code == 413
    assert set(answer.json()["error"]) == {"code", "message", "hint"}


async def test_every_answer_carries_the_security_headers(client: httpx.AsyncClient) -> None:
    for path in ("/", "/chat/strangnas", "/health", "/no/such/page", "/console/login"):
        headers = (await client.get(path)).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("language", ["sv", "en"])
async def test_the_pages_load_nothing_from_others(client: httpx.AsyncClient, language: str) -> None:
    for path in ("/", "/chat/demokommun"):
        page = (await client.get(f"{path}?lang={language}")).text
        assert f'lang="{language}"' in page
        assert 'src="http' not in page
        assert 'rel="stylesheet" href="http' not in page
        assert 'href="tel:112"' in page


async def test_an_unknown_municipality_is_said_plainly(client: httpx.AsyncClient) -> None:
    page = await client.get("/chat/nowhere")
    opened = await client.post("/api/conversations", json={"municipality": "nowhere"})
    for answer in (page, opened):
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "unknown_municipality"


async def test_ready_tells_the_database(client: httpx.AsyncClient) -> None:
    answer = await client.get("/ready")
    assert answer.status_code == 200
    assert answer.json()["parts"]["database"] == "ok"


async def test_the_stream_resumes_after_the_last_event(new_parent: NewParent) -> None:
    parent = await new_parent()
    await parent.say("min son på 9 vill inte gå till skolan")
    seqs = [message["seq"] for message in parent.seen]
    everything = await _streamed(parent, 0, len(seqs))
    assert everything == seqs
    assert await _streamed(parent, seqs[1], len(seqs) - 2) == seqs[2:]


async def _streamed(parent: Parent, after: int, count: int) -> list[int]:
    """The ids of the first `count` messages of the stream, read from the application itself."""
    app = parent.client._transport.app  # type: ignore[attr-defined]
    ids: list[int] = []
    enough = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await enough.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        for block in message.get("body", b"").decode().split("\n\n"):
            if "event: message" in block:
                ids.append(int(block.split("id: ")[1].split("\n")[0]))
                json.loads(block.split("data: ")[1])
        if len(ids) >= count:
            enough.set()

    path = f"{parent.url}/events"
    headers = [(b"authorization", parent.headers["Authorization"].encode()),
               (b"last-event-id", str(after).encode())]  # fmt: skip
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
             "path": path, "raw_path": path.encode(), "query_string": b"", "headers": headers,
             "scheme": "http", "server": ("lotsa", 80), "client": ("127.0.0.1", 1),
             "app": app}  # fmt: skip
    async with asyncio.timeout(10):
        await app(scope, receive, send)
    return ids
