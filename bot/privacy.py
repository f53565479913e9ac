"""Keeps a parent's words safe: masked before storage, encrypted at rest.

Masking is by rules: personal numbers (also samordningsnummer, day + 60), phone numbers, e-mail
addresses and street addresses. Keys lie outside the database, newest first; older ones still open
what they sealed, so a key can be rotated.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

_SEPARATOR = r"[\s.\-–+/]{0,3}"
_PERSONAL_NUMBER = re.compile(
    rf"(?<!\d)(?:(?:19|20)\d\d|\d\d){_SEPARATOR}(?:0[1-9]|1[0-2]){_SEPARATOR}"
    rf"(?:0[1-9]|[12]\d|3[01]|6[1-9]|[78]\d|9[01]){_SEPARATOR}\d{{4}}(?!\d)"
)
_EMAIL = re.compile(r"[\w.+\-]+\s?@\s?[\w\-]+(?:\.[\w\-]+)+", re.IGNORECASE)
_PHONE = re.compile(
    r"(?<![\d\w])(?:(?:\+|00)\s?46\s?(?:\(0\)\s?)?|0)[1-9](?:[\s.\-–/]{0,3}\d){5,9}(?!\d)"
)
# Ten digits that start as a mobile number are one, though they could be a date of birth too.
_MOBILE = re.compile(r"(?<!\d)07[02369](?:[\s.\-–/]{0,3}\d){7}(?!\d)")
_STREET = (
    r"(?:gatan|gata|vägen|vagen|väg|gränd|grand|stigen|torget|torg|allén|allen|backen|plan|"
    r"platsen|leden|kajen|svängen|gården)"
)
_ADDRESS = re.compile(
    rf"\b(?:[A-ZÅÄÖ][\wåäöé]*\s){{0,2}}[\wåäöé]*{_STREET}\s+\d{{1,4}}\s?[A-Za-z]?\b"
    r"(?:\s*,?\s*(?:lgh|lägenhet|våning|tr)\s*\d+)?(?:\s*,?\s*\d{3}\s?\d{2}\s+[A-ZÅÄÖ]\w+)?",
    re.IGNORECASE,
)
# Digits of other scripts, one character each, so that nothing moves: Arabic, Persian, full width.
_DIGITS = {first + digit: str(digit) for first in (0x0660, 0x06F0, 0xFF10) for digit in range(10)}
# Freephone (020) and shared-cost (077) numbers belong to help lines, never to a person.
_PUBLIC_NUMBER = re.compile(r"^0(?:20|77)")


@dataclass(frozen=True, slots=True)
class Masked:
    """A text without identifiers, and which sorts were taken out."""

    text: str
    kinds: tuple[str, ...]


def mask(text: str, only: frozenset[str] | None = None) -> Masked:
    """Replace identifiers by `[personal_number]`, `[phone]`, `[email]` and `[address]`.

    `only` names the sorts to mask: a guide may give a number or address of the municipality.
    """
    kinds: list[str] = []
    original, text = text, text.translate(_DIGITS)

    def replace(kind: str, keep: Callable[[str], bool]) -> Callable[[re.Match[str]], str]:
        def replaced(found: re.Match[str]) -> str:
            if keep(found.group()):
                return found.group()
            kinds.append(kind)
            return f"[{kind}]"

        return replaced

    for kind, pattern, keep in (
        ("email", _EMAIL, _never),
        ("phone", _MOBILE, _never),
        ("personal_number", _PERSONAL_NUMBER, _never),
        ("phone", _PHONE, _is_public_number),
        ("address", _ADDRESS, _never),
    ):
        if only is None or kind in only:
            text = pattern.sub(replace(kind, keep), text)
    return Masked(text if kinds else original, tuple(dict.fromkeys(kinds)))


def _never(_: str) -> bool:
    return False


def _is_public_number(number: str) -> bool:
    return bool(_PUBLIC_NUMBER.match(re.sub(r"\D", "", number)))


class SealError(RuntimeError):
    """A stored text cannot be opened with the keys at hand."""


class Seal:
    """Encrypts texts and JSON for storage (Fernet: AES-128-CBC with HMAC-SHA256)."""

    def __init__(self, keys: list[bytes]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self._keys = keys

    @classmethod
    def from_file(cls, path: Path) -> Seal:
        """Keys from a file, one a line; a first key is made when the file does not exist."""
        if not path.exists():
            _write_new_key(path)
        keys = [line.encode() for line in path.read_text().split() if line]
        if not keys:
            raise SealError(f"{path} holds no key; restore it from your backup")
        return cls(keys)

    def seal(self, content: Any) -> bytes:
        return self._fernet.encrypt(json.dumps(content, ensure_ascii=False).encode())

    def marks(self, text: str) -> list[bytes]:
        """Keyed hashes that recognise a text without revealing it, one a key, newest first.

        Store the first; look among all of them, so that a key can be rotated.
        """
        return [hmac.digest(key, text.encode(), hashlib.sha256) for key in self._keys]

    def reseal(self, sealed: bytes) -> bytes:
        """The same content sealed with the newest key. Raises SealError when no key fits."""
        try:
            return self._fernet.rotate(sealed)
        except InvalidToken as error:
            raise SealError("no key opens this text; was the key file replaced?") from error

    def open(self, sealed: bytes | None) -> Any:
        """The sealed content, None for None. Raises SealError when no key fits."""
        if sealed is None:
            return None
        try:
            return json.loads(self._fernet.decrypt(bytes(sealed)))
        except InvalidToken as error:
            raise SealError("no key opens this text; was the key file replaced?") from error


def _write_new_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return  # another process was first
    with os.fdopen(descriptor, "wb") as file:
        file.write(Fernet.generate_key() + b"\n")
