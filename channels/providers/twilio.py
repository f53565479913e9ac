"""Twilio: calls signed over the exact address and the form fields, answers in TwiML.

Format: twilio.com/docs/usage/security (X-Twilio-Signature), /docs/messaging/guides/webhook-request
and /docs/sms/api/message-resource. The address is the one Twilio was given (`public_url`), since a
proxy changes scheme and host on the way here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import escape

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
)

_STATES = {
    "accepted": "accepted",
    "scheduled": "accepted",
    "queued": "accepted",
    "sending": "accepted",
    "sent": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "failed",
    "failed": "failed",
}
_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response>{}</Response>'


class TwilioAccount(BaseModel):
    """The account; `auth_tokens` newest first, the older one while it is replaced."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    account_sid: str
    auth_tokens: list[str]
    api: str = "https://api.twilio.com"


class Twilio:
    """Speaks with Twilio."""

    name = "twilio"
    channel = "sms"
    answers_in_response = True

    def __init__(self, account: TwilioAccount, public_url: str) -> None:
        self._account = account
        self._public_url = public_url

    def read(self, call: Call) -> list[Arrived | Report] | Answer:
        given = call.headers.get("x-twilio-signature", "")
        url, fields = self._public_url + call.target, call.form
        expected = [signature(token, url, fields) for token in self._account.auth_tokens]
        if not is_one_of(given, expected):
            raise ForgedError(self.name)
        known = dict(fields)
        if not is_one_of(known.get("AccountSid", ""), [self._account.account_sid]):
            raise ForgedError(self.name)
        if "Body" in known and known.get("MessageSid") and known.get("From") and known.get("To"):
            return [Arrived(known["MessageSid"], known["From"], known["To"], known["Body"])]
        state = _STATES.get(known.get("MessageStatus", ""))
        if state and known.get("MessageSid"):
            return [Report(state, known["MessageSid"], uuid_or_none(call.query.get("ref")))]
        raise UnreadableError("neither a message nor a report")

    def answer(self, text: str | None) -> Answer:
        said = f"<Message>{escape(text)}</Message>" if text else ""
        return Answer(200, _TWIML.format(said), "text/xml")

    async def send(self, http: httpx.AsyncClient, letter: Letter) -> Sent:
        account = self._account
        return await post(
            http,
            f"{account.api}/2010-04-01/Accounts/{account.account_sid}/Messages.json",
            _taken,
            auth=(account.account_sid, account.auth_tokens[0]),
            data={
                "From": letter.sender,
                "To": letter.to,
                "Body": letter.text,
                "StatusCallback": f"{self._public_url}/in/{self.name}?ref={letter.reference}",
            },
        )


def _taken(known: Any) -> Sent:
    """The price comes later, in another currency a month: only parts are counted here."""
    return Sent(str(known["sid"]), 0, int(known.get("num_segments") or 1))


def signature(token: str, url: str, fields: Iterable[tuple[str, str]]) -> str:
    """HMAC-SHA1 over the address and the fields sorted by name, each value once."""
    said = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.digest(token.encode(), said.encode(), hashlib.sha1)).decode()
