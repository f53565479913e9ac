"""A kind of support that nobody offers in a municipality is told, not made up."""

from __future__ import annotations

import pytest

from knowledge.gaps import gaps
from tests.knowledge.small_catalogue import Folder


def test_a_kind_without_any_entry_is_a_gap(folder: Folder) -> None:
    found = gaps(folder.put().catalogue(), "ekby")
    assert "habilitering" in found.nowhere
    assert "skolsocialt_team" not in found.nowhere


def test_a_kind_that_only_the_nation_offers_is_told_apart(folder: Folder) -> None:
    folder.put("national", id="nationell", kinds=["elevhalsa"]).put()
    found = gaps(folder.catalogue(), "ekby")
    assert found.national_only == ("elevhalsa",)


def test_what_was_only_proposed_does_not_fill_a_gap(folder: Folder) -> None:
    folder.put(status="proposed")
    assert "skolsocialt_team" in gaps(folder.catalogue(), "ekby").nowhere


def test_an_unknown_municipality_has_no_report(folder: Folder) -> None:
    with pytest.raises(KeyError):
        gaps(folder.put().catalogue(), "nowhere")
