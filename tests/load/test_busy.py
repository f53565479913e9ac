"""A small busy day: everything is answered, once; how fast is for `make load` to say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.product import running_product
from tests.load.busy import keep_busy, report


@pytest.mark.load
async def test_every_message_of_many_open_chats_is_answered_and_nothing_is_shown_twice(
    artifacts: Path,
) -> None:
    with running_product() as product:
        found = report(await keep_busy(product.address, number=20, a_second=2.0, seconds=5.0))
    assert found["messages"] == 10
    assert (found["refused"], found["unanswered"], found["shown_twice"]) == (0, 0, 0)
