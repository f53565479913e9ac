"""Search by words alone, without a model: slips are forgiven, foreign words are understood."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import yaml
from rapidfuzz import fuzz, process

from knowledge.catalogue import Catalogue, Service
from knowledge.glossary import glossary
from knowledge.index import words_of
from knowledge.words import BM25, Floats, lemmas, letter_grams

GLOSSARY = Path(__file__).parent / "data" / "glossary"
LANGUAGES = ("sv", "en")  # of the catalogue's texts
ARABIC_ARTICLE = "ال"
SHORTEST_STEM = 4  # letters of a foreign word that may carry an ending
SHORTEST_PART = 5  # letters of a word that may be part of a compound
SHORTEST_SUGGESTED = 4  # letters
NEAR = 75.0  # per cent of letters in common, for "did you mean"
RELATED = 0.5  # weight of a compound's part beside the word itself
LETTERS = 0.15  # weight of letters beside words
FAR_FROM_BEST = 0.3  # share of the best score below which an entry is left out
NEARER = 0.1  # added share of the score for each layer nearer to the parent
MOST_HITS = 20
LONGEST_QUERY = 200  # characters that are read
MOST_WORDS = 20
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Hit:
    """An entry found, the words it was found by, and what a parent says that is most like it."""

    service: Service
    words: tuple[str, ...]
    phrase: str | None


@dataclass(frozen=True)
class Found:
    """What a search gave; `translated` are Swedish words a foreign word led to."""

    hits: tuple[Hit, ...]
    translated: tuple[str, ...] = ()
    suggestion: str | None = None  # the query with near, known words instead of unknown ones
    used_suggestion: bool = False  # nothing was found for the query: the hits are the suggestion's


@dataclass(frozen=True)
class _Query:
    words: frozenset[str]  # as the entries write them, base forms
    related: frozenset[str]  # words of the entries that share a part with a word of the query
    translated: tuple[str, ...]
    suggestion: str | None


class Lexical:
    """The words of one municipality's entries."""

    def __init__(self, catalogue: Catalogue, municipality: str) -> None:
        layers = catalogue.municipalities[municipality].layers
        self.services = list(catalogue.in_municipality(municipality))
        steps = [len(layers) - 1 - layers.index(service.layer) for service in self.services]
        self._nearness = 1 + NEARER * np.array(steps, dtype=np.float32)
        texts = [_texts(service, catalogue) for service in self.services]
        self._documents = [_tokens(text) for text in texts]
        self._words = BM25(self._documents)
        self._letters = BM25([letter_grams(sv) for sv, _ in texts])
        self._vocabulary = frozenset(word for document in self._documents for word in document)
        self._by_plain = {_plain(word): word for word in self._vocabulary}
        self._suggestions = _suggestions(texts)

    def find(self, text: str) -> Found:
        """Entries that answer a few words, best first; the text is neither kept nor logged."""
        query = self._read(text[:LONGEST_QUERY])
        hits = self._hits(query, text[:LONGEST_QUERY])
        if hits or query.suggestion is None:
            return Found(hits, query.translated, query.suggestion)
        instead = self._hits(self._read(query.suggestion), query.suggestion)
        return Found(instead, query.translated, query.suggestion, bool(instead))

    def _hits(self, query: _Query, text: str) -> tuple[Hit, ...]:
        scores = self._words.scores(query.words) + RELATED * self._words.scores(query.related)
        if not scores.any():
            return ()
        scores += np.where(scores > 0, LETTERS * self._letters.scores(letter_grams(text)), 0)
        return tuple(self._hit(row, query) for row in _best(scores * self._nearness))

    def _hit(self, row: int, query: _Query) -> Hit:
        service, wanted = self.services[row], query.words | query.related
        said = [(len(wanted & set(_bases(p))), p) for p in service.parent_says]
        count, phrase = max(said, key=lambda pair: pair[0])
        words = tuple(sorted(wanted & set(self._documents[row])))
        return Hit(service, words, phrase if count else None)

    def _read(self, text: str) -> _Query:
        plain = _without_marks(text.lower())
        translated, rest = _translate(plain)
        words = {word for term in translated for word in _bases(term)}
        related: set[str] = set()
        written = _WORD.findall(rest)[:MOST_WORDS]
        corrected: dict[str, str] = {}
        for word in _content(written):
            known = self._known(word)
            if known:
                words |= known
                continue
            alike = [other for other in _alike().get(word, ()) if self._known(other)]
            if alike:
                translated += tuple(other for other in alike if other not in translated)
                words |= {base for other in alike for base in self._known(other)}
                continue
            parts = self._related(word)
            related |= parts
            near = None if parts else self._nearest(word)
            if near and near != word:
                corrected[word] = near
        suggestion = " ".join(corrected.get(w, w) for w in written) if corrected else None
        return _Query(frozenset(words), frozenset(related), translated, suggestion)

    def _known(self, word: str) -> set[str]:
        """The word as entries write it: inflected, or typed without its dots and rings."""
        bases = {base for language in LANGUAGES for base in lemmas(word, language)}
        return {self._by_plain[_plain(b)] for b in {word, *bases} if _plain(b) in self._by_plain}

    def _related(self, word: str) -> set[str]:
        """Words of the entries that hold this one, or that this compound begins or ends with."""
        if len(word) < SHORTEST_PART:
            return set()
        return {
            known
            for known in self._vocabulary
            if word in known
            or (len(known) >= SHORTEST_PART and (word.startswith(known) or word.endswith(known)))
        } - _common()

    def _nearest(self, word: str) -> str | None:
        if len(word) < SHORTEST_SUGGESTED:
            return None
        found = process.extractOne(word, self._suggestions, scorer=fuzz.ratio, score_cutoff=NEAR)
        return str(found[0]) if found else None


