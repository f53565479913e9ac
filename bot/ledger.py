"""The ledger: every message in or out is a row before anybody is told "received".

A turn is one transaction. `seq` is given under the conversation's row lock, so that rows become
visible in the order of their numbers and a stream can resume after any of them.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from psycopg.errors import UniqueViolation

from bot import faults
from bot.database import Connection, Pool, Row
from bot.engine.state import DialogueState, Snapshot
from bot.messages import Author, IncomingMessage, Outcome, OutgoingMessage, StoredMessage
from bot.privacy import Seal

INCOMING, OUTGOING, HANDOFF = "lotsa_incoming", "lotsa_outgoing", "lotsa_handoff"
ALARM = "lotsa_alarm"  # payload: municipality and conversation


class QueueFullError(RuntimeError):
    """More messages wait than the workers can answer in a reasonable time."""


class LeaseLostError(RuntimeError):
    """Another worker took the message over; this turn must not be stored."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation's own row, with what the engine needs to go on."""

    id: UUID
    municipality: str
    channel: str
    language: str
    is_acute: bool
    active_loop: str | None
    requested_slot: str | None
    slots: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """A message this worker may answer until its lease ends."""

    message: StoredMessage
    worker: UUID
    times: int
    answered_acute: bool


@dataclass(frozen=True, slots=True)
class Accepted:
    """Where an incoming message landed; `is_new` is false for a repeated delivery."""

    message_id: int
    seq: int
    is_new: bool


