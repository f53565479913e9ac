"""What a guide decided about a report of concern: a log of decisions without the family in it.

Whoever works for a municipality with children must report to the social services at once when a
child may come to harm (anmälningsskyldigheten, socialtjänstlagen 2025:400). A person decides;
the program shows the routine and writes down that somebody did.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args
from uuid import UUID

from bot.database import Connection
from knowledge.catalogue import Catalogue, Municipality, Service

Decision = Literal["reports", "asks_first", "does_not_report"]
DECISIONS: tuple[Decision, ...] = get_args(Decision)
STEPS = ("heard", "now", "told", "asked", "called", "written")
RECEIVERS = ("socialtjanst_mottagning_barn_familj", "socialjour")  # by day, at other times


@dataclass(frozen=True, slots=True)
class Decided:
    """One row of the log."""

    guide_name: str
    decision: Decision
    steps: Sequence[str]
    decided_at: dt.datetime


async def decide(
    connection: Connection,
    *,
    municipality: str,
    handoff: UUID,
    guide: UUID,
    decision: Decision,
    steps: Sequence[str],
) -> None:
    """Write down what was decided; rows are added, never changed."""
    await connection.execute(
        "INSERT INTO concern_decisions (municipality, handoff_id, guide_id, decision, steps) "
        "VALUES (%s, %s, %s, %s, %s)",
        [municipality, handoff, guide, decision, [one for one in STEPS if one in steps]],
    )


async def decided_on(connection: Connection, handoff: UUID) -> list[Decided]:
    """What was decided in a stretch, oldest first."""
    cursor = await connection.execute(
        "SELECT c.*, g.name FROM concern_decisions c JOIN guides g ON g.id = c.guide_id "
        "WHERE c.handoff_id = %s ORDER BY c.id",
        [handoff],
    )
    return [
        Decided(row["name"], row["decision"], row["steps"], row["decided_at"])
        for row in await cursor.fetchall()
    ]


def receivers(catalogue: Catalogue, municipality: Municipality) -> list[Service]:
    """Who receives a report here: by day and at other times, the nearest of each."""
    order = municipality.layers
    found = []
    for kind in RECEIVERS:
        fitting = [
            one
            for one in catalogue.services.values()
            if kind in one.kinds and one.layer in order and one.is_suggestible
        ]
        found += sorted(fitting, key=lambda one: order.index(one.layer))[:1]
    return found
