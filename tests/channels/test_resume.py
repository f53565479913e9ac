"""Going on elsewhere or later by a one-time code."""

from __future__ import annotations

import httpx
import pytest

from bot.codes import ALPHABET, CodePolicy, is_code
from bot.ledger import Ledger
from tests.conftest import NewParent, Parent

STORY = "min son på 9 vill inte gå till skolan"


@pytest.fixture(autouse=True)
async def no_attempts(ledger: Ledger) -> None:
    async with ledger.transaction() as connection:
        await connection.execute("DELETE FROM code_attempts")


async def code_of(parent: Parent, purpose: str = "pause") -> str:
    answer = await parent.client.post(
        f"{parent.url}/codes", json={"purpose": purpose}, headers=parent.headers
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["code"])


async def resumed(client: httpx.AsyncClient, code: str) -> httpx.Response:
    return await client.post("/api/resume", json={"code": code})


async def test_a_code_opens_the_conversation_with_what_is_known_and_the_open_question(
    new_parent: NewParent,
) -> None:
    parent = await new_parent()
    asked = (await parent.say(STORY))[-1]["question"]["id"]
    opened = (await resumed(parent.client, await code_of(parent))).json()
    assert opened["conversation_id"] == parent.conversation
    last = opened["messages"][-2:]
    assert last[0]["reply_id"] == "utter_resumed_known"
    assert "9 år" in str(last[0]["lines"])
    assert last[1]["question"]["id"] == asked


async def test_the_new_device_goes_on_and_the_old_one_is_let_go(new_parent: NewParent) -> None:
    parent = await new_parent()
    await parent.say(STORY)
    opened = (await resumed(parent.client, await code_of(parent))).json()
    assert (await parent.post(text="hej hej")).status_code == 404
    parent.headers = {"Authorization": f"Bearer {opened['token']}"}
    assert (await parent.post(text="hej hej")).status_code == 202
    while await parent.worker.take_turn() is not None:
        pass


async def test_a_code_works_once_and_however_it_is_written(new_parent: NewParent) -> None:
    parent = await new_parent()
    code = await code_of(parent)
    written = f" {code.lower().replace('-', ' ')} "
    assert (await resumed(parent.client, written)).status_code == 200
    again = await resumed(parent.client, code)
    assert (again.status_code, again.json()["error"]["code"]) == (404, "wrong_code")


async def test_a_new_code_ends_the_one_before(new_parent: NewParent) -> None:
    parent = await new_parent()
    first, second = await code_of(parent), await code_of(parent)
    assert (await resumed(parent.client, first)).status_code == 404
    assert (await resumed(parent.client, second)).status_code == 200


async def test_an_old_code_opens_nothing(new_parent: NewParent, ledger: Ledger) -> None:
    parent = await new_parent()
    code = await code_of(parent)
    async with ledger.transaction() as connection:
        await connection.execute("UPDATE resume_codes SET expires_at = now()")
    assert (await resumed(parent.client, code)).status_code == 404


async def test_a_code_never_outlives_the_conversation(
    new_parent: NewParent, ledger: Ledger
) -> None:
    parent = await new_parent()
    async with ledger.transaction() as connection:
        await connection.execute(
            "UPDATE conversations SET last_at = now() - interval '29 days' WHERE id = %s",
            [parent.conversation],
        )
    await code_of(parent)
    async with ledger.transaction() as connection:
        cursor = await connection.execute(
            "SELECT expires_at < now() + interval '2 days' AS soon FROM resume_codes "
            "WHERE conversation_id = %s",
            [parent.conversation],
        )
        row = await cursor.fetchone()
    assert row is not None
    assert row["soon"]


async def test_codes_cannot_be_tried_through(new_parent: NewParent) -> None:
    parent = await new_parent()
    code = await code_of(parent)
    for _ in range(CodePolicy.load().attempts):
        assert (await resumed(parent.client, "3333-3333")).status_code == 404
    stopped = await resumed(parent.client, code)
    assert (stopped.status_code, stopped.json()["error"]["code"]) == (429, "too_many_codes")


async def test_a_code_is_not_stored_in_the_open(new_parent: NewParent, ledger: Ledger) -> None:
    parent = await new_parent()
    code = (await code_of(parent)).replace("-", "")
    async with ledger.transaction() as connection:
        cursor = await connection.execute("SELECT c::text AS row FROM resume_codes c")
        stored = [str(row["row"]) for row in await cursor.fetchall()]
    assert stored
    assert not any(code in row or code.encode().hex() in row for row in stored)


async def test_nobody_else_gets_a_code(new_parent: NewParent) -> None:
    parent, other = await new_parent(), await new_parent()
    answer = await parent.client.post(
        f"{parent.url}/codes", json={"purpose": "pause"}, headers=other.headers
    )
    assert answer.status_code == 404


def test_a_code_has_no_look_alikes_and_a_word_is_no_code() -> None:
    assert not set("01IOLSZ258BUV") & set(ALPHABET)
    assert is_code("4KMA-7RTX")
    assert is_code("4kma 7rtx")
    for text in ("HEMMAFRA", "jag mår", "12345678", "4KMA-7RT"):
        assert not is_code(text)


@pytest.mark.parametrize("language", ["sv", "en"])
async def test_the_page_for_a_code_has_help_in_danger(
    client: httpx.AsyncClient, language: str
) -> None:
    page = (await client.get(f"/fortsatt?lang={language}")).text
    assert f'lang="{language}"' in page
    assert 'href="tel:112"' in page
    assert '<label for="code">' in page
