"""What every door shares: the parts of the product, and a message as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from bot import clock
from bot.content import Content
from bot.ledger import Ledger
from bot.messages import Author, OutgoingMessage, StoredMessage
from bot.reminders import Reach, nowhere
from bot.replies import Replies, Setting
from bot.settings import ORIGIN, Settings
from channels.protection import Protection
from channels.stream import Hub
from channels.themes import Theme
from knowledge.catalogue import Catalogue
from knowledge.glossary import glossary, glossary_links

VISIBLE = frozenset(
    {"question", "choices", "cards", "level", "lines", "sections", "numbers", "links"}
)


@dataclass(frozen=True, slots=True)
class Doors:
    """The parts of the product that the doors use, made once in channels/app.py."""

    settings: Settings
    ledger: Ledger
    shipped: Catalogue
    content: Content
    replies: Replies
    hub: Hub
    protection: Protection = field(default_factory=lambda: Protection(0, 0, 0))
    themes: Mapping[str, Theme] = field(default_factory=dict)
    reach: Reach = nowhere  # the channels that a parent can be reminded on

    @property
    def catalogue(self) -> Catalogue:
        """The shipped catalogue with the edits in force."""
        return self.replies.catalogue

    def frame_origins(self, municipality: str, own: str) -> list[str]:
        """Sites that may frame a municipality's pages; an invented one is framed by our demo."""
        allowed = self.settings.widget_origins.get(municipality, [])
        is_ours = self.catalogue.municipalities[municipality].fictional
        if is_ours and ORIGIN.fullmatch(own.rstrip("/")):
            return [*allowed, own.rstrip("/")]
        return allowed

    def setting(self, municipality: str, language: str, *, on_duty: bool = False) -> Setting:
        """Where and when a reply is worded. Raises KeyError for an unknown municipality."""
        found = self.catalogue.municipalities[municipality]
        return Setting(found, language, clock.now(), on_duty)

    def as_json(
        self, message: StoredMessage | OutgoingMessage, seq: int | None = None
    ) -> dict[str, Any]:
        """A message as the pages know it."""
        sent_at = clock.now()
        if isinstance(message, StoredMessage):
            sent_at, seq = clock.as_tried(message.sent_at), message.seq
        known: dict[str, Any] = {
            "seq": seq,
            "author": message.author,
            "language": message.language,
            "dir": self.content.direction(message.language),
            "sent_at": sent_at.isoformat(),
            "reply_id": message.reply_id,
            "text": message.text,
            "acute": message.acute,
        }
        if message.name:
            known["name"] = message.name
        if message.author is Author.PARENT:
            return known
        if message.author is Author.BOT and (terms := explained(message.text, message.language)):
            known["terms"] = terms
        return known | {k: v for k, v in message.body.items() if k in VISIBLE}


@lru_cache(maxsize=4096)
def explained(text: str, language: str) -> tuple[dict[str, Any], ...]:
    """The words of a text that the glossary explains in its language, each where it first stands.

    `start` and `end` count characters (code points).
    """
    found: dict[str, dict[str, Any]] = {}
    for start, end, term_id in glossary_links(text, language):
        explanation = glossary().terms[term_id].explanation.get(language)
        if explanation and term_id not in found:
            found[term_id] = {"start": start, "end": end, "explanation": explanation}
    return tuple(found.values())
