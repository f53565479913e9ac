"""The second factor: codes that change with time (RFC 6238), and backup codes that count once."""

from __future__ import annotations

import hmac
import secrets
import time
from io import BytesIO

import pyotp
import segno
from markupsafe import Markup

from bot import audit
from bot.audit import Actor
from bot.database import Connection
from bot.ledger import hash_token
from bot.privacy import Seal
from channels.accounts import Account, AccountError, Guide, end_sessions

PERIOD = 30  # seconds a code is shown; the one before and after count too
BACKUP_CODES = 10
ISSUER = "Lotsa"
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


async def begin(connection: Connection, seal: Seal, guide: Guide) -> str:
    """The secret to enrol with, the same until a code has proved it. Raises AccountError."""
    cursor = await connection.execute(
        "SELECT sealed_totp, totp_since FROM guides WHERE id = %s FOR UPDATE", [guide.id]
    )
    row = await cursor.fetchone()
    if row is None or row["totp_since"] is not None:
        raise AccountError("has_second_factor")
    if row["sealed_totp"] is not None:
        return str(seal.open(row["sealed_totp"]))
    secret = pyotp.random_base32()
    await connection.execute(
        "UPDATE guides SET sealed_totp = %s WHERE id = %s", [seal.seal(secret), guide.id]
    )
    return secret


def qr_code(secret: str, login: str) -> Markup:
    """The secret as a picture for a phone: inline SVG drawn here, without style or script."""
    address = pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=ISSUER)
    drawn = BytesIO()
    segno.make(address, error="m").save(
        drawn, kind="svg", xmldecl=False, svgns=True, border=4, scale=5, light="#fff", omitsize=True
    )
    return Markup(drawn.getvalue().decode())


async def finish(connection: Connection, seal: Seal, guide: Guide, code: str) -> list[str]:
    """Prove the secret with a code; returns the backup codes, shown once. Raises AccountError."""
    cursor = await connection.execute(
        "SELECT sealed_totp, totp_since FROM guides WHERE id = %s FOR UPDATE", [guide.id]
    )
    row = await cursor.fetchone()
    if row is None or row["sealed_totp"] is None or row["totp_since"] is not None:
        raise AccountError("has_second_factor")
    step = _step_of(str(seal.open(row["sealed_totp"])), code, 0)
    if step is None:
        raise AccountError("wrong_code")
    await connection.execute(
        "UPDATE guides SET totp_since = now(), totp_step = %s WHERE id = %s", [step, guide.id]
    )
    codes = [_backup_code() for _ in range(BACKUP_CODES)]
    await connection.execute("DELETE FROM backup_codes WHERE guide_id = %s", [guide.id])
    async with connection.cursor() as many:
        await many.executemany(
            "INSERT INTO backup_codes (guide_id, municipality, code_hash) VALUES (%s, %s, %s)",
            [(guide.id, guide.municipality, hash_token(_plain(one))) for one in codes],
        )
    await audit.write(connection, guide, "second_factor_added", audit.account(guide.id))
    return codes


async def is_code(connection: Connection, seal: Seal, guide: Guide, code: str) -> bool:
    """Whether a code counts, of the phone or a backup code; each counts once."""
    cursor = await connection.execute(
        "SELECT sealed_totp, totp_step FROM guides WHERE id = %s AND totp_since IS NOT NULL "
        "FOR UPDATE",
        [guide.id],
    )
    row = await cursor.fetchone()
    if row is None:
        return False
    step = _step_of(str(seal.open(row["sealed_totp"])), code, row["totp_step"])
    if step is not None:
        await connection.execute("UPDATE guides SET totp_step = %s WHERE id = %s", [step, guide.id])
        return True
    cursor = await connection.execute(
        "UPDATE backup_codes SET used_at = now() WHERE guide_id = %s AND code_hash = %s "
        "AND used_at IS NULL RETURNING 1",
        [guide.id, hash_token(_plain(code))],
    )
    return await cursor.fetchone() is not None


async def codes_left(connection: Connection, guide: Guide) -> int:
    """How many backup codes are unused."""
    cursor = await connection.execute(
        "SELECT count(*) AS n FROM backup_codes WHERE guide_id = %s AND used_at IS NULL", [guide.id]
    )
    row = await cursor.fetchone()
    return int(row["n"]) if row else 0


async def remove(connection: Connection, by: Actor, account: Account) -> None:
    """Take the second factor away, for somebody who lost her phone; her sessions end."""
    await connection.execute(
        "UPDATE guides SET sealed_totp = NULL, totp_since = NULL, totp_step = 0 WHERE id = %s",
        [account.id],
    )
    await connection.execute("DELETE FROM backup_codes WHERE guide_id = %s", [account.id])
    await end_sessions(connection, account.municipality, account.id)
    await audit.write(connection, by, "second_factor_removed", audit.account(account.id))


def _step_of(secret: str, code: str, last: int) -> int | None:
    """The time step the code is of, if it is of now and later than the last that counted."""
    given, now = _plain(code), int(time.time()) // PERIOD
    totp = pyotp.TOTP(secret)
    for step in (now, now - 1, now + 1):
        if step > last and hmac.compare_digest(totp.generate_otp(step).encode(), given.encode()):
            return step
    return None


def _plain(code: str) -> str:
    return "".join(code.split()).replace("-", "").lower()


def _backup_code() -> str:
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(2))
