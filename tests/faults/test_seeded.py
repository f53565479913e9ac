"""The small version of `make faults`: it is clean on the product and red on a seeded bug."""

from __future__ import annotations

import pytest

from tests.faults.run import TELLING, run, table
from tests.faults.seeded import BUGS

RATE = 10.0


async def test_a_worker_killed_while_it_stores_an_answer_loses_and_doubles_nothing() -> None:
    result = await run(["kill finishing"], RATE, is_plain=True)
    assert result.faults.done["kill finishing"] == 1
    assert result.verdict.is_clean, "\n".join(table(result))


async def test_a_seeded_bug_turns_the_suite_red() -> None:
    bug = "split_commit"
    result = await run(TELLING[bug], RATE, seeded=bug, is_plain=True)
    assert not result.verdict.is_clean, "\n".join(table(result))


@pytest.mark.faults
async def test_faults_on_two_processes_each_lose_double_and_reorder_nothing() -> None:
    kinds = ["kill accepted", "kill finishing", "stop postgres", "kill in_accept"]
    result = await run(kinds, RATE, processes=2, is_plain=True)
    assert result.verdict.is_clean, "\n".join(table(result))


def test_every_seeded_bug_has_faults_that_tell_it() -> None:
    assert set(TELLING) == set(BUGS)
