"""Finds details in Swedish and English: spaCy tokenises, simplemma gives dictionary forms.

The vocabularies and number patterns are data/<language>/entities.yml and signals.yml.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain, product
from typing import Any

from nlu.detail import Entity, read_data
from nlu.lean import without_torch
from nlu.normalise import lemma
from nlu.numbers import Numbers

with without_torch():
    import spacy
    from spacy.matcher import Matcher, PhraseMatcher
    from spacy.tokens import Doc, Span, Token

Pattern = list[dict[str, Any]]

WORD_LISTS = ("negation", "help_words", "contact_words", "tried_words")
NEGATION_REACH = 5
TRIED_REACH = 6
NO_ACTOR = "no_actor"  # an authority that the parent says she has no contact with
GAP = {"IS_PUNCT": False, "OP": "{0,4}"}


class LemmaReader:
    """One language's vocabulary, or several for a language that has none of its own."""

    def __init__(self, code: str, vocabularies: Sequence[str]) -> None:
        """`code`: what spaCy tokenises as; the first of `vocabularies` is the language's own."""
        self._nlp = spacy.blank(code)
        self._lemma_language = vocabularies[0]
        self._vocabulary = read_data(f"{vocabularies[0]}/entities.yml")
        self._words = {name: frozenset(map(str, self._vocabulary[name])) for name in WORD_LISTS}
        self._phrases = PhraseMatcher(self._nlp.vocab, attr="LEMMA")
        is_own = len(vocabularies) == 1
        for other in vocabularies:
            self._add_phrases(read_data(f"{other}/entities.yml"), is_own)
        self._numbers = Numbers(self._vocabulary) if is_own else None
        self._signals = Matcher(self._nlp.vocab)
        if is_own:
            self._add_signals(read_data(f"{code}/signals.yml"))

    def read(self, text: str, today: date) -> tuple[list[Entity], set[str]]:
        """Entities and signals; an authority without contact is named `NO_ACTOR`."""
        doc = self._doc(text)
        found = list(self._named(doc))
        if self._numbers is not None:
            found += self._numbers.find(text.lower(), today)
        names = {self._nlp.vocab.strings[key] for key, _, _ in self._signals(doc)}
        return found, names

    def _doc(self, text: str) -> Doc:
        doc = self._nlp.make_doc(text)
        for token in doc:
            token.lemma_ = lemma(token.text, self._lemma_language)
        return doc

    def _add_phrases(self, vocabulary: Mapping[str, Any], is_own: bool) -> None:
        names = ["actor", "diagnosis"]
        if is_own:
            names += ["school_stage", "relation", "kind"]
        for name in names:
            for value, phrases in vocabulary[name].items():
                docs = [self._doc(str(phrase)) for phrase in phrases]
                self._phrases.add(f"{name}={value}", docs)
        if is_own:
            refused = [self._doc(str(word)) for word in vocabulary["refused_words"]]
            self._phrases.add("refused_words", refused)

    def _add_signals(self, signals: Mapping[str, Sequence[str]]) -> None:
        for signal, phrases in signals.items():
            self._signals.add(signal, [row for phrase in phrases for row in self._rows(phrase)])

    def _rows(self, phrase: str) -> list[Pattern]:
        """The token patterns of a phrase; several when an alternative is more than one token."""
        choices = [self._choices(step) for step in phrase.split()]
        return [list(chain.from_iterable(row)) for row in product(*choices)]

    def _choices(self, step: str) -> list[Pattern]:
        if step == "…":
            return [[GAP]]
        words_of = [word.replace("_", " ") for word in step.split("|")]
        split = [[token.lemma_ for token in self._doc(words)] for words in words_of]
        single = sorted({words[0] for words in split if len(words) == 1})
        choices: list[Pattern] = [[{"LEMMA": {"IN": single}}]] if single else []
        return choices + [[{"LEMMA": w} for w in words] for words in split if len(words) > 1]

    def _named(self, doc: Doc) -> Iterator[Entity]:
        spans = self._matches(doc)
        for name in ("actor", "diagnosis", "school_stage"):
            for span in _longest(span for span in spans if span.label_.startswith(f"{name}=")):
                value = span.label_.partition("=")[2]
                # "Has not been to school" is no school that is missing.
                can_be_denied = name == "actor" and value != "school"
                is_denied = can_be_denied and self._is_denied(span)
                found_as = NO_ACTOR if is_denied else name
                yield Entity(found_as, value, span.start_char, span.end_char)
        yield from self._relation(spans)
        yield from self._tried_and_refused(doc, spans)

    def _matches(self, doc: Doc) -> list[Span]:
        strings = self._nlp.vocab.strings
        return [Span(doc, start, end, label=strings[key]) for key, start, end in self._phrases(doc)]

    def _relation(self, spans: Sequence[Span]) -> Iterator[Entity]:
        order = [f"relation={value}" for value in self._vocabulary["relation"]]
        found = [span for span in spans if span.label_ in order]
        if found:
            first = min(found, key=lambda span: (order.index(span.label_), span.start))
            value = first.label_.partition("=")[2]
            yield Entity("relation", value, first.start_char, first.end_char)

    def _is_denied(self, span: Span) -> bool:
        """No contact with it: "inte BUP", "ingen kontakt med soc"; "no help from soc" is not."""
        before = _clause_before(span, NEGATION_REACH)
        denial = self._position(before, "negation")
        if denial is None:
            return False
        between = [token.lower_ for token in before[denial + 1 :]]
        if not between or self._has(between, "contact_words"):
            return True
        return not self._has(between, "help_words") and self._has(between, "tried_words")

    def _tried_and_refused(self, doc: Doc, spans: Sequence[Span]) -> Iterator[Entity]:
        named = _longest(s for s in spans if s.label_.partition("=")[0] in {"kind", "actor"})
        refusals = [span for span in spans if span.label_ == "refused_words"]
        refused = [_what_was_refused(refusal, named) for refusal in refusals]
        for span in named:
            name, _, value = span.label_.partition("=")
            if span in refused:
                yield Entity("refused", value, span.start_char, span.end_char)
            elif name == "kind" and self._is_tried(span):
                yield Entity("tried", value, span.start_char, span.end_char)

    def _is_tried(self, span: Span) -> bool:
        words = _clause_before(span, TRIED_REACH)
        before = [token.lower_ for token in words]
        return self._has(before, "tried_words") and self._position(words, "negation") is None

    def _position(self, tokens: Sequence[Token], words: str) -> int | None:
        wanted = self._words[words]
        positions = [index for index, token in enumerate(tokens) if token.lower_ in wanted]
        return positions[-1] if positions else None

    def _has(self, found: Iterable[str], words: str) -> bool:
        return not self._words[words].isdisjoint(found)


