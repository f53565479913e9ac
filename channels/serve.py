"""Starts the processes: web and worker side by side, each restarted when it dies."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from typing import NoReturn

import typer
import uvicorn

from bot.database import database_url, migrate, stop_embedded
from bot.log import configure_logging
from bot.privacy import Seal
from bot.settings import Settings

FREE_DISK = 500_000_000  # bytes; below it nothing is started
LONGEST_PAUSE = 10.0  # seconds between restarts of a process that keeps dying


def serve_all(settings: Settings) -> int:
    """Prepare and run everything until interrupted or told to end; returns the exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _prepare_and_run(settings)
    except KeyboardInterrupt:
        return 0


def _prepare_and_run(settings: Settings) -> int:
    """Ends by KeyboardInterrupt; returns only where nothing could be started."""
    started = time.perf_counter()
    if problem := _problem(settings):
        typer.echo(f"lotsa: {problem}", err=True)
        return 1
    # In a process of its own: training takes memory that this one would keep.
    if subprocess.run([sys.executable, "-m", "channels.cli", "train"], check=False).returncode:
        return 1
    typer.echo("Starting the database …", err=True)
    url = database_url(settings)
    asyncio.run(migrate(url))
    Seal.from_file(settings.keys)
    children = {name: _start(name, url) for name in ("web", "worker")}
    try:
        _wait_until_answering(settings)
        seconds = time.perf_counter() - started
        where = f"http://{settings.host}:{settings.port}/"
        typer.echo(f"Lotsa answers at {where} after {seconds:.1f} s. Stop with Ctrl-C.", err=True)
        _keep_alive(children, settings, url)
    finally:
        for child in children.values():
            child.terminate()
        for child in children.values():
            child.wait()
        stop_embedded(settings)


def _problem(settings: Settings) -> str | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError:
            return (
                f"port {settings.port} on {settings.host} is taken\n"
                "  Stop what uses it, or choose another: LOTSA_PORT=8090 make run"
            )
    settings.data.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.data).free
    if free < FREE_DISK:
        return f"only {free // 1_000_000} MB free on disk\n  Make room for at least 500 MB."
    return None


def _start(name: str, url: str) -> subprocess.Popen[bytes]:
    """Children get the address: the embedded server then stops with this process alone."""
    environment = {**os.environ, "LOTSA_DATABASE_URL": url}
    return subprocess.Popen([sys.executable, "-m", "channels.cli", name], env=environment)


def _keep_alive(
    children: dict[str, subprocess.Popen[bytes]], settings: Settings, url: str
) -> NoReturn:
    pause = 0.0
    while True:
        time.sleep(0.2)
        database_url(settings)  # starts the embedded server again if it died
        for name, child in children.items():
            if child.poll() is None:
                continue
            typer.echo(f"lotsa: {name} ended with {child.returncode}; starting it again", err=True)
            time.sleep(pause)
            pause = min(LONGEST_PAUSE, pause + 1.0)
            children[name] = _start(name, url)


def _interrupt(_: int, __: object) -> None:
    raise KeyboardInterrupt


def _wait_until_answering(settings: Settings, patience: float = 30.0) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((settings.host, settings.port)) == 0:
                return
        time.sleep(0.05)


def run_web(settings: Settings) -> None:
    """The web process; never loads a model."""
    from channels.app import create_app

    configure_logging(settings.log_level)
    application = create_app(settings, database_url(settings))
    uvicorn.run(
        application,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
    )


def run_worker(settings: Settings, actions: str) -> None:
    """The worker process, until SIGTERM or SIGINT."""
    from bot.worker import run
    from channels.phones import Phones
    from channels.sending import run_sending

    configure_logging(settings.log_level)
    url = database_url(settings)
    phones = Phones.load(settings.channels)
    reach = phones.reached(settings.stopped_channels)

    async def work() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await run(settings, url, actions, stop, [run_sending], reach)

    asyncio.run(work())
