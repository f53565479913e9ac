"""Measures in how many texts the language is found, and how often nothing is sure.

The texts are written for it: `<folder>/<language>.yml` with `short` (one to five words) and `six`
(six words), each `own` or by how it is written otherwise (`plain`, `latin`, `misspelt` …);
`<folder>/others` with what is in none of our languages, or says nothing of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from nlu.language import DEFAULT, LANGUAGES, identify, is_sure
from nlu.language_model import LanguageModel

PIECE = 6  # words
BINS = 10
_COLUMNS = (
    "six",
    "six_otherwise",
    "six_after_swedish",
    "short",
    "short_otherwise",
    "short_with_history",
    "sure",
    "right_when_sure",
)


@dataclass(frozen=True)
class Text:
    """A text in a known language."""

    text: str
    language: str
    length: str  # short | six
    is_own: bool  # written as the language is, and not in other letters or in haste


@dataclass(frozen=True)
class _Read:
    """What was found in a text: alone, in a conversation in its language, after Swedish."""

    text: Text
    alone: str
    confidence: float
    with_history: str
    after_swedish: str

    @property
    def is_right(self) -> bool:
        return self.alone == self.text.language


def languages(
    model: LanguageModel | None, folder: Path, messages: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """Shares with the model and without it; `messages` (text, language) are cut into six words."""
    texts = list(_texts(folder))
    pieces = list(_pieces(messages))
    return {
        name: _figures(one, texts, folder / "others", pieces)
        for name, one in (("model", model), ("rules", None))
        if one is not None or name == "rules"
    }


def _texts(folder: Path) -> Iterator[Text]:
    for path in sorted(folder.glob("*.yml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for length in ("short", "six"):
            for how, texts in content[length].items():
                for text in texts:
                    yield Text(text, content["language"], length, how == "own")


def _pieces(messages: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for text, code in messages:
        words = text.split()
        for start in range(0, len(words) - PIECE + 1, PIECE):
            yield " ".join(words[start : start + PIECE]), code


def _figures(
    model: LanguageModel | None,
    texts: Sequence[Text],
    others: Path,
    pieces: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    reads = [_read(text, model) for text in texts]
    codes = [code for code in LANGUAGES if any(read.text.language == code for read in reads)]
    by_language = {
        code: _shares([read for read in reads if read.text.language == code]) for code in codes
    }
    return {
        "all": _shares(reads),
        "by_language": by_language,
        "confusion": {
            code: dict(
                Counter(read.alone for read in reads if read.text.language == code).most_common()
            )
            for code in codes
        },
        "calibration_error": _calibration_error(reads),
        "query_pieces": len(pieces),
        "query_pieces_right": _share([identify(text, None, model)[0] == c for text, c in pieces]),
        "others": {path.stem: _other(path, model) for path in sorted(others.glob("*.yml"))},
    }


def _read(text: Text, model: LanguageModel | None) -> _Read:
    alone, confidence = identify(text.text, None, model)
    return _Read(
        text,
        alone,
        confidence,
        identify(text.text, text.language, model)[0],
        identify(text.text, DEFAULT, model)[0],
    )


def _shares(reads: Sequence[_Read]) -> dict[str, float | None]:
    six = [read for read in reads if read.text.length == "six"]
    short = [read for read in reads if read.text.length == "short"]
    sure = [read for read in reads if is_sure(read.confidence)]
    figures = (
        [read.is_right for read in six],
        [read.is_right for read in six if not read.text.is_own],
        [read.after_swedish == read.text.language for read in six],
        [read.is_right for read in short],
        [read.is_right for read in short if not read.text.is_own],
        [read.with_history == read.text.language for read in short],
        [is_sure(read.confidence) for read in reads],
        [read.is_right for read in sure],
    )
    return {name: _share(hits) for name, hits in zip(_COLUMNS, figures, strict=True)}


def _other(path: Path, model: LanguageModel | None) -> dict[str, float | None]:
    texts: list[str] = yaml.safe_load(path.read_text(encoding="utf-8"))["messages"]
    alone = [identify(text, None, model) for text in texts]
    kept = [identify(text, "fi", model)[0] == "fi" for text in texts]
    return {
        "sure": _share([is_sure(confidence) for _, confidence in alone]),
        "swedish": _share([code == DEFAULT for code, _ in alone]),
        "history_kept": _share(kept),
    }


def _calibration_error(reads: Sequence[_Read]) -> float:
    """Mean gap between confidence and share right, over ten equal ranges of confidence."""
    gaps = 0.0
    for number in range(BINS):
        own = [read for read in reads if min(int(read.confidence * BINS), BINS - 1) == number]
        gaps += abs(sum(read.confidence - read.is_right for read in own))
    return round(gaps / max(len(reads), 1), 3)


def _share(hits: Sequence[bool]) -> float | None:
    return round(sum(hits) / len(hits), 3) if hits else None


def table(figures: dict[str, Any]) -> list[str]:
    """The figures as lines: shares a language, then what was taken for what."""
    lines: list[str] = []
    for name, own in figures.items():
        if isinstance(own, dict):
            lines.extend(_lines(name, own))
    return lines


def _lines(name: str, figures: dict[str, Any]) -> Iterator[str]:
    yield f"-- {name}"
    yield f"{'':<5}" + "".join(f"{column:>19}" for column in _COLUMNS)
    for code, row in (*figures["by_language"].items(), ("all", figures["all"])):
        shares = ("" if row[column] is None else f"{row[column]:.3f}" for column in _COLUMNS)
        yield f"{code:<5}" + "".join(f"{share:>19}" for share in shares)
    yield "written in (rows), taken for (columns), no history:"
    codes = list(figures["confusion"])
    yield f"{'':<5}" + "".join(f"{code:>5}" for code in codes)
    for code, row in figures["confusion"].items():
        yield f"{code:<5}" + "".join(f"{row.get(one) or '.':>5}" for one in codes)
    for key in ("calibration_error", "query_pieces", "query_pieces_right"):
        yield f"{key}: {figures[key]}"
    for kind, row in figures["others"].items():
        yield f"{kind}: " + ", ".join(f"{key} {share}" for key, share in row.items())
