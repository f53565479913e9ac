"""The public pages of the catalogue and the glossary, over HTTP."""

from __future__ import annotations

import datetime as dt
import logging
import re
from dataclasses import replace
from html import unescape
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from bot.content import Content
from bot.engine.reply import ReplyRequest
from bot.replies import Replies, Setting
from bot.settings import Settings
from channels.app import create_app
from channels.catalogue_pages import situations
from channels.catalogue_words import Words, dialled, first_sentence
from knowledge.catalogue import Catalogue, Criterion, Schedule, Service, WaitTime
from knowledge.glossary import glossary

HTML = {"Accept": "text/html"}
STYLE = re.compile(r"<style|\sstyle=|\son\w+=", re.I)


async def read(client: httpx.AsyncClient, address: str, status: int = 200) -> str:
    answer = await client.get(address, headers=HTML)
    assert answer.status_code == status, address
    return unescape(answer.text)


def words(content: Content, catalogue: Catalogue, language: str = "sv", **changes: Any) -> Words:
    municipality = catalogue.municipalities["strangnas"]
    made = Words(content, catalogue, municipality, language, dt.date(2026, 11, 22))
    return replace(made, **changes)


def changed(catalogue: Catalogue, service_id: str, **fields: Any) -> Service:
    return catalogue.services[service_id].model_copy(update=fields)


# --- Browse ---


async def test_every_entry_of_the_municipality_can_be_browsed_to(
    client: httpx.AsyncClient, catalogue: Catalogue
) -> None:
    for municipality in ("strangnas", "sollentuna", "demokommun"):
        page = await read(client, f"/stod/{municipality}?lang=sv")
        linked = set(re.findall(rf"/stod/{municipality}/([\w-]+)\?", page))
        shown = {s.id for s in catalogue.in_municipality(municipality)}
        assert linked == {s for s in shown if catalogue.services[s].needs != ["out_of_scope"]}


async def test_what_is_only_proposed_is_nowhere(
    client: httpx.AsyncClient, catalogue: Catalogue
) -> None:
    hidden = [s for s in catalogue.services.values() if not s.is_suggestible]
    assert hidden
    page = await read(client, "/stod/strangnas?lang=sv") + await read(client, "/sitemap.xml")
    assert [s.id for s in hidden if f"/{s.id}?" in page] == []


def test_every_need_belongs_to_one_life_situation(catalogue: Catalogue) -> None:
    gathered = [need for needs in situations().values() for need in needs]
    assert sorted(gathered) == sorted(set(catalogue.taxonomy.needs) - {"out_of_scope"})
    assert 8 <= len(situations()) <= 10


def test_every_life_situation_has_its_words(content: Content) -> None:
    for name in situations():
        for language in content.languages:
            assert content.has(language, f"web_stod_situation_{name}")
            assert content.has(language, f"web_stod_situation_{name}_lead")


async def test_the_nearest_support_stands_first(client: httpx.AsyncClient) -> None:
    page = await read(client, "/stod/strangnas?lang=sv&situation=school")
    school = page.split('id="school" open')[1].split("</details>")[0]
    assert school.index("strangnas-skolsocialt-stodteam") < school.index("/elevhalsan?")


async def test_an_age_takes_away_what_is_for_other_ages(client: httpx.AsyncClient) -> None:
    small = await read(client, "/stod/strangnas?lang=sv&age=2")
    teen = await read(client, "/stod/strangnas?lang=sv&age=17")
    assert "barnavardscentralen-bvc" in small
    assert "barnavardscentralen-bvc" not in teen
    assert "kommunala-aktivitetsansvaret" not in small


async def test_a_way_takes_away_what_is_got_another_way(
    client: httpx.AsyncClient, catalogue: Catalogue
) -> None:
    page = await read(client, "/stod/strangnas?lang=sv&access=apply")
    ids = set(re.findall(r"/stod/strangnas/([\w-]+)\?", page))
    paths = {catalogue.services[service].access_path for service in ids}
    assert "lss" in paths
    assert paths <= {"ansokan", "bistand", "lss", "domstol", "okand"}


async def test_odd_parameters_do_no_harm(client: httpx.AsyncClient) -> None:
    for odd in ("age=abc", "age=-1", "age=999", "access=x", "situation=%3Cx%3E", "lang=xx", "q="):
        await read(client, f"/stod/strangnas?{odd}")


# --- Search ---


