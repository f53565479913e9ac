"""How a language looks when it is typed with other letters than its own.

Rough and one-way: the texts are never shown, they only teach `nlu.language_model` what a parent's
telephone may write. Arabic and Persian are not here, because their short vowels are not written;
`data/language` holds texts in Latin letters for them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping

_PLAIN = {"ł": "l", "ı": "i", "ø": "o", "đ": "dj", "æ": "ae"}
_UKRAINIAN = {
    **dict(zip("абвгґдезиіїйклмнопрстуф", "abvhgdezyiiiklmnoprstuf", strict=True)),
    **{"ь": "", "'": "", "’": ""},
    **{"є": "ie", "ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch"},
    **{"ю": "iu", "я": "ia"},
}
_UKRAINIAN_CHAT = {
    **_UKRAINIAN,
    **{"ї": "yi", "й": "y", "є": "ye", "х": "h", "ц": "c", "ю": "yu", "я": "ya", "г": "g"},
    **{"щ": "sch", "и": "i"},
}
_SORANI = {
    **dict(zip("اەێۆویبپتجحخدرڕزسعفڤقکگلڵمنه", "aaeouibptjhxdrrzsafvqkgllmnh", strict=True)),
    **{"چ": "ch", "ژ": "zh", "ش": "sh", "غ": "gh", "ھ": "h", "ئ": ""},
}
_SORANI_CHAT = {**_SORANI, **{"ە": "e", "و": "w", "ی": "y", "خ": "kh", "چ": "c", "ش": "s"}}
_ARABIC_KEYBOARD = dict(zip("ەکیچۆڕڵێپگڤژ", "ةكيجورليبكفز", strict=True))
_KURMANJI = {
    **dict(zip("abcçdeêfghîjklmnopqrsştuvwxyz", "ابجچدەێفگهیژکلمنۆپقرسشتوڤوخیز", strict=True)),
    **{"i": "", "û": "وو"},
}
_BARE_VOWEL = re.compile(r"(^|\s)(?=[اەێیۆو])")
_SERBIAN = (
    ("lj", "љ"),
    ("nj", "њ"),
    ("dž", "џ"),
    *zip("abvgdđežzijklmnoprstćufhcčš", "абвгдђежзијклмнопрстћуфхцчш", strict=True),
)


def otherwise(text: str, code: str) -> Iterator[str]:
    """The lower-case `text` of language `code` as other keyboards would write it; may be none."""
    text = text.lower()
    if code in ("sv", "fi", "pl", "tr", "ku", "bs"):
        yield _without_marks(text)
    if code == "uk":
        yield _mapped(text, _UKRAINIAN)
        yield _mapped(text, _UKRAINIAN_CHAT)
    if code == "ckb":
        yield _mapped(text, _SORANI)
        yield _mapped(text, _SORANI_CHAT)
        yield _mapped(text, _ARABIC_KEYBOARD)
    if code == "fa":
        yield _mapped(text, {"ک": "ك", "ی": "ي"})
    if code == "ku":
        yield _BARE_VOWEL.sub(r"\1ئ", _mapped(text, _KURMANJI))
    if code == "bs":
        for latin, cyrillic in _SERBIAN:
            text = text.replace(latin, cyrillic)
        yield text
    if code == "ti":
        yield "".join(_syllable(letter) for letter in text)


def _without_marks(text: str) -> str:
    letters = unicodedata.normalize("NFD", _mapped(text, _PLAIN))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _mapped(text: str, letters: Mapping[str, str]) -> str:
    return "".join(letters.get(letter, letter) for letter in text)


def _syllable(letter: str) -> str:
    """An Ethiopic letter by its name in Unicode; the sixth order is written without a vowel."""
    name = unicodedata.name(letter, "")
    if not name.startswith("ETHIOPIC SYLLABLE "):
        return letter
    sound = name.split()[-1].lower().replace("glottal", "")
    for written, typed in (("hh", "h"), ("sz", "s"), ("tth", "ts"), ("pharyngeal", "")):
        sound = sound.replace(written, typed)
    if sound.endswith("ee"):
        return sound[:-2] + "ie"
    if sound.endswith("aa"):
        return sound[:-1]
    if sound.endswith("a"):
        return sound[:-1] + "e"
    return sound[:-1] if sound.endswith("e") and len(sound) > 1 else sound
