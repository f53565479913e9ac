"""Starts a web or worker process for a fault run, with a seeded bug or without models if asked."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bot import worker as workers
from bot.content import Content
from bot.database import open_pool
from bot.edits import Edits
from bot.engine.compile import Policy
from bot.engine.state import DialogueState
from bot.ledger import Claim, Ledger, TurnResult
from bot.messages import Author, Outcome, OutgoingMessage
from bot.privacy import Seal
from bot.replies import Replies
from bot.settings import Settings, settings
from channels.serve import run_web, run_worker
from knowledge.catalogue import Catalogue
from tests.faults.seeded import BUGS


class PlainConversations:
    """Turns without models: a short answer, and a tracker that remembers each message."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def take(self, claim: Claim) -> TurnResult:
        message = claim.message
        before = await self._ledger.dialogue_state(message.conversation_id)
        await asyncio.sleep(0.03)  # a turn takes a while
        event = {"event": "user", "text": f"message:{message.seq}"}
        reply = OutgoingMessage(Author.BOT, "svar", "utter_plain")
        return TurnResult(
            Outcome.ANSWERED,
            [reply],
            1,
            events=[event],
            state=DialogueState(None, (*before.tail, event)),
            slots={},
        )


@dataclass(frozen=True)
class PlainReader:
    """Reads nothing; the catalogue is as it was shipped."""

    edits: Edits = field(default_factory=Edits)
    is_loading: bool = False


@asynccontextmanager
async def plain(settings: Settings, url: str, *_: Any, **__: Any) -> AsyncIterator[workers.Worker]:
    """The worker as it is, without models."""
    shipped = Catalogue.load()
    async with open_pool(url) as pool:
        ledger = Ledger(pool, Seal.from_file(settings.keys))
        replies = Replies(Content.load(), shipped, Policy.load())
        yield workers.Worker(
            ledger,
            PlainConversations(ledger),  # type: ignore[arg-type]
            settings.lease,
            PlainReader(),  # type: ignore[arg-type]
            replies,
            shipped,
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["web", "worker"])
    parser.add_argument("--seeded", choices=list(BUGS))
    parser.add_argument("--plain", action="store_true")
    wanted = parser.parse_args()
    if wanted.seeded:
        BUGS[wanted.seeded]()
    if wanted.plain:
        workers.open_worker = plain  # type: ignore[assignment]
    if wanted.kind == "web":
        run_web(settings())
    else:
        run_worker(settings(), "actions")


if __name__ == "__main__":
    main()
