"""Short answers in words: the choices a text names (words: bot/content/<lang>/answers.yml)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from bot.content import Content
from nlu.normalise import plain_letters

LONGEST = 12  # words; more than that tells a story and answers no choice


def named(content: Content, language: str, prefix: str, ids: Iterable[str], text: str) -> list[str]:
    """The ids whose words (`word_<prefix>_<id>`) stand in a text, longest words first."""
    found: list[tuple[int, int, str]] = []
    said = _plain(text)
    for order, name in enumerate(ids):
        longest = max(
            (len(word) for word in _words(content, language, prefix, name, said)), default=0
        )
        if longest:
            found.append((-longest, order, name))
    return [name for _, _, name in sorted(found)]


def is_said(content: Content, language: str, word_id: str, text: str) -> bool:
    """Whether one of the words of `word_<word_id>` begins a word of the text."""
    prefix, _, name = word_id.rpartition("_")
    return bool(named(content, language, prefix, [name], text))


def says_only(content: Content, text_id: str, text: str) -> bool:
    """Whether a text is one of the words or phrases of `text_id`, in any language, and no more."""
    return any(is_whole(content, code, text_id, text) for code in content.in_danger)


def is_whole(content: Content, language: str, text_id: str, text: str) -> bool:
    """The same in one language."""
    if not content.has(language, text_id):
        return False
    return _bare(text) in _phrases(content.raw(language, text_id))


def holds_phrase(content: Content, text_id: str, text: str) -> bool:
    """Whether a phrase of two words or more of `text_id`, in any language, stands in a text."""
    said = f" {_bare(text)} "
    return any(
        " " in phrase and f" {phrase} " in said
        for code in content.in_danger
        if content.has(code, text_id)
        for phrase in _phrases(content.raw(code, text_id))
    )


def is_short(text: str) -> bool:
    return len(text.split()) <= LONGEST


def _words(content: Content, language: str, prefix: str, name: str, said: str) -> Sequence[str]:
    text_id = f"word_{prefix}_{name}"
    if not content.has(language, text_id):
        return []
    return [word for word in _listed(content.raw(language, text_id)) if _starts(word).search(said)]


@lru_cache(maxsize=64)
def _phrases(words: str) -> frozenset[str]:
    return frozenset(_bare(word) for word in words.split("|"))


def _bare(text: str) -> str:
    """A text's words alone, in plain letters."""
    return " ".join(re.sub(r"[^\w\s]", " ", _plain(text)).split())


@lru_cache(maxsize=512)
def _listed(words: str) -> tuple[str, ...]:
    return tuple(_plain(word) for word in words.split("|"))


@lru_cache(maxsize=2048)
def _starts(word: str) -> re.Pattern[str]:
    """A word ending in "." stands whole; another may go on, as inflected words do."""
    end = r"(?!\w)" if word.endswith(".") else ""
    return re.compile(rf"(?<!\w){re.escape(word.removesuffix('.'))}{end}")


def _plain(text: str) -> str:
    """Without capitals, dots and accents, and with one of each letter that looks alike."""
    return plain_letters(" ".join(text.casefold().split()))
