"""No malformed request breaks the product; `make malformed` sends 10,000."""

from __future__ import annotations

import httpx

from bot.settings import Settings
from channels.app import create_app
from tests.security.malformed import bombard


async def test_malformed_requests_are_refused_in_one_shape(
    client: httpx.AsyncClient, test_settings: Settings, database_url: str
) -> None:
    paths = create_app(test_settings, database_url).openapi()["paths"]
    found = await bombard(client, paths, 400, seed=3)
    assert found.faults == []
    assert found.sent >= 400
