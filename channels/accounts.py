"""Who works in the console: accounts, roles and passwords. Every change is in the audit log."""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import get_args
from uuid import UUID, uuid4

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bot import audit
from bot.audit import Actor, Operator
from bot.database import Connection, Row
from bot.ledger import HANDOFF, notify
from channels.sign_in_rules import Role

ROLES: tuple[Role, ...] = get_args(Role)
# What a role may do. An administrator sees no conversations, an auditor only who read them.
HANDLES: frozenset[str] = frozenset({"guide", "coordinator"})
EDITS: frozenset[str] = frozenset({"guide", "coordinator", "editor"})
READS_TEXTS: frozenset[str] = frozenset({"editor", "admin"})
ADMINISTERS: frozenset[str] = frozenset({"admin"})
REVISES: frozenset[str] = frozenset({"auditor"})
SHORTEST_PASSWORD = 10
_hasher = PasswordHasher()


class AccessError(PermissionError):
    """Not signed in, or not allowed."""


class AccountError(ValueError):
    """A change of an account that is refused; `code` names its text."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Guide:
    """A signed-in person of one municipality."""

    id: UUID
    municipality: str
    name: str
    function: str
    roles: frozenset[str] = frozenset({"guide"})

    def may(self, roles: frozenset[str]) -> bool:
        """Whether one of these roles is hers."""
        return bool(self.roles & roles)


def home_of(guide: Guide) -> str:
    """The page of the console that somebody starts at."""
    for roles, page in _HOMES:
        if guide.may(roles):
            return page
    return "/console/konto"


_HOMES = (
    (HANDLES, "/console"),
    (ADMINISTERS, "/console/konton"),
    (REVISES, "/console/revision"),
    (EDITS, "/console/catalogue"),
)


@dataclass(frozen=True, slots=True)
class Account:
    """An account as an administrator sees it."""

    id: UUID
    municipality: str
    login: str
    name: str
    function: str
    roles: frozenset[str]
    is_disabled: bool
    has_second_factor: bool
    is_of_provider: bool
    last_at: dt.datetime | None


_ACCOUNTS = (
    "SELECT g.*, (SELECT max(acted_at) FROM guide_sessions s WHERE s.guide_id = g.id) AS last_at "
    "FROM guides g WHERE g.municipality = %s "
)


async def accounts_of(connection: Connection, municipality: str) -> list[Account]:
    """The accounts of a municipality, those in use first."""
    cursor = await connection.execute(
        _ACCOUNTS + "ORDER BY g.disabled_at IS NOT NULL, lower(g.name), g.login", [municipality]
    )
    return [_account(row) for row in await cursor.fetchall()]


async def account(connection: Connection, municipality: str, id: UUID) -> Account:
    """An account of this municipality. Raises KeyError for any other."""
    cursor = await connection.execute(_ACCOUNTS + "AND g.id = %s", [municipality, id])
    row = await cursor.fetchone()
    if row is None:
        raise KeyError(id)
    return _account(row)


async def account_named(connection: Connection, municipality: str, login: str) -> Account:
    """The account with this login. Raises KeyError."""
    cursor = await connection.execute(_ACCOUNTS + "AND g.login = %s", [municipality, login])
    row = await cursor.fetchone()
    if row is None:
        raise KeyError(login)
    return _account(row)


def _account(row: Row) -> Account:
    return Account(
        id=row["id"],
        municipality=row["municipality"],
        login=row["login"],
        name=row["name"],
        function=row["function"],
        roles=frozenset(row["roles"]),
        is_disabled=row["disabled_at"] is not None,
        has_second_factor=row["totp_since"] is not None,
        is_of_provider=row["issuer"] is not None,
        last_at=row["last_at"],
    )


async def add_guide(
    connection: Connection,
    municipality: str,
    login: str,
    name: str,
    function: str,
    password: str,
    roles: Iterable[str] | None = None,
    *,
    by: Actor | None = None,
    is_temporary: bool = False,
) -> UUID:
    """A new local account. Raises psycopg.errors.UniqueViolation when the login is taken.

    A temporary password has to be changed at the first sign-in.
    """
    guide = uuid4()
    given = _checked(roles if roles is not None else [_role_of(function)])
    await connection.execute(
        "INSERT INTO guides (id, municipality, login, name, function, roles, password_hash, "
        "password_is_temporary) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [
            guide,
            municipality,
            login,
            name,
            function,
            given,
            await hashed(password),
            is_temporary,
        ],
    )
    actor = by or Operator(municipality)
    await audit.write(
        connection, actor, "account_added", audit.account(guide), roles=",".join(given)
    )
    return guide


def _role_of(function: str) -> str:
    return "coordinator" if function == "coordinator" else "guide"


def _checked(roles: Iterable[str]) -> list[str]:
    given = sorted(set(roles))
    if not given or set(given) - set(ROLES):
        raise AccountError("no_role")
    return given


async def set_roles(
    connection: Connection, by: Actor, account: Account, roles: Iterable[str]
) -> None:
    """Give an account these roles and no others. Raises AccountError.

    Sessions go on with the new roles; where they now need a second factor, they end.
    """
    given = _checked(roles)
    if by.id == account.id and "admin" not in given:
        raise AccountError("own_account")
    await connection.execute("UPDATE guides SET roles = %s WHERE id = %s", [given, account.id])
    if not account.has_second_factor and set(given) - account.roles:
        await end_sessions(connection, account.municipality, account.id)
    await audit.write(
        connection,
        by,
        "roles_changed",
        audit.account(account.id),
        before=",".join(sorted(account.roles)),
        after=",".join(given),
    )


async def disable(connection: Connection, by: Actor, account: Account) -> None:
    """Close an account: its sessions end at once. Raises AccountError for one's own."""
    if by.id == account.id:
        raise AccountError("own_account")
    await connection.execute(
        "UPDATE guides SET disabled_at = coalesce(disabled_at, now()) WHERE id = %s", [account.id]
    )
    await end_sessions(connection, account.municipality, account.id)
    await audit.write(connection, by, "account_disabled", audit.account(account.id))


