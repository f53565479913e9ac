"""What goes out through a provider: sent at least once, in order, within limits, and counted."""

from __future__ import annotations

import datetime as dt
from itertools import permutations
from uuid import UUID, uuid4

import pytest

from bot.addresses import Address, AddressError, forget_addresses, keep_address, tidy
from bot.ledger import Ledger
from bot.outbox import EVERYWHERE, Outbox, Piece, Sent, add_piece, load_policy

NUMBER = Address("sms", "070-174 06 05")
CHANNELS = ["sms", "email"]
ENDS = ("delivered", "failed")


@pytest.fixture
async def outbox(ledger: Ledger) -> Outbox:
    async with ledger.transaction() as connection:
        await connection.execute("DELETE FROM outbox")
        await connection.execute("DELETE FROM addresses")
        await connection.execute("DELETE FROM channel_stops")
    return Outbox(ledger)


async def a_thread(ledger: Ledger, number: Address = NUMBER) -> UUID:
    conversation, _ = await ledger.open_conversation("strangnas", "sms", "sv")
    async with ledger.transaction() as connection:
        return await keep_address(
            connection, ledger.seal, conversation, number, "conversation", "+46766861001"
        )


async def put(ledger: Ledger, address: UUID, *texts: str, is_urgent: bool = False) -> None:
    for text in texts:
        async with ledger.transaction() as connection:
            content = {"text": text}
            await add_piece(
                connection, ledger.seal, address, f"{address}:{text}", content, is_urgent=is_urgent
            )


async def next_piece(outbox: Outbox, lease: float = 30) -> Piece | None:
    return await outbox.claim(uuid4(), lease, CHANNELS)


async def claimed(outbox: Outbox, lease: float = 30) -> Piece:
    piece = await next_piece(outbox, lease)
    assert piece is not None
    return piece


async def state(ledger: Ledger, piece: Piece) -> str:
    async with ledger.transaction() as connection:
        cursor = await connection.execute("SELECT state FROM outbox WHERE id = %s", [piece.id])
        row = await cursor.fetchone()
    assert row is not None
    return str(row["state"])


async def test_a_piece_waits_for_the_one_before_it_and_danger_for_none(
    outbox: Outbox, ledger: Ledger
) -> None:
    address = await a_thread(ledger)
    await put(ledger, address, "first", "second")
    await put(ledger, address, "danger", is_urgent=True)
    danger = await claimed(outbox)
    first = await claimed(outbox)
    assert (danger.content["text"], first.content["text"]) == ("danger", "first")
    assert await next_piece(outbox) is None
    await outbox.accepted(first, "46elks", Sent("s1", 3500))
    assert (await claimed(outbox)).content["text"] == "second"


async def test_the_same_piece_is_added_once(outbox: Outbox, ledger: Ledger) -> None:
    address = await a_thread(ledger)
    await put(ledger, address, "once", "once")
    await outbox.accepted(await claimed(outbox), "46elks", Sent("s2"))
    assert await next_piece(outbox) is None


async def test_a_piece_whose_worker_died_is_sent_again(outbox: Outbox, ledger: Ledger) -> None:
    await put(ledger, await a_thread(ledger), "text")
    dead = await claimed(outbox, lease=0)
    again = await claimed(outbox)
    assert (again.id, again.reference, again.attempts) == (dead.id, dead.reference, 2)
    assert not await outbox.accepted(dead, "46elks", Sent("late"))
    assert await outbox.accepted(again, "46elks", Sent("s3"))


async def test_a_report_with_our_reference_ends_the_doubt_after_a_crash(
    outbox: Outbox, ledger: Ledger
) -> None:
    await put(ledger, await a_thread(ledger), "text")
    dead = await claimed(outbox, lease=0)
    reported = await outbox.report("46elks", "sent", provider_id="s4", reference=dead.reference)
    assert reported
    assert await next_piece(outbox) is None
    assert await outbox.report("46elks", "delivered", provider_id="s4", reference=None)
    assert await state(ledger, dead) == "delivered"


async def test_a_state_never_goes_backwards(outbox: Outbox, ledger: Ledger) -> None:
    await put(ledger, await a_thread(ledger), "text")
    piece = await claimed(outbox)
    await outbox.accepted(piece, "46elks", Sent("s5"))
    known = {"provider_id": "s5", "reference": None}
    assert await outbox.report("46elks", "delivered", **known)  # type: ignore[arg-type]
    for late in ("sent", "failed", "accepted", "delivered"):
        assert not await outbox.report("46elks", late, **known)  # type: ignore[arg-type]
    assert await state(ledger, piece) == "delivered"


@pytest.mark.parametrize("order", [*permutations(("accepted", "sent", "delivered", "failed"))])
async def test_reports_in_any_order_end_at_the_first_end(
    outbox: Outbox, ledger: Ledger, order: tuple[str, ...]
) -> None:
    await put(ledger, await a_thread(ledger), "text")
    piece = await claimed(outbox)
    for told in order:
        await outbox.report("46elks", told, provider_id="s7", reference=piece.reference)
    assert await state(ledger, piece) == next(one for one in order if one in ENDS)


async def test_a_report_before_the_providers_answer_is_kept(outbox: Outbox, ledger: Ledger) -> None:
    await put(ledger, await a_thread(ledger), "text")
    piece = await claimed(outbox)
    await outbox.report("46elks", "delivered", provider_id="s6", reference=piece.reference)
    await outbox.accepted(piece, "46elks", Sent("s6", 3500))
    assert await state(ledger, piece) == "delivered"


