"""What the guide may read is what the parent left in the brief, and nothing after she says no."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from bot.consent import hash_of, words_shown
from bot.database import connect
from bot.ledger import Ledger
from tests.conftest import Guide, NewGuide, NewParent, Parent

STORY = "dottern är 14 och har inte varit i skolan på fem veckor, vi pratar med bup"
TOWN = "sollentuna"


async def asked(
    new_parent: NewParent, story: str = STORY, town: str = TOWN
) -> tuple[Parent, dict[str, Any]]:
    """A parent who sees her brief and is asked whether it may be read."""
    parent = await new_parent(town)
    await parent.say(story)
    offered = await parent.choose("intent:want_person")
    return parent, brief_in(offered)


def brief_in(replies: list[dict[str, Any]]) -> dict[str, Any]:
    return next(reply for reply in replies if reply["reply_id"] == "utter_brief")


def ids(lines: list[dict[str, Any]]) -> set[str]:
    return {line["id"] for line in lines if "id" in line}


async def take(guide: Guide, parent: Parent) -> str:
    queue = (await guide.get("queue")).json()["handoffs"]
    one: str = next(h["id"] for h in queue if h["conversation_id"] == parent.conversation)
    assert (await guide.post(f"handoffs/{one}/claim")).status_code == 200
    await parent.read()
    return one


async def read(guide: Guide, one: str) -> dict[str, Any]:
    brief: dict[str, Any] = (await guide.get(f"handoffs/{one}")).json()["brief"]
    return brief


async def test_the_guide_reads_exactly_the_lines_that_are_left(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    parent, shown = await asked(new_parent)
    assert {"line_needs", "line_age", "line_actors", "line_level"} <= ids(shown["lines"])
    again = await parent.choose("withhold:line_age")
    assert [reply["reply_id"] for reply in again] == ["utter_brief", "utter_ask_consent_handoff"]
    left = brief_in(again)
    assert "line_age" not in ids(left["lines"])
    assert "line_age" in ids(left["sections"][0]["lines"])
    await parent.choose("consent_handoff:share")

    guide = await new_guide(TOWN)
    seen = await read(guide, await take(guide, parent))
    assert ids(seen["lines"]) == ids(left["lines"]) - {"line_level"}
    assert "14" not in str(seen)
    assert seen["level"]["reasons"]


async def test_a_line_left_out_can_be_taken_in_again(new_parent: NewParent) -> None:
    parent, shown = await asked(new_parent)
    await parent.choose("withhold:line_age")
    assert ids(brief_in(await parent.choose("include:line_age"))["lines"]) == ids(shown["lines"])


async def test_without_the_level_its_reasons_are_gone_too(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    parent, _ = await asked(new_parent)
    await parent.choose("withhold:line_level")
    await parent.choose("consent_handoff:share")
    guide = await new_guide(TOWN)
    seen = await read(guide, await take(guide, parent))
    assert seen["shared"]
    assert seen["level"] is None


async def test_a_brief_says_who_reads_until_when_and_whose_yes_is_not_known(
    new_parent: NewParent,
) -> None:
    _, shown = await asked(new_parent)
    texts = {line["label"]: line["value"] for s in shown["sections"] for line in s["lines"]}
    assert "Sollentuna" in texts["Läsare"]
    assert "Till och med" in texts["Hur länge"]
    assert "Jag vet inte vad barnet vill" in texts["Barnet"]
    assert "Jag vet inte" in texts["En annan vårdnadshavare"]
    assert "Jag har inte frågat" in texts["Fullmakt"]


async def test_a_younger_childs_own_view_is_not_asked_about(new_parent: NewParent) -> None:
    _, shown = await asked(new_parent, "sonen är 8 och skriker varje dag, vi har kontakt med bup")
    child = [line for s in shown["sections"] for line in s["lines"] if line["label"] == "Barnet"]
    assert [("change" in line, "Yngre än tolv" in line["value"]) for line in child] == [
        (False, True)
    ]


async def test_what_the_child_wants_goes_along_in_words(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    parent, _ = await asked(new_parent)
    await parent.choose("say:child_agrees")
    await parent.choose("consent_handoff:share")
    guide = await new_guide(TOWN)
    seen = await read(guide, await take(guide, parent))
    views = [line["value"] for line in seen["lines"] if line["id"] == "line_view_child"]
    assert len(views) == 1
    assert "vill att det här delas" in views[0]


async def test_nothing_left_is_nothing_shared(new_parent: NewParent, new_guide: NewGuide) -> None:
    parent, shown = await asked(new_parent)
    for line in ids(shown["lines"]):
        await parent.choose(f"withhold:{line}")
    told = await parent.choose("consent_handoff:share")
    assert "utter_handoff_not_shared" in [reply["reply_id"] for reply in told]
    guide = await new_guide(TOWN)
    assert not (await read(guide, await take(guide, parent)))["shared"]


@pytest.mark.parametrize(
    "no", [{"text": "jag ångrar mig, dela inget"}, {"choice": "intent:revoke_share"}]
)
async def test_a_yes_taken_back_while_a_guide_reads_empties_the_brief_at_once(
    new_parent: NewParent, new_guide: NewGuide, no: dict[str, str]
) -> None:
    parent, _ = await asked(new_parent)
    await parent.choose("consent_handoff:share")
    guide = await new_guide(TOWN)
    one = await take(guide, parent)
    assert (await read(guide, one))["lines"]
    told = await (parent.say(no["text"]) if "text" in no else parent.choose(no["choice"]))
    assert [reply["reply_id"] for reply in told] == ["utter_share_revoked"]
    opened = (await guide.get(f"handoffs/{one}")).json()
    assert opened["brief"] == {"lines": [], "level": None, "shared": False}
    assert "utter_share_revoked" in [message["reply_id"] for message in opened["messages"]]
    assert (await guide.get(f"handoffs/{one}")).json()["handoff"]["state"] == "held"


async def test_a_single_line_taken_back_is_gone_for_the_guide(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    parent, _ = await asked(new_parent)
    await parent.choose("consent_handoff:share")
    guide = await new_guide(TOWN)
    one = await take(guide, parent)
    before = ids((await read(guide, one))["lines"])
    await parent.choose("withhold:line_actors")
    assert ids((await read(guide, one))["lines"]) == before - {"line_actors"}


async def test_dela_inget_before_the_yes_carries_nothing_over(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    parent, _ = await asked(new_parent)
    told = await parent.say("nej, dela inget")
    assert "utter_handoff_not_shared" in [reply["reply_id"] for reply in told]
    guide = await new_guide(TOWN)
    assert not (await read(guide, await take(guide, parent)))["shared"]


async def test_words_that_only_sound_like_a_no_are_told_as_before(new_parent: NewParent) -> None:
    parent = await new_parent(TOWN)
    told = await parent.say("syskonen kan inte dela rum och vill inte dela något")
    assert not {"utter_share_revoked", "utter_share_nothing_shared"} & {
        reply["reply_id"] for reply in told
    }


async def test_danger_told_earlier_is_a_line_the_parent_may_leave_out(
    new_parent: NewParent,
) -> None:
    parent = await new_parent(TOWN)
    await parent.say("jag orkar inte, sonen är 9 och vi har kontakt med bup")
    await parent.say("han har tagit en massa tabletter nu")
    shown = brief_in(await parent.choose("intent:want_person"))
    assert "line_danger" in ids(shown["lines"])
    left = brief_in(await parent.choose("withhold:line_danger"))
    assert "line_danger" not in ids(left["lines"])


async def test_the_hash_is_of_the_words_that_stood_on_the_screen(
    new_parent: NewParent, ledger: Ledger, database_url: str
) -> None:
    parent, shown = await asked(new_parent)
    await parent.choose("withhold:line_age")
    await parent.choose("consent_handoff:share")
    rows = await choices(database_url, parent)
    words = words_shown(await ledger.messages(parent.conversation))  # type: ignore[arg-type]
    assert [row["text_hash"] for row in rows] == [hash_of(words)]
    left = words.partition("Det här följer inte med")[0]
    assert shown["text"] in left
    assert "14 år" not in left
    assert "Ja, ge guiden sammanfattningen" in words


async def test_a_choice_is_never_changed_and_goes_only_with_its_conversation(
    new_parent: NewParent, database_url: str
) -> None:
    parent, _ = await asked(new_parent)
    await parent.choose("consent_handoff:share")
    for statement in (
        "UPDATE consent_choices SET choice = 'share_nothing'",
        "DELETE FROM consent_choices",
    ):
        async with await connect(database_url) as connection:
            with pytest.raises(psycopg.errors.RaiseException, match="never changed"):
                await connection.execute(
                    f"{statement} WHERE conversation_id = %s", [parent.conversation]
                )
            await connection.rollback()
    assert len(await choices(database_url, parent)) == 1
    await parent.client.delete(parent.url, headers=parent.headers)
    assert await choices(database_url, parent) == []


async def choices(url: str, parent: Parent) -> list[dict[str, Any]]:
    async with await connect(url) as connection:
        cursor = await connection.execute(
            "SELECT * FROM consent_choices WHERE conversation_id = %s ORDER BY id",
            [parent.conversation],
        )
        return [dict(row) for row in await cursor.fetchall()]
