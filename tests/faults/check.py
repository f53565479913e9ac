"""What must be true after any number of faults."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from bot.database import Connection, connect
from bot.privacy import Seal
from tests.faults.load import Load
from tests.faults.rig import Rig, one

PATIENCE = 180.0  # seconds to answer what waits; the machine is shared
WAITING = "SELECT count(*) FROM messages WHERE provider_id IS NOT NULL AND done_at IS NULL"
BY_ENGINE = ("answered", "asked", "clarified", "no_match", "out_of_scope", "handed_off")


@dataclass(frozen=True)
class Verdict:
    """Counts; all but the first two must be 0."""

    accepted: int
    answered: int
    lost: int
    doubled: int
    reordered: int
    apart: int  # turns whose words and dialogue state do not belong together
    danger_unanswered: int

    @property
    def is_clean(self) -> bool:
        faults = self.lost + self.doubled + self.reordered + self.apart + self.danger_unanswered
        return faults == 0 and self.accepted == self.answered > 0


async def drained(rig: Rig) -> None:
    """Returns when nothing waits, or patience is over: then it counts as lost."""
    deadline = time.monotonic() + PATIENCE
    while await one(rig.url, WAITING) and time.monotonic() < deadline:
        await asyncio.sleep(0.3)


async def judged(rig: Rig, load: Load) -> Verdict:
    """Reads the ledger beside what the parents know was accepted."""
    async with await connect(rig.url) as connection:
        answered = {row["provider_id"] for row in await _rows(connection, _ANSWERED)}
        lost = set(load.accepted) - answered
        twice = await _rows(connection, _STORED_TWICE) + await _rows(connection, _ANSWERED_TWICE)
        return Verdict(
            accepted=len(load.accepted),
            answered=len(answered & set(load.accepted)),
            lost=len(lost),
            doubled=len(twice),
            reordered=len(await _rows(connection, _OVERTAKEN)),
            apart=await _apart(connection, Seal.from_file(rig.folder / "keys" / "text.key")),
            danger_unanswered=len(await _rows(connection, _DANGER_UNANSWERED)),
        )


async def _apart(connection: Connection, seal: Seal) -> int:
    """Turns with an engine's answer and no trace in the tracker, or a trace and no such answer."""
    told: set[tuple[object, str]] = set()
    events = "SELECT conversation_id, sealed_event FROM tracker_events"
    for row in await _rows(connection, events):
        event = seal.open(row["sealed_event"])  # type: ignore[arg-type]
        if event.get("event") == "user":
            told.add((row["conversation_id"], str(event.get("text"))))
    done: set[tuple[object, str]] = set()
    either: set[tuple[object, str]] = set()
    for row in await _rows(connection, _TURNS):
        key = (row["conversation_id"], f"message:{row['seq']}")
        (either if row["acute"] else done if row["outcome"] in BY_ENGINE else set()).add(key)
    return len((told ^ done) - either)


async def _rows(connection: Connection, query: str) -> list[dict[str, object]]:
    cursor = await connection.execute(query.encode())
    return await cursor.fetchall()


_ANSWERED = """
SELECT m.provider_id FROM messages m WHERE m.author = 'parent' AND m.done_at IS NOT NULL
    AND EXISTS (SELECT 1 FROM messages a WHERE a.answers = m.id)
    AND EXISTS (SELECT 1 FROM outcomes o WHERE o.message_id = m.id)
"""
_STORED_TWICE = """
SELECT provider_id FROM messages WHERE provider_id IS NOT NULL
GROUP BY channel, provider_id HAVING count(*) > 1
"""
# Answers of one message that were stored by different transactions; danger is answered at the door
# and may be followed by what the engine says.
_ANSWERED_TWICE = """
SELECT answers FROM messages WHERE answers IS NOT NULL AND NOT acute
GROUP BY answers HAVING count(DISTINCT xmin::text) > 1
"""
_OVERTAKEN = """
SELECT * FROM (
    SELECT answers, lag(answers) OVER (PARTITION BY conversation_id ORDER BY seq) AS before
    FROM messages WHERE answers IS NOT NULL AND NOT acute) AS pairs
WHERE before > answers
"""
_TURNS = """
SELECT m.conversation_id, m.seq, m.acute, o.outcome
FROM outcomes o JOIN messages m ON m.id = o.message_id
"""
_DANGER_UNANSWERED = """
SELECT id FROM messages m WHERE author = 'parent' AND acute
    AND NOT EXISTS (SELECT 1 FROM messages a WHERE a.answers = m.id AND a.acute)
"""
