"""A small catalogue in a temporary folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.knowledge.small_catalogue import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)
