"""Commands for phones: switch channels off and on, what they cost, and the simulator."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from bot.settings import settings
from channels.output import Json

if TYPE_CHECKING:
    from bot.outbox import Outbox
    from channels.phone_simulator.provider import Simulator

channel_app = typer.Typer(no_args_is_help=True, help="SMS and other phone channels.")
Channel = Annotated[str, typer.Argument(help="sms, whatsapp or email.")]
Where = Annotated[str, typer.Option("--municipality", "-m", help="Only there; default all.")]
CONFIG_MODE = 0o600


@asynccontextmanager
async def _outbox() -> AsyncIterator[Outbox]:
    from bot.database import database_url, open_pool
    from bot.ledger import Ledger
    from bot.outbox import Outbox
    from bot.privacy import Seal

    async with open_pool(database_url(settings()), size=1) as pool:
        yield Outbox(Ledger(pool, Seal.from_file(settings().keys)))


@channel_app.command("stop")
def stop(
    channel: Channel,
    municipality: Where = "*",
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "by command",
    json_: Json = False,
) -> None:
    """Switch a channel off at once; what waits is kept."""

    async def work() -> None:
        async with _outbox() as outbox:
            await outbox.stop(channel, municipality, reason)

    asyncio.run(work())
    _show({"channel": channel, "municipality": municipality, "stopped": True}, json_)


@channel_app.command("start")
def start(channel: Channel, municipality: Where = "*", json_: Json = False) -> None:
    """Switch a channel on again; what waited is sent."""

    async def work() -> None:
        async with _outbox() as outbox:
            await outbox.start(channel, municipality)

    asyncio.run(work())
    _show({"channel": channel, "municipality": municipality, "stopped": False}, json_)


@channel_app.command("status")
def status(json_: Json = False) -> None:
    """What waits, what was sent and cost, and what is switched off."""

    async def work() -> dict[str, Any]:
        async with _outbox() as outbox:
            return await outbox.standing()

    standing = asyncio.run(work())
    if json_:
        _show(standing, json_)
        return
    for name, rows in standing.items():
        typer.echo(f"{name}:")
        for row in rows or [{}]:
            line = "  ".join(f"{key} {_readable(key, value)}" for key, value in row.items())
            typer.echo(f"  {line or 'none'}")


def _readable(key: str, value: Any) -> str:
    return f"{value / 10_000:.2f}" if key == "cost" else str(value)


def _show(content: Any, as_json: bool) -> None:
    import json

    if as_json:
        typer.echo(json.dumps(content, ensure_ascii=False, default=str))
    else:
        typer.echo(", ".join(f"{name}: {value}" for name, value in content.items()))


def sms_simulator(
    port: Annotated[int, typer.Option(help="Port of the simulator's page.")] = 8090,
    product: Annotated[
        str | None, typer.Option(help="Address of the running product; default this computer's.")
    ] = None,
    talk: Annotated[
        bool, typer.Option("--talk", help="Also be a phone here: each line read is an SMS.")
    ] = False,
    municipality: Annotated[
        str, typer.Option("--municipality", "-m", help="Whose number --talk writes to.")
    ] = "demokommun",
    phone: Annotated[str, typer.Option(help="The number --talk writes from.")] = "+46706861004",
) -> None:
    """A phone and an SMS provider on this computer, to try the SMS channel without an account."""
    from channels.phone_simulator.app import read_file

    address = product or f"http://{settings().host}:{settings().port}"
    path = settings().channels
    if not path.exists():
        _write_file(path, address, f"http://127.0.0.1:{port}")
        typer.echo(f"Wrote {path}. Start the product (again): it reads the file then.", err=True)
    door = read_file(path)
    if door is None or not door.account.api.startswith("http://127.0.0.1"):
        typer.echo(
            f"lotsa: {path} leads to a real provider\n"
            "  Move it away, or choose another with LOTSA_CHANNELS_FILE.",
            err=True,
        )
        raise typer.Exit(1)
    number = next((n for n, m in door.numbers.items() if m == municipality), None)
    if talk and number is None:
        typer.echo(f"lotsa: {path} has no number for {municipality}\n  Add one.", err=True)
        raise typer.Exit(1)
    with suppress(KeyboardInterrupt):
        asyncio.run(_simulate(door, address, port, (phone, number) if talk and number else None))


def _write_file(path: Path, product: str, simulator: str) -> None:
    from channels.phone_simulator.app import new_file
    from knowledge.catalogue import Catalogue

    path.parent.mkdir(parents=True, exist_ok=True)
    content = new_file(list(Catalogue.load().municipalities), product, simulator)
    path.touch(CONFIG_MODE)
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


async def _simulate(door: Any, product: str, port: int, talk: tuple[str, str] | None) -> None:
    import uvicorn

    from channels.phone_simulator.app import create_simulator, open_simulator

    async with open_simulator(door, product) as simulator:
        app = create_simulator(simulator, door.numbers)
        config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning")
        server = uvicorn.Server(config)
        typer.echo(f"Phones at http://127.0.0.1:{port}/. Stop with Ctrl-C.", err=True)
        if talk is None:
            await server.serve()
            return
        serving = asyncio.create_task(server.serve())
        await _talk(simulator, *talk)
        server.should_exit = True
        await serving


async def _talk(simulator: Simulator, phone: str, number: str) -> None:
    """Each line of the input is an SMS; what comes to the phone is printed."""
    shown, quiet = 0, 0.0
    lines = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
    while True:
        await asyncio.sleep(0.2)
        screen = [sms for sms in simulator.screen(phone) if sms.direction == "in"]
        quiet = 0.0 if len(screen) > shown else quiet + 0.2
        for sms in screen[shown:]:
            typer.echo(f"\n{sms.text}\n  ({sms.parts} x {sms.encoding})")
        shown = len(screen)
        if not lines.done() or quiet < 2:
            continue
        line = lines.result()
        if not line:
            return
        if line.strip():
            typer.echo(f"> {line.strip()}")
            simulator.type(phone, number, line.strip())
        quiet = 0.0
        lines = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
