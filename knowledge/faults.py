"""What is wrong in a file of entries, said so that an editor can mend it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

TEXTS = Path(__file__).parent / "exchange_texts.yml"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_BY_TYPE = {
    "missing": "missing",
    "too_short": "missing",
    "string_type": "not_text",
    "literal_error": "not_allowed",
    "extra_forbidden": "unknown_field",
    "value_error": "no_place",
    "greater_than_equal": "bad_number",
}
_BY_PATTERN = {"number": "bad_phone", "url": "bad_url"}  # else an id
_BY_FAMILY = {"date": "bad_date", "time": "bad_time", "int": "bad_number", "bool": "yes_no"}


@dataclass(frozen=True)
class Fault:
    """One thing to mend. `line` is the row of a sheet or the number of the entry; 0 = the file."""

    line: int
    field: str
    problem: str
    what_to_do: str


class FileFaultError(Exception):
    """The file as a whole cannot be read."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.fault = fault(code, 0, "", **values)


@cache
def texts() -> dict[str, Any]:
    """The words of the exchange, from `exchange_texts.yml`."""
    content: dict[str, Any] = yaml.safe_load(TEXTS.read_text(encoding="utf-8"))
    return content


def fault(code: str, line: int = 0, field: str = "", **values: object) -> Fault:
    """The fault with its words. Raises KeyError for an unknown code or a missing value."""
    words = texts()["faults"][code]
    return Fault(
        line, field, words["problem"].format(**values), words["what_to_do"].format(**values)
    )


def model_faults(error: ValidationError, line: int, name_of: Callable[[str], str]) -> list[Fault]:
    """Every fault the model found in one entry."""
    return [_model_fault(dict(found), line, name_of) for found in error.errors()]


def _model_fault(found: dict[str, Any], line: int, name_of: Callable[[str], str]) -> Fault:
    path = ".".join(part for part in found["loc"] if isinstance(part, str))
    numbers = [part + 1 for part in found["loc"] if isinstance(part, int)]
    kind = str(found["type"])
    code = _BY_TYPE.get(kind) or _BY_FAMILY.get(kind.split("_")[0], "invalid")
    if kind == "string_pattern_mismatch":
        code = _BY_PATTERN.get(path.rpartition(".")[2], "bad_id")
    field = name_of(path) + (f" ({numbers[0]})" if numbers else "")
    known = texts()["values"].get(path)
    allowed = (
        ", ".join(f"{value} ({word})" for value, word in known.items())
        if known
        else found.get("ctx", {}).get("expected", "")
    )
    return fault(code, line, field, value=shown(found.get("input")), allowed=allowed)


def shown(value: object) -> str:
    """A value in a message: short, on one line."""
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:59]}…"


def control_faults(data: object, line: int, name_of: Callable[[str], str]) -> list[Fault]:
    """Fields whose text has characters that no editor can see."""
    return [
        fault("control_character", line, name_of(path))
        for path in dict.fromkeys(_paths_with_control(data, ""))
    ]


def _paths_with_control(data: object, path: str) -> list[str]:
    if isinstance(data, str):
        return [path] if _CONTROL.search(data) else []
    if isinstance(data, dict):
        inner = [(value, f"{path}.{key}".lstrip(".")) for key, value in data.items()]
    elif isinstance(data, list):
        inner = [(value, path) for value in data]
    else:
        return []
    return [found for value, below in inner for found in _paths_with_control(value, below)]
