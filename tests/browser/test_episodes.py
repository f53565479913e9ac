"""From first to last in Chromium: a silent guide, an opening without a claim, a visit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import episodes
from tests.browser.conftest import NewPage
from tests.browser.episodes import TOWN, nothing
from tests.browser.product import Product, running_product
from tests.browser.seen import sideways, violations

DESK = {"viewport": {"width": 1280, "height": 800}}


@pytest.fixture(scope="module")
def product(artifacts: Path) -> Iterator[Product]:
    with running_product() as running:
        running.add_guide("anna", "Anna", TOWN)
        running.add_guide("rut", "Rut", TOWN, roles="auditor")
        yield running


def test_a_silent_guide_loses_the_conversation_and_the_parent_is_told(
    new_page: NewPage, product: Product
) -> None:
    episodes.silent(new_page(), new_page(**DESK), product, nothing)


def test_of_two_who_press_at_once_one_gets_it_and_the_other_goes_on_reading_why(
    new_page: NewPage, product: Product
) -> None:
    product.add_guide("bo", "Bo", TOWN)
    episodes.contested(new_page(), new_page(**DESK), new_page(**DESK), nothing)


def test_opening_without_a_claim_asks_why_and_is_seen_by_auditor_and_parent(
    new_page: NewPage,
) -> None:
    episodes.break_glass(new_page(), new_page(**DESK), new_page(**DESK), nothing)


def test_a_visit_with_an_interpreter_is_booked_and_confirmed(new_page: NewPage) -> None:
    parent, guide = new_page(), new_page(**DESK)
    episodes.meeting(parent, guide, nothing)
    assert violations(parent) == []
    assert sideways(parent) == 0
