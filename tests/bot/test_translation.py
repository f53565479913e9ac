"""A translator's sheet goes out and comes back without code, and a language knows what it lacks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from openpyxl import load_workbook

from bot.content import CONTENT, Content
from bot.translation import COLUMNS, SheetError, read_sheet, scores, write_sheet

NEW, READER = COLUMNS.index("new text") + 1, COLUMNS.index("reviewed by") + 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copied = tmp_path / "content"
    shutil.copytree(CONTENT, copied)
    return copied


@pytest.fixture
def sheet(folder: Path, tmp_path: Path) -> Path:
    path = tmp_path / "so.xlsx"
    write_sheet(Content.load(folder), "so", path, folder)
    return path


def fill(path: Path, text_id: str, column: int, value: str) -> None:
    book = load_workbook(path)
    row = next(row for row in book.worksheets[0].iter_rows() if row[0].value == text_id)
    row[column - 1].value = value
    book.save(path)


def test_a_sheet_that_comes_back_unfilled_changes_nothing(folder: Path, sheet: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*.yml")}
    assert read_sheet(Content.load(folder), sheet, folder) == {}
    assert {path: path.read_bytes() for path in folder.rglob("*.yml")} == before


def test_a_new_text_is_said_and_the_others_stay(folder: Path, sheet: Path) -> None:
    was = Content.load(folder)
    fill(sheet, "utter_sip", NEW, 'SIP waa "qorshe" la wada leeyahay.')
    read_sheet(was, sheet, folder)
    now = Content.load(folder)
    assert now.raw("so", "utter_sip") == 'SIP waa "qorshe" la wada leeyahay.'
    others = now.ids("so") - {"utter_sip"}
    assert all(now.raw("so", i) == was.raw("so", i) for i in others)


def test_a_lost_placeholder_is_named_by_row_and_nothing_is_changed(
    folder: Path, sheet: Path
) -> None:
    fill(sheet, "utter_sip", NEW, "SIP waa qorshe.")
    fill(sheet, "value_age", NEW, "sano")
    before = {path: path.read_bytes() for path in folder.rglob("*.yml")}
    with pytest.raises(SheetError, match=r"row \d+: value_age needs .*\{age\}"):
        read_sheet(Content.load(folder), sheet, folder)
    assert {path: path.read_bytes() for path in folder.rglob("*.yml")} == before


def test_who_read_a_text_is_kept_until_the_text_changes(folder: Path, sheet: Path) -> None:
    def reviewed() -> int:
        found = scores(Content.load(folder), folder)
        return next(score.reviewed for score in found if score.language == "so")

    fill(sheet, "acute_default", READER, "A reader outside")
    read_sheet(Content.load(folder), sheet, folder)
    assert reviewed() == 1
    fill(sheet, "acute_default", READER, "")
    fill(sheet, "acute_default", NEW, "Wac 112 hadda.")
    read_sheet(Content.load(folder), sheet, folder)
    assert reviewed() == 0


def test_a_missing_text_shows_in_the_score(folder: Path) -> None:
    path = folder / "so" / "dialogue.yml"
    lines = [
        line for line in path.read_text(encoding="utf-8").splitlines() if "utter_sip:" not in line
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    lacking = {
        s.language for s in scores(Content.load(folder), folder) if s.usable[0] < s.usable[1]
    }
    assert lacking == {"so"}
