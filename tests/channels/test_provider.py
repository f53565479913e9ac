"""Signing in with a municipality's own OpenID provider, and everything that is refused."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
import yaml
from joserfc.jwk import RSAKey
from pydantic import SecretStr

from bot.database import connect
from bot.settings import Settings
from channels.app import create_app
from channels.sign_in_rules import SignInRules
from tests.channels.oidc_provider import CLIENT, SECRET, OidcProvider, running_provider
from tests.channels.people import NewPerson, Person

START = "/console/leverantor/gnesta"


@pytest.fixture(scope="session")
def running() -> Iterator[OidcProvider]:
    with running_provider() as running:
        yield running


@pytest.fixture
def provider(running: OidcProvider) -> Iterator[OidcProvider]:
    """The provider, where somebody new has an account and nothing is wrong."""
    issuer = running.issuer
    running.wrong, running.signs_with = {}, None
    running.person = {
        "sub": uuid4().hex,
        "preferred_username": f"eva-{uuid4().hex[:6]}",
        "given_name": "Eva",
        "groups": ["Lotsa-guider"],
    }
    yield running
    running.issuer = issuer


@pytest.fixture(scope="session")
async def installation(
    running: OidcProvider,
    test_settings: Settings,
    database_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[httpx.AsyncClient]:
    """Where Gnesta has a provider."""
    rules = {
        "municipalities": {
            "gnesta": {
                "provider": {
                    "issuer": running.issuer,
                    "client_id": CLIENT,
                    "roles": {"Lotsa-guider": ["guide"], "Lotsa-admin": ["admin"]},
                }
            }
        }
    }
    file = tmp_path_factory.mktemp("rules") / "sign_in.yml"
    file.write_text(yaml.safe_dump(rules), encoding="utf-8")
    own = {"sign_in_file": file, "provider_secrets": {"gnesta": SecretStr(SECRET)}}
    app = create_app(test_settings.model_copy(update=own), database_url)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://lotsa") as http:
            yield http


@pytest.fixture
def browser(installation: httpx.AsyncClient, provider: OidcProvider) -> Person:
    """Somebody who is about to sign in there."""
    return Person(installation, "gnesta", "", UUID(int=0))


async def sent_back(browser: Person) -> str:
    """Go to the provider, and return the address it sends the browser back to."""
    gone = await browser.get(START)
    assert gone.status_code == 303, gone.text
    async with httpx.AsyncClient() as outside:
        answer = await outside.get(gone.headers["location"])
    return str(answer.headers["location"]).removeprefix("http://lotsa")


async def sign_in(browser: Person) -> httpx.Response:
    return await browser.get(await sent_back(browser))


async def test_somebody_the_provider_vouches_for_is_in(
    browser: Person, provider: OidcProvider, new_person: NewPerson
) -> None:
    assert START in (await browser.get("/console/login")).text
    answer = await sign_in(browser)
    assert answer.status_code == 200, answer.text
    assert (await browser.get("/console/api/queue")).status_code == 200
    rows = (await new_person.log("gnesta"))[-2:]
    assert [row.act for row in rows] == ["account_added", "signed_in"]
    assert rows[1].detail == {"how": "provider"}


async def test_the_same_person_has_one_account_with_the_roles_of_today(
    browser: Person, provider: OidcProvider, database_url: str
) -> None:
    await sign_in(browser)
    provider.person["groups"] = ["Lotsa-admin", "Annat"]
    assert "/console/konton" in (await sign_in(browser)).text
    assert (await browser.get("/console/api/queue")).status_code == 403
    async with await connect(database_url) as connection:
        cursor = await connection.execute(
            "SELECT roles, password_hash FROM guides WHERE subject = %s", [provider.person["sub"]]
        )
        assert await cursor.fetchall() == [{"roles": ["admin"], "password_hash": None}]


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": "from another sign-in"},
        {"nonce": None},
        {"exp": int(time.time()) - 120},
        {"exp": None},
        {"aud": "somebody-else"},
        {"aud": ["lotsa", "somebody-else"]},
        {"azp": "somebody-else"},
        {"iss": "https://login.example.org"},
        {"iat": int(time.time()) + 3600},
        {"sub": None},
    ],
    ids=lambda wrong: "-".join(f"{name}" for name in wrong) + str(next(iter(wrong.values())))[:8],
)
async def test_a_token_that_is_not_for_this_sign_in_lets_nobody_in(
    browser: Person, provider: OidcProvider, wrong: dict[str, Any]
) -> None:
    provider.wrong = wrong
    answer = await sign_in(browser)
    assert answer.status_code == 401
    assert (await browser.get("/console/api/queue")).status_code == 401


async def test_a_token_signed_by_somebody_else_lets_nobody_in(
    browser: Person, provider: OidcProvider
) -> None:
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "one"})
    assert (await sign_in(browser)).status_code == 401


async def test_an_answer_counts_once(browser: Person) -> None:
    address = await sent_back(browser)
    kept = dict(browser.cookies)
    assert (await browser.get(address)).status_code == 200
    browser.cookies = kept
    assert (await browser.get(address)).status_code == 401


async def test_an_answer_for_another_browser_is_refused(browser: Person) -> None:
    address = await sent_back(browser)
    browser.cookies = {}
    assert (await browser.get(address)).status_code == 401


async def test_an_answer_with_another_state_or_code_is_refused(browser: Person) -> None:
    query = parse_qs(urlsplit(await sent_back(browser)).query)
    back = "/console/leverantor/svar"
    forged = await browser.get(f"{back}?state=other&code={query['code'][0]}")
    assert forged.status_code == 401
    again = parse_qs(urlsplit(await sent_back(browser)).query)
    guessed = await browser.get(f"{back}?state={again['state'][0]}&code=guessed")
    assert guessed.status_code == 401


async def test_an_answer_that_comes_too_late_is_refused(
    browser: Person, new_person: NewPerson
) -> None:
    address = await sent_back(browser)
    await new_person.execute(
        "UPDATE provider_sign_ins SET expires_at = now() - interval '1 second'", []
    )
    assert (await browser.get(address)).status_code == 401


async def test_somebody_without_a_role_here_gets_no_account(
    browser: Person, provider: OidcProvider, database_url: str
) -> None:
    provider.person["groups"] = ["Annat"]
    answer = await sign_in(browser)
    assert answer.status_code == 401
    assert "ingen roll" in answer.text
    async with await connect(database_url) as connection:
        cursor = await connection.execute(
            "SELECT 1 FROM guides WHERE subject = %s", [provider.person["sub"]]
        )
        assert await cursor.fetchone() is None


async def test_a_closed_account_stays_closed(
    browser: Person, provider: OidcProvider, new_person: NewPerson
) -> None:
    await sign_in(browser)
    await new_person.execute(
        "UPDATE guides SET disabled_at = now() WHERE subject = %s", [provider.person["sub"]]
    )
    assert (await browser.get("/console/api/queue")).status_code == 401
    answer = await sign_in(browser)
    assert answer.status_code == 401
    assert "stängt" in answer.text


async def test_a_provider_that_is_down_is_said(browser: Person, provider: OidcProvider) -> None:
    provider.issuer = "http://127.0.0.1:1"
    answer = await browser.get(START)
    assert answer.status_code == 401
    assert "svarar inte" in answer.text


async def test_a_municipality_without_a_provider_has_no_such_door(browser: Person) -> None:
    assert (await browser.get("/console/leverantor/flen")).status_code == 404


def test_an_issuer_without_encryption_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    provider = {"issuer": "http://login.example.org", "client_id": "x", "roles": {}}
    file.write_text(yaml.safe_dump({"municipalities": {"flen": {"provider": provider}}}))
    with pytest.raises(ValueError, match="https"):
        SignInRules.load(file)
