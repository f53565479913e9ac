"""Every route × nine actors, over HTTP, against the table in access_table.yml."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import yaml

from bot import codes, families, handoff
from bot.ledger import Ledger
from bot.settings import PROJECT, Settings
from channels.accounts import Guide, add_guide
from channels.app import create_app
from channels.console import COOKIE
from channels.editing_pages import PURPOSE
from channels.sessions import open_session
from channels.sign_in_rules import Rules
from knowledge.catalogue import Catalogue
from tests.conftest import PASSWORD

TABLE = yaml.safe_load(Path(__file__).with_name("access_table.yml").read_text(encoding="utf-8"))
ROUTES: dict[str, dict[str, Any]] = TABLE["routes"]
ACTORS: list[str] = TABLE["groups"]["everybody"]
ROLES = {
    "guide": "guide",
    "holder": "guide",
    "elsewhere": "guide",
    "editor": "editor",
    "admin": "admin",
    "auditor": "auditor",
    "spare": "guide",
}
HERE, ELSEWHERE = "vingaker", "gnesta"
REFUSED = {401, 403, 404}


@dataclass
class World:
    """People of two municipalities, and conversations made as they are needed."""

    client: httpx.AsyncClient
    ledger: Ledger
    people: dict[str, Guide]
    service: str

    async def conversation(self, *, waits: bool) -> tuple[dict[str, str], dict[str, str]]:
        """A conversation waiting for or held by `holder`: its ids, and the parents' tokens."""
        mine, token = await self.ledger.open_conversation(HERE, "web", "sv")
        _, other = await self.ledger.open_conversation(HERE, "web", "sv")
        async with self.ledger.transaction() as connection:
            stretch = await handoff.request(
                connection,
                self.ledger.seal,
                conversation=mine,
                municipality=HERE,
                function="guide",
                level="guide",
                language="sv",
                brief=None,
                promised_at=dt.datetime.now(dt.UTC) + dt.timedelta(hours=1),
            )
            assert stretch is not None
            today = dt.datetime.now(dt.UTC).date()
            family = await families.propose(
                connection,
                self.ledger.seal,
                municipality=HERE,
                conversation=mine,
                guide=self.people["holder"].id,
                agreement=families.Agreement(how="telefon", when="varje vecka"),
                until=today + dt.timedelta(days=30),
                today=today,
            )
            code = await codes.new_code(connection, self.ledger.seal, mine, "pause", 30)
            if not waits:
                found = await handoff.find(connection, self.ledger.seal, stretch, HERE)
                await handoff.move(connection, found, "claimed", self.people["holder"].id)
        ids = {
            "conversation_id": str(mine),
            "handoff_id": str(stretch),
            "family_id": str(family),
            "code": code,
        }
        return ids, {"parent": token, "other_parent": other}

    async def ask(self, route: str, actor: str, row: dict[str, Any]) -> httpx.Response:
        """The route, asked by somebody with a session of her own."""
        ids, tokens = await self.conversation(waits=row.get("waits", False))
        ids |= {
            "municipality": HERE,
            "service_id": self.service,
            "account_id": str(self.people["spare"].id),
            "tool": "contacts",
            "form": "txt",
            "act": "roller",
            "number": "0",
            "report": "00000000-0000-4000-8000-000000000001",
            "name": "notes",
            "purpose": "storage",
            "ticket": "none",
            "provider": "46elks",
            "secret": "none",
        }
        method, path = route.split()
        headers = {"X-Lotsa-Console": "1"}
        token = ""
        if actor in tokens:
            headers["Authorization"] = f"Bearer {tokens[actor]}"
        elif actor in self.people:
            async with self.ledger.transaction() as connection:
                session = await open_session(connection, Rules(), self.people[actor], "done")
            headers["Cookie"] = f"{COOKIE}={session.token}"
            token = hmac.new(session.token.encode(), PURPOSE, hashlib.sha256).hexdigest()
        if token:
            await self._begin_enrolling(path, headers)
        form, body = (
            {n: ids["code"] if v == "{code}" else v for n, v in row.get(kind, {}).items()}
            for kind in ("form", "json")
        )
        data = {"token": token, **form} if "form" in row else None
        url = re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], path)
        answer = await self.client.request(
            method, url, headers=headers, json=body if "json" in row else None, data=data
        )
        self.client.cookies.clear()
        return answer

    async def _begin_enrolling(self, path: str, headers: dict[str, str]) -> None:
        """A secret has to be shown before a code can be given."""
        if path == "/console/konto/tvasteg":
            await self.client.get(path, headers=headers)


@pytest.fixture(scope="session")
async def world(client: httpx.AsyncClient, ledger: Ledger) -> World:
    people = {}
    async with ledger.transaction() as connection:
        for actor, role in ROLES.items():
            place = ELSEWHERE if actor == "elsewhere" else HERE
            login = f"table-{actor}"
            made: UUID = await add_guide(
                connection, place, login, actor.title(), "guide", PASSWORD, [role]
            )
            people[actor] = Guide(made, place, actor.title(), "guide", frozenset({role}))
    return World(client, ledger, people, Catalogue.load().municipalities[HERE].contact_centre)


def allowed(row: dict[str, Any]) -> set[str]:
    who = row["who"]
    return set(TABLE["groups"][who] if isinstance(who, str) else who)


def is_refused(answer: httpx.Response) -> bool:
    """Refused for who she is, not for what she sent."""
    if answer.status_code == 303:
        return answer.headers["location"] == "/console/login"
    if answer.status_code == 409:
        return bool(answer.json()["error"]["code"] == "taken")
    return answer.status_code in REFUSED


def test_the_table_lists_every_route(test_settings: Settings, database_url: str) -> None:
    published = create_app(test_settings, database_url).openapi()["paths"]
    routes = {f"{method.upper()} {path}" for path, does in published.items() for method in does}
    assert routes == set(ROUTES)


@pytest.mark.parametrize("route", ROUTES)
async def test_a_route_answers_those_in_the_table_and_nobody_else(world: World, route: str) -> None:
    row = ROUTES[route]
    wrong = {}
    for actor in ACTORS:
        is_allowed = actor in allowed(row)
        if is_allowed and row.get("stream"):
            continue  # it never ends; the tests of the stream read it
        answer = await world.ask(route, actor, row)
        if is_allowed and "says" in row:
            is_right = answer.status_code == row["says"]
        elif is_allowed:
            signs_out = route.endswith(("/logout", "/logga-ut"))
            is_right = answer.status_code < 400 and (signs_out or not is_refused(answer))
        else:
            is_right = is_refused(answer)
        if not is_right:
            wrong[actor] = (answer.status_code, answer.text[:200])
    assert wrong == {}


def test_only_access_fetches_a_conversation_for_somebody() -> None:
    fetching = re.compile(r"ledger\.(messages|by_token|texts)\(|\bhandoff\.find\(")
    # The terminal talks to nobody but its own user; the benchmark reads what it wrote itself.
    own = {"access.py", "terminal.py", "measure.py"}
    found = [
        str(path.relative_to(PROJECT))
        for path in (PROJECT / "channels").rglob("*.py")
        if path.name not in own and fetching.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []
