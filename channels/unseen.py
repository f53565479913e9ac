"""Figures on messages that nothing here was written from: needs, level, search and danger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from bot.complexity import LEVELS
from bot.settings import Settings
from channels import single
from knowledge.queries import LabelledQuery, load_queries
from nlu import safety

Hits = Mapping[str, bool]


def unseen(settings: Settings, folder: Path) -> dict[str, Any]:
    """Messages by authors who saw no rule and no training text.

    `queries` are the test queries of search, by language; the files of `folder` are older and
    smaller. Shares are of messages, 0..1.
    """
    finder, assessor = single.Finder(settings), single.Assessor(settings)
    figures: dict[str, Any] = {"queries": _queries(finder, assessor)}
    for path in sorted(folder.glob("unseen_[se][vn].yml")):
        rows = yaml.safe_load(path.read_text(encoding="utf-8"))["messages"]
        figures[path.stem] = _shares([_hits(row, finder, assessor) for row in rows])
    dangers = yaml.safe_load((folder / "unseen_safety.yml").read_text(encoding="utf-8"))["messages"]
    for wanted, name in ((True, "acute found"), (False, "false alarms")):
        found = [safety.check(row["text"]).acute for row in dangers if row["acute"] is wanted]
        figures[name] = f"{sum(found)}/{len(found)}"
    return figures


def _queries(finder: single.Finder, assessor: single.Assessor) -> dict[str, Any]:
    queries = [query for query in load_queries() if query.split == "test"]
    given = [assessor.assess(query.text, query.language)["level"] for query in queries]
    needs = [list(finder.needs(query.text, query.language))[:3] for query in queries]
    codes = sorted({query.language for query in queries}, key=lambda code: (code != "sv", code))
    figures: dict[str, Any] = {"by_language": {}, "confused": {}}
    for code in codes:
        own = [i for i, query in enumerate(queries) if query.language == code]
        told = [i for i in own if queries[i].needs]
        levelled = [i for i in own if queries[i].levels]
        figures["by_language"][code] = {
            **_shares([_need_hits(queries[i], needs[i]) for i in told]),
            **_shares([_level_hits(queries[i].levels[0], given[i]) for i in levelled]),
            **_agreement([queries[i] for i in levelled]),
        }
    pairs = Counter(
        f"{query.levels[0]} -> {level}"
        for query, level in zip(queries, given, strict=True)
        if query.levels and query.levels[0] != level
    )
    figures["confused"] = dict(pairs.most_common())
    return figures


def _agreement(queries: Sequence[LabelledQuery]) -> dict[str, float]:
    """How far two readers agree on the level: no program can be judged finer than that."""
    pairs = [query.levels for query in queries if len(query.levels) > 1]
    if not pairs:
        return {}
    hits = [_level_hits(first, second) for first, second in pairs]
    return {
        f"readers: {name}": share
        for name, share in _shares(hits).items()
        if name in ("level exact", "level within one")
    }


def _need_hits(query: LabelledQuery, first: Sequence[str]) -> Hits:
    return {
        "main need in top 3": query.needs[0] in first,
        "a need in top 3": not set(query.needs).isdisjoint(first),
    }


def _level_hits(wanted: str, given: str) -> Hits:
    apart = abs(LEVELS.index(given) - LEVELS.index(wanted))
    return {
        "level exact": apart == 0,
        "level within one": apart <= 1,
        "acute rated information": wanted == "acute" and given == "information",
    }


def _hits(row: dict[str, Any], finder: single.Finder, assessor: single.Assessor) -> Hits:
    needs = list(finder.needs(row["text"]))[:3]
    matches = finder.search(row["text"], row["municipality"], None, None, 3)
    kinds = {kind for match in matches for kind in match["kinds"]}
    return {
        "main need in top 3": row["needs"][0] in needs,
        **_level_hits(row["level"], assessor.assess(row["text"], None)["level"]),
        "search kind in first 3": bool(kinds & set(row["kinds"])),
    }


def _shares(hits: Iterable[Hits]) -> dict[str, Any]:
    rows = list(hits)
    if not rows:
        return {}
    shares = {name: round(float(np.mean([row[name] for row in rows])), 3) for name in rows[0]}
    return {"messages": len(rows), **shares}


def table(figures: Mapping[str, Any]) -> list[str]:
    """The figures as lines to read."""
    columns = (
        "main need in top 3", "a need in top 3", "level exact", "level within one",
        "readers: level exact", "readers: level within one", "acute rated information",
    )  # fmt: skip
    lines = [f"{'':<6}{'n':>5}" + "".join(f"{name:>28}" for name in columns)]
    for code, row in figures["queries"]["by_language"].items():
        shares = "".join(f"{row[name]:>28.3f}" if name in row else f"{'':>28}" for name in columns)
        lines.append(f"{code:<6}{row['messages']:>5}{shares}")
    confused = figures["queries"]["confused"].items()
    lines += ["", "wanted -> given", *(f"  {pair:<32}{n:>5}" for pair, n in confused), ""]
    for name, row in figures.items():
        if name not in ("suite", "queries"):
            lines.append(f"{name}: {row}")
    return lines
