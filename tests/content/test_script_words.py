"""Every word that a script on a page asks for is there, under the names of that page."""

from __future__ import annotations

import re

import pytest

from bot.content import Content
from channels.web import FOLDER

SAID = re.compile(r"""\bsay\("(\w+)"|\bpart\("(\w+)\"""")
SHARED = ("message.js", "words.js", "thread.js")
PAGES = {
    "web_live_": ("chat.js", "composer.js", "outbox.js", "conversation.js", "header.js", *SHARED),
    "console_live_": ("console.js", "inbox.js", "aside.js", "desk.js"),
    "tools_live_": ("tools.js",),
    "privacy_live_": ("privacy.js",),
}


def _said(name: str) -> set[str]:
    text = (FOLDER / "static" / name).read_text(encoding="utf-8")
    return {one or other for one, other in SAID.findall(text)}


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("prefix", sorted(PAGES))
def test_a_page_has_every_word_its_scripts_say(prefix: str, language: str) -> None:
    content = Content.load()
    known = content.ids("sv" if prefix == "console_live_" else language)
    wanted = {word for name in PAGES[prefix] for word in _said(name)}
    assert wanted
    assert {word for word in wanted if f"{prefix}{word}" not in known} == set()
