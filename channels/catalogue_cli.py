"""`lotsa catalogue …`: check, exchange and weigh the support catalogue."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from bot.settings import settings
from channels.output import Json, fail, show

catalogue_app = typer.Typer(no_args_is_help=True, help="The support catalogue.")


@catalogue_app.command("check")
def catalogue_check(json_: Json = False) -> None:
    """Faults and weak spots of the catalogue, with the edits made in the console."""
    from bot.edits import effective_catalogue
    from knowledge.catalogue import CatalogueError
    from knowledge.checks import check

    try:
        findings = check(effective_catalogue(settings()))
    except CatalogueError as error:
        raise fail(str(error), "Mend the entry and run the check again.") from None
    plain = [asdict(finding) for finding in findings]
    lines = [" ".join(str(value) for value in finding.values()) for finding in plain]
    show({"findings": plain}, json_, lines or ["No findings."])
    if any(finding.level == "error" for finding in findings):
        raise typer.Exit(1)


@catalogue_app.command("export")
def catalogue_export(
    form: Annotated[
        Literal["hsds", "datapackage", "csv", "xlsx"], typer.Option("--format", help="Which file.")
    ],
    out: Annotated[Path, typer.Option(help="File to write; a folder for a data package.")],
    municipality: Annotated[
        str | None, typer.Option("--municipality", "-m", help="Only its layers.")
    ] = None,
    json_: Json = False,
) -> None:
    """Write the entries as HSDS (JSON), data package, CSV or XLSX."""
    from channels.exchange import exported

    with _said():
        content, lines = exported(settings(), form, out, municipality)
    show(content, json_, lines)


@catalogue_app.command("import")
def catalogue_import(
    file: Annotated[Path, typer.Argument(help="HSDS (JSON), data package, CSV or XLSX.")],
    by: Annotated[str, typer.Option(help="Who makes the change.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check only.")] = False,
    layer: Annotated[str | None, typer.Option(help="The layer the file is for.")] = None,
    json_: Json = False,
) -> None:
    """Read entries from a file; with any fault nothing changes."""
    from channels.exchange import imported, report

    with _said():
        outcome = asyncio.run(imported(settings(), file, by, layer, dry_run))
    show(*report(outcome, dry_run, json_))
    if outcome.faults:
        raise typer.Exit(1)


@catalogue_app.command("template")
def catalogue_template(
    out: Annotated[Path, typer.Option(help="XLSX file to write.")], json_: Json = False
) -> None:
    """Write an empty XLSX for editors, with two examples."""
    from channels.exchange import template

    with _said():
        template(settings(), out)
    show({"path": str(out)}, json_, [str(out)])


@catalogue_app.command("schema")
def catalogue_schema(
    out: Annotated[Path | None, typer.Option(help="Folder; default the published one.")] = None,
    json_: Json = False,
) -> None:
    """Write the JSON Schemas of an entry and of a municipality."""
    from knowledge.exchange import SCHEMAS, json_schemas

    folder = out or SCHEMAS
    with _said():
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in json_schemas().items():
            (folder / name).write_text(text, encoding="utf-8")
    show({"folder": str(folder)}, json_, [str(folder / name) for name in json_schemas()])


@contextmanager
def _said() -> Iterator[None]:
    """What can be expected to go wrong with files and entries is said, not shown as a trace."""
    from knowledge.catalogue import CatalogueError

    try:
        yield
    except CatalogueError as error:
        raise fail(str(error), "Nothing was changed.") from None
    except OSError as error:
        raise fail(str(error), "Choose another path.") from None


@catalogue_app.command("gaps")
def catalogue_gaps(
    municipality: Annotated[
        str | None, typer.Option("--municipality", "-m", help="Only this one.")
    ] = None,
    json_: Json = False,
) -> None:
    """Kinds of support that nobody offers in a municipality, or only a national provider."""
    from knowledge.catalogue import Catalogue
    from knowledge.gaps import gaps

    catalogue = Catalogue.load()
    chosen = [municipality] if municipality else sorted(catalogue.municipalities)
    if unknown := set(chosen) - set(catalogue.municipalities):
        known = ", ".join(sorted(catalogue.municipalities))
        raise fail(f"no municipality '{unknown.pop()}'", f"Known: {known}.")
    found = {name: asdict(gaps(catalogue, name)) for name in chosen}
    lines = [
        f"{name}: {len(gap['nowhere'])} without provider: {', '.join(gap['nowhere'])}\n"
        f"  only national: {', '.join(gap['national_only'])}"
        for name, gap in found.items()
    ]
    show(found, json_, lines)


@catalogue_app.command("summaries")
def catalogue_summaries(
    read: Annotated[
        bool, typer.Option("--read", help="They have been read: they say what the Swedish says.")
    ] = False,
    json_: Json = False,
) -> None:
    """Texts in other languages that rest, because the Swedish they were written from changed."""
    from knowledge.catalogue import DATA, Catalogue
    from knowledge.checks import check
    from knowledge.summaries import SUMMARIES, write_digests

    with _said():
        catalogue = Catalogue.load()
        resting = [one.where for one in check(catalogue) if one.code == "stale_summary"]
        if read:
            known = sorted(catalogue.summaries.ids() & set(catalogue.services))
            swedish = {one: catalogue.services[one].summary["sv"] for one in known}
            write_digests(DATA / SUMMARIES, swedish)
    shown = {"read": resting} if read else {"resting": resting}
    show(shown, json_, resting or ["None rests."])


@catalogue_app.command("rerank")
def catalogue_rerank(json_: Json = False) -> None:
    """Learn what search weighs from the labelled queries; prints the lines for search.yml."""
    from channels.measure import learn_weights

    weights = learn_weights(settings())
    lines = [
        f"  {code}: {{{', '.join(f'{k}: {v}' for k, v in w.items())}}}"
        for code, w in weights.items()
    ]
    show(weights, json_, lines)
