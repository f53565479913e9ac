"""Commands for whoever runs an installation."""

from __future__ import annotations

import asyncio
import datetime as dt
import getpass
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.settings import settings
from channels.output import Json, fail, show

SwitchName = Annotated[
    str, typer.Argument(help="channel:web, channel:sms, channel:whatsapp or topic:<need>")
]
SENT = ("sms", "whatsapp", "email")  # channels whose messages wait while they are off
keys_app = typer.Typer(no_args_is_help=True, help="The keys texts are sealed with.")
switch_app = typer.Typer(no_args_is_help=True, help="Switch a channel or topic off and on.")
notice_app = typer.Typer(no_args_is_help=True, help="Tell every parent something for a time.")


def add_to(app: typer.Typer) -> None:
    """Put these commands on the command line."""
    _add_copies(app)
    _add_map(app)
    _add_keys()
    _add_switches()
    _add_notices()
    app.add_typer(keys_app, name="keys")
    app.add_typer(switch_app, name="switch")
    app.add_typer(notice_app, name="notice")


def _url() -> str:
    from bot.database import database_url

    return database_url(settings())


def _add_copies(app: typer.Typer) -> None:
    @app.command()
    def doctor(json_: Json = False) -> None:
        """Look at everything and say what to do."""
        from channels import doctor as doctors

        findings = doctors.examine(settings())
        show(doctors.as_json(findings), json_, doctors.lines(findings))
        raise typer.Exit(0 if doctors.is_healthy(findings) else 1)

    @app.command()
    def backup(file: Annotated[Path, typer.Argument()], json_: Json = False) -> None:
        """Write a copy of the database to a file; Lotsa may run."""
        from bot.backup import backup as run_backup

        started = time.perf_counter()
        rows = asyncio.run(run_backup(_url(), file))
        seconds = round(time.perf_counter() - started, 1)
        done = f"{sum(rows.values())} rows in {file}, {seconds} s. The keys are not in it."
        show({"file": str(file), "rows": rows, "seconds": seconds}, json_, [done])

    @app.command()
    def restore(
        file: Annotated[Path, typer.Argument()],
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
        json_: Json = False,
    ) -> None:
        """Replace the database by a copy; what was erased since is erased again."""
        from bot.backup import BackupError
        from bot.backup import restore as run_restore

        if not yes:
            typer.confirm("Everything in the database is replaced. Go on?", abort=True, err=True)
        started = time.perf_counter()
        try:
            restored = asyncio.run(run_restore(_url(), file))
        except (BackupError, FileNotFoundError) as error:
            raise fail(str(error), "Nothing was changed. Choose another file.") from None
        seconds = round(time.perf_counter() - started, 1)
        again = restored.erased_again
        done = f"{sum(restored.rows.values())} rows, {again} erased again, {seconds} s."
        content = {"rows": restored.rows, "erased_again": again, "seconds": seconds}
        show(content, json_, [done])


def _add_map(app: typer.Typer) -> None:
    @app.command()
    def datamap(json_: Json = False) -> None:
        """Which data lies where, from the database's schema, as Markdown."""
        from channels.datamap import columns, lifetimes, table

        found, until = _run(columns), _run(lifetimes)
        plain = [
            {"table": c.table, "column": c.name, "sealed": c.is_sealed, "goes": until[c.table]}
            for c in found
        ]
        show(plain, json_, table(found, until))


def _add_keys() -> None:
    @keys_app.command("rotate")
    def rotate(
        keep_old: Annotated[
            bool, typer.Option(help="Only add the new key; other machines need it first.")
        ] = False,
        drop_old: Annotated[
            bool, typer.Option(help="Forget the old keys: phones known until now are new again.")
        ] = False,
        json_: Json = False,
    ) -> None:
        """A new key, and everything sealed anew with it. Stop Lotsa first."""
        from bot.keys import add_key, drop_old_keys, reseal
        from bot.privacy import Seal

        path = settings().keys
        known = add_key(path)
        resealed = 0
        if not keep_old:
            resealed = asyncio.run(reseal(_url(), Seal.from_file(path)))
        if drop_old and not keep_old:
            known -= drop_old_keys(path)
        done = f"{resealed} texts sealed anew; {known} keys in {path}. Copy it today."
        show({"resealed": resealed, "keys": known}, json_, [done])


def _add_switches() -> None:
    from bot import switches

    @switch_app.command("off")
    def off(
        name: SwitchName,
        reason: Annotated[str, typer.Option(help="Why; kept with your login name.")],
        json_: Json = False,
    ) -> None:
        """Switch something off at once; danger is still answered."""
        if name not in (known := _switchable()):
            raise fail(f"'{name}' cannot be switched", f"Choose one of: {', '.join(known)}.")
        _stop_sending(name, reason)
        _run(lambda c: switches.switch_off(c, name, reason, getpass.getuser()))
        show({"off": name}, json_, [f"{name} is off."])

    @switch_app.command("on")
    def on(name: SwitchName, json_: Json = False) -> None:
        """Switch it on again."""
        if not _run(lambda c: switches.switch_on(c, name)):
            raise fail(f"'{name}' is not off", "See: lotsa switch list")
        _stop_sending(name, None)
        show({"on": name}, json_, [f"{name} is on."])

    @switch_app.command("list")
    def list_(json_: Json = False) -> None:
        """What is off, since when and why."""
        found = _run(switches.switched_off)
        plain = [{"name": s.name, "reason": s.reason, "by": s.by, "at": str(s.at)} for s in found]
        lines = [f"{s.name}  {s.at:%Y-%m-%d %H:%M}  {s.by}: {s.reason}" for s in found]
        show(plain, json_, lines or ["Everything is on."])


def _switchable() -> list[str]:
    """Everything that can be switched off, channels first."""
    from bot.engine.compile import Policy
    from bot.switches import CHANNEL, TOPIC
    from knowledge.catalogue import Catalogue

    topics = sorted({*Policy.load().paths, *Catalogue.load().taxonomy.needs})
    return [*(f"{CHANNEL}{one}" for one in ("web", *SENT)), *(f"{TOPIC}{one}" for one in topics)]


def _stop_sending(name: str, reason: str | None) -> None:
    """What waits to be sent there stays, or goes on where `reason` is None."""
    from bot.database import open_pool
    from bot.ledger import Ledger
    from bot.outbox import EVERYWHERE, Outbox
    from bot.privacy import Seal
    from bot.switches import CHANNEL

    channel = name.removeprefix(CHANNEL)
    if channel not in SENT:
        return

    async def work() -> None:
        async with open_pool(_url(), size=1) as pool:
            outbox = Outbox(Ledger(pool, Seal.from_file(settings().keys)))
            if reason is None:
                await outbox.start(channel, EVERYWHERE)
            else:
                await outbox.stop(channel, EVERYWHERE, reason)

    asyncio.run(work())


def _add_notices() -> None:
    from bot import switches

    @notice_app.command("add")
    def add(
        text: Annotated[str, typer.Argument(help="In Swedish.")],
        hours: Annotated[float, typer.Option(min=0.1, max=24 * 14, help="How long.")],
        english: Annotated[str | None, typer.Option(help="The same in English.")] = None,
        municipality: Annotated[str | None, typer.Option("--municipality", "-m")] = None,
        json_: Json = False,
    ) -> None:
        """Show a notice in the chat and the console until its time is over."""
        from knowledge.catalogue import Catalogue

        if municipality is not None and municipality not in Catalogue.load().municipalities:
            raise fail(f"no municipality '{municipality}'", "Nobody was told anything.")
        ends = dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours)
        texts = {"sv": text, **({"en": english} if english else {})}
        number = _run(lambda c: switches.add_notice(c, municipality, texts, ends))
        show({"id": number, "ends": ends.isoformat()}, json_, [f"Notice {number} until {ends}."])

    @notice_app.command("end")
    def end(number: int, json_: Json = False) -> None:
        """Take a notice away before its time."""
        if not _run(lambda c: switches.end_notice(c, number)):
            raise fail(f"no notice {number}", "It may have ended.")
        show({"ended": number}, json_, [f"Notice {number} is gone."])


def _run(work: Any) -> Any:
    from bot.database import connect

    async def run() -> Any:
        async with await connect(_url()) as connection:
            return await work(connection)

    return asyncio.run(run())
