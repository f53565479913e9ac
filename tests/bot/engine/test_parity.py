"""Rasa as it runs here decides as the stock release does."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from bot.engine.engine import Engine
from tests.bot.engine.stub import StubActions, Talk, train

PARITY = Path(__file__).parent / "parity"


@pytest.fixture(scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    work = tmp_path_factory.mktemp("parity")
    return await Engine.load(train(PARITY, work), StubActions())


async def test_no_turn_differs_from_conversations_recorded_from_stock_rasa(engine: Engine) -> None:
    recorded = gzip.decompress((PARITY / "conversations.jsonl.gz").read_bytes()).decode()
    differing, compared = [], 0
    for number, line in enumerate(recorded.splitlines()):
        talk = Talk(engine)
        for turn, expected in enumerate(json.loads(line)):
            replies = await talk.say(expected["intent"], **expected["entities"])
            slots = {k: v for k, v in talk.decision.slots.items() if v is not None}
            compared += 1
            found = (replies, talk.decision.active_loop, slots)
            if found != (expected["replies"], expected["loop"], expected["slots"]):
                differing.append((number, turn))
    assert compared == 2100
    assert differing == []
