"""One-time codes that move a conversation between web and phone, or resume it days later.

Eight characters without look-alikes, kept as a keyed hash, used once. Wrong codes are counted by
where they came from, so that nobody can try them through.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import UUID

import yaml
from pydantic import BaseModel, ConfigDict

from bot.database import Connection
from bot.ledger import hash_token
from bot.privacy import Seal

POLICY = Path(__file__).parent / "content" / "policy" / "codes.yml"
ALPHABET = "34679ACDEFGHJKMNPQRTWXY"
LENGTH = 8
CodePurpose = Literal["move", "pause"]
_SHAPE = re.compile(rf"[{ALPHABET}]{{4}}[\s-]?[{ALPHABET}]{{4}}", re.IGNORECASE)


class TooManyCodesError(RuntimeError):
    """So many wrong codes came from there that more are not looked at for now."""


class CodePolicy(BaseModel):
    """Times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    move: int
    pause: int
    attempts: int
    attempts_within: int

    @classmethod
    def load(cls) -> CodePolicy:
        return cls.model_validate(yaml.safe_load(POLICY.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class Opened:
    """A conversation that a code opened."""

    conversation: UUID
    municipality: str


def is_code(text: str) -> bool:
    """Whether a text looks like a code: an ordinary word has no digit."""
    return bool(_SHAPE.fullmatch(text.strip())) and any(letter.isdigit() for letter in text)


async def new_code(
    connection: Connection,
    seal: Seal,
    conversation: UUID,
    purpose: CodePurpose,
    retention_days: int,
) -> str:
    """A code in two groups; earlier unused ones of the same purpose stop working.

    It never outlives the conversation's retention. Raises KeyError.
    """
    policy = CodePolicy.load()
    seconds = policy.move if purpose == "move" else policy.pause
    code = _drawn()
    await connection.execute(
        "DELETE FROM resume_codes WHERE conversation_id = %s AND purpose = %s",
        [conversation, purpose],
    )
    cursor = await connection.execute(
        "INSERT INTO resume_codes (code_hash, municipality, conversation_id, purpose, expires_at) "
        "SELECT %s, municipality, id, %s, least(now() + make_interval(secs => %s), "
        "last_at + make_interval(days => %s)) FROM conversations WHERE id = %s",
        [seal.marks(f"code:{code}")[0], purpose, seconds, retention_days, conversation],
    )
    if cursor.rowcount == 0:
        raise KeyError(conversation)
    return f"{code[:4]}-{code[4:]}"


async def use_code(connection: Connection, seal: Seal, code: str, origin: str) -> Opened:
    """The conversation of a code, which stops working. Wrong ones are counted by `origin`.

    Raises KeyError for a wrong, used or expired code (then call `note_wrong`), TooManyCodesError.
    """
    policy = CodePolicy.load()
    mark = seal.marks(f"origin:{origin}")[0]
    cursor = await connection.execute(
        "SELECT count(*) AS n FROM code_attempts WHERE mark = %s "
        "AND tried_at > now() - make_interval(secs => %s)",
        [mark, policy.attempts_within],
    )
    row = await cursor.fetchone()
    if row and row["n"] >= policy.attempts:
        raise TooManyCodesError
    tidied = re.sub(r"[\s-]", "", code).upper()
    cursor = await connection.execute(
        "UPDATE resume_codes SET used_at = now() WHERE code_hash = ANY(%s) AND used_at IS NULL "
        "AND expires_at > now() RETURNING conversation_id, municipality",
        [seal.marks(f"code:{tidied}")],
    )
    found = await cursor.fetchone()
    if found is None:
        raise KeyError(code)
    return Opened(found["conversation_id"], found["municipality"])


async def note_wrong(connection: Connection, seal: Seal, origin: str) -> None:
    """Count a wrong code against where it came from."""
    mark = seal.marks(f"origin:{origin}")[0]
    await connection.execute("INSERT INTO code_attempts (mark) VALUES (%s)", [mark])


async def new_token(connection: Connection, opened: Opened) -> str:
    """A new token of the conversation for the device that gave the code; the old one ends."""
    token = f"{opened.municipality}.{secrets.token_urlsafe(32)}"
    await connection.execute(
        "UPDATE conversations SET token_hash = %s WHERE id = %s",
        [hash_token(token), opened.conversation],
    )
    return token


async def sweep_codes(connection: Connection) -> None:
    """Forget codes and attempts whose time is over."""
    await connection.execute(
        "DELETE FROM resume_codes WHERE expires_at < now() OR used_at IS NOT NULL"
    )
    await connection.execute(
        "DELETE FROM code_attempts WHERE tried_at < now() - make_interval(secs => %s)",
        [CodePolicy.load().attempts_within],
    )


def _drawn() -> str:
    while True:
        code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        if any(letter.isdigit() for letter in code):
            return code
