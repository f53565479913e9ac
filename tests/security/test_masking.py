"""What identifies somebody is masked however it is written, and is in no log, metric or tracker."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest

from bot.log import configure_logging, get_log
from bot.privacy import mask
from knowledge.catalogue import Catalogue
from tests.conftest import NewParent
from tests.security.spellings import KINDS, spellings

EACH = 8_000
CANARIES = {
    "personal_number": "19850412-4438",
    "phone": "070-998 87 76",
    "email": "kanarie.fagel@exempel.se",
    "address": "Kanariegatan 17",
}
LEFT = re.compile(r"\d{4}|@")


@pytest.mark.parametrize("kind", list(KINDS))
def test_forty_thousand_spellings_are_masked(kind: str) -> None:
    missed = []
    for identifier, text in spellings(kind, EACH):
        masked = mask(text)
        rest = re.sub(r"\[\w+\]", "", masked.text).replace(" ", "")
        if not masked.kinds or identifier in masked.text or LEFT.search(rest):
            missed.append(text)
    assert missed == []


def test_at_most_one_catalogue_text_in_a_hundred_is_touched(catalogue: Catalogue) -> None:
    texts = [t for s in catalogue.services.values() for t in (*s.summary.values(), *s.parent_says)]
    assert len([text for text in texts if mask(text).kinds]) <= len(texts) / 100


@pytest.mark.parametrize("number", ["٠٧٠١٢٣٤٥٦٧", "۱۹۸۵۰۴۱۲-۴۴۳۸", "０７０1234567"])
def test_digits_of_other_scripts_are_masked(number: str) -> None:
    assert mask(f"nr {number}").kinds


def test_text_without_identifiers_keeps_its_own_digits() -> None:
    assert mask("ابني عمره ١٣ سنة").text == "ابني عمره ١٣ سنة"


async def test_no_canary_is_in_a_log_metric_or_tracker_also_where_things_go_wrong(
    new_parent: NewParent, capfd: Any, caplog: pytest.LogCaptureFixture
) -> None:
    configure_logging("DEBUG")
    try:
        with caplog.at_level(logging.DEBUG):
            parent = await new_parent("demokommun")
            for canary in (*CANARIES.values(), "ordkanariexyz"):
                await parent.say(f"hej {canary} min son skadar sig själv")
            await parent.client.post(
                f"{parent.url}/messages", json={"id": 1, "text": [CANARIES["email"]]}
            )
            await parent.client.post(f"{parent.url}/messages", content=b'{"ordkanariexyz')
            await parent.client.get(f"/stod/demokommun?q={CANARIES['email']}")
            get_log().error("test_line")
            metrics = (await parent.client.get("/metrics")).text
    finally:
        configure_logging("INFO")
    out, err = capfd.readouterr()
    assert "test_line" in err
    # The client of the test logs addresses; it is no part of the product.
    logged = [r.getMessage() for r in caplog.records if not r.name.startswith("http")]
    told = out + err + "\n".join(logged) + metrics
    state = await parent.worker._ledger.dialogue_state(_uuid(parent.conversation))
    told += str(state)
    for canary in (*CANARIES.values(), "ordkanariexyz"):
        assert canary not in told


def _uuid(text: str) -> Any:
    from uuid import UUID

    return UUID(text)
