"""The outbox: what goes out through a provider is a row first, and is sent at least once.

A piece is `sending` before the provider is called. After a crash it is sent again, unless the
provider's report (which carries our reference) told that it had arrived there: a repeated message
is better than silence. A state never goes backwards, in whatever order reports come.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from pydantic import BaseModel, ConfigDict

from bot.addresses import Address, keep_address
from bot.database import Connection, Row
from bot.ledger import Ledger, notify
from bot.privacy import Seal

POLICY = Path(__file__).parent / "content" / "policy" / "channels.yml"
OUTBOX = "lotsa_outbox"
EVERYWHERE = "*"


class ChannelPolicy(BaseModel):
    """Limits of a channel and how long is tried; pauses in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    parts: int
    an_hour: int
    a_day: int
    attempts: int
    first_pause: float
    longest_pause: float


def load_policy(path: Path = POLICY) -> dict[str, ChannelPolicy]:
    """The policy of every channel that needs a provider."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {channel: ChannelPolicy.model_validate(policy) for channel, policy in raw.items()}


@dataclass(frozen=True, slots=True)
class Piece:
    """Something this worker may send until its lease ends."""

    id: int
    reference: UUID
    municipality: str
    conversation: UUID
    channel: str
    to: str
    sender: str
    language: str
    content: Mapping[str, Any]
    parts: int
    is_urgent: bool
    attempts: int
    worker: UUID
    last_in_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider's yes; `cost` in 1/10 000 of the account's currency."""

    provider_id: str | None = None
    cost: int = 0
    parts: int | None = None


async def add_piece(
    connection: Connection,
    seal: Seal,
    address: UUID,
    client_id: str,
    content: Mapping[str, Any],
    *,
    parts: int = 1,
    is_urgent: bool = False,
    at: dt.datetime | None = None,
) -> bool:
    """Put something in the outbox of an address; false when `client_id` is there already."""
    cursor = await connection.execute(
        "INSERT INTO outbox (client_id, municipality, conversation_id, address_id, channel, "
        "sealed_content, parts, urgent, due_at) "
        "SELECT %s, municipality, conversation_id, id, channel, %s, %s, %s, "
        "coalesce(%s, now()) FROM addresses WHERE id = %s ON CONFLICT (client_id) DO NOTHING",
        [client_id, seal.seal(dict(content)), parts, is_urgent, at, address],
    )
    await notify(connection, OUTBOX, "")
    return cursor.rowcount > 0


async def release(connection: Connection, address: UUID) -> None:
    """Let what was held for an address go: the person has written."""
    await connection.execute(
        "UPDATE outbox SET due_at = now() WHERE address_id = %s AND due_at = 'infinity'", [address]
    )
    await notify(connection, OUTBOX, "")