# Something else a turn changes, inside its transaction.
Effect = Callable[[Connection, StoredMessage], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class TurnResult:
    """Everything a turn changes, stored in one commit."""

    outcome: Outcome
    replies: Sequence[OutgoingMessage]
    milliseconds: int
    events: Sequence[dict[str, Any]] = ()
    state: DialogueState | None = None
    active_loop: str | None = None
    requested_slot: str | None = None
    slots: dict[str, Any] | None = None
    language: str | None = None
    level: str | None = None
    effects: Sequence[Effect] = ()


def new_key(municipality: str) -> tuple[UUID, str]:
    """The id of a conversation and the parent's token, before there is a row.

    The token names the municipality, so that danger can be answered with the database down.
    """
    return uuid4(), f"{municipality}.{secrets.token_urlsafe(32)}"


class Ledger:
    """Reads and writes conversations, messages and tracker events."""

    def __init__(self, pool: Pool, seal: Seal) -> None:
        self._pool = pool
        self.seal = seal

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection whose work is committed together or not at all."""
        async with self._pool.connection(timeout=2) as connection:
            yield connection

    async def open_conversation(
        self,
        municipality: str,
        channel: str,
        language: str,
        greeting: Sequence[OutgoingMessage] = (),
        key: tuple[UUID, str] | None = None,
    ) -> tuple[UUID, str]:
        """A new conversation with its first words; returns its id and the parent's token.

        `key` is an id and token made earlier by `new_key`. Raises UniqueViolation when they have
        opened a conversation already.
        """
        conversation, token = key or new_key(municipality)
        async with self.transaction() as connection:
            await connection.execute(
                "INSERT INTO conversations (id, municipality, channel, language, token_hash) "
                "VALUES (%s, %s, %s, %s, %s)",
                [conversation, municipality, channel, language, hash_token(token)],
            )
            for message in greeting:
                await self.add(connection, conversation, message)
        return conversation, token

    async def accept(
        self,
        conversation: UUID,
        message: IncomingMessage,
        answers: Sequence[OutgoingMessage] = (),
        queue_limit: int | None = None,
    ) -> Accepted:
        """Store an incoming message once per (channel, provider id), with any immediate answer.

        Raises QueueFullError (never for an acute message), KeyError for an unknown conversation.
        """
        try:
            async with self.transaction() as connection:
                if queue_limit is not None and not message.acute:
                    await _check_queue(connection, queue_limit)
                accepted = await self._accept(connection, conversation, message, answers)
                faults.reach("in_accept")
        except UniqueViolation:
            return await self._earlier(message)
        faults.reach("accepted")
        return accepted

    async def _accept(
        self,
        connection: Connection,
        conversation: UUID,
        message: IncomingMessage,
        answers: Sequence[OutgoingMessage],
    ) -> Accepted:
        row = await _next_seq(connection, conversation)
        cursor = await connection.execute(
            "INSERT INTO messages (municipality, conversation_id, seq, author, channel, "
            "provider_id, sealed_text, sealed_body, sealed_choice, language, acute) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
            [
                row["municipality"],
                conversation,
                row["last_seq"],
                message.author,
                message.channel,
                message.provider_id,
                self.seal.seal(message.text),
                self.seal.seal({"masked": message.masked}),
                self.seal.seal(message.choice),
                row["language"],
                message.acute,
            ],
        )
        stored = await cursor.fetchone()
        if stored is None:
            raise RuntimeError("the insert returned no id")
        if message.author is Author.PARENT and message.channel != row["channel"]:
            # The answer goes where the parent last wrote.
            await connection.execute(
                "UPDATE conversations SET channel = %s WHERE id = %s",
                [message.channel, conversation],
            )
        if message.acute:
            await self._flag_acute(connection, conversation)
        for answer in answers:
            await self.add(connection, conversation, answer, answers=stored["id"])
        await notify(connection, INCOMING, str(conversation))
        await notify(connection, OUTGOING, str(conversation))
        return Accepted(stored["id"], row["last_seq"], is_new=True)

    async def _earlier(self, message: IncomingMessage) -> Accepted:
        async with self.transaction() as connection:
            cursor = await connection.execute(
                "SELECT id, seq FROM messages WHERE channel = %s AND provider_id = %s",
                [message.channel, message.provider_id],
            )
            row = await cursor.fetchone()
        if row is None:
            raise KeyError(message.provider_id)
        return Accepted(row["id"], row["seq"], is_new=False)

    async def add(
        self,
        connection: Connection,
        conversation: UUID,
        message: OutgoingMessage,
        answers: int | None = None,
        client_id: str | None = None,
    ) -> int:
        """Add an outgoing message inside the caller's transaction; returns its seq.

        A message that was added before under the same `client_id` is left as it is.
        """
        if client_id is not None:
            cursor = await connection.execute(
                "SELECT seq FROM messages WHERE conversation_id = %s AND client_id = %s",
                [conversation, client_id],
            )
            if earlier := await cursor.fetchone():
                return int(earlier["seq"])
        row = await _next_seq(connection, conversation)
        await connection.execute(
            "INSERT INTO messages (municipality, conversation_id, seq, author, channel, "
            "sealed_text, sealed_body, reply_id, language, name, acute, answers, client_id) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                row["municipality"],
                conversation,
                row["last_seq"],
                message.author,
                row["channel"],
                self.seal.seal(message.text),
                self.seal.seal(dict(message.body)),
                message.reply_id,
                message.language,
                message.name,
                message.acute,
                answers,
                client_id,
            ],
        )
        await notify(connection, OUTGOING, str(conversation))
        return int(row["last_seq"])

    async def claim(
        self, worker: UUID, lease: float, *, leaves_words: bool = False
    ) -> Claim | None:
        """The oldest unanswered message of a conversation nobody else holds, leased for seconds.

        `leaves_words` leaves what has to be read first; what was pressed is taken, and danger
        that was not answered at the door.
        """
        async with self.transaction() as connection:
            only = await self._pressed(connection) if leaves_words else None
            if leaves_words and only is None:
                return None
            values = {"worker": worker, "lease": lease, "only": only}
            cursor = await connection.execute(_CLAIM, values)
            row = await cursor.fetchone()
            if row is None:
                return None
            cursor = await connection.execute(
                "SELECT 1 FROM messages WHERE answers = %s AND acute LIMIT 1", [row["id"]]
            )
            answered = await cursor.fetchone() is not None
        return Claim(self._stored(row), worker, int(row["claims"]), answered)

    async def _pressed(self, connection: Connection) -> int | None:
        """The first message that waits and need not be read."""
        cursor = await connection.execute(_WAITING)
        for row in await cursor.fetchall():
            is_own_words = row["author"] == "parent" and not row["is_urgent"]
            if not is_own_words or self.seal.open(row["sealed_choice"]) is not None:
                return int(row["id"])
        return None

    async def conversation(self, conversation: UUID) -> Conversation:
        """The conversation's row. Raises KeyError when it is unknown or erased."""
        async with self.transaction() as connection:
            cursor = await connection.execute(
                "SELECT * FROM conversations WHERE id = %s", [conversation]
            )
            row = await cursor.fetchone()
        if row is None:
            raise KeyError(conversation)
        return self._conversation(row)

    async def dialogue_state(self, conversation: UUID) -> DialogueState:
        """The engine's state: the snapshot and the events after it."""
        async with self.transaction() as connection:
            cursor = await connection.execute(
                "SELECT sealed_snapshot, snapshot_event FROM conversations WHERE id = %s",
                [conversation],
            )
            row = await cursor.fetchone()
            if row is None:
                raise KeyError(conversation)
            cursor = await connection.execute(
                "SELECT sealed_event FROM tracker_events "
                "WHERE conversation_id = %s AND id > %s ORDER BY id",
                [conversation, row["snapshot_event"]],
            )
            events = await cursor.fetchall()
        snapshot = self.seal.open(row["sealed_snapshot"])
        return DialogueState(
            Snapshot(**snapshot) if snapshot else None,
            tuple(self.seal.open(event["sealed_event"]) for event in events),
        )

    async def finish(self, claim: Claim, result: TurnResult) -> None:
        """Store a whole turn in one commit. Raises LeaseLostError when the lease was taken over."""
        async with self.transaction() as connection:
            cursor = await connection.execute(
                "UPDATE messages SET done_at = now() WHERE id = %s AND done_at IS NULL "
                "AND claimed_by = %s AND claims = %s RETURNING id",
                [claim.message.id, claim.worker, claim.times],
            )
            if await cursor.fetchone() is None:
                raise LeaseLostError(str(claim.message.id))
            faults.reach("finishing")
            await self._store_turn(connection, claim.message, result)
            faults.reach("stored")

    async def _flag_acute(self, connection: Connection, conversation: UUID) -> None:
        """The conversation, and a handoff that is open, are about danger from now on."""
        await connection.execute(
            "UPDATE conversations SET acute_since = coalesce(acute_since, now()) WHERE id = %s",
            [conversation],
        )
        await connection.execute(
            "UPDATE handoffs SET level = 'acute' WHERE conversation_id = %s "
            "AND state NOT IN ('returned', 'closed', 'expired')",
            [conversation],
        )

    async def _store_turn(
        self, connection: Connection, message: StoredMessage, result: TurnResult
    ) -> None:
        conversation = message.conversation_id
        for reply in result.replies:
            await self.add(connection, conversation, reply, answers=message.id)
        if result.state is not None:
            await self._store_state(connection, message, result)
        if any(reply.acute for reply in result.replies):
            await self._flag_acute(connection, conversation)
            await notify(connection, ALARM, f"{message.municipality} {conversation}")
        for effect in result.effects:
            await effect(connection, message)
        if result.language is not None:
            await connection.execute(
                "UPDATE conversations SET language = %s WHERE id = %s",
                [result.language, conversation],
            )
        await connection.execute(
            "INSERT INTO outcomes (message_id, municipality, conversation_id, outcome, level, "
            "milliseconds) VALUES (%s, %s, %s, %s, %s, %s)",
            [
                message.id,
                message.municipality,
                conversation,
                result.outcome,
                result.level,
                result.milliseconds,
            ],
        )

    async def _store_state(
        self, connection: Connection, message: StoredMessage, result: TurnResult
    ) -> None:
        conversation, state = message.conversation_id, result.state
        async with connection.cursor() as cursor:
            await cursor.executemany(
                "INSERT INTO tracker_events (municipality, conversation_id, sealed_event) "
                "VALUES (%s, %s, %s)",
                [(message.municipality, conversation, self.seal.seal(e)) for e in result.events],
            )
        await connection.execute(
            "UPDATE conversations SET active_loop = %s, requested_slot = %s, sealed_slots = %s "
            "WHERE id = %s",
            [result.active_loop, result.requested_slot, self.seal.seal(result.slots), conversation],
        )
        if state is not None and state.snapshot is not None:
            await self._store_snapshot(connection, conversation, state)

    async def _store_snapshot(
        self, connection: Connection, conversation: UUID, state: DialogueState
    ) -> None:
        assert state.snapshot is not None
        snapshot = {"slots": state.snapshot.slots, "active_loop": state.snapshot.active_loop}
        await connection.execute(
            "UPDATE conversations SET sealed_snapshot = %s, snapshot_event = coalesce(("
            "SELECT id FROM tracker_events WHERE conversation_id = %s "
            "ORDER BY id DESC OFFSET %s LIMIT 1), 0) WHERE id = %s",
            [self.seal.seal(snapshot), conversation, len(state.tail), conversation],
        )
        await connection.execute(
            "DELETE FROM tracker_events WHERE conversation_id = %s AND id <= "
            "(SELECT snapshot_event FROM conversations WHERE id = %s)",
            [conversation, conversation],
        )

    async def messages(self, conversation: UUID, after: int = 0) -> list[StoredMessage]:
        """What parent, bot and guide said, with `seq` above `after`, in order."""
        async with self.transaction() as connection:
            cursor = await connection.execute(
                "SELECT * FROM messages WHERE conversation_id = %s AND seq > %s "
                "AND author <> 'system' ORDER BY seq",
                [conversation, after],
            )
            return [self._stored(row) for row in await cursor.fetchall()]

    async def last_seq(self, conversation: UUID) -> int:
        """The number of the conversation's newest message."""
        async with self.transaction() as connection:
            cursor = await connection.execute(
                "SELECT last_seq FROM conversations WHERE id = %s", [conversation]
            )
            row = await cursor.fetchone()
        return int(row["last_seq"]) if row else 0

    async def texts(self, conversation: UUID, seqs: Sequence[int]) -> list[str]:
        """The parent's own words in the messages with these numbers, in order."""
        async with self.transaction() as connection:
            cursor = await connection.execute(
                "SELECT sealed_text FROM messages WHERE conversation_id = %s AND author = 'parent' "
                "AND seq = ANY(%s) ORDER BY seq",
                [conversation, list(seqs)],
            )
            return [self.seal.open(row["sealed_text"]) for row in await cursor.fetchall()]

    async def by_token(self, conversation: UUID, token: str) -> Conversation:
        """The conversation a parent holds the token of. Raises KeyError otherwise."""
        async with self.transaction() as connection:
            cursor = await connection.execute(
                "SELECT * FROM conversations WHERE id = %s AND token_hash = %s "
                "AND last_at > now() - make_interval(days => keep_days)",
                [conversation, hash_token(token)],
            )
            row = await cursor.fetchone()
        if row is None:
            raise KeyError(conversation)
        return self._conversation(row)

    async def set_language(self, conversation: UUID, language: str) -> None:
        """The language replies are worded in from now on."""
        async with self.transaction() as connection:
            await connection.execute(
                "UPDATE conversations SET language = %s WHERE id = %s", [language, conversation]
            )

    async def is_danger(self, conversation: UUID) -> bool:
        """Whether a turn of the conversation was surely about danger, not only perhaps."""
        async with self.transaction() as connection:
            cursor = await connection.execute(
                "SELECT 1 FROM outcomes WHERE conversation_id = %s AND level = 'acute' LIMIT 1",
                [conversation],
            )
            return await cursor.fetchone() is not None

    async def waiting(self) -> int:
        """How many parents' messages are not answered yet."""
        async with self.transaction() as connection:
            return await _waiting(connection)

    def _conversation(self, row: Row) -> Conversation:
        return Conversation(
            id=row["id"],
            municipality=row["municipality"],
            channel=row["channel"],
            language=row["language"],
            is_acute=row["acute_since"] is not None,
            active_loop=row["active_loop"],
            requested_slot=row["requested_slot"],
            slots=self.seal.open(row["sealed_slots"]) or {},
        )

    def _stored(self, row: Row) -> StoredMessage:
        return StoredMessage(
            id=row["id"],
            conversation_id=row["conversation_id"],
            municipality=row["municipality"],
            seq=row["seq"],
            author=Author(row["author"]),
            text=self.seal.open(row["sealed_text"]),
            choice=self.seal.open(row["sealed_choice"]),
            reply_id=row["reply_id"],
            language=row["language"],
            body=self.seal.open(row["sealed_body"]) or {},
            acute=row["acute"],
            name=row["name"],
            sent_at=row["created_at"],
        )


def hash_token(token: str) -> bytes:
    """What is stored of a token: enough to recognise it, not to use it."""
    return hashlib.sha256(token.encode()).digest()


async def _next_seq(connection: Connection, conversation: UUID) -> Row:
    cursor = await connection.execute(
        "UPDATE conversations SET last_seq = last_seq + 1, last_at = now() WHERE id = %s "
        "RETURNING last_seq, municipality, language, channel",
        [conversation],
    )
    row = await cursor.fetchone()
    if row is None:
        raise KeyError(conversation)
    return row


async def _waiting(connection: Connection) -> int:
    cursor = await connection.execute(
        "SELECT count(*) AS n FROM messages WHERE provider_id IS NOT NULL AND done_at IS NULL"
    )
    row = await cursor.fetchone()
    return int(row["n"]) if row else 0


async def _check_queue(connection: Connection, limit: int) -> None:
    if await _waiting(connection) >= limit:
        raise QueueFullError(str(limit))


async def notify(connection: Connection, channel: str, payload: str) -> None:
    """Wake whoever listens, when the transaction commits."""
    await connection.execute("SELECT pg_notify(%s, %s)", [channel, payload])


# A message that nobody holds, with none before it in its conversation.
_WAITS = """
    m.provider_id IS NOT NULL AND m.done_at IS NULL
    AND (m.claimed_until IS NULL OR m.claimed_until < now())
    AND NOT EXISTS (
        SELECT 1 FROM messages earlier
        WHERE earlier.conversation_id = m.conversation_id AND earlier.provider_id IS NOT NULL
            AND earlier.done_at IS NULL AND earlier.seq < m.seq)
"""
_WAITING = f"""
SELECT m.id, m.author, m.sealed_choice, m.acute AND NOT EXISTS (
    SELECT 1 FROM messages a WHERE a.answers = m.id AND a.acute) AS is_urgent
FROM messages m
WHERE {_WAITS} ORDER BY m.acute DESC, m.id LIMIT 100
"""
_CLAIM = f"""
UPDATE messages SET claimed_by = %(worker)s, claims = claims + 1,
    claimed_until = now() + make_interval(secs => %(lease)s)
WHERE id = (
    SELECT m.id FROM messages m
    WHERE {_WAITS} AND (%(only)s::bigint IS NULL OR m.id = %(only)s)
    ORDER BY m.acute DESC, m.id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING *
"""
