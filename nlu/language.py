"""Says in which language a turn is written, also when it is short or mixed.

The statistical model (py3langid, restricted to our languages) knows neither Tigrinya nor
Sorani; their scripts and letters decide before it is asked.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

LANGUAGES = ("sv", "en", "ar", "so", "fi", "fa", "uk", "pl", "tr", "ku", "ti", "ckb", "bs")
DEFAULT = "sv"

# What the model may answer, and which of our languages that is. Neighbours are answered in Swedish.
_MODEL_CODES = {
    **{code: code for code in ("sv", "en", "ar", "so", "fi", "fa", "uk", "pl", "tr", "ku", "bs")},
    "no": "sv",
    "nn": "sv",
    "da": "sv",
    "hr": "bs",
    "sr": "bs",
    "sdh": "ckb",
}
_LATIN = ("sv", "en", "so", "fi", "pl", "tr", "ku", "bs")
_ARABIC = ("ar", "fa", "ckb")
# Parents in a Swedish municipality: the share of turns expected before reading one (own estimate).
_EXPECTED = {"sv": 20.0, "en": 4.0, "ar": 2.0, "fa": 1.0}
# One letter of these settles or nearly settles a language; strength in natural log units.
_LETTERS = {
    "sv": ("å", 3.0),
    "fi": ("yöy|ää|öö|kk[aä]|ss[aä]\\b|ll[aä]\\b", 2.0),
    "pl": ("[ąęłńśźż]", 6.0),
    "tr": ("[ğı]", 6.0),
    "ku": ("[êî]|\\bû\\b", 5.0),
    "bs": ("[đćč]", 5.0),
    "so": ("aa[a-z]|\\bx[a-z]|dh|\\bwax|\\bma[a-z]{0,2}\\b|uu", 0.6),
}
_SORANI = re.compile("[ێۆڕڵەڤ]")
_PERSIAN = re.compile("[پچژگیک]")
_ARABIC_ONLY = re.compile("[ةىيكؤإأ]")
_WORD = re.compile(r"[^\W\d_]+", re.UNICODE)
_FEWEST_WORDS = 3
_DAMPING = 0.45  # the model multiplies features as if they were independent; they are not


def identify(text: str, hint: str | None = None) -> tuple[str, float]:
    """Language code and confidence 0..1; `hint` is the conversation's language so far.

    A turn of fewer than three words keeps the hint unless its script says otherwise.
    """
    words = _WORD.findall(text)
    if not words:
        return (hint or DEFAULT, 0.5 if hint else 0.1)
    script = _script("".join(words))
    if script == "ethiopic":
        return "ti", 0.99
    candidates = {"arabic": _ARABIC, "cyrillic": ("uk", "bs"), "latin": _LATIN}[script]
    if hint is not None and len(words) < _FEWEST_WORDS:
        if hint in candidates:
            return hint, 0.7
        if script == "latin":
            return hint, 0.4
    scores = _scores(text.lower(), candidates, hint)
    best = max(scores, key=scores.__getitem__)
    total = sum(math.exp(score - scores[best]) for score in scores.values())
    return best, 1.0 / total


def _script(letters: str) -> str:
    counts = {
        "ethiopic": sum("\u1200" <= letter <= "\u139f" for letter in letters),
        "arabic": sum("\u0600" <= letter <= "\u06ff" for letter in letters),
        "cyrillic": sum("\u0400" <= letter <= "\u04ff" for letter in letters),
    }
    most = max(counts, key=counts.__getitem__)
    return most if counts[most] * 2 > len(letters) else "latin"


def _scores(text: str, candidates: tuple[str, ...], hint: str | None) -> dict[str, float]:
    expected = {**_EXPECTED, **({hint: 20.0} if hint else {})}
    scores = {code: math.log(expected.get(code, 1.0)) for code in candidates}
    for code, score in _model_scores(text, candidates).items():
        scores[code] += score * _DAMPING
    if "fa" in candidates:
        return _with_arabic_letters(text, scores)
    for code, (letters, strength) in _LETTERS.items():
        if code in scores:
            scores[code] += strength * min(len(re.findall(letters, text)), 3)
    return scores


def _model_scores(text: str, candidates: tuple[str, ...]) -> dict[str, float]:
    """Log score of each candidate relative to the best, in natural log units."""
    best: dict[str, float] = {}
    for model_code, score in _identifier().rank(text):
        code = _MODEL_CODES[model_code]
        if code in candidates:
            best[code] = max(best.get(code, -math.inf), float(score))
    top = max(best.values(), default=0.0)
    return {code: max(score - top, -40.0) for code, score in best.items()}


def _with_arabic_letters(text: str, scores: dict[str, float]) -> dict[str, float]:
    scores["ckb"] += 4.0 * min(len(_SORANI.findall(text)), 4) - 4.0
    scores["fa"] += 1.0 * min(len(_PERSIAN.findall(text)), 5)
    scores["ckb"] += 0.6 * min(len(_PERSIAN.findall(text)), 5)
    scores["ar"] += 1.5 * min(len(_ARABIC_ONLY.findall(text)), 5)
    return scores


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(sorted(_MODEL_CODES))
    return identifier


def load() -> None:
    """Reads the model now instead of at the first turn."""
    _identifier()