class Outbox:
    """Reads and writes what is to be sent, was sent and what it cost."""

    def __init__(self, ledger: Ledger, policy: Mapping[str, ChannelPolicy] | None = None) -> None:
        self._ledger = ledger
        self._seal = ledger.seal
        self.policy = policy or load_policy()

    async def notify_by(
        self,
        connection: Connection,
        conversation: UUID,
        address: Address,
        text_id: str,
        values: Mapping[str, str],
        at: dt.datetime,
        *,
        key: str | None = None,
    ) -> str:
        """Send a short notice the parent has asked for, in the conversation's language, at `at`.

        `address` was given by her for notices; it is kept apart and used for nothing else. The text
        must be a neutral one (`notice_…`): no diagnosis, no name of a service. `key` makes a
        repeated call one notice; the returned id cancels it (`cancel`). Erasing the conversation
        erases the notice. Raises AddressError, KeyError (unknown conversation), ValueError.
        """
        if not text_id.startswith("notice_"):
            raise ValueError(f"{text_id} is not a notice")
        kept = await keep_address(connection, self._seal, conversation, address, "notice")
        client_id = f"{conversation}:{key or f'{text_id}:{at.isoformat()}'}"
        content = {"notice": text_id, "values": dict(values)}
        await add_piece(connection, self._seal, kept, client_id, content, at=at)
        return client_id

    async def tell_staff(
        self, connection: Connection, conversation: UUID, address: Address, text_id: str, key: str
    ) -> None:
        """Send a notice at once to somebody who works there, in Swedish, once for each `key`.

        No limit holds it back, and the parent's wishes about her phone do not concern it. Raises
        AddressError, KeyError (unknown conversation).
        """
        kept = await keep_address(connection, self._seal, conversation, address, "staff")
        content = {"notice": text_id, "values": {}, "language": "sv"}
        client_id = f"{conversation}:{text_id}:{address.channel}:{key}"
        await add_piece(connection, self._seal, kept, client_id, content, is_urgent=True)

    async def cancel(self, connection: Connection, client_id: str) -> bool:
        """Take back what is not sent yet; false when it is too late."""
        cursor = await connection.execute(
            "DELETE FROM outbox WHERE client_id = %s AND state = 'waiting' AND attempts = 0",
            [client_id],
        )
        return cursor.rowcount > 0

    async def claim(self, worker: UUID, lease: float, channels: Sequence[str]) -> Piece | None:
        """The next piece that is due on these channels, leased for seconds.

        In order within an address; what answers danger first. Channels that are stopped wait.
        """
        async with self._ledger.transaction() as connection:
            while True:
                values = {"worker": worker, "lease": lease, "channels": list(channels)}
                cursor = await connection.execute(_CLAIM, values)
                row = await cursor.fetchone()
                if row is None:
                    return None
                cursor = await connection.execute(_WITH_ADDRESS, [row["id"]])
                row = await cursor.fetchone()
                assert row is not None
                if row["urgent"] or not await self._postpone(connection, row):
                    return self._piece(row)

    async def _postpone(self, connection: Connection, row: Row) -> bool:
        """Let a piece above the number's limits wait until the limit lets it through."""
        policy = self.policy[row["channel"]]
        for span, most in (
            (dt.timedelta(hours=1), policy.an_hour),
            (dt.timedelta(days=1), policy.a_day),
        ):
            cursor = await connection.execute(
                "SELECT o.changed_at + %s AS free_at FROM outbox o "
                "JOIN addresses a ON a.id = o.address_id WHERE a.mark = %s "
                "AND o.channel = %s AND o.state IN ('accepted', 'sent', 'delivered') "
                "AND o.changed_at > now() - %s ORDER BY o.changed_at DESC OFFSET %s LIMIT 1",
                [span, row["mark"], row["channel"], span, most - 1],
            )
            if full := await cursor.fetchone():
                await connection.execute(
                    "UPDATE outbox SET state = 'waiting', attempts = attempts - 1, "
                    "claimed_by = NULL, claimed_until = NULL, due_at = %s WHERE id = %s",
                    [full["free_at"], row["id"]],
                )
                return True
        return False

    async def accepted(self, piece: Piece, provider: str, sent: Sent) -> bool:
        """Store the provider's yes and what it cost; false when the lease was taken over."""
        async with self._ledger.transaction() as connection:
            cursor = await connection.execute(
                "UPDATE outbox SET provider = %s, provider_id = %s, cost = %s, error = NULL, "
                "state = CASE WHEN state = 'sending' THEN 'accepted' ELSE state END, "
                "claimed_until = NULL, changed_at = now() "
                "WHERE id = %s AND claimed_by = %s AND attempts = %s",
                [provider, sent.provider_id, sent.cost, piece.id, piece.worker, piece.attempts],
            )
            # The provider has charged for it, whoever holds the lease.
            await connection.execute(
                "INSERT INTO channel_costs (day, municipality, channel, messages, parts, cost) "
                "VALUES (current_date, %s, %s, 1, %s, %s) "
                "ON CONFLICT (day, municipality, channel) DO UPDATE SET "
                "messages = channel_costs.messages + 1, "
                "parts = channel_costs.parts + excluded.parts, "
                "cost = channel_costs.cost + excluded.cost",
                [piece.municipality, piece.channel, sent.parts or piece.parts, sent.cost],
            )
            return cursor.rowcount > 0

    async def not_sent(self, piece: Piece, error: str, *, for_good: bool) -> None:
        """Try again after a pause that doubles, or give up; `error` holds no personal data."""
        policy = self.policy[piece.channel]
        ends = for_good or piece.attempts >= policy.attempts
        pause = min(policy.longest_pause, policy.first_pause * 2 ** (piece.attempts - 1))
        async with self._ledger.transaction() as connection:
            await connection.execute(
                "UPDATE outbox SET state = %s, error = %s, claimed_until = NULL, "
                "claimed_by = NULL, due_at = now() + make_interval(secs => %s), "
                "changed_at = now() WHERE id = %s AND claimed_by = %s AND attempts = %s "
                "AND state = 'sending'",
                [
                    "failed" if ends else "waiting",
                    error,
                    pause,
                    piece.id,
                    piece.worker,
                    piece.attempts,
                ],
            )

    async def hold(self, piece: Piece) -> None:
        """Keep a piece until the person has written again (`release`)."""
        async with self._ledger.transaction() as connection:
            await connection.execute(
                "UPDATE outbox SET state = 'waiting', due_at = 'infinity', claimed_until = NULL, "
                "claimed_by = NULL WHERE address_id = (SELECT address_id FROM outbox WHERE id = %s)"
                " AND state IN ('waiting', 'sending')",
                [piece.id],
            )

    async def report(
        self, provider: str, state: str, *, provider_id: str | None, reference: UUID | None
    ) -> bool:
        """Note what a provider reports of a piece; false when it is unknown or nothing new.

        Late and out of order is fine: a state never goes backwards.
        """
        async with self._ledger.transaction() as connection:
            cursor = await connection.execute(
                _REPORT,
                {
                    "state": state,
                    "provider": provider,
                    "provider_id": provider_id,
                    "reference": reference,
                },
            )
            return await cursor.fetchone() is not None

    async def stop(self, channel: str, municipality: str, reason: str) -> None:
        """Switch a channel off, everywhere or in a municipality; what waits is kept."""
        async with self._ledger.transaction() as connection:
            await connection.execute(
                "INSERT INTO channel_stops (channel, municipality, reason) VALUES (%s, %s, %s) "
                "ON CONFLICT (channel, municipality) DO UPDATE SET reason = excluded.reason",
                [channel, municipality, reason],
            )

    async def start(self, channel: str, municipality: str) -> None:
        """Switch a channel on again."""
        async with self._ledger.transaction() as connection:
            await connection.execute(
                "DELETE FROM channel_stops WHERE channel = %s AND municipality = %s",
                [channel, municipality],
            )
            await notify(connection, OUTBOX, "")

    async def is_stopped(self, channel: str, municipality: str) -> bool:
        """Whether the channel is switched off there."""
        async with self._ledger.transaction() as connection:
            cursor = await connection.execute(
                "SELECT 1 FROM channel_stops WHERE channel = %s AND municipality IN (%s, %s)",
                [channel, municipality, EVERYWHERE],
            )
            return await cursor.fetchone() is not None

    async def standing(self) -> dict[str, list[Row]]:
        """How things stand: what waits by state, what was sent and cost by day, what is stopped."""
        questions = {
            "outbox": "SELECT channel, municipality, state, count(*) AS messages, "
            "sum(parts) AS parts FROM outbox GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
            "costs": "SELECT day, municipality, channel, messages, parts, cost "
            "FROM channel_costs ORDER BY 1 DESC, 2, 3 LIMIT 60",
            "stops": "SELECT channel, municipality, reason, stopped_at FROM channel_stops",
        }
        standing: dict[str, list[Row]] = {}
        async with self._ledger.transaction() as connection:
            for name, question in questions.items():
                cursor = await connection.execute(question.encode())
                standing[name] = await cursor.fetchall()
        return standing

    def _piece(self, row: Row) -> Piece:
        return Piece(
            id=row["id"],
            reference=row["reference"],
            municipality=row["municipality"],
            conversation=row["conversation_id"],
            channel=row["channel"],
            to=self._seal.open(row["sealed_address"]),
            sender=row["sender"],
            language=row["language"],
            content=self._seal.open(row["sealed_content"]),
            parts=row["parts"],
            is_urgent=row["urgent"],
            attempts=row["attempts"],
            worker=row["claimed_by"],
            last_in_at=row["last_in_at"],
        )


