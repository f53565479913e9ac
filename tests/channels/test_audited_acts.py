"""What is read and done beside a conversation leaves a row of the log, with codes alone."""

from __future__ import annotations

import datetime as dt
from typing import Any

import httpx

from tests.channels.people import NewPerson, Person
from tests.channels.test_break_glass import acts, reads, waiting
from tests.channels.test_console import waiting_parent
from tests.channels.test_families import coordinator, followed, keep, read
from tests.channels.test_sharing import asked
from tests.conftest import NewParent, Parent

PLACE = "sollentuna"
LOGGED = "conversation_claimed"
NOTE = "orolig for mamman"


async def held(new_person: NewPerson, parent: Parent, place: str = PLACE) -> tuple[Person, str]:
    """A guide who has just taken the parent's conversation over, and its address."""
    guide = await new_person.signed_in("guide", municipality=place)
    url = f"/console/api/handoffs/{(await waiting(guide, parent))['id']}"
    assert (await guide.request("POST", f"{url}/claim")).status_code == 200
    return guide, url


async def details(new_person: NewPerson, parent: Parent, place: str = PLACE) -> list[Any]:
    """Acts with details on the parent's conversation, after it was taken over."""
    return [
        (row.act, row.detail)
        for row in await new_person.log(place)
        if row.subject == f"conversation:{parent.conversation}" and row.act != LOGGED
    ]


async def test_panels_that_show_her_are_read_and_the_others_are_not(
    new_person: NewPerson, new_parent: NewParent
) -> None:
    parent = await waiting_parent(new_parent)
    guide, url = await held(new_person, parent)
    for name in ("matches", "canned", "notes", "support", "leave"):
        assert (await guide.get(f"{url}/panel/{name}")).status_code == 200
    read_parts = [("conversation_read", {"part": n}) for n in ("matches", "notes", "support")]
    assert await details(new_person, parent) == read_parts
    assert len(await reads(parent)) == 4  # taken over and read three times: the parent sees it


async def test_a_panel_that_was_refused_was_not_read(
    new_person: NewPerson, new_parent: NewParent
) -> None:
    parent = await waiting_parent(new_parent)
    _, url = await held(new_person, parent)
    other = await new_person.signed_in("guide", municipality=PLACE)
    assert (await other.get(f"{url}/panel/notes")).status_code == 409
    assert await details(new_person, parent) == []


async def test_a_note_is_logged_without_its_words(
    new_person: NewPerson, new_parent: NewParent
) -> None:
    parent = await waiting_parent(new_parent)
    guide, url = await held(new_person, parent)
    fields = {"fields": {"text": [NOTE]}}
    assert (await guide.request("POST", f"{url}/panel/notes", json=fields)).status_code == 200
    assert await details(new_person, parent) == [("note_written", {})]
    assert NOTE not in str(await new_person.log(PLACE))


async def test_a_report_considered_is_logged_with_what_was_decided(
    new_person: NewPerson, new_parent: NewParent
) -> None:
    parent = await waiting_parent(new_parent)
    guide, url = await held(new_person, parent)
    fields = {"fields": {"decision": ["asks_first"], "steps": ["asked"]}}
    assert (await guide.request("POST", f"{url}/panel/support", json=fields)).status_code == 200
    assert ("report_considered", {"decision": "asks_first"}) in await details(new_person, parent)


async def test_a_promise_and_handing_on_are_logged(
    new_person: NewPerson, new_parent: NewParent
) -> None:
    promised = await waiting_parent(new_parent)
    guide, url = await held(new_person, promised)
    assert (
        await guide.request("POST", f"{url}/promise", json={"by": "2090-01-01T10:00"})
    ).is_success
    assert await details(new_person, promised) == [("answer_promised", {})]
    passed = await waiting_parent(new_parent)
    guide, url = await held(new_person, passed)
    colleague = await new_person.signed_in("guide", municipality=PLACE)
    await colleague.get("/console/api/queue")
    answer = await guide.request("POST", f"{url}/pass", json={"to": str(colleague.id)})
    assert answer.status_code == 200, answer.text
    to = {"to": f"account:{colleague.id}"}
    assert await details(new_person, passed) == [("conversation_transferred", to)]


async def test_what_is_put_back_in_the_queue_is_logged(
    new_person: NewPerson, new_parent: NewParent
) -> None:
    parent = await waiting_parent(new_parent)
    guide, _ = await held(new_person, parent)
    answer = await guide.request("POST", "/console/api/desk", json={"release": True})
    assert answer.json() == {"released": 1}
    assert (await acts(new_person, parent))[-1] == "conversation_released"


async def test_an_offer_to_give_the_brief_on_is_logged_with_its_receiver(
    new_person: NewPerson, new_parent: NewParent
) -> None:
    parent, _ = await asked(new_parent, town="demokommun")
    await parent.choose("consent_handoff:share")
    guide, url = await held(new_person, parent, "demokommun")
    answer = await guide.request("POST", f"{url}/transfer", json={"receiver": "coordinator"})
    assert answer.status_code == 201, answer.text
    await guide.get(f"{url}/transfers")
    assert await details(new_person, parent, "demokommun") == [
        ("conversation_transferred", {"to": "coordinator", "state": "offered"}),
        ("conversation_read", {"part": "transfers"}),
    ]


async def test_a_family_that_is_opened_written_of_and_ended_is_logged(
    new_person: NewPerson, new_parent: NewParent, client: httpx.AsyncClient
) -> None:
    parent = await waiting_parent(new_parent)
    guide = await coordinator(client, new_person.url)
    path = await followed(guide, parent)
    assert (await read(guide, path)).status_code == 200
    until = (dt.date.today() + dt.timedelta(days=9)).isoformat()
    assert (await keep(guide, path, note=NOTE, next_contact=until)).status_code == 303
    assert (await keep(guide, path, "/end", sure="taken_over")).status_code == 303
    opened = ("conversation_read", {"part": "family"})
    assert await details(new_person, parent) == [
        ("agreement_changed", {"state": "proposed"}),
        opened,
        opened,  # the page the note was written on
        ("note_written", {"part": "family"}),
        opened,
        ("agreement_changed", {"state": "ended"}),
    ]
    assert NOTE not in str(await new_person.log(PLACE))


async def test_editing_the_catalogue_opens_no_family(new_person: NewPerson) -> None:
    editor = await new_person.signed_in("editor", municipality=PLACE)
    assert (await editor.get("/console/familjer")).status_code == 403
