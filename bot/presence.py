"""A worker's claims are good while its database session lives: a dead worker's are free at once.

The lease alone would leave a message for its whole length when a worker is killed. PostgreSQL drops
the advisory locks of a session when the process that held it is gone, whatever the clocks say; the
lease remains for a worker that hangs or that a broken network keeps connected.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

import psycopg

from bot.database import RETRY, Connection, connect
from bot.ledger import INCOMING, notify
from bot.log import get_log

log = get_log()
LOOK = 1.0  # seconds between looks for claims of the dead


class Presence:
    """Holds the lock that says a worker lives, and frees what dead ones left."""

    def __init__(self, url: str, worker: UUID) -> None:
        self._url = url
        self._worker = worker
        self._is_held = asyncio.Event()

    async def held(self) -> None:
        """Returns when the lock is held: from then on messages may be claimed."""
        await self._is_held.wait()

    async def keep(self) -> None:
        """Hold the lock until cancelled; taken again when the database comes back."""
        while True:
            try:
                async with await connect(self._url, autocommit=True) as connection:
                    await connection.execute("SET application_name = 'lotsa worker'")
                    await connection.execute(
                        f"SELECT pg_advisory_lock({_key('%s')})".encode(), [str(self._worker)]
                    )
                    self._is_held.set()
                    while True:
                        if freed := await free_dead_claims(connection):
                            log.warning("claims_freed", claims=freed)
                        await asyncio.sleep(LOOK)
            except (psycopg.Error, OSError):
                await asyncio.sleep(RETRY)


async def free_dead_claims(connection: Connection) -> int:
    """End the leases of workers whose session is gone; returns how many. Raises psycopg.Error."""
    cursor = await connection.execute(_FREE)
    freed = len(await cursor.fetchall())
    if freed:
        await notify(connection, INCOMING, "")
    return freed


def _key(worker: str) -> str:
    """The lock's number, of 64 bits, in SQL."""
    return f"hashtextextended('lotsa worker ' || {worker}::text, 0)"


_FREE = f"""
UPDATE messages SET claimed_until = NULL
WHERE provider_id IS NOT NULL AND done_at IS NULL AND claimed_until > now()
    AND NOT EXISTS (
        SELECT 1 FROM pg_locks
        WHERE locktype = 'advisory' AND objsubid = 1 AND granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND ((classid::bigint << 32) | objid::bigint) = {_key("claimed_by")})
RETURNING id
""".encode()
