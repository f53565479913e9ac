"""Headers of every sort of answer are those of the golden file, and no page needs inline code."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
import yaml

from bot.settings import PROJECT
from tests.conftest import NewGuide

GOLDEN = PROJECT / "tests" / "security" / "headers.yml"
PAGES = [
    "/",
    "/chat/demokommun",
    "/chat/demokommun/verktyg",
    "/stod/demokommun",
    "/stod/demokommun?q=hej",
    "/ordlista",
    "/console/login",
    "/chat/nowhere",
]
INLINE = re.compile(
    r"<style|\sstyle\s*=|\son\w+\s*=|javascript:|<script(?![^>]*\ssrc=)[^>]*>(?!\s*</script>)", re.I
)
# JSON that a script reads is data, not code.
DATA = re.compile(r'<script[^>]*type="application/(?:ld\+)?json"[^>]*>.*?</script>', re.S)


def golden() -> dict[str, dict[str, Any]]:
    known: dict[str, dict[str, Any]] = yaml.safe_load(GOLDEN.read_text(encoding="utf-8"))
    return known


@pytest.mark.parametrize("name", list(golden()))
async def test_an_answer_carries_exactly_these_headers(
    client: httpx.AsyncClient, name: str
) -> None:
    expected = golden()[name]
    answer = await client.request(expected["method"], expected["path"])
    found = {k: v for k, v in answer.headers.items() if k not in ("content-length", "etag")}
    found.pop("last-modified", None)
    assert answer.status_code == expected["status"]
    assert found == expected["headers"]


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_has_nothing_inline(client: httpx.AsyncClient, path: str) -> None:
    page = DATA.sub("", (await client.get(path)).text)
    assert INLINE.findall(page) == []


async def test_the_console_has_nothing_inline(new_guide: NewGuide) -> None:
    guide = await new_guide("demokommun")
    for path in ("/console", "/console/catalogue"):
        answer = await guide.client.get(path, headers=guide._headers)
        assert answer.status_code == 200
        assert INLINE.findall(DATA.sub("", answer.text)) == []


def test_no_script_writes_markup_or_evaluates_text() -> None:
    unsafe = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    )
    for path in (PROJECT / "channels" / "static").glob("*.js"):
        assert unsafe.findall(path.read_text(encoding="utf-8")) == [], path.name
