"""A guide agrees on a visit or a video meeting, and the parent has it in words."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

import httpx
import pytest
from icalendar import Calendar

from bot import call_backs, clock, meetings
from bot.calendar import LOCAL
from bot.call_backs import Slot
from bot.content import Content
from bot.handoff_figures import figures
from bot.ledger import Ledger
from knowledge.catalogue import Catalogue
from tests.channels.test_console import _claimed, waiting_parent
from tests.channels.test_workspace import panel
from tests.conftest import Guide, NewGuide, NewParent, Parent

ADDRESS = "Torggatan 1, rum 2"
LINK = "https://video.example/rum-7"


def at(days: int = 7, hour: int = 10) -> dt.datetime:
    """A time some days ahead."""
    day = dt.datetime.now(LOCAL) + dt.timedelta(days=days)
    return day.replace(hour=hour, minute=0, second=0, microsecond=0)


async def talking(new_parent: NewParent, new_guide: NewGuide) -> tuple[Parent, Guide, str]:
    parent, guide = await waiting_parent(new_parent), await new_guide("sollentuna", "Anna")
    one = await _claimed(guide, parent)
    await parent.read()
    return parent, guide, one


async def book(guide: Guide, one: str, **fields: Any) -> httpx.Response:
    told = {"how": "visit", "starts_at": at().isoformat(), "minutes": 60, "place": ADDRESS}
    return await guide.post(f"handoffs/{one}/meeting", **{**told, **fields})


async def row(guide: Guide, one: str) -> dict[str, Any]:
    queue = (await guide.get("queue")).json()["handoffs"]
    found: dict[str, Any] = next(h for h in queue if h["id"] == one)
    return found


def lines(message: dict[str, Any]) -> dict[str, str]:
    return {line["id"].removeprefix("line_book_"): line["value"] for line in message["lines"]}


async def test_a_visit_is_confirmed_with_when_who_where_how_long_interpreter_and_preparing(
    new_parent: NewParent, new_guide: NewGuide, content: Content
) -> None:
    parent, guide, one = await talking(new_parent, new_guide)
    booked = await book(guide, one, interpreter="so", prepare="Ta med kallelsen från BUP.")
    assert booked.status_code == 200, booked.text
    told = (await parent.read())[-1]
    assert told["reply_id"] == "utter_meeting_visit"
    said = lines(told)
    assert said["when"] == content.when("sv", at())
    assert said["who"] == "Anna, guide"
    assert said["where"] == ADDRESS
    assert "60 minuter" in said["minutes"]
    assert said["interpreter"].startswith("Somaliska. ")
    assert said["prepare"] == "Ta med kallelsen från BUP."
    assert (await row(guide, one))["state"] == "paused"
    assert (await row(guide, one))["booked"] == "visit"
    calendar = (await parent.client.get(told["links"][0]["href"])).content
    assert Calendar.from_ical(calendar).walk("VEVENT")[0].start == at()
    assert ADDRESS not in calendar.decode()


async def test_a_video_meeting_has_its_link_and_says_how_to_prepare(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    parent, guide, one = await talking(new_parent, new_guide)
    assert (await book(guide, one, how="video", place=LINK)).status_code == 200
    told = (await parent.read())[-1]
    assert LINK in [link["href"] for link in told["links"]]
    assert "kamera" in lines(told)["prepare"]
    assert "interpreter" not in lines(told)


async def test_a_parent_is_told_in_her_own_language(
    new_parent: NewParent, new_guide: NewGuide, content: Content, catalogue: Catalogue
) -> None:
    for language in content.languages:
        named = meetings.language_name(content, "so", language)
        assert content.text(language, "book_interpreter", name=named).startswith(named)
        assert meetings.language_name(content, "sgn", language)
    assert meetings.language_name(content, "uk", "pl") == "ukraiński"


async def test_the_parent_cancels_in_words_and_the_assistant_goes_on(
    new_parent: NewParent, new_guide: NewGuide, ledger: Ledger
) -> None:
    parent, guide, one = await talking(new_parent, new_guide)
    await book(guide, one)
    await parent.read()
    assert (await parent.say("jag vill avboka"))[-1]["reply_id"] == "utter_book_cancelled"
    assert (await row(guide, one))["state"] == "returned"
    async with ledger.transaction() as connection:
        assert await call_backs.booked(connection, UUID(parent.conversation)) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"starts_at": at(-1).isoformat()},
        {"starts_at": at(120).isoformat()},
        {"minutes": 7},
        {"interpreter": "xx"},
        {"place": " "},
    ],
)
async def test_what_cannot_be_kept_is_not_booked(
    new_parent: NewParent, new_guide: NewGuide, fields: dict[str, Any]
) -> None:
    parent, guide, one = await talking(new_parent, new_guide)
    assert (await book(guide, one, **fields)).status_code == 422
    assert await parent.read() == []
    assert (await row(guide, one))["state"] == "held"


async def test_a_guide_is_not_at_two_meetings_at_once(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    _, guide, one = await talking(new_parent, new_guide)
    await book(guide, one, starts_at=at(8, 10).isoformat())
    second = await waiting_parent(new_parent)
    other = await _claimed(guide, second)
    twice = await book(guide, other, starts_at=(at(8, 10) + dt.timedelta(minutes=30)).isoformat())
    assert (twice.status_code, twice.json()["error"]["code"]) == (409, "meeting_twice")
    assert (await book(guide, other, starts_at=at(8, 11).isoformat())).status_code == 200


async def test_only_the_guide_who_holds_the_conversation_books(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    _, _, one = await talking(new_parent, new_guide)
    assert (await book(await new_guide("sollentuna"), one)).status_code == 409
    assert (await book(await new_guide("strangnas"), one)).status_code == 404


async def test_the_panel_offers_the_parents_language_and_shows_what_is_booked(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    _, guide, one = await talking(new_parent, new_guide)
    assert 'name="interpreter"' in await panel(guide, one, "leave")
    await book(guide, one, interpreter="ar")
    await guide.post(f"handoffs/{one}/claim")
    shown = await panel(guide, one, "leave")
    assert ADDRESS in shown
    assert "Tolk: arabiska" in shown


async def test_during_a_visit_nobody_is_told_that_the_guide_did_not_come(
    new_parent: NewParent, new_guide: NewGuide, ledger: Ledger
) -> None:
    parent, guide, one = await talking(new_parent, new_guide)
    starts_at = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)
    await book(guide, one, starts_at=starts_at.isoformat())
    await parent.read()
    tick = parent.worker.handoff_clock.tick
    await tick(starts_at + dt.timedelta(minutes=50))
    assert await parent.read() == []
    await tick(starts_at + dt.timedelta(hours=26))
    assert [m["reply_id"] for m in await parent.read()] == ["utter_meeting_unknown"]
    assert (await row(guide, one))["state"] == "waiting"


async def test_a_guide_who_comes_back_after_the_visit_has_kept_her_promise(
    new_parent: NewParent, new_guide: NewGuide, ledger: Ledger
) -> None:
    parent, guide, one = await talking(new_parent, new_guide)
    await book(guide, one)
    async with ledger.transaction() as connection:
        before = await figures(connection, "sollentuna")
        for table, column in (("handoffs", "promised_at"), ("call_backs", "starts_at")):
            await connection.execute(
                f"UPDATE {table} SET {column} = now() - interval '3 hours' "  # type: ignore[arg-type]
                "WHERE conversation_id = %s",
                [parent.conversation],
            )
        await connection.execute(
            "UPDATE call_backs SET ends_at = now() - interval '2 hours' WHERE conversation_id = %s",
            [parent.conversation],
        )
    await guide.post(f"handoffs/{one}/claim")
    async with ledger.transaction() as connection:
        after = await figures(connection, "sollentuna")
    assert after.promises_kept == before.promises_kept + 1
    closed = await guide.post(f"handoffs/{one}/close", outcome="appointment")
    assert closed.status_code == 200


def test_a_meeting_takes_the_place_of_every_time_it_overlaps(catalogue: Catalogue) -> None:
    town = catalogue.municipalities["demokommun"]
    with clock.at(dt.datetime(2027, 3, 16, 22, 40, tzinfo=LOCAL)):
        now = clock.now()
    free = call_backs.bookable(town, "guide", now)
    starts = free[1].starts_at + dt.timedelta(minutes=5)
    long = [Slot(starts, starts + dt.timedelta(minutes=60))] * 2
    left = {slot.starts_at for slot in call_backs.bookable(town, "guide", now, long)}
    gone = [slot for slot in free if slot.starts_at not in left]
    assert gone == [slot for slot in free if slot.overlaps(long[0])]
    assert len(gone) == 3
