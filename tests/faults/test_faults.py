"""Real processes, really killed: nothing lost, nothing doubled, danger still answered."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import psutil
import pytest

from bot.database import connect, migrate, open_pool
from bot.ledger import Ledger
from bot.messages import Author, IncomingMessage
from bot.privacy import Seal

pytestmark = pytest.mark.faults
PATIENCE = 90.0  # seconds; the machine of a test run is busy


class Processes:
    """Starts and kills worker processes on one database."""

    def __init__(self, url: str, data: Path, artifacts: Path) -> None:
        self._environment = {
            **os.environ,
            "LOTSA_DATABASE_URL": url,
            "LOTSA_DATA": str(data),
            "LOTSA_ARTIFACTS": str(artifacts),
            "LOTSA_LEASE": "3",
            "LOTSA_UNDERSTAND_TIMEOUT": "30",
        }
        self.started: list[subprocess.Popen[str]] = []

    def worker(self) -> subprocess.Popen[str]:
        """A worker that has loaded its models."""
        command = [sys.executable, "-m", "channels.cli", "worker"]
        process = subprocess.Popen(
            command, env=self._environment, stderr=subprocess.PIPE, text=True
        )
        self.started.append(process)
        assert process.stderr is not None
        for line in process.stderr:
            if "models_loaded" in line:
                return process
        raise AssertionError("the worker did not start")

    def kill(self, process: subprocess.Popen[str]) -> None:
        """kill -9, with its children: the machine went away."""
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()

    def stop_all(self) -> None:
        for process in self.started:
            if process.poll() is None:
                self.kill(process)


@pytest.fixture
async def own_ledger(fresh_database: str, tmp_path: Path) -> AsyncIterator[Ledger]:
    await migrate(fresh_database)
    async with open_pool(fresh_database) as pool:
        yield Ledger(pool, Seal.from_file(tmp_path / "keys" / "text.key"))


@pytest.fixture
def processes(
    fresh_database: str, tmp_path: Path, artifacts: Path, own_ledger: Ledger
) -> Iterator[Processes]:
    running = Processes(fresh_database, tmp_path, artifacts)
    yield running
    running.stop_all()


async def answers(ledger: Ledger, conversation: UUID) -> list[str]:
    """Reply ids in answer to the parent, once nothing waits."""
    deadline = time.monotonic() + PATIENCE
    while await ledger.waiting() and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
    assert await ledger.waiting() == 0
    messages = await ledger.messages(conversation)
    return [str(m.reply_id) for m in messages if m.author is Author.BOT]


async def test_a_worker_killed_in_the_middle_of_a_turn_leaves_one_answer(
    own_ledger: Ledger, processes: Processes, fresh_database: str
) -> None:
    worker = processes.worker()
    reader = psutil.Process(worker.pid).children(recursive=True)
    for child in reader:
        child.suspend()  # the turn now waits for its understanding
    conversation, _ = await own_ledger.open_conversation("strangnas", "web", "sv")
    message = IncomingMessage("web", str(uuid4()), "hon vägrar gå till skolan")
    await own_ledger.accept(conversation, message)
    await _claimed(fresh_database)
    processes.kill(worker)
    processes.worker()
    assert await answers(own_ledger, conversation) == ["utter_fixed"]
    again = await own_ledger.accept(conversation, message)
    assert not again.is_new


async def _claimed(url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        async with await connect(url) as connection:
            cursor = await connection.execute("SELECT 1 FROM messages WHERE claims > 0")
            if await cursor.fetchone():
                return
        await asyncio.sleep(0.05)
    raise AssertionError("nobody claimed the message")


async def test_a_killed_understanding_costs_one_turn_and_comes_back(
    own_ledger: Ledger, processes: Processes
) -> None:
    worker = processes.worker()
    conversation, _ = await own_ledger.open_conversation("strangnas", "web", "sv")
    for child in psutil.Process(worker.pid).children(recursive=True):
        if "spawn_main" in " ".join(child.cmdline()):
            os.kill(child.pid, signal.SIGKILL)
    for text in ("hon vägrar gå till skolan", "hon är 9 år"):
        await own_ledger.accept(conversation, IncomingMessage("web", str(uuid4()), text))
    replies = await answers(own_ledger, conversation)
    assert replies[-1].startswith("utter_ask_") or replies[-1] == "utter_enough"
    assert worker.poll() is None


async def test_messages_that_wait_are_answered_in_order_when_a_worker_comes(
    own_ledger: Ledger, processes: Processes
) -> None:
    conversation, _ = await own_ledger.open_conversation("strangnas", "web", "sv")
    for choice in ("path:school", "child_age:age_6_9", "how_long:year", "actors:bup"):
        message = IncomingMessage("web", str(uuid4()), choice, choice=choice)
        await own_ledger.accept(conversation, message)
    processes.worker()
    processes.worker()
    replies = await answers(own_ledger, conversation)
    asked = [reply for reply in replies if reply.startswith("utter_ask_")]
    assert asked == [
        "utter_ask_child_age",
        "utter_ask_how_long",
        "utter_ask_actors",
        "utter_ask_how_it_goes_1",
    ]
