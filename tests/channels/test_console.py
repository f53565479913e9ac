"""The guide's door: queue, brief, live conversation, and the way back."""

from __future__ import annotations

import asyncio

from tests.conftest import NewGuide, NewParent, Parent

STORY = "dottern är 12 och har inte varit i skolan på fem veckor, vi har kontakt med bup"


async def waiting_parent(new_parent: NewParent, choice: str = "share") -> Parent:
    """A parent who told her story, asked for a person and answered the consent question."""
    parent = await new_parent("sollentuna")
    await parent.say(STORY)
    offered = await parent.choose("intent:want_person")
    assert offered[-1]["question"]["id"] == "consent_handoff"
    await parent.choose(f"consent_handoff:{choice}")
    return parent


async def test_the_queue_shows_metadata_and_no_content(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    parent = await waiting_parent(new_parent)
    guide = await new_guide("sollentuna")
    queue = (await guide.get("queue")).json()["handoffs"]
    mine = next(h for h in queue if h["conversation_id"] == parent.conversation)
    assert mine["state"] == "waiting"
    assert "brief" not in mine
    assert (await guide.get(f"handoffs/{mine['id']}")).status_code == 409


async def test_a_guide_takes_over_answers_and_gives_back(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    parent = await waiting_parent(new_parent)
    guide = await new_guide("sollentuna", "Anna")
    one = await _claimed(guide, parent)
    told = await parent.read()
    assert told[-1]["reply_id"] == "utter_claimed"
    assert "Anna" in told[-1]["text"]

    opened = (await guide.get(f"handoffs/{one}")).json()
    assert opened["brief"]["shared"]
    lines = {line["id"]: line["value"] for line in opened["brief"]["lines"]}
    assert lines["line_age"] == "12 år"
    assert "BUP" in lines["line_actors"]
    assert STORY not in str(opened)

    assert await parent.say("hej, är du där?") == []
    opened = (await guide.get(f"handoffs/{one}")).json()
    assert "hej, är du där?" in [message["text"] for message in opened["messages"]]

    sent = await guide.post(f"handoffs/{one}/messages", id="guide-msg-1", text="Ja, jag är här.")
    again = await guide.post(f"handoffs/{one}/messages", id="guide-msg-1", text="Ja, jag är här.")
    assert sent.json()["seq"] == again.json()["seq"]
    answers = await parent.read()
    assert [(a["author"], a["name"], a["text"]) for a in answers] == [
        ("guide", "Anna", "Ja, jag är här.")
    ]

    assert (await guide.post(f"handoffs/{one}/return")).status_code == 200
    while await parent.worker.take_turn() is not None:
        pass
    back = [message["reply_id"] for message in await parent.read()]
    assert back[0] == "utter_returned"
    assert await parent.say("tack så mycket")


async def test_after_the_guide_the_open_question_is_asked_again(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    parent = await new_parent("sollentuna")
    asked = await parent.choose("path:school")
    assert asked[-1]["question"]["id"] == "child_age"
    await parent.choose("intent:want_person")
    await parent.choose("consent_handoff:share_nothing")
    guide = await new_guide("sollentuna")
    one = await _claimed(guide, parent)
    await guide.post(f"handoffs/{one}/return")
    while await parent.worker.take_turn() is not None:
        pass
    assert (await parent.read())[-1]["question"]["id"] == "child_age"


async def test_without_consent_nothing_is_carried_over(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    parent = await waiting_parent(new_parent, "share_nothing")
    guide = await new_guide("sollentuna")
    one = await _claimed(guide, parent)
    opened = (await guide.get(f"handoffs/{one}")).json()
    assert opened["brief"] == {"lines": [], "level": None, "shared": False}
    assert "BUP" not in str(opened["messages"])


async def test_a_no_asks_nobody(new_parent: NewParent, new_guide: NewGuide) -> None:
    parent = await waiting_parent(new_parent, "not_now")
    guide = await new_guide("sollentuna")
    queue = (await guide.get("queue")).json()["handoffs"]
    assert parent.conversation not in [h["conversation_id"] for h in queue]


async def test_of_two_guides_at_once_one_gets_the_conversation(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    parent = await waiting_parent(new_parent)
    guides = [await new_guide("sollentuna", name) for name in ("Anna", "Bo")]
    queue = (await guides[0].get("queue")).json()["handoffs"]
    one = next(h["id"] for h in queue if h["conversation_id"] == parent.conversation)
    answers = await asyncio.gather(*(guide.post(f"handoffs/{one}/claim") for guide in guides))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_a_guide_of_another_municipality_sees_and_takes_nothing(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    parent = await waiting_parent(new_parent)
    own, stranger = await new_guide("sollentuna"), await new_guide("strangnas")
    queue = (await own.get("queue")).json()["handoffs"]
    one = next(h["id"] for h in queue if h["conversation_id"] == parent.conversation)
    theirs = (await stranger.get("queue")).json()["handoffs"]
    assert one not in [h["id"] for h in theirs]
    assert (await stranger.post(f"handoffs/{one}/claim")).status_code == 404
    assert (await stranger.get(f"handoffs/{one}")).status_code == 404


async def test_danger_is_answered_while_a_guide_holds_the_conversation(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    parent = await waiting_parent(new_parent)
    guide = await new_guide("sollentuna")
    one = await _claimed(guide, parent)
    await parent.read()
    answers = await parent.say("hon har tagit en massa tabletter nu")
    assert [answer["acute"] for answer in answers] == [True]
    queue = (await guide.get("queue")).json()["handoffs"]
    assert next(h["level"] for h in queue if h["id"] == one) == "acute"


async def test_a_closed_handoff_can_be_asked_for_again(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    parent = await waiting_parent(new_parent)
    guide = await new_guide("sollentuna")
    one = await _claimed(guide, parent)
    assert (await guide.post(f"handoffs/{one}/close", outcome="information")).status_code == 200
    assert (await parent.read())[-1]["reply_id"] == "utter_closed"
    again = await parent.choose("intent:want_person")
    assert again[-1]["question"]["id"] == "consent_handoff"


async def test_a_guide_who_signs_out_gives_her_conversations_to_the_queue(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    parent = await waiting_parent(new_parent)
    guide, colleague = await new_guide("sollentuna"), await new_guide("sollentuna")
    one = await _claimed(guide, parent)
    out = await guide.client.post("/console/logout", headers=guide._headers)
    assert out.status_code == 303
    assert (await guide.get("queue")).status_code == 401
    queue = (await colleague.get("queue")).json()["handoffs"]
    assert next(h["state"] for h in queue if h["id"] == one) == "waiting"


async def test_a_write_without_the_consoles_own_header_is_refused(new_guide: NewGuide) -> None:
    guide = await new_guide("sollentuna")
    headers = {"Cookie": guide._headers["Cookie"]}
    answer = await guide.client.post("/console/logout", headers=headers)
    assert answer.status_code == 401


async def test_a_wrong_password_is_refused_in_words(new_guide: NewGuide) -> None:
    guide = await new_guide("sollentuna")
    form = {"municipality": "sollentuna", "login": "nobody", "password": "fel lösenord"}
    answer = await guide.client.post("/console/login", data=form)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


async def _claimed(guide: object, parent: Parent) -> str:
    queue = (await guide.get("queue")).json()["handoffs"]  # type: ignore[attr-defined]
    one = next(h["id"] for h in queue if h["conversation_id"] == parent.conversation)
    answer = await guide.post(f"handoffs/{one}/claim")  # type: ignore[attr-defined]
    assert answer.status_code == 200
    return str(one)
