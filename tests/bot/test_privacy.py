"""Identifiers are masked before anything is stored, and texts are sealed."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.privacy import Seal, SealError, mask
from knowledge.catalogue import Catalogue


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("hans personnummer är 20120304-1234", "personal_number"),
        ("120304-1234", "personal_number"),
        ("120304 1234 heter han", "personal_number"),
        ("201203041234", "personal_number"),
        ("samordningsnummer 900164-2385", "personal_number"),
        ("ring mig på 070-123 45 67", "phone"),
        ("0701234567", "phone"),
        ("+46 70 123 45 67", "phone"),
        ("nummer 0046701234567", "phone"),
        ("hemnumret är 08-123 456 78", "phone"),
        ("mejla anna.svensson@exempel.se", "email"),
        ("Anna_S@skola.strangnas.se tack", "email"),
        ("vi bor på Storgatan 12", "address"),
        ("storgatan 12b, 645 30 Strängnäs", "address"),
        ("Södra Kungsvägen 4 lgh 1101", "address"),
    ],
)
def test_an_identifier_is_masked(text: str, kind: str) -> None:
    masked = mask(text)
    assert f"[{kind}]" in masked.text
    assert masked.kinds == (kind,)


@pytest.mark.parametrize(
    "text",
    [
        "min son på 13 vill inte gå ut",
        "det har hänt 3 gånger sedan 2024",
        "jag ringde 112 och sedan 1177",
        "Bris har 116 111 och Mind har 90101",
        "Kvinnofridslinjen 020-50 50 50",
        "klockan 08.15 den 23 november 2026",
        "hon fick 1 200 kronor",
        "vi väntade 2 år och 6 månader på BUP",
    ],
)
def test_everyday_numbers_are_left(text: str) -> None:
    assert mask(text) == mask(text).__class__(text, ())


def test_few_catalogue_texts_are_touched(catalogue: Catalogue) -> None:
    texts = [t for s in catalogue.services.values() for t in (*s.summary.values(), *s.parent_says)]
    touched = [text for text in texts if mask(text).kinds]
    assert len(touched) <= len(texts) / 100, touched


def test_what_is_sealed_opens_with_the_key_and_an_older_one() -> None:
    old, new = Fernet.generate_key(), Fernet.generate_key()
    sealed = Seal([old]).seal({"text": "hej"})
    assert b"hej" not in sealed
    assert Seal([new, old]).open(sealed) == {"text": "hej"}


def test_a_lost_key_is_said_plainly() -> None:
    sealed = Seal([Fernet.generate_key()]).seal("hej")
    with pytest.raises(SealError, match="key"):
        Seal([Fernet.generate_key()]).open(sealed)


def test_a_first_key_is_made_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "text.key"
    first = Seal.from_file(path)
    assert path.stat().st_mode & 0o077 == 0
    assert Seal.from_file(path).open(first.seal("hej")) == "hej"
