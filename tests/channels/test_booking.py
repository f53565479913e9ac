"""An evening: nobody is there, and the parent books a time with a person in three taps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from icalendar import Calendar

from bot import call_backs, clock
from bot.calendar import LOCAL
from bot.ledger import Ledger
from tests.channels.test_console import STORY
from tests.conftest import Guide, NewGuide, NewParent, Parent

pytestmark = pytest.mark.usefixtures("nothing_booked")

EVENING = dt.datetime(2027, 3, 16, 22, 40, tzinfo=LOCAL)  # a Tuesday
NUMBER = "070-174 06 35"


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with clock.at(EVENING):
        yield


async def offered(new_parent: NewParent) -> tuple[Parent, list[dict[str, Any]]]:
    """A parent who asked for a person in the evening."""
    parent = await new_parent("demokommun")
    await parent.say(STORY)
    await parent.choose("intent:want_person")
    return parent, await parent.choose("consent_handoff:share")


async def booked(new_parent: NewParent, how: str = "chat") -> tuple[Parent, list[dict[str, Any]]]:
    parent, _ = await offered(new_parent)
    await parent.choose("book:day_2027-03-17")
    await parent.choose("book:time_2027-03-17T08:30")
    told = await parent.choose(f"book:how_{how}")
    if how == "phone":
        told = await parent.say(f"Mitt nummer är {NUMBER}")
    return parent, told


async def state(parent: Parent) -> dict[str, Any]:
    answer = await parent.client.get(f"{parent.url}/messages", headers=parent.headers)
    found: dict[str, Any] = answer.json()["state"]["handoff"]
    return found


def choices(message: dict[str, Any]) -> list[str]:
    return [choice["id"] for choice in message.get("choices", [])]


async def test_in_the_evening_the_next_free_days_are_offered(new_parent: NewParent) -> None:
    parent, told = await offered(new_parent)
    assert told[-1]["reply_id"] == "utter_book_day"
    assert choices(told[-1])[:2] == ["book:day_2027-03-17", "book:day_2027-03-18"]
    assert "onsdag 17 mars kl. 08.00" in told[-1]["text"]
    assert (await state(parent))["state"] == "offered_call_back"


async def test_three_taps_book_a_chat_and_say_who_where_how_long_and_what_to_prepare(
    new_parent: NewParent,
) -> None:
    parent, told = await booked(new_parent)
    assert told[-1]["reply_id"] == "utter_booked_chat"
    assert "onsdag 17 mars kl. 08.30" in told[-1]["text"]
    assert [line["id"] for line in told[-1]["lines"]] == [
        "line_book_when", "line_book_who", "line_book_where", "line_book_minutes",
        "line_book_prepare",
    ]  # fmt: skip
    assert (await state(parent))["state"] == "paused"
    calendar = (await parent.client.get(told[-1]["links"][0]["href"])).content
    event = Calendar.from_ical(calendar).walk("VEVENT")[0]
    assert event.start == dt.datetime(2027, 3, 17, 8, 30, tzinfo=LOCAL)
    assert "Demokommun" not in calendar.decode()


async def test_a_number_is_kept_apart_and_never_shown_in_the_conversation(
    new_parent: NewParent, new_guide: NewGuide, ledger: Ledger
) -> None:
    parent, told = await booked(new_parent, "phone")
    assert told[-1]["reply_id"] == "utter_booked_phone"
    assert "utter_masked" not in [message["reply_id"] for message in told]
    async with ledger.transaction() as connection:
        cursor = await connection.execute(
            "SELECT * FROM messages WHERE conversation_id = %s", [parent.conversation]
        )
        texts = [ledger.seal.open(row["sealed_text"]) for row in await cursor.fetchall()]
        assert not [text for text in texts if "174" in text]
        assert "Mitt nummer är (nummer, dolt här)" in texts
        number = await call_backs.number_of(connection, ledger.seal, UUID(parent.conversation))
    assert number == "0701740635"


async def test_a_number_from_abroad_is_hidden_too(new_parent: NewParent, ledger: Ledger) -> None:
    parent, _ = await offered(new_parent)
    await parent.choose("book:day_2027-03-17")
    await parent.choose("book:time_2027-03-17T08:30")
    await parent.choose("book:how_phone")
    told = await parent.say("+47 22 86 44 00")
    assert told[-1]["reply_id"] == "utter_booked_phone"
    async with ledger.transaction() as connection:
        number = await call_backs.number_of(connection, ledger.seal, UUID(parent.conversation))
    assert number == "+4722864400"
    answer = await parent.client.get(f"{parent.url}/messages", headers=parent.headers)
    assert "86 44" not in answer.text


async def test_a_number_that_was_not_asked_for_is_not_kept(
    new_parent: NewParent, ledger: Ledger
) -> None:
    parent, _ = await offered(new_parent)
    told = await parent.say(f"ring {NUMBER} till skolan")
    assert "utter_masked" in [message["reply_id"] for message in told]
    async with ledger.transaction() as connection:
        cursor = await connection.execute(
            "SELECT 1 FROM call_back_numbers WHERE conversation_id = %s", [parent.conversation]
        )
        assert await cursor.fetchone() is None


async def test_days_and_times_can_be_typed(new_parent: NewParent) -> None:
    parent, told = await offered(new_parent)
    told = await parent.say("onsdag 17 mars")
    assert told[-1]["reply_id"] == "utter_book_time"
    told = await parent.say("09.00")
    assert told[-1]["reply_id"] == "utter_book_how"


@pytest.mark.parametrize("said", ["book:cancel", "jag vill avboka tiden"])
async def test_a_time_is_cancelled_by_button_and_by_saying_so(
    new_parent: NewParent, said: str
) -> None:
    parent, told = await booked(new_parent)
    link = told[-1]["links"][0]["href"]
    cancelled = await (parent.choose(said) if ":" in said else parent.say(said))
    assert cancelled[-1]["reply_id"] == "utter_book_cancelled"
    assert await state(parent) is None
    assert (await parent.client.get(link)).status_code == 404


@pytest.mark.parametrize("said", ["book:days", "kan jag byta tid"])
async def test_a_time_is_moved_by_button_and_by_saying_so(new_parent: NewParent, said: str) -> None:
    parent, _ = await booked(new_parent)
    days = await (parent.choose(said) if ":" in said else parent.say(said))
    assert days[-1]["reply_id"] == "utter_book_day"
    await parent.choose("book:day_2027-03-18")
    await parent.choose("book:time_2027-03-18T10:00")
    told = await parent.choose("book:how_chat")
    assert "torsdag 18 mars kl. 10.00" in told[-1]["text"]
    assert (await state(parent))["state"] == "paused"


async def test_a_full_time_is_not_offered_any_more(new_parent: NewParent) -> None:
    # Demokommun's guides take two parents at a time.
    for _ in range(2):
        parent, _ = await offered(new_parent)
        await parent.choose("book:day_2027-03-19")
        await parent.choose("book:time_2027-03-19T11:00")
        await parent.choose("book:how_chat")
    parent, _ = await offered(new_parent)
    times = await parent.choose("book:day_2027-03-19")
    assert "book:time_2027-03-19T11:00" not in choices(times[-1])
    await parent.choose("book:time_2027-03-19T11:00")  # a page that was left open
    told = await parent.choose("book:how_chat")
    assert "utter_book_taken" in [message["reply_id"] for message in told]


async def test_she_may_rather_wait(new_parent: NewParent) -> None:
    parent, _ = await offered(new_parent)
    told = await parent.choose("book:wait")
    assert told[-1]["reply_id"] == "utter_rather_waits"
    assert (await state(parent))["state"] == "waiting"


async def test_a_parent_who_waits_can_go_back_to_the_assistant(new_parent: NewParent) -> None:
    parent, _ = await offered(new_parent)
    asked = [message["question"]["id"] for message in parent.seen if message.get("question")]
    told = await parent.choose("intent:back_to_bot")
    assert told[0]["reply_id"] == "utter_back_to_bot"
    assert asked[-1] == "consent_handoff"
    assert told[-1]["question"]["id"] == asked[-2], "where it was"
    assert await state(parent) is None


@pytest.mark.parametrize("said", ["intent:back_to_bot", "Tillbaka till assistenten"])
async def test_a_parent_with_a_guide_can_go_back_to_the_assistant(
    new_parent: NewParent, new_guide: NewGuide, said: str
) -> None:
    parent, _ = await offered(new_parent)
    guide = await new_guide("demokommun")
    await _claimed(guide, parent)
    await parent.read()
    told = await (parent.choose(said) if ":" in said else parent.say(said))
    assert told[0]["reply_id"] == "utter_back_to_bot"
    assert await parent.say("tack så mycket")


async def test_a_guide_calls_at_the_agreed_time_and_the_number_is_gone_after_it(
    new_parent: NewParent, new_guide: NewGuide, ledger: Ledger
) -> None:
    parent, _ = await booked(new_parent, "phone")
    guide = await new_guide("demokommun")
    one = await _claimed(guide, parent)
    await guide.post(f"handoffs/{one}/close", outcome="information")
    async with ledger.transaction() as connection:
        await connection.execute(
            "UPDATE call_back_numbers SET created_at = now() - interval '2 hours'"
        )
    await parent.worker.handoff_clock.tick(EVENING)
    async with ledger.transaction() as connection:
        cursor = await connection.execute(
            "SELECT 1 FROM call_back_numbers WHERE conversation_id = %s", [parent.conversation]
        )
        assert await cursor.fetchone() is None


async def test_an_agreed_time_without_a_call_is_owned_up_to(new_parent: NewParent) -> None:
    parent, _ = await booked(new_parent)
    await parent.worker.handoff_clock.tick(EVENING + dt.timedelta(hours=10, minutes=10))
    told = await parent.read()
    assert [message["reply_id"] for message in told] == ["utter_agreed_time_passed"]


async def _claimed(guide: Guide, parent: Parent) -> str:
    queue = (await guide.get("queue")).json()["handoffs"]
    one = next(h["id"] for h in queue if h["conversation_id"] == parent.conversation)
    assert (await guide.post(f"handoffs/{one}/claim")).status_code == 200
    return str(one)
