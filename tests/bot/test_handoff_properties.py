"""Nobody is talked over, left without a time or lost, whatever happens in whatever order.

`LOTSA_PROPERTY_RUNS=1000` makes the full run; the usual one is small enough for every day.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
from pathlib import Path
from uuid import UUID, uuid4

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from bot import handoff
from bot.database import Connection, connect
from bot.handoff import Actor, Event, Handoff, Stretch
from bot.privacy import Seal
from tests.bot.handoff_machine import GUIDES, Handoffs, Store

RUNS = int(os.environ.get("LOTSA_PROPERTY_RUNS", "100"))
STEPS_EACH = 50


def _setting(runs: int) -> settings:
    return settings(
        max_examples=runs,
        stateful_step_count=STEPS_EACH,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def test_the_table_holds_whatever_happens() -> None:
    run_state_machine_as_test(Handoffs, settings=_setting(RUNS))


class Stored(Store):
    """The same conversation in PostgreSQL, through the one writer."""

    def __init__(self, runner: asyncio.Runner, connection: Connection, seal: Seal) -> None:
        super().__init__()
        self._runner, self._connection, self._seal = runner, connection, seal
        self._conversation = uuid4()
        self._one: UUID | None = None
        runner.run(self._begin())

    async def _begin(self) -> None:
        await self._connection.execute(
            "INSERT INTO conversations (id, municipality, channel, language, token_hash) "
            "VALUES (%s, 'strangnas', 'web', 'sv', %s)",
            [self._conversation, self._conversation.bytes],
        )
        for guide in GUIDES:
            await self._connection.execute(
                "INSERT INTO guides (id, municipality, login, name, function, password_hash) "
                "VALUES (%s, 'strangnas', %s, 'Anna', 'guide', '') ON CONFLICT DO NOTHING",
                [guide, str(guide)],
            )

    def _found(self) -> Handoff | None:
        if self._one is None:
            return None
        return self._runner.run(handoff.find(self._connection, self._seal, self._one, "strangnas"))

    def read(self) -> Stretch | None:
        found = self._found()
        return found.stretch if found else None

    def ask(self, promised_at: dt.datetime, *, is_offered: bool) -> bool:
        made = self._runner.run(
            handoff.request(
                self._connection,
                self._seal,
                conversation=self._conversation,
                municipality="strangnas",
                function="guide",
                level="guide",
                language="sv",
                brief=None,
                promised_at=promised_at,
                is_offered=is_offered,
            )
        )
        self._one = made or self._one
        return made is not None

    def move(
        self,
        seen: Stretch,
        event: Event,
        actor: Actor,
        guide: UUID | None,
        promised_at: dt.datetime | None,
    ) -> None:
        found = self._found()
        assert found is not None
        stale = Handoff(
            **{
                **{name: getattr(found, name) for name in Handoff.__slots__},
                "state": seen.state,
                "guide_id": seen.guide,
                "promised_at": seen.promised_at,
                "broken": seen.broken,
            }
        )
        self._runner.run(
            handoff.move(
                self._connection, stale, event, guide, promised_at=promised_at, actor=actor
            )
        )


async def _remove(connection: Connection) -> None:
    await connection.execute("DELETE FROM conversations WHERE token_hash = uuid_send(id)")
    await connection.execute("DELETE FROM guides WHERE id = ANY(%s)", [list(GUIDES)])
    await connection.close()


def test_the_same_holds_in_the_database(database_url: str, tmp_path: Path) -> None:
    seal = Seal.from_file(tmp_path / "text.key")
    with asyncio.Runner() as runner:
        connection: Connection = runner.run(connect(database_url, autocommit=True))

        class InDatabase(Handoffs):
            def __init__(self) -> None:
                super().__init__(Stored(runner, connection, seal))

        try:
            runs = max(8, RUNS // 20)
            run_state_machine_as_test(InDatabase, settings=_setting(runs))
        finally:
            runner.run(_remove(connection))
