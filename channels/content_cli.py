"""`lotsa content …`: how complete each language is, and a sheet for translators."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bot.content import Content

content_app = typer.Typer(no_args_is_help=True, help="Texts by language.")


@content_app.command("check")
def check(json_: Annotated[bool, typer.Option("--json", help="one object")] = False) -> None:
    """Which texts each language has; ends with 1 when a required or usable one is missing."""
    from bot.translation import scores

    found = scores(Content.load())
    if json_:
        told = {"languages": [asdict(score) for score in found]}
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        typer.echo("| language | required | usable | read by somebody outside |\n|---|---|---|---|")
        for one in found:
            (has, of), (can, usable) = one.required, one.usable
            row = f"| {one.name} (`{one.language}`) | {has} of {of} |"
            typer.echo(f"{row} {f'{can} of {usable}' if usable else '–'} | {one.reviewed} |")
    complete = all(s.required[0] == s.required[1] and s.usable[0] == s.usable[1] for s in found)
    raise typer.Exit(0 if complete else 1)


@content_app.command("export")
def export(
    language: Annotated[str, typer.Argument(help="code, such as ar")],
    file: Annotated[Path, typer.Argument(help="XLSX to write")],
) -> None:
    """A sheet with every text of a language, for a translator or reader."""
    from bot.translation import write_sheet

    content = Content.load()
    if language not in content.in_danger:
        raise typer.BadParameter(f"no language is called {language}")
    typer.echo(f"{write_sheet(content, language, file)} texts in {file}")


@content_app.command("import")
def import_(file: Annotated[Path, typer.Argument(help="a filled sheet")]) -> None:
    """Take new texts from a sheet; a fault is named by row and nothing is changed."""
    from bot.translation import SheetError, read_sheet

    try:
        changed = read_sheet(Content.load(), file)
    except SheetError as error:
        typer.echo("\n".join(error.faults), err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{len(changed)} texts changed")
