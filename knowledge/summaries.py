"""What each entry gives, in languages beside its own: shown to parents, never searched by.

`knowledge/data/summaries/<language>.yml` holds `id: text`; `written_from.yml` beside them holds the
digest of the Swedish summary that the texts of an entry were written from. Where an entry's Swedish
has changed since, its texts rest until somebody has read them again: what a parent is shown must be
what the entry says today. `lotsa catalogue summaries` lists them and, once read, takes the digests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

SUMMARIES = "summaries"
WRITTEN_FROM = "written_from"
SWEDISH = "sv"
EASY = "sv-x-lattlast"  # read by a parent whose own language has no text
HEAD = "# SHA-256, first 12 digits, of the Swedish summary that the texts here were written from.\n"


class SummariesError(ValueError):
    """A file of summaries is not `id: text`; the message names it."""


@dataclass(frozen=True)
class Summaries:
    """Texts by language and entry, and what they were written from."""

    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    written_from: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path) -> Summaries:
        """Read every language; no folder is no texts. Raises SummariesError."""
        found = {path.stem: _read(path) for path in sorted(folder.glob("*.yml"))}
        return cls(texts=found, written_from=found.pop(WRITTEN_FROM, {}))

    def of(self, service_id: str, swedish: str) -> dict[str, str]:
        """The texts of an entry by language; none when they say what it said before."""
        if self.written_from.get(service_id) != digest(swedish):
            return {}
        found = {language: texts.get(service_id, "") for language, texts in self.texts.items()}
        return {language: text for language, text in found.items() if text.strip()}

    def without(self, service_ids: Collection[str]) -> Summaries:
        """These without entries that are taken out."""
        texts = {
            language: {i: text for i, text in known.items() if i not in service_ids}
            for language, known in self.texts.items()
        }
        return replace(self, texts=texts)

    def ids(self) -> frozenset[str]:
        """The entries that have a text in any language."""
        return frozenset(service_id for texts in self.texts.values() for service_id in texts)


def in_language(texts: Mapping[str, str], language: str) -> tuple[str, str]:
    """A text in the language, else in easy Swedish, else in Swedish; and which it is."""
    for code in (language, EASY, SWEDISH):
        if texts.get(code):
            return texts[code], code
    return "", SWEDISH


def digest(swedish: str) -> str:
    """What the Swedish of an entry is known by."""
    return hashlib.sha256(swedish.encode()).hexdigest()[:12]


def write_digests(folder: Path, swedish: Mapping[str, str]) -> Path:
    """Say that the texts of these entries, by id, are what their Swedish says. Raises OSError."""
    path = folder / f"{WRITTEN_FROM}.yml"
    digests = {service_id: digest(text) for service_id, text in sorted(swedish.items())}
    path.write_text(HEAD + yaml.safe_dump(digests), encoding="utf-8")
    return path


def _read(path: Path) -> dict[str, str]:
    raw = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader) or {}
    if not isinstance(raw, dict) or not all(isinstance(text, str) for text in raw.values()):
        raise SummariesError(f'{path}: each line must be an entry\'s id and a text in "quotes"')
    return {str(service_id): text for service_id, text in raw.items()}
