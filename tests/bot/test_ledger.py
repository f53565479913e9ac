"""The ledger: nothing lost, nothing doubled, the order kept."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from bot.database import connect
from bot.ledger import LeaseLostError, Ledger, QueueFullError, TurnResult
from bot.messages import Author, IncomingMessage, Outcome, OutgoingMessage


def incoming(text: str, provider_id: str | None = None, *, acute: bool = False) -> IncomingMessage:
    return IncomingMessage("web", provider_id or str(uuid4()), text, acute=acute)


def answered(text: str = "svar") -> TurnResult:
    return TurnResult(Outcome.ANSWERED, [OutgoingMessage(Author.BOT, text)], 1)


@pytest.fixture
async def conversation(ledger: Ledger) -> UUID:
    opened, _ = await ledger.open_conversation("strangnas", "web", "sv")
    return opened


@pytest.fixture(autouse=True)
async def empty_inbox(ledger: Ledger) -> None:
    async with ledger.transaction() as connection:
        await connection.execute("DELETE FROM conversations")


async def test_a_repeated_delivery_is_stored_once(ledger: Ledger, conversation: UUID) -> None:
    first = await ledger.accept(conversation, incoming("hej", "p1"))
    again = await ledger.accept(conversation, incoming("hej", "p1"))
    assert (first.is_new, again.is_new) == (True, False)
    assert again.message_id == first.message_id
    assert len(await ledger.messages(conversation)) == 1


async def test_another_text_under_a_known_id_changes_nothing(
    ledger: Ledger, conversation: UUID
) -> None:
    await ledger.accept(conversation, incoming("hej", "p3"))
    again = await ledger.accept(conversation, incoming("något annat", "p3"))
    assert not again.is_new
    assert [message.text for message in await ledger.messages(conversation)] == ["hej"]


async def test_a_hundred_deliveries_at_once_are_stored_once(
    ledger: Ledger, conversation: UUID
) -> None:
    deliveries = [ledger.accept(conversation, incoming("hej", "p2")) for _ in range(100)]
    accepted = await asyncio.gather(*deliveries)
    assert sum(one.is_new for one in accepted) == 1
    assert len({one.message_id for one in accepted}) == 1


async def test_two_workers_never_hold_the_same_conversation(
    ledger: Ledger, conversation: UUID
) -> None:
    await ledger.accept(conversation, incoming("ett"))
    await ledger.accept(conversation, incoming("två"))
    first = await ledger.claim(uuid4(), lease=60)
    second = await ledger.claim(uuid4(), lease=60)
    assert first is not None
    assert first.message.text == "ett"
    assert second is None


async def test_messages_of_a_conversation_are_answered_in_order(
    ledger: Ledger, conversation: UUID
) -> None:
    for text in ("ett", "två", "tre"):
        await ledger.accept(conversation, incoming(text))
    worker, taken = uuid4(), []
    while claim := await ledger.claim(worker, lease=60):
        taken.append(claim.message.text)
        await ledger.finish(claim, answered())
    assert taken == ["ett", "två", "tre"]


async def test_an_acute_message_of_another_conversation_goes_first(
    ledger: Ledger, conversation: UUID
) -> None:
    other, _ = await ledger.open_conversation("strangnas", "web", "sv")
    await ledger.accept(conversation, incoming("vanligt"))
    await ledger.accept(other, incoming("akut", acute=True))
    claim = await ledger.claim(uuid4(), lease=60)
    assert claim is not None
    assert claim.message.text == "akut"


async def test_a_message_whose_worker_is_silent_is_claimed_again(
    ledger: Ledger, conversation: UUID
) -> None:
    await ledger.accept(conversation, incoming("hej"))
    lost = await ledger.claim(uuid4(), lease=0.0)
    again = await ledger.claim(uuid4(), lease=60)
    assert lost is not None
    assert again is not None
    assert again.times == 2


async def test_while_nothing_can_be_read_what_was_pressed_is_taken_and_words_wait(
    ledger: Ledger, conversation: UUID
) -> None:
    other, _ = await ledger.open_conversation("strangnas", "web", "sv")
    third, _ = await ledger.open_conversation("strangnas", "web", "sv")
    await ledger.accept(conversation, incoming("hej"))
    await ledger.accept(conversation, replace(incoming("Skolan"), choice="path:school"))
    await ledger.accept(other, replace(incoming("Hemma"), choice="path:home"))
    await ledger.accept(third, incoming("akut", acute=True))
    taken = []
    while claim := await ledger.claim(uuid4(), lease=60, leaves_words=True):
        taken.append(claim.message.text)
    assert taken == ["akut", "Hemma"]  # "Skolan" was pressed after words that wait
    claim = await ledger.claim(uuid4(), lease=60)
    assert claim is not None
    assert claim.message.text == "hej"


async def test_a_worker_that_lost_its_lease_stores_nothing(
    ledger: Ledger, conversation: UUID
) -> None:
    await ledger.accept(conversation, incoming("hej"))
    slow = await ledger.claim(uuid4(), lease=0.0)
    quick = await ledger.claim(uuid4(), lease=60)
    assert slow is not None
    assert quick is not None
    await ledger.finish(quick, answered("rätt"))
    with pytest.raises(LeaseLostError):
        await ledger.finish(slow, answered("fel"))
    texts = [message.text for message in await ledger.messages(conversation)]
    assert texts == ["hej", "rätt"]


async def test_a_full_queue_refuses_all_but_danger(ledger: Ledger, conversation: UUID) -> None:
    await ledger.accept(conversation, incoming("ett"))
    with pytest.raises(QueueFullError):
        await ledger.accept(conversation, incoming("två"), queue_limit=1)
    accepted = await ledger.accept(conversation, incoming("fara", acute=True), queue_limit=1)
    assert accepted.is_new


async def test_a_failing_turn_leaves_nothing_behind(ledger: Ledger, conversation: UUID) -> None:
    await ledger.accept(conversation, incoming("hej"))
    claim = await ledger.claim(uuid4(), lease=60)
    assert claim is not None

    async def fail(*_: object) -> None:
        raise RuntimeError("half way")

    result = TurnResult(Outcome.ANSWERED, [OutgoingMessage(Author.BOT, "svar")], 1, effects=[fail])
    with pytest.raises(RuntimeError):
        await ledger.finish(claim, result)
    assert [m.text for m in await ledger.messages(conversation)] == ["hej"]
    assert await ledger.waiting() == 1


async def test_no_text_can_be_read_in_the_database(
    ledger: Ledger, conversation: UUID, database_url: str
) -> None:
    canary = "kanariefågel i köket"
    await ledger.accept(conversation, incoming(canary))
    claim = await ledger.claim(uuid4(), lease=60)
    assert claim is not None
    await ledger.finish(claim, answered(canary))
    async with await connect(database_url) as connection:
        for table in ("messages", "conversations", "tracker_events", "outcomes"):
            cursor = await connection.execute(f"SELECT t::text AS row FROM {table} t".encode())
            rows = " ".join(row["row"] for row in await cursor.fetchall())
            assert canary not in rows
            assert canary.encode().hex() not in rows


async def test_every_table_carries_the_municipality(database_url: str) -> None:
    async with await connect(database_url) as connection:
        cursor = await connection.execute(
            "SELECT table_name, bool_or(column_name = 'municipality') AS has "
            "FROM information_schema.columns WHERE table_schema = 'public' GROUP BY 1"
        )
        tables = {row["table_name"]: row["has"] for row in await cursor.fetchall()}
    tables.pop("schema_migrations")
    tables.pop("catalogue_edits")  # public facts, kept apart by layer; no conversation in it
    for counted in ("code_attempts", "switches", "arrivals"):  # of addresses and of the operator
        tables.pop(counted, None)
    assert len(tables) >= 9  # of conversations and guides
    assert [name for name, has in tables.items() if not has] == []
