"""Makes typed text comparable: characters, chat abbreviations and missing å, ä, ö.

Every character of the result knows where it came from, so that an entity found in the
normalised text can be shown in the parent's own words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import product
from pathlib import Path

import simplemma
import yaml

DATA = Path(__file__).parent / "data"

_TOKEN = re.compile(r"\w+(?:[.:'’]\w+)*|\s+|[^\w\s]", re.UNICODE)
_DOTS = {"a": "aåä", "o": "oö"}
_MOST_RESTORED_VOWELS = 6
_LEXICON_LANGUAGES = frozenset({"sv", "en", "fi", "pl", "tr", "uk", "ar", "fa"})


@dataclass(frozen=True)
class Words:
    """What a language's `entities.yml` says about spelling."""

    chat: Mapping[str, str] = field(default_factory=dict)  # abbreviation -> written out
    undotted: Mapping[str, str] = field(default_factory=dict)  # only in text without any å, ä, ö
    after_number: Mapping[str, str] = field(default_factory=dict)  # the same, right after digits


@dataclass(frozen=True)
class NormalText:
    """`text` and, for each of its characters, the position in the original."""

    text: str
    origin: tuple[int, ...]
    original_length: int

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Positions in the original of `text[start:end]`."""
        if start >= end or start >= len(self.origin):
            return self.original_length, self.original_length
        last = self.origin[end] if end < len(self.origin) else self.original_length
        first = self.origin[start]
        return first, max(last, first)


def normalise(text: str, language: str, words: Words | None = None) -> NormalText:
    """NFKC, no invisible characters, abbreviations written out, dots restored in Swedish."""
    clean = _clean_characters(text)
    if words is None:
        return clean
    dotless = language == "sv" and not re.search("[åäöÅÄÖ]", clean.text)
    pieces: list[str] = []
    origin: list[int] = []
    before = ""  # the word before
    for match in _TOKEN.finditer(clean.text):
        token = match.group()
        better = _written_out(token, language, dotless, words, before)
        before = token if token.strip() else before
        pieces.append(better)
        origin.extend(_stretch(clean.origin[match.start() : match.end()], len(better)))
    return NormalText("".join(pieces), tuple(origin), clean.original_length)


def _clean_characters(text: str) -> NormalText:
    characters: list[str] = []
    origin: list[int] = []
    for start, cluster in _clusters(text):
        for character in unicodedata.normalize("NFKC", cluster):
            if _is_invisible(character):
                continue
            characters.append(" " if character.isspace() and character != "\n" else character)
            origin.append(start)
    return NormalText("".join(characters), tuple(origin), len(text))


def _clusters(text: str) -> Iterator[tuple[int, str]]:
    """A character together with the combining marks after it."""
    start = 0
    for position in range(1, len(text) + 1):
        if position == len(text) or not unicodedata.combining(text[position]):
            if text:
                yield start, text[start:position]
            start = position


def _is_invisible(character: str) -> bool:
    if character in "\u200c\u200d":  # joiners carry meaning in Persian, Kurdish and emoji
        return False
    if 0xFE00 <= ord(character) <= 0xFE0F:  # variation selectors belong to emoji
        return False
    return unicodedata.category(character) in {"Cf", "Cc", "Co", "Cs"} and character not in "\n\t"


def _written_out(token: str, language: str, dotless: bool, words: Words, before: str) -> str:
    lower = token.lower()
    if lower in words.chat:
        return _same_case(token, words.chat[lower])
    if not dotless or not lower.isascii() or not lower.isalpha():
        return token
    if before.isdigit() and lower in words.after_number:
        return _same_case(token, words.after_number[lower])
    if lower in words.undotted:
        return _same_case(token, words.undotted[lower])
    return _same_case(token, restored(lower)) if language == "sv" else token


@lru_cache(maxsize=20_000)
def restored(word: str) -> str:
    """The only Swedish word this one can be with dots, or the word itself."""
    vowels = [index for index, letter in enumerate(word) if letter in _DOTS]
    if len(word) < 3 or not vowels or len(vowels) > _MOST_RESTORED_VOWELS:
        return word
    if simplemma.is_known(word, "sv"):
        return word
    found = {
        spelling
        for spelling in _spellings(word, vowels)
        if spelling != word and simplemma.is_known(spelling, "sv")
    }
    return found.pop() if len(found) == 1 else word


def _spellings(word: str, vowels: list[int]) -> Iterator[str]:
    letters = list(word)
    for choice in product(*(_DOTS[word[index]] for index in vowels)):
        for index, letter in zip(vowels, choice, strict=True):
            letters[index] = letter
        yield "".join(letters)


def _same_case(token: str, better: str) -> str:
    return better[:1].upper() + better[1:] if token[:1].isupper() else better


def _stretch(positions: tuple[int, ...], length: int) -> list[int]:
    """`length` positions that begin and end where `positions` do."""
    if length == len(positions) or not positions:
        return list(positions)
    scale = len(positions) / max(length, 1)
    return [positions[min(int(index * scale), len(positions) - 1)] for index in range(length)]


# Letters that are one and the same to a reader but not to Unicode.
_SAME_LETTER = str.maketrans(
    {
        **dict(zip("ıłđøßґєʻʼ’‘`´", "ildosге''''''", strict=True)),
        **dict.fromkeys("أإآٱ", "ا"),
        **dict.fromkeys("ىيیئۍې", "ی"),
        **dict.fromkeys("ةۀۂ", "ه"),
        **dict.fromkeys("كڪ", "ک"),
        "ؤ": "و",
        "ـ": None,
        "\u200c": " ",
        "\u200d": None,
        **{chr(0x660 + digit): str(digit) for digit in range(10)},
        **{chr(0x6F0 + digit): str(digit) for digit in range(10)},
    }
)


@lru_cache(maxsize=4_000)
def _plain_character(character: str) -> str:
    same = character.lower().translate(_SAME_LETTER)
    letters = unicodedata.normalize("NFKD", same)
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return bare.translate(_SAME_LETTER)


def plain_letters(text: str) -> str:
    """Lower case without diacritics; letters and digits that look alike become one."""
    return "".join(map(_plain_character, text))


def plain(text: str) -> NormalText:
    """`plain_letters` that knows where each character stood in `text`."""
    pieces = [_plain_character(character) for character in text]
    origin = [index for index, piece in enumerate(pieces) for _ in piece]
    return NormalText("".join(pieces), tuple(origin), len(text))


@lru_cache(maxsize=50_000)
def lemma(word: str, language: str) -> str:
    """Dictionary form in lower case; unknown words and languages lose only a genitive mark."""
    lower = word.lower().replace("’", "'")
    lower = re.sub(r"(?<=\w)[:'](?:s|n|en|et|arna)$", "", lower)
    if own := _own_lemmas(language).get(lower):
        return own
    if language not in _LEXICON_LANGUAGES or not lower.isalpha():
        return lower
    return str(simplemma.lemmatize(lower, lang=language)).lower()


@cache
def _own_lemmas(language: str) -> Mapping[str, str]:
    """What the lexicon is not asked for (`data/<language>/lemmas.yml`)."""
    path = DATA / language / "lemmas.yml"
    if not path.is_file():
        return {}
    lemmas: dict[str, str] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return lemmas
