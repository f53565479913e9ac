"""Entries as rows for editors: one row an entry, Swedish headings, one column a field and language.

In a cell, a list has one item a line (in CSV `|` between the items). Columns that belong together
(`phones.number`, `phones.label`) have the same number of lines; `–` stands for an item that lacks
the value. A backslash keeps what would otherwise be read as something else: `\\|`, `\\,`, `\\n`,
`\\–`, and `\\s` for a space at the edge.

A spreadsheet takes text that begins with = + - @ for a formula. Such a cell gets an apostrophe in
front, which is taken away when the cell is read
(https://owasp.org/www-community/attacks/CSV_Injection).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from knowledge.catalogue import REQUIRED_LANGUAGES, Service
from knowledge.faults import Fault, FileFaultError, fault, texts

Row = tuple[int, list[str]]  # row number and cells
ROW_LIMIT = 5000
REMARK = "#"  # a row whose id begins so is not read
NOTHING = "–"
FORMULA = "\x00"  # stands for a cell that is a formula
LINE = "\n"
BAR = "|"
COMMA = ","
GROUPS = (
    "phones",
    "schedules",
    "cost_options",
    "required_documents",
    "eligibility",
    "sources",
)
LISTS = ("kinds", "needs", "for_whom", "parent_says", "languages")
INNER_LISTS = (
    "schedules.byday",
    "schedules.bymonthday",
    "eligibility.is_any",
    "eligibility.is_none",
)
BY_LANGUAGE = (
    "summary",
    "how_to_get",
    "what_happens_next",
    "say_this",
    "phones.label",
    "phones.hours",
    "schedules.description",
    "cost_options.note",
    "required_documents",
    "wait_time.text",
    "alert",
    "translations",
)
CLOCK = ("schedules.opens_at", "schedules.closes_at")
EXACT = (  # free text, kept to the last space
    "name",
    "lagrum",
    "organization.name",
    "location.name",
    "location.address",
    "wait_time.source",
    "owner",
)
_RISKY = re.compile(r"'*[=+\-@\t\r]")
_HEADING = re.compile(r"(.+) \(([A-Za-z-]{2,12})\)$")
_ESCAPES = {"n": "\n", "s": " "}
_ESCAPED = re.compile(r"\\([ns|,\\–-])")


@dataclass(frozen=True)
class Column:
    """A field of an entry, in one language when it has texts."""

    path: str
    language: str | None = None

    @property
    def group(self) -> str | None:
        """The list of objects the field belongs to."""
        first = self.path.partition(".")[0]
        return first if first in GROUPS else None

    @property
    def heading(self) -> str:
        heading: str = texts()["columns"][self.path]["heading"]
        return f"{heading} ({self.language})" if self.language else heading

    @property
    def help(self) -> str:
        help_text: str = texts()["columns"][self.path]["help"]
        return help_text

    @property
    def choices(self) -> dict[str, str]:
        """Allowed value → its word in the sheet; empty when anything goes."""
        choices: dict[str, str] = texts()["values"].get(self.path, {})
        return choices


def columns(languages: Iterable[str] = REQUIRED_LANGUAGES) -> list[Column]:
    """Every column of a sheet with these languages."""
    made = []
    for path in texts()["columns"]:
        if path not in BY_LANGUAGE:
            made.append(Column(path))
            continue
        made += [Column(path, code) for code in languages if (path, code) != ("translations", "sv")]
    return made


def columns_for(services: Sequence[Service]) -> list[Column]:
    """The columns that these entries need."""
    found = {code for service in services for code in _languages(service.model_dump())}
    others = sorted(found - set(REQUIRED_LANGUAGES))
    made = columns((*REQUIRED_LANGUAGES, *others))
    if any("sv" in service.translations for service in services):
        made.append(Column("translations", "sv"))
    return made


def name_of(path: str) -> str:
    """The heading of a field, for a message. A text without a language is the Swedish one."""
    known = texts()["columns"]
    if path in known:
        return Column(path, "sv" if path in BY_LANGUAGE else None).heading
    field, _, language = path.rpartition(".")
    if field in known:
        return Column(field, language).heading
    first = next((name for name in known if name.startswith(f"{path}.")), path)
    return name_of(first) if first != path else path


def cells(service: Service, shown: Sequence[Column], separator: str = LINE) -> list[str]:
    """The row of an entry."""
    data = service.model_dump(mode="json")
    return [neutral(_cell(data, column, separator)) for column in shown]


def neutral(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if _RISKY.match(text) else text


def restored(text: str) -> str:
    """What `neutral` was given."""
    return text[1:] if text.startswith("'") and _RISKY.match(text) else text


def read_rows(rows: Iterable[Row]) -> tuple[list[tuple[int, dict[str, Any]]], list[Fault]]:
    """The entries with their row numbers as plain data for `Service`, and the faults.

    An entry that has a fault is given too, without what could not be read. Raises FileFaultError
    when there is no heading.
    """
    found = iter(rows)
    line, headings = next(found, (0, []))
    shown, faults = _read_headings(line, headings)
    if faults:
        return [], faults
    entries: list[tuple[int, dict[str, Any]]] = []
    for line, row in found:
        by_column = dict(zip(shown, row, strict=False))
        if not any(text.strip() for text in by_column.values()):
            continue
        if by_column.get(Column("id"), "").strip().startswith(REMARK):
            continue
        data, wrong = _read_row(line, {c: t for c, t in by_column.items() if c is not None})
        entries.append((line, data))
        faults += wrong
    return entries, faults


def write_csv(services: Sequence[Service]) -> bytes:
    """A CSV file as Swedish Excel reads it: semicolons, UTF-8 with a byte order mark."""
    shown = columns_for(services)
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerow([column.heading for column in shown])
    first, *others = (column.help for column in shown)
    writer.writerow([texts()["sheet"]["help_row"].format(help=first), *others])
    writer.writerows(cells(service, shown, BAR) for service in services)
    return text.getvalue().encode("utf-8-sig")


def read_csv(content: bytes) -> Iterator[Row]:
    """The rows of a CSV file, whichever of ; , or tab stands between its cells.

    Raises FileFaultError when it is not UTF-8 or cannot be read.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileFaultError("not_utf8") from None
    first = text.partition("\n")[0]
    delimiter = max(";,\t", key=first.count)
    try:
        yield from enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 1)
    except csv.Error as error:
        raise FileFaultError("not_readable", value=error) from None


