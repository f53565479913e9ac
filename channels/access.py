"""Who may see what: the only place that fetches a conversation or handoff for somebody."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass
from uuid import UUID, uuid4

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from bot import handoff
from bot.database import Connection
from bot.handoff import Handoff
from bot.ledger import Conversation, Ledger, hash_token

SESSION = dt.timedelta(hours=8)
_hasher = PasswordHasher()
# Verified when the login is unknown, so that the answer takes as long.
_NOBODY = _hasher.hash(secrets.token_urlsafe(16))


@dataclass(frozen=True, slots=True)
class Guide:
    """A signed-in person of one municipality."""

    id: UUID
    municipality: str
    name: str
    function: str


class AccessError(PermissionError):
    """Not signed in, or not allowed."""


async def conversation_of_parent(
    ledger: Ledger, conversation: UUID, authorization: str | None
) -> Conversation:
    """The conversation the bearer token belongs to. Raises KeyError for any other."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise KeyError(conversation)
    return await ledger.by_token(conversation, token)


async def handoff_of_guide(ledger: Ledger, handoff_id: UUID, guide: Guide) -> Handoff:
    """A handoff of the guide's municipality. Raises KeyError for any other."""
    async with ledger.transaction() as connection:
        return await handoff.find(connection, ledger.seal, handoff_id, guide.municipality)


async def held_by(ledger: Ledger, handoff_id: UUID, guide: Guide) -> Handoff:
    """A handoff this guide holds. Raises KeyError or AccessError."""
    found = await handoff_of_guide(ledger, handoff_id, guide)
    if found.state != "held" or found.guide_id != guide.id:
        raise AccessError("not held by this guide")
    return found


async def add_guide(
    connection: Connection, municipality: str, login: str, name: str, function: str, password: str
) -> UUID:
    """A new local account. Raises psycopg.errors.UniqueViolation when the login is taken."""
    guide = uuid4()
    await connection.execute(
        "INSERT INTO guides (id, municipality, login, name, function, password_hash) "
        "VALUES (%s, %s, %s, %s, %s, %s)",
        [guide, municipality, login, name, function, _hasher.hash(password)],
    )
    return guide


async def sign_in(ledger: Ledger, municipality: str, login: str, password: str) -> str:
    """A session token. Raises AccessError without telling which part was wrong."""
    async with ledger.transaction() as connection:
        cursor = await connection.execute(
            "SELECT id, password_hash FROM guides "
            "WHERE municipality = %s AND login = %s AND disabled_at IS NULL",
            [municipality, login],
        )
        row = await cursor.fetchone()
        try:
            _hasher.verify(row["password_hash"] if row else _NOBODY, password)
        except VerificationError as error:
            raise AccessError("wrong login or password") from error
        if row is None:
            raise AccessError("wrong login or password")
        token = secrets.token_urlsafe(32)
        await connection.execute(
            "INSERT INTO guide_sessions (token_hash, municipality, guide_id, expires_at) "
            "VALUES (%s, %s, %s, now() + %s)",
            [hash_token(token), municipality, row["id"], SESSION],
        )
    return token


async def guide_of_session(ledger: Ledger, token: str | None) -> Guide:
    """The guide of a session, noted as present. Raises AccessError."""
    if not token:
        raise AccessError("no session")
    async with ledger.transaction() as connection:
        cursor = await connection.execute(
            "UPDATE guide_sessions s SET seen_at = now() FROM guides g "
            "WHERE s.token_hash = %s AND s.expires_at > now() AND g.id = s.guide_id "
            "AND g.disabled_at IS NULL RETURNING g.id, g.municipality, g.name, g.function",
            [hash_token(token)],
        )
        row = await cursor.fetchone()
    if row is None:
        raise AccessError("session ended")
    return Guide(row["id"], row["municipality"], row["name"], row["function"])


async def sign_out(ledger: Ledger, token: str | None) -> None:
    """End a session."""
    if token:
        async with ledger.transaction() as connection:
            await connection.execute(
                "DELETE FROM guide_sessions WHERE token_hash = %s", [hash_token(token)]
            )
