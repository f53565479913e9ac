"""Behaves as phones and as 46elks: takes messages, delivers webhooks, reports, and misbehaves."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
from collections.abc import Coroutine
from dataclasses import asdict, dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import httpx

from channels.gsm import count
from channels.providers.elks import ElksAccount

PRICE = 3500  # a part, in 1/10 000 SEK
Failure = Literal["none", "error_500", "lost_answer", "refused", "not_delivered"]
Reports = Literal["in_order", "out_of_order", "none"]
RETRIES = 12


@dataclass
class Faults:
    """How the provider misbehaves from now on; `fail_next` counts down."""

    duplicates: int = 0  # extra deliveries of each webhook
    delay: float = 0.0  # seconds before each webhook and report
    reports: Reports = "in_order"
    failure: Failure = "none"
    fail_next: int = 0  # how many messages fail; 0 with a failure chosen means every one


@dataclass
class Sms:
    """A message on a phone's screen."""

    id: str
    phone: str
    number: str
    direction: Literal["out", "in"]  # from the phone, to the phone
    text: str
    encoding: str
    parts: int
    statuses: list[str] = field(default_factory=list)
    sent_at: str = field(default_factory=lambda: dt.datetime.now(dt.UTC).isoformat())


class Simulator:
    """Phones on one side, 46elks on the other; `product` reaches the running product."""

    def __init__(
        self, account: ElksAccount, product: httpx.AsyncClient, retry: float = 1.0
    ) -> None:
        self.account = account
        self.faults = Faults()
        self.messages: list[Sms] = []
        self._product = product
        self._retry = retry
        self._tasks: set[asyncio.Task[None]] = set()

    def screen(self, phone: str) -> list[Sms]:
        """What a phone shows, in the order it came."""
        return [sms for sms in self.messages if sms.phone == phone]

    def type(self, phone: str, number: str, text: str) -> Sms:
        """Send an SMS from a phone; the webhook goes out now or after the chosen delay."""
        sms = self._noted(phone, number, "out", text)
        fields = {
            "direction": "incoming",
            "id": sms.id,
            "from": phone,
            "to": number,
            "created": dt.datetime.now(dt.UTC).replace(tzinfo=None).isoformat(),
            "message": text,
        }
        for _ in range(1 + self.faults.duplicates):
            self._later(self._deliver(fields, sms))
        return sms

    async def settle(self) -> None:
        """Wait until every webhook and report that is under way has been delivered."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    def take(self, authorization: str, fields: dict[str, str]) -> tuple[int, dict[str, Any] | str]:
        """What POST /a1/sms does: status and body. A lost answer is a yes that nobody hears."""
        if authorization != self._basic(self.account.username, self.account.password):
            return 401, "API access requires Basic HTTP authentication"
        if not all(fields.get(name) for name in ("from", "to", "message")):
            return 400, "Missing key"
        failure = self._failing()
        if failure == "error_500":
            return 500, "Internal server error"
        if failure == "refused":
            return 400, "Invalid to number"
        sms = self._noted(fields["to"], fields["from"], "in", fields["message"], failure)
        self._report(sms, fields.get("whendelivered", ""), failure)
        if failure == "lost_answer":
            return 504, "Gateway timeout"
        return 200, {
            "status": "created",
            "direction": "outgoing",
            "from": sms.number,
            "to": sms.phone,
            "created": sms.sent_at,
            "parts": sms.parts,
            "cost": PRICE * sms.parts,
            "id": sms.id,
        }

    def as_json(self) -> dict[str, Any]:
        """Everything, for the page."""
        return {"faults": asdict(self.faults), "messages": [asdict(sms) for sms in self.messages]}

    def _failing(self) -> Failure:
        failure = self.faults.failure
        if failure != "none" and self.faults.fail_next:
            self.faults.fail_next -= 1
            if not self.faults.fail_next:
                self.faults.failure = "none"
        return failure

    def _noted(
        self, phone: str, number: str, direction: Literal["out", "in"], text: str,
        failure: Failure = "none",
    ) -> Sms:  # fmt: skip
        counted = count(text)
        sms = Sms(
            f"s{uuid4().hex}", phone, number, direction, text, counted.encoding, counted.parts
        )
        if failure != "not_delivered":
            self.messages.append(sms)
        return sms

    def _report(self, sms: Sms, url: str, failure: Failure) -> None:
        end = "failed" if failure == "not_delivered" else "delivered"
        states = {"in_order": ["sent", end], "out_of_order": [end, "sent"], "none": []}
        for state in states[self.faults.reports] if url else []:
            fields = {"id": sms.id, "status": state}
            sms.statuses.append(state)
            for _ in range(1 + self.faults.duplicates):
                self._later(self._call(url, fields))

    async def _deliver(self, fields: dict[str, str], sms: Sms) -> None:
        path = f"/in/46elks/{self.account.webhook_secrets[0]}"
        answer = await self._call(path, fields)
        if answer is not None and answer.text:
            self._noted(sms.phone, sms.number, "in", answer.text)
        sms.statuses.append(str(answer.status_code) if answer is not None else "given up")

    async def _call(self, url: str, fields: dict[str, str]) -> httpx.Response | None:
        """Call until the answer is 200–204, as 46elks does."""
        parts = urlsplit(url)
        path = urlunsplit(("", "", "/in/" + parts.path.partition("/in/")[2], parts.query, ""))
        user = parts.username or self.account.webhook_user
        password = parts.password or self.account.webhook_passwords[0]
        for attempt in range(RETRIES):
            await asyncio.sleep(self.faults.delay if attempt == 0 else self._retry)
            try:
                answer = await self._product.post(path, data=fields, auth=(user, password))
            except httpx.HTTPError:
                continue
            if 200 <= answer.status_code <= 204:
                return answer
        return None

    def _later(self, doing: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @staticmethod
    def _basic(user: str, password: str) -> str:
        return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
