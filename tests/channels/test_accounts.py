"""Accounts: what an administrator can do, what a role opens, and that both are logged."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bot import audit
from bot.settings import Settings
from tests.channels.people import SECRET, NewPerson
from tests.channels.test_console import waiting_parent
from tests.conftest import NewParent

HOMES = {
    "guide": "/console",
    "coordinator": "/console",
    "editor": "/console/catalogue",
    "admin": "/console/konton",
    "auditor": "/console/revision",
}


@pytest.mark.parametrize("role", HOMES)
async def test_a_role_has_its_own_pages_and_no_others(new_person: NewPerson, role: str) -> None:
    person = await new_person.signed_in(role)
    pages = {
        "/console/api/queue": {"guide", "coordinator"},
        "/console/catalogue": {"guide", "coordinator", "editor"},
        "/console/texter": {"editor", "admin"},
        "/console/konton": {"admin"},
        "/console/revision": {"auditor"},
        "/console/konto": set(HOMES),
    }
    for page, roles in pages.items():
        assert (await person.get(page)).status_code == (200 if role in roles else 403), page
    start = await person.get("/console")
    assert start.headers.get("location", "/console") == HOMES[role]


async def test_an_account_may_have_several_roles(new_person: NewPerson) -> None:
    person = await new_person.signed_in("guide", "auditor")
    assert (await person.get("/console/api/queue")).status_code == 200
    assert (await person.get("/console/revision")).status_code == 200


async def test_an_administrator_adds_somebody_who_gets_in(new_person: NewPerson) -> None:
    admin = await new_person.signed_in("admin")
    login = f"ny-{uuid4().hex[:8]}"
    page = "/console/konton"
    fields = {"login": login, "name": "Cia", "function": "guide", "roles": ["guide", "editor"]}
    shown = await admin.send(page, page, **fields)
    found = SECRET.search(shown.text)
    assert found is not None
    assert (await admin.send(page, page, **fields)).status_code == 422, "the name is taken"
    new = await new_person("guide")
    new.login = login
    assert (await new.give_password(found[1])).headers["location"] == "/console/konto/losenord"
    row = next(row for row in reversed(await new_person.log()) if row.act == "account_added")
    assert row.detail != {}


@pytest.mark.parametrize(
    "fields",
    [
        {"login": "", "name": "Cia", "function": "guide", "roles": ["guide"]},
        {"login": "har blanksteg", "name": "Cia", "function": "guide", "roles": ["guide"]},
        {"login": "cia", "name": "", "function": "guide", "roles": ["guide"]},
        {"login": "cia", "name": "Cia", "function": "chef", "roles": ["guide"]},
        {"login": "cia", "name": "Cia", "function": "guide", "roles": ["chef"]},
        {"login": "cia", "name": "Cia", "function": "guide", "roles": []},
    ],
)
async def test_an_account_with_faults_is_refused(
    new_person: NewPerson, fields: dict[str, Any]
) -> None:
    admin = await new_person.signed_in("admin")
    assert (await admin.send("/console/konton", "/console/konton", **fields)).status_code == 422


async def test_a_closed_account_is_out_at_once(new_person: NewPerson) -> None:
    admin, guide = await new_person.signed_in("admin"), await new_person.signed_in("guide")
    assert (await guide.get("/console/api/queue")).status_code == 200
    await admin.send("/console/konton", f"/console/konton/{guide.id}/stang")
    assert (await guide.get("/console/api/queue")).status_code == 401
    assert (await guide.give_password()).status_code == 401
    await admin.send("/console/konton", f"/console/konton/{guide.id}/oppna")
    assert (await guide.give_password()).status_code == 303
    acts = [row.act for row in await new_person.log() if row.subject == audit.account(guide.id)]
    assert "account_disabled" in acts
    assert "account_enabled" in acts


async def test_what_somebody_held_whose_account_closes_waits_again(
    new_person: NewPerson, new_parent: NewParent
) -> None:
    parent = await waiting_parent(new_parent)
    guide = await new_person.signed_in("guide", municipality="sollentuna")
    other = await new_person.signed_in("guide", municipality="sollentuna")
    admin = await new_person.signed_in("admin", municipality="sollentuna")
    queue = (await guide.get("/console/api/queue")).json()["handoffs"]
    mine = next(one for one in queue if one["conversation_id"] == parent.conversation)
    await guide.request("POST", f"/console/api/handoffs/{mine['id']}/claim")
    await admin.send("/console/konton", f"/console/konton/{guide.id}/stang")
    queue = (await other.get("/console/api/queue")).json()["handoffs"]
    assert next(one for one in queue if one["id"] == mine["id"])["state"] == "waiting"


async def test_nobody_closes_her_own_account(new_person: NewPerson) -> None:
    admin = await new_person.signed_in("admin")
    page = "/console/konton"
    assert (await admin.send(page, f"{page}/{admin.id}/stang")).status_code == 422
    answer = await admin.send(page, f"{page}/{admin.id}/roller", roles=["guide"])
    assert answer.status_code == 422
    assert (await admin.get(page)).status_code == 200


async def test_an_account_of_another_municipality_does_not_exist(new_person: NewPerson) -> None:
    admin = await new_person.signed_in("admin")
    other = await new_person("guide", municipality="gnesta")
    assert other.login not in (await admin.get("/console/konton")).text
    for act in ("roller", "stang", "oppna", "losenord", "tvasteg"):
        answer = await admin.send(
            "/console/konton", f"/console/konton/{other.id}/{act}", roles=["guide"]
        )
        assert answer.status_code == 404, act


async def test_new_roles_hold_from_the_next_click(new_person: NewPerson) -> None:
    admin = await new_person.signed_in("admin")
    person = await new_person.signed_in("guide", "editor")
    assert (await person.get("/console/api/queue")).status_code == 200
    page = "/console/konton"
    await admin.send(page, f"{page}/{person.id}/roller", roles=["editor"])
    assert (await person.get("/console/api/queue")).status_code == 403
    await admin.send(page, f"{page}/{person.id}/roller", roles=["editor", "auditor"])
    assert (await person.get("/console/revision")).headers["location"] == "/console/login"


async def test_a_lost_phone_is_helped(new_person: NewPerson) -> None:
    admin, auditor = await new_person.signed_in("admin"), await new_person.signed_in("auditor")
    await admin.send("/console/konton", f"/console/konton/{auditor.id}/tvasteg")
    assert (await auditor.get("/console/revision")).status_code == 303
    assert (await auditor.give_password()).headers["location"] == "/console/konto/tvasteg"


async def test_the_texts_that_wait_are_listed_by_language(new_person: NewPerson) -> None:
    editor = await new_person.signed_in("editor")
    page = (await editor.get("/console/texter?sprak=en")).text
    assert "console_locked" in page
    assert "العربية" in page


def test_accounts_and_log_from_the_command_line(
    lotsa: Any, fresh_database: str, tmp_path: Path, test_settings: Settings
) -> None:
    import os

    environment = {
        **os.environ,
        "LOTSA_DATABASE_URL": fresh_database,
        "LOTSA_DATA": str(test_settings.data),
    }

    def run(*arguments: str) -> Any:
        return lotsa(*arguments, env=environment)

    who = ("--municipality", "flen", "--login", "eva")
    added = run(
        "guide", "add", *who, "--name", "Eva", "--password", "x" * 12, "--roles", "guide,auditor"
    )
    assert added.returncode == 0, added.stderr
    assert run("guide", "roles", *who, "--set", "guide,chef").returncode == 1
    assert run("guide", "roles", *who, "--set", "editor").returncode == 0
    assert run("guide", "disable", *who).returncode == 0
    listed = json.loads(run("guide", "list", "-m", "flen", "--json").stdout)["accounts"]
    assert (listed[0]["roles"], listed[0]["disabled"]) == (["editor"], True)
    out = tmp_path / "log.jsonl"
    assert run("audit", "export", "-m", "flen", "--out", str(out)).returncode == 0
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row["act"] for row in rows] == [
        "account_added",
        "roles_changed",
        "account_disabled",
        "audit_exported",
    ]
    whole = run("audit", "verify", "--json")
    chain = json.loads(whole.stdout)["chains"][0]
    assert (whole.returncode, chain["rows"], chain["broken"]) == (0, 4, None)
    asyncio.run(_tamper(fresh_database))
    broken = run("audit", "verify")
    assert broken.returncode == 1
    assert "broken at row 2" in broken.stdout


async def _tamper(url: str) -> None:
    from bot.database import connect

    async with await connect(url) as connection:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("UPDATE audit_log SET subject = 'account:x' WHERE number = 2")
