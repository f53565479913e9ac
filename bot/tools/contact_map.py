"""Where things stand in the picture of the contact map; it is drawn by a template as SVG.

Two columns of boxes hang on a line down the middle, below a circle for each whose need it is. The
picture is as wide as a small phone, so that its words are never shrunk below what can be read.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

import pyphen

from bot.tools.basis import Basis
from bot.tools.contacts import NEEDS, Contact, Need, State, contacts_of

WIDTH = 360  # units of the picture; text is 15 units high
BOX_WIDTH = 158
LINE_HEIGHT = 19
LETTERS = 15  # that fit on a line of a box
MOST_LINES = 3
GAP = 14
HEAD = 34  # radius of a circle's height
MIDDLE = WIDTH / 2
TEETH = 4  # of the zigzag that is a conflict


@dataclass(frozen=True, slots=True)
class Box:
    """A contact in the picture. `edge` is where its branch ends, at height `branch`."""

    x: float
    y: float
    height: float
    edge: float
    branch: float
    lines: list[str]
    state: State
    state_label: str

    @property
    def path(self) -> str:
        """The branch from the middle line; a conflict is a zigzag."""
        if self.state != "conflict":
            return f"M{MIDDLE:g},{self.branch:g} L{self.edge:g},{self.branch:g}"
        step = (self.edge - MIDDLE) / TEETH
        teeth = [
            f"L{MIDDLE + step * (n + 0.5):g},{self.branch + (5 if n % 2 else -5):g}"
            for n in range(TEETH)
        ]
        start, end = f"M{MIDDLE:g},{self.branch:g}", f"L{self.edge:g},{self.branch:g}"
        return " ".join([start, *teeth, end])


@dataclass(frozen=True, slots=True)
class Group:
    """Those around one of the circles."""

    need: Need
    label: str
    y: float
    boxes: list[Box]


@dataclass(frozen=True, slots=True)
class ContactMap:
    """The whole picture."""

    height: float
    top: float  # where the middle line begins
    bottom: float  # and ends
    groups: list[Group]


def draw(basis: Basis) -> ContactMap:
    """The contacts with their places; child and parent are there also with nobody around them."""
    contacts = contacts_of(basis)
    groups: list[Group] = []
    y = float(HEAD)
    for need in NEEDS:
        around = [one for one in contacts if one.need == need]
        if not around and need == "both":
            continue
        group, y = _group(basis, need, around, y)
        groups.append(group)
    last = groups[-1]
    bottom = max([last.y, *(box.branch for box in last.boxes)])
    height = max([last.y + HEAD, *(box.y + box.height for box in last.boxes)]) + 2
    return ContactMap(height, groups[0].y, bottom, groups)


def _group(basis: Basis, need: Need, around: list[Contact], y: float) -> tuple[Group, float]:
    centre, boxes = y, []
    y += HEAD + GAP
    for n in range(0, len(around), 2):
        pair = around[n : n + 2]
        lines = [_lines(one.name, basis.language) for one in pair]
        height = (max(len(one) for one in lines) + 1) * LINE_HEIGHT + 18
        for side, (contact, words) in enumerate(zip(pair, lines, strict=True)):
            is_left = side == 0
            boxes.append(
                Box(
                    x=2 if is_left else WIDTH - BOX_WIDTH - 2,
                    y=y,
                    height=height,
                    edge=BOX_WIDTH + 2 if is_left else WIDTH - BOX_WIDTH - 2,
                    branch=y + height / 2,
                    lines=words,
                    state=contact.state,
                    state_label=basis.say(f"contacts_state_{contact.state}"),
                )
            )
        y += height + GAP
    label = basis.say(f"contacts_centre_{need}")
    return Group(need, label, centre, boxes), y + HEAD


def _lines(name: str, language: str) -> list[str]:
    lines = textwrap.wrap(" ".join(_syllables(word, language) for word in name.split()), LETTERS)
    lines = lines or [name]
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], lines[MOST_LINES - 1][: LETTERS - 1] + "…"]
    return lines


def _syllables(word: str, language: str) -> str:
    """A word too long for a line, parted where the language parts it."""
    if len(word) <= LETTERS:
        return word
    parted = pyphen.Pyphen(lang=pyphen.language_fallback(language) or "sv").wrap(word, LETTERS)
    return " ".join(parted) if parted else word
