"""An editor's way from the command line: export, edit, import into the running product."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import load_workbook

from bot import edits
from bot.database import connect
from knowledge.catalogue import Catalogue
from knowledge.exchange import json_schemas

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(lotsa: Run, fresh_database: str, tmp_path: Path) -> Run:
    """`lotsa catalogue …` on a database and a data folder of its own."""
    environment = {
        **os.environ,
        "LOTSA_DATABASE_URL": fresh_database,
        "LOTSA_DATA": str(tmp_path / "data"),
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return lotsa("catalogue", *arguments, env=environment)

    return run


async def history(url: str, service_id: str) -> list[edits.Change]:
    async with await connect(url) as connection:
        return await edits.history(connection, service_id)


def test_an_edited_sheet_is_recorded_with_who_did_it_and_is_in_the_next_export(
    command: Run, fresh_database: str, tmp_path: Path
) -> None:
    sheet = tmp_path / "poster.xlsx"
    done = command("export", "--format", "xlsx", "-m", "demokommun", "--out", str(sheet))
    assert done.returncode == 0, done.stderr
    book = load_workbook(sheet)
    headings = {cell.value: cell.column for cell in book["Poster"][1]}
    row = next(row for row in book["Poster"] if row[0].value == "demo-bup")
    row[headings["Ansvarig"] - 1].value = "Familjestöd"
    book.save(sheet)

    tried = command("import", str(sheet), "--by", "Anna", "--dry-run")
    assert "ändras: demo-bup (owner)" in tried.stdout
    assert "Ingenting har sparats." in tried.stdout

    done = command("import", str(sheet), "--by", "Anna", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["saved"]
    assert said["changed"] == [{"id": "demo-bup", "fields": ["owner"]}]
    (change,) = asyncio.run(history(fresh_database, "demo-bup"))
    assert (change.changed_by, change.note) == ("Anna", "Inläst från poster.xlsx")
    assert change.differences() == [("owner", None, "Familjestöd")]

    again = tmp_path / "poster.json"
    command("export", "--format", "hsds", "--out", str(again))
    services = json.loads(again.read_text(encoding="utf-8"))["services"]
    assert len(services) == len(Catalogue.load().services)
    assert [s["name"] for s in services if s.get("lotsa_owner") == "Familjestöd"] == ["Demo BUP"]
    assert "detsamma som katalogen" in command("import", str(again), "--by", "Anna").stdout


def test_a_faulty_file_is_told_row_by_row_and_leaves_the_exit_code(
    command: Run, tmp_path: Path
) -> None:
    sheet = tmp_path / "poster.csv"
    command("export", "--format", "csv", "-m", "demokommun", "--out", str(sheet))
    sheet.write_text(sheet.read_text("utf-8-sig").replace(";finns;", ";kanske;", 1), "utf-8")
    done = command("import", str(sheet), "--by", "Anna", "--json")
    assert done.returncode == 1
    (fault,) = json.loads(done.stdout)["faults"]
    assert set(fault) == {"line", "field", "problem", "what_to_do"}
    assert (fault["line"], fault["field"]) == (3, "Status")
    done = command("import", str(sheet), "--by", "Anna")
    assert done.stdout.startswith("rad 3, Status: Värdet kanske finns inte att välja.")


def test_a_template_and_the_schemas_are_written(command: Run, tmp_path: Path) -> None:
    assert command("template", "--out", str(tmp_path / "mall.xlsx")).returncode == 0
    assert load_workbook(tmp_path / "mall.xlsx").sheetnames == ["Poster", "Hjälp", "Värden"]
    command("schema", "--out", str(tmp_path))
    for name, text in json_schemas().items():
        assert (tmp_path / name).read_text(encoding="utf-8") == text


def test_an_unknown_municipality_is_refused_with_those_that_are_known(
    command: Run, tmp_path: Path
) -> None:
    done = command("export", "--format", "csv", "-m", "ingenstans", "--out", str(tmp_path / "a"))
    assert done.returncode == 1
    assert "strangnas" in done.stderr
