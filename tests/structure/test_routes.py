"""Structure that reviews forget is tested."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from bot.settings import PROJECT, Settings
from channels import (
    accounts_pages,
    audit_pages,
    booking,
    catalogue_pages,
    console,
    editing,
    editing_pages,
    families,
    health,
    meetings,
    phone_pages,
    plain,
    privacy_pages,
    provider_pages,
    reads,
    resume,
    sign_in_pages,
    statement,
    tools,
    transfers,
    web,
    widget,
    workspace,
)
from channels.app import create_app

ACCESS = {"access:public", "access:parent", "access:guide", "access:provider"}
ANYBODY = {
    "/",
    "/chat/{municipality}",
    "/chat/{municipality}/utan-skript",
    "/chat/{municipality}/verktyg",
    "/theme/{municipality}.css",
    "/demo/widget",
    "/tillganglighet/{municipality}",
    "/stod/{municipality}",
    "/stod/{municipality}/{service_id}",
    "/integritet/{municipality}",
    "/ordlista",
    "/sitemap.xml",
    "/robots.txt",
    "/api/conversations",
    "/api/resume",
    "/fortsatt",
    "/console/login",
    "/tid/{ticket}",
    "/console/leverantor/svar",
    "/console/leverantor/{municipality}",
    "/health",
    "/ready",
    "/metrics",
}


@pytest.fixture(scope="module")
def routes() -> list[APIRoute]:
    return [
        route
        for router in (
            web.router,
            plain.router,
            widget.router,
            statement.router,
            tools.router,
            families.router,
            booking.router,
            catalogue_pages.router,
            console.router,
            workspace.router,
            meetings.router,
            editing.router,
            editing_pages.router,
            transfers.router,
            privacy_pages.router,
            sign_in_pages.public,
            sign_in_pages.router,
            provider_pages.router,
            accounts_pages.router,
            audit_pages.router,
            reads.router,
            health.router,
            phone_pages.router,
            resume.router,
        )
        for route in router.routes
        if isinstance(route, APIRoute)
    ]


def test_every_route_belongs_to_a_router_that_is_looked_at(
    test_settings: Settings, database_url: str, routes: list[APIRoute]
) -> None:
    published = create_app(test_settings, database_url).openapi()["paths"]
    assert set(published) == {route.path for route in routes}


def test_every_route_declares_who_may_use_it(routes: list[APIRoute]) -> None:
    assert len(routes) > 15
    undeclared = [r.path for r in routes if len(ACCESS & set(r.tags)) != 1]
    assert undeclared == []


def test_what_is_public_is_listed(routes: list[APIRoute]) -> None:
    assert {route.path for route in routes if "access:public" in route.tags} == ANYBODY


async def test_a_stranger_gets_nothing_from_a_route_that_is_not_public(
    client: httpx.AsyncClient, routes: list[APIRoute]
) -> None:
    some_id = "00000000-0000-4000-8000-000000000000"
    bodies: dict[str, Any] = {
        "text": "hej hej",
        "id": "12345678",
        "language": "sv",
        "outcome": "done_it",
        "receiver": "self",
        "answer": "yes",
        "by": "2090-01-01T10:00",
        "purpose": "pause",
    }
    for route in routes:
        if "access:public" in route.tags or route.path == "/console":
            continue
        path = re.sub(r"\{\w+\}", some_id, route.path)
        for method in route.methods:
            answer = await client.request(method, path, json=_fitting(route, bodies))
            expected = (404,) if "access:parent" in route.tags else (401, 303)
            if "access:provider" in route.tags:
                expected = (403,)
            assert answer.status_code in expected, (method, path, answer.text)


def _fitting(route: APIRoute, bodies: dict[str, Any]) -> dict[str, Any] | None:
    if route.body_field is None:
        return None
    fields = route.body_field.field_info.annotation.model_fields  # type: ignore[union-attr]
    return {name: bodies[name] for name in fields if name in bodies}


def test_the_readme_shows_the_help_of_the_command_line(lotsa: Any) -> None:
    import os

    environment = {**os.environ, "COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"}
    shown = lotsa("--help", env=environment).stdout
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"<!-- lotsa --help -->\s*```\w*\n(.*?)```", readme, re.S)
    assert block is not None
    assert _squeezed(block[1]) == _squeezed(shown)


def _squeezed(text: str) -> list[str]:
    lines = [" ".join(line.split()) for line in text.splitlines()]
    return [
        re.sub(r"python -m channels\.cli|lotsa|cli\.py", "lotsa", line) for line in lines if line
    ]


def test_the_readme_lists_every_setting() -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    for name in Settings.model_fields:
        assert f"LOTSA_{name.upper()}" in readme, name


@pytest.mark.parametrize("room", ["bot", "nlu", "knowledge", "actions", "channels"])
def test_no_swedish_sentence_stands_in_python(room: str) -> None:
    swedish = re.compile(r"\"[^\"]*[åäö][^\"]*\s[^\"]*\"")
    found = []
    for path in (PROJECT / room).rglob("*.py"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            is_text = swedish.search(line) and 'r"' not in line and '"""' not in line
            if is_text and not line.strip().startswith("#"):
                found.append(f"{path.relative_to(PROJECT)}:{number}")
    assert found == []


def test_versions_agree() -> None:
    import tomllib

    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    assert f"## {version}" in (PROJECT / "CHANGELOG.md").read_text() or (
        f"## [{version}]" in (PROJECT / "CHANGELOG.md").read_text()
    )
    assert version in (PROJECT / "publiccode.yml").read_text()


def test_nothing_tracked_names_a_machine() -> None:
    machine = re.compile(r"(^|[^\w.])/(root|work|home/\w+)/")
    skipped = {".venv", "artifacts", "var", ".git", "__pycache__"}
    found = [
        str(path.relative_to(PROJECT))
        for path in Path(PROJECT).rglob("*")
        if path.suffix in {".py", ".yml", ".md", ".toml", ".js", ".html"}
        and not skipped & set(path.relative_to(PROJECT).parts)
        and path.name != Path(__file__).name
        and machine.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []
