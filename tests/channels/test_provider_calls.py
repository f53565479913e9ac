"""The phones' door at its edge: who may call it, twice the same, and danger without a database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from bot.ledger import Ledger
from bot.settings import Settings
from channels.app import create_app
from channels.providers.adapter import Call
from tests.channels.providers import CASES, OLD, PHONE, Case, write_file

DANGER = "min dotter säger att hon ska ta livet av sig i natt"


@pytest.fixture(params=["46elks", "twilio", "generic", "whatsapp"])
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@asynccontextmanager
async def product(
    settings: Settings, url: str, case: Case, folder: Path
) -> AsyncIterator[httpx.AsyncClient]:
    """The web process with this provider alone, which nobody can be reached through."""
    path = write_file(folder / "channels.yml", case.name)
    app = create_app(settings.model_copy(update={"channels_file": path}), url)

    def nobody(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"messages": [{"id": "wamid.out"}]})

    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://inside:8080") as http,
            httpx.AsyncClient(transport=httpx.MockTransport(nobody)) as provider,
        ):
            app.state.phone_door._http = provider
            yield http


async def made(http: httpx.AsyncClient, call: Call) -> httpx.Response:
    return await http.request(
        call.method, call.target, content=call.body, headers=dict(call.headers)
    )


def saying(case: Case, text: str) -> Call:
    """A new message of this provider with other words."""
    body = case.payload("message").decode()
    for said in ("Hej+hej+%C3%A5%C3%A4%C3%B6", "Hej hej åäö", "Hej hej \\u00e5\\u00e4\\u00f6"):
        body = body.replace(said, text)
    fresh = uuid4().hex
    for known in ("sf8425555e5d8db61dda7a7b3f1b91bdb", "2f3e1b0f0a4d4f3b8b3f9f6a7c1d2e3f",
                  "gw-1001", "wamid.HBgLMTY1"):  # fmt: skip
        body = body.replace(known, fresh)
    return case.call("message", body=body.encode())


async def rows(ledger: Ledger) -> int:
    async with ledger.transaction() as connection:
        cursor = await connection.execute(
            "SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM addresses) "
            "+ (SELECT count(*) FROM arrivals) AS n"
        )
        row = await cursor.fetchone()
    assert row is not None
    return int(row["n"])


async def test_a_stranger_gets_403_and_leaves_no_row(
    case: Case, test_settings: Settings, database_url: str, ledger: Ledger, tmp_path: Path
) -> None:
    before = await rows(ledger)
    right = saying(case, "hej")
    fakes = [
        replace(right, headers={}),
        case.call("message", "a-guessed-secret"),
        replace(right, target="/in/unknown"),
    ]
    if case.name == "46elks":
        fakes.append(replace(right, target="/in/46elks/another-path"))
    else:
        fakes.append(replace(right, body=right.body.replace(b"hej", b"hoj")))
    if case.name in ("twilio", "generic"):
        fakes.append(replace(right, target=f"{right.target}?x=1"))
    async with product(test_settings, database_url, case, tmp_path) as http:
        statuses = [(await made(http, fake)).status_code for fake in fakes]
    assert statuses == [403] * len(fakes)
    assert await rows(ledger) == before


async def test_the_same_delivery_twice_is_one_message(
    case: Case, test_settings: Settings, database_url: str, ledger: Ledger, tmp_path: Path
) -> None:
    call = saying(case, "hej pa dig")
    async with product(test_settings, database_url, case, tmp_path) as http:
        assert (await made(http, call)).status_code in (200, 204)
        after_first = await rows(ledger)
        assert (await made(http, call)).status_code in (200, 204)
    assert await rows(ledger) == after_first


async def test_danger_is_answered_with_the_database_stopped(
    case: Case, test_settings: Settings, fresh_database: str, tmp_path: Path
) -> None:
    away = fresh_database.replace("host=", "host=/nowhere")
    async with product(test_settings, away, case, tmp_path) as http:
        everyday = await made(http, saying(case, "hej"))
        danger = await made(http, saying(case, DANGER))
    assert everyday.status_code == 503
    assert danger.status_code == 200
    if case.name != "whatsapp":
        assert "112" in danger.text
        assert "90101" in danger.text


async def test_a_secret_that_is_being_replaced_still_works(
    case: Case, test_settings: Settings, database_url: str, tmp_path: Path
) -> None:
    async with product(test_settings, database_url, case, tmp_path) as http:
        answer = await made(http, case.call("report", OLD))
    assert answer.status_code in (200, 204)


async def test_without_a_file_nobody_may_call(client: httpx.AsyncClient) -> None:
    for name in CASES:
        assert (await client.post(f"/in/{name}", content=b"x")).status_code == 403


async def test_the_phone_is_in_no_log(
    case: Case, test_settings: Settings, database_url: str, tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    async with product(test_settings, database_url, case, tmp_path) as http:
        await made(http, saying(case, "hej igen"))
        await made(http, replace(saying(case, "hej"), headers={}))
    said = "".join(capfd.readouterr())
    assert PHONE.lstrip("+") not in said
