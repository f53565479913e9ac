"""Nobody can flood the chat, and nobody in danger is held back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx

from bot import switches
from bot.database import connect
from bot.settings import Settings
from channels.app import create_app
from channels.protection import MINUTE, MOST_KEYS, Limit

DANGER = "min son säger att han vill ta sitt liv"


@asynccontextmanager
async def limited(settings: Settings, url: str, **limits: int) -> AsyncIterator[httpx.AsyncClient]:
    """A web process with these limits."""
    app = create_app(settings.model_copy(update=limits), url)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://lotsa") as http:
            yield http


async def opened(client: httpx.AsyncClient) -> httpx.Response:
    body = {"municipality": "demokommun", "language": "sv"}
    return await client.post("/api/conversations", json=body)


async def say(client: httpx.AsyncClient, conversation: dict[str, str], text: str) -> httpx.Response:
    return await client.post(
        f"/api/conversations/{conversation['conversation_id']}/messages",
        json={"id": str(uuid4()), "text": text},
        headers={"Authorization": f"Bearer {conversation['token']}"},
    )


async def test_limits_hold_and_danger_passes_them(
    test_settings: Settings, database_url: str
) -> None:
    limits = {"writes_per_conversation": 3, "writes_per_address": 5, "opened_per_address": 2}
    async with limited(test_settings, database_url, **limits) as narrow:
        first, second = (await opened(narrow)).json(), (await opened(narrow)).json()
        assert (await opened(narrow)).status_code == 429
        said = [(await say(narrow, first, "hej")).status_code for _ in range(4)]
        assert said == [202, 202, 202, 429]
        assert (await say(narrow, second, "hej")).status_code == 202
        refused = await say(narrow, second, "hej")
        assert refused.json()["error"]["code"] == "too_often"  # the address is used up
        assert int(refused.headers["Retry-After"]) > 0
        for _ in range(3):
            danger = await say(narrow, first, DANGER)
            assert danger.status_code == 202
            assert danger.json()["messages"][0]["acute"]


def test_what_was_used_comes_back_with_time() -> None:
    now = [0.0]
    limit = Limit(2, MINUTE, lambda: now[0])
    assert [limit.wait("a") for _ in range(3)] == [0.0, 0.0, 30.0]
    now[0] = 30.0
    assert limit.wait("a") == 0.0
    assert limit.wait("b") == 0.0


def test_the_memory_of_limits_is_bounded() -> None:
    limit = Limit(1, MINUTE)
    for number in range(MOST_KEYS + 10):
        limit.wait(str(number))
    assert len(limit._buckets) == MOST_KEYS


async def test_a_channel_that_is_off_says_so_and_still_answers_danger(
    client: httpx.AsyncClient, database_url: str
) -> None:
    conversation = (await opened(client)).json()
    async with await connect(database_url) as connection:
        await switches.switch_off(connection, "channel:web", "provas", "test")
    try:
        refused = await say(client, conversation, "hej")
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "switched_off"
        assert (await opened(client)).status_code == 503
        assert (await say(client, conversation, DANGER)).json()["messages"][0]["acute"]
    finally:
        async with await connect(database_url) as connection:
            assert await switches.switch_on(connection, "channel:web")
    assert (await say(client, conversation, "hej")).status_code == 202
