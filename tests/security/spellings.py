"""Ways people write numbers and addresses that identify somebody, made by chance."""

from __future__ import annotations

import random
from collections.abc import Callable

SEPARATORS = ["-", "", " ", "+", "–", ".", " - ", "/"]
PHONE_SEPARATORS = ["", " ", "-", ".", "/", " - "]
FRAMES = [
    "{}", "hans nummer är {}", "{} heter han", "personnr: {}.", "({})", "ring {} tack", "nr {}, ok",
    "det är\n{}\noch så", "mitt är {}!", "han född {}", "«{}»", "{};", "id={}",
]  # fmt: skip
STREETS = [
    "Storgatan", "Södra Kungsvägen", "Bergsgränd", "Lillstigen", "Kyrkogatan", "Norra Allén",
    "Åkerbacken", "Järntorget", "Skolplan", "Östra Hamnkajen", "Linnéplatsen", "Ringleden",
]  # fmt: skip
NAMES = ["anna", "erik.svensson", "a_b", "sven-olof", "x1", "maria+skola", "ÅSA", "li"]
DOMAINS = ["exempel.se", "skola.strangnas.se", "mail.example.org", "x-y.com", "gmail.com"]


def luhn(nine: str) -> str:
    """The check digit of a personal number (Luhn, SKV 704)."""
    doubled = [int(d) * (2 - n % 2) for n, d in enumerate(nine)]
    return str(-sum(d // 10 + d % 10 for d in doubled) % 10)


def personal_number(dice: random.Random, shift: int = 0) -> str:
    """A personal number as somebody might write it; `shift` 60 makes a samordningsnummer."""
    year, month, day = dice.randint(1926, 2026), dice.randint(1, 12), dice.randint(1, 28) + shift
    short = f"{year % 100:02}{month:02}{day:02}"
    serial = f"{dice.randint(0, 999):03}"
    serial += luhn(short + serial)
    century = dice.choice(["", str(year // 100)])
    separator = dice.choice(SEPARATORS)
    if dice.random() < 0.2:
        inner = dice.choice(["-", " ", "."])
        date = inner.join([century + short[:2], short[2:4], short[4:]])
        return f"{date}{separator or '-'}{serial}"
    return f"{century}{short}{separator}{serial}"


def coordination_number(dice: random.Random) -> str:
    return personal_number(dice, shift=60)


def phone(dice: random.Random) -> str:
    """A Swedish mobile or land line, grouped as people do."""
    area = dice.choice(["70", "72", "73", "76", "79", "8", "152", "31", "40", "16", "470"])
    length = 9 - len(area) if area.startswith("7") else dice.choice([8, 7]) - len(area) + 1
    digits = "".join(str(dice.randint(0, 9)) for _ in range(max(5, length)))
    cut = dice.choice([[3, 2, 2], [2, 2, 3], [3, 4], [9]])
    groups, rest = [], digits
    for size in cut:
        if rest:
            groups.append(rest[:size])
            rest = rest[size:]
    groups += [rest] if rest else []
    separator = dice.choice(PHONE_SEPARATORS)
    prefix = dice.choice(["0", "0", "0", "+46", "+46 ", "0046", "+46(0)"])
    return f"{prefix}{area}{separator}{dice.choice(['', ' ', separator]).join(groups)}"


def email(dice: random.Random) -> str:
    at = dice.choice(["@", "@", "@", " @ ", "@ "])
    text = f"{dice.choice(NAMES)}{dice.randint(0, 99)}{at}{dice.choice(DOMAINS)}"
    return text.upper() if dice.random() < 0.2 else text


def address(dice: random.Random) -> str:
    street = dice.choice(STREETS)
    street = dice.choice([street, street.lower(), street.upper()])
    number = f"{dice.randint(1, 180)}{dice.choice(['', '', 'A', 'b', ' C'])}"
    more = dice.choice(
        ["", "", " lgh 1101", ", lgh 1203", ", 645 30 Strängnäs", " 64530 Strängnäs"]
    )
    return f"{street} {number}{more}"


KINDS: dict[str, Callable[[random.Random], str]] = {
    "personal_number": personal_number,
    "coordination_number": coordination_number,
    "phone": phone,
    "email": email,
    "address": address,
}


def spellings(kind: str, many: int, seed: int = 7) -> list[tuple[str, str]]:
    """Pairs of the bare identifier and a text it stands in."""
    dice = random.Random(seed)
    found = []
    for _ in range(many):
        identifier = KINDS[kind](dice)
        found.append((identifier, dice.choice(FRAMES).format(identifier)))
    return found
