"""Who reads a conversation leaves a trace: in the log, before the auditor, and for the parent."""

from __future__ import annotations

import re
from typing import Any

from bot import audit
from tests.channels.people import NewPerson, Person
from tests.channels.test_console import STORY, waiting_parent
from tests.conftest import NewParent, Parent

PLACE = "sollentuna"
WHY = "Kollegan är sjuk och ingen annan kan svara"


async def waiting(guide: Person, parent: Parent) -> dict[str, Any]:
    """What the queue says of the parent's conversation."""
    queue = (await guide.get("/console/api/queue")).json()["handoffs"]
    return next(one for one in queue if one["conversation_id"] == parent.conversation)


async def reads(parent: Parent) -> list[dict[str, Any]]:
    answer = await parent.client.get(f"{parent.url}/reads", headers=parent.headers)
    found: list[dict[str, Any]] = answer.json()["reads"]
    return found


async def acts(new_person: NewPerson, parent: Parent) -> list[str]:
    return [
        row.act
        for row in await new_person.log(PLACE)
        if row.subject == f"conversation:{parent.conversation}"
    ]


async def test_taking_over_and_reading_are_logged_and_told_to_the_parent(
    new_person: NewPerson, new_parent: NewParent
) -> None:
    parent = await waiting_parent(new_parent)
    guide = await new_person.signed_in("guide", municipality=PLACE)
    assert await reads(parent) == []
    url = f"/console/api/handoffs/{(await waiting(guide, parent))['id']}"
    await guide.request("POST", f"{url}/claim")
    await guide.get(url)
    assert await acts(new_person, parent) == ["conversation_claimed", "conversation_read"]
    told = await reads(parent)
    assert [one["function"] for one in told] == ["En guide", "En guide"]
    assert [one["how"] for one in told] == ["Tog över samtalet", "Läste samtalet"]
    assert all(one["at"] and one["when"] for one in told)


async def test_without_a_claim_nothing_is_read(
    new_person: NewPerson, new_parent: NewParent
) -> None:
    parent = await waiting_parent(new_parent)
    guide = await new_person.signed_in("guide", municipality=PLACE)
    one = await waiting(guide, parent)
    assert (await guide.get(f"/console/api/handoffs/{one['id']}")).status_code == 409
    page = await guide.get(f"/console/samtal/{one['id']}/oppna")
    assert "Hej" not in page.text
    assert await acts(new_person, parent) == []


async def test_opening_needs_a_reason_on_the_list_and_in_words(
    new_person: NewPerson, new_parent: NewParent
) -> None:
    parent = await waiting_parent(new_parent)
    guide = await new_person.signed_in("guide", municipality=PLACE)
    page = f"/console/samtal/{(await waiting(guide, parent))['id']}/oppna"
    for fields in ({"reason": "", "note": WHY}, {"reason": "curious", "note": WHY}):
        assert (await guide.send(page, page, **fields)).status_code == 422
    assert (await guide.send(page, page, reason="handover", note=" ")).status_code == 422
    assert await acts(new_person, parent) == []


async def test_an_opening_is_seen_by_auditor_and_parent(
    new_person: NewPerson, new_parent: NewParent
) -> None:
    parent = await waiting_parent(new_parent)
    guide = await new_person.signed_in("guide", municipality=PLACE)
    auditor = await new_person.signed_in("auditor", municipality=PLACE)
    await parent.say("Kan någon läsa det här, tack?")
    page = f"/console/samtal/{(await waiting(guide, parent))['id']}/oppna"
    opened = await guide.send(page, page, reason="handover", note=WHY)
    assert opened.status_code == 200
    assert "Kan någon läsa det här, tack?" in opened.text
    assert STORY not in opened.text, "what was said before stays with the parent"
    assert [(one["how"], one["reason"]) for one in await reads(parent)] == [
        ("Öppnade samtalet utan att ta över det", "En kollega var borta")
    ]
    row = (await new_person.log(PLACE))[-1]
    assert (row.act, row.detail) == ("break_glass", {"reason": "handover"})
    seen = (await auditor.get("/console/revision")).text
    assert WHY in seen
    assert f"/console/revision/{row.number}/granskad" in seen
    await auditor.send("/console/revision", f"/console/revision/{row.number}/granskad")
    after = (await auditor.get("/console/revision")).text
    assert f"/console/revision/{row.number}/granskad" not in after
    assert WHY in after


