"""Five bugs of the sort this suite exists for; each must be found by it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

from bot import faults, ledger
from bot.ledger import Accepted, Claim, Ledger, TurnResult


def dedup_outside() -> None:
    """Asks whether a message is known in one transaction, and stores it in another."""

    async def accept(
        self: Any, conversation: UUID, message: Any, answers: Any = (), queue_limit: Any = None
    ) -> Accepted:
        try:
            return await self._earlier(message)
        except KeyError:
            await asyncio.sleep(0.05)
        async with self.transaction() as connection:
            await connection.execute("DROP INDEX IF EXISTS messages_once")
            return await self._accept(connection, conversation, message, answers)

    Ledger.accept = accept  # type: ignore[method-assign]


def split_commit() -> None:
    """Marks a message as done in one commit, and stores its answer in the next."""

    async def finish(self: Any, claim: Claim, result: TurnResult) -> None:
        async with self.transaction() as connection:
            await connection.execute(_DONE, [claim.message.id])
        faults.reach("finishing")
        async with self.transaction() as connection:
            await self._store_turn(connection, claim.message, result)

    Ledger.finish = finish  # type: ignore[method-assign]


def ignored_lease() -> None:
    """Takes a message though somebody holds it, and stores the answer whoever was first."""
    lease = "AND (m.claimed_until IS NULL OR m.claimed_until < now())"
    assert lease in ledger._CLAIM
    ledger._CLAIM = ledger._CLAIM.replace(lease, "")

    async def finish(self: Any, claim: Claim, result: TurnResult) -> None:
        async with self.transaction() as connection:
            await connection.execute(_DONE, [claim.message.id])
            store = _without_outcome if claim.times > 1 else None
            await _stored(self, connection, claim, result, store)

    Ledger.finish = finish  # type: ignore[method-assign]


async def _stored(
    whole: Any, connection: Any, claim: Claim, result: TurnResult, store: Callable[..., Any] | None
) -> None:
    if store is None:
        await whole._store_turn(connection, claim.message, result)
    else:
        await store(whole, connection, claim, result)


async def _without_outcome(whole: Any, connection: Any, claim: Claim, result: TurnResult) -> None:
    for reply in result.replies:
        await whole.add(connection, claim.message.conversation_id, reply, answers=claim.message.id)


def ack_before_commit() -> None:
    """Says "received" while the message is still being stored."""
    honest = Ledger.accept
    kept: set[Any] = set()

    async def accept(self: Any, *given: Any, **named: Any) -> Accepted:
        task = asyncio.create_task(honest(self, *given, **named))
        kept.add(task)
        await asyncio.sleep(0)
        return Accepted(0, 0, is_new=True)

    async def slowly(self: Any, *given: Any) -> Accepted:
        await asyncio.sleep(0.2)
        return await store(self, *given)

    store = Ledger._accept
    Ledger._accept = slowly  # type: ignore[method-assign]
    Ledger.accept = accept  # type: ignore[method-assign]


def tracker_apart() -> None:
    """Stores the dialogue state in a commit of its own, after the words."""

    async def finish(self: Any, claim: Claim, result: TurnResult) -> None:
        from dataclasses import replace

        async with self.transaction() as connection:
            await connection.execute(_DONE, [claim.message.id])
            await self._store_turn(connection, claim.message, replace(result, state=None))
        faults.reach("finishing")
        async with self.transaction() as connection:
            if result.state is not None:
                await self._store_state(connection, claim.message, result)

    Ledger.finish = finish  # type: ignore[method-assign]


_DONE = "UPDATE messages SET done_at = now() WHERE id = %s"
BUGS: dict[str, Callable[[], None]] = {
    "dedup_outside": dedup_outside,
    "split_commit": split_commit,
    "ignored_lease": ignored_lease,
    "ack_before_commit": ack_before_commit,
    "tracker_apart": tracker_apart,
}
