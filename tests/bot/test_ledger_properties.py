"""The ledger whatever happens in whatever order: `LOTSA_PROPERTY_RUNS=1000` makes the full run."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bot.database import migrate, open_pool
from bot.ledger import Claim, LeaseLostError, Ledger, TurnResult
from bot.messages import Author, IncomingMessage, Outcome, OutgoingMessage
from bot.privacy import Seal
from bot.retention import erase

RUNS = max(5, int(os.environ.get("LOTSA_PROPERTY_RUNS", "100")) // 20)
STEPS_EACH = 50
PARENTS = 3
NEVER = 3600.0  # seconds


class LedgerMachine(RuleBasedStateMachine):
    """Parents write and repeat themselves, workers claim, crash, are too late, and answer."""

    runner: asyncio.Runner
    ledger: Ledger

    def __init__(self) -> None:
        super().__init__()
        self.runner.run(self._empty())
        self.parents: list[UUID | None] = [self._open() for _ in range(PARENTS)]
        self.accepted: dict[UUID, list[str]] = {}  # own ids, in order
        self.held: list[Claim] = []

    async def _empty(self) -> None:
        async with self.ledger.transaction() as connection:
            await connection.execute("DELETE FROM conversations")

    def _open(self) -> UUID:
        opened = self.runner.run(self.ledger.open_conversation("strangnas", "web", "sv"))
        return opened[0]

    def _accept(self, conversation: UUID, own_id: str, text: str) -> bool:
        message = IncomingMessage("web", own_id, text)
        return self.runner.run(self.ledger.accept(conversation, message)).is_new

    @rule(who=st.integers(0, PARENTS - 1))
    def a_parent_writes(self, who: int) -> None:
        conversation = self.parents[who]
        if conversation is None:
            self.parents[who] = conversation = self._open()
        own_id = uuid4().hex
        assert self._accept(conversation, own_id, own_id)
        self.accepted.setdefault(conversation, []).append(own_id)

    @precondition(lambda self: any(self.accepted.values()))
    @rule(data=st.data())
    def a_message_arrives_again(self, data: st.DataObject) -> None:
        conversation = data.draw(st.sampled_from([c for c, ids in self.accepted.items() if ids]))
        own_id = data.draw(st.sampled_from(self.accepted[conversation]))
        assert not self._accept(conversation, own_id, data.draw(st.sampled_from([own_id, "other"])))

    @rule(crashes=st.booleans())
    def a_worker_claims(self, crashes: bool) -> None:
        """One that crashes holds a lease that is over."""
        claim = self.runner.run(self.ledger.claim(uuid4(), -1.0 if crashes else NEVER))
        if claim is None:
            return
        assert claim.message.conversation_id not in {
            one.message.conversation_id for one in self.held
        }
        if not crashes:
            self.held.append(claim)

    @precondition(lambda self: bool(self.held))
    @rule(data=st.data())
    def a_worker_answers(self, data: st.DataObject) -> None:
        claim = data.draw(st.sampled_from(self.held))
        self.held.remove(claim)
        reply = OutgoingMessage(Author.BOT, f"svar {claim.message.text}")
        try:
            self.runner.run(self.ledger.finish(claim, TurnResult(Outcome.ANSWERED, [reply], 1)))
        except (LeaseLostError, KeyError):
            assert claim.message.conversation_id not in self.parents  # it was erased meanwhile

    @rule(who=st.integers(0, PARENTS - 1))
    def a_parent_erases(self, who: int) -> None:
        conversation, self.parents[who] = self.parents[who], None
        if conversation is not None:
            self.runner.run(self._erase(conversation))
            self.accepted.pop(conversation, None)

    async def _erase(self, conversation: UUID) -> None:
        async with self.ledger.transaction() as connection:
            assert await erase(connection, conversation, "test")

    @invariant()
    def each_is_kept_once_and_answered_in_order(self) -> None:
        kept: dict[UUID, list[dict[str, Any]]] = {}
        for row in self.runner.run(self._rows()):
            kept.setdefault(row["conversation_id"], []).append(row)
        assert {c: [r["provider_id"] for r in rows] for c, rows in kept.items()} == {
            c: ids for c, ids in self.accepted.items() if ids
        }
        for rows in kept.values():
            done = [row["answers"] for row in rows]
            assert done == sorted(done, reverse=True)  # no answer before an earlier one's
            assert set(done) <= {0, 1}

    async def _rows(self) -> list[dict[str, Any]]:
        async with self.ledger.transaction() as connection:
            cursor = await connection.execute(
                "SELECT m.conversation_id, m.provider_id, "
                "(SELECT count(*) FROM messages a WHERE a.answers = m.id) AS answers "
                "FROM messages m WHERE m.provider_id IS NOT NULL ORDER BY m.id"
            )
            return await cursor.fetchall()


def test_the_ledger_holds_whatever_happens(fresh_database: str, tmp_path: Path) -> None:
    with asyncio.Runner() as runner:

        async def begin() -> tuple[Any, Ledger]:
            await migrate(fresh_database)
            context = open_pool(fresh_database)
            pool = await context.__aenter__()
            return context, Ledger(pool, Seal.from_file(tmp_path / "text.key"))

        context, ledger = runner.run(begin())
        machine = type("Machine", (LedgerMachine,), {"runner": runner, "ledger": ledger})
        chances = settings(
            max_examples=RUNS,
            stateful_step_count=STEPS_EACH,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        try:
            run_state_machine_as_test(machine, settings=chances)
        finally:
            runner.run(context.__aexit__(None, None, None))