async def test_a_result_says_why_it_is_there(client: httpx.AsyncClient) -> None:
    page = await read(client, "/stod/strangnas?lang=sv&q=mobbning")
    assert "<mark>" in page
    assert "Ord som stämmer: " in page


async def test_what_is_searched_for_is_shown_as_text(client: httpx.AsyncClient) -> None:
    answer = await client.get(
        "/stod/strangnas", params={"q": '<script>alert(1)</script>"x', "lang": "sv"}
    )
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&#34;x" in answer.text


async def test_danger_in_a_search_shows_112_before_everything(client: httpx.AsyncClient) -> None:
    page = await read(client, "/stod/strangnas?lang=sv&q=min+son+vill+ta+livet+av+sig")
    content = page.split('id="content"')[1]
    assert content.index("tel:112") < content.index('role="search"')
    assert "Ring 112" in content


async def test_a_misspelt_word_is_asked_about(client: httpx.AsyncClient) -> None:
    page = await read(client, "/stod/strangnas?lang=sv&q=skulder+hablitering")
    assert "Menade du skulder habilitering?" in page
    page = await read(client, "/stod/strangnas?lang=sv&q=hablitering")
    assert "Du ser träffar för habilitering." in page


async def test_a_word_of_the_glossary_is_explained_beside_the_results(
    client: httpx.AsyncClient,
) -> None:
    page = await read(client, "/stod/strangnas?lang=sv&q=orosanmälan")
    assert glossary().terms["orosanmalan"].explanation["sv"] in page


async def test_nothing_found_leads_to_a_person_and_the_chat(
    client: httpx.AsyncClient, catalogue: Catalogue
) -> None:
    page = await read(client, "/stod/strangnas?lang=sv&q=bygglov")
    centre = catalogue.services[catalogue.municipalities["strangnas"].contact_centre]
    content = page.split('id="content"')[1]
    assert dialled(centre.phones[0].number) in content
    assert "/chat/strangnas?lang=sv" in content


async def test_a_search_keeps_its_age_and_is_not_indexed(client: httpx.AsyncClient) -> None:
    page = await read(client, "/stod/strangnas?lang=sv&q=skola&age=13")
    assert 'name="robots" content="noindex"' in page
    assert "kommunala-aktivitetsansvaret" not in page
    assert "?lang=en&q=skola&age=13" in page


async def test_what_is_searched_for_is_not_logged(
    client: httpx.AsyncClient, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="bot"):
        await read(client, "/stod/strangnas?lang=sv&q=hemlighetsord")
    out, err = capfd.readouterr()
    logged = [record.getMessage() for record in caplog.records if record.name != "httpx"]
    assert "hemlighetsord" not in out + err + "".join(logged)


# --- One entry ---


async def test_every_entry_has_a_page_in_every_language(
    client: httpx.AsyncClient, catalogue: Catalogue
) -> None:
    for service in catalogue.in_municipality("strangnas"):
        for language in ("sv", "en"):
            page = await read(client, f"/stod/strangnas/{service.id}?lang={language}")
            assert service.name in page
            assert page.count("<h1") == 1


async def test_an_entry_page_says_all_that_is_needed(
    client: httpx.AsyncClient, catalogue: Catalogue
) -> None:
    service = catalogue.services["strangnas-skolsocialt-stodteam"]
    page = await read(client, f"/stod/strangnas/{service.id}?lang=sv")
    for text in (
        "tel:015229100",
        "Du ansöker. Någon beslutar om du får stödet.",
        "Vi vet inte vad det kostar.",
        "Vi vet inte hur lång väntetiden är.",
        "Vi vet inte om du kan få tolk.",
        "Uppgifterna kontrollerades 22 november 2026.",
        "/chat/strangnas?lang=sv",
        'itemtype="https://schema.org/GovernmentService"',
        *(source.title for source in service.sources),
    ):
        assert text in page, text


async def test_a_glossary_word_is_linked_once_on_a_page(
    client: httpx.AsyncClient, catalogue: Catalogue
) -> None:
    for service in list(catalogue.in_municipality("strangnas"))[:40]:
        page = await read(client, f"/stod/strangnas/{service.id}?lang=sv")
        linked = re.findall(r'class="term" href="/ordlista\?lang=sv#([\w-]+)"', page)
        assert len(linked) == len(set(linked))
        assert set(linked) <= set(glossary().terms)


