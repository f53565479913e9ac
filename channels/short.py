"""Turns replies into what a phone shows: short forms, numbered choices, at most three parts.

Neutral unless the parent chose full text: what is sensitive goes behind a link, and no word that
tells what it is about is written, whoever composed the sentence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from bot.content import Content
from bot.engine.compile import REFUSALS
from bot.messages import Author, OutgoingMessage, StoredMessage
from channels.gsm import count, plain
from channels.providers.whatsapp import BODY_LENGTH
from knowledge.catalogue import Catalogue, Municipality

POLICY = Path(__file__).parents[1] / "bot" / "content" / "policy" / "sms.yml"
PARTS = 3
TIMES = "book:"  # how the ids of days and times to choose from begin
FEWEST_TIMES = 2
TOLD = "told"  # in a message's body: the phone has it already
WORDS = ("stop", "help", "start", "back", "guide", "skip", "web", "full", "short", "erase")
_REFUSED = frozenset(f"intent:{intent}" for intent in REFUSALS)
_OWN_NUMBER = re.compile(r"^\d+\s*[-–.]\s*(?!\d)")  # of a scale; the list has numbers already
Shown = StoredMessage | OutgoingMessage


class ShortPolicy(BaseModel):
    """Which replies are not written out on a neutral phone."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    silent: list[str]
    link: list[str]
    typed: list[str]
    reveals: list[str]

    @classmethod
    def load(cls) -> ShortPolicy:
        return cls.model_validate(yaml.safe_load(POLICY.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class Look:
    """For whom it is rendered. `may_send`: whether links and more may go to this phone."""

    municipality: Municipality
    language: str
    channel: str = "sms"
    full_text: bool = False
    may_send: bool = True


@dataclass(frozen=True, slots=True)
class Bit:
    """One message to a phone. A `link` is worded by whoever can make its code."""

    text: str
    choices: tuple[tuple[str, str], ...] = ()
    multiple: bool = False
    most: int | None = None
    is_link: bool = False
    is_urgent: bool = False
    is_own: bool = False  # not joined with others: a guide's words, an answer to danger
    is_automatic: bool = True
    in_own_words: bool = False  # its choices are not listed: a number means nothing


class Short:
    """Renders for phones."""

    def __init__(self, content: Content, catalogue: Catalogue) -> None:
        self.content = content
        self._policy = ShortPolicy.load()
        self._reveals = _pattern(self._policy.reveals, catalogue)

    def reveals(self, text: str) -> bool:
        """Whether a text holds a word that tells what it is about."""
        return bool(self._reveals.search(text))

    def words(self, language: str) -> dict[str, str]:
        """The reserved words as they are shown in a language."""
        return {w: self.content.raw(language, f"sms_word_{w}").split("|")[0] for w in WORDS}

    def text(self, text_id: str, look: Look, **values: object) -> str:
        """One of the phone's own texts."""
        known = {
            "municipality": look.municipality.name,
            "days": look.municipality.retention_days,
            **self.words(look.language),
            **values,
        }
        return self._plain(self.content.text(look.language, text_id, **known), look)

    def render(self, messages: Sequence[Shown], look: Look) -> list[Bit]:
        """What to send for the messages of a turn, in order; at most one question a bit."""
        bits: list[Bit] = []
        for message in messages:
            if message.body.get(TOLD) or message.reply_id in self._policy.silent:
                continue
            bits += self._bits(message, look)
        offered = [number for number, bit in enumerate(bits) if bit.choices]
        bits = [
            replace(bit, choices=()) if bit.choices and number != offered[-1] else bit
            for number, bit in enumerate(bits)
        ]
        return _joined(bits, look)

    def parts(self, bit: Bit, look: Look) -> int:
        """How many parts a bit takes on its channel."""
        return count(self.shown(bit, look)).parts if look.channel == "sms" else 1

    def shown(self, bit: Bit, look: Look) -> str:
        """The whole text of a bit, with its numbered choices where the channel has no buttons."""
        if not bit.choices or look.channel != "sms":
            return bit.text
        lines = [f"{number} {label}" for number, (_, label) in enumerate(bit.choices, 1)]
        return "\n".join(filter(None, [bit.text, *lines, self._how(bit, look)]))

    def menu(self, bit: Bit, look: Look) -> dict[str, Any]:
        """What the numbers of a message mean, and how it is answered."""
        if bit.in_own_words:
            return {"choices": [], "how": self.text("sms_own_words", look)}
        if not bit.choices:
            return {}
        ids = [choice for choice, _ in bit.choices]
        how = self._how(bit, look)
        return {"choices": ids, "multiple": bit.multiple, "most": bit.most, "how": how}

    def menu_after(self, bits: Sequence[Bit], look: Look, before: dict[str, Any]) -> dict[str, Any]:
        """What numbers mean once these are sent: the last ones stay in force under a guide's words
        and an answer to danger, and end with anything else that is said."""
        said = [bit for bit in bits if bit.is_automatic and not bit.is_urgent]
        return self.menu(said[-1], look) if said else before

    def _how(self, bit: Bit, look: Look) -> str:
        if bit.multiple and bit.most:
            return self.text("sms_reply_most", look, most=bit.most)
        if bit.multiple:
            return self.text("sms_reply_many", look)
        if len(bit.choices) == 1:
            return self.text("sms_reply_only", look)
        return self.text("sms_reply_one", look, last=len(bit.choices))

    def acute(self, message: Shown, look: Look) -> str:
        """The answer to danger in at most three parts: what to do, numbers, and a person last.

        A neutral phone gets numbers without the names that tell what it is about.
        """
        paragraphs = self._plain(message.text, look).split("\n\n")
        rest = [self._numbers(message, look), *paragraphs[1:-1], self._person(look)]
        text = split(paragraphs[0], look)[0]
        for line in filter(None, rest):
            longer = f"{text}\n{line}"
            if look.channel != "sms" or count(longer).parts <= PARTS:
                text = longer
        return text

    def _person(self, look: Look) -> str:
        if not self.content.says(look.language, "sms_person"):
            return ""
        return self.text("sms_person", look)

    def _numbers(self, message: Shown, look: Look) -> str:
        known = [n for n in message.body.get("numbers", []) if n["number"] != "112"]
        if not known:
            return ""
        if look.full_text:
            listed = ", ".join(f"{n['label']} {n['number']}" for n in known)
        else:
            listed = ", ".join(str(n["number"]) for n in known)
        if not self.content.says(look.language, "sms_more_numbers"):
            return self._plain(listed, look)
        return self.text("sms_more_numbers", look, numbers=listed)

    def _bits(self, message: Shown, look: Look) -> list[Bit]:
        if message.author is Author.GUIDE:
            return self._from_guide(message, look)
        if message.author not in (Author.BOT, Author.SAFETY):
            return []
        if message.acute:
            return [Bit(self.acute(message, look), is_urgent=True, is_own=True)]
        if look.full_text and look.may_send:
            return self._in_full(message, look)
        return self._neutral(message, look)

    def _from_guide(self, message: Shown, look: Look) -> list[Bit]:
        """A guide's words are hers: whole, in as many messages as they need."""
        said = self.content.text(
            look.language, "sms_from_guide", name=message.name or "", text=message.text
        )
        texts = split(self._plain(said, look), look)
        return [Bit(text, is_own=True, is_automatic=False) for text in texts]

    def _neutral(self, message: Shown, look: Look) -> list[Bit]:
        text = self._words(message, look)
        body = message.body
        is_sensitive = message.reply_id in self._policy.link or any(
            body.get(name) for name in ("cards", "lines")
        )
        if is_sensitive or self.reveals(text):
            link = Bit("", is_link=True, is_own=True)
            choices = self._choices(message, look)
            # The way on is asked for here, though what it is about is read elsewhere.
            return (
                [link, self._fitting(replace(choices, text=""), look)]
                if choices.choices
                else [link]
            )
        numbers = self._numbers(message, look)
        said = "\n".join(filter(None, [text, numbers]))
        fitted = self._fitting(replace(self._choices(message, look), text=said), look)
        # What needs more letters in her alphabet comes in two messages, not behind a link.
        return (
            [fitted]
            if self.parts(fitted, look) <= PARTS
            else self._pieces(split(said, look), message, look)
        )

    def _in_full(self, message: Shown, look: Look) -> list[Bit]:
        body = message.body
        lines = [f"{line['label']}: {line['value']}" for line in body.get("lines", [])]
        lines += [f"- {reason}" for reason in (body.get("level") or {}).get("reasons", [])]
        said = message.text if body.get("question") else self._words(message, look)
        text = "\n".join(filter(None, [said, *lines, self._numbers(message, look)]))
        texts = split(self._plain(text, look), look)
        for card in body.get("cards", []):
            texts += split(self._plain(_card(card), look), look)
        return self._pieces(texts, message, look)

    def _pieces(self, texts: Sequence[str], message: Shown, look: Look) -> list[Bit]:
        """A message for each text, the choices with the last or after it."""
        bits = [Bit(said) for said in texts]
        last = self._fitting(replace(self._choices(message, look), text=bits[-1].text), look)
        if self.parts(last, look) > PARTS:
            return [*bits, self._fitting(replace(last, text=""), look)]
        return [*bits[:-1], last]

    def _words(self, message: Shown, look: Look) -> str:
        short = f"sms_{message.reply_id}"
        if self.content.says(look.language, short):
            return self.text(short, look)
        return self._plain(message.text, look)

    def _choices(self, message: Shown, look: Look) -> Bit:
        """The choices that may be listed, without text: none where a number is the answer."""
        asked = message.body.get("question") or {}
        offered = [c for c in message.body.get("choices", []) if c["id"] not in _REFUSED]
        if asked.get("id") in self._policy.typed or not offered:
            return Bit("")
        mark = self.content.raw(look.language, "sms_example")
        labels = [_OWN_NUMBER.sub("", c["label"].split(mark)[0]) for c in offered]
        ids = [str(c["id"]) for c in offered]
        shown = [(i, self._plain(label, look)) for i, label in zip(ids, labels, strict=True)]
        if not look.full_text and any(self.reveals(label) for _, label in shown):
            return Bit("")
        return Bit("", tuple(shown), multiple=bool(asked.get("multiple")), most=asked.get("most"))

    def _with_fewer_times(self, bit: Bit, look: Look) -> Bit | None:
        """The first of the times to book, and the last choice; None where there are none to spare.

        Words for a day are not asked for: a number always means one of the times that are free.
        """
        choices = list(bit.choices)
        while len(choices) > FEWEST_TIMES and choices[-2][0].startswith(TIMES):
            del choices[-2]
            fewer = replace(bit, choices=tuple(choices))
            if self.parts(fewer, look) <= PARTS:
                return fewer
        return None

    def _fitting(self, bit: Bit, look: Look) -> Bit:
        """The bit without its list where that is too long: then she answers in her own words."""
        if not bit.choices or self.parts(bit, look) <= PARTS:
            return bit
        if fewer := self._with_fewer_times(bit, look):
            return fewer
        own = self.text("sms_own_words", look)
        return replace(bit, text=f"{bit.text}\n{own}".strip(), choices=(), in_own_words=True)

    def _plain(self, text: str, look: Look) -> str:
        return plain(text) if look.channel == "sms" else text


def chosen(text: str, menu: Mapping[str, Any]) -> str | None:
    """The choice a typed number stands for, None where it stands for nothing on the menu."""
    choices: list[str] = menu.get("choices") or []
    numbers = re.split(r"[\s,.;+&]+", text.strip().rstrip(".)"))
    if not choices or not all(n.isdigit() and 0 < int(n) <= len(choices) for n in numbers):
        return None
    picked = list(dict.fromkeys(choices[int(number) - 1] for number in numbers))
    if len(picked) == 1:
        return picked[0]
    question = picked[0].partition(":")[0]
    same = all(choice.partition(":")[0] == question for choice in picked)
    most = menu.get("most") or len(choices)
    if not menu.get("multiple") or not same or len(picked) > most:
        return None
    return f"{question}:" + ",".join(choice.partition(":")[2] for choice in picked)


def split(text: str, look: Look) -> list[str]:
    """A text in messages of at most three parts, broken between sentences where it can be."""
    pieces: list[str] = []
    gap = ""
    for sentence in re.split(r"((?<=[.?:])[ ]+|\n+)", text.strip()):
        if not sentence.strip():
            gap = sentence
        elif pieces and _fits(joined := pieces[-1] + gap + sentence, look):
            pieces[-1] = joined
        else:
            pieces += _cut(sentence, look)
    return pieces or [""]


def _cut(sentence: str, look: Look) -> list[str]:
    """A sentence too long for one message, broken between words; a word alone is cut."""
    pieces: list[str] = []
    for word in sentence.split(" "):
        joined = f"{pieces[-1]} {word}" if pieces else word
        if pieces and _fits(joined, look):
            pieces[-1] = joined
        elif _fits(word, look):
            pieces.append(word)
        else:
            pieces += [word[n : n + 150] for n in range(0, len(word), 150)]
    return pieces


def _fits(text: str, look: Look) -> bool:
    return count(text).parts <= PARTS if look.channel == "sms" else len(text) <= BODY_LENGTH


def _joined(bits: Sequence[Bit], look: Look) -> list[Bit]:
    """Neighbours in one message where they fit; links once; nothing empty."""
    joined: list[Bit] = []
    for bit in bits:
        if bit.is_link and any(other.is_link for other in joined):
            continue
        before = joined[-1] if joined else None
        if before and not (before.is_own or bit.is_own or before.choices):
            together = replace(bit, text="\n".join(filter(None, [before.text, bit.text])))
            sample = "\n".join([together.text, *(f"10 {label}" for _, label in bit.choices)])
            room = f"{sample}\n{'x' * 60}" if bit.choices else sample
            if _fits(room, look):
                joined[-1] = together
                continue
        if bit.text or bit.choices or bit.is_link:
            joined.append(bit)
    return joined


def _card(card: Mapping[str, Any]) -> str:
    phones = [f"{phone['number']} {phone['note']}".strip() for phone in card["phone"]]
    name = f"{card['name']} ({card['organization']})"
    said = [name, *phones, card["what"], *card["why"], card["how"], card.get("missing")]
    return "\n".join(part for part in said if part)


def _pattern(reveals: Sequence[str], catalogue: Catalogue) -> re.Pattern[str]:
    names = {service.name for service in catalogue.services.values() if service.name != "112"}
    words = [rf"\b{re.escape(word)}" for word in reveals]
    words += [rf"\b{re.escape(name)}\b" for name in sorted(names, key=len, reverse=True)]
    return re.compile("|".join(words), re.IGNORECASE)
