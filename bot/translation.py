"""How complete a language is, and the sheet a translator fills in without touching code."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import yaml
from openpyxl import Workbook, load_workbook

from bot.content import CONTENT, FALLBACK, REQUIRED, Content, spoken

Importance = Literal["required", "usable", "optional"]
CONTRACT = "contract.yml"
REVIEWS = "reviews.yml"  # language → text id → who read it, when, and a hash of what was read
COLUMNS = ("id", "importance", "svenska", "english", "text", "new text", "reviewed by")
# Ids that no parent reads as a sentence: what she is heard by, and names that all languages share.
_SHARED = ("word_language_",)
_OF_TAXONOMY = ("need_", "kind_")


class SheetError(ValueError):
    """A sheet that cannot be taken in; `faults` say row by row what is wrong and what to do."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Score:
    """Texts a language has of its own, of those it should have."""

    language: str
    name: str
    required: tuple[int, int]
    usable: tuple[int, int]
    reviewed: int


def importance(text_id: str, contract: Mapping[str, list[str]]) -> Importance:
    """What the contract says of a text: required, usable, or optional (read at work only)."""
    if text_id in contract["required"]:
        return "required"
    is_for_guides = text_id.startswith((*contract["for_guides"], *_SHARED))
    return "optional" if is_for_guides else "usable"


def scores(content: Content, folder: Path = CONTENT) -> list[Score]:
    """One for each language a parent may write in, in the order of `languages.yml`."""
    contract, reviews = _read(folder / CONTRACT), _reviews(folder)
    languages = _read(folder / "languages.yml")
    ids = {kind: _ids(content, contract, kind) for kind in ("required", "usable")}
    found = []
    for code, known in languages.items():
        own = content.ids(code) | (content.ids(FALLBACK) if spoken(code) == FALLBACK else set())
        usable = ids["usable"] if known["status"] != REQUIRED else set()
        read = reviews.get(code, {})
        reviewed = [i for i in read if _is_current(content, code, i, read[i])]
        found.append(
            Score(
                code,
                known["name"],
                (len(own & ids["required"]), len(ids["required"])),
                (len(own & usable), len(usable)),
                len(reviewed),
            )
        )
    return found


def write_sheet(content: Content, language: str, path: Path, folder: Path = CONTENT) -> int:
    """An XLSX with every text of a language and an empty column for a better one; returns rows."""
    contract, book = _read(folder / CONTRACT), Workbook()
    page = book.create_sheet(language, 0)
    del book["Sheet"]
    page.append(COLUMNS)
    rows = [i for i in sorted(content.ids(FALLBACK)) if importance(i, contract) != "optional"]
    for text_id in rows:
        own = content.raw(language, text_id) if text_id in content.ids(language) else ""
        swedish, english = (content.raw(code, text_id) for code in (FALLBACK, "en"))
        row = [text_id, importance(text_id, contract), swedish, english, own, "", ""]
        page.append([_as_text(cell) for cell in row])
    for letter, width in zip("ABCDEFG", (34, 12, 50, 50, 50, 50, 20), strict=True):
        page.column_dimensions[letter].width = width
    page.freeze_panes = "B2"
    book.save(path)
    return len(rows)


def read_sheet(content: Content, path: Path, folder: Path = CONTENT) -> dict[str, str]:
    """Take a filled sheet in: new texts, and who has read which; returns what changed.

    Raises SheetError, and changes nothing, when a row has a fault.
    """
    page = load_workbook(path).worksheets[0]
    rows = list(page.iter_rows(values_only=True))
    language = page.title
    if not rows or tuple(rows[0]) != COLUMNS or not content.ids(language):
        raise SheetError(["the first row and the sheet's name are not those of `content export`"])
    changed, read, faults = {}, {}, []
    for number, row in enumerate(rows[1:], 2):
        text_id, new, reader = str(row[0]), str(row[5] or "").strip(), str(row[6] or "").strip()
        fault = _fault(content, text_id, new)
        if fault:
            faults.append(f"row {number}: {fault}")
        if new:
            changed[text_id] = new
        if reader:
            read[text_id] = {"by": reader, "on": date.today().isoformat(), "words": ""}
    if faults:
        raise SheetError(faults)
    for text_id, text in changed.items():
        _put(folder, language, text_id, text)
    for text_id, note in read.items():
        text = changed.get(text_id) or content.raw(language, text_id)
        note["words"] = _hash(text)
    if read:
        reviews = _reviews(folder)
        reviews[language] = {**reviews.get(language, {}), **read}
        _write(folder / REVIEWS, reviews)
    return changed


def _fault(content: Content, text_id: str, new: str) -> str | None:
    if text_id not in content.ids(FALLBACK):
        return f"no text is called {text_id}; leave the first column as it was"
    wanted = content.placeholders(FALLBACK, text_id)
    if new and content.placeholders_of(new) != wanted:
        names = ", ".join(f"{{{name}}}" for name in sorted(wanted)) or "none"
        return f"{text_id} needs these words in braces, no others: {names}"
    return None


def _put(folder: Path, language: str, text_id: str, text: str) -> None:
    """Write one text where it stands, or into the file in which Swedish has it."""
    line = f"{text_id}: {_quoted(text)}"
    for path in sorted((folder / language).glob("*.yml")):
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, old in enumerate(lines):
            if old.startswith(f"{text_id}:"):
                lines[number] = line
                path.write_text("\n".join(lines) + "\n", encoding="utf-8")
                return
    for path in sorted((folder / FALLBACK).glob("*.yml")):
        if text_id in _read(path):
            own = folder / language / path.name
            before = own.read_text(encoding="utf-8") if own.is_file() else ""
            own.write_text(f"{before}{line}\n", encoding="utf-8")
            return


def _ids(content: Content, contract: Mapping[str, list[str]], kind: str) -> set[str]:
    return {i for i in content.ids(FALLBACK) if importance(i, contract) == kind}


def _is_current(content: Content, language: str, text_id: str, note: Mapping[str, str]) -> bool:
    return content.has(language, text_id) and note["words"] == _hash(content.raw(language, text_id))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _as_text(cell: str) -> str:
    """A cell that begins like a formula is read as one by a spreadsheet."""
    return f"'{cell}" if cell[:1] in ("=", "+", "@") else cell


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return found


def _reviews(folder: Path) -> dict[str, dict[str, dict[str, str]]]:
    return _read(folder / REVIEWS) if (folder / REVIEWS).is_file() else {}


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump(dict(content), allow_unicode=True), encoding="utf-8")