async def test_an_entry_without_a_contact_shows_where_to_begin(
    client: httpx.AsyncClient, catalogue: Catalogue
) -> None:
    without = [
        (municipality.id, service)
        for municipality in catalogue.municipalities.values()
        for service in catalogue.in_municipality(municipality.id)
        if not service.phones and not service.url
    ]
    assert without
    for municipality, service in without[:10]:
        page = await read(client, f"/stod/{municipality}/{service.id}?lang=sv")
        begin = page.split("Börja här i stället")[1].split("</section>")[0]
        assert re.search(rf"tel:|/stod/{municipality}/", begin)


@pytest.mark.parametrize(
    "address",
    [
        "/stod/ingenstans",
        "/stod/ingenstans/bris-116-111",
        "/stod/strangnas/finns-inte",
        "/stod/strangnas/demo-bup",
        "/stod/strangnas/sollentuna-familjeratt",
        "/stod/sollentuna/sormland-bup",
    ],
)
async def test_what_is_not_there_is_404_for_a_reader_and_for_a_program(
    client: httpx.AsyncClient, address: str
) -> None:
    assert "Sidan finns inte" in await read(client, f"{address}?lang=sv", 404)
    answer = await client.get(address)
    assert answer.status_code == 404
    assert set(answer.json()["error"]) == {"code", "message", "hint"}


async def test_what_is_proposed_or_for_staff_has_no_page(
    client: httpx.AsyncClient, catalogue: Catalogue
) -> None:
    hidden = [s for s in catalogue.services.values() if not s.is_suggestible]
    for service in hidden:
        owners = [m.id for m in catalogue.municipalities.values() if service.layer in m.layers]
        for owner in owners[:1]:
            await read(client, f"/stod/{owner}/{service.id}?lang=sv", 404)


def test_a_pilot_is_said_to_be_one(content: Content, catalogue: Catalogue) -> None:
    service = changed(catalogue, "bris-116-111", status="pilot")
    assert words(content, catalogue).card(service)["is_pilot"]


def test_past_its_review_an_entry_says_so_plainly(content: Content, catalogue: Catalogue) -> None:
    service = changed(catalogue, "bris-116-111", review_due=dt.date(2026, 5, 1))
    page = words(content, catalogue).page(service)
    assert page["is_stale"]
    assert "kan vara gamla" in page["verified"]
    assert "1 maj 2026" in page["verified"]


def test_hours_are_said_in_words(content: Content, catalogue: Catalogue) -> None:
    weekdays = Schedule(byday=["MO", "TU", "WE", "TH"], opens_at="10:00", closes_at="15:00")
    split = Schedule(byday=["WE", "SU"], opens_at="18:00", closes_at="23:59")
    always = Schedule(
        byday=["MO", "TU", "WE", "TH", "FR", "SA", "SU"], opens_at="00:00", closes_at="23:59"
    )
    swedish, english = words(content, catalogue), words(content, catalogue, "en")
    assert swedish.hours(weekdays) == "Måndag–torsdag 10.00–15.00"
    assert swedish.hours(split) == "Onsdag och söndag 18.00–24.00"
    assert swedish.hours(always) == "Dygnet runt"
    assert english.hours(weekdays) == "Monday–Thursday 10:00–15:00"


def test_a_waiting_time_has_its_day_and_source(content: Content, catalogue: Catalogue) -> None:
    wait = WaitTime(
        text={"sv": "Ungefär tre veckor."}, measured_on=dt.date(2026, 10, 1), source="Kommunen"
    )
    service = changed(catalogue, "bris-116-111", wait_time=wait)
    facts = {f["label"]: f["value"] for f in words(content, catalogue).facts(service)}
    assert facts["Väntetid"] == "Ungefär tre veckor. Uppgift från 1 oktober 2026: Kommunen."
    assert facts["Vad det kostar"] == "Gratis."


def test_ages_and_further_conditions_are_said(content: Content, catalogue: Catalogue) -> None:
    condition = Criterion(fact="lives_in", is_any=["strangnas"])
    service = changed(
        catalogue, "bris-116-111", minimum_age=7, maximum_age=None, eligibility=[condition]
    )
    who = words(content, catalogue).who(service)
    assert "Barn från 7 år." in who
    assert any("fler villkor" in line for line in who)


def test_a_text_without_translation_is_marked_as_swedish(
    content: Content, catalogue: Catalogue
) -> None:
    service = changed(catalogue, "bris-116-111", summary={"sv": "Bris lyssnar. Ring."})
    card = words(content, catalogue, "en").card(service)
    assert card["lang"] == "sv"
    assert card["summary"] == "Bris lyssnar."
    assert first_sentence("En mening utan slut") == "En mening utan slut"


