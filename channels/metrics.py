"""Figures for Prometheus: counts and times, never a text, a name or a conversation."""

from __future__ import annotations

from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    disable_created_metrics,
    generate_latest,
)

from bot import handoff_figures
from bot.database import Connection

disable_created_metrics()  # type: ignore[no-untyped-call]
# Since this process started.
_process = CollectorRegistry()
ANSWERS = Counter(
    "lotsa_http_answers", "HTTP answers of this process, by status", ["status"], registry=_process
)
# Read from the database, so the same whichever process is asked: name, help, query.
_QUERIES = (
    (
        "lotsa_waiting_messages",
        "Messages that are not answered yet",
        "SELECT count(*) AS value FROM messages WHERE provider_id IS NOT NULL AND done_at IS NULL",
    ),
    (
        "lotsa_oldest_waiting_seconds",
        "How long the oldest of them has waited",
        "SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0)::float AS value "
        "FROM messages WHERE provider_id IS NOT NULL AND done_at IS NULL",
    ),
    (
        "lotsa_workers",
        "Worker processes that are present",
        "SELECT count(*) AS value FROM pg_stat_activity "
        "WHERE application_name = 'lotsa worker' AND datname = current_database()",
    ),
    (
        "lotsa_open_handoffs",
        "Conversations that wait for a guide or are held by one",
        "SELECT count(*) AS value FROM handoffs WHERE state IN ('requested', 'waiting', 'held')",
    ),
    (
        "lotsa_switched_off",
        "Channels and topics that are switched off",
        "SELECT count(*) AS value FROM switches",
    ),
    (
        "lotsa_turn_milliseconds_p95",
        "95th percentile of a turn's time, last ten minutes",
        "SELECT coalesce(percentile_cont(0.95) WITHIN GROUP (ORDER BY milliseconds), 0)::float "
        "AS value FROM outcomes WHERE created_at > now() - interval '10 minutes'",
    ),
)
# Fields of `Figures`; a figure that nothing was counted for is left out.
_PEOPLE = {
    "requested": "Parents who asked for a person, last 30 days",
    "claimed": "Of them, those a guide took over",
    "expired": "Of them, those nobody took",
    "wait_median": "Median seconds until a guide took over",
    "wait_p80": "80th percentile of seconds until a guide took over",
    "first_response_median": "Median seconds until a guide's first words",
    "first_response_p80": "80th percentile of seconds until a guide's first words",
    "promises_kept": "Promised times that were kept",
    "promises_broken": "Promised times that passed",
    "kept_share": "Kept promises among those put to the test, 0 to 1",
}
_OUTCOMES = (
    "SELECT outcome, count(*) AS value FROM outcomes "
    "WHERE created_at > now() - interval '1 hour' GROUP BY outcome"
)


async def exposition(connection: Connection | None) -> bytes:
    """The text Prometheus reads; without a database only this process's own figures."""
    registry = CollectorRegistry()
    Gauge("lotsa_database_up", "1 when the database is reached", registry=registry).set(
        connection is not None
    )
    if connection is not None:
        for name, documentation, query in _QUERIES:
            row = await _row(connection, query)
            Gauge(name, documentation, registry=registry).set(row["value"])
        turns = Gauge(
            "lotsa_turns_last_hour", "Turns of the last hour", ["outcome"], registry=registry
        )
        cursor = await connection.execute(_OUTCOMES.encode())
        for row in await cursor.fetchall():
            turns.labels(row["outcome"]).set(row["value"])
        await _people(connection, registry)
    return bytes(generate_latest(_process) + generate_latest(registry))


async def _people(connection: Connection, registry: CollectorRegistry) -> None:
    """How people keep their word, by municipality: the console's figures of the last 30 days."""
    found = {
        name: await handoff_figures.figures(connection, name)
        for name in await handoff_figures.municipalities(connection)
    }
    for field, documentation in _PEOPLE.items():
        gauge = Gauge(f"lotsa_people_{field}", documentation, ["municipality"], registry=registry)
        for municipality, figures in found.items():
            if (value := getattr(figures, field)) is not None:
                gauge.labels(municipality).set(value)


async def workers(connection: Connection) -> int:
    """How many worker processes are present."""
    query = next(query for name, _, query in _QUERIES if name == "lotsa_workers")
    return int((await _row(connection, query))["value"])


async def _row(connection: Connection, query: str) -> dict[str, Any]:
    cursor = await connection.execute(query.encode())
    return await cursor.fetchone() or {}
