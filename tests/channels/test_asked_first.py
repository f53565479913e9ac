"""Nothing is sent and nobody is asked anything without the parent's yes as it stands then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from bot import clock, consent
from bot.addresses import Address
from bot.database import connect
from bot.ledger import Ledger
from bot.outbox import Outbox
from channels import metrics
from tests.channels.phone import Phones4Tests
from tests.channels.test_console import _claimed, waiting_parent
from tests.channels.test_families import coordinator, family_says, proposed
from tests.channels.test_meetings import talking
from tests.channels.test_reminders import EVENING, booked, texts
from tests.conftest import NewGuide, NewParent, Parent

pytestmark = pytest.mark.usefixtures("nothing_booked")


@pytest.fixture
def number() -> str:
    return f"+4670{uuid4().int % 10**7:07d}"


@pytest.fixture
def evening() -> Iterator[None]:
    """Later than other tests book, so that a time is free."""
    with clock.at(EVENING):
        yield


async def says(parent: Parent, purpose: str, answer: str) -> None:
    url = f"{parent.url}/choices/{purpose}"
    given = await parent.client.put(url, json={"answer": answer}, headers=parent.headers)
    assert given.status_code == 200, given.text


async def choices(ledger: Ledger, parent: Parent) -> list[tuple[str, str, str]]:
    async with ledger.transaction() as connection:
        found = await consent.history(connection, UUID(parent.conversation))
    return [(one.purpose, one.receiver, one.answer) for one in found]


# --- Text messages ---


async def test_asking_for_a_reminder_is_noted_as_a_yes_to_what_stood_there(
    evening: None, new_parent: NewParent, ledger: Ledger, number: str
) -> None:
    parent, told = await booked(new_parent, number)
    assert "messages" not in [purpose for purpose, _, _ in await choices(ledger, parent)]
    await parent.choose("book:remind")
    async with ledger.transaction() as connection:
        yes = (await consent.in_force(connection, UUID(parent.conversation)))["messages", ""]
    assert yes.is_yes
    said = await ledger.messages(UUID(parent.conversation))
    offer = next(m for m in said if m.reply_id == told["reply_id"])
    assert yes.text_hash == consent.hash_of(consent.words_of(offer.text, offer.body))


async def test_a_yes_taken_back_sends_nothing_and_forgets_the_number(
    evening: None,
    provider: Phones4Tests,
    new_parent: NewParent,
    ledger: Ledger,
    number: str,
) -> None:
    parent, _ = await booked(new_parent, number)
    await parent.choose("book:remind")
    await says(parent, "messages", "no")
    assert await texts(provider, ledger, number) == []
    async with ledger.transaction() as connection:
        cursor = await connection.execute(
            "SELECT 1 FROM addresses WHERE mark = ANY(%s)", [ledger.seal.marks(f"sms:{number}")]
        )
        assert await cursor.fetchone() is None


@pytest.mark.parametrize("answers", [(), ("no",), ("yes", "no")])
async def test_a_notice_that_lies_ready_is_not_sent_without_a_yes(
    provider: Phones4Tests,
    new_parent: NewParent,
    ledger: Ledger,
    number: str,
    answers: tuple[str, ...],
) -> None:
    parent = await new_parent("demokommun")
    for answer in answers:
        await says(parent, "messages", answer)
    await lay_ready(ledger, parent, number)
    assert await texts(provider, ledger, number) == []
    async with ledger.transaction() as connection:
        cursor = await connection.execute(
            "SELECT state, error FROM outbox WHERE conversation_id = %s", [parent.conversation]
        )
        assert [(r["state"], r["error"]) for r in await cursor.fetchall()] == [
            ("failed", "no_consent")
        ]


async def test_with_a_yes_the_same_notice_is_sent(
    provider: Phones4Tests, new_parent: NewParent, ledger: Ledger, number: str
) -> None:
    parent = await new_parent("demokommun")
    await says(parent, "messages", "yes")
    await lay_ready(ledger, parent, number)
    assert len(await texts(provider, ledger, number)) == 1


async def lay_ready(ledger: Ledger, parent: Parent, number: str) -> None:
    now = dt.datetime.now(dt.UTC)
    async with ledger.transaction() as connection:
        await Outbox(ledger).notify_by(
            connection,
            UUID(parent.conversation),
            Address("sms", number),
            "notice_call_back",
            {"starts_at": now.isoformat()},
            now,
        )


# --- Asking how it went ---


async def closed(parent_and_guide: tuple[Parent, Any, str], days: int | None) -> int:
    parent, guide, one = parent_and_guide
    body = {"outcome": "information", "follow_up_days": days}
    answer = await guide.post(f"handoffs/{one}/close", **body)
    await parent.read()
    return int(answer.status_code)


async def later(parent: Parent, days: int) -> list[str]:
    """What the parent is told when so many days have passed."""
    now = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    for _ in range(2):
        await parent.worker.handoff_clock.tick(now)
    return [str(message["reply_id"]) for message in await parent.read()]


async def test_with_a_yes_the_parent_is_asked_once_on_the_day(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    talk = await talking(new_parent, new_guide)
    await says(talk[0], "follow_up", "yes")
    assert (await talk[1].get(f"handoffs/{talk[2]}")).json()["follow_up_days"] == [7, 14, 30]
    assert await closed(talk, 7) == 200
    assert await later(talk[0], 6) == []
    assert await later(talk[0], 8) == ["utter_follow_up"]
    assert "Anna" in talk[0].seen[-1]["text"]
    assert await later(talk[0], 9) == []


@pytest.mark.parametrize("answers", [(), ("no",), ("yes", "no")])
async def test_without_a_yes_no_day_can_be_chosen(
    new_parent: NewParent, new_guide: NewGuide, answers: tuple[str, ...]
) -> None:
    talk = await talking(new_parent, new_guide)
    for answer in answers:
        await says(talk[0], "follow_up", answer)
    assert (await talk[1].get(f"handoffs/{talk[2]}")).json()["follow_up_days"] == []
    assert await closed(talk, 7) == 409
    assert await closed(talk, None) == 200
    assert await later(talk[0], 40) == []


async def test_a_yes_taken_back_before_the_day_asks_nothing(
    new_parent: NewParent, new_guide: NewGuide, ledger: Ledger
) -> None:
    talk = await talking(new_parent, new_guide)
    await says(talk[0], "follow_up", "yes")
    await closed(talk, 7)
    await says(talk[0], "follow_up", "no")
    assert await later(talk[0], 8) == []
    await says(talk[0], "follow_up", "yes")  # a new yes does not bring an old question back
    assert await later(talk[0], 9) == []


async def test_who_asked_for_a_person_again_is_not_asked_by_the_product(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    talk = await talking(new_parent, new_guide)
    await says(talk[0], "follow_up", "yes")
    await closed(talk, 7)
    await talk[0].choose("intent:want_person")
    await talk[0].choose("consent_handoff:share_nothing")
    assert "utter_follow_up" not in await later(talk[0], 8)


# --- The coordinator's agreement ---


async def test_the_familys_yes_is_one_of_its_choices_shown_and_taken_back(
    new_parent: NewParent, client: Any, database_url: str, ledger: Ledger
) -> None:
    guide, parent = await coordinator(client, database_url), await waiting_parent(new_parent)
    await proposed(guide, parent)
    page = f"{parent.url}/privacy"
    assert "följer er till och med" not in (await client.get(page, headers=parent.headers)).text
    assert (await family_says(parent, "yes")).status_code == 200
    shown = (await client.get(page, headers=parent.headers)).text
    assert "Karin följer er till och med" in shown
    assert "Avsluta och radera" in shown
    assert (await family_says(parent, "end")).status_code == 200
    assert "följer er" not in (await client.get(page, headers=parent.headers)).text
    kept = [row for row in await choices(ledger, parent) if row[0] == "follow_up"]
    assert kept == [("follow_up", "coordinator", "yes"), ("follow_up", "coordinator", "revoked")]
    assert not await _may_be_asked(ledger, parent), "one purpose gives no yes to another"


async def test_a_no_to_the_coordinator_is_noted_too(
    new_parent: NewParent, client: Any, database_url: str, ledger: Ledger
) -> None:
    guide, parent = await coordinator(client, database_url), await waiting_parent(new_parent)
    await proposed(guide, parent)
    await family_says(parent, "no")
    assert ("follow_up", "coordinator", "no") in await choices(ledger, parent)


async def _may_be_asked(ledger: Ledger, parent: Parent) -> bool:
    async with ledger.transaction() as connection:
        return await consent.says_yes(connection, UUID(parent.conversation), "follow_up")


# --- Whom the facts concern ---


async def test_what_nobody_has_said_is_said_to_be_missing(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    parent = await new_parent("sollentuna")
    await parent.say("dottern är 14 och har inte varit i skolan på fem veckor")
    offered = await parent.choose("intent:want_person")
    assert "say:mandate_given" in str(offered)
    await parent.choose("say:mandate_given")
    await parent.choose("say:guardian_agrees")
    await parent.choose("consent_handoff:share")
    guide = await new_guide("sollentuna")
    one = await _claimed(guide, parent)
    brief = (await guide.get(f"handoffs/{one}")).json()["brief"]
    told = {line["label"]: line["value"] for line in brief["lines"]}
    assert told["Fullmakt"].startswith("Du har sagt att det finns en fullmakt")
    assert told["Den andra vårdnadshavaren"]
    assert brief["missing"] == ["Föräldern har inte sagt vad barnet vill."]


# --- How people keep their word ---


async def test_the_figures_of_people_are_in_the_metrics(
    new_parent: NewParent, new_guide: NewGuide, database_url: str
) -> None:
    _, guide, one = await talking(new_parent, new_guide)
    await guide.post(f"handoffs/{one}/messages", id="guide-msg-1", text="Hej, jag är här.")
    figures = (await guide.get("queue")).json()["figures"]
    async with await connect(database_url) as connection:
        shown = (await metrics.exposition(connection)).decode()
    for field in ("requested", "claimed", "first_response_median", "wait_median", "kept_share"):
        line = next(
            row
            for row in shown.splitlines()
            if row.startswith(f'lotsa_people_{field}{{municipality="sollentuna"}}')
        )
        assert float(line.rpartition(" ")[2]) == pytest.approx(figures[field], rel=0.01)
