"""A family followed over time: by agreement, in its own sight, and erased at the end."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import httpx
import psycopg

from bot.database import connect
from bot.retention import sweep
from channels.access import add_guide
from knowledge.catalogue import Catalogue
from tests.channels.test_console import waiting_parent
from tests.channels.test_workspace import claimed, panel, write
from tests.conftest import PASSWORD, Guide, NewGuide, NewParent, Parent

UNTIL = (dt.date.today() + dt.timedelta(days=60)).isoformat()
PROPOSAL = {"how": "telefon", "when": "varannan tisdag", "contacts": "rektorn\nBUP"}


async def coordinator(client: httpx.AsyncClient, url: str) -> Guide:
    login = f"c{uuid4().hex[:8]}"
    async with await connect(url) as connection:
        await add_guide(connection, "sollentuna", login, "Karin", "coordinator", PASSWORD)
    form = {"municipality": "sollentuna", "login": login, "password": PASSWORD}
    answer = await client.post("/console/login", data=form)
    client.cookies.clear()
    return Guide(client, dict(answer.cookies), "sollentuna")


async def proposed(guide: Guide, parent: Parent) -> None:
    one = await claimed(guide, parent)
    answer = await write(guide, one, "support", **PROPOSAL, until=UNTIL)
    assert answer.status_code == 200, answer.text


async def family_sees(parent: Parent) -> str:
    answer = await parent.client.get(f"{parent.url}/tools/family", headers=parent.headers)
    assert answer.status_code == 200
    return answer.text


async def family_says(parent: Parent, answer: str, version: str = "1") -> httpx.Response:
    fields = {"answer": [answer], "version": [version]}
    url = f"{parent.url}/tools/family"
    return await parent.client.put(url, json={"fields": fields}, headers=parent.headers)


async def read(guide: Guide, path: str) -> httpx.Response:
    return await guide.client.get(f"/console/familjer{path}", headers=guide._headers)


async def address(guide: Guide) -> str:
    listed = (await read(guide, "")).text
    return "/" + listed.split('href="/console/familjer/')[1].split('"')[0]


async def keep(guide: Guide, path: str, ending: str = "", **fields: Any) -> httpx.Response:
    page = (await read(guide, path)).text
    hidden = {
        name: page.split(f'name="{name}" value="')[1].split('"')[0] for name in ("token", "version")
    }
    return await guide.client.post(
        f"/console/familjer{path}{ending}",
        data={**hidden, **fields},
        headers=guide._headers,
    )


async def followed(guide: Guide, parent: Parent) -> str:
    await proposed(guide, parent)
    assert (await family_says(parent, "yes")).status_code == 200
    return await address(guide)


async def test_nothing_is_kept_before_the_family_has_said_yes(
    new_parent: NewParent, client: httpx.AsyncClient, database_url: str
) -> None:
    guide, parent = await coordinator(client, database_url), await waiting_parent(new_parent)
    await proposed(guide, parent)
    assert "varannan tisdag" in await family_sees(parent)
    told = await parent.read()
    assert told[-1]["links"][0]["href"].endswith("tool=family")
    path = await address(guide)
    page = (await read(guide, path)).text
    assert "Familjen har inte svarat" in page
    assert 'name="note"' not in page
    assert "<svg" not in page  # nor is her contact map shown


async def test_the_family_sees_all_that_is_written_and_the_coordinator_her_map(
    new_parent: NewParent, client: httpx.AsyncClient, database_url: str
) -> None:
    guide, parent = await coordinator(client, database_url), await waiting_parent(new_parent)
    path = await followed(guide, parent)
    page = (await read(guide, path)).text
    assert "BUP" in page.split("<svg")[1]
    task = {"who.0": "rektorn", "what.0": "kallar till SIP", "by.0": UNTIL, "done.0": "on"}
    saved = await keep(guide, path, **task, note="Vi tar ett steg i taget.", next_contact=UNTIL)
    assert saved.status_code == 303
    seen = await family_sees(parent)
    for words in ("rektorn", "kallar till SIP", "Klart", "Vi tar ett steg i taget."):
        assert words in seen


async def test_what_somebody_else_wrote_meanwhile_is_not_overwritten(
    new_parent: NewParent, client: httpx.AsyncClient, database_url: str
) -> None:
    guide, parent = await coordinator(client, database_url), await waiting_parent(new_parent)
    path = await followed(guide, parent)
    await keep(guide, path, note="först")
    stale = await keep(guide, path, note="sist", version="1")
    assert stale.status_code == 409
    assert "först" in await family_sees(parent)


async def test_when_the_right_actors_have_taken_over_the_notes_are_erased(
    new_parent: NewParent, client: httpx.AsyncClient, database_url: str
) -> None:
    guide, parent = await coordinator(client, database_url), await waiting_parent(new_parent)
    path = await followed(guide, parent)
    await keep(guide, path, note="hemligt nog")
    assert (await keep(guide, path, "/end")).status_code == 400  # it is said, not slipped into
    assert (await keep(guide, path, "/end", sure="taken_over")).status_code == 303
    assert "raderat" in await family_sees(parent)
    assert "rätt aktörer har tagit vid" in (await read(guide, "")).text
    assert _kept(database_url, parent) == [(None, "taken_over")]


async def test_the_family_may_end_it_at_any_time(
    new_parent: NewParent, client: httpx.AsyncClient, database_url: str
) -> None:
    guide, parent = await coordinator(client, database_url), await waiting_parent(new_parent)
    path = await followed(guide, parent)
    assert (await family_says(parent, "end")).status_code == 200
    assert _kept(database_url, parent) == [(None, "family")]
    assert 'name="note"' not in (await read(guide, path)).text


async def test_a_family_is_shown_to_nobody_but_its_coordinator(
    new_parent: NewParent, new_guide: NewGuide, client: httpx.AsyncClient, database_url: str
) -> None:
    guide, parent = await coordinator(client, database_url), await waiting_parent(new_parent)
    path = await followed(guide, parent)
    other = await coordinator(client, database_url)
    assert (await read(other, path)).status_code == 404
    stranger = await new_parent("sollentuna")
    url = f"{parent.url}/tools/family"
    assert (await client.get(url, headers=stranger.headers)).status_code == 404


async def test_only_a_coordinator_proposes_to_follow_a_family(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    guide, parent = await new_guide("sollentuna"), await waiting_parent(new_parent)
    one = await claimed(guide, parent)
    refused = await write(guide, one, "support", **PROPOSAL, until=UNTIL)
    assert refused.status_code == 400
    assert "Bara en samordnare" in await panel(guide, one, "support")


async def test_an_agreement_holds_half_a_year_at_most(
    new_parent: NewParent, client: httpx.AsyncClient, database_url: str
) -> None:
    guide, parent = await coordinator(client, database_url), await waiting_parent(new_parent)
    one = await claimed(guide, parent)
    too_long = (dt.date.today() + dt.timedelta(days=200)).isoformat()
    assert (await write(guide, one, "support", **PROPOSAL, until=too_long)).status_code == 409


async def test_the_sweep_keeps_a_followed_family_until_its_time_is_over(
    new_parent: NewParent, client: httpx.AsyncClient, database_url: str, catalogue: Catalogue
) -> None:
    guide, parent = await coordinator(client, database_url), await waiting_parent(new_parent)
    await followed(guide, parent)
    here = [catalogue.municipalities["sollentuna"]]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE conversations SET last_at = now() - interval '91 days' WHERE id = %s",
            [parent.conversation],
        )
        await sweep(database_url, here)
        assert len(_kept(database_url, parent)) == 1
        connection.execute(
            "UPDATE families SET until = current_date - 1 WHERE conversation_id = %s",
            [parent.conversation],
        )
    await sweep(database_url, here)
    assert _kept(database_url, parent) == []


def _kept(url: str, parent: Parent) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT sealed_content, ended_as FROM families WHERE conversation_id = %s",
            [parent.conversation],
        ).fetchall()
