"""The states of a handoff."""

from __future__ import annotations

import datetime as dt
from uuid import UUID, uuid4

import pytest

from bot import handoff
from bot.handoff import EVENTS, OPEN, STATES, STEPS, TRANSITIONS, Event, TransitionError
from bot.handoff_diagram import DOCUMENT, document
from bot.ledger import Ledger
from channels.access import add_guide

SOON = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)


def test_every_open_state_leads_to_an_end() -> None:
    ends = {"returned", "closed", "expired"}
    reaching = set(ends)
    for _ in STATES:
        reaching |= {state for (state, _), target in TRANSITIONS.items() if target in reaching}
    assert set(OPEN) <= reaching


def test_an_event_of_a_state_stands_in_the_table_once_and_is_used() -> None:
    assert len(TRANSITIONS) == len(STEPS)
    assert {one.event for one in STEPS} == set(EVENTS)
    assert {one.target for one in STEPS} | {"requested"} == set(STATES)


def test_the_drawing_shows_the_table_as_it_is() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run `lotsa handoff diagram`"


def test_nothing_leaves_an_ended_stretch() -> None:
    assert not [state for state, _ in TRANSITIONS if state not in OPEN]


@pytest.fixture
async def conversation(ledger: Ledger) -> UUID:
    opened, _ = await ledger.open_conversation("strangnas", "web", "sv")
    return opened


async def _requested(ledger: Ledger, conversation: UUID) -> UUID | None:
    async with ledger.transaction() as connection:
        return await handoff.request(
            connection,
            ledger.seal,
            conversation=conversation,
            municipality="strangnas",
            function="guide",
            level="guide",
            language="sv",
            brief=None,
            promised_at=SOON,
        )


async def test_a_conversation_stands_in_the_queue_once(ledger: Ledger, conversation: UUID) -> None:
    assert await _requested(ledger, conversation) is not None
    assert await _requested(ledger, conversation) is None


async def test_only_events_of_the_table_are_possible(ledger: Ledger, conversation: UUID) -> None:
    await _requested(ledger, conversation)
    async with ledger.transaction() as connection:
        guide = await add_guide(
            connection, "strangnas", uuid4().hex, "Anna", "guide", "ett långt lösenord"
        )
        path: tuple[Event, ...] = ("claimed", "released", "claimed", "returned")
        for event in path:
            await _refuses_all_others(ledger, conversation)
            found = await handoff.open_for(connection, ledger.seal, conversation)
            assert found is not None
            await handoff.move(connection, found, event, guide, promised_at=SOON)
        assert await handoff.open_for(connection, ledger.seal, conversation) is None


async def _refuses_all_others(ledger: Ledger, conversation: UUID) -> None:
    async with ledger.transaction() as connection:
        found = await handoff.open_for(connection, ledger.seal, conversation)
        if found is None:
            return
        for event in EVENTS:
            if (found.state, event) not in TRANSITIONS:
                with pytest.raises(TransitionError):
                    await handoff.move(connection, found, event, found.guide_id, promised_at=SOON)
