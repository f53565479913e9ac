"""What schemathesis makes of the published OpenAPI breaks nothing; `make malformed` sends more."""

from __future__ import annotations

import httpx
import pytest

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


@pytest.mark.parametrize("path", ["/tid/%00", "/chat/%00", "/stod/demokommun/%00", "/api/%00"])
async def test_a_path_that_no_text_can_hold_is_unknown(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert set(answer.json()["error"]) == {"code", "message", "hint"}
