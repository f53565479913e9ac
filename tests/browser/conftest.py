"""The running product, a browser, and pages of separate people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from tests.browser.product import (
    CHROMIUM,
    PATIENCE,
    Product,
    running_browser,
    running_product,
)

HERE = Path(__file__).parent


class NewPage(Protocol):
    def __call__(self, **options: Any) -> Page: ...


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here drives a browser, and is skipped where there is none."""
    reason = f"{CHROMIUM} is missing: apt-get install chromium"
    expect.set_options(timeout=PATIENCE)
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.skipif(not CHROMIUM.is_file(), reason=reason))


@pytest.fixture(scope="package")
def product(artifacts: Path) -> Iterator[Product]:
    with running_product() as running:
        yield running


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with running_browser() as running:
        yield running


@pytest.fixture
def new_page(product: Product, browser: Browser) -> Iterator[NewPage]:
    """Pages of separate people. Whatever they do, no other host is asked and no script fails."""
    contexts: list[BrowserContext] = []
    asked: list[str] = []
    faults: list[str] = []

    def note(request: Request) -> None:
        if urlsplit(request.url).scheme in ("http", "https"):
            asked.append(request.url)

    def make(**options: Any) -> Page:
        settings = {"base_url": product.address, "locale": "sv-SE", **options}
        context = browser.new_context(**settings)
        context.set_default_timeout(PATIENCE)
        context.on("request", note)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        return page

    yield make
    for context in contexts:
        context.close()
    assert [url for url in asked if not url.startswith(product.address + "/")] == []
    assert faults == []


@pytest.fixture(scope="package")
def guide_login(product: Product) -> str:
    login = f"anna-{uuid4().hex[:6]}"
    product.add_guide(login)
    return login
