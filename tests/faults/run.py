"""Puts faults into the running product and prints what came of it: `make faults`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import typer

from tests.faults.check import Verdict, drained, judged
from tests.faults.load import Load
from tests.faults.plan import Faults, schedule
from tests.faults.rig import Rig, one, open_rig
from tests.faults.seeded import BUGS

START = 120.0  # seconds until the first answer; the machine of a test run is busy
MANY_STARTS = 4  # of processes that were not killed yet
ENOUGH = 100  # messages; a tenth is sent twice


@dataclass
class Result:
    """What a run found."""

    verdict: Verdict
    faults: Faults
    seconds: float


async def run(
    kinds: list[str],
    rate: float,
    *,
    processes: int = 1,
    seeded: str | None = None,
    is_plain: bool = False,
) -> Result:
    """These faults under `rate` messages a second, on so many web and worker processes each."""
    started = time.monotonic()
    async with open_rig(processes, processes, seeded, is_plain=is_plain) as rig:
        load = Load(rig.ports, rate)
        writing = asyncio.create_task(load.run())
        faults = Faults(rig, load)
        await _first_answers(rig)
        for number, kind in enumerate(kinds, 1):
            await faults.put_in(kind)
            if number % 10 == 0:
                typer.echo(f"{number}/{len(kinds)}, accepted {len(load.accepted)}", err=True)
        while len(load.accepted) < ENOUGH:
            await asyncio.sleep(0.2)
        writing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writing
        await load.drain()
        await drained(rig)
        return Result(await judged(rig, load), faults, time.monotonic() - started)


async def _first_answers(rig: Rig) -> None:
    """Raises AssertionError with the last words of a process when nobody is answered."""
    deadline = time.monotonic() + START
    while not await one(rig.url, "SELECT count(*) FROM outcomes"):
        if time.monotonic() > deadline or len(rig.restarts) > MANY_STARTS:
            raise AssertionError(f"the product does not start: {rig.last_words()}")
        await asyncio.sleep(0.2)


def table(result: Result) -> list[str]:
    """The result as lines."""
    verdict, faults = result.verdict, result.faults
    lines = [f"faults: {faults.done.total()} in {result.seconds:.0f} s"]
    lines += [f"  {kind:<24}{times:>4}" for kind, times in sorted(faults.done.items())]
    if faults.unmet:
        lines.append(f"not met in time: {dict(faults.unmet)}")
    lines += [f"{name:<20}{count:>7}" for name, count in asdict(verdict).items()]
    lines.append(f"{'first answer after':<32}{'times':>6}{'median s':>10}{'max s':>8}")
    for kind, seconds in sorted(faults.first_answer.items()):
        median = statistics.median(seconds)
        lines.append(f"  {kind:<30}{len(seconds):>6}{median:>10.2f}{max(seconds):>8.2f}")
    return [*lines, "clean" if verdict.is_clean else "NOT CLEAN"]


# The faults that bring each seeded bug to light; what doubles needs hardly any.
TELLING = {
    "dedup_outside": ["kill worker"],
    "split_commit": ["kill finishing"],
    "ignored_lease": ["sleep2 claimed"],
    "ack_before_commit": ["kill in_accept"],
    "tracker_apart": ["kill finishing"],
}


def _all_seeded(rate: float) -> int:
    """Each seeded bug in a run of its own; the exit code counts those that were not found."""
    missed = 0
    for bug, kinds in TELLING.items():
        result = asyncio.run(run(kinds, rate, processes=2, seeded=bug, is_plain=True))
        missed += result.verdict.is_clean
        word = "MISSED" if result.verdict.is_clean else "found"
        counts = {name: count for name, count in asdict(result.verdict).items() if count}
        typer.echo(f"{bug:<20}{word:<8}{counts}")
    return missed


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the faults, 0 to 1")
    parser.add_argument("--rate", type=float, default=10.0, help="messages a second")
    parser.add_argument("--processes", type=int, default=1, help="web and worker processes each")
    parser.add_argument("--seeded", choices=[*BUGS, "all"], help="a bug to be found")
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--log", type=Path, help="in parts, from where the log ends")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    if wanted.seeded == "all":
        raise SystemExit(_all_seeded(wanted.rate))
    kinds = schedule(wanted.share, random.Random(wanted.seed))
    if wanted.log:
        from tests.faults.resumed import run_in_parts, summary

        is_clean = run_in_parts(kinds, wanted.rate, wanted.processes, wanted.log)
        typer.echo("\n".join(summary(wanted.log)))
        raise SystemExit(0 if is_clean else 1)
    result = asyncio.run(run(kinds, wanted.rate, processes=wanted.processes, seeded=wanted.seeded))
    if wanted.json:
        figures = {**asdict(result.verdict), "first_answer": result.faults.first_answer}
        typer.echo(json.dumps(figures))
    else:
        typer.echo("\n".join(table(result)))
    raise SystemExit(0 if result.verdict.is_clean else 1)


if __name__ == "__main__":
    main()
