"""Signing in and staying signed in: attempts are counted, and sessions end when they have to."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass
from typing import Literal

from bot import audit
from bot.database import Connection, Row
from bot.ledger import Ledger, hash_token
from channels import second_factor
from channels.accounts import HANDLES, AccessError, Guide, is_password
from channels.sign_in_rules import Rules, SignInRules

Step = Literal["code", "password", "enrol", "done"]
SESSION = dt.timedelta(hours=8)
UNFINISHED = dt.timedelta(minutes=15)  # to take the remaining steps in
FORGOTTEN = dt.timedelta(days=1)  # attempts older than this are removed


class LockedError(AccessError):
    """Too many wrong attempts; `until` says when it can be tried again."""

    def __init__(self, until: dt.datetime) -> None:
        super().__init__("locked")
        self.until = until


@dataclass(frozen=True, slots=True)
class Session:
    """What the browser keeps, and what is left to do before it counts."""

    token: str
    step: Step


async def sign_in(
    ledger: Ledger, rules: SignInRules, municipality: str, login: str, password: str
) -> Session:
    """A session after a password. Raises AccessError, or LockedError with a time.

    Which part was wrong is not told, and a name that nobody has is locked like any other.
    """
    own = rules.of(municipality)
    until = await _begin_attempt(ledger, own, municipality, login)
    async with ledger.transaction() as connection:
        cursor = await connection.execute(
            "SELECT * FROM guides WHERE municipality = %s AND login = %s AND disabled_at IS NULL",
            [municipality, login],
        )
        row = await cursor.fetchone()
    is_right = await is_password(row["password_hash"] if row else None, password)
    if row is None or not is_right:
        raise await _refused(ledger, _guide(row) if row else None, until)
    guide, step = _guide(row), _next_step(row, own)
    async with ledger.transaction() as connection:
        if row["totp_since"] is None:
            await _forget_attempts(connection, municipality, login)
        else:
            await _unlock(connection, municipality, login)
        if step == "done":
            await _note(connection, guide, "password")
        return await open_session(connection, own, guide, step)


def _next_step(row: Row, rules: Rules) -> Step:
    if row["totp_since"] is not None:
        return "code"
    return _step_after_factor(row, rules)


def _step_after_factor(row: Row, rules: Rules) -> Step:
    if row["password_is_temporary"]:
        return "password"
    is_needed = rules.needs_second_factor(frozenset(row["roles"]))
    return "enrol" if is_needed and row["totp_since"] is None else "done"


async def give_code(ledger: Ledger, rules: SignInRules, token: str | None, code: str) -> Session:
    """The second factor. Raises AccessError, or LockedError with a time."""
    guide = await guide_at_step(ledger, token, "code")
    own = rules.of(guide.municipality)
    login = await _login(ledger, guide)
    until = await _begin_attempt(ledger, own, guide.municipality, login)
    async with ledger.transaction() as connection:
        is_right = await second_factor.is_code(connection, ledger.seal, guide, code)
        if is_right:
            await _forget_attempts(connection, guide.municipality, login)
            return await _go_on(connection, own, guide, token, "code")
    raise await _refused(ledger, guide, until)


async def go_on(
    ledger: Ledger, rules: SignInRules, guide: Guide, token: str | None, how: str
) -> Session:
    """The session after a step was taken: the next step, or done."""
    async with ledger.transaction() as connection:
        return await _go_on(connection, rules.of(guide.municipality), guide, token, how)


async def _go_on(
    connection: Connection, rules: Rules, guide: Guide, token: str | None, how: str
) -> Session:
    """A new token each time, so that one from before a step is worth nothing after it."""
    cursor = await connection.execute("SELECT * FROM guides WHERE id = %s", [guide.id])
    row = await cursor.fetchone()
    if row is None:
        raise AccessError("no account")
    await _end(connection, token)
    step = _step_after_factor(row, rules)
    session = await open_session(connection, rules, guide, step)
    if step == "done":
        await _note(connection, guide, how)
    return session


async def open_session(connection: Connection, rules: Rules, guide: Guide, step: Step) -> Session:
    """A session at a step. Present is only who is wholly in and takes conversations."""
    token = secrets.token_urlsafe(32)
    is_present = step == "done" and guide.may(HANDLES)
    await connection.execute(
        "INSERT INTO guide_sessions (token_hash, municipality, guide_id, expires_at, seen_at, "
        "step, idle) VALUES (%s, %s, %s, now() + %s, "
        "CASE WHEN %s THEN now() ELSE 'epoch'::timestamptz END, %s, %s)",
        [
            hash_token(token),
            guide.municipality,
            guide.id,
            SESSION if step == "done" else UNFINISHED,
            is_present,
            step,
            dt.timedelta(minutes=rules.idle_minutes),
        ],
    )
    return Session(token, step)


async def guide_of_session(ledger: Ledger, token: str | None, *, is_act: bool = True) -> Guide:
    """The guide of a session, noted as present. Raises AccessError.

    What a page asks by itself is no act: a session that nobody uses ends after its idle time.
    """
    return await _guide_of(ledger, token, ("done",), is_act=is_act)


async def guide_at_step(ledger: Ledger, token: str | None, *steps: Step) -> Guide:
    """The guide of a session that is at one of these steps. Raises AccessError."""
    return await _guide_of(ledger, token, steps, is_act=True)


async def _guide_of(
    ledger: Ledger, token: str | None, steps: tuple[Step, ...], *, is_act: bool
) -> Guide:
    if not token:
        raise AccessError("no session")
    async with ledger.transaction() as connection:
        cursor = await connection.execute(
            "UPDATE guide_sessions s SET "
            "seen_at = CASE WHEN s.step = 'done' AND g.roles && %s THEN now() ELSE seen_at END, "
            "acted_at = CASE WHEN %s THEN now() ELSE acted_at END FROM guides g "
            "WHERE s.token_hash = %s AND s.expires_at > now() AND s.acted_at + s.idle > now() "
            "AND s.step = ANY(%s) AND g.id = s.guide_id AND g.disabled_at IS NULL RETURNING g.*",
            [sorted(HANDLES), is_act, hash_token(token), list(steps)],
        )
        row = await cursor.fetchone()
    if row is None:
        raise AccessError("session ended")
    return _guide(row)


async def step_of(ledger: Ledger, token: str | None) -> Step | None:
    """Where a session stands; None when there is none."""
    async with ledger.transaction() as connection:
        cursor = await connection.execute(
            "SELECT step FROM guide_sessions WHERE token_hash = %s AND expires_at > now()",
            [hash_token(token or "")],
        )
        row = await cursor.fetchone()
    return row["step"] if row else None


async def sign_out(ledger: Ledger, token: str | None) -> None:
    """End a session."""
    async with ledger.transaction() as connection:
        await _end(connection, token)


async def _end(connection: Connection, token: str | None) -> None:
    await connection.execute(
        "DELETE FROM guide_sessions WHERE token_hash = %s", [hash_token(token or "")]
    )


async def _note(connection: Connection, guide: Guide, how: str) -> None:
    await audit.write(connection, guide, "signed_in", audit.account(guide.id), how=how)


def _guide(row: Row) -> Guide:
    return Guide(
        row["id"], row["municipality"], row["name"], row["function"], frozenset(row["roles"])
    )


async def _login(ledger: Ledger, guide: Guide) -> str:
    async with ledger.transaction() as connection:
        cursor = await connection.execute("SELECT login FROM guides WHERE id = %s", [guide.id])
        row = await cursor.fetchone()
    return str(row["login"]) if row else ""


# --- attempts


async def _begin_attempt(
    ledger: Ledger, rules: Rules, municipality: str, login: str
) -> dt.datetime | None:
    """Count an attempt before it is tried, so that many at once count too.

    Returns until when the name is locked if this one fails. Raises LockedError.
    """
    key = [municipality, hash_token(login)]
    async with ledger.transaction() as connection:
        await connection.execute(
            "DELETE FROM sign_in_attempts WHERE last_at < now() - %s", [FORGOTTEN]
        )
        await connection.execute(
            "INSERT INTO sign_in_attempts (municipality, login_hash, attempts) VALUES (%s, %s, 0) "
            "ON CONFLICT DO NOTHING",
            key,
        )
        cursor = await connection.execute(
            "SELECT *, now() AS now FROM sign_in_attempts "
            "WHERE municipality = %s AND login_hash = %s FOR UPDATE",
            key,
        )
        row = await cursor.fetchone()
        assert row is not None
        until: dt.datetime | None = row["locked_until"]
        now: dt.datetime = row["now"]
        if until is not None and until > now:
            raise LockedError(until)
        time = dt.timedelta(minutes=rules.locked_minutes)
        attempts = 1 if until is not None or row["last_at"] < now - time else row["attempts"] + 1
        until = now + time if attempts >= rules.attempts else None
        await connection.execute(
            "UPDATE sign_in_attempts SET attempts = %s, locked_until = %s, last_at = now() "
            "WHERE municipality = %s AND login_hash = %s",
            [attempts, until, *key],
        )
    return until


async def _refused(ledger: Ledger, guide: Guide | None, until: dt.datetime | None) -> AccessError:
    if until is None:
        return AccessError("wrong login, password or code")
    if guide is not None:
        async with ledger.transaction() as connection:
            await audit.write(connection, guide, "sign_in_locked", audit.account(guide.id))
    return LockedError(until)


async def _forget_attempts(connection: Connection, municipality: str, login: str) -> None:
    await connection.execute(
        "DELETE FROM sign_in_attempts WHERE municipality = %s AND login_hash = %s",
        [municipality, hash_token(login)],
    )


async def _unlock(connection: Connection, municipality: str, login: str) -> None:
    """The password was right; the attempts stay, for the code is still to be guessed."""
    await connection.execute(
        "UPDATE sign_in_attempts SET locked_until = NULL "
        "WHERE municipality = %s AND login_hash = %s",
        [municipality, hash_token(login)],
    )
