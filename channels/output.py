"""How commands print: one JSON object or readable lines, and what is wrong with what to do."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def fail(problem: str, hint: str) -> typer.Exit:
    """Say what is wrong and what to do, on standard error."""
    typer.echo(f"lotsa: {problem}\n  {hint}", err=True)
    return typer.Exit(1)


def show(content: Any, as_json: bool, lines: list[str]) -> None:
    """Print one JSON object, or readable lines."""
    if as_json:
        typer.echo(json.dumps(content, ensure_ascii=False))
    else:
        for line in lines:
            typer.echo(line)
