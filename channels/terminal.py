"""A conversation in the terminal: the same ledger, engine and words as on the web."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import typer

from bot.content import Content
from bot.database import database_url, migrate, open_pool
from bot.edits import remembered
from bot.engine.compile import Policy
from bot.ledger import Ledger
from bot.log import configure_logging
from bot.messages import Author, IncomingMessage, StoredMessage
from bot.privacy import Seal, mask
from bot.replies import Replies
from bot.settings import Settings
from bot.worker import Worker, open_worker
from channels.doors import Doors
from channels.stream import Hub
from knowledge.catalogue import Catalogue
from nlu import safety


async def chat(
    settings: Settings,
    actions: str,
    municipality: str,
    language: str,
    script: Path | None,
    *,
    as_json: bool,
) -> None:
    """Talk until the input ends; with a script each line is one message.

    A line with a number chooses among the choices shown last.
    """
    configure_logging("WARNING")
    url = database_url(settings)
    await migrate(url)
    shipped, content = Catalogue.load(), Content.load()
    catalogue = remembered(settings).applied_to(shipped)
    if municipality not in catalogue.municipalities:
        known = ", ".join(sorted(catalogue.municipalities))
        typer.echo(f"lotsa: no municipality '{municipality}'\n  Known: {known}.", err=True)
        raise typer.Exit(1)
    replies = Replies(content, catalogue, Policy.load())
    async with open_pool(url) as pool, open_worker(settings, url, actions) as worker:
        ledger = Ledger(pool, Seal.from_file(settings.keys))
        doors = Doors(settings, ledger, shipped, content, replies, Hub())
        await Terminal(doors, worker, as_json).talk(municipality, language, _lines(script))


def _lines(script: Path | None) -> Iterator[str]:
    if script is not None:
        yield from script.read_text(encoding="utf-8").splitlines()
        return
    while True:
        sys.stderr.write("> ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            return
        yield line.rstrip("\n")


class Terminal:
    """One conversation on standard output."""

    def __init__(self, doors: Doors, worker: Worker, as_json: bool) -> None:
        self._doors = doors
        self._worker = worker
        self._as_json = as_json
        self._choices: list[dict[str, Any]] = []
        self._asked: str | None = None

    async def talk(self, municipality: str, language: str, lines: Iterator[str]) -> None:
        """Open, then one turn a line."""
        doors = self._doors
        setting = doors.setting(municipality, language)
        conversation, _ = await doors.ledger.open_conversation(
            municipality, "terminal", language, doors.replies.opening(setting)
        )
        if not self._as_json:
            self._print(await doors.ledger.messages(conversation))
        turn = 0
        for line in lines:
            if line.strip():
                turn += 1
                await self._turn(conversation, turn, line.strip())

    async def _turn(self, conversation: UUID, turn: int, text: str) -> None:
        choice = self._chosen(text)
        check = safety.check(text)
        masked = mask(text)
        message = IncomingMessage(
            "terminal",
            f"{conversation}:{uuid4()}",
            masked.text,
            choice=choice,
            acute=check.acute,
            masked=masked.kinds,
        )
        accepted = await self._doors.ledger.accept(conversation, message)
        outcome = None
        while outcome is None:
            outcome = await self._worker.take_turn()
        messages = await self._doors.ledger.messages(conversation, accepted.seq)
        replies = [m for m in messages if m.author is not Author.PARENT]
        if self._as_json:
            typer.echo(json.dumps(_as_turn(turn, text, replies, outcome), ensure_ascii=False))
        else:
            self._print(replies)
        self._remember_choices(replies)

    def _chosen(self, text: str) -> str | None:
        """The choice whose number was typed; where an age is asked for, a number is an age."""
        parts = text.replace(",", " ").split()
        if not self._choices or self._asked == "child_age":
            return None
        if not all(part.isdigit() and 0 < int(part) <= len(self._choices) for part in parts):
            return None
        picked = [str(self._choices[int(part) - 1]["id"]) for part in parts]
        question = picked[0].partition(":")[0]
        return f"{question}:" + ",".join(choice.partition(":")[2] for choice in picked)

    def _remember_choices(self, replies: list[StoredMessage]) -> None:
        offered = [reply.body["choices"] for reply in replies if reply.body.get("choices")]
        self._choices = offered[-1] if offered else []
        questions = [
            reply.body["question"]["id"] for reply in replies if reply.body.get("question")
        ]
        self._asked = questions[-1] if questions else None

    def _print(self, messages: list[StoredMessage]) -> None:
        for message in messages:
            typer.echo(f"\n{message.text}")
            for number in message.body.get("numbers", []):
                typer.echo(f"  {number['label']}: {number['number']} ({number['note']})")
            for line in message.body.get("lines", []):
                typer.echo(f"  {line['label']}: {line['value']}")
            for section in message.body.get("sections", []):
                typer.echo(f"\n  {section['heading']}")
                for line in section["lines"]:
                    typer.echo(f"  {line['label']}: {line['value']}")
            for reason in (message.body.get("level") or {}).get("reasons", []):
                typer.echo(f"  - {reason}")
            for card in message.body.get("cards", []):
                self._print_card(card, message.language)
            for number, choice in enumerate(message.body.get("choices", []), 1):
                typer.echo(f"  {number}. {choice['label']}")
        self._remember_choices(messages)

    def _print_card(self, card: dict[str, Any], language: str) -> None:
        typer.echo(f"\n  * {card['name']} ({card['organization']})")
        parts = [
            card.get("first_step"),
            card.get("alert"),
            card["what"],
            *card["why"],
            card["how"],
            card.get("say_this"),
            *card.get("documents", []),
            card.get("next"),
        ]
        if after_no := card.get("plan_b"):
            heading = self._doors.content.raw(language, "web_live_card_plan_b")
            parts.append(f"{heading}: {after_no}")
        parts += [f"{p['label']} {p['number']} {p['note']}".strip() for p in card["phone"]]
        parts += [card.get("missing"), card.get("url"), card["source"]]
        for part in filter(None, parts):
            typer.echo(f"    {part}")


def _as_turn(turn: int, text: str, replies: list[StoredMessage], outcome: str) -> dict[str, Any]:
    """One object a turn, in the shape that scripts rely on."""
    levels = [reply.body["level"] for reply in replies if reply.body.get("level")]
    cards = [
        card for r in replies if r.reply_id in ("utter_matches", "utter_one_match")
        for card in r.body.get("cards", [])
    ]  # fmt: skip
    acute = any(reply.acute for reply in replies)
    return {
        "turn": turn,
        "text": text,
        "replies": [{"id": reply.reply_id, "text": reply.text} for reply in replies],
        "level": "acute" if acute else levels[-1]["id"] if levels else None,
        "signals": levels[-1]["reasons"] if levels else [],
        "matches": [
            {"service_id": card["service_id"], "name": card["name"], "why": card["why"]}
            for card in cards
        ],
        "outcome": outcome,
    }
