"""One paper: headings, texts, lists and blanks, said once and shown as page, PDF or plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 72  # characters of a line of plain text
BLANK = "_" * 24


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a heading for each column; an empty cell is to be filled in by hand."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Row:
    """A label with its value; `href` calls the number or opens the page that the value is."""

    label: str
    value: str
    href: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One stretch of a sheet under its heading."""

    heading: str
    text: Sequence[str] = ()
    rows: Sequence[Row] = ()
    quote: str = ""  # words to say or send as they stand
    quote_heading: str = ""
    items: Sequence[str] = ()
    items_heading: str = ""
    ticked: Sequence[str] = ()  # of the items, those that are done
    is_checklist: bool = False
    table: Table | None = None
    blank_lines: int = 0  # for writing by hand
    language: str = ""  # where it is not the sheet's


@dataclass(frozen=True, slots=True)
class Sheet:
    """A paper the parent keeps."""

    title: str
    lead: str
    parts: Sequence[Part]
    foot: str = ""


def as_text(sheet: Sheet) -> str:
    """The sheet as plain text, for an SMS, an e-mail or a screen reader."""
    blocks = [sheet.title.upper(), _wrapped(sheet.lead)]
    for part in sheet.parts:
        blocks.append("\n".join([part.heading, "-" * min(len(part.heading), WIDTH)]))
        blocks += [_wrapped(text) for text in part.text]
        blocks += [_wrapped(_line(row)) for row in part.rows]
        if part.quote:
            blocks.append(part.quote_heading)
            blocks.append(textwrap.indent(_wrapped(part.quote), "  "))
        if part.items:
            blocks.append(part.items_heading)
            blocks.append("\n".join(_item(item, part) for item in part.items))
        if part.table:
            blocks += [_cells(part.table, row) for row in part.table.rows]
        blocks += [BLANK * 2] * part.blank_lines
    blocks.append(_wrapped(sheet.foot))
    return "\n\n".join(block for block in blocks if block.strip()) + "\n"


def _line(row: Row) -> str:
    return f"{row.label}: {row.value}" + (f" ({row.note})" if row.note else "")


def _item(item: str, part: Part) -> str:
    mark = "- "
    if part.is_checklist:
        mark = "[x] " if item in part.ticked else "[ ] "
    return textwrap.fill(item, WIDTH, initial_indent=mark, subsequent_indent=" " * len(mark))


def _cells(table: Table, row: Sequence[str]) -> str:
    cells = zip(table.head, row, strict=True)
    return "\n".join(f"{head}: {cell or BLANK}" for head, cell in cells)


def _wrapped(text: str) -> str:
    return "\n".join(textwrap.fill(line, WIDTH) for line in text.split("\n"))
