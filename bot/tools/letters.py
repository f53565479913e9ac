"""Words for a letter: to ask for a SIP, to apply, to appeal. The parent sends it; we do not.

Only what the parent said stands in it, in her own words; what is not known is a blank. A SIP rests
on 16 kap. 4 § hälso- och sjukvårdslagen (2017:30) and on socialtjänstlagen (2025:400). An appeal
must have reached the authority within three weeks of the day the decision was received (44 §
förvaltningslagen (2017:900)).
"""

from __future__ import annotations

import datetime as dt
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from bot.tools.basis import FALLBACK_LANGUAGE, Basis, Kept, Long, Short
from bot.tools.contacts import names
from bot.tools.sheet import BLANK, Part, Sheet

Kind = Literal["sip", "application", "appeal"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class Letter(BaseModel):
    """What the parent fills in. `words` is None until she has changed what she said in the chat."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    receiver: Short = ""
    what: Long = ""  # what is asked for or applied for; of an appeal, how the decision should be
    words: Long | None = None
    decision: Short = ""  # of an appeal: which decision
    decided_on: dt.date | None = None


class KeptLetters(Kept):
    letters: dict[Kind, Letter] = Field(default_factory=dict)


def kind_of(text: str) -> Kind:
    """The letter with this id. Raises KeyError for any other."""
    for kind in KINDS:
        if kind == text:
            return kind
    raise KeyError(text)


def letter_of(basis: Basis, kind: Kind) -> Letter:
    """The letter as it stands: her changes, else her own words from the chat."""
    found = basis.read("letters", KeptLetters).letters.get(kind, Letter())
    if found.words is None:
        found = found.model_copy(update={"words": "\n".join(basis.own_words)})
    return found


def write(basis: Basis, kind: Kind, letter: Letter) -> KeptLetters:
    """What is kept, with this letter in place of the earlier one."""
    kept = basis.read("letters", KeptLetters)
    return KeptLetters(letters={**kept.letters, kind: letter})


def text_of(basis: Basis, kind: Kind) -> str:
    """The letter, ready to send but for the blanks."""
    letter = letter_of(basis, kind)
    decided = basis.day(letter.decided_on) if letter.decided_on else BLANK
    return basis.say(
        f"letter_{kind}_text",
        receiver=letter.receiver or BLANK,
        what=letter.what or BLANK,
        words=letter.words or BLANK,
        decision=letter.decision or BLANK,
        decided_on=decided,
        contacts=basis.content.listed(basis.language, names(basis)) or BLANK,
        blank=BLANK,
    )


def sheet(basis: Basis, kind: Kind) -> Sheet:
    """The letter with what to know before it is sent; in Swedish, as the receiver reads Swedish."""
    parts = [
        Part(
            basis.say("letter_heading"),
            quote=text_of(basis.in_swedish(), kind),
            language=FALLBACK_LANGUAGE if basis.language != FALLBACK_LANGUAGE else "",
        )
    ]
    if basis.language != FALLBACK_LANGUAGE:
        parts.append(Part(basis.say("letter_means"), quote=text_of(basis, kind)))
    know = [basis.say(f"letter_{kind}_know_{n}") for n in (1, 2, 3)]
    parts.append(Part(basis.say("letter_know"), items=know))
    title, lead = basis.say(f"letter_{kind}_title"), basis.say(f"letter_{kind}_lead")
    return Sheet(title, lead, parts, basis.say("letter_foot"))
