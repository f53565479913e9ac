"""A parent whose language has the required texts alone: read, answered in part, a person near."""

from __future__ import annotations

from typing import Any

import pytest

from bot.content import EASY, Content
from tests.conftest import NewParent, Parent

# The first message, and a danger.
SAID = {
    "ti": ("ወደይ ካብ መስከረም ጀሚሩ ናብ ቤት ትምህርቲ ኣይከይድን ኣሎ", "ወደይ ርእሱ ክቐትል እዩ ዝብል ዘሎ"),
    "ckb": ("کوڕەکەم تەمەنی سێزدە ساڵە و ئیتر ناچێت بۆ قوتابخانە", "کوڕەکەم دەیەوێت خۆی بکوژێت"),
    "bs": ("Moj sin ima trinaest godina i više ne želi ići u školu", "Moj sin želi da se ubije"),
}
IN_EVERY = pytest.mark.parametrize("language", sorted(SAID))
Reply = dict[str, Any]


async def begun(new_parent: NewParent, language: str) -> tuple[Parent, list[Reply]]:
    parent = await new_parent()
    return parent, await parent.say(SAID[language][0])


def of(replies: list[Reply], reply: str) -> Reply:
    return next(one for one in replies if one["reply_id"] == reply)


def labels(reply: Reply) -> list[str]:
    return [choice["label"] for choice in reply["choices"]]


@IN_EVERY
async def test_she_is_welcomed_in_her_language_and_offered_a_person_and_the_others(
    new_parent: NewParent, content: Content, language: str
) -> None:
    _, replies = await begun(new_parent, language)
    welcome, asked = replies[0], of(replies, "utter_language_missing")
    assert (welcome["reply_id"], welcome["language"]) == ("utter_welcome", language)
    assert welcome["text"].startswith(content.raw(language, "utter_welcome").split("{")[0])
    assert asked["language"] == language
    assert labels(asked)[0] == content.raw(language, "choice_person")
    assert {"Svenska", "العربية"} <= set(labels(asked))


@IN_EVERY
async def test_what_has_no_words_in_her_language_is_easy_swedish_and_said_to_be(
    new_parent: NewParent, content: Content, language: str
) -> None:
    _, replies = await begun(new_parent, language)
    asked = replies[-1]
    assert asked["language"] == EASY
    assert asked["text"] == content.raw(EASY, asked["reply_id"])


@IN_EVERY
async def test_she_is_asked_for_her_language_once_and_kept_in_it(
    new_parent: NewParent, language: str
) -> None:
    parent, _ = await begun(new_parent, language)
    again = await parent.say(SAID[language][0])
    assert "utter_language_missing" not in [reply["reply_id"] for reply in again]
    answer = await parent.client.get(f"{parent.url}/messages", headers=parent.headers)
    assert answer.json()["state"]["language"] == language


@IN_EVERY
async def test_a_person_with_an_interpreter_and_what_she_may_read_are_told_in_her_language(
    new_parent: NewParent, content: Content, language: str
) -> None:
    parent, _ = await begun(new_parent, language)
    offered = await parent.choose("intent:want_person")
    guide, consent = of(offered, "utter_offer_guide"), of(offered, "utter_ask_consent_handoff")
    assert (guide["language"], consent["language"]) == (language, language)
    assert guide["text"].startswith(content.raw(language, "utter_offer_guide").split("{")[0])
    ways = ("share", "share_nothing", "not_now")
    said = [content.raw(language, f"choice_consent_handoff_{way}") for way in ways]
    assert labels(consent) == said
    told = await parent.choose("consent_handoff:share")
    for reply in ("utter_handoff_waiting", "utter_handoff_shared"):
        assert of(told, reply)["language"] == language, reply


@IN_EVERY
async def test_danger_is_answered_in_her_language_in_the_middle_of_all_that(
    new_parent: NewParent, content: Content, language: str
) -> None:
    parent, _ = await begun(new_parent, language)
    replies = await parent.say(SAID[language][1])
    acute = next(reply for reply in replies if reply["acute"])
    assert acute["language"] == language
    assert acute["text"].startswith(content.raw(language, "acute_suicide"))
    assert content.raw(language, "acute_interpreter") in acute["text"]
    assert labels(acute) == [content.raw(language, "choice_person")]


@IN_EVERY
async def test_an_error_is_told_in_her_language(
    new_parent: NewParent, content: Content, language: str
) -> None:
    parent, _ = await begun(new_parent, language)
    parent.headers["Accept-Language"] = f"{language}, sv"
    error = (await parent.post(text="a" * 50_000)).json()["error"]
    assert error["hint"] == content.raw(language, f"error_{error['code']}_hint")


@IN_EVERY
async def test_a_language_with_all_texts_is_taken_when_she_presses_it(
    new_parent: NewParent, language: str
) -> None:
    parent, _ = await begun(new_parent, language)
    assert {reply["language"] for reply in await parent.choose("language:ar")} == {"ar"}


async def test_in_the_middle_of_the_questions_no_words_are_taken_from_a_parent(
    new_parent: NewParent,
) -> None:
    parent = await new_parent(language="en")
    await parent.say("my son is 13 and has not been to school since autumn")
    replies = await parent.say(SAID["bs"][0])
    assert {reply["language"] for reply in replies} == {"en"}


@IN_EVERY
async def test_the_words_she_is_told_to_write_take_her_yes_back(
    new_parent: NewParent, content: Content, language: str
) -> None:
    parent, _ = await begun(new_parent, language)
    await parent.choose("intent:want_person")
    told = of(await parent.choose("consent_handoff:share"), "utter_handoff_shared")
    words = content.raw(language, "word_share_revoke").split("|")[0]
    assert words in told["text"]
    [answer] = await parent.say(words)
    assert (answer["reply_id"], answer["language"]) == ("utter_share_revoked", language)
