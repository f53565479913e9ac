"""What operators are told is true: variables, figures, units, and where data lies."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bot.database import connect
from bot.settings import PROJECT, Settings
from channels import metrics
from channels.datamap import UnmappedError, columns, lifetimes, table

DRIFT = (PROJECT / "docs" / "drift.md").read_text(encoding="utf-8")


def test_every_variable_and_no_other_is_documented() -> None:
    told = set(re.findall(r"LOTSA_[A-Z_]+", DRIFT)) - {"LOTSA_FAULTS"}
    assert told == {f"LOTSA_{name.upper()}" for name in Settings.model_fields}


def test_the_examples_of_the_units_name_variables_that_exist() -> None:
    example = (PROJECT / "deploy" / "environment.example").read_text(encoding="utf-8")
    for name in re.findall(r"^LOTSA_(\w+)=", example, re.M):
        assert name.lower() in Settings.model_fields


async def test_every_figure_is_documented(database_url: str) -> None:
    async with await connect(database_url) as connection:
        text = (await metrics.exposition(connection)).decode()
    names = set(re.findall(r"^# HELP (lotsa_\w+?)(?:_total)? ", text, re.M))
    assert "lotsa_waiting_messages" in names
    assert [name for name in names if name not in DRIFT] == []


async def test_the_data_map_is_that_of_the_schema(database_url: str) -> None:
    page = (PROJECT / "docs" / "hotbild.md").read_text(encoding="utf-8")
    written = re.search(r"<!-- datamap -->\n(.*?)\n<!-- /datamap -->", page, re.S)
    async with await connect(database_url) as connection:
        made = table(await columns(connection), await lifetimes(connection))
    assert written is not None
    assert written[1].splitlines() == made, "run `lotsa datamap` and put it into docs/hotbild.md"


async def test_a_table_of_which_nobody_said_when_it_is_emptied_is_a_fault(
    database_url: str,
) -> None:
    async with await connect(database_url) as connection:
        await connection.execute("CREATE TABLE forgotten (story text)")
        with pytest.raises(UnmappedError, match="forgotten"):
            await lifetimes(connection)
        await connection.rollback()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_the_units_are_sound(tmp_path: Path) -> None:
    for unit in (PROJECT / "deploy").glob("lotsa-*"):
        text = unit.read_text(encoding="utf-8").replace("/opt/lotsa/.venv/bin/lotsa", "/bin/true")
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    units = [str(path) for path in sorted(tmp_path.iterdir())]
    command = ["systemd-analyze", "verify", *units]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
