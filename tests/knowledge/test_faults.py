"""What is wrong in a file is said in the words that belong to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from knowledge.exchange import import_entries
from knowledge.hsds import document
from tests.knowledge.small_catalogue import Folder, service


@pytest.mark.parametrize(
    ("wrong", "problem", "what_to_do"),
    [
        ({"phones": [{"number": "växeln"}]}, "växeln är inte ett telefonnummer.", "0152-291 00"),
        ({"url": "example.org"}, "example.org är inte en webbadress.", "https://"),
        ({"lotsa_id": "Å Ä"}, "Id Å Ä har tecken som inte kan användas.", "små bokstäver"),
    ],
)
def test_what_has_the_wrong_form_is_said_to_be_what_it_is(
    wrong: dict[str, Any], problem: str, what_to_do: str, folder: Folder, tmp_path: Path
) -> None:
    catalogue = folder.put().catalogue()
    content = document([service()], catalogue)
    content["services"][0] |= wrong
    path = tmp_path / "poster.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    (found,) = import_entries(path, catalogue, lambda _: None).faults
    assert found.problem == problem
    assert what_to_do in found.what_to_do