def _clause_before(span: Span, reach: int) -> list[Token]:
    """Up to `reach` tokens before `span` in the same clause."""
    doc = span.doc
    tokens: list[Token] = []
    for index in range(span.start - 1, max(span.start - reach, 0) - 1, -1):
        if _ends_clause(doc[index]):
            break
        tokens.append(doc[index])
    return tokens[::-1]


def _what_was_refused(refusal: Span, named: Sequence[Span]) -> Span | None:
    """The support that follows the word in its clause ("avslag på X"), else the one before."""
    reachable = [span for span in named if _is_same_clause(refusal, span)]
    after = [span for span in reachable if span.start >= refusal.end]
    before = [span for span in reachable if span.end <= refusal.start]
    if after:
        return min(after, key=lambda span: span.start)
    return max(before, key=lambda span: span.end, default=None)


def _is_same_clause(one: Span, other: Span) -> bool:
    """With no punctuation and at most `TRIED_REACH` words between."""
    first, second = sorted((one, other), key=lambda span: span.start)
    between = first.doc[first.end : max(second.start, first.end)]
    return len(between) <= TRIED_REACH and not any(_ends_clause(token) for token in between)


def _ends_clause(token: Token) -> bool:
    return token.text in ".,!?;:\n" or token.lower_ in {"men", "but"}


def _longest(spans: Iterable[Span]) -> list[Span]:
    """Spans that lie in no longer one."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (-(span.end - span.start), span.start)):
        if all(span.end <= other.start or span.start >= other.end for other in kept):
            kept.append(span)
    return kept