_REPORT = """
UPDATE outbox SET state = %(state)s, changed_at = now(), claimed_until = NULL,
    provider = coalesce(provider, %(provider)s),
    provider_id = coalesce(provider_id, %(provider_id)s)
WHERE ((provider = %(provider)s AND provider_id = %(provider_id)s) OR reference = %(reference)s)
    -- The higher rank wins; of two ends (delivered, failed) the first stands.
    AND coalesce(array_position(ARRAY['waiting', 'sending', 'accepted', 'sent'], state), 5)
        < coalesce(array_position(ARRAY['waiting', 'sending', 'accepted', 'sent'],
            %(state)s::text), 5)
RETURNING id
"""
_CLAIM = """
UPDATE outbox SET state = 'sending', claimed_by = %(worker)s, attempts = attempts + 1,
    claimed_until = now() + make_interval(secs => %(lease)s), changed_at = now()
WHERE id = (
    SELECT o.id FROM outbox o
    WHERE o.channel = ANY(%(channels)s) AND o.due_at <= now()
        AND (o.state = 'waiting' OR (o.state = 'sending' AND o.claimed_until < now()))
        AND NOT EXISTS (
            SELECT 1 FROM channel_stops s
            WHERE s.channel = o.channel AND s.municipality IN (o.municipality, '*'))
        AND (o.urgent OR NOT EXISTS (
            SELECT 1 FROM outbox earlier
            WHERE earlier.address_id = o.address_id AND earlier.id < o.id
                AND earlier.state IN ('waiting', 'sending')
                AND (earlier.due_at <= now() OR earlier.attempts > 0)))
    ORDER BY o.urgent DESC, o.due_at, o.id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id
"""
_WITH_ADDRESS = """
SELECT o.*, a.sealed_address, a.mark, a.sender, a.last_in_at, c.language
FROM outbox o JOIN addresses a ON a.id = o.address_id
    JOIN conversations c ON c.id = o.conversation_id
WHERE o.id = %s
"""
