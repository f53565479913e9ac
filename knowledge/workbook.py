"""The sheet of entries as an Excel workbook (XLSX), with help and lists to choose from."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from knowledge.catalogue import Catalogue, Service
from knowledge.faults import FileFaultError, shown, texts
from knowledge.sheet import (
    FORMULA,
    INNER_LISTS,
    LISTS,
    ROW_LIMIT,
    Column,
    Row,
    cells,
    columns,
    columns_for,
)

TEXT_FORMAT = "@"  # a phone number keeps its first zero
WIDTH = 28
COLUMN_LIMIT = 400
# What openpyxl raises for files that are broken inside.
DAMAGED = (
    AttributeError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
MOST_ROWS = 2 * ROW_LIMIT  # blank ones included
LONGEST_CELL = 32_767  # Excel's own limit; openpyxl cuts longer text without a word
_HEAD = PatternFill("solid", fgColor="DDE7EE")
_EXAMPLE = PatternFill("solid", fgColor="EEEEEE")
_TOP = Alignment(wrap_text=True, vertical="top")
Lists = dict[str, list[tuple[str, str]]]  # field → value and what it means


def write(services: Sequence[Service], catalogue: Catalogue, path: Path) -> None:
    """Write the entries. Raises ValueError when a text is longer than a cell may be."""
    wanted = columns_for(services)
    _book(wanted, [cells(service, wanted) for service in services], catalogue).save(path)


def write_template(catalogue: Catalogue, path: Path) -> None:
    """Write a workbook without entries, with two examples that are not read."""
    wanted, words = columns(), texts()["sheet"]
    rows = [cells(Service.model_validate(example), wanted) for example in texts()["examples"]]
    for row in rows:
        row[0] = words["example"].format(id=row[0])
    book = _book(wanted, rows, catalogue)
    for row_number in range(2, 2 + len(rows)):
        for cell in book[words["entries"]][row_number]:
            cell.fill = _EXAMPLE
            cell.font = Font(italic=True, color="555555")
    book.save(path)


def read(path: Path) -> list[Row]:
    """The rows of the sheet of entries, or of the first sheet. Raises FileFaultError."""
    try:
        book = load_workbook(io.BytesIO(path.read_bytes()), read_only=True)
        name = texts()["sheet"]["entries"]
        sheet = book[name] if name in book.sheetnames else book.worksheets[0]
        return list(_rows(sheet))
    except DAMAGED as error:
        raise FileFaultError("not_readable", value=shown(error)) from None


def _rows(sheet: Any) -> Iterator[Row]:
    for number, row in enumerate(sheet.iter_rows(max_col=COLUMN_LIMIT), 1):
        if number > MOST_ROWS:
            raise FileFaultError("too_many_rows", limit=ROW_LIMIT)
        yield number, [_text(cell) for cell in row]


def _text(cell: Any) -> str:
    """What an editor sees in a cell, as our columns write it."""
    value = cell.value
    if value is None:
        return ""
    if cell.data_type in ("f", "e"):
        return FORMULA
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ")
    if isinstance(value, dt.time):
        return value.isoformat().removesuffix(":00")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _book(wanted: Sequence[Column], rows: list[list[str]], catalogue: Catalogue) -> Workbook:
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)  # a new workbook has one
    words = texts()["sheet"]
    sheet.title = words["entries"]
    _fill(sheet, [[column.heading for column in wanted], *rows])
    sheet.freeze_panes = "B2"
    lists = _lists(catalogue)
    _write_help(book.create_sheet(words["help"]), wanted, lists)
    places = _write_values(book.create_sheet(words["values"]), lists)
    for number, column in enumerate(wanted, 1):
        if column.path in places:
            _offer(sheet, get_column_letter(number), column, places[column.path])
    return book


def _fill(sheet: Worksheet, rows: list[list[str]]) -> None:
    for row_number, row in enumerate(rows, 1):
        for column_number, text in enumerate(row, 1):
            if len(text) > LONGEST_CELL:
                raise ValueError(f"{row[0]}: a text is longer than {LONGEST_CELL} characters")
            cell = sheet.cell(row_number, column_number)
            cell.number_format = TEXT_FORMAT
            cell.alignment = _TOP
            if text:
                cell.value = ILLEGAL_CHARACTERS_RE.sub("", text)
                cell.data_type = "s"  # also `#N/A` is text
    for number, _ in enumerate(rows[0], 1):
        sheet.cell(1, number).font = Font(bold=True)
        sheet.cell(1, number).fill = _HEAD
        dimension = sheet.column_dimensions[get_column_letter(number)]
        dimension.width = WIDTH
        dimension.number_format = TEXT_FORMAT


def _lists(catalogue: Catalogue) -> Lists:
    """What there is to choose from in each column."""
    layers = {layer for m in catalogue.municipalities.values() for layer in m.layers}
    labelled = {"kinds": catalogue.taxonomy.kinds, "needs": catalogue.taxonomy.needs}
    return {
        "layer": [(layer, "") for layer in sorted(layers)],
        **{
            path: [(name, label.label.get("sv", "")) for name, label in labels.items()]
            for path, labels in labelled.items()
        },
        **{
            path: [(word, "") for word in words.values()]
            for path, words in texts()["values"].items()
        },
    }


def _write_help(sheet: Worksheet, wanted: Sequence[Column], lists: Lists) -> None:
    words = texts()["sheet"]
    rows = [[words["help_column"], words["help_text"], words["help_values"]]]
    for column in wanted:
        offered = "\n".join(value for value, _ in lists.get(column.path, []))
        long = column.path in ("kinds", "needs", "layer")
        rows.append([column.heading, column.help, words["values"] if long else offered])
    _fill(sheet, rows)
    sheet.column_dimensions["B"].width = WIDTH * 3


def _write_values(sheet: Worksheet, lists: Lists) -> dict[str, str]:
    """Write every list, and say where each one's values stand."""
    grid: list[list[str]] = []
    places = {}
    for path, values in lists.items():
        heading: str = texts()["columns"][path]["heading"]
        letter = get_column_letter(len(grid) + 1)
        places[path] = f"'{sheet.title}'!${letter}$2:${letter}${len(values) + 1}"
        grid.append([heading, *(value for value, _ in values)])
        if any(meaning for _, meaning in values):
            meaning: str = texts()["sheet"]["meaning"]
            grid.append([f"{heading}: {meaning}", *(meaning for _, meaning in values)])
    depth = max(map(len, grid))
    padded = [[*column, *[""] * (depth - len(column))] for column in grid]
    _fill(sheet, [list(row) for row in zip(*padded, strict=True)])
    return places


def _offer(sheet: Worksheet, letter: str, column: Column, place: str) -> None:
    """A drop-down list; only where a cell holds one value is anything else refused."""
    many = column.group or column.path in (*LISTS, *INNER_LISTS)
    choice = DataValidation("list", formula1=place, allow_blank=True, showErrorMessage=not many)
    choice.add(f"{letter}2:{letter}{ROW_LIMIT + 1}")
    sheet.add_data_validation(choice)
