"""A booked time is reminded of in a text where one can be sent; else there is the calendar."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from bot import clock
from bot.calendar import LOCAL
from bot.call_backs import booked as booked_time
from bot.call_backs import number_of
from bot.handoff_clock import HandoffClock
from bot.ledger import Ledger
from bot.outbox import Outbox
from bot.replies import Replies
from tests.channels.phone import Phones4Tests
from tests.channels.test_booking import choices, offered
from tests.channels.test_console import _claimed
from tests.conftest import NewGuide, NewParent, Parent

pytestmark = pytest.mark.usefixtures("nothing_booked")

# A Wednesday. Other tests book their times in other weeks.
EVENING = dt.datetime(2027, 5, 19, 22, 40, tzinfo=LOCAL)
CALENDAR = "/tid/"


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with clock.at(EVENING):
        yield


async def booked(new_parent: NewParent, number: str) -> tuple[Parent, dict[str, Any]]:
    """A parent who is to be called on Thursday morning."""
    parent, _ = await offered(new_parent)
    await parent.choose("book:day_2027-05-20")
    await parent.choose("book:time_2027-05-20T08:30")
    await parent.choose("book:how_phone")
    return parent, (await parent.say(number))[-1]


async def texts(provider: Phones4Tests, ledger: Ledger, number: str) -> list[str]:
    """What comes to a phone once everything that waits is due."""
    async with ledger.transaction() as connection:
        await connection.execute("UPDATE outbox SET due_at = now() WHERE state = 'waiting'")
    while await provider.sending.work():
        pass
    await provider.simulator.settle()
    return [sms.text for sms in provider.simulator.screen(number) if sms.direction == "in"]


@pytest.fixture
def number() -> str:
    return f"+4670{uuid4().int % 10**7:07d}"


async def test_a_reminder_comes_to_the_number_and_tells_the_time_alone(
    provider: Phones4Tests, new_parent: NewParent, ledger: Ledger, number: str
) -> None:
    parent, told = await booked(new_parent, number)
    assert "book:remind" in choices(told)
    promised = (await parent.choose("book:remind"))[-1]
    assert promised["reply_id"] == "utter_book_reminded"
    assert "kl. 06.30" in promised["text"]
    await parent.choose("book:remind")  # asked for twice, sent once
    (text,) = await texts(provider, ledger, number)
    assert "torsdag 20 maj kl. 08.30" in text
    assert not provider.sending._short.reveals(text)
    assert "Demokommun" not in text


async def test_a_cancelled_time_is_not_reminded_of_and_its_number_is_forgotten(
    provider: Phones4Tests, new_parent: NewParent, ledger: Ledger, number: str
) -> None:
    parent, _ = await booked(new_parent, number)
    await parent.choose("book:remind")
    await parent.choose("book:cancel")
    assert await texts(provider, ledger, number) == []
    async with ledger.transaction() as connection:
        cursor = await connection.execute(
            "SELECT 1 FROM addresses WHERE mark = ANY(%s)", [ledger.seal.marks(f"sms:{number}")]
        )
        assert await cursor.fetchone() is None


async def test_where_nothing_can_be_sent_no_text_is_offered_or_promised(
    new_parent: NewParent,
    number: str,
    reaches: dict[str, frozenset[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(reaches, "demokommun")
    parent, told = await booked(new_parent, number)
    assert "book:remind" not in choices(told)
    assert told["links"][0]["href"].startswith(CALENDAR)
    pressed = (await parent.choose("book:remind"))[-1]
    assert pressed["reply_id"] == "utter_book_calendar"
    assert pressed["links"][0]["href"].startswith(CALENDAR)


async def test_a_channel_that_was_switched_off_meanwhile_promises_nothing(
    new_parent: NewParent, ledger: Ledger, number: str
) -> None:
    parent, told = await booked(new_parent, number)
    assert "book:remind" in choices(told)
    outbox = Outbox(ledger)
    await outbox.stop("sms", "demokommun", "test")
    try:
        pressed = (await parent.choose("book:remind"))[-1]
    finally:
        await outbox.start("sms", "demokommun")
    assert pressed["reply_id"] == "utter_book_calendar"


async def test_a_number_that_cannot_get_a_text_is_told_of_the_calendar(
    new_parent: NewParent,
) -> None:
    parent, _ = await booked(new_parent, "1234567")
    assert (await parent.choose("book:remind"))[-1]["reply_id"] == "utter_book_calendar"


async def test_danger_nobody_took_is_texted_also_about_a_parent_whose_phone_is_seen(
    provider: Phones4Tests,
    new_parent: NewParent,
    ledger: Ledger,
    replies: Replies,
) -> None:
    parent = await new_parent("demokommun")
    await parent.say("min man slår mig och han läser min telefon")
    await parent.choose("intent:want_person")
    await parent.choose("consent_handoff:share_nothing")
    async with ledger.transaction() as connection:
        cursor = await connection.execute(
            "UPDATE handoffs SET level = 'acute', changed_at = now() - interval '11 minutes' "
            "WHERE conversation_id = %s RETURNING 1",
            [parent.conversation],
        )
        assert await cursor.fetchone()
    contact = "+46846500412"
    before = len(await texts(provider, ledger, contact))
    for _ in range(2):
        await HandoffClock(ledger, replies).tick()
    told = (await texts(provider, ledger, contact))[before:]
    assert told == [replies.content.raw("sv", "notice_escalation")]


async def test_a_number_texted_for_a_call_is_kept_apart_and_out_of_the_conversation(
    provider: Phones4Tests, ledger: Ledger
) -> None:
    phone = provider()
    await phone.say("Min son på 13 går inte till skolan sedan i våras")
    await phone.say("GUIDE")
    for pressed in ("1", "1", "1", "1"):  # share, the first day, the first time, call me
        last = (await phone.say(pressed))[-1]
    assert "Vilket nummer ska vi ringa?" in last
    confirmed = await phone.say("det är 08-465 004 13")
    assert not any("465" in text for text in confirmed)
    marks = ledger.seal.marks(f"sms:{phone.own}")
    async with ledger.transaction() as connection:
        cursor = await connection.execute(
            "SELECT conversation_id FROM addresses WHERE mark = ANY(%s)", [marks]
        )
        (row,) = await cursor.fetchall()
        conversation = row["conversation_id"]
        assert await number_of(connection, ledger.seal, conversation) == "0846500413"
        assert await booked_time(connection, conversation) is not None
    said = [message.text for message in await ledger.messages(conversation)]
    assert "det är (nummer, dolt här)" in said
    assert not any("465 004 13" in text for text in said)


async def test_a_visit_is_reminded_of_too_where_the_parent_gave_her_number(
    provider: Phones4Tests,
    new_parent: NewParent,
    new_guide: NewGuide,
    ledger: Ledger,
    number: str,
) -> None:
    parent, _ = await booked(new_parent, number)
    guide = await new_guide("demokommun", "Anna")
    one = await _claimed(guide, parent)
    visit: dict[str, Any] = {
        "how": "visit",
        "starts_at": "2027-05-21T10:00",
        "minutes": 60,
        "place": "Torget 1",
    }
    assert (await guide.post(f"handoffs/{one}/meeting", **visit)).status_code == 200
    told = (await parent.read())[-1]
    assert "book:remind" in choices(told)
    assert (await parent.choose("book:remind"))[-1]["reply_id"] == "utter_book_reminded"
    (text,) = await texts(provider, ledger, number)
    assert "fredag 21 maj kl. 10.00" in text
    assert "Torget" not in text
