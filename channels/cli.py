"""The command line: `lotsa`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.settings import settings
from channels import operations
from channels.accounts_cli import add_commands, audit_app, given_roles
from channels.catalogue_cli import catalogue_app
from channels.content_cli import content_app
from channels.handoff_cli import handoff_app
from channels.output import Json, fail, show
from channels.phone_cli import channel_app, sms_simulator

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Lotsa, from the command line.",
)
guide_app = typer.Typer(no_args_is_help=True, help="Accounts of guides.")
app.add_typer(guide_app, name="guide")
app.add_typer(catalogue_app, name="catalogue")
app.add_typer(content_app, name="content")
app.add_typer(handoff_app, name="handoff")
app.add_typer(channel_app, name="channel")
app.command("sms-simulator")(sms_simulator)
app.add_typer(audit_app, name="audit")
add_commands(guide_app)

ACTIONS = "actions"
SHORTEST_PASSWORD = 10
JsonLines = Annotated[bool, typer.Option("--jsonl", help="Read JSON lines from standard input.")]
Municipality = Annotated[str, typer.Option("--municipality", "-m", help="Municipality id.")]


def each_text(as_lines: bool, text: str | None) -> Iterator[dict[str, Any]]:
    """The texts to work on: JSON lines from standard input, or the one argument."""
    if not as_lines:
        yield {"id": None, "text": text if text is not None else sys.stdin.read().strip()}
        return
    for number, line in enumerate(sys.stdin, 1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
            yield {"id": item.get("id"), "text": item["text"], "lang": item.get("lang"), **item}
        except (ValueError, KeyError, AttributeError):
            raise fail(
                f"line {number} is not a JSON object with a text",
                'Each line looks like {"id": 1, "text": "…"}.',
            ) from None


@app.command()
def train(
    force: Annotated[bool, typer.Option(help="Also what is current.")] = False, json_: Json = False
) -> None:
    """Train the models and build the index; what is current is left."""
    from channels import artifacts

    done = artifacts.train_all(
        settings(), force=force, progress=lambda step: typer.echo(step, err=True)
    )
    show({"trained": done}, json_, [f"Ready: {', '.join(done) or 'all was current'}."])


@app.command()
def migrate(
    to: Annotated[int | None, typer.Option(help="Number to go to; default the newest.")] = None,
    json_: Json = False,
) -> None:
    """Bring the database schema forward, or back."""
    from bot.database import database_url
    from bot.database import migrate as run_migrations

    ran = asyncio.run(run_migrations(database_url(settings()), to))
    show({"ran": ran}, json_, [f"Migrations run: {ran or 'none'}."])


@app.command()
def serve(json_: Json = False) -> None:
    """Start everything: database, web and worker."""
    from channels.serve import serve_all

    raise typer.Exit(serve_all(settings()))


@app.command()
def web(json_: Json = False) -> None:
    """Start the web process alone."""
    from channels.serve import run_web

    run_web(settings())


@app.command()
def worker(json_: Json = False) -> None:
    """Start a worker process alone."""
    from channels.serve import run_worker

    run_worker(settings(), ACTIONS)


@app.command()
def sweep(json_: Json = False) -> None:
    """Remove conversations whose time is over."""
    from bot.database import database_url
    from bot.retention import sweep as run_sweep
    from knowledge.catalogue import Catalogue

    municipalities = Catalogue.load().municipalities.values()
    removed = asyncio.run(run_sweep(database_url(settings()), municipalities))
    show({"conversations": removed}, json_, [f"Removed conversations: {removed}."])


@app.command()
def understand(
    text: Annotated[str | None, typer.Argument()] = None,
    lang: Annotated[str | None, typer.Option(help="Language of the conversation.")] = None,
    jsonl: JsonLines = False,
    json_: Json = False,
) -> None:
    """Language, intent, needs, details and danger of a text."""
    from channels import single

    pipeline = single.load_pipeline(settings())
    for item in each_text(jsonl, text):
        understood = pipeline.understand(item["text"], item.get("lang") or lang)
        plain = {
            "id": item["id"],
            "language": understood.language,
            "intent": understood.intent,
            "needs": [asdict(need) for need in understood.needs],
            "entities": [asdict(entity) for entity in understood.entities],
            "signals": list(understood.signals),
            "safety": {
                "acute": understood.safety.acute,
                "categories": list(understood.safety.categories),
            },
            "confidence": understood.confidence,
        }
        needs = ", ".join(f"{need.id} {need.score:.2f}" for need in understood.needs)
        show(plain, json_ or jsonl, [f"{understood.language} {understood.intent}: {needs}"])


@app.command()
def search(
    municipality: Municipality,
    text: Annotated[str | None, typer.Argument()] = None,
    age: Annotated[int | None, typer.Option(help="The child's age in years.")] = None,
    lang: Annotated[str | None, typer.Option(help="Language of the text.")] = None,
    k: Annotated[int, typer.Option("-k", help="How many.")] = 3,
    jsonl: JsonLines = False,
    json_: Json = False,
) -> None:
    """The support that fits a text, with reasons."""
    from channels import single

    finder = single.Finder(settings())
    if municipality not in finder.catalogue.municipalities:
        known = ", ".join(sorted(finder.catalogue.municipalities))
        raise fail(f"no municipality '{municipality}'", f"Known: {known}.")
    for item in each_text(jsonl, text):
        given_age = item.get("age", age)
        matches = finder.search(item["text"], municipality, given_age, item.get("lang") or lang, k)
        lines = [f"{m['score']:.2f}  {m['service_id']}  ({', '.join(m['kinds'])})" for m in matches]
        show({"id": item["id"], "matches": matches}, json_ or jsonl, lines or ["No sure match."])


@app.command()
def assess(
    text: Annotated[str | None, typer.Argument()] = None,
    lang: Annotated[str | None, typer.Option(help="Language of the text.")] = None,
    jsonl: JsonLines = False,
    json_: Json = False,
) -> None:
    """The level of a first message, with each reason."""
    from channels import single

    assessor = single.Assessor(settings())
    for item in each_text(jsonl, text):
        result = assessor.assess(item["text"], item.get("lang") or lang)
        lines = [result["level"], *(f"  {s['points']}  {s['why']}" for s in result["signals"])]
        show({"id": item["id"], **result}, json_ or jsonl, lines)


@app.command()
def chat(
    municipality: Municipality = "demokommun",
    lang: Annotated[str, typer.Option(help="Language of the replies.")] = "sv",
    script: Annotated[
        Path | None, typer.Option(help="File with one parent message a line.")
    ] = None,
    json_: Json = False,
) -> None:
    """A whole conversation in the terminal, on the same engine and ledger."""
    from channels.terminal import chat as run_chat

    asyncio.run(run_chat(settings(), ACTIONS, municipality, lang, script, as_json=json_))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def rasa(context: typer.Context) -> None:
    """Rasa's own command line, in the compiled project."""
    from channels import artifacts

    raise typer.Exit(artifacts.rasa_command(settings(), context.args))


