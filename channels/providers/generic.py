"""Any gateway that speaks plain HTTP with JSON, signed both ways (docs/kanaler.md has the format).

A call carries `X-Lotsa-Timestamp` (seconds) and `X-Lotsa-Signature: sha256=<hex>`, the HMAC-SHA256
of `<timestamp>.<path and query>.<body>`. Calls older than five minutes are refused.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ConfigDict

from bot.outbox import Sent
from channels.providers.adapter import (
    Answer,
    Arrived,
    Call,
    ForgedError,
    Letter,
    Report,
    UnreadableError,
    is_one_of,
    post,
    uuid_or_none,
    with_cost,
)

WINDOW = 300  # seconds
STATES = ("accepted", "sent", "delivered", "failed")


class GenericAccount(BaseModel):
    """Where messages are handed over, and the secrets in force, newest first."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    send_url: str
    secrets: list[str]


class Generic:
    """Speaks with a gateway of the municipality's own."""

    name = "generic"
    channel = "sms"
    answers_in_response = True

    def __init__(
        self,
        account: GenericAccount,
        public_url: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._account = account
        self._public_url = public_url
        self._clock = clock

    def read(self, call: Call) -> list[Arrived | Report] | Answer:
        self._check(call)
        try:
            said: dict[str, Any] = json.loads(call.body)
            if said["type"] == "message":
                values = [str(said[name]) for name in ("id", "from", "to", "text")]
                return [Arrived(*values)]
            if said["type"] == "status" and said["status"] in STATES:
                reference = uuid_or_none(said.get("reference"))
                return [Report(str(said["status"]), said.get("id"), reference)]
        except (ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
            raise UnreadableError("not the agreed JSON") from error
        raise UnreadableError("neither a message nor a status")

    def _check(self, call: Call) -> None:
        stamp = call.headers.get("x-lotsa-timestamp", "")
        given = call.headers.get("x-lotsa-signature", "")
        path = urlsplit(self._public_url).path + call.target
        expected = [sign(secret, stamp, path, call.body) for secret in self._account.secrets]
        is_signed = is_one_of(given, expected)
        if not is_signed or not stamp.isdigit() or abs(self._clock() - int(stamp)) > WINDOW:
            raise ForgedError(self.name)

    def answer(self, text: str | None) -> Answer:
        body = json.dumps({"reply": text} if text else {}, ensure_ascii=False)
        return Answer(200, body, "application/json")

    async def send(self, http: httpx.AsyncClient, letter: Letter) -> Sent:
        body = json.dumps(
            {
                "reference": str(letter.reference),
                "from": letter.sender,
                "to": letter.to,
                "text": letter.text,
            },
            ensure_ascii=False,
        ).encode()
        stamp, parts = str(int(self._clock())), urlsplit(self._account.send_url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": str(letter.reference),
            "X-Lotsa-Timestamp": stamp,
            "X-Lotsa-Signature": sign(self._account.secrets[0], stamp, path, body),
        }
        url = self._account.send_url
        return await post(http, url, with_cost, content=body, headers=headers)


def sign(secret: str, stamp: str, path: str, body: bytes) -> str:
    """The signature of a call, in either direction."""
    said = f"{stamp}.{path}.".encode() + body
    return f"sha256={hmac.digest(secret.encode(), said, hashlib.sha256).hex()}"
