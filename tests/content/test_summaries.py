"""Every parent can read what the support near her is, in her own language."""

from __future__ import annotations

import re

import pytest
import yaml

from bot.content import CONTENT, REQUIRED
from knowledge.catalogue import DATA, Catalogue
from knowledge.summaries import SUMMARIES

LISTED = yaml.safe_load((CONTENT / "languages.yml").read_text(encoding="utf-8"))
OWN = ("sv", "en")  # stand in the entries themselves
FULL = sorted(c for c, known in LISTED.items() if known["status"] != REQUIRED and c not in OWN)
LAYERS = ("national", "strangnas", "sollentuna")
WRITTEN = sorted(path.stem for path in (DATA / SUMMARIES).glob("*.yml") if path.stem in LISTED)
PHONE = re.compile(r"\d[\d –-]{3,}\d")
LONGEST = 3.0  # times the letters of the Swedish


@pytest.mark.parametrize("language", FULL)
def test_what_exists_in_the_whole_country_and_in_two_municipalities_is_said(
    catalogue: Catalogue, language: str
) -> None:
    missing = [
        service.id
        for service in catalogue.services.values()
        if service.layer in LAYERS and service.is_suggestible
        if language not in catalogue.summary(service)
    ]
    assert missing == []


def test_a_file_of_summaries_is_of_a_language_parents_write_in() -> None:
    files = {path.stem for path in (DATA / SUMMARIES).glob("*.yml")}
    assert files - set(LISTED) == {"written_from"}


@pytest.mark.parametrize("language", WRITTEN)
def test_a_summary_calls_no_number_that_the_swedish_lacks(
    catalogue: Catalogue, language: str
) -> None:
    for service_id, text in catalogue.summaries.texts[language].items():
        service = catalogue.services[service_id]
        known = [service.summary["sv"], *(phone.number for phone in service.phones)]
        for number in (n for n in PHONE.findall(text) if len(re.sub(r"\D", "", n)) > 5):
            assert any(number in one for one in known), (service_id, number)


@pytest.mark.parametrize("language", WRITTEN)
def test_a_summary_is_about_as_long_as_the_swedish(catalogue: Catalogue, language: str) -> None:
    for service_id, text in catalogue.summaries.texts[language].items():
        swedish = catalogue.services[service_id].summary["sv"]
        assert 12 <= len(text) <= LONGEST * len(swedish) + 60, (service_id, text)


@pytest.mark.parametrize("language", WRITTEN)
def test_the_first_line_says_that_nobody_outside_has_read_it(language: str) -> None:
    path = DATA / SUMMARIES / f"{language}.yml"
    assert path.read_text(encoding="utf-8").startswith(
        "# Machine-written, not yet read by a person"
    )
