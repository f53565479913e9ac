"""How many details are found, and how many of those found are right, per entity and language."""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from nlu.entities import Details, EntityReader, spelling
from nlu.normalise import normalise

READ_ON = date(2026, 11, 22)  # the Sunday from which the expected durations and dates count
NAMES = (
    "child_age", "child_count", "age_band", "school_stage", "relation", "actor", "actor_state",
    "how_long", "tried", "refused", "diagnosis", "municipality", "wish", "when", "scale", "number",
    "signals",
)  # fmt: skip
# A bare number answers several questions: what else it may be is not a mistake.
_FROM_BARE_NUMBER = ("number", "scale")
Counts = Counter[str]


def entities(folder: Path, municipalities: Sequence[str]) -> dict[str, Any]:
    """Precision and recall of each entity per language, rows tuned to and held-out ones apart."""
    reader = EntityReader(municipalities)
    figures: dict[str, Any] = {}
    times: list[float] = []
    for path in sorted(folder.glob("*.yml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        code, rows = content["language"], content["messages"]
        figures[code] = {}
        for name, is_held_out in (("tuned", False), ("held_out", True)):
            chosen = [row for row in rows if row.get("held_out", False) is is_held_out]
            figures[code][name] = _figures(chosen, code, reader, times)
    totals = {name: _total(figures, name) for name in ("tuned", "held_out")}
    p95 = round(statistics.quantiles(times, n=20)[-1], 2)
    return {"all": totals, "milliseconds_p95": p95, **figures}


def wrong(row: Mapping[str, Any], details: Details) -> Iterator[tuple[str, str, Any]]:
    """Every ("missed" or "extra", entity, value) of a row."""
    for name in NAMES:
        wanted, found = _wanted(row, name), _found(details, name)
        yield from (("missed", name, value) for value in wanted if value not in found)
        if name not in _FROM_BARE_NUMBER:
            yield from (("extra", name, value) for value in found if value not in wanted)


def read(reader: EntityReader, text: str, code: str) -> Details:
    """The details of a text as the pipeline reads them."""
    return reader.read(normalise(text, code, spelling(code)), code, READ_ON)


def _figures(
    rows: Sequence[Mapping[str, Any]], code: str, reader: EntityReader, times: list[float]
) -> dict[str, Any]:
    wanted, missed, extra = Counts(), Counts(), Counts()
    for row in rows:
        started = time.process_time()  # other programs on the machine do not count
        details = read(reader, row["text"], code)
        times.append((time.process_time() - started) * 1000)
        wanted.update({name: len(_wanted(row, name)) for name in NAMES})
        for kind, name, _ in wrong(row, details):
            (missed if kind == "missed" else extra)[name] += 1
    return {
        name: {"wanted": wanted[name], "missed": missed[name], "extra": extra[name]}
        for name in NAMES
        if wanted[name] or extra[name]
    }


def _total(figures: Mapping[str, Any], part: str) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name in ("every", *NAMES):
        rows = [
            row
            for language in figures.values()
            for one, row in language[part].items()
            if name in ("every", one)
        ]
        wanted, missed, extra = (sum(r[key] for r in rows) for key in ("wanted", "missed", "extra"))
        result[name] = rates(wanted, missed, extra)
    return result


def rates(wanted: int, missed: int, extra: int) -> dict[str, Any]:
    """Precision and recall; None where there is nothing to divide by."""
    right = wanted - missed
    return {
        "precision": round(right / (right + extra), 3) if right + extra else None,
        "recall": round(right / wanted, 3) if wanted else None,
        "wanted": wanted,
    }


def table(figures: Mapping[str, Any]) -> list[str]:
    """Precision/recall as lines: one row per entity, the languages beside each other."""
    codes = [code for code in figures if code not in ("suite", "all", "milliseconds_p95")]
    lines = []
    for part in ("tuned", "held_out"):
        lines.append(f"{part:<14}" + "".join(f"{code:>9}" for code in ("all", *codes)))
        for name in ("every", *NAMES):
            cells = [_cell(figures["all"][part][name])]
            cells += [_cell(_language_rates(figures[code][part], name)) for code in codes]
            lines.append(f"{name:<14}" + "".join(f"{cell:>9}" for cell in cells))
    return [
        *lines,
        f"one message, 95th percentile: {figures['milliseconds_p95']} ms of processor time",
    ]


def _language_rates(part: Mapping[str, Any], name: str) -> dict[str, Any]:
    rows = [row for one, row in part.items() if name in ("every", one)]
    return rates(*(sum(r[key] for r in rows) for key in ("wanted", "missed", "extra")))


def _cell(row: Mapping[str, Any]) -> str:
    values = [row["precision"], row["recall"]]
    return "/".join("–" if value is None else f"{value * 100:.0f}" for value in values)


def _wanted(row: Mapping[str, Any], name: str) -> list[str]:
    return [json.dumps(value, sort_keys=True) for value in row.get(name, [])]


def _found(details: Details, name: str) -> list[str]:
    if name == "signals":
        return [json.dumps(signal) for signal in details.signals]
    values = [entity.value for entity in details.entities if entity.name == name]
    return [json.dumps(value, sort_keys=True) for value in values]
