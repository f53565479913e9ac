"""A long run of faults in parts, each written to a log as it ends, so that it can go on later."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import statistics
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from tests.faults.run import Result, run

PART = 10  # faults on one database, then the product starts anew


def run_in_parts(kinds: list[str], rate: float, processes: int, log: Path) -> bool:
    """Every part that is not in the log yet; whether all in the log are clean."""
    known = {part["first"]: part for part in _read(log)}
    for first in range(0, len(kinds), PART):
        if first in known:
            continue
        result = asyncio.run(run(kinds[first : first + PART], rate, processes=processes))
        part = {"first": first, "processes": processes, **_told(result)}
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(part) + "\n")
        typer.echo(f"{first}: {part['faults']} {part['verdict']} load {part['load']}", err=True)
    return all(part["clean"] for part in _read(log))


def _told(result: Result) -> dict[str, Any]:
    return {
        "at": dt.datetime.now().isoformat(timespec="seconds"),
        "seconds": round(result.seconds),
        "load": round(os.getloadavg()[1], 1),
        "cores": os.cpu_count(),
        "faults": dict(result.faults.done),
        "unmet": dict(result.faults.unmet),
        "first_answer": result.faults.first_answer,
        "verdict": asdict(result.verdict),
        "clean": result.verdict.is_clean,
    }


def _read(log: Path) -> list[dict[str, Any]]:
    if not log.exists():
        return []
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def summary(log: Path) -> list[str]:
    """All parts of the log together, as lines."""
    parts = _read(log)
    faults: Counter[str] = Counter()
    verdict: Counter[str] = Counter()
    waits: dict[str, list[float]] = {}
    for part in parts:
        faults.update(part["faults"])
        verdict.update(part["verdict"])
        for kind, seconds in part["first_answer"].items():
            waits.setdefault(kind, []).extend(seconds)
    lines = [f"faults: {faults.total()} in {sum(part['seconds'] for part in parts)} s"]
    lines += [f"  {kind:<24}{times:>4}" for kind, times in sorted(faults.items())]
    lines += [f"{name:<20}{count:>7}" for name, count in verdict.items()]
    lines.append(f"{'first answer after':<32}{'times':>6}{'median s':>10}{'max s':>8}")
    for kind, seconds in sorted(waits.items()):
        median = statistics.median(seconds)
        lines.append(f"  {kind:<30}{len(seconds):>6}{median:>10.2f}{max(seconds):>8.2f}")
    loads = [part["load"] for part in parts]
    lines.append(f"load of the machine: {min(loads, default=0)} to {max(loads, default=0)}")
    return lines
