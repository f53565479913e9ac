"""Short answers that need no model: a whole turn that is a written example, a number or a grade.

The examples are data/intents/<language>.yml.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from nlu.detail import DATA, Entity, any_of, read_data
from nlu.normalise import Words, normalise, plain_letters

# Their examples are told in many words, or say little about what the turn does.
_NOT_ANSWERS = frozenset({"tell", "unclear", "out_of_scope", "complaint"})
HIGHEST_GRADE = 5
_MARKS = re.compile(r"[^\w]+")


class Answers:
    """What whole turns mean in one language."""

    def __init__(self, code: str, words: Words | None, vocabulary: Mapping[str, Any]) -> None:
        self._intents: dict[str, str] = {}
        if (DATA / "intents" / f"{code}.yml").is_file():
            for intent, examples in read_data(f"intents/{code}.yml").items():
                for example in () if intent in _NOT_ANSWERS else examples:
                    text = normalise(str(example), code, words).text
                    self._intents.setdefault(_bare(text), intent)
        grades = {plain_letters(w): n for w, n in _grade_words(vocabulary) if n <= HIGHEST_GRADE}
        self._grades = {word: n for word, n in grades.items() if n > 0}
        outof = any_of(plain_letters(str(w)) for w in vocabulary.get("grade_of", ["/"]))
        grade = rf"(?P<n>[1-5]|{any_of(self._grades)})" if self._grades else "(?P<n>[1-5])"
        self._grade = re.compile(rf"^\W*{grade}(?:\s*{outof}\s*5)?\W*$")

    def find(self, text: str) -> Iterator[Entity]:
        """`answer` (an intent) and `scale` (1 to 5) of a turn; places are those of the text."""
        if intent := self._intents.get(_bare(text)):
            yield Entity("answer", intent, 0, len(text))
        if match := self._grade.match(plain_letters(text)):
            said = match["n"]
            value = int(said) if said.isdigit() else self._grades[said]
            yield Entity("scale", value, 0, len(text))


def _bare(text: str) -> str:
    return " ".join(_MARKS.split(plain_letters(text))).strip()


def _grade_words(vocabulary: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Number words, as Swedish and English file them and as the other languages do."""
    yield from vocabulary.get("number_words", {}).items()
    by_number = {**vocabulary.get("grades", {})}
    for table in (vocabulary.get("numbers", {}).get("words", {}), by_number):
        for value, words in table.items():
            yield from ((str(word), int(value)) for word in words)
