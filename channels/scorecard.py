"""Writes a scorecard: the figures of the suites, printed as tables between words that explain."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent / "scorecards"
PAGES = {"languages": "languages.md"}  # the others are called <name>-scorecard.md
Figures = dict[str, Any]
NEAR = ("near_misses", "near_alarms_rules", "near_alarms_both")


def write(
    name: str,
    folder: Path,
    suites: Callable[[str], Figures],
    readable: Callable[[Figures], list[str]],
    today: dt.date,
) -> Path:
    """Renders the template `name` to its page in `folder` and returns that path.

    `suites` measures one suite by its name, `readable` turns its figures into lines.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["measure"] = suites
    environment.globals["lines"] = lambda suite: "\n".join(readable(suites(suite)))
    environment.globals["table"] = table
    environment.globals["found"] = found
    environment.globals["as_json"] = lambda value: json.dumps(value, ensure_ascii=False)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    template = environment.get_template(f"{name}.md.j2")
    path = folder / PAGES.get(name, f"{name}-scorecard.md")
    path.write_text(template.render(today=today.isoformat(), machine=machine), encoding="utf-8")
    return path


def found(groups: Mapping[str, Figures], head: str) -> str:
    """How many dangers each group holds, and how many the rules and both looks find."""
    return table({name: _found(group) for name, group in groups.items()}, head)


def _found(group: Figures) -> Figures:
    counts = group.get("found", group)
    of = max(counts["messages"], 1)
    return {
        "acute": counts["messages"],
        "rules": f"{counts['rules']} ({counts['rules'] / of:.2f})",
        "both": f"{counts['both']} ({counts['both'] / of:.2f})",
        "95 %": counts["interval"],
        **{name: group[name] for name in NEAR if name in group},
    }


def table(rows: Mapping[str, Figures] | Iterable[tuple[str, Figures]], head: str = "") -> str:
    """Rows of figures as a Markdown table; the first row names the columns."""
    pairs = list(rows.items() if isinstance(rows, Mapping) else rows)
    if not pairs:
        return ""
    columns = [name for name, value in pairs[0][1].items() if not isinstance(value, Mapping)]
    lines = [_line([head, *(name.replace("_", " ") for name in columns)])]
    lines.append("|" + "---|" * (len(columns) + 1))
    for name, figures in pairs:
        lines.append(_line([name, *(_cell(figures.get(column)) for column in columns)]))
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, list):
        return "–".join(_cell(part) for part in value)
    return str(value)