# --- Glossary, search engines, headers ---


@pytest.mark.parametrize("language", ["sv", "en"])
async def test_the_glossary_has_every_word_with_an_address_of_its_own(
    client: httpx.AsyncClient, language: str
) -> None:
    page = await read(client, f"/ordlista?lang={language}")
    for term in glossary().terms.values():
        assert f'id="{term.id}"' in page
        assert term.explanation[language] in page


async def test_swedish_letters_come_last(client: httpx.AsyncClient) -> None:
    page = await read(client, "/ordlista?lang=sv")
    letters = re.findall(r'class="letter" href="#[\w-]+">(.)<', page)
    assert letters.index("Z" if "Z" in letters else "V") < letters.index("Å") < letters.index("Ö")


async def test_a_page_names_itself_and_its_other_languages(client: httpx.AsyncClient) -> None:
    for path in ("/stod/strangnas", "/stod/strangnas/bris-116-111", "/ordlista"):
        page = await read(client, f"{path}?lang=en")
        assert '<html lang="en" dir="ltr">' in page
        assert f'<link rel="canonical" href="http://lotsa{path}?lang=en">' in page
        assert f'hreflang="sv" href="http://lotsa{path}?lang=sv"' in page
        assert re.search(r'<meta name="description" content=".{40,}">', page)
        assert len(re.findall(r"<title>.+</title>", page)) == 1


async def test_no_page_has_a_script_or_style_of_its_own_or_asks_another_host(
    client: httpx.AsyncClient,
) -> None:
    for path in ("/stod/strangnas", "/stod/strangnas?q=skola", "/stod/strangnas/bup", "/ordlista"):
        answer = await client.get(path, headers=HTML)
        assert not STYLE.search(answer.text), path
        loaded = re.findall(r'(?:src|<link[^>]*rel="stylesheet"[^>]*href)="([^"]+)"', answer.text)
        assert all(address.startswith("/static/") for address in loaded)
        assert "script-src 'self'" in answer.headers["content-security-policy"]


async def test_an_invented_municipality_is_not_for_search_engines(
    client: httpx.AsyncClient,
) -> None:
    page = await read(client, "/stod/demokommun?lang=sv")
    assert "påhittad" in page
    assert 'content="noindex"' in page
    assert "demokommun" not in await read(client, "/sitemap.xml")


async def test_the_sitemap_lists_pages_that_are_there(client: httpx.AsyncClient) -> None:
    answer = await client.get("/sitemap.xml")
    assert answer.headers["content-type"].startswith("application/xml")
    root = ElementTree.fromstring(answer.text)
    space = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
    addresses = [str(one.text) for one in root.findall("s:url/s:loc", space)]
    assert len(addresses) == len(set(addresses)) < 50_000
    for address in addresses[::97]:
        await read(client, address.removeprefix("http://lotsa"))


async def test_robots_may_read_the_catalogue_but_no_conversation(
    client: httpx.AsyncClient,
) -> None:
    robots = (await client.get("/robots.txt")).text
    closed = re.findall(r"Disallow: (\S+)", robots)
    assert {"/api/", "/chat/", "/console"} <= set(closed)
    assert not any("/stod/strangnas".startswith(path) for path in closed)
    assert not any("/ordlista".startswith(path) for path in closed)
    assert "Sitemap: http://lotsa/sitemap.xml" in robots


async def test_the_pages_are_there_without_a_database(
    test_settings: Settings, fresh_database: str
) -> None:
    app = create_app(test_settings, fresh_database.replace("host=", "host=/nowhere"))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://lotsa") as http:
            for path in ("/stod/strangnas", "/stod/strangnas/bup", "/ordlista"):
                assert (await http.get(path, headers=HTML)).status_code == 200


# --- The card in the chat ---


async def test_a_card_leads_to_its_page_and_its_words(
    client: httpx.AsyncClient, replies: Replies, catalogue: Catalogue
) -> None:
    now = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
    setting = Setting(catalogue.municipalities["strangnas"], "sv", now)
    match = {"service_id": "sip", "reasons": []}
    request = ReplyRequest("utter_one_match", {"matches": [match]})
    card = replies.word(request, setting).body["cards"][0]
    assert card["page"] == "/stod/strangnas/sip"
    assert {"id": "sip", "name": "SIP, samordnad individuell plan"} in card["terms"]
    await read(client, card["page"])
    page = await read(client, "/ordlista?lang=sv")
    assert all(f'id="{term["id"]}"' in page for term in card["terms"])