async def enable(connection: Connection, by: Actor, account: Account) -> None:
    """Open a closed account again."""
    await connection.execute("UPDATE guides SET disabled_at = NULL WHERE id = %s", [account.id])
    await audit.write(connection, by, "account_enabled", audit.account(account.id))


async def reset_password(connection: Connection, by: Actor, account: Account) -> str:
    """A temporary password, to be told once. Raises AccountError for a provider's account."""
    if account.is_of_provider:
        raise AccountError("of_provider")
    password = temporary_password()
    await _set_password(connection, account.id, password, is_temporary=True)
    await end_sessions(connection, account.municipality, account.id)
    await audit.write(connection, by, "password_reset", audit.account(account.id))
    return password


async def change_password(connection: Connection, guide: Guide, old: str, new: str) -> None:
    """Change one's own; all sessions end. Raises AccountError."""
    cursor = await connection.execute(
        "SELECT password_hash FROM guides WHERE id = %s FOR UPDATE", [guide.id]
    )
    row = await cursor.fetchone()
    if row is None or not await is_password(row["password_hash"], old):
        raise AccountError("wrong_password")
    if len(new) < SHORTEST_PASSWORD:
        raise AccountError("short_password")
    if new == old:
        raise AccountError("same_password")
    await _set_password(connection, guide.id, new, is_temporary=False)
    await end_sessions(connection, guide.municipality, guide.id)
    await audit.write(connection, guide, "password_changed", audit.account(guide.id))


async def _set_password(
    connection: Connection, guide: UUID, password: str, *, is_temporary: bool
) -> None:
    await connection.execute(
        "UPDATE guides SET password_hash = %s, password_is_temporary = %s WHERE id = %s",
        [await hashed(password), is_temporary, guide],
    )


async def end_sessions(connection: Connection, municipality: str, guide: UUID) -> None:
    """End all sessions of a person; open streams hear of it and close."""
    await connection.execute("DELETE FROM guide_sessions WHERE guide_id = %s", [guide])
    await notify(connection, HANDOFF, municipality)


def temporary_password() -> str:
    """Easy to read aloud: four groups of four, 80 bits."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))


async def hashed(password: str) -> str:
    """Argon2id; beside the event loop, for it takes a while."""
    return await asyncio.to_thread(_hasher.hash, password)


@cache
def _nobody() -> str:
    """Verified when the login is unknown, so that the answer takes as long."""
    return _hasher.hash(secrets.token_urlsafe(16))


async def is_password(password_hash: str | None, password: str) -> bool:
    """Whether it is; takes as long where there is none."""
    nobody = await asyncio.to_thread(_nobody)
    try:
        await asyncio.to_thread(_hasher.verify, password_hash or nobody, password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None
