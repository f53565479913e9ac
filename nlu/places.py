"""Finds the 290 municipalities by name, in the endings of each language, and by nickname."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from nlu.detail import Entity, any_of

_LEADS = r"i|från|till|in|from|near|utanför|bor|w|z|do|li|ji"
_ENDINGS = r"s|'s"


def municipality_id(name: str) -> str:
    """`Upplands Väsby` -> `upplands-vasby`; Håbo is `haabo`, because there is also a Habo."""
    if name.lower() == "håbo":
        return "haabo"
    letters = unicodedata.normalize("NFKD", name.lower())
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return re.sub(r"[^a-z0-9]+", "-", bare).strip("-")


class Places:
    """Names that are also words need a capital and a lead."""

    def __init__(
        self,
        names: Sequence[str],
        also_words: Sequence[str],
        nicknames: Mapping[str, Sequence[str]],
        endings: str = _ENDINGS,
    ) -> None:
        self._ids: dict[str, str] = {}
        for name in names:
            one = municipality_id(name)
            for written in (name.lower(), one.replace("-", " "), one, _umlauts(name)):
                self._ids[written] = one
                if written.endswith("a") and endings != _ENDINGS:
                    self._ids.setdefault(written[:-1], one) if len(written) > 5 else None
        self._ids |= {nick: one for one, nicks in nicknames.items() for nick in nicks}
        self._also_words = frozenset(also_words)
        self._pattern = re.compile(
            rf"\b(?P<name>{_tree(self._ids)})(?:{endings})?\b"
            r"(?P<kommun>(?:\s+|s\s+)(?:kommun\w*|municipality))?",
            re.IGNORECASE,
        )

    def find(self, text: str) -> Iterator[Entity]:
        """The municipalities named, each as its id."""
        for match in self._pattern.finditer(text):
            name = match["name"].lower()
            if name not in self._also_words or self._is_place(match, text):
                yield Entity("municipality", self._ids[name], *match.span("name"))

    def _is_place(self, match: re.Match[str], text: str) -> bool:
        if match["kommun"]:
            return True
        lead = re.search(rf"\b(?:{_LEADS})\s+$", text[: match.start()])
        is_only = match.group().strip() == text.strip(" .!")
        return match["name"][:1].isupper() and (lead is not None or is_only)


def _umlauts(name: str) -> str:
    """Written as on a keyboard without å, ä and ö: Göteborg as Goeteborg."""
    return name.lower().replace("å", "aa").replace("ä", "ae").replace("ö", "oe")


def _tree(names: Mapping[str, str]) -> str:
    """The names as one expression, grouped by their first two letters, for speed."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name[:2], []).append(name[2:])
    return "(?:" + "|".join(re.escape(k) + any_of(v) for k, v in groups.items()) + ")"
