"""The brief goes on only on the parent's word; her choices, receipts and her own copy."""

from __future__ import annotations

import json
from typing import Any

from bot.brief_document import BriefDocument, schema
from bot.database import connect
from bot.retention import sweep
from bot.settings import PROJECT
from knowledge.catalogue import Catalogue
from tests.channels.test_sharing import TOWN, asked, choices, ids, read, take
from tests.channels.test_workspace import panel, write
from tests.conftest import NewGuide, NewParent, Parent


async def get(parent: Parent, path: str, **params: str) -> Any:
    return await parent.client.get(f"{parent.url}/{path}", headers=parent.headers, params=params)


async def send(parent: Parent, method: str, path: str, **body: Any) -> Any:
    return await parent.client.request(
        method, f"{parent.url}/{path}", headers=parent.headers, json=body or None
    )


def pressed(replies: list[dict[str, Any]], kind: str) -> str:
    offer = next(reply for reply in replies if reply["reply_id"] == "utter_transfer_offer")
    return next(c["id"] for c in offer["choices"] if c["id"].startswith(f"{kind}:"))


async def test_a_guide_offers_and_the_parents_yes_puts_her_in_the_coordinators_queue(
    new_parent: NewParent, new_guide: NewGuide, database_url: str
) -> None:
    parent, _ = await asked(new_parent, town="demokommun")
    await parent.choose("withhold:line_age")
    await parent.choose("consent_handoff:share")
    guide = await new_guide("demokommun")
    one = await take(guide, parent)
    answer = await guide.post(f"handoffs/{one}/transfer", receiver="coordinator")
    assert answer.status_code == 201
    offered = await parent.read()
    assert "line_age" not in ids(offered[-1]["lines"])
    told = await parent.choose(pressed(offered, "transfer"))
    assert [reply["reply_id"] for reply in told] == ["utter_transfer_coordinator"]
    assert {"Vad", "Till vem", "När", "Villkorens version"} == {
        line["label"] for line in told[0]["lines"]
    }
    queue = (await guide.get("queue")).json()["handoffs"]
    mine = {h["function"]: h["state"] for h in queue if h["conversation_id"] == parent.conversation}
    assert mine.pop("coordinator") == "waiting"
    assert list(mine.values()) == ["closed"]
    rows = await choices(database_url, parent)
    assert [row["choice"] for row in rows] == ["share", "share"]
    assert rows[1]["receiver"] == "coordinator" != rows[0]["receiver"]
    coordinator = await new_guide("demokommun", "Bo")
    seen = await read(coordinator, await take_function(coordinator, parent, "coordinator"))
    assert "14" not in str(seen)
    assert seen["lines"]


async def take_function(guide: Any, parent: Parent, function: str) -> str:
    queue = (await guide.get("queue")).json()["handoffs"]
    one: str = next(
        h["id"]
        for h in queue
        if h["conversation_id"] == parent.conversation and h["function"] == function
    )
    assert (await guide.post(f"handoffs/{one}/claim")).status_code == 200
    return one


