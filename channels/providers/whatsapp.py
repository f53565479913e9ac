"""WhatsApp Cloud API: JSON signed over its raw bytes, buttons and lists, a window of 24 hours.

Format: developers.facebook.com/docs/whatsapp/cloud-api (webhooks, messages) and
/docs/graph-api/webhooks/getting-started (verification). Off by default: see docs/kanaler.md.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict

from bot.outbox import Sent
from channels.providers.adapter import (
    Answer,
    Arrived,
    Call,
    ForgedError,
    Letter,
    NotSentError,
    Report,
    UnreadableError,
    WindowClosedError,
    is_one_of,
    post,
    uuid_or_none,
)

MOST_BUTTONS, MOST_ROWS = 3, 10
BUTTON_LENGTH, ROW_LENGTH, DESCRIPTION_LENGTH = 20, 24, 72
BODY_LENGTH = 1024  # of a message with buttons or rows
_STATES = {"sent": "sent", "delivered": "delivered", "read": "delivered", "failed": "failed"}


class WhatsAppAccount(BaseModel):
    """The app, and the number's id at Meta by our number; `template` says a message waits."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    access_token: str
    app_secrets: list[str]
    verify_token: str
    phone_number_ids: dict[str, str]
    template: str
    list_button: str
    api: str = "https://graph.facebook.com/v21.0"


class WhatsApp:
    """Speaks with WhatsApp's Cloud API."""

    name = "whatsapp"
    channel = "whatsapp"
    answers_in_response = False

    def __init__(self, account: WhatsAppAccount, public_url: str) -> None:
        self._account = account
        self._public_url = public_url

    def read(self, call: Call) -> list[Arrived | Report] | Answer:
        if call.method == "GET":
            return self._verify(call)
        expected = [
            f"sha256={hmac.digest(secret.encode(), call.body, hashlib.sha256).hex()}"
            for secret in self._account.app_secrets
        ]
        if not is_one_of(call.headers.get("x-hub-signature-256", ""), expected):
            raise ForgedError(self.name)
        try:
            told = json.loads(call.body)
            values = [change["value"] for entry in told["entry"] for change in entry["changes"]]
            return [item for value in values for item in self._items(value)]
        except (ValueError, KeyError, TypeError) as error:
            raise UnreadableError("not the format of a webhook") from error

    def _verify(self, call: Call) -> Answer:
        query = call.query
        is_known = is_one_of(query.get("hub.verify_token", ""), [self._account.verify_token])
        if query.get("hub.mode") != "subscribe" or not is_known:
            raise ForgedError(self.name)
        return Answer(200, query.get("hub.challenge", ""))

    def _items(self, value: dict[str, Any]) -> list[Arrived | Report]:
        numbers = {known: number for number, known in self._account.phone_number_ids.items()}
        to = numbers.get(value["metadata"]["phone_number_id"])
        items: list[Arrived | Report] = []
        for message in value.get("messages", []) if to else []:
            text, choice = _said(message)
            items.append(Arrived(message["id"], f"+{message['from']}", str(to), text, choice))
        for status in value.get("statuses", []):
            state = _STATES.get(status["status"])
            if state:
                reference = uuid_or_none(status.get("biz_opaque_callback_data"))
                items.append(Report(state, status["id"], reference))
        return items

    def answer(self, text: str | None) -> Answer:
        return Answer(200)

    async def send(self, http: httpx.AsyncClient, letter: Letter) -> Sent:
        account = self._account
        number_id = account.phone_number_ids.get(letter.sender)
        if number_id is None:
            raise NotSentError("unknown_sender")
        shape = (
            shaped(letter, account.list_button) if letter.is_window_open else self._knock(letter)
        )
        body = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": letter.to.lstrip("+"),
            "biz_opaque_callback_data": str(letter.reference),
            **shape,
        }
        headers = {"Authorization": f"Bearer {account.access_token}"}
        url = f"{account.api}/{number_id}/messages"
        sent = await post(http, url, _taken, json=body, headers=headers)
        if not letter.is_window_open:
            raise WindowClosedError
        return sent

    def _knock(self, letter: Letter) -> dict[str, Any]:
        """The template that says a message waits; what it is comes when she has written."""
        language = {"code": letter.language}
        template = {"name": self._account.template, "language": language}
        return {"type": "template", "template": template}


def _taken(known: Any) -> Sent:
    return Sent(str(known["messages"][0]["id"]))


def _said(message: dict[str, Any]) -> tuple[str, str | None]:
    """Words and choice of a message; pictures and sounds are told apart by an empty text."""
    if message["type"] == "text":
        return str(message["text"]["body"]), None
    if message["type"] == "interactive":
        pressed = message["interactive"]
        reply = pressed[pressed["type"]]
        return str(reply["title"]), str(reply["id"])
    if message["type"] == "button":
        return str(message["button"]["text"]), None
    return "", None


def shaped(letter: Letter, list_button: str) -> dict[str, Any]:
    """A message within the channel's limits: three buttons, ten rows, or numbers in the text."""
    choices = list(letter.choices)
    fits = len(letter.text) <= BODY_LENGTH and all(len(i) <= 200 for i, _ in choices)
    if not choices or not fits or len(choices) > MOST_ROWS:
        text = "\n".join([letter.text, *(f"{n} {c[1]}" for n, c in enumerate(choices, 1))])
        return {"type": "text", "text": {"body": text, "preview_url": False}}
    action: dict[str, Any]
    if len(choices) <= MOST_BUTTONS and all(len(label) <= BUTTON_LENGTH for _, label in choices):
        kind, action = "button", {"buttons": _buttons(choices)}
    else:
        rows = [_row(choice, label) for choice, label in choices]
        kind, action = "list", {"button": list_button, "sections": [{"rows": rows}]}
    shown = {"type": kind, "body": {"text": letter.text}, "action": action}
    return {"type": "interactive", "interactive": shown}


def _buttons(choices: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"type": "reply", "reply": {"id": i, "title": label}} for i, label in choices]


def _row(choice: str, label: str) -> dict[str, str]:
    if len(label) <= ROW_LENGTH:
        return {"id": choice, "title": label}
    title = f"{label[: ROW_LENGTH - 1]}…"
    return {"id": choice, "title": title, "description": label[:DESCRIPTION_LENGTH]}
