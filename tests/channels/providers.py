"""Every provider as the tests know it: configured, its payloads, and how it proves itself."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from channels.phones import Phones, PhonesFile
from channels.providers.adapter import Call, Provider
from channels.providers.generic import sign
from channels.providers.twilio import signature

DATA = Path(__file__).parent / "data"
PUBLIC = "https://lotsa.example.se/svar"  # behind a proxy that takes /svar away
OUR_NUMBER, PHONE = "+46766861001", "+46706861004"
REFERENCE = "7d444840-9dc0-11d1-b245-5ffdce74fad2"
OLD, NEW = "an-old-secret-for-tests", "a-new-secret-for-tests"

ACCOUNTS: dict[str, dict[str, Any]] = {
    "46elks": {
        "username": "u-api", "password": "p-api", "webhook_user": "elks",
        "webhook_passwords": [NEW, OLD], "webhook_secrets": ["path-secret"],
    },
    "twilio": {"account_sid": "AC00000000000000000000000000000001", "auth_tokens": [NEW, OLD]},
    "generic": {"send_url": "https://gateway.example.se/send?x=1", "secrets": [NEW, OLD]},
    "whatsapp": {
        "access_token": "token", "app_secrets": [NEW, OLD], "verify_token": "verify-me",
        "phone_number_ids": {OUR_NUMBER: "106540352242922"}, "template": "message_waits",
        "list_button": "Välj",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A provider, and how a call of it is made."""

    name: str
    target: str
    suffix: str
    proof: Callable[[Call, str], Mapping[str, str]]

    def payload(self, kind: str) -> bytes:
        return (DATA / f"{self.name}_{kind}.{self.suffix}").read_bytes().rstrip(b"\n")

    def call(self, kind: str, secret: str = NEW, body: bytes | None = None) -> Call:
        """A call as the provider makes it."""
        body = self.payload(kind) if body is None else body
        target = self.target
        if kind == "report" and self.suffix == "form":
            target += f"?ref={REFERENCE}"
        call = Call("POST", target, {"content-type": "application/x"}, body)
        return replace(call, headers={**call.headers, **self.proof(call, secret)})


def settings_file(name: str, municipality: str = "strangnas", **account: Any) -> dict[str, Any]:
    """The file of an installation with this provider alone."""
    door: dict[str, Any] = {"numbers": {OUR_NUMBER: municipality}}
    door["account"] = {**ACCOUNTS[name], **account}
    if name == "whatsapp":
        return {"public_url": PUBLIC, "whatsapp": door}
    return {"public_url": PUBLIC, "sms": {"provider": name, **door}}


def provider(name: str) -> Provider:
    """The adapter, configured."""
    return Phones(PhonesFile.model_validate(settings_file(name))).by_name[name]


def write_file(path: Path, name: str, municipality: str = "strangnas", **account: Any) -> Path:
    """The file as an operator writes it."""
    path.write_text(yaml.safe_dump(settings_file(name, municipality, **account)), encoding="utf-8")
    return path


def _basic(_: Call, secret: str) -> Mapping[str, str]:
    given = base64.b64encode(f"elks:{secret}".encode()).decode()
    return {"authorization": f"Basic {given}"}


def _twilio(call: Call, secret: str) -> Mapping[str, str]:
    return {"x-twilio-signature": signature(secret, PUBLIC + call.target, call.form)}


def _generic(call: Call, secret: str) -> Mapping[str, str]:
    stamp = str(int(time.time()))
    signed = sign(secret, stamp, f"/svar{call.target}", call.body)
    return {"x-lotsa-timestamp": stamp, "x-lotsa-signature": signed}


def _whatsapp(call: Call, secret: str) -> Mapping[str, str]:
    digest = hmac.digest(secret.encode(), call.body, hashlib.sha256).hex()
    return {"x-hub-signature-256": f"sha256={digest}"}


CASES = {
    case.name: case
    for case in (
        Case("46elks", "/in/46elks/path-secret", "form", _basic),
        Case("twilio", "/in/twilio", "form", _twilio),
        Case("generic", "/in/generic", "json", _generic),
        Case("whatsapp", "/in/whatsapp", "json", _whatsapp),
    )
}
