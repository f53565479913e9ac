"""Fixtures of the tests of the doors."""

from __future__ import annotations

import httpx
import pytest

from tests.channels.people import NewPerson


@pytest.fixture
def new_person(client: httpx.AsyncClient, database_url: str) -> NewPerson:
    return NewPerson(client, database_url)