async def test_the_guides_panel_asks_the_parent_and_says_what_she_answered(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    parent, _ = await asked(new_parent)
    await parent.choose("consent_handoff:share")
    guide = await new_guide(TOWN)
    one = await take(guide, parent)
    assert "Fråga föräldern" in await panel(guide, one, "leave")
    shown = await write(guide, one, "leave", receiver="school_health")
    assert "Elevhälsan: väntar på förälderns svar" in shown.text
    await parent.choose(pressed(await parent.read(), "transfer"))
    assert "Elevhälsan: föräldern har sagt ja" in await panel(guide, one, "leave")
    assert (await write(guide, one, "leave", receiver="self")).status_code == 400


async def test_a_guide_cannot_learn_by_offering_what_she_may_not_read(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    parent, _ = await asked(new_parent)
    await parent.choose("consent_handoff:share_nothing")
    guide = await new_guide(TOWN)
    one = await take(guide, parent)
    refused = await guide.post(f"handoffs/{one}/transfer", receiver="bup")
    assert refused.status_code == 400
    assert not [m for m in await parent.read() if m["reply_id"] == "utter_transfer_offer"]
    assert "Fråga föräldern" not in await panel(guide, one, "leave")


async def test_the_coordinators_list_gets_the_conversation_but_the_brief_only_on_a_yes(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    parent, _ = await asked(new_parent, town="demokommun")
    await parent.choose("consent_handoff:share")
    guide = await new_guide("demokommun")
    one = await take(guide, parent)
    assert (await guide.post(f"handoffs/{one}/pass", to="coordinator")).status_code == 200
    coordinator = await new_guide("demokommun", "Bo")
    taken = await take_function(coordinator, parent, "coordinator")
    assert taken == one
    assert not (await read(coordinator, taken))["shared"]
    given = await send(parent, "POST", "transfers", receiver="coordinator")
    assert given.status_code == 201
    assert (await read(coordinator, taken))["lines"], "it comes to the one who has her already"


async def test_a_no_gives_nothing_on_and_cannot_be_turned_into_a_yes(
    new_parent: NewParent, new_guide: NewGuide, database_url: str
) -> None:
    parent, _ = await asked(new_parent)
    await parent.choose("consent_handoff:share")
    guide = await new_guide(TOWN)
    one = await take(guide, parent)
    await guide.post(f"handoffs/{one}/transfer", receiver="bup")
    offered = await parent.read()
    told = await parent.choose(pressed(offered, "transfer_no"))
    assert [reply["reply_id"] for reply in told] == ["utter_transfer_declined"]
    again = await parent.choose(pressed(offered, "transfer"))
    assert [reply["reply_id"] for reply in again] == ["utter_transfer_gone"]
    listed = (await guide.get(f"handoffs/{one}/transfers")).json()
    assert [(t["receiver"], t["state"]) for t in listed["transfers"]] == [("bup", "declined")]
    assert "bup" not in [row["receiver"] for row in await choices(database_url, parent)]


async def test_another_parents_yes_does_not_answer_an_offer(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    parent, _ = await asked(new_parent)
    await parent.choose("consent_handoff:share")
    guide = await new_guide(TOWN)
    one = await take(guide, parent)
    await guide.post(f"handoffs/{one}/transfer", receiver="bup")
    stranger, _ = await asked(new_parent)
    told = await stranger.choose(pressed(await parent.read(), "transfer"))
    assert told[0]["reply_id"] != "utter_transfer_done"
    listed = (await guide.get(f"handoffs/{one}/transfers")).json()
    assert listed["transfers"][0]["state"] == "offered"


async def test_only_the_guide_who_holds_the_conversation_may_offer(
    new_parent: NewParent, new_guide: NewGuide
) -> None:
    parent, _ = await asked(new_parent)
    await parent.choose("consent_handoff:share")
    one = await take(await new_guide(TOWN), parent)
    other, stranger = await new_guide(TOWN, "Bo"), await new_guide("strangnas")
    assert (await other.post(f"handoffs/{one}/transfer", receiver="bup")).status_code == 409
    assert (await stranger.post(f"handoffs/{one}/transfer", receiver="bup")).status_code == 404


async def test_the_parent_gives_chosen_lines_on_and_gets_paper_and_data(
    new_parent: NewParent,
) -> None:
    parent, _ = await asked(new_parent)
    given = await send(
        parent, "POST", "transfers", receiver="school_health", lines=["line_needs", "line_actors"]
    )
    assert given.status_code == 201
    assert (await parent.read())[-1]["reply_id"] == "utter_transfer_done"
    made = BriefDocument.model_validate(
        (await get(parent, "brief/json", receiver="school_health")).json()
    )
    assert [line.id for line in made.lines] == ["line_needs", "line_actors"]
    assert any("Jag vet inte" in person.known for person in made.people)
    paper = await get(parent, "brief/pdf", receiver="school_health")
    assert paper.content.startswith(b"%PDF")
    assert "14 år" not in (await get(parent, "brief/txt", receiver="school_health")).text
    assert "Elevhälsan" in (await get(parent, "privacy")).text


async def test_the_schema_in_the_docs_is_that_of_the_document() -> None:
    kept = json.loads((PROJECT / "docs" / "brief.schema.json").read_text(encoding="utf-8"))
    assert kept == schema()


async def test_everything_shared_is_taken_back_from_the_page(
    new_parent: NewParent, new_guide: NewGuide, database_url: str
) -> None:
    parent, _ = await asked(new_parent)
    await parent.choose("consent_handoff:share")
    await send(parent, "POST", "transfers", receiver="bup")
    guide = await new_guide(TOWN)
    one = await take(guide, parent)
    assert (await send(parent, "DELETE", "sharing")).json()["taken_back"] == ["guide", "bup"]
    assert not (await read(guide, one))["shared"]
    kept = (await get(parent, "export")).json()
    assert [(t["state"], t["brief"]) for t in kept["transfers"]] == [("revoked", None)]
    newest = {row["receiver"]: row["choice"] for row in await choices(database_url, parent)}
    assert newest == {"guide": "revoked", "bup": "revoked"}


async def test_four_purposes_are_chosen_one_by_one_and_taken_back(
    new_parent: NewParent, database_url: str
) -> None:
    parent = await new_parent(TOWN)
    for purpose in ("storage", "follow_up", "messages"):
        assert (await get(parent, "privacy")).text.count("Nu: ja.") == 0
        await send(parent, "PUT", f"choices/{purpose}", answer="yes")
        assert (await get(parent, "privacy")).text.count("Nu: ja.") == 1
        await send(parent, "PUT", f"choices/{purpose}", answer="no")
    rows = await choices(database_url, parent)
    assert len(rows) == 6
    assert len({row["text_hash"] for row in rows}) == 3
    assert (await send(parent, "PUT", "choices/handoff", answer="yes")).status_code == 400


async def test_a_chat_kept_longer_outlives_the_usual_time_and_then_goes(
    new_parent: NewParent, database_url: str
) -> None:
    longer, usual, regretted = [await new_parent(TOWN) for _ in range(3)]
    for parent, answers in ((longer, ("yes",)), (regretted, ("yes", "no"))):
        for answer in answers:
            await send(parent, "PUT", "choices/storage", answer=answer)
    town = Catalogue.load().municipalities[TOWN]

    async def left_after(days: int) -> list[bool]:
        known = [parent.conversation for parent in (longer, usual, regretted)]
        async with await connect(database_url) as connection:
            await connection.execute(
                "UPDATE conversations SET last_at = now() - make_interval(days => %s) "
                "WHERE id = ANY(%s::uuid[])",
                [days, known],
            )
        await sweep(database_url, [town])
        return [
            (await get(parent, "messages")).status_code == 200
            for parent in (longer, usual, regretted)
        ]

    assert await left_after(town.retention_days + 1) == [True, False, False]
    assert await left_after(181) == [False, False, False]


async def test_the_parent_takes_her_whole_conversation_along(new_parent: NewParent) -> None:
    parent, _ = await asked(new_parent)
    await parent.choose("consent_handoff:share")
    kept = (await get(parent, "export")).json()
    assert [choice["purpose"] for choice in kept["choices"]] == ["handoff"]
    told = [message["text"] for message in kept["messages"] if message["author"] == "parent"]
    assert told[0].startswith("dottern är 14")
    assert told[0] in (await get(parent, "export", form="txt")).text
    assert told[0] in (await get(parent, "export", form="html")).text
    assert (await get(parent, "summary.pdf")).content.startswith(b"%PDF")


async def test_the_page_of_a_municipality_says_what_is_kept_and_for_how_long(
    new_parent: NewParent,
) -> None:
    parent = await new_parent(TOWN)
    page = (await parent.client.get(f"/integritet/{TOWN}")).text
    days = Catalogue.load().municipalities[TOWN].retention_days
    assert f"{days} dagar" in page
    assert "Sollentuna" in page
    assert (await parent.client.get("/integritet/nowhere")).status_code == 404