@app.command()
def evaluate(
    suite: Annotated[
        str | None,
        typer.Option(
            help="needs, intents, search, language, entities, safety, unseen, swefaq, massive or"
            " conversations."
        ),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Another file of the same format.")] = None,
    train_file: Annotated[
        Path | None, typer.Option("--train", help="Training file (massive).")
    ] = None,
    test_file: Annotated[Path | None, typer.Option("--test", help="Test file (massive).")] = None,
    runs: Annotated[int, typer.Option(min=1, help="Conversations to simulate.")] = 500,
    report: Annotated[
        str | None, typer.Option(help="Write this scorecard to docs instead: nlu.")
    ] = None,
    json_: Json = False,
) -> None:
    """Quality figures."""
    from channels.measure import readable, run_suites, write_scorecard

    try:
        if report is not None:
            typer.echo(str(write_scorecard(settings(), report)))
            return
        for figures in run_suites(settings(), suite, data, train_file, test_file, runs):
            show(figures, json_, readable(figures))
    except (ValueError, FileNotFoundError) as error:
        raise fail(str(error), "See `lotsa evaluate --help`.") from None


@app.command()
def bench(
    longest: Annotated[
        int | None, typer.Option(help="How cost grows, to so many turns, instead.")
    ] = None,
    copies: Annotated[
        int | None, typer.Option(help="Copy and restore so many messages, instead.")
    ] = None,
    catalogue: Annotated[
        bool, typer.Option("--catalogue", help="How search grows with the catalogue, instead.")
    ] = False,
    json_: Json = False,
) -> None:
    """Speed of each stage of a turn."""
    from channels import bench_growth
    from channels.bench import run_bench, table

    if longest is not None:
        grown = bench_growth.run(settings(), ACTIONS, longest)
        show(grown, json_, bench_growth.table(grown))
        return
    if copies is not None:
        seconds = asyncio.run(bench_growth.run_copies(settings(), copies))
        show(seconds, json_, [f"{name}: {value}" for name, value in seconds.items()])
        return
    if catalogue:
        by_size = bench_growth.run_catalogue(settings())
        show(by_size, json_, bench_growth.catalogue_table(by_size))
        return
    figures = asyncio.run(run_bench(settings(), ACTIONS))
    show(figures, json_, table(figures))


@guide_app.command("add")
def guide_add(
    municipality: Municipality,
    login: Annotated[str, typer.Option(prompt=True, help="Login name.")],
    name: Annotated[str, typer.Option(prompt=True, help="First name the parent sees.")],
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, help="At least 10 characters.")
    ],
    function: Annotated[str, typer.Option(help="guide, coordinator or after_hours.")] = "guide",
    roles: Annotated[
        str | None,
        typer.Option(help="guide, coordinator, editor, admin, auditor; with commas between."),
    ] = None,
    json_: Json = False,
) -> None:
    """A local account for the console."""
    from knowledge.catalogue import Catalogue

    known = Catalogue.load().municipalities
    if municipality not in known:
        raise fail(f"no municipality '{municipality}'", f"Known: {', '.join(sorted(known))}.")
    if function not in known[municipality].functions:
        raise fail(f"no function '{function}'", "Choose guide, coordinator or after_hours.")
    if len(password) < SHORTEST_PASSWORD:
        raise fail("the password is too short", f"Choose {SHORTEST_PASSWORD} characters or more.")
    given = given_roles(roles)
    if not asyncio.run(_add_guide(municipality, login, name, function, password, given)):
        raise fail(f"the login '{login}' is taken", "Choose another.")
    show({"login": login}, json_, [f"{name} can sign in at /console as {login}."])


async def _add_guide(
    municipality: str, login: str, name: str, function: str, password: str, roles: list[str] | None
) -> bool:
    from psycopg.errors import UniqueViolation

    from bot.database import connect, database_url
    from bot.database import migrate as run_migrations
    from channels.access import add_guide

    url = database_url(settings())
    await run_migrations(url)
    try:
        async with await connect(url) as connection:
            await add_guide(connection, municipality, login, name, function, password, roles)
    except UniqueViolation:
        return False
    return True


operations.add_to(app)


def main() -> None:
    """Entry point."""
    app()


if __name__ == "__main__":
    main()
