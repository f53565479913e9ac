"""People of the console, as they sign in and press buttons in a browser without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import httpx

from bot.audit import Entry, entries
from bot.database import connect
from channels.accounts import add_guide
from tests.conftest import PASSWORD

TOKEN = re.compile(r'name="token" value="([0-9a-f]{64})"')
SECRET = re.compile(r'<code class="secret">([^<]+)</code>')


@dataclass
class Person:
    """A browser with its own cookies."""

    client: httpx.AsyncClient
    municipality: str
    login: str
    id: UUID
    cookies: dict[str, str] = field(default_factory=dict)
    api: dict[str, str] = field(default_factory=lambda: {"X-Lotsa-Console": "1"})

    async def request(self, method: str, path: str, **options: object) -> httpx.Response:
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        if path.startswith("/console/api"):
            headers |= self.api
        answer = await self.client.request(method, path, headers=headers, **options)  # type: ignore[arg-type]
        self.client.cookies.clear()
        for name, value in answer.cookies.items():
            self.cookies[name] = value
        return answer

    async def get(self, path: str) -> httpx.Response:
        return await self.request("GET", path)

    async def send(self, page: str, path: str, **fields: object) -> httpx.Response:
        """Open a page and send a form of it."""
        found = TOKEN.search((await self.get(page)).text)
        data = {"token": found[1] if found else "", **fields}
        return await self.request("POST", path, data=data)

    async def give_password(self, password: str = PASSWORD) -> httpx.Response:
        form = {"municipality": self.municipality, "login": self.login, "password": password}
        return await self.request("POST", "/console/login", data=form)


class NewPerson:
    """Makes accounts; their people are not signed in yet."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self.url = url

    async def __call__(
        self, *roles: str, municipality: str = "flen", is_temporary: bool = False
    ) -> Person:
        login = f"p{uuid4().hex[:10]}"
        async with await connect(self.url) as connection:
            made = await add_guide(
                connection,
                municipality,
                login,
                "Bo",
                "guide",
                PASSWORD,
                roles or ("guide",),
                is_temporary=is_temporary,
            )
        return Person(self._client, municipality, login, made)

    async def signed_in(self, *roles: str, municipality: str = "flen") -> Person:
        """Somebody who is wholly in, with a second factor where her role needs it."""
        person = await self(*roles, municipality=municipality)
        answer = await person.give_password()
        if answer.headers["location"] == "/console/konto/tvasteg":
            await enrol(person)
        return person

    async def log(self, municipality: str = "flen") -> list[Entry]:
        async with await connect(self.url) as connection:
            return [row async for row in entries(connection, municipality)]

    async def execute(self, statement: str, values: Iterable[object]) -> None:
        """What passes outside the product, such as time."""
        async with await connect(self.url) as connection:
            await connection.execute(statement.encode(), list(values))


async def enrol(person: Person) -> tuple[str, list[str]]:
    """Turn the second factor on; returns the secret and the backup codes."""
    import pyotp

    page = await person.get("/console/konto/tvasteg")
    found = SECRET.search(page.text)
    assert found is not None
    secret = found[1].replace(" ", "")
    shown = await person.send(
        "/console/konto/tvasteg", "/console/konto/tvasteg", code=pyotp.TOTP(secret).now()
    )
    assert shown.status_code == 200, shown.text
    return secret, re.findall(r"<li><code>([^<]+)</code>", shown.text)
