"""Edits of the catalogue: checked like files, kept with who, when and before, found again."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from bot import edits
from bot.database import Connection, connect, migrate
from bot.edits import Edits, OvertakenError
from bot.settings import Settings
from knowledge.catalogue import Catalogue, CatalogueError, NeededEntryError, Service
from tests.knowledge.small_catalogue import MONEY, Folder, service


@pytest.fixture
def shipped(tmp_path: Path) -> Catalogue:
    """Two entries of Ekby; its file points to `stodteamet`."""
    folder = Folder(tmp_path).put().put(**{**MONEY, "id": "budget", "name": "Budget"})
    return folder.catalogue()


@pytest.fixture
async def connection(fresh_database: str) -> AsyncIterator[Connection]:
    await migrate(fresh_database)
    async with await connect(fresh_database, autocommit=True) as opened:
        yield opened


def renamed(name: str) -> Service:
    """The entry `stodteamet` as shipped, but for its name."""
    return service().model_copy(update={"name": name})


async def put(connection: Connection, shipped: Catalogue, entry: Service | None, name: str) -> bool:
    async with connection.transaction():
        return await edits.record(connection, shipped, name, entry, "Anna", "ringde dit")


async def current(connection: Connection, shipped: Catalogue) -> dict[str, Service]:
    return (await edits.in_force(connection)).applied_to(shipped).services


async def test_an_edit_is_in_force_and_keeps_who_when_and_before(
    connection: Connection, shipped: Catalogue
) -> None:
    await put(connection, shipped, renamed("Nya teamet"), "stodteamet")
    await put(connection, shipped, renamed("Nyaste teamet"), "stodteamet")
    assert (await current(connection, shipped))["stodteamet"].name == "Nyaste teamet"
    newest, first = await edits.history(connection, "stodteamet")
    assert newest.differences() == [("name", "Nya teamet", "Nyaste teamet")]
    assert first.differences() == [("name", "Stödteamet", "Nya teamet")]
    assert (first.changed_by, first.note) == ("Anna", "ringde dit")
    assert dt.datetime.now(dt.UTC) - first.changed_at < dt.timedelta(minutes=1)


async def test_an_edit_that_changes_nothing_leaves_no_trace(
    connection: Connection, shipped: Catalogue
) -> None:
    assert not await put(connection, shipped, shipped.services["budget"], "budget")
    assert await edits.history(connection, "budget") == []
    assert (await edits.in_force(connection)).version == 0


async def test_an_entry_can_be_added_hidden_and_shown_again(
    connection: Connection, shipped: Catalogue
) -> None:
    new = service(id="nytt", name="Nytt stöd")
    await put(connection, shipped, new, "nytt")
    assert (await current(connection, shipped))["nytt"] == new
    await put(connection, shipped, None, "nytt")
    assert "nytt" not in await current(connection, shipped)
    assert (await edits.entry(connection, shipped, "nytt")).is_hidden
    async with connection.transaction():
        await edits.revise(connection, shipped, "nytt", {"name": "Åter"}, "Anna")
    assert (await current(connection, shipped))["nytt"].name == "Åter"
    layer = await edits.entries_of(connection, shipped, "ekby")
    assert [one.service.name for one in layer] == ["Budget", "Stödteamet", "Åter"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"needs": ["longing"]}, "needs"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"phones": [{"number": "ring växeln"}]}, "phones"),
        ({"summary": {"sv": ""}}, "summary"),
        ({"parent_says": [" "]}, "parent_says"),
        ({"schedules": [{"opens_at": "08:00", "closes_at": "12:00"}]}, "schedules"),
        ({"verified_on": "i går"}, "verified_on"),
        ({"how_to_get": {"sv": "x" * 2001}}, "how_to_get"),
        ({"telephone": "1"}, "telephone"),
    ],
)
async def test_what_is_wrong_is_refused_by_field(
    connection: Connection, shipped: Catalogue, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(CatalogueError) as refused:
        async with connection.transaction():
            await edits.revise(connection, shipped, "budget", changes, "Anna")
    assert field in refused.value.fields
    assert await edits.in_force(connection) == Edits()


async def test_an_entry_the_municipality_points_to_cannot_be_hidden(
    connection: Connection, shipped: Catalogue
) -> None:
    with pytest.raises(NeededEntryError, match="ekby"):
        await put(connection, shipped, None, "stodteamet")
    with pytest.raises(NeededEntryError):
        await put(connection, shipped, service(status="proposed"), "stodteamet")
    with pytest.raises(CatalogueError, match="layer"):
        await put(connection, shipped, service(id="x", layer="nowhere"), "x")


async def test_a_line_of_the_answers_to_danger_keeps_its_number(connection: Connection) -> None:
    real = Catalogue.load()
    line = real.services["nodnumret-112"]
    for broken in (None, line.model_copy(update={"phones": []})):
        with pytest.raises(NeededEntryError, match="danger"):
            await put(connection, real, broken, line.id)
        fields = broken and broken.model_dump(mode="json")
        assert Edits({line.id: fields}, 1).applied_to(real).services[line.id] == line


async def test_one_language_of_a_text_is_changed_at_a_time(
    connection: Connection, shipped: Catalogue
) -> None:
    async with connection.transaction():
        changes = {"summary": {"en": "New."}, "alert": {"sv": "Obs.", "en": ""}}
        await edits.revise(connection, shipped, "budget", changes, "Anna")
    budget = (await current(connection, shipped))["budget"]
    assert budget.summary == {"sv": "Budget hjälper familjen.", "en": "New."}
    assert budget.alert == {"sv": "Obs."}
    async with connection.transaction():
        await edits.revise(connection, shipped, "budget", {"alert": {"sv": ""}}, "Anna")
    assert (await current(connection, shipped))["budget"].alert is None


async def test_who_read_an_older_version_is_told(
    connection: Connection, shipped: Catalogue
) -> None:
    read = (await edits.entry(connection, shipped, "budget")).version
    await put(connection, shipped, service(**{**MONEY, "id": "budget", "name": "A"}), "budget")
    with pytest.raises(OvertakenError):
        async with connection.transaction():
            await edits.revise(connection, shipped, "budget", {"name": "B"}, "Bo", based_on=read)
    assert (await current(connection, shipped))["budget"].name == "A"


async def test_history_cannot_be_rewritten(connection: Connection, shipped: Catalogue) -> None:
    await put(connection, shipped, renamed("Nya teamet"), "stodteamet")
    for statement in ("UPDATE catalogue_edits SET changed_by = 'x'", "DELETE FROM catalogue_edits"):
        with pytest.raises(psycopg.Error, match="never changed"):
            await connection.execute(statement.encode())


async def test_an_edit_of_an_older_version_that_no_longer_fits_is_left_out(
    shipped: Catalogue,
) -> None:
    good = renamed("Nya teamet").model_dump(mode="json")
    kept = Edits({"budget": {"id": "budget", "gone_field": 1}, "stodteamet": good}, 7)
    catalogue = kept.applied_to(shipped)
    assert catalogue.services["budget"] == shipped.services["budget"]
    assert catalogue.services["stodteamet"].name == "Nya teamet"
    assert shipped.services["stodteamet"].name == "Stödteamet"


async def test_every_process_hears_of_an_edit_and_notes_it_on_its_machine(
    connection: Connection, fresh_database: str, shipped: Catalogue, tmp_path: Path
) -> None:
    settings = Settings(data=tmp_path / "var")
    seen: asyncio.Queue[Edits] = asyncio.Queue()
    in_use = [Edits()]

    async def change(new: Edits) -> None:
        in_use[0] = new
        await seen.put(new)

    watching = asyncio.create_task(edits.watch(fresh_database, settings, lambda: in_use[0], change))
    try:
        await put(connection, shipped, renamed("Nya teamet"), "stodteamet")
        heard = await asyncio.wait_for(seen.get(), edits.POLL / 2)
    finally:
        watching.cancel()
    assert heard.applied_to(shipped).services["stodteamet"].name == "Nya teamet"
    assert edits.remembered(settings) == heard


async def test_an_edit_whose_notice_was_missed_is_found_by_looking(
    connection: Connection,
    fresh_database: str,
    shipped: Catalogue,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(edits, "POLL", 0.2)
    monkeypatch.setattr(edits, "CHANGED", f"deaf_{uuid4().hex}")
    seen: asyncio.Queue[Edits] = asyncio.Queue()
    watching = asyncio.create_task(
        edits.watch(fresh_database, Settings(data=tmp_path), Edits, seen.put)
    )
    try:
        await asyncio.sleep(0.5)
        await connection.execute(
            "INSERT INTO catalogue_edits (layer, service_id, before, changed_by) "
            "VALUES ('ekby', 'budget', '{}', 'Anna')"
        )
        assert (await asyncio.wait_for(seen.get(), 10)).entries == {"budget": None}
    finally:
        watching.cancel()


def test_a_note_that_cannot_be_read_counts_as_none(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    assert edits.remembered(settings) == Edits()
    (tmp_path / edits.SNAPSHOT).write_text('{"version": 3', encoding="utf-8")
    assert edits.remembered(settings) == Edits()


def test_the_note_on_the_machine_is_used_without_a_database(tmp_path: Path) -> None:
    name = "demo-budget-skuld"
    changed = Catalogue.load().services[name].model_copy(update={"name": "Pengahjälpen"})
    known = Edits({name: changed.model_dump(mode="json")}, 1)
    edits.write_edits(tmp_path / edits.SNAPSHOT, known)
    assert edits.effective_catalogue(Settings(data=tmp_path)).services[name] == changed
