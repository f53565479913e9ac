"""`lotsa guide …` and `lotsa audit …`: accounts and the log, from the command line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from bot import audit
from bot.audit import Operator, Verdict
from bot.database import Connection, connect, database_url, migrate
from bot.settings import settings
from channels import accounts, second_factor
from channels.accounts import ROLES, Account, AccountError
from channels.output import Json, fail, show

audit_app = typer.Typer(no_args_is_help=True, help="The log of who read and changed what.")
Municipality = Annotated[str, typer.Option("--municipality", "-m", help="Municipality id.")]
Login = Annotated[str, typer.Option(help="User name.")]
DoneT = TypeVar("DoneT")


def add_commands(guide_app: typer.Typer) -> None:
    """The commands that change accounts, beside `add`."""
    guide_app.command("list")(list_accounts)
    guide_app.command("disable")(disable)
    guide_app.command("enable")(enable)
    guide_app.command("roles")(roles)
    guide_app.command("reset-password")(reset_password)
    guide_app.command("reset-totp")(reset_totp)


def given_roles(text: str | None) -> list[str] | None:
    """Roles as they are written on the command line. Raises typer.Exit for an unknown one."""
    if text is None:
        return None
    given = [role.strip() for role in text.split(",") if role.strip()]
    if not given or set(given) - set(ROLES):
        raise fail(f"no roles '{text}'", f"Choose among {', '.join(ROLES)}, with commas.")
    return given


def list_accounts(municipality: Municipality, json_: Json = False) -> None:
    """Everybody who has an account."""
    found = _with(lambda c: accounts.accounts_of(c, municipality))
    plain = [
        {
            "login": one.login,
            "name": one.name,
            "function": one.function,
            "roles": sorted(one.roles),
            "second_factor": one.has_second_factor,
            "disabled": one.is_disabled,
        }
        for one in found
    ]
    lines = [
        f"{one.login}  {one.name}  {', '.join(sorted(one.roles))}"
        f"{'  two-step' if one.has_second_factor else ''}{'  disabled' if one.is_disabled else ''}"
        for one in found
    ]
    show({"accounts": plain}, json_, lines or ["No accounts."])


def disable(municipality: Municipality, login: Login, json_: Json = False) -> None:
    """Close an account; its sessions end at once."""
    _change(municipality, login, accounts.disable)
    show({"login": login, "disabled": True}, json_, [f"{login} cannot sign in any more."])


def enable(municipality: Municipality, login: Login, json_: Json = False) -> None:
    """Open a closed account again."""
    _change(municipality, login, accounts.enable)
    show({"login": login, "disabled": False}, json_, [f"{login} can sign in again."])


def roles(
    municipality: Municipality,
    login: Login,
    set_: Annotated[str, typer.Option("--set", help="Roles, with commas between.")],
    json_: Json = False,
) -> None:
    """Give an account these roles and no others."""
    given = given_roles(set_) or []

    async def change(connection: Connection, by: Operator, found: Account) -> None:
        await accounts.set_roles(connection, by, found, given)

    _change(municipality, login, change)
    show({"login": login, "roles": given}, json_, [f"{login}: {', '.join(given)}."])


def reset_password(municipality: Municipality, login: Login, json_: Json = False) -> None:
    """A temporary password, changed at the first sign-in."""
    password = _change(municipality, login, accounts.reset_password)
    show({"login": login, "password": password}, json_, [f"{login}: {password}"])


def reset_totp(municipality: Municipality, login: Login, json_: Json = False) -> None:
    """Take the second factor away, for somebody who lost her phone."""
    _change(municipality, login, second_factor.remove)
    show({"login": login}, json_, [f"{login} signs in without two-step until it is added anew."])


def _change(
    municipality: str,
    login: str,
    change: Callable[[Connection, Operator, Account], Awaitable[DoneT]],
) -> DoneT:
    async def changed(connection: Connection) -> DoneT:
        found = await accounts.account_named(connection, municipality, login)
        return await change(connection, Operator(municipality), found)

    try:
        return _with(changed)
    except KeyError:
        raise fail(f"no account '{login}' in {municipality}", "See lotsa guide list.") from None
    except AccountError as error:
        raise fail(f"refused: {error.code}", "Nothing was changed.") from None


def _with(work: Callable[[Connection], Awaitable[DoneT]]) -> DoneT:
    async def done() -> DoneT:
        url = database_url(settings())
        await migrate(url)
        async with await connect(url) as connection:
            return await work(connection)

    return asyncio.run(done())


@audit_app.command("verify")
def verify(
    municipality: Annotated[
        str | None, typer.Option("--municipality", "-m", help="Only this one.")
    ] = None,
    noted: Annotated[
        str | None, typer.Option(help="NUMBER:HASH noted earlier, which must still be there.")
    ] = None,
    json_: Json = False,
) -> None:
    """Count every chain through; says the first broken row."""
    mark = _mark(noted)
    if mark and municipality is None:
        raise fail("which chain is the noted row of?", "Give --municipality too.")

    async def verified(connection: Connection) -> list[Verdict]:
        chosen = [municipality] if municipality else await audit.municipalities(connection)
        return [await audit.verify(connection, one, mark) for one in chosen]

    verdicts = _with(verified)
    plain = [
        {
            "municipality": one.municipality,
            "rows": one.rows,
            "head": one.head,
            "broken": one.broken,
            "fault": one.fault,
        }
        for one in verdicts
    ]
    lines = [
        f"{one.municipality}: broken at row {one.broken} ({one.fault})"
        if one.broken
        else f"{one.municipality}: whole, {one.rows} rows, {one.rows}:{one.head}"
        for one in verdicts
    ]
    show({"chains": plain}, json_, lines or ["No rows."])
    if any(one.broken for one in verdicts):
        raise typer.Exit(1)


def _mark(noted: str | None) -> tuple[int, str] | None:
    if noted is None:
        return None
    number, _, head = noted.partition(":")
    if not number.isdigit() or len(head) != 64:
        raise fail(f"'{noted}' is no noted row", "It looks like 120:3f…, as verify prints it.")
    return int(number), head


@audit_app.command("export")
def export(
    municipality: Municipality,
    out: Annotated[Path, typer.Option(help="File of JSON lines to write.")],
    json_: Json = False,
) -> None:
    """Write a municipality's rows as JSON lines, and note in the log that it was done."""

    async def exported(connection: Connection) -> int:
        number = await audit.write(
            connection, Operator(municipality), "audit_exported", f"municipality:{municipality}"
        )
        with out.open("w", encoding="utf-8") as file:
            async for row in audit.entries(connection, municipality):
                file.write(json.dumps(row.as_json(), ensure_ascii=False) + "\n")
        return number

    try:
        rows = _with(exported)
    except OSError as error:
        raise fail(str(error), "Choose another path.") from None
    show({"path": str(out), "rows": rows}, json_, [f"{out}: {rows} rows"])
