"""What an operator switches off or tells everybody, and what a parent sees of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bot.database import connect
from bot.outbox import Outbox
from bot.settings import Settings
from tests.conftest import NewParent, Parent

Operator = Callable[..., Any]
NOTICE = "Telefonen till kommunen fungerar inte i dag."


@pytest.fixture
def operator(lotsa: Any, test_settings: Settings, database_url: str) -> Operator:
    """The command line on the database of the running product."""
    environment = {
        **os.environ,
        "LOTSA_DATABASE_URL": database_url,
        "LOTSA_DATA": str(test_settings.data),
    }

    def run(*arguments: str) -> Any:
        done = lotsa(*arguments, "--json", env=environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    run.refused = lambda *arguments: lotsa(*arguments, env=environment)  # type: ignore[attr-defined]
    return run


async def asked(parent: Parent) -> list[str]:
    """Reply ids after the parent presses the first button, about school."""
    return [str(reply["reply_id"]) for reply in await parent.choose("path:school")]


async def test_a_topic_that_is_off_is_answered_with_numbers_and_a_person(
    new_parent: NewParent, operator: Operator
) -> None:
    operator("switch", "off", "topic:school", "--reason", "fel uppgift")
    try:
        off = operator("switch", "list")
        assert [(one["name"], one["reason"]) for one in off] == [("topic:school", "fel uppgift")]
        parent = await new_parent("demokommun")
        replies = await parent.choose("path:school")
        assert [reply["reply_id"] for reply in replies] == ["utter_fixed"]
        assert "1177" in replies[0]["text"]
        other = await parent.choose("path:relief")
        assert [reply["reply_id"] for reply in other] != ["utter_fixed"]
    finally:
        operator("switch", "on", "topic:school")
    assert (await asked(await new_parent("demokommun")))[-1] == "utter_ask_child_age"


async def test_a_channel_that_is_off_sends_nothing(
    operator: Operator, worker: Any, database_url: str
) -> None:
    outbox = Outbox(worker._ledger)
    operator("switch", "off", "channel:sms", "--reason", "fel nummer")
    try:
        assert await outbox.is_stopped("sms", "strangnas")
    finally:
        operator("switch", "on", "channel:sms")
    assert not await outbox.is_stopped("sms", "strangnas")


def test_what_does_not_exist_cannot_be_switched_off(operator: Any) -> None:
    refused = operator.refused("switch", "off", "topic:skola", "--reason", "stavat fel")
    assert refused.returncode != 0
    assert "topic:school" in refused.stderr


async def test_a_notice_is_seen_everywhere_until_its_time_is_over(
    new_parent: NewParent, client: httpx.AsyncClient, operator: Operator, database_url: str
) -> None:
    told = operator("notice", "add", NOTICE, "--hours", "2", "-m", "demokommun")
    parent = await new_parent("demokommun")
    elsewhere = await new_parent("strangnas")
    assert await notices(parent) == [NOTICE]
    assert await notices(elsewhere) == []
    assert NOTICE in (await client.get("/chat/demokommun")).text
    assert NOTICE not in (await client.get("/chat/strangnas")).text
    async with await connect(database_url) as connection:
        await connection.execute(
            "UPDATE notices SET starts_at = now() - interval '3 hours', "
            "ends_at = now() - interval '1 second' WHERE id = %s",
            [told["id"]],
        )
    assert await notices(parent) == []
    assert NOTICE not in (await client.get("/chat/demokommun")).text


async def test_a_notice_can_be_taken_away_before_its_time(
    new_parent: NewParent, operator: Operator
) -> None:
    told = operator("notice", "add", NOTICE, "--hours", "2", "--english", "Phones are down.")
    english = await new_parent("strangnas", "en")
    assert await notices(english) == ["Phones are down."]
    operator("notice", "end", str(told["id"]))
    assert await notices(english) == []


async def notices(parent: Parent) -> list[str]:
    answer = await parent.client.get(f"{parent.url}/messages?after=0", headers=parent.headers)
    found: list[str] = answer.json()["state"]["notices"]
    return found
