"""The queue: who is next, the place and the wait that are told, danger nobody took, the figures."""

from __future__ import annotations

import datetime as dt
import random
from uuid import UUID, uuid4

import pytest

from bot import handoff
from bot.content import Content
from bot.handoff import Handoff
from bot.handoff_figures import figures
from bot.handoff_order import LEVELS, rank
from bot.handoff_queue import Wait, usual_wait, wait_of, waiting
from bot.handoff_words import waiting_words
from bot.ledger import Ledger
from bot.replies import Replies
from channels.access import add_guide
from knowledge.catalogue import Function, Municipality

NOW = dt.datetime.now(dt.UTC)
STARVE = dt.timedelta(minutes=45)


@pytest.fixture
def municipality() -> Municipality:
    """One of its own for every test, so that its queue is empty."""
    absent = Function(exists=False)
    return Municipality(
        id=f"prov-{uuid4().hex[:8]}",
        name="Provkommun",
        layers=["prov"],
        contact_centre="prov",
        functions={"guide": Function(exists=True), "coordinator": absent, "after_hours": absent},
        retention_days=30,
        retention_decision="P1",
    )


async def _waits(
    ledger: Ledger, municipality: Municipality, level: str = "guide", minutes: int = 0
) -> Handoff:
    """Somebody who has waited for so many minutes."""
    conversation, _ = await ledger.open_conversation(municipality.id, "web", "sv")
    async with ledger.transaction() as connection:
        made = await handoff.request(
            connection,
            ledger.seal,
            conversation=conversation,
            municipality=municipality.id,
            function="guide",
            level=level,
            language="sv",
            brief=None,
            promised_at=NOW + dt.timedelta(hours=1),
        )
        assert made is not None
        await connection.execute(
            "UPDATE handoffs SET requested_at = now() - make_interval(mins => %s) WHERE id = %s",
            [minutes, made],
        )
        return await handoff.find(connection, ledger.seal, made, municipality.id)


def test_danger_comes_before_whoever_has_waited_longest() -> None:
    longest = rank("information", NOW - dt.timedelta(days=2), NOW, STARVE)
    assert rank("acute", NOW, NOW, STARVE) < longest


def test_the_gravest_comes_first_and_then_the_longest_wait() -> None:
    earlier, later = NOW - dt.timedelta(minutes=20), NOW - dt.timedelta(minutes=5)
    assert rank("coordinator", later, NOW, STARVE) < rank("guide", earlier, NOW, STARVE)
    assert rank("guide", earlier, NOW, STARVE) < rank("guide", later, NOW, STARVE)


def test_nobody_starves() -> None:
    """Who has waited long enough is passed by nobody who comes later, but by danger."""
    old = rank("information", NOW - STARVE, NOW, STARVE)
    for level in LEVELS[1:]:
        assert old < rank(level, NOW - STARVE + dt.timedelta(seconds=1), NOW, STARVE)


async def test_the_query_gives_the_same_order_as_the_rule(
    ledger: Ledger, municipality: Municipality
) -> None:
    chance = random.Random(6)
    for minutes in chance.sample(range(200), 24):
        level = chance.choice([*LEVELS, "unknown"])
        # On the minute itself rule and query may see another second.
        await _waits(ledger, municipality, level, minutes if minutes != 45 else 46)
    async with ledger.transaction() as connection:
        found = await waiting(connection, ledger.seal, municipality)
        shown = await handoff.queue(connection, ledger.seal, municipality.id)
    now = dt.datetime.now(dt.UTC)
    expected = sorted(found, key=lambda one: rank(one.level, one.requested_at, now, STARVE))
    assert [one.id for one in found] == [one.id for one in expected]
    assert [one.id for one in shown] == [one.id for one in expected]


async def test_a_place_moves_up_when_somebody_before_is_taken(
    ledger: Ledger, municipality: Municipality
) -> None:
    first, second = [await _waits(ledger, municipality, minutes=m) for m in (20, 10)]
    guide = await _guide(ledger, municipality)
    async with ledger.transaction() as connection:
        assert (await wait_of(connection, municipality, second)).place == 2
        await handoff.move(connection, first, "claimed", guide)
        assert (await wait_of(connection, municipality, second)).place == 1


