"""The editor's door: a guide changes her own municipality's entries, and search follows."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil
import pytest

from bot.database import connect, migrate
from bot.edits import Edits, read_edits, remembered
from bot.live_search import BUILDING, LAST_GOOD
from bot.settings import Settings
from bot.understanding import Reader, Wanted
from channels.app import create_app
from tests.conftest import Guide, NewGuide, NewParent

OWN = "demo-budget-skuld"
OTHER = "sollentuna-sspf"
NATIONAL = "bup"
CENTRE = "demo-kontaktcenter"
PHRASE = "lillebror gömmer alla kuvert med fönster under soffan, vi har skulder"
PATIENCE = 90.0  # seconds; the machine of a test run is busy


@dataclass
class Product:
    """The web application on a database of its own."""

    client: httpx.AsyncClient
    settings: Settings
    url: str

    async def guide(self, municipality: str = "demokommun", name: str = "Anna") -> Guide:
        return await NewGuide(self.client, self.url)(municipality, name)

    async def put(self, guide: Guide, service_id: str, **changes: Any) -> httpx.Response:
        path = f"/console/api/services/{service_id}"
        return await self.client.put(path, json=changes, headers=guide._headers)

    async def page(self, guide: Guide, path: str = "") -> httpx.Response:
        headers = {"Cookie": guide._headers["Cookie"]}
        return await self.client.get(f"/console/catalogue{path}", headers=headers)

    async def submit(self, guide: Guide, path: str, form: dict[str, Any]) -> httpx.Response:
        headers = {"Cookie": guide._headers["Cookie"]}
        return await self.client.post(f"/console/catalogue{path}", data=form, headers=headers)


@asynccontextmanager
async def running_product(url: str, folder: Path, artifacts: Path) -> AsyncIterator[Product]:
    await migrate(url)
    settings = Settings(
        database_url=url,
        data=folder / "var",
        artifacts=artifacts,
        understand_timeout=20.0,
        engine_timeout=20.0,
        lease=60.0,
    )
    app = create_app(settings, url)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://lotsa") as client:
            yield Product(client, settings, url)


@pytest.fixture(scope="module")
async def shared_product(
    postgres: Any, tmp_path_factory: pytest.TempPathFactory, artifacts: Path
) -> AsyncIterator[Product]:
    """For the tests that need no search."""
    name = f"t{uuid4().hex}"
    async with await connect(postgres.get_uri(), autocommit=True) as connection:
        await connection.execute(f"CREATE DATABASE {name}".encode())
    folder = tmp_path_factory.mktemp("product")
    async with running_product(postgres.get_uri(database=name), folder, artifacts) as product:
        yield product


@pytest.fixture
async def product(shared_product: Product) -> Product:
    """The shared product with the catalogue as shipped."""
    async with await connect(shared_product.url) as connection:
        await connection.execute("TRUNCATE catalogue_edits")
    return shared_product


@pytest.fixture
async def own_product(
    fresh_database: str, tmp_path: Path, artifacts: Path
) -> AsyncIterator[Product]:
    """A product whose index the test may build over."""
    own = _own_artifacts(artifacts, tmp_path / "artifacts")
    async with running_product(fresh_database, tmp_path, own) as product:
        yield product


def _own_artifacts(trained: Path, own: Path) -> Path:
    """The trained models, and an index of its own."""
    own.mkdir()
    for folder in trained.iterdir():
        if folder.name != "catalogue":
            (own / folder.name).symlink_to(folder)
    shutil.copytree(trained / "catalogue", own / "catalogue")
    return own


async def entry(product: Product, guide: Guide, service_id: str = OWN) -> dict[str, Any]:
    found: dict[str, Any] = (await guide.get(f"services/{service_id}")).json()
    return found


async def test_a_guide_sees_the_entries_of_her_municipality(product: Product) -> None:
    guide = await product.guide()
    services = (await guide.get("services")).json()["services"]
    assert all(one["id"].startswith("demo-") for one in services)
    own = next(one for one in services if one["id"] == OWN)
    assert own["kinds"] == ["budget_skuldradgivning"]
    assert own["status"] == "exists"
    assert not own["is_edited"]


async def test_a_change_is_kept_with_who_when_and_what_differed(product: Product) -> None:
    guide = await product.guide(name="Anna")
    phones = [{"number": "08-465 004 99", "label": {"sv": "Nytt nummer", "en": "New number"}}]
    answer = await product.put(guide, OWN, phones=phones, note="Numret byttes 191212-1212.")
    assert answer.status_code == 200
    changed = answer.json()
    assert changed["entry"]["phones"][0]["number"] == "08-465 004 99"
    told = changed["history"][0]
    assert told["changed_by"] == "Anna"
    assert told["note"] == "Numret byttes [personal_number]."
    assert [one["field"] for one in told["differences"]] == ["phones"]
    assert told["differences"][0]["before"][0]["number"] != "08-465 004 99"
    changed_at = dt.datetime.fromisoformat(told["changed_at"])
    assert dt.datetime.now(dt.UTC) - changed_at < dt.timedelta(minutes=1)
    services = (await guide.get("services")).json()["services"]
    assert [one["id"] for one in services if one["is_edited"]] == [OWN]


@pytest.mark.parametrize(
    ("service_id", "code", "status"),
    [
        (OTHER, "not_your_entry", 403),
        (NATIONAL, "not_your_entry", 403),
        ("finns-inte", "unknown_service", 404),
    ],
)
async def test_what_is_not_the_guides_own_is_refused(
    product: Product, service_id: str, code: str, status: int
) -> None:
    guide = await product.guide()
    answers = [
        await guide.get(f"services/{service_id}"),
        await product.put(guide, service_id, name="Mitt nu"),
        await guide.post(f"services/{service_id}/wrong"),
        await guide.post(f"services/{service_id}/hide"),
    ]
    for answer in answers:
        assert answer.status_code == status
        assert answer.json()["error"]["code"] == code
        assert answer.json()["error"]["hint"]
    assert (await product.page(guide, f"/{service_id}")).status_code == status


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({"url": "javascript:alert(1)"}, "Webbadress"),
        ({"phones": [{"number": "fråga växeln"}]}, "Telefon"),
        ({"verified_on": "i går"}, "Kontrollerad den"),
        ({"summary": {"sv": ""}}, "Vad föräldern får"),
        ({"status": "kanske"}, "Finns stödet?"),
        ({"schedules": [{"byday": ["XX"], "opens_at": "8", "closes_at": "9"}]}, "Öppettider"),
    ],
)
async def test_a_faulty_change_is_refused_by_field_and_nothing_changes(
    product: Product, changes: dict[str, Any], label: str
) -> None:
    guide = await product.guide()
    before = await entry(product, guide)
    answer = await product.put(guide, OWN, **changes)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "entry_faulty"
    assert label in answer.json()["error"]["message"]
    assert await entry(product, guide) == before


async def test_fields_that_are_not_for_guides_are_refused(product: Product) -> None:
    guide = await product.guide()
    for changes in ({"layer": "national"}, {"id": "bup"}, {"kinds": ["112"]}, {"sources": []}):
        assert (await product.put(guide, OWN, **changes)).status_code == 400
    assert (await entry(product, guide))["history"] == []


async def test_what_the_municipality_points_to_cannot_be_taken_away(product: Product) -> None:
    guide = await product.guide()
    hidden = await guide.post(f"services/{CENTRE}/hide")
    proposed = await product.put(guide, CENTRE, status="proposed")
    for answer in (hidden, proposed):
        assert answer.status_code == 409
        assert answer.json()["error"]["code"] == "entry_needed"
    assert (await entry(product, guide, CENTRE))["history"] == []


async def test_two_guides_do_not_overwrite_each_other_unseen(product: Product) -> None:
    anna, bo = await product.guide(name="Anna"), await product.guide(name="Bo")
    version = (await entry(product, bo))["version"]
    await product.put(anna, OWN, name="Annas", based_on=version)
    answer = await product.put(bo, OWN, name="Bos", based_on=version)
    assert answer.json()["error"]["code"] == "entry_overtaken"
    assert (await entry(product, bo))["entry"]["name"] == "Annas"


async def test_an_entry_marked_as_wrong_warns_and_is_due_for_review(product: Product) -> None:
    guide = await product.guide()
    before = (await entry(product, guide))["entry"]
    answer = await guide.post(f"services/{OWN}/wrong", note="Numret går inte fram")
    changed = answer.json()["entry"]
    assert "fel" in changed["alert"]["sv"]
    assert "wrong" in changed["alert"]["en"]
    assert dt.date.fromisoformat(changed["review_due"]) < dt.date.today()
    differences = {one["field"]: one for one in answer.json()["history"][0]["differences"]}
    assert differences["review_due"]["before"] == before["review_due"]
    assert differences["alert"]["before"] is None


async def test_a_hidden_entry_is_shown_again_when_it_is_saved(product: Product) -> None:
    guide = await product.guide()
    assert (await guide.post(f"services/{OWN}/hide", note="upphört")).json()["is_hidden"]
    assert (await product.put(guide, OWN, name="Åter")).json()["is_hidden"] is False
    notes = [change["note"] for change in (await entry(product, guide))["history"]]
    assert notes == ["", "upphört"]


async def test_a_stranger_is_led_to_the_sign_in_page(product: Product) -> None:
    for path in ("", f"/{OWN}"):
        answer = await product.client.get(f"/console/catalogue{path}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/login")
    assert (await product.client.get("/console/api/services")).status_code == 401


def form_of(page: str) -> dict[str, Any]:
    """The fields of the page's first form as a browser would send them untouched."""
    form = page.split("<form", 1)[1].split("</form>", 1)[0]
    fields: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name = re.search(r'name="([^"]*)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        assert name is not None
        if 'type="checkbox"' not in tag:
            fields[name[1]] = _text(value[1] if value else "")
        elif " checked" in tag and value is not None:
            fields.setdefault(name[1], []).append(value[1])
    for name_, text in re.findall(
        r'<textarea[^>]*name="([^"]*)"[^>]*>(.*?)</textarea>', form, re.S
    ):
        fields[name_] = _text(text).replace("\n", "\r\n")
    selected = re.search(r'<option value="(\w+)" selected', form)
    assert selected is not None
    return {**fields, "status": selected[1]}


def _text(html: str) -> str:
    from html import unescape

    return unescape(html)


async def test_the_form_saved_untouched_changes_nothing(product: Product) -> None:
    guide = await product.guide()
    listed = await product.page(guide)
    ids = re.findall(r'href="/console/catalogue/([a-z0-9-]+)"', listed.text)
    assert len(ids) > 40
    for service_id in ids:
        page = await product.page(guide, f"/{service_id}")
        saved = await product.submit(guide, f"/{service_id}", form_of(page.text))
        assert saved.headers["location"].endswith("saved=nothing"), service_id


async def test_a_guide_edits_with_the_form_alone(product: Product) -> None:
    guide = await product.guide(name="Anna")
    form = form_of((await product.page(guide, f"/{OWN}")).text)
    form |= {
        "phones.0.number": "08-465 004 98",
        "phones.1.number": "08-465 004 97",
        "phones.1.label.sv": "Kvällar",
        "schedules.0.byday": ["MO", "TU"],
        "schedules.0.opens_at": "09:00",
        "schedules.0.closes_at": "15:30",
        "alert.sv": "Stängt i juli.",
        "alert.en": "Closed in July.",
        "review_due": "2027-12-01",
        "note": "Ringde & frågade <dem>",
    }
    saved = await product.submit(guide, f"/{OWN}", form)
    assert saved.status_code == 303
    changed = (await entry(product, guide))["entry"]
    assert [phone["number"] for phone in changed["phones"]] == ["08-465 004 98", "08-465 004 97"]
    assert changed["phones"][1]["label"] == {"sv": "Kvällar"}
    assert changed["schedules"][0]["byday"] == ["MO", "TU"]
    assert changed["alert"] == {"sv": "Stängt i juli.", "en": "Closed in July."}
    page = (await product.page(guide, f"/{OWN}?saved=changes")).text
    for words in (
        "Sparat.",
        "Historik",
        "Anna",
        "Ringde &amp; frågade &lt;dem&gt;",
        "Nu: sv: Stängt i juli.",
        "Nu: må ti 09:00–15:30",
    ):
        assert words in page


async def test_a_refused_form_says_why_and_keeps_what_was_written(product: Product) -> None:
    guide = await product.guide()
    form = form_of((await product.page(guide, f"/{OWN}")).text)
    form |= {"url": "www.example.org", "summary.sv": "Nya ord som inte ska gå förlorade."}
    refused = await product.submit(guide, f"/{OWN}", form)
    assert refused.status_code == 422
    assert "Webbadress" in refused.text
    assert "Nya ord som inte ska gå förlorade." in refused.text
    assert (await entry(product, guide))["history"] == []


async def test_a_form_that_another_page_made_is_refused(product: Product) -> None:
    guide, other = await product.guide(), await product.guide()
    form = form_of((await product.page(guide, f"/{OWN}")).text)
    foreign = form_of((await product.page(other, f"/{OWN}")).text)["token"]
    for token in ("", "x", foreign):
        for path in ("", "/wrong", "/hide"):
            sent = await product.submit(guide, f"/{OWN}{path}", {**form, "token": token})
            assert sent.status_code == 401
    assert (await entry(product, guide))["history"] == []


async def test_the_buttons_beside_the_form_mark_and_hide(product: Product) -> None:
    guide = await product.guide()
    token = form_of((await product.page(guide, f"/{OWN}")).text)["token"]
    for action in ("wrong", "hide"):
        sent = await product.submit(guide, f"/{OWN}/{action}", {"token": token, "note": action})
        assert sent.status_code == 303
    assert "dold" in (await product.page(guide, f"/{OWN}")).text
    found = await entry(product, guide)
    assert [change["note"] for change in found["history"]] == ["hide", "wrong"]
    refused = await product.submit(guide, f"/{CENTRE}/hide", {"token": token})
    assert refused.status_code == 409
    assert "hänvisar" in refused.text


async def test_the_web_process_shows_a_change_without_a_restart(product: Product) -> None:
    guide = await product.guide("sollentuna")
    await product.put(guide, "sollentuna-socialjour", phones=[{"number": "08-465 004 96"}])
    deadline = time.monotonic() + PATIENCE
    while "sollentuna-socialjour" not in remembered(product.settings).entries:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    restarted = create_app(product.settings, product.url.replace("host=", "host=/nowhere"))
    async with restarted.router.lifespan_context(restarted):
        known = restarted.state.doors.catalogue.services["sollentuna-socialjour"]
    assert known.phones[0].number == "08-465 004 96"


# --- search, with the real child process


@dataclass
class RunningWorker:
    """A worker process; a turn is waited for."""

    product: Product
    process: subprocess.Popen[bytes]
    log: Path

    async def take_turn(self) -> None:
        while (await self.product.client.get("/ready")).json()["parts"]["waiting"]:
            assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
            await asyncio.sleep(0.02)

    async def has_logged(self, event: str) -> str:
        """What was logged up to the event."""
        deadline = time.monotonic() + PATIENCE
        while event not in (logged := self.log.read_text(encoding="utf-8")):
            assert time.monotonic() < deadline, logged
            await asyncio.sleep(0.1)
        return logged


@pytest.fixture
def worker_process(own_product: Product, tmp_path: Path) -> Iterator[RunningWorker]:
    settings = own_product.settings
    environment = {
        **os.environ,
        "LOTSA_DATABASE_URL": own_product.url,
        "LOTSA_DATA": str(settings.data),
        "LOTSA_ARTIFACTS": str(settings.artifacts),
        "LOTSA_LEASE": "60",
        "LOTSA_UNDERSTAND_TIMEOUT": "20",
    }
    command = [sys.executable, "-m", "channels.cli", "worker"]
    log = tmp_path / "worker.log"
    with log.open("wb") as file:
        process = subprocess.Popen(command, env=environment, stderr=file)
    yield RunningWorker(own_product, process, log)
    for child in psutil.Process(process.pid).children(recursive=True):
        child.kill()
    process.kill()
    process.wait()


async def cards(new_parent: NewParent) -> list[dict[str, Any]]:
    """What a parent is suggested who says the phrase and skips every question."""
    parent = await new_parent("demokommun")
    said = await parent.say(PHRASE)
    for _ in range(8):
        shown: list[dict[str, Any]] = [card for m in said for card in m.get("cards", [])]
        if shown or not said:
            break
        assert "utter_fixed" not in [message["reply_id"] for message in said]
        said = await parent.choose("intent:skip")
    return shown


async def card_with(new_parent: NewParent, words: str) -> float:
    """Seconds until a parent is shown the entry with these words."""
    started = time.monotonic()
    while time.monotonic() - started < PATIENCE:
        if any(words in card["what"] for card in await cards(new_parent)):
            return time.monotonic() - started
    raise AssertionError(f"no card says: {words}")


async def test_search_follows_an_edit_and_a_broken_build_keeps_what_worked(
    own_product: Product, worker_process: RunningWorker
) -> None:
    product, target = own_product, "demo-anhorigkonsulent"
    worker: Any = worker_process
    new_parent, guide = NewParent(product.client, worker), await product.guide()
    await worker_process.has_logged("models_loaded")
    assert target not in [card["service_id"] for card in await cards(new_parent)]
    summary = {"sv": "Samtal om kuvert och skulder."}
    await product.put(guide, target, summary=summary, parent_says=[PHRASE])
    assert await card_with(new_parent, "Samtal om kuvert") < 60
    good = read_edits(product.settings.artifacts / "catalogue" / LAST_GOOD)
    assert set(good.entries) == {target}

    lock = product.settings.artifacts / "catalogue" / BUILDING
    lock.unlink()
    lock.mkdir()  # nothing can be built any more
    await product.put(guide, target, summary={"sv": "Det här ska inte nå fram."})
    logged = await worker_process.has_logged("catalogue_reload_failed")
    assert "nå fram" not in logged
    assert any("Samtal om kuvert" in card["what"] for card in await cards(new_parent))
    await _a_new_child_serves_what_worked(product, good)

    lock.rmdir()
    await product.put(guide, target, summary={"sv": "Nu går det igen."})
    await card_with(new_parent, "Nu går det igen.")


async def _a_new_child_serves_what_worked(product: Product, good: Edits) -> None:
    reader = Reader(product.settings.artifacts, 20.0, remembered(product.settings))
    try:
        await reader.start()
        assert reader.edits == good
        found = await reader.find("demokommun", Wanted(PHRASE, "sv", {"economy_housing": 1.0}))
        assert found
    finally:
        reader.stop()