async def test_the_parents_own_page_says_who_has_read(
    new_person: NewPerson, new_parent: NewParent
) -> None:
    parent = await waiting_parent(new_parent)
    page = f"{parent.url}/privacy"
    before = (await parent.client.get(page, headers=parent.headers)).text
    assert "Ingen i kommunen har läst det här samtalet." in before
    guide = await new_person.signed_in("guide", municipality=PLACE)
    one = (await waiting(guide, parent))["id"]
    opening = f"/console/samtal/{one}/oppna"
    await guide.send(opening, opening, reason="handover", note=WHY)
    await guide.request("POST", f"/console/api/handoffs/{one}/claim")
    for _ in range(3):
        await guide.get(f"/console/api/handoffs/{one}")
    after = (await parent.client.get(page, headers=parent.headers)).text
    assert "Ingen i kommunen har läst" not in after
    assert "Öppnade samtalet utan att ta över det" in after
    assert "En kollega var borta." in after
    assert after.count("Läste samtalet") == 1, "what is done often on a day is said once"
    assert WHY not in after


async def test_the_words_of_a_reason_go_with_the_conversation_and_the_row_stays(
    new_person: NewPerson, new_parent: NewParent
) -> None:
    parent = await waiting_parent(new_parent)
    guide = await new_person.signed_in("guide", municipality=PLACE)
    auditor = await new_person.signed_in("auditor", municipality=PLACE)
    page = f"/console/samtal/{(await waiting(guide, parent))['id']}/oppna"
    words = "Skälet som ska försvinna"
    await guide.send(page, page, reason="technical", note=words)
    assert words in (await auditor.get("/console/revision")).text
    await parent.client.delete(parent.url, headers=parent.headers)
    assert words not in (await auditor.get("/console/revision")).text
    assert (await acts(new_person, parent))[-1] == "break_glass"
    checked = await auditor.send("/console/revision", "/console/revision/kontroll")
    assert "Loggen är hel" in checked.text


async def test_nothing_that_was_said_is_in_the_log(
    new_person: NewPerson, new_parent: NewParent
) -> None:
    earlier = len(await new_person.log(PLACE))  # by other tests; they name receivers
    parent = await waiting_parent(new_parent)
    guide = await new_person.signed_in("guide", municipality=PLACE)
    url = f"/console/api/handoffs/{(await waiting(guide, parent))['id']}"
    await guide.request("POST", f"{url}/claim")
    await guide.request(
        "POST", f"{url}/messages", json={"id": "12345678", "text": "kanariefågel ett"}
    )
    await parent.say("kanariefågel två")
    await guide.get(url)
    await guide.request("POST", f"{url}/close", json={"outcome": "information"})
    rows = "".join(str(row.as_json()) for row in (await new_person.log(PLACE))[earlier:])
    assert "kanariefågel" not in rows
    assert not re.search(r"\bbup\b", rows)
    assert (await acts(new_person, parent))[-1] == "conversation_closed"


async def test_the_log_is_filtered_by_act_and_person(
    new_person: NewPerson,
) -> None:
    auditor = await new_person.signed_in("auditor", municipality=PLACE)
    page = (await auditor.get(f"/console/revision?act=signed_in&who={auditor.id}")).text
    body = page[page.index("<tbody>") : page.index("</tbody>")]
    assert body.count("<tr>") == 1
    assert f"account:{auditor.id}" in body
    assert re.search(r"how: second_factor", body)


async def test_editing_the_catalogue_is_logged(new_person: NewPerson) -> None:
    editor = await new_person.signed_in("editor", municipality="vingaker")
    listed = (await editor.get("/console/api/services")).json()["services"]
    service = next(one["id"] for one in listed if not one["is_hidden"])
    one = (await editor.get(f"/console/api/services/{service}")).json()["entry"]
    changed = await editor.request(
        "PUT", f"/console/api/services/{service}", json={"name": one["name"] + " 2"}
    )
    assert changed.status_code == 200, changed.text
    row = (await new_person.log("vingaker"))[-1]
    assert (row.act, row.subject) == ("catalogue_edited", audit.service(service))
    assert row.detail == {"what": "name"}
