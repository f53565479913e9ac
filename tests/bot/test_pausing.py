"""Stopping for now by saying so, in every language that is answered."""

from __future__ import annotations

import pytest

from tests.conftest import NewParent, Parent

SAID = {
    "sv": ["Jag måste sluta nu", "vi fortsätter i morgon", "kan vi fortsätta en annan dag?"],
    "sv-x-lattlast": ["jag måste sluta nu"],
    "en": ["I have to stop now", "can we continue tomorrow"],
    "ar": ["يجب أن أتوقف الآن", "نكمل غداً"],
    "so": ["waan joojinayaa hadda", "berri aan sii wadno"],
    "fi": ["minun täytyy lopettaa nyt", "jatketaan huomenna"],
    "fa": ["باید الان بروم", "فردا ادامه می‌دهیم"],
    "uk": ["мушу закінчити", "продовжимо завтра"],
    "pl": ["muszę kończyć", "dokończymy jutro"],
    "tr": ["şimdi bırakmam lazım", "yarın devam edelim"],
    "ku": ["divê ez niha rawestim", "em sibê bidomînin"],
}
WAYS = [(language, said) for language, ways in SAID.items() for said in ways]


async def asked_how_old(new_parent: NewParent, language: str) -> Parent:
    """Somebody who has chosen what it is about and been asked the first question."""
    parent = await new_parent(language=language)
    (*_, question) = await parent.choose("path:school")
    assert question["question"]["id"] == "child_age"
    return parent


@pytest.mark.parametrize(("language", "said"), WAYS)
async def test_who_says_that_she_stops_is_let_go_and_the_question_waits(
    new_parent: NewParent, language: str, said: str
) -> None:
    parent = await asked_how_old(new_parent, language)
    (answer,) = await parent.say(said)
    assert (answer["reply_id"], answer["language"]) == ("utter_pause", language)
    answers = await parent.choose("child_age:age_13_15")
    assert answers[-1]["question"]["id"] not in ("child_age", "path")


async def test_who_stops_after_the_suggestions_is_let_go_too(new_parent: NewParent) -> None:
    parent = await new_parent()
    assert [m["reply_id"] for m in await parent.say("vi tar det i morgon")] == ["utter_pause"]


@pytest.mark.parametrize(
    "said",
    [
        "Hon hinner inte med i skolan och ger upp, så det fortsätter varje morgon hela veckan",
        "min dotter vill inte leva längre, vi fortsätter i morgon",
    ],
)
async def test_a_story_and_danger_are_no_pause(new_parent: NewParent, said: str) -> None:
    parent = await asked_how_old(new_parent, "sv")
    assert "utter_pause" not in [message["reply_id"] for message in await parent.say(said)]
