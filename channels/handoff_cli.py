"""`lotsa handoff …`: the table of states on paper."""

from __future__ import annotations

import typer

from bot.handoff_diagram import DOCUMENT, document

handoff_app = typer.Typer(no_args_is_help=True, help="Conversations handed to a person.")


@handoff_app.callback()
def handoff() -> None:
    """Keeps `diagram` a command of its own name."""


@handoff_app.command("diagram")
def diagram() -> None:
    """Draw the states and events into docs/handoff.md."""
    DOCUMENT.write_text(document(), encoding="utf-8")
    typer.echo(str(DOCUMENT))
