"""Words and letters counted: how well a text's own words fit each of many documents."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
import simplemma
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class BM25:
    """Okapi BM25 over token lists (Robertson & Zaragoza 2009).

    The postings of all tokens lie one after another in two arrays; a token knows where its begin.
    """

    def __init__(self, documents: Sequence[Sequence[str]], k1: float = 1.2, b: float = 0.6) -> None:
        self.size = len(documents)
        lengths = np.array([len(d) for d in documents], dtype=np.float32)
        norm = k1 * (1 - b + b * lengths / max(float(lengths.mean()) if self.size else 1.0, 1.0))
        self._tokens: dict[str, int] = {}
        found = [
            (self._tokens.setdefault(token, len(self._tokens)), row, count)
            for row, document in enumerate(documents)
            for token, count in Counter(document).items()
        ]
        tokens, rows, counts = np.array(found, dtype=np.int32).reshape(-1, 3).T
        order = np.argsort(tokens, kind="stable")
        tokens, self._rows = tokens[order], rows[order]
        frequency = counts[order].astype(np.float32)
        in_documents = np.bincount(tokens, minlength=len(self._tokens))
        self._ends = np.cumsum(in_documents)
        idf = np.log1p((self.size - in_documents + 0.5) / (in_documents + 0.5)).astype(np.float32)
        self._weights = idf[tokens] * frequency * (k1 + 1) / (frequency + norm[self._rows])

    def scores(self, tokens: Iterable[str]) -> Floats:
        """One score a document; a token the documents never use adds nothing."""
        total = np.zeros(self.size, dtype=np.float32)
        for token in set(tokens):
            number = self._tokens.get(token)
            if number is not None:
                own = slice(self._ends[number - 1] if number else 0, self._ends[number])
                total[self._rows[own]] += self._weights[own]
        return total


_WORD = re.compile(r"\w+")
_LEMMA_LANGUAGES = frozenset({"sv", "en"})


def lemmas(text: str, language: str = "sv") -> list[str]:
    """Base forms of the words, lower case; other languages keep their words as written."""
    return [_lemma(word, language) for word in _WORD.findall(text.lower())]


@lru_cache(maxsize=50_000)
def _lemma(word: str, language: str) -> str:
    if language not in _LEMMA_LANGUAGES:
        return word
    return str(simplemma.lemmatize(word, lang=language)).lower()


def letter_grams(text: str, size: int = 4) -> list[str]:
    """Overlapping letters of each word without accents: finds misspelt words and compounds."""
    plain = unicodedata.normalize("NFKD", text.lower())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    grams = []
    for word in _WORD.findall(plain):
        padded = f" {word} "
        grams += [padded[i : i + size] for i in range(max(1, len(padded) - size + 1))]
    return grams
