"""46elks: form fields, Basic auth and a secret path (it signs nothing), reports by `whendelivered`.

Format: 46elks.com/docs/receive-sms, /docs/send-sms and /docs/sms-delivery-reports. A call is
repeated for hours until it is answered with 200–204; text in the answer is sent as a reply.
"""

from __future__ import annotations

from urllib.parse import quote, urlsplit, urlunsplit

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

_STATES = {"created": "accepted", "sent": "sent", "delivered": "delivered", "failed": "failed"}


class ElksAccount(BaseModel):
    """The account, and how 46elks proves itself to us; each list may hold two while one changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    username: str
    password: str
    webhook_user: str
    webhook_passwords: list[str]
    webhook_secrets: list[str]
    api: str = "https://api.46elks.com"


class Elks:
    """Speaks with 46elks."""

    name = "46elks"
    channel = "sms"
    answers_in_response = True

    def __init__(self, account: ElksAccount, public_url: str) -> None:
        self._account = account
        self._public_url = public_url

    def read(self, call: Call) -> list[Arrived | Report] | Answer:
        self._check(call)
        fields = dict(call.form)
        if "message" in fields and fields.get("direction") == "incoming":
            needed = ("id", "from", "to")
            if not all(fields.get(name) for name in needed):
                raise UnreadableError("a message without id, from or to")
            return [Arrived(fields["id"], fields["from"], fields["to"], fields["message"])]
        if fields.get("status") in _STATES and fields.get("id"):
            reference = uuid_or_none(call.query.get("ref"))
            return [Report(_STATES[fields["status"]], fields["id"], reference)]
        raise UnreadableError("neither a message nor a report")

    def _check(self, call: Call) -> None:
        secret = call.target.partition("?")[0].rpartition("/")[2]
        user, password = call.basic_auth or ("", "")
        account = self._account
        proofs = [
            is_one_of(secret, account.webhook_secrets),
            is_one_of(user, [account.webhook_user]),
            is_one_of(password, account.webhook_passwords),
        ]
        if not all(proofs):
            raise ForgedError(self.name)

    def answer(self, text: str | None) -> Answer:
        return Answer(200, text) if text else Answer(204)

    async def send(self, http: httpx.AsyncClient, letter: Letter) -> Sent:
        account = self._account
        return await post(
            http,
            f"{account.api}/a1/sms",
            with_cost,
            auth=(account.username, account.password),
            data={
                "from": letter.sender,
                "to": letter.to,
                "message": letter.text,
                "whendelivered": self._report_url(letter),
                "dontlog": "message",  # the words are not kept at the provider
            },
        )

    def _report_url(self, letter: Letter) -> str:
        account, parts = self._account, urlsplit(self._public_url)
        user, password = quote(account.webhook_user), quote(account.webhook_passwords[0], safe="")
        path = f"{parts.path}/in/{self.name}/{account.webhook_secrets[0]}"
        place = f"{user}:{password}@{parts.netloc}"
        return urlunsplit((parts.scheme, place, path, f"ref={letter.reference}", ""))
