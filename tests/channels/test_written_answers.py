"""A guide promises a written answer by a time, and keeps it."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import pytest

from bot import handoff, written_answers
from bot.handoff import Handoff, TransitionError
from bot.handoff_figures import figures
from bot.ledger import Ledger
from bot.replies import Replies
from tests.channels.test_console import _claimed, waiting_parent
from tests.conftest import NewGuide, NewParent, Parent


async def _held(ledger: Ledger, parent: Parent) -> Handoff:
    async with ledger.transaction() as connection:
        found = await handoff.open_for(connection, ledger.seal, UUID(parent.conversation))
    assert found is not None
    return found


async def test_a_promised_answer_is_sent_later_and_counts_as_kept(
    new_parent: NewParent, new_guide: NewGuide, ledger: Ledger, replies: Replies
) -> None:
    parent, guide = await waiting_parent(new_parent), await new_guide("sollentuna", "Anna")
    await _claimed(guide, parent)
    await parent.read()
    now = dt.datetime.now(dt.UTC)
    async with ledger.transaction() as connection:
        before = await figures(connection, "sollentuna")
    one = await _held(ledger, parent)
    await written_answers.promise(ledger, replies, one, now + dt.timedelta(hours=20), now)
    assert [m["reply_id"] for m in await parent.read()] == ["utter_answer_promised"]
    assert await parent.say("tack så mycket"), "the assistant speaks meanwhile"

    one = await _held(ledger, parent)
    assert one.state == "paused"
    assert one.guide_id is not None
    await written_answers.send(
        ledger, replies, one, one.guide_id, "Anna", "Så här är det med tolk.", now
    )
    told = await parent.read()
    assert [(m["author"], m["text"]) for m in told[:1]] == [("guide", "Så här är det med tolk.")]
    assert told[1]["reply_id"] == "utter_answer_is_here"
    async with ledger.transaction() as connection:
        after = await figures(connection, "sollentuna")
    assert after.promises_kept == before.promises_kept + 1
    with pytest.raises(TransitionError):
        await written_answers.send(ledger, replies, one, one.guide_id, "Anna", "Igen", now)


async def test_a_time_in_the_past_cannot_be_promised(
    new_parent: NewParent, new_guide: NewGuide, ledger: Ledger, replies: Replies
) -> None:
    parent, guide = await waiting_parent(new_parent), await new_guide("sollentuna")
    await _claimed(guide, parent)
    now = dt.datetime.now(dt.UTC)
    with pytest.raises(ValueError, match="ahead"):
        await written_answers.promise(ledger, replies, await _held(ledger, parent), now, now)


async def test_a_written_answer_that_does_not_come_is_owned_up_to(
    new_parent: NewParent, new_guide: NewGuide, ledger: Ledger, replies: Replies
) -> None:
    parent, guide = await waiting_parent(new_parent), await new_guide("sollentuna")
    await _claimed(guide, parent)
    now = dt.datetime.now(dt.UTC)
    by = now + dt.timedelta(hours=1)
    await written_answers.promise(ledger, replies, await _held(ledger, parent), by, now)
    await parent.read()
    await parent.worker.handoff_clock.tick(by + dt.timedelta(minutes=20))
    assert [m["reply_id"] for m in await parent.read()] == ["utter_agreed_time_passed"]