@lru_cache(maxsize=64)
def lexical_of(catalogue: Catalogue, municipality: str) -> Lexical:
    """The words of a municipality's entries, read once. Raises KeyError if it is unknown."""
    return Lexical(catalogue, municipality)


def marked(text: str, words: Iterable[str]) -> list[tuple[str, bool]]:
    """The text in pieces; True where a piece is one of the words found."""
    wanted = set(words)
    pieces: list[tuple[str, bool]] = []
    end = 0
    for found in _WORD.finditer(text):
        if _is_wanted(found[0], wanted):
            pieces += [(text[end : found.start()], False), (found[0], True)]
            end = found.end()
    return [piece for piece in [*pieces, (text[end:], False)] if piece[0]]


def _is_wanted(word: str, wanted: set[str]) -> bool:
    if word.lower() in _common():
        return False
    return any(base in wanted for language in LANGUAGES for base in lemmas(word, language))


def _best(scores: Floats) -> list[int]:
    order = np.argsort(-scores, kind="stable")
    least = max(float(scores.max()) * FAR_FROM_BEST, 1e-6)
    return [int(row) for row in order[:MOST_HITS] if scores[row] >= least]


def _texts(service: Service, catalogue: Catalogue) -> tuple[str, str]:
    english = [service.summary.get("en", ""), service.how_to_get.get("en", "")]
    kinds = [catalogue.taxonomy.kinds[kind].label.get("en", "") for kind in service.kinds]
    return words_of(service, catalogue.taxonomy), ". ".join([*english, *kinds])


def _tokens(texts: tuple[str, str]) -> list[str]:
    return [
        token
        for text, language in zip(texts, LANGUAGES, strict=True)
        for token in _bases(text, language)
    ]


def _suggestions(texts: Sequence[tuple[str, str]]) -> list[str]:
    """Words to suggest, the most used first, so that of two equally near the usual one is taken."""
    counts = Counter(word for sv, _ in texts for word in _WORD.findall(sv.lower()))
    for term in glossary().terms.values():
        counts.update(word for form in term.forms("sv") for word in _WORD.findall(form.lower()))
    counts.update(word for word in _alike() if " " not in word)
    words = _content(word for word, _ in counts.most_common())
    return [word for word in words if len(word) >= SHORTEST_SUGGESTED]


def _content(words: Iterable[str]) -> list[str]:
    return [word for word in words if word not in _common() and not word.isdigit()]


def _bases(text: str, language: str = "sv") -> list[str]:
    """Base forms of the words that say something; `ska` is left out before it becomes `skola`."""
    return lemmas(" ".join(_content(_WORD.findall(text.lower()))), language)


def _plain(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))


def _without_marks(text: str) -> str:
    """Without Arabic vowel signs and joiners, which are written or left out at will."""
    return re.sub(r"[\u064b-\u0652\u0640\u200c\u200d]", "", text)


def _translate(text: str) -> tuple[tuple[str, ...], str]:
    """Swedish words for the foreign ones in a text, and the text without them."""
    found: dict[str, None] = {}
    rest = text
    for form, pattern, swedish in _foreign():
        if form[:2] in text and pattern.search(rest):
            found.update(dict.fromkeys(swedish))
            rest = pattern.sub(" ", rest)
    return tuple(found), rest


@cache
def _concepts() -> list[dict[str, list[str]]]:
    """What is meant, as words per language (`sv`, `en`, `ar` …)."""
    raw = yaml.safe_load((GLOSSARY / "foreign_words.yml").read_text(encoding="utf-8"))
    return [{str(language): words for language, words in concept.items()} for concept in raw]


@cache
def _alike() -> dict[str, list[str]]:
    """For a Swedish word the words that can stand in for it."""
    alike: dict[str, list[str]] = {}
    for concept in _concepts():
        for word in concept["sv"]:
            alike.setdefault(word, []).extend(o for o in concept["sv"] if o != word)
    return alike


@cache
def _foreign() -> list[tuple[str, re.Pattern[str], list[str]]]:
    """Foreign words, the longest first, with what they are in Swedish."""
    words: dict[str, list[str]] = {}
    for concept in _concepts():
        swedish = concept["sv"]
        own = {word for phrase in swedish for word in _WORD.findall(phrase)}
        for language, forms in concept.items():
            for form in forms if language != "sv" else ():
                if form not in own:
                    words.setdefault(form, []).extend(swedish)
    order = sorted(words, key=len, reverse=True)
    return [(form, _foreign_pattern(form), words[form]) for form in order]


def _foreign_pattern(form: str) -> re.Pattern[str]:
    is_arabic = "\u0600" <= form[0] <= "\u06ff"
    before = rf"(?:[وبلف]?{ARABIC_ARTICLE}|لل)?" if is_arabic else ""
    after = r"\w{0,5}" if len(form) >= SHORTEST_STEM and not form.isascii() else ""
    return re.compile(rf"(?<!\w){before}{re.escape(form)}{after}(?!\w)")


@cache
def _common() -> frozenset[str]:
    raw = yaml.safe_load((GLOSSARY / "common_words.yml").read_text(encoding="utf-8"))
    return frozenset(str(word) for words in raw.values() for word in words)
