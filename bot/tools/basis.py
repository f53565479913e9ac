"""What the tools are drawn from: the conversation's facts and words, and what the parent kept."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, TypeVar

from babel.dates import format_date
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError

from bot.content import Content, spoken
from bot.ledger import Conversation, Ledger
from bot.messages import StoredMessage
from bot.privacy import mask
from bot.safe_use import is_danger_at_home
from bot.tools import kept
from knowledge.catalogue import Catalogue, Municipality, Service
from knowledge.summaries import in_language

FALLBACK_LANGUAGE = "sv"
BLANK = "________"
_PLACEHOLDER = re.compile(r"\[(?:personal_number|phone|email|address)\]")
CONTACT_CENTRE = "utter_contact_centre"  # a card that shows where to ask, no suggestion


def _with_blanks(masked: str) -> str:
    """A masked text with a blank for each identifier, to be filled in by hand on paper."""
    return _PLACEHOLDER.sub(BLANK, masked)


def _masked(text: str) -> str:
    return _with_blanks(mask(text.replace("\x00", "").replace("\r\n", "\n")).text).strip()


# What a parent types: identifiers are taken out before it is kept, as in the chat.
Short = Annotated[str, StringConstraints(max_length=80), AfterValidator(_masked)]
Long = Annotated[str, StringConstraints(max_length=3000), AfterValidator(_masked)]


class Kept(BaseModel):
    """What is kept of one tool; what an older or newer version wrote besides is passed over."""

    model_config = ConfigDict(extra="ignore")


KeptT = TypeVar("KeptT", bound=Kept)


@dataclass(frozen=True, slots=True)
class Basis:
    """The facts of one conversation, ready to be worded in one language."""

    conversation: Conversation
    municipality: Municipality
    catalogue: Catalogue
    content: Content
    language: str
    own_words: Sequence[str] = ()  # what the parent wrote, masked, in order
    suggested: Sequence[str] = ()  # ids of entries shown to her, the newest reply's first
    kept: Mapping[str, Any] = field(default_factory=dict)
    is_danger_at_home: bool = False  # the conversation was answered so

    @property
    def slots(self) -> Mapping[str, Any]:
        return self.conversation.slots

    def say(self, text_id: str, **values: object) -> str:
        """A text of the tools, filled. Raises MissingTextError."""
        return self.content.text(self.language, f"tools_{text_id}", **values)

    def local(self, texts: Mapping[str, str]) -> str:
        """The text in the page's language, else in Swedish, else nothing."""
        return texts.get(self.language) or texts.get(FALLBACK_LANGUAGE) or ""

    def summary(self, service: Service) -> str:
        """What an entry gives, in the page's language, else in Swedish as easy as there is."""
        return in_language(self.catalogue.summary(service), self.language)[0]

    def day(self, day: dt.date) -> str:
        """A date in words, with its weekday."""
        return format_date(day, self.say("date_format"), locale=spoken(self.language))

    def services(self) -> list[Service]:
        """The entries shown to her that still exist and that she has not tried."""
        known, tried = self.catalogue.services, self.slots.get("tried_services") or ()
        return [known[one] for one in self.suggested if one in known and one not in tried]

    def read(self, tool: str, model: type[KeptT]) -> KeptT:
        """What is kept of a tool; empty where nothing is, or it cannot be read any more."""
        try:
            return model.model_validate(self.kept.get(tool, {}))
        except ValidationError:
            return model()

    def in_swedish(self) -> Basis:
        """The same for what an authority is to read."""
        return replace(self, language=FALLBACK_LANGUAGE)


async def basis_of(
    ledger: Ledger,
    conversation: Conversation,
    catalogue: Catalogue,
    content: Content,
    language: str,
) -> Basis:
    """Everything the tools of a conversation are drawn from."""
    messages = await ledger.messages(conversation.id)
    story = conversation.slots.get("story") or []
    return Basis(
        conversation=conversation,
        municipality=catalogue.municipalities[conversation.municipality],
        catalogue=catalogue,
        content=content,
        language=language,
        own_words=[_with_blanks(text) for text in await ledger.texts(conversation.id, story)],
        suggested=_shown(messages),
        kept=await kept.read(ledger, conversation.id),
        is_danger_at_home=is_danger_at_home(message.reply_id for message in messages),
    )


def _shown(messages: Sequence[StoredMessage]) -> list[str]:
    """The entries of the cards, the newest reply's first, each once."""
    suggesting = [one for one in reversed(messages) if one.reply_id != CONTACT_CENTRE]
    cards = [card for message in suggesting for card in message.body.get("cards", ())]
    return list(dict.fromkeys(card["service_id"] for card in cards if "service_id" in card))
