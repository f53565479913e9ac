"""How hard a Swedish text is to read."""

from __future__ import annotations

import re
from typing import Literal

Ease = Literal["easy", "medium", "hard"]
EASY, MEDIUM = 30, 40  # highest LIX of easy and of ordinary prose (Björnsson 1968)


def lix(text: str) -> int:
    """Words a sentence plus per cent of words over six letters, rounded."""
    words = re.findall(r"[^\W\d_]+", text)
    sentences = max(1, len(re.findall(r"[.?!:](?:\s|$)", text)))
    long_words = sum(len(word) > 6 for word in words)
    return round(len(words) / sentences + 100 * long_words / max(1, len(words)))


def ease(text: str) -> Ease:
    """The reading level in one of three steps."""
    value = lix(text)
    return "easy" if value <= EASY else "medium" if value <= MEDIUM else "hard"
