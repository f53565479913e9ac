"""The accessibility statement, and what becomes of a report."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest

from bot import barriers
from bot.database import connect
from tests.channels.people import NewPerson
from tests.conftest import NewGuide

PAGE = "/tillganglighet/strangnas"


def form(text: str, contact: str = "") -> dict[str, str]:
    return {"report": str(uuid4()), "text": text, "contact": contact}


async def reports(client: httpx.AsyncClient, cookies: dict[str, str]) -> str:
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return (await client.get("/console/barriers", headers={"Cookie": cookie})).text


@pytest.mark.parametrize("language", ["sv", "en"])
async def test_a_municipality_says_how_accessible_its_chat_is(
    client: httpx.AsyncClient, language: str
) -> None:
    answer = await client.get(f"{PAGE}?lang={language}")
    assert answer.status_code == 200
    assert "Strängnäs" in answer.text
    assert "digg.se" in answer.text
    assert answer.text.count("<h2") >= 5


async def test_a_report_reaches_the_guides_of_the_municipality_and_no_others(
    client: httpx.AsyncClient, new_guide: NewGuide
) -> None:
    told = f"Skärmläsaren tystnar {uuid4().hex}"
    answer = await client.post(PAGE, data=form(told, "eva@example.org"))
    assert "Rapporten är sparad" in answer.text
    ours, theirs = await new_guide("strangnas"), await new_guide("sollentuna")
    assert told in await reports(client, ours.cookies)
    assert "eva@example.org" in await reports(client, ours.cookies)
    assert told not in await reports(client, theirs.cookies)
    assert told not in await reports(client, {})


async def test_reports_are_in_the_menu_of_editors_and_administrators(
    client: httpx.AsyncClient, new_person: NewPerson
) -> None:
    told = f"Texten går inte att förstora {uuid4().hex}"
    await client.post(PAGE, data=form(told))
    for role, home in (("admin", "/console/konton"), ("editor", "/console/catalogue")):
        person = await new_person.signed_in(role, municipality="strangnas")
        assert 'href="/console/barriers"' in (await person.get(home)).text
        assert told in (await person.get("/console/barriers")).text
    auditor = await new_person.signed_in("auditor", municipality="strangnas")
    assert "/console/barriers" not in (await auditor.get("/console/revision")).text
    assert told not in (await auditor.get("/console/barriers")).text


async def test_a_report_sent_twice_is_kept_once_and_can_be_handled(
    client: httpx.AsyncClient, new_guide: NewGuide
) -> None:
    once = form(f"Knappen är för liten {uuid4().hex}")
    for _ in range(2):
        await client.post(PAGE, data=once)
    guide = await new_guide("strangnas")
    page = await reports(client, guide.cookies)
    assert page.count(once["text"]) == 1
    token = page.partition('name="token" value="')[2].partition('"')[0]
    cookie = "; ".join(f"{name}={value}" for name, value in guide.cookies.items())
    path = f"/console/barriers/{once['report']}"
    refused = await client.post(path, data={"token": "x"}, headers={"Cookie": cookie})
    assert refused.status_code == 401
    await client.post(path, data={"token": token}, headers={"Cookie": cookie})
    assert once["text"] not in await reports(client, guide.cookies)


async def test_an_empty_report_is_not_kept_and_says_so(client: httpx.AsyncClient) -> None:
    answer = await client.post(PAGE, data=form("  ", "eva@example.org"))
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "eva@example.org" in answer.text


async def test_a_personal_number_in_a_report_is_masked_and_nothing_stands_in_plain_text(
    client: httpx.AsyncClient, database_url: str, new_guide: NewGuide
) -> None:
    mark = uuid4().hex
    await client.post(PAGE, data=form(f"{mark} för 20130412-2384"))
    guide = await new_guide("strangnas")
    page = await reports(client, guide.cookies)
    assert mark in page
    assert "20130412" not in page
    async with await connect(database_url) as connection:
        rows = await (
            await connection.execute("SELECT sealed_report FROM barrier_reports")
        ).fetchall()
    assert all(mark.encode() not in bytes(row["sealed_report"]) for row in rows)


async def test_old_reports_are_removed(client: httpx.AsyncClient, database_url: str) -> None:
    old = form("Gammal rapport")
    await client.post(PAGE, data=old)
    async with await connect(database_url) as connection:
        await connection.execute(
            "UPDATE barrier_reports SET reported_at = now() - make_interval(days => %s) "
            "WHERE id = %s",
            [barriers.KEPT_DAYS + 1, old["report"]],
        )
        await barriers.remove_old(connection)
        left = await connection.execute(
            "SELECT 1 FROM barrier_reports WHERE id = %s", [old["report"]]
        )
        assert await left.fetchone() is None
