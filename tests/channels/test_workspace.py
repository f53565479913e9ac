"""Beside a guide's conversation: what she is helped with, and what becomes of it."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.channels.test_console import waiting_parent
from tests.conftest import Guide, NewGuide, NewParent, Parent

HOLDS_MOST = 6


async def claimed(guide: Guide, parent: Parent, **how: Any) -> str:
    """The id of the parent's stretch, held by this guide."""
    queue = (await guide.get("queue")).json()["handoffs"]
    one: str = next(h["id"] for h in queue if h["conversation_id"] == parent.conversation)
    answer = await guide.post(f"handoffs/{one}/claim", **how)
    assert answer.status_code == 200, answer.text
    return one


async def panel(guide: Guide, one: str, name: str) -> str:
    answer = await guide.get(f"handoffs/{one}/panel/{name}")
    assert answer.status_code == 200, answer.text
    return answer.text


async def write(guide: Guide, one: str, name: str, **fields: Any) -> Any:
    lists = {key: value if isinstance(value, list) else [value] for key, value in fields.items()}
    return await guide.client.post(
        f"/console/api/handoffs/{one}/panel/{name}",
        json={"fields": lists},
        headers=guide._headers,
    )


async def test_the_area_is_shown_only_where_the_parent_shared_her_needs(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    sharing = await waiting_parent(new_parent)
    silent = await waiting_parent(new_parent, "share_nothing")
    queue = (await (await new_guide("sollentuna")).get("queue")).json()["handoffs"]
    areas = {h["conversation_id"]: h["area"] for h in queue}
    assert areas[sharing.conversation] == "Skola och frånvaro"
    assert areas[silent.conversation] is None


async def test_suggestions_follow_the_shared_needs_and_nothing_else(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    guide = await new_guide("sollentuna")
    sharing = await claimed(guide, await waiting_parent(new_parent))
    silent = await claimed(guide, await waiting_parent(new_parent, "share_nothing"))
    assert "data-insert" in await panel(guide, sharing, "matches")
    shown = await panel(guide, silent, "matches")
    assert "data-insert" not in shown
    assert "har inte delat något" in shown
    searched = await guide.get(f"handoffs/{silent}/panel/matches?q=skola")
    assert "data-insert" in searched.text


async def test_a_panel_is_for_the_guide_who_holds_the_conversation(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    guide, other = await new_guide("sollentuna"), await new_guide("sollentuna", "Bo")
    one = await claimed(guide, await waiting_parent(new_parent))
    for name in ("matches", "canned", "notes", "support", "leave"):
        assert (await other.get(f"handoffs/{one}/panel/{name}")).status_code == 409


async def test_a_canned_reply_in_english_keeps_its_swedish_for_the_guide_alone(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    parent = await new_parent("sollentuna", "en")
    await parent.choose("intent:want_person")
    await parent.choose("consent_handoff:share_nothing")
    guide = await new_guide("sollentuna")
    one = await claimed(guide, parent)
    shown = await panel(guide, one, "canned")
    assert "Would you like an interpreter" in shown
    assert "Vill du ha tolk" in shown
    await parent.read()
    said = {"text": "Would you like an interpreter?", "original": "Vill du ha tolk?"}
    await guide.post(f"handoffs/{one}/messages", id="canned-1234", **said)
    [answer] = await parent.read()
    assert answer["text"] == said["text"]
    assert "Vill du ha tolk" not in str(answer)
    opened = (await guide.get(f"handoffs/{one}")).json()
    assert opened["messages"][-1]["original"] == "Vill du ha tolk?"


async def test_a_note_is_sealed_for_colleagues_and_never_in_the_conversation(
    new_parent: NewParent, new_guide: NewGuide, database_url: str
) -> None:
    parent = await waiting_parent(new_parent)
    guide = await new_guide("sollentuna")
    one = await claimed(guide, parent)
    await parent.read()
    kept = await write(guide, one, "notes", text="Ring tillbaka, 070-123 45 67, lugn röst")
    assert "lugn röst" in kept.text
    assert "070" not in kept.text
    assert await parent.read() == []
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT sealed_text FROM guide_notes").fetchall()
    assert rows
    assert all(b"lugn" not in bytes(sealed) for (sealed,) in rows)


async def test_notes_go_with_the_conversation(
    new_parent: NewParent, new_guide: NewGuide, database_url: str
) -> None:
    parent = await waiting_parent(new_parent)
    guide = await new_guide("sollentuna")
    one = await claimed(guide, parent)
    await write(guide, one, "notes", text="en anteckning")
    await write(guide, one, "support", decision="reports", steps=["heard", "called"])
    assert (await parent.client.delete(parent.url, headers=parent.headers)).is_success
    with psycopg.connect(database_url) as connection:
        query = "SELECT count(*) FROM guide_notes WHERE conversation_id = %s"
        notes = connection.execute(query, [parent.conversation]).fetchone()
        query = "SELECT decision, steps FROM concern_decisions WHERE handoff_id = %s"
        decisions = connection.execute(query, [one]).fetchall()
    assert notes == (0,)
    assert decisions == [("reports", ["heard", "called"])]


async def test_a_decision_on_a_report_is_logged_and_cannot_be_rewritten(
    new_parent: NewParent, new_guide: NewGuide, database_url: str
) -> None:
    guide = await new_guide("sollentuna", "Vera")
    one = await claimed(guide, await waiting_parent(new_parent))
    before = await panel(guide, one, "support")
    assert "Jag anmäler inte nu" in before
    decided = await write(guide, one, "support", decision="asks_first", steps=["asked"])
    assert "Vera. Jag rådfrågar först" in decided.text
    assert (await write(guide, one, "support", decision="the_program_decides")).status_code == 400
    with (
        psycopg.connect(database_url) as connection,
        pytest.raises(psycopg.errors.RaiseException),
    ):
        connection.execute("DELETE FROM concern_decisions WHERE handoff_id = %s", [one])


async def test_the_letter_for_a_sip_names_only_whom_the_parent_shared(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    guide = await new_guide("sollentuna")
    sharing = await claimed(guide, await waiting_parent(new_parent))
    silent = await claimed(guide, await waiting_parent(new_parent, "share_nothing"))
    assert "<li>BUP</li>" in await panel(guide, sharing, "support")
    assert "BUP" not in await panel(guide, silent, "support")


async def test_a_full_desk_is_asked_first_and_may_say_yes(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    guide = await new_guide("sollentuna")
    assert (await guide.get("queue")).json()["desk"]["capacity"] == HOLDS_MOST
    await guide.post("desk", capacity=1)
    await claimed(guide, await waiting_parent(new_parent))
    parent = await waiting_parent(new_parent)
    queue = (await guide.get("queue")).json()["handoffs"]
    one = next(h["id"] for h in queue if h["conversation_id"] == parent.conversation)
    refused = await guide.post(f"handoffs/{one}/claim")
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "desk_full"
    assert (await guide.post(f"handoffs/{one}/claim", anyway=True)).status_code == 200


async def test_a_conversation_is_handed_to_a_colleague_who_is_here(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    parent = await waiting_parent(new_parent)
    guide, colleague = await new_guide("sollentuna"), await new_guide("sollentuna", "Gunilla")
    one = await claimed(guide, parent)
    await colleague.get("queue")
    shown = await panel(guide, one, "leave")
    assert "Gunilla" in shown
    to = shown.split("Gunilla")[0].rsplit('value="', 1)[1].split('"')[0]
    await parent.read()
    assert (await guide.post(f"handoffs/{one}/pass", to=to)).status_code == 200
    [told] = await parent.read()
    assert "Gunilla" in told["text"]
    assert (await guide.get(f"handoffs/{one}")).status_code == 409
    assert (await colleague.get(f"handoffs/{one}")).status_code == 200


async def test_a_guide_who_is_away_is_handed_nothing(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    guide, away = await new_guide("sollentuna"), await new_guide("sollentuna", "Frånvarande")
    one = await claimed(guide, await waiting_parent(new_parent))
    await away.post("desk", is_away=True)
    assert "Frånvarande" not in await panel(guide, one, "leave")


async def test_whoever_goes_away_can_put_her_conversations_back_and_the_parent_is_told(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    parent = await waiting_parent(new_parent)
    guide = await new_guide("sollentuna")
    one = await claimed(guide, parent)
    await parent.read()
    answer = await guide.post("desk", is_away=True, release=True)
    assert answer.json() == {"released": 1}
    [told] = await parent.read()
    assert told["reply_id"] == "utter_guide_left"
    queue = (await guide.get("queue")).json()["handoffs"]
    assert next(h["state"] for h in queue if h["id"] == one) == "waiting"


async def test_an_entry_is_corrected_from_the_conversation_and_leads_back_to_it(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    guide = await new_guide("sollentuna")
    one = await claimed(guide, await waiting_parent(new_parent))
    shown = await panel(guide, one, "matches")
    link = shown.split('href="/console/catalogue/')[1].split('"')[0].partition("#")[0]
    page = await guide.client.get(f"/console/catalogue/{link}", headers=guide._headers)
    assert f'href="/console?samtal={one}"' in page.text
    token = page.text.split('name="token" value="')[1].split('"')[0]
    entry = link.partition("?")[0]
    marked = await guide.client.post(
        f"/console/catalogue/{entry}/wrong?samtal={one}",
        data={"token": token, "note": "numret svarar inte"},
        headers=guide._headers,
    )
    assert f"samtal={one}" in marked.headers["location"]
    elsewhere = await guide.client.get(
        f"/console/catalogue/{entry}?samtal=//example.org", headers=guide._headers
    )
    assert "example.org" not in elsewhere.text
    again = await panel(guide, one, "matches")
    assert "entry-alert" in again


async def test_a_written_answer_is_promised_and_the_conversation_pauses(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    parent = await waiting_parent(new_parent)
    guide = await new_guide("sollentuna")
    one = await claimed(guide, parent)
    await parent.read()
    past = await guide.post(f"handoffs/{one}/promise", by="2020-01-01T10:00")
    assert past.status_code == 400
    assert (await guide.post(f"handoffs/{one}/promise", by="2090-01-01T10:00")).status_code == 200
    assert (await parent.read())[-1]["reply_id"] == "utter_answer_promised"
    queue = await guide.get("queue")
    found = next(h for h in queue.json()["handoffs"] if h["id"] == one)
    assert (found["state"], found["booked"]) == ("paused", None)
    assert queue.json()["figures"]["requested"] > 0
    assert (await guide.post(f"handoffs/{one}/claim")).status_code == 200
