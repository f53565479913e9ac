"""In which language a conversation goes on, and when the parent is asked."""

from __future__ import annotations

from typing import Any

import pytest

from bot.content import Content
from nlu.language import LANGUAGES
from tests.conftest import NewParent, Parent

QUESTIONS = ("utter_which_language", "utter_language_missing")


def asked(replies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [reply for reply in replies if reply["reply_id"] in QUESTIONS]


def languages(replies: list[dict[str, Any]]) -> set[str]:
    return {reply["language"] for reply in replies}


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_a_parent_may_write_in_has_its_own_name(code: str, content: Content) -> None:
    assert content.autonyms[code]


async def test_a_language_without_texts_is_named_and_the_others_are_offered(
    new_parent: NewParent, content: Content
) -> None:
    parent = await new_parent()
    [line] = asked(await parent.say("ወደይ ካብ መስከረም ጀሚሩ ናብ ቤት ትምህርቲ ኣይከይድን ኣሎ"))
    assert "ትግርኛ" in line["text"]
    named = {known["name"] for known in content.languages.values()}
    person = content.raw("ti", "choice_person")
    assert {choice["label"] for choice in line["choices"]} == {person, *named}


async def test_the_pressed_language_is_used_from_then_on_and_answers_are_kept(
    new_parent: NewParent,
) -> None:
    parent = await new_parent()
    await parent.say("wiilkaygu dugsiga ma aado oo habeenkii ma seexdo")
    assert languages(await parent.choose("language:en")) == {"en"}
    assert languages(await parent.say("he is nine years old")) == {"en"}


async def test_a_text_in_none_of_our_languages_is_asked_about(new_parent: NewParent) -> None:
    parent = await new_parent()
    replies = await parent.say("vajza ime nuk do të shkojë në shkollë dhe qan çdo natë")
    assert [line["reply_id"] for line in asked(replies)] == ["utter_which_language"]


async def test_a_language_named_alone_at_the_start_is_taken(new_parent: NewParent) -> None:
    parent = await new_parent()
    assert languages(await parent.say("English please")) == {"en"}


@pytest.mark.parametrize("text", ["Mohammed", "13", "BUP", "ok thanks", "Eskilstuna", "???"])
async def test_a_name_a_number_or_a_foreign_word_neither_switches_nor_is_asked_about(
    new_parent: NewParent, text: str
) -> None:
    replies = await (await new_parent()).say(text)
    assert languages(replies) == {"sv"}
    assert not asked(replies)


@pytest.mark.parametrize(
    "text",
    [
        "min son vägrar gå till skolan och jag orkar inte mer",
        "sønnen min nekter å gå på skolen og jeg klarer ikke mer",
        "min dotter hor roster pa natten och sover inte",
    ],
)
async def test_swedish_and_its_neighbours_are_answered_in_swedish_without_a_question(
    new_parent: NewParent, text: str
) -> None:
    replies = await (await new_parent()).say(text)
    assert languages(replies) == {"sv"}
    assert not asked(replies)


async def test_a_switch_in_the_middle_keeps_every_answer(new_parent: NewParent) -> None:
    parent = await new_parent()
    await parent.say("Min son på 13 har inte varit i skolan sedan i höstas")
    before = await _known(parent)
    replies = await parent.say("can we please go on in English instead of Swedish")
    assert languages(replies) == {"en"}
    assert not asked(replies)
    after = await _known(parent)
    assert before
    assert {name: after.get(name) for name in before} == before


async def _known(parent: Parent) -> dict[str, Any]:
    conversation = await parent.worker._ledger.conversation(parent.conversation)  # type: ignore[arg-type]
    names = ("child_age", "needs", "path", "relation")
    return {n: conversation.slots[n] for n in names if conversation.slots.get(n)}
