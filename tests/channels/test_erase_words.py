"""A parent who writes that everything is to go needs no button: it is gone with the answer."""

from __future__ import annotations

import pytest

from bot.content import Content
from tests.conftest import NewParent

SAID = {
    "sv": "Radera allt.",
    "sv-x-lattlast": "ta bort allt",
    "en": "delete everything!",
    "ar": "احذف كل شيء",
    "so": "tirtir wax kasta",
    "fi": "poista kaikki",
    "fa": "همه چیز را پاک کن",
    "uk": "видалити все",
    "pl": "usun wszystko",
    "tr": "her seyi sil",
    "ku": "hemûyî jê bibin",
}


def test_every_language_a_parent_is_answered_in_has_its_phrase(content: Content) -> None:
    assert set(SAID) == set(content.languages)


@pytest.mark.parametrize("language", sorted(SAID))
async def test_a_message_that_asks_for_everything_to_go_erases_it_in_the_same_turn(
    new_parent: NewParent, content: Content, language: str
) -> None:
    parent = await new_parent(language=language)
    answer = (await parent.post(text=SAID[language])).json()
    assert answer["erased"] is True
    assert [said["text"] for said in answer["messages"]] == [content.raw(language, "utter_deleted")]
    after = await parent.client.get(f"{parent.url}/messages", headers=parent.headers)
    assert after.status_code == 404


async def test_what_is_said_in_another_language_than_the_page_erases_too(
    new_parent: NewParent,
) -> None:
    parent = await new_parent(language="sv")
    assert (await parent.post(text="Poista kaikki")).json()["erased"] is True


@pytest.mark.parametrize(
    "text", ["vi vill ta bort allt socker", "he deletes everything on my phone", "allt"]
)
async def test_the_same_words_in_a_story_erase_nothing(new_parent: NewParent, text: str) -> None:
    parent = await new_parent()
    assert "erased" not in (await parent.post(text=text)).json()


async def test_a_few_words_more_are_asked_about_first(new_parent: NewParent) -> None:
    parent = await new_parent(language="so")
    replies = await parent.say("fadlan tirtir wax kasta hadda")
    assert [reply["reply_id"] for reply in replies] == ["utter_delete_confirm"]
