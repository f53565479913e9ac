"""The console's own pages in a browser: two steps to sign in, by keyboard, without barriers."""

from __future__ import annotations

import pyotp
import pytest
from playwright.sync_api import Browser

from tests.browser.product import PASSWORD, Product
from tests.browser.seen import sideways, violations


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_administrator_signs_in_by_keyboard_and_meets_no_barrier(
    product: Product, browser: Browser, scheme: str
) -> None:
    login = f"chef-{scheme}"
    product.add_guide(login, "Cia", "strangnas", roles="admin,auditor")
    page = browser.new_page(
        base_url=product.address,
        viewport={"width": 360, "height": 740},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page.goto("/console/login")
    page.get_by_label("Kommun").select_option("strangnas")
    page.get_by_label("Användarnamn").fill(login)
    page.get_by_label("Lösenord").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Slå på tvåstegsinloggning").wait_for()
    assert violations(page) == []
    assert sideways(page) == 0
    secret = page.locator(".secret").inner_text().replace(" ", "")
    page.get_by_label("Koden som appen visar").fill(pyotp.TOTP(secret).now())
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Spara dina reservkoder").wait_for()
    assert page.locator(".codes li").count() == 10
    assert violations(page) == []
    for path in ("konton", "revision", "texter?sprak=ar", "konto", "konto/losenord"):
        page.goto(f"/console/{path}")
        assert violations(page) == [], path
        assert sideways(page) == 0, path
    page.close()
