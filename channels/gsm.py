"""How many parts an SMS takes: GSM 03.38 (7 bits a letter) or UCS-2 (16 bits).

3GPP TS 23.038 §6.2.1 has the alphabets, TS 23.040 §9.2.3.24.1 the six octets a part gives up for
its place in a longer message: 160 letters become 153, 70 become 67.
"""

from __future__ import annotations

from dataclasses import dataclass

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")  # each takes two places
# Signs that cost half the message and say nothing more than these.
_PLAIN = str.maketrans(
    {
        "”": '"', "“": '"', "„": '"', "’": "'", "‘": "'", "–": "-", "—": "-", "…": "...",
        "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2011": "-", "•": "-", "\t": " ",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Count:
    """How a text is sent; `units` are septets or 16-bit units."""

    encoding: str
    units: int
    parts: int


def plain(text: str) -> str:
    """The text with typographic signs in their plain form, where the alphabet lacks them."""
    return text.translate(_PLAIN)


def count(text: str) -> Count:
    """Encoding, units and parts of a text; a sign is never split between parts."""
    if all(letter in _BASIC or letter in _EXTENDED for letter in text):
        sizes = [2 if letter in _EXTENDED else 1 for letter in text]
        return _counted("GSM-7", sizes, 160, 153)
    sizes = [2 if ord(letter) > 0xFFFF else 1 for letter in text]
    return _counted("UCS-2", sizes, 70, 67)


def _counted(encoding: str, sizes: list[int], alone: int, together: int) -> Count:
    units = sum(sizes)
    if units <= alone:
        return Count(encoding, units, 1)
    parts, used = 1, 0
    for size in sizes:
        if used + size > together:
            parts, used = parts + 1, 0
        used += size
    return Count(encoding, units, parts)
