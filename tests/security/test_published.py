"""What schemathesis makes of the published OpenAPI breaks nothing; `make malformed` sends more."""

from __future__ import annotations

import httpx

from bot.settings import Settings
from channels.app import create_app
from tests.security.published import bombard_published

EACH = 2


async def test_requests_made_from_the_description_are_answered_or_refused_in_one_shape(
    client: httpx.AsyncClient, test_settings: Settings, database_url: str
) -> None:
    description = create_app(test_settings, database_url).openapi()
    found = await bombard_published(client, description, EACH)
    assert found.faults == []
    assert found.sent > EACH * len(description["paths"]) / 2
