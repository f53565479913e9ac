"""The chat on somebody else's site: who may frame it, and in which colours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from bot.settings import Settings
from channels.app import create_app
from channels.doors import explained
from channels.themes import ThemeError, base_tokens, check, contrast, load_themes

WIDGET = Path("channels/static/widget.js")
SITE = "https://www.strangnas.example"


@pytest.fixture(scope="module")
async def framed(test_settings: Settings, database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """The product where one municipality's site may show the chat."""
    allowed = test_settings.model_copy(update={"widget_origins": {"strangnas": [SITE]}})
    app = create_app(allowed, database_url)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://lotsa") as http:
            yield http


async def ancestors(client: httpx.AsyncClient, path: str) -> str:
    policy = (await client.get(path)).headers["content-security-policy"]
    return policy.partition("frame-ancestors ")[2]


async def test_no_site_may_frame_the_chat_by_default(client: httpx.AsyncClient) -> None:
    assert await ancestors(client, "/chat/strangnas") == "'none'"


async def test_only_the_sites_of_the_municipality_may_frame_its_chat(
    framed: httpx.AsyncClient,
) -> None:
    for path in ("/chat/strangnas", "/chat/strangnas/utan-skript", "/chat/strangnas/verktyg"):
        assert await ancestors(framed, path) == SITE
    assert await ancestors(framed, "/chat/sollentuna") == "'none'"
    assert await ancestors(framed, "/") == "'none'"
    assert await ancestors(framed, "/console/login") == "'none'"


async def test_the_page_speaks_to_no_origin_but_an_allowed_one(framed: httpx.AsyncClient) -> None:
    allowed = await framed.get("/chat/strangnas", params={"widget": SITE})
    assert f'data-host="{SITE}"' in allowed.text
    for other in ("https://evil.example", "*", "null", SITE + "/", SITE.upper()):
        answer = await framed.get("/chat/strangnas", params={"widget": other})
        assert "data-host" not in answer.text, other


@pytest.mark.parametrize(
    "origin", ["*", "https://*.example.se", "https://a.se/path", "a.se", "https://a.se; script-src"]
)
def test_what_is_no_origin_is_refused_at_the_start(origin: str) -> None:
    with pytest.raises(ValidationError):
        Settings(widget_origins={"strangnas": [origin]})


def test_the_widget_is_small_and_stores_and_loads_nothing() -> None:
    source = WIDGET.read_text(encoding="utf-8")
    assert len(source.encode()) <= 10 * 1024
    for word in ("innerHTML", "eval(", "cookie", "Storage", "fetch(", "import", '"*"'):
        assert word not in source, word


async def test_the_demo_page_allows_neither_inline_script_nor_inline_style(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/demo/widget")
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "frame-src 'self'" in policy
    assert "style=" not in answer.text
    assert answer.text.count("<script") == 1


async def test_a_municipality_has_its_own_colours_and_another_does_not(
    client: httpx.AsyncClient,
) -> None:
    own = await client.get("/chat/demokommun")
    assert '/theme/demokommun.css"' in own.text
    sheet = await client.get("/theme/demokommun.css")
    assert sheet.headers["content-type"].startswith("text/css")
    assert "--brand:" in sheet.text
    assert "/theme/" not in (await client.get("/chat/strangnas")).text
    assert (await client.get("/theme/strangnas.css")).status_code == 404


def test_every_theme_and_our_own_colours_contrast_enough() -> None:
    assert load_themes()
    for tokens in base_tokens():
        check("lotsa", tokens)


def test_contrast_is_counted_as_wcag_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_a_theme_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    themes = tmp_path / "themes.yml"
    themes.write_text('orust:\n  light: {brand: "#88ccff"}\n', encoding="utf-8")
    with pytest.raises(ThemeError, match="orust"):
        load_themes(themes)


def test_a_word_of_the_glossary_in_a_message_comes_with_its_explanation() -> None:
    text = "Be skolan om en SIP. En SIP är ett möte."
    [term] = explained(text, "sv")
    assert text[term["start"] : term["end"]] == "SIP"
    assert len(term["explanation"]) > 20
    assert explained(text, "ckb") == ()
