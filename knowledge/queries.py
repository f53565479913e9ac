"""Labelled queries: messages with the kinds of support that answer them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from knowledge.catalogue import DATA

QUERIES = DATA / "queries"
Split = Literal["dev", "test"]


@dataclass(frozen=True)
class LabelledQuery:
    """A message and every kind of support that answers it, best first.

    `dev` queries tune the search; `test` queries are by other authors, and their kinds are a
    second reader's, who did not see the author's (`author_kinds`).
    """

    text: str
    needs: tuple[str, ...]
    kinds: tuple[str, ...]
    municipality: str | None = None
    language: str = "sv"
    author: str = ""
    split: Split = "test"
    author_kinds: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()  # what one reader would offer, then another; () = not labelled


def load_queries(path: Path = QUERIES) -> list[LabelledQuery]:
    """The queries of a file, or of every YAML file of a folder.

    A file is YAML or JSON with `queries` below a head (`language`, `author`, `split`), or JSON
    lines that carry their own `language` (or `lang`). Raises ValueError when a file is neither.
    """
    files = sorted(path.glob("*.yml")) if path.is_dir() else [path]
    return [query for file in files for query in _queries(file)]


def _queries(path: Path) -> Iterator[LabelledQuery]:
    head, items = _read(path)
    for item in items:
        if not isinstance(item, dict) or "text" not in item or "kinds" not in item:
            raise ValueError(f"{path}: every query needs a text and kinds")
        language = item.get("language") or item.get("lang") or head.get("language", "sv")
        yield LabelledQuery(
            str(item["text"]),
            tuple(item.get("needs", ())),
            tuple(str(kind) for kind in item["kinds"]),
            item.get("municipality"),
            str(language),
            str(head.get("author", "")),
            head.get("split", "test"),
            tuple(str(kind) for kind in item.get("author_kinds", ())),
            tuple(str(level) for level in item.get("levels", ())),
        )


def _read(path: Path) -> tuple[dict[str, Any], list[Any]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".jsonl":
        return {}, [json.loads(line) for line in text.splitlines() if line.strip()]
    content = yaml.safe_load(text)
    if isinstance(content, list):
        return {}, content
    if not isinstance(content, dict):
        raise ValueError(f"{path}: holds no queries")
    rows = content.get("queries", content.get("messages"))
    if not isinstance(rows, list):
        raise ValueError(f"{path}: has no list of queries")
    return content, rows
