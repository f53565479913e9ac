"""The administrator's pages: accounts with their roles, and which texts wait for a reader."""

from __future__ import annotations

import re
from typing import Annotated, Any
from uuid import UUID

import yaml
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse
from psycopg.errors import UniqueViolation

from bot.content import LANGUAGES
from bot.database import Connection
from bot.privacy import Seal
from channels import accounts, second_factor
from channels.accounts import (
    ADMINISTERS,
    READS_TEXTS,
    ROLES,
    Account,
    AccountError,
    Guide,
    temporary_password,
)
from channels.console import LANGUAGE, give_up_held
from channels.console_pages import check_form, framed, line, reader_with, writer_with
from channels.errors import DoorError
from channels.web import doors_of

LOGIN = re.compile(r"[\w.@+-]{2,64}")
LONGEST_NAME = 60  # characters
ACTS = ("roller", "stang", "oppna", "losenord", "tvasteg")
router = APIRouter(prefix="/console", tags=["access:guide"])
Admin = Annotated[Guide, Depends(reader_with(ADMINISTERS))]
AdminForm = Annotated[Guide, Depends(writer_with(ADMINISTERS))]
TextReader = Annotated[Guide, Depends(reader_with(READS_TEXTS))]


@router.get("/konton", response_class=HTMLResponse)
async def accounts_page(request: Request, guide: Admin) -> Response:
    """Everybody who has an account in the municipality."""
    return await _accounts_page(request, guide)


@router.post("/konton", response_class=HTMLResponse)
async def add_form(request: Request, guide: AdminForm) -> Response:
    """A new account; its temporary password is shown this once."""
    form, doors = await check_form(request), doors_of(request)
    login, name = line(form, "login", 80), line(form, "name", LONGEST_NAME)
    roles = [str(role) for role in form.getlist("roles")]
    function, password = line(form, "function"), temporary_password()
    given = {"login": login, "name": name, "roles": roles, "function": function}
    known = doors.catalogue.municipalities[guide.municipality].functions
    try:
        if not LOGIN.fullmatch(login) or not name or function not in known:
            raise AccountError("fields")
        async with doors.ledger.transaction() as connection:
            await accounts.add_guide(
                connection,
                guide.municipality,
                login,
                name,
                function,
                password,
                roles,
                by=guide,
                is_temporary=True,
            )
    except AccountError as error:
        return await _accounts_page(request, guide, error=error.code, given=given)
    except UniqueViolation:
        return await _accounts_page(request, guide, error="taken", given=given)
    return await _accounts_page(request, guide, told=(login, password))


@router.post("/konton/{account_id}/{act}", response_class=HTMLResponse)
async def change_form(request: Request, account_id: UUID, act: str, guide: AdminForm) -> Response:
    """Change, close or open an account, or take away what somebody lost."""
    form, doors = await check_form(request), doors_of(request)
    if act not in ACTS:
        raise DoorError("unknown_account")
    told = None
    try:
        async with doors.ledger.transaction() as connection:
            found = await accounts.account(connection, guide.municipality, account_id)
            roles = [str(role) for role in form.getlist("roles")]
            password = await _change(connection, doors.ledger.seal, guide, found, act, roles)
            told = (found.login, password) if password else None
    except KeyError as error:
        raise DoorError("unknown_account") from error
    except AccountError as error:
        return await _accounts_page(request, guide, error=error.code)
    if act == "stang":
        await give_up_held(doors, _as_guide(found))
    return await _accounts_page(request, guide, told=told, is_saved=True)


async def _change(
    connection: Connection, seal: Seal, by: Guide, found: Account, act: str, roles: list[str]
) -> str | None:
    """The temporary password, where the act makes one."""
    match act:
        case "roller":
            await accounts.set_roles(connection, by, found, roles)
        case "stang":
            await accounts.disable(connection, by, found)
        case "oppna":
            await accounts.enable(connection, by, found)
        case "tvasteg":
            await second_factor.remove(connection, by, found)
        case "losenord":
            return await accounts.reset_password(connection, by, found)
    return None


def _as_guide(found: Account) -> Guide:
    return Guide(found.id, found.municipality, found.name, found.function, found.roles)


async def _accounts_page(
    request: Request,
    guide: Guide,
    *,
    error: str | None = None,
    given: dict[str, Any] | None = None,
    told: tuple[str, str] | None = None,
    is_saved: bool = False,
) -> Response:
    doors = doors_of(request)
    async with doors.ledger.transaction() as connection:
        found = await accounts.accounts_of(connection, guide.municipality)
    words = doors.content.raw(LANGUAGE, f"console_account_{error}") if error else None
    context = {
        "accounts": found,
        "roles": ROLES,
        "functions": list(doors.catalogue.municipalities[guide.municipality].functions),
        "error": words,
        "given": given or {},
        "told": told,
        "is_saved": is_saved,
        "path": "/console/konton",
    }
    return framed(request, guide, "accounts.html", context, 422 if error else 200)


@router.get("/texter", response_class=HTMLResponse)
async def texts_page(request: Request, guide: TextReader, sprak: str = "") -> Response:
    """Which texts of which language wait for somebody to read them."""
    content = doors_of(request).content
    languages = yaml.safe_load(LANGUAGES.read_text(encoding="utf-8"))
    rows = [
        {
            "code": code,
            "name": known["name"],
            "dir": known["direction"],
            "status": known["status"],
            "texts": len(content.ids(code)),
            "waiting": 0 if known["status"] == "reviewed" else len(content.ids(code)),
        }
        for code, known in languages.items()
        if code in content.in_danger
    ]
    chosen = next((row for row in rows if row["code"] == sprak), None)
    texts = (
        [
            (i, content.raw("sv", i) if content.has("sv", i) else "", content.raw(sprak, i))
            for i in sorted(content.ids(sprak))
        ]
        if chosen
        else []
    )
    return framed(
        request, guide, "texts.html", {"languages": rows, "chosen": chosen, "texts": texts}
    )
