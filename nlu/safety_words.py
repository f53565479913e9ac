"""Folds a message into words that can be compared: without accents, capitals or tricks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

SOFT, HARD = 1, 2  # a break before a word: comma or new line; end of a sentence

_INVISIBLE = re.compile(
    "[\u0300-\u036f\u00ad\u0610-\u061a\u061c\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u115f\u1160"
    "\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\ufff9-\ufffb'’‘ʼ′`´*]"
)
REPEATED = re.compile(r"([^\W\d_])\1+")
_DIGIT_AS_LETTER = re.compile(r"(?<=[^\W\d_])[01345](?=[^\W\d_])")
_LETTER_FOR = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s"}
_TOKEN = re.compile(r"\d+|[^\W\d_]+|[.!?…,;:\n()\[\]\"”“»«]+|[-–—]{2,}|[–—]")
_SPACED_LETTERS = re.compile(r"(?<!\w)(?:[^\W\d_] ){4,}[^\W\d_](?!\w)")
# Letters that Unicode does not take apart, and other scripts' punctuation.
_PLAIN_LETTER = str.maketrans("øıæłđґ،؛؟۔።፣፤፥፦፧", "oialdг,;?..,;;:?")
_PERSIAN_PREFIX = re.compile(r"(?<!\w)(ن?م[يی]) (?=[^\W\d_])")  # "می کشم" is one word


@dataclass(frozen=True)
class Raw:
    """Folded words, and before each the kind of break (0, SOFT, HARD)."""

    words: tuple[str, ...]
    breaks: tuple[int, ...]


def fold(text: str) -> str:
    """Lower case without accents, invisible characters, doubled letters, ae/oe for ä/ö."""
    text = unicodedata.normalize("NFKD", text).casefold().replace("і\u0308", "иі")
    text = _INVISIBLE.sub("", text).translate(_PLAIN_LETTER)
    text = text.replace("ae", "a").replace("oe", "o")
    return _PERSIAN_PREFIX.sub(r"\1", REPEATED.sub(r"\1", text))


def split(text: str) -> Raw:
    folded = _DIGIT_AS_LETTER.sub(lambda m: _LETTER_FOR[m.group()], fold(text))
    folded = _SPACED_LETTERS.sub(lambda m: fold(m.group().replace(" ", "")), folded)
    words: list[str] = []
    breaks: list[int] = []
    pending = HARD
    for token in _TOKEN.findall(folded):
        if token[0].isalnum():
            words.append(token)
            breaks.append(pending)
            pending = 0
        else:
            hard = token[0] in "!?" or (token[0] == "." and not token.startswith(".."))
            pending = max(pending, HARD if hard else SOFT)
    return Raw(tuple(words), tuple(breaks))


@lru_cache(maxsize=8192)
def spelled(word: str, letters: tuple[tuple[str, str], ...]) -> str:
    """A folded word in the one spelling that a language's alphabets and dialects share."""
    if not letters:
        return word
    word = f" {word} "
    for old, new in letters:
        word = word.replace(old, new)
    return REPEATED.sub(r"\1", word.strip())


def shortened(word: str) -> Iterator[str]:
    yield word
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]


def one_slip(a: str, b: str) -> bool:
    """True when one letter is missing, added, wrong or swapped with its neighbour."""
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    stop = 0
    while stop < min(len(a), len(b)) - start and a[-1 - stop] == b[-1 - stop]:
        stop += 1
    left, right = a[start : len(a) - stop], b[start : len(b) - stop]
    return max(len(left), len(right)) <= 1 or (len(left) == 2 and left == right[::-1])
