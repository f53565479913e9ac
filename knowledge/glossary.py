"""The glossary: words parents meet, explained in plain language, and where they occur in a text."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from knowledge.catalogue import Id, Model, Source, Texts

TERMS = Path(__file__).parent / "data" / "glossary" / "terms.yml"
LANGUAGES = "languages"  # beside it: `<language>.yml`, name and explanation per term
SHORTEST_WITH_ENDINGS = 4  # letters; shorter words are recognised only as written
FALLBACK_LANGUAGE = "sv"
# Ordinary endings of nouns: plural, the definite form, the genitive.
_ENDINGS = {
    "sv": r"(?:e?ns?|e?ts?|er|ers|erna|ernas|ar|ars|arna|arnas|na|nas|s)?",
    "en": r"(?:s|'s|’s)?",
}

Link = tuple[int, int, str]  # start, end, id of the term


class GlossaryError(ValueError):
    """The glossary is wrong; the message names the term and what to do."""


class Term(Model):
    """One word: its name and explanation per language, and the other forms it is written in."""

    id: Id
    name: Texts
    explanation: Texts  # at most three short sentences
    aliases: dict[str, list[str]] = Field(default={})
    see_also: list[Id] = Field(default=[])
    sources: list[Source] = Field(min_length=1)
    verified_on: dt.date

    def forms(self, language: str) -> list[str]:
        """Every way the word is written in a language."""
        name = self.name.get(language, "")
        return [*name.split(", "), *self.aliases.get(language, [])] if name else []


class Glossary:
    """All terms by id, in the order of the file."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self.terms = {term.id: term for term in terms}
        self._patterns: dict[str, tuple[re.Pattern[str], Mapping[str, str]]] = {}

    @classmethod
    def load(cls, path: Path = TERMS) -> Glossary:
        """Read the terms. Raises GlossaryError for a wrong field, a repeated or unknown id."""
        raw = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
        terms: list[Term] = []
        for fields in raw["terms"]:
            try:
                sources = [raw["sources"][source] for source in fields["sources"]]
                given = {"verified_on": raw["verified_on"], **fields, "sources": sources}
                terms.append(Term.model_validate(given))
            except (KeyError, ValueError) as error:
                raise GlossaryError(f"{path}: {fields.get('id')}: {error}") from error
        _check_ids(terms, path)
        for file in sorted((path.parent / LANGUAGES).glob("*.yml")):
            terms = _spoken(terms, file)
        return cls(terms)

    def links(self, text: str, language: str) -> list[Link]:
        """Where terms occur in a text, the longest form first, without overlap."""
        known = language if language in _ENDINGS else FALLBACK_LANGUAGE
        if known not in self._patterns:
            self._patterns[known] = _pattern(list(self.terms.values()), known)
        pattern, owners = self._patterns[known]
        return [
            (found.start(), found.end(), owners[str(found.lastgroup)])
            for found in pattern.finditer(text)
        ]

    def explained(self, term: Term, language: str) -> dict[str, Any]:
        """A term as a page shows it; a language without it gets the Swedish words."""
        return {
            "id": term.id,
            "name": term.name.get(language) or term.name[FALLBACK_LANGUAGE],
            "swedish": term.name[FALLBACK_LANGUAGE],
            "explanation": term.explanation.get(language) or term.explanation[FALLBACK_LANGUAGE],
            "see_also": [
                {"id": other, "name": self.name(other, language)} for other in term.see_also
            ],
            "sources": term.sources,
            "verified_on": term.verified_on,
        }

    def name(self, term_id: str, language: str) -> str:
        """The name of a term. Raises KeyError when there is no such term."""
        names = self.terms[term_id].name
        return names.get(language) or names[FALLBACK_LANGUAGE]


@cache
def glossary() -> Glossary:
    """The glossary of the product, read once."""
    return Glossary.load()


def glossary_links(text: str, language: str) -> list[Link]:
    """Where words of the glossary occur in a text: (start, end, term id), without overlap."""
    return glossary().links(text, language)


def _spoken(terms: Sequence[Term], file: Path) -> list[Term]:
    """The terms with their words in one more language. Raises GlossaryError."""
    words = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
    if unknown := set(words) - {term.id for term in terms}:
        raise GlossaryError(f"{file}: '{min(unknown)}' is not a term")
    return [_with_words(term, file, words.get(term.id)) for term in terms]


def _with_words(term: Term, file: Path, words: Mapping[str, str] | None) -> Term:
    if words is None:
        return term
    if not words.get("name") or not words.get("explanation"):
        raise GlossaryError(f"{file}: {term.id}: name and explanation are needed")
    return term.model_copy(
        update={
            "name": {**term.name, file.stem: words["name"]},
            "explanation": {**term.explanation, file.stem: words["explanation"]},
        }
    )


def _check_ids(terms: Sequence[Term], path: Path) -> None:
    known: set[str] = set()
    for term in terms:
        if term.id in known:
            raise GlossaryError(f"{path}: '{term.id}' stands twice")
        known.add(term.id)
    for term in terms:
        for other in term.see_also:
            if other not in known or other == term.id:
                raise GlossaryError(f"{path}: {term.id}: see_also: '{other}' is not another term")


def _pattern(terms: Sequence[Term], language: str) -> tuple[re.Pattern[str], Mapping[str, str]]:
    """One expression for all forms, the longest first; each group's name leads to its term."""
    forms = [
        (form, term.id)
        for term in terms
        for form in term.forms(language)
        if not form.isdigit()  # a number in a text is there to be called
    ]
    forms.sort(key=lambda pair: -len(pair[0]))
    owners = {f"t{number}": term_id for number, (_, term_id) in enumerate(forms)}
    parts = [f"(?P<t{number}>{_form(form, language)})" for number, (form, _) in enumerate(forms)]
    return re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)"), owners


def _form(form: str, language: str) -> str:
    written = re.escape(form)
    if form[1:] != form[1:].lower():  # SoL is a law, sol is the sun
        return written + r"(?::\w+|s)?"
    endings = _ENDINGS[language] if len(form) >= SHORTEST_WITH_ENDINGS else ""
    return f"(?i:{written}{endings})"
