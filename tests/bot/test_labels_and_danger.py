"""Our own words are no danger: what a parent presses, or copies from a button."""

from __future__ import annotations

import pytest

from bot.content import Content, spoken
from nlu import safety

# These name danger on purpose: who types them word by word is shown the numbers.
NAMES_DANGER = frozenset({"choice_life_areas_safety", "choice_safe_now_unsafe"})


def _labels(content: Content, language: str) -> dict[str, str]:
    names = [name for name in content.ids(language) if name.startswith("choice_")]
    return {name: content.raw(language, name) for name in names}


@pytest.mark.parametrize("language", sorted(Content.load().languages))
def test_no_label_of_a_button_reads_as_danger_when_it_is_typed(
    content: Content, language: str
) -> None:
    labels = _labels(content, language)
    assert labels
    hint = spoken(language)
    seen = {
        name: safety.check(label, hint).categories
        for name, label in labels.items()
        if name not in NAMES_DANGER
        and not name.startswith("choice_remove_line")  # pressed only, and never read aloud
        and safety.check(label, hint).acute
    }
    assert seen == {}