async def test_a_wait_is_told_from_what_others_waited_and_not_before_that_is_known(
    ledger: Ledger, municipality: Municipality, content: Content
) -> None:
    guide = await _guide(ledger, municipality)
    for minutes in (4, 8, 12, 16):
        await _claim(ledger, await _waits(ledger, municipality, minutes=minutes), guide)
    one = await _waits(ledger, municipality)
    async with ledger.transaction() as connection:
        assert await usual_wait(connection, municipality.id, "guide") == (None, None)
        told = waiting_words(content, "sv", one, await wait_of(connection, municipality, one))
    assert told is not None
    assert "Vi vet inte" in told
    await _claim(ledger, await _waits(ledger, municipality, minutes=20), guide)
    async with ledger.transaction() as connection:
        wait = await wait_of(connection, municipality, one)
    assert (wait.place, wait.low, wait.high) == (1, 13, 17)  # median 12, 80 per cent 16, and a bit
    told = waiting_words(content, "sv", one, wait)
    assert told is not None
    assert "nummer 1 i kön" in told
    assert "13–17 minuter" in told


def test_a_long_wait_is_told_in_hours(content: Content) -> None:
    one = Handoff(
        uuid4(), uuid4(), "prov", "guide", "waiting", "guide", "sv", None, NOW, NOW, None, None, ""
    )
    told = waiting_words(content, "sv", one, Wait(3, 70, 200))
    assert told is not None
    assert "1–4 timmar" in told


async def test_danger_nobody_takes_is_told_to_the_escalation_contact_once(
    ledger: Ledger, replies: Replies
) -> None:
    from bot.handoff_clock import HandoffClock

    demo = replies.catalogue.municipalities["demokommun"]
    assert demo.waiting.escalation is not None
    one = await _waits(ledger, demo, "acute")
    calm = await _waits(ledger, demo, "guide")
    clock = HandoffClock(ledger, replies)
    await clock.tick(NOW)
    assert await _escalations(ledger, one, calm) == []
    async with ledger.transaction() as connection:
        await connection.execute(
            "UPDATE handoffs SET changed_at = now() - interval '11 minutes' WHERE id = ANY(%s)",
            [[one.id, calm.id]],
        )
    await clock.tick(NOW)
    await clock.tick(NOW)
    told = await _escalations(ledger, one, calm)
    assert told == [("sms", "+46846500412", "notice_escalation")]


async def test_first_answers_waits_and_kept_promises_are_counted(
    ledger: Ledger, municipality: Municipality
) -> None:
    guide = await _guide(ledger, municipality)
    await _claim(ledger, await _waits(ledger, municipality, minutes=10), guide)
    late = await _waits(ledger, municipality, minutes=30)
    async with ledger.transaction() as connection:
        await handoff.move(
            connection, late, "promise_passed", promised_at=NOW + dt.timedelta(hours=2)
        )
        found = await figures(connection, municipality.id)
    assert (found.requested, found.claimed) == (2, 1)
    assert found.wait_median == pytest.approx(600, abs=60)
    assert (found.promises_kept, found.promises_broken) == (1, 1)
    assert found.kept_share == 0.5
    assert found.first_response_median is None


async def test_without_conversations_nothing_is_claimed_about_them(
    ledger: Ledger, municipality: Municipality
) -> None:
    async with ledger.transaction() as connection:
        found = await figures(connection, municipality.id)
    assert found.requested == 0
    assert found.kept_share is None
    assert found.wait_median is None


async def _guide(ledger: Ledger, municipality: Municipality) -> UUID:
    async with ledger.transaction() as connection:
        return await add_guide(
            connection, municipality.id, uuid4().hex, "Anna", "guide", "ett långt lösenord"
        )


async def _claim(ledger: Ledger, one: Handoff, guide: UUID) -> None:
    async with ledger.transaction() as connection:
        await handoff.move(connection, one, "claimed", guide)


async def _escalations(ledger: Ledger, *of: Handoff) -> list[tuple[str, str, str]]:
    async with ledger.transaction() as connection:
        cursor = await connection.execute(
            "SELECT o.channel, a.sealed_address, o.sealed_content FROM outbox o JOIN addresses a "
            "ON a.id = o.address_id WHERE o.urgent AND o.conversation_id = ANY(%s)",
            [[one.conversation_id for one in of]],
        )
        opened = ledger.seal.open
        return [
            (
                row["channel"],
                opened(row["sealed_address"]),
                opened(row["sealed_content"])["notice"],
            )
            for row in await cursor.fetchall()
        ]