def _languages(data: Any) -> Iterator[str]:
    """Languages of the texts anywhere in an entry."""
    for path in BY_LANGUAGE:
        first, _, rest = path.partition(".")
        value = data[first]
        for item in value if isinstance(value, list) else [value]:
            yield from (item.get(rest) if rest and item else item) or ()


def _cell(data: dict[str, Any], column: Column, separator: str) -> str:
    if column.group:
        rest = column.path.removeprefix(column.group).removeprefix(".")
        items = [_pick(item, rest, column.language) for item in data[column.group]]
        lines = [_line(item, column) for item in items]
        return "" if all(line == NOTHING for line in lines) else separator.join(lines)
    if column.path in LISTS:
        return separator.join(_line(item, column) for item in data[column.path])
    value: Any = data
    for part in column.path.split("."):
        value = value.get(part) if value else None
    if column.language:
        value = (value or {}).get(column.language)
    return _word(value, column)


def _pick(item: dict[str, Any], rest: str, language: str | None) -> Any:
    value = item[rest] if rest else item
    return value.get(language) if language else value


def _line(value: Any, column: Column) -> str:
    """One item of a list in a cell."""
    if isinstance(value, list):
        inner = (_escape(_word(part, column), COMMA) for part in value)
        return ", ".join(inner) or NOTHING
    return _escape(_word(value, column)) or NOTHING


def _word(value: Any, column: Column) -> str:
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if column.path in CLOCK:
        return text.removesuffix(":00")
    return column.choices.get(text, text)


def _escape(text: str, more: str = "") -> str:
    for char in ("\\", BAR, *more):
        text = text.replace(char, f"\\{char}")
    text = text.replace("\n", "\\n")
    if text in (NOTHING, "-"):
        return f"\\{text}"
    start, end = len(text) - len(text.lstrip(" ")), len(text) - len(text.rstrip(" "))
    middle = text.strip(" ")
    return "\\s" * start + middle + "\\s" * end if middle else "\\s" * start


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), text)


