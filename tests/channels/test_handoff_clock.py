"""What time alone does: nobody is left with a silent guide or a promise that did not hold."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

from bot.ledger import Ledger
from tests.channels.test_console import _claimed, waiting_parent
from tests.conftest import Guide, NewGuide, NewParent, Parent


async def _tick(parent: Parent, later: dt.timedelta = dt.timedelta(0)) -> list[dict[str, Any]]:
    await parent.worker.handoff_clock.tick(dt.datetime.now(dt.UTC) + later)
    return await parent.read()


async def _backdate(ledger: Ledger, parent: Parent, **minutes: int) -> None:
    """As if the handoff's own times lay further back."""
    async with ledger.transaction() as connection:
        for column, ago in minutes.items():
            await connection.execute(
                f"UPDATE handoffs SET {column} = now() - make_interval(mins => %s) "  # type: ignore[arg-type]
                "WHERE conversation_id = %s",
                [ago, parent.conversation],
            )


async def _state(guide: Guide, parent: Parent) -> dict[str, Any]:
    queue = (await guide.get("queue")).json()["handoffs"]
    found: dict[str, Any] = next(h for h in queue if h["conversation_id"] == parent.conversation)
    return found


async def test_a_parent_who_waits_is_told_by_when(new_parent: NewParent) -> None:
    parent = await waiting_parent(new_parent)
    state = (await parent.client.get(f"{parent.url}/messages", headers=parent.headers)).json()
    assert state["state"]["handoff"]["promised"]


async def test_a_guide_who_closes_the_lid_is_noticed_and_the_parent_is_told(
    new_parent: NewParent, new_guide: NewGuide, ledger: Ledger
) -> None:
    parent = await waiting_parent(new_parent)
    guide, colleague = await new_guide("sollentuna", "Anna"), await new_guide("sollentuna")
    await _claimed(guide, parent)
    await _tick(parent)
    assert (await _state(colleague, parent))["state"] == "held"
    await _backdate(ledger, parent, held_since=3)
    async with ledger.transaction() as connection:
        await connection.execute(
            "UPDATE guide_sessions SET seen_at = now() - interval '3 minutes' WHERE guide_id = "
            "(SELECT guide_id FROM handoffs WHERE conversation_id = %s AND state = 'held')",
            [parent.conversation],
        )
    told = await _tick(parent)
    assert [message["reply_id"] for message in told] == ["utter_guide_silent"]
    assert "Anna" in told[0]["text"]
    assert "kl." in told[0]["text"]
    assert (await _state(colleague, parent))["state"] == "waiting"
    assert await parent.say("hej, är du kvar?"), "the assistant answers meanwhile"


async def test_a_guide_who_does_not_answer_is_relieved_and_keeps_no_word_back(
    new_parent: NewParent, new_guide: NewGuide, ledger: Ledger
) -> None:
    parent = await waiting_parent(new_parent)
    guide = await new_guide("sollentuna")
    one = await _claimed(guide, parent)
    await parent.read()
    await guide.post(f"handoffs/{one}/messages", id="guide-msg-1", text="Hej, jag är här.")
    await parent.say("det är jobbigt")
    await _backdate(ledger, parent, held_since=30)
    assert "utter_guide_silent" not in [m["reply_id"] for m in await _tick(parent)]
    async with ledger.transaction() as connection:
        await connection.execute(
            "UPDATE messages SET created_at = now() - interval '6 minutes' "
            "WHERE conversation_id = %s",
            [parent.conversation],
        )
    assert (await guide.get("queue")).is_success  # she is present, and silent
    assert [m["reply_id"] for m in await _tick(parent)] == ["utter_guide_silent"]


async def test_a_guide_who_has_answered_is_not_silent(
    new_parent: NewParent, new_guide: NewGuide, ledger: Ledger
) -> None:
    parent = await waiting_parent(new_parent)
    guide = await new_guide("sollentuna")
    one = await _claimed(guide, parent)
    await guide.post(f"handoffs/{one}/messages", id="guide-msg-2", text="Ta det i lugn och ro.")
    await parent.read()
    await _backdate(ledger, parent, held_since=90)
    async with ledger.transaction() as connection:
        await connection.execute(
            "UPDATE messages SET created_at = now() - interval '1 hour' WHERE conversation_id = %s",
            [parent.conversation],
        )
    assert await _tick(parent) == []


async def test_a_time_that_passed_is_owned_up_to_and_a_new_one_is_told(
    new_parent: NewParent, new_guide: NewGuide, ledger: Ledger
) -> None:
    parent = await waiting_parent(new_parent)
    guide = await new_guide("sollentuna")
    await _backdate(ledger, parent, promised_at=1)
    told = await _tick(parent)
    assert [message["reply_id"] for message in told] == ["utter_promise_passed"]
    now = await _state(guide, parent)
    assert now["state"] == "waiting"
    assert now["promised"] > dt.datetime.now(dt.UTC).isoformat()

    assert await _tick(parent) == [], "it is said once"
    async with ledger.transaction() as connection:
        cursor = await connection.execute(
            "SELECT broken FROM handoffs WHERE conversation_id = %s", [parent.conversation]
        )
        row = await cursor.fetchone()
    assert row == {"broken": 1}


async def test_a_request_nobody_takes_for_a_week_ends_in_words(
    new_parent: NewParent, new_guide: NewGuide, ledger: Ledger
) -> None:
    parent = await waiting_parent(new_parent)
    guide = await new_guide("sollentuna")
    await _backdate(ledger, parent, requested_at=8 * 24 * 60)
    assert [m["reply_id"] for m in await _tick(parent)] == ["utter_handoff_expired"]
    assert (await _state(guide, parent))["state"] == "expired"
    again = await parent.choose("intent:want_person")
    assert again[-1]["question"]["id"] == "consent_handoff"


async def test_a_guide_who_signs_out_tells_her_parents_by_when(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    parent = await waiting_parent(new_parent)
    guide = await new_guide("sollentuna", "Anna")
    await _claimed(guide, parent)
    await parent.read()
    await guide.client.post("/console/logout", headers=guide._headers)
    told = await parent.read()
    assert [message["reply_id"] for message in told] == ["utter_guide_left"]
    assert "Anna" in told[0]["text"]


async def test_of_two_clocks_one_speaks(new_parent: NewParent, ledger: Ledger) -> None:
    parent = await waiting_parent(new_parent)
    await _backdate(ledger, parent, promised_at=1)
    clock = parent.worker.handoff_clock
    await asyncio.gather(clock.tick(), clock.tick())
    told = [message["reply_id"] for message in await parent.read()]
    assert told == ["utter_promise_passed"]