async def test_what_fails_is_tried_again_after_a_pause_until_it_is_given_up(
    ledger: Ledger, outbox: Outbox
) -> None:
    policy = load_policy()
    policy["sms"] = policy["sms"].model_copy(update={"attempts": 2, "first_pause": 0.0})
    quick = Outbox(ledger, policy)
    await put(ledger, await a_thread(ledger), "text")
    await quick.not_sent(await claimed(quick), "timeout", for_good=False)
    second = await claimed(quick)
    await quick.not_sent(second, "timeout", for_good=False)
    assert await state(ledger, second) == "failed"


async def test_a_pause_keeps_a_piece_back(outbox: Outbox, ledger: Ledger) -> None:
    await put(ledger, await a_thread(ledger), "text", "next")
    await outbox.not_sent(await claimed(outbox), "http_500", for_good=False)
    assert await next_piece(outbox) is None


async def test_a_number_gets_so_many_an_hour_and_an_answer_to_danger_always(
    ledger: Ledger, outbox: Outbox
) -> None:
    policy = load_policy()
    policy["sms"] = policy["sms"].model_copy(update={"an_hour": 2})
    tight = Outbox(ledger, policy)
    address = await a_thread(ledger)
    await put(ledger, address, "1", "2", "3")
    for number in ("a", "b"):
        await tight.accepted(await claimed(tight), "46elks", Sent(number))
    assert await next_piece(tight) is None
    await put(ledger, address, "danger", is_urgent=True)
    assert (await claimed(tight)).content["text"] == "danger"


async def test_a_stopped_channel_keeps_what_waits(outbox: Outbox, ledger: Ledger) -> None:
    await put(ledger, await a_thread(ledger), "text")
    for municipality in ("strangnas", EVERYWHERE):
        await outbox.stop("sms", municipality, "test")
        assert await outbox.is_stopped("sms", "strangnas")
        assert await next_piece(outbox) is None
        await outbox.start("sms", municipality)
    await outbox.stop("sms", "sollentuna", "test")
    assert await next_piece(outbox) is not None


async def test_costs_are_counted_without_saying_to_whom(outbox: Outbox, ledger: Ledger) -> None:
    async with ledger.transaction() as connection:
        await connection.execute("DELETE FROM channel_costs")
    await put(ledger, await a_thread(ledger), "a", "b")
    for number in ("c1", "c2"):
        await outbox.accepted(await claimed(outbox), "46elks", Sent(number, 7000, parts=2))
    costs = (await outbox.standing())["costs"]
    counted = [(c["municipality"], c["messages"], c["parts"], c["cost"]) for c in costs]
    assert counted == [("strangnas", 2, 4, 14000)]


async def test_an_address_is_not_stored_in_the_open(outbox: Outbox, ledger: Ledger) -> None:
    await a_thread(ledger)
    async with ledger.transaction() as connection:
        cursor = await connection.execute("SELECT a::text AS row FROM addresses a")
        rows = [str(row["row"]) for row in await cursor.fetchall()]
    assert rows
    assert not any("701740605" in row for row in rows)


@pytest.mark.parametrize(
    ("written", "kept"),
    [("070-174 06 05", "+46701740605"), ("0046701740605", "+46701740605"),
     ("+46 (70) 1740605", "+46701740605")],
)  # fmt: skip
def test_a_number_has_one_spelling(written: str, kept: str) -> None:
    assert tidy(Address("sms", written)).value == kept


@pytest.mark.parametrize("written", ["112", "ElkCo", "", "+46", "07o1740605"])
def test_what_is_no_number_is_refused(written: str) -> None:
    with pytest.raises(AddressError):
        tidy(Address("sms", written))


async def test_a_notice_waits_for_its_time_once_and_can_be_taken_back(
    outbox: Outbox, ledger: Ledger
) -> None:
    conversation, _ = await ledger.open_conversation("strangnas", "web", "sv")
    now = dt.datetime.now(dt.UTC)
    tomorrow = now + dt.timedelta(days=1)
    mail = Address("email", "someone@example.com")
    async with ledger.transaction() as connection:
        values = {"when": "fredag kl. 10.00"}
        for _ in range(2):
            now_id = await outbox.notify_by(
                connection, conversation, mail, "notice_appointment", values, now
            )
        later = await outbox.notify_by(
            connection, conversation, NUMBER, "notice_appointment", values, tomorrow
        )
    piece = await claimed(outbox)
    assert (piece.channel, piece.to) == ("email", "someone@example.com")
    assert await next_piece(outbox) is None
    async with ledger.transaction() as connection:
        assert await outbox.cancel(connection, later)
        assert not await outbox.cancel(connection, now_id)


async def test_forgetting_the_address_takes_its_notices_with_it(
    outbox: Outbox, ledger: Ledger
) -> None:
    conversation, _ = await ledger.open_conversation("strangnas", "web", "sv")
    now = dt.datetime.now(dt.UTC)
    async with ledger.transaction() as connection:
        await outbox.notify_by(
            connection, conversation, NUMBER, "notice_appointment", {"when": "i morgon"}, now
        )
        assert await forget_addresses(connection, conversation, "notice") == 1
    assert await next_piece(outbox) is None