def _split(text: str, separators: str) -> list[str]:
    """The parts between separators that no backslash keeps; still escaped."""
    parts = [""]
    chars = iter(text)
    for char in chars:
        if char == "\\":
            parts[-1] += char + next(chars, "")
        elif char in separators:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts]


def _read_headings(line: int, row: list[str]) -> tuple[list[Column | None], list[Fault]]:
    known = {name["heading"].casefold(): path for path, name in texts()["columns"].items()}
    shown = [_column(heading.strip(), known) for heading in row]
    if not any(shown):
        raise FileFaultError("unknown_format")
    wrong = [
        fault("unknown_column", line, heading)
        for heading, column in zip(row, shown, strict=True)
        if heading.strip() and column is None
    ]
    found = [column for column in shown if column]
    wrong += [fault("double_column", line, c.heading) for c in set(found) if found.count(c) > 1]
    missing = [column for column in columns() if column not in found]
    return shown, [*wrong, *(fault("missing_column", line, c.heading) for c in missing)]


def _column(heading: str, known: dict[str, str]) -> Column | None:
    path = known.get(heading.casefold())
    if path and path not in BY_LANGUAGE:
        return Column(path)
    with_language = _HEADING.match(heading)
    path = known.get(with_language[1].casefold()) if with_language else None
    return Column(path, with_language[2]) if path in BY_LANGUAGE and with_language else None


def _read_row(line: int, row: dict[Column, str]) -> tuple[dict[str, Any], list[Fault]]:
    data: dict[str, Any] = {}
    faults: list[Fault] = []
    groups: dict[str, dict[Column, list[Any]]] = {name: {} for name in GROUPS}
    for column, cell in row.items():
        if cell == FORMULA:
            faults.append(fault("formula", line, column.heading))
            continue
        text = restored(cell.replace("\r\n", "\n"))
        if not text.strip():
            continue
        if column.group:
            groups[column.group][column] = [_item(part, column) for part in _lines(text)]
        elif column.path in LISTS:
            data[column.path] = [_item(part, column) for part in _lines(text) if part]
        else:
            _put(data, column, _value(text, column))
    for name, by_column in groups.items():
        data[name], wrong = _zip(line, by_column)
        faults += wrong
    return data, faults


def _lines(text: str) -> list[str]:
    """The items of a cell; empty lines at the end are none."""
    parts = _split(text, LINE + BAR)
    while parts and not parts[-1]:
        parts.pop()
    return parts


def _item(part: str, column: Column) -> Any:
    if part in (NOTHING, "-", ""):
        return [] if column.path in INNER_LISTS else "" if column.path in LISTS else None
    if column.path in INNER_LISTS:
        return [_choice(_unescape(inner), column) for inner in _split(part, COMMA) if inner]
    return _choice(_unescape(part), column)


def _value(text: str, column: Column) -> Any:
    exact = column.language is not None and column.path != "translations"
    return text if exact or column.path in EXACT else _choice(text.strip(), column)


def _choice(text: str, column: Column) -> Any:
    """The value of a word of the sheet; a word that is not known stays as it is."""
    for value, word in column.choices.items():
        if text.casefold() in (value.casefold(), word.casefold()):
            return value == "true" if value in ("true", "false") else value
    return text


def _put(data: dict[str, Any], column: Column, value: Any) -> None:
    *outer, last = [*column.path.split("."), *([column.language] if column.language else [])]
    for part in outer:
        data = data.setdefault(part, {})
    data[last] = value


def _zip(line: int, by_column: dict[Column, list[Any]]) -> tuple[list[dict[str, Any]], list[Fault]]:
    """The objects of a group from its columns, and the columns whose lines do not match."""
    count = max(map(len, by_column.values()), default=0)
    wrong = [
        fault("uneven", line, column.heading, found=len(values), expected=count)
        for column, values in by_column.items()
        if len(values) != count
    ]
    items: list[dict[str, Any]] = [{} for _ in range(count)]
    for column, values in by_column.items():
        inside = Column(column.path.partition(".")[2], column.language)
        for item, value in zip(items, values, strict=False):
            if value is None:
                continue
            if inside.path:
                _put(item, inside, value)
            else:
                item[str(column.language)] = value
    return items, wrong
