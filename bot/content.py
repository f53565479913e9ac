"""The words a parent or guide reads: YAML per language, filled with values, never in Python."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from pathlib import Path

import yaml
from babel import Locale
from babel.dates import format_date, format_datetime

from bot.calendar import LOCAL

CONTENT = Path(__file__).parent / "content"
LANGUAGES = CONTENT / "languages.yml"
FALLBACK = "sv"
EASY = "sv-x-lattlast"  # what a language with required texts alone has no words of its own for
UNWRITTEN = "unwritten"  # status of a language that is understood but not answered in
REQUIRED = "required"  # status of a language with the required texts alone
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def spoken(language: str) -> str:
    """The language a text is in, without how it is written: `sv` of `sv-x-lattlast`."""
    return language.partition("-")[0]


class MissingTextError(KeyError):
    """A text or one of its values does not exist."""


class Content:
    """Texts by language and id."""

    def __init__(
        self, texts: Mapping[str, Mapping[str, str]], languages: Mapping[str, Mapping[str, str]]
    ) -> None:
        """`languages` are all a parent may write in; answered are those that have texts.

        A language whose status is `required` has the required texts, and says the rest in easy
        Swedish. The others say in Swedish what they have no words of their own for.
        """
        self._own = texts
        self._texts = {
            code: {**texts.get(FALLBACK, {}), **(texts.get(EASY, {}) if is_part else {}), **own}
            for code, own in texts.items()
            for is_part in [languages[code]["status"] == REQUIRED]
        }
        written = {code: known for code, known in languages.items() if code in texts}
        self.languages = {c: known for c, known in written.items() if known["status"] != REQUIRED}
        self.in_danger = frozenset(written)
        self._directions = {code: known["direction"] for code, known in languages.items()}
        self.autonyms = {code: known["name"] for code, known in languages.items()}

    @classmethod
    def load(cls, folder: Path = CONTENT) -> Content:
        """Read every language. Raises ValueError when an id stands twice in one language."""
        languages = yaml.load(
            (folder / "languages.yml").read_text(encoding="utf-8"), yaml.CSafeLoader
        )
        written = [code for code, known in languages.items() if known["status"] != UNWRITTEN]
        return cls({code: _read_language(folder / code) for code in written}, languages)

    def has(self, language: str, text_id: str) -> bool:
        return text_id in self._texts.get(language, {})

    def says(self, language: str, text_id: str) -> bool:
        """Whether a text can be read in the language, and not in easy Swedish alone."""
        is_full = language in self.languages
        return self.has(language, text_id) if is_full else text_id in self._own.get(language, {})

    def read_in(self, language: str, text_id: str) -> str:
        """The language a reply is said in: easy Swedish where it has no words of its own."""
        return language if self.says(language, text_id) else EASY

    def ids(self, language: str) -> frozenset[str]:
        """The texts a language has of its own."""
        return frozenset(self._own[language])

    def raw(self, language: str, text_id: str) -> str:
        """The text with its placeholders. Raises MissingTextError."""
        try:
            return self._texts[language][text_id]
        except KeyError as error:
            raise MissingTextError(f"{language}: {text_id}") from error

    def text(self, language: str, text_id: str, **values: object) -> str:
        """The text with its placeholders filled. Raises MissingTextError."""

        def value(found: re.Match[str]) -> str:
            if found[1] not in values:
                raise MissingTextError(f"{language}: {text_id}: {{{found[1]}}}")
            return str(values[found[1]])

        return _PLACEHOLDER.sub(value, self.raw(language, text_id))

    def placeholders(self, language: str, text_id: str) -> frozenset[str]:
        return self.placeholders_of(self.raw(language, text_id))

    @staticmethod
    def placeholders_of(text: str) -> frozenset[str]:
        """The names in braces of any text."""
        return frozenset(_PLACEHOLDER.findall(text))

    def named(self, kind: str, name: str, labels: Mapping[str, str], language: str) -> str:
        """The name of a `need` or `kind` of the taxonomy: its own text, else the taxonomy's."""
        if self.has(language, f"{kind}_{name}"):
            return self.raw(language, f"{kind}_{name}")
        return labels.get(language) or labels[FALLBACK]

    def direction(self, language: str) -> str:
        return self._directions[language]

    def chrome(self, language: str, prefix: str) -> dict[str, str]:
        """The texts of a page: all whose id starts with the prefix."""
        return {k: v for k, v in self._texts[language].items() if k.startswith(prefix)}

    def listed(self, language: str, items: list[str]) -> str:
        """Items as a list in a sentence."""
        if len(items) < 2:
            return "".join(items)
        first = self.raw(language, "list_comma").join(items[:-1])
        return self.text(language, "list_and", first=first, last=items[-1])

    def counted(self, language: str, text_id: str, **number: int) -> str:
        """A text about one number, in the form its language has for it (CLDR plural rules).

        `value_age` is said as `value_age_few` where the language has that. Raises MissingTextError.
        """
        category = Locale.parse(spoken(language)).plural_form(next(iter(number.values())))
        form = f"{text_id}_{category}"
        return self.text(language, form if self.has(language, form) else text_id, **number)

    def clock(self, language: str, moment: dt.datetime) -> str:
        """Clock time in Sweden."""
        pattern = self.raw(language, "format_time")
        return format_datetime(moment.astimezone(LOCAL), pattern, locale=spoken(language))

    def day(self, language: str, day: dt.date) -> str:
        """A date, such as 22 november 2026."""
        pattern = self.raw(language, "web_stod_date_format")
        return format_date(day, pattern, locale=spoken(language))

    def round_the_clock(self, language: str, hours: str | None) -> str:
        """The hours of a phone; that somebody always answers is said in the language itself."""
        always = "web_stod_round_the_clock"
        is_always = hours in [self.raw(code, always) for code in self.languages]
        return self.raw(language, always) if is_always else hours or ""

    def when(self, language: str, moment: dt.datetime) -> str:
        """Day and clock time in Sweden."""
        local = moment.astimezone(LOCAL)
        day = format_datetime(local, self.raw(language, "format_day"), locale=spoken(language))
        return self.text(language, "format_when", day=day, time=self.clock(language, moment))


def _read_language(folder: Path) -> dict[str, str]:
    texts: dict[str, str] = {}
    for path in sorted(folder.glob("*.yml")):
        for text_id, text in yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader).items():
            if text_id in texts:
                raise ValueError(f"{path}: '{text_id}' stands twice in {folder.name}")
            texts[text_id] = str(text)
    return texts
