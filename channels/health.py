"""For whoever runs the installation: alive, ready, and figures."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from bot.settings import Settings
from channels import metrics
from channels.web import DATABASE_ERRORS, doors_of

router = APIRouter()


@router.get("/health", tags=["access:public"])
async def health() -> dict[str, str]:
    """The process is alive."""
    return {"status": "ok"}


@router.get("/ready", tags=["access:public"])
async def ready(request: Request) -> JSONResponse:
    """Messages can be taken in; 503 otherwise. Each part says how it is."""
    doors = doors_of(request)
    parts: dict[str, Any] = built(doors.settings)
    try:
        parts["waiting"] = await doors.ledger.waiting()
        async with doors.ledger.transaction() as connection:
            parts["worker"] = "ok" if await metrics.workers(connection) else "none"
        parts["database"] = "ok"
    except DATABASE_ERRORS:
        parts["database"] = "away"
        parts["worker"] = "unknown"
    is_ready = parts["database"] == "ok"
    return JSONResponse({"ready": is_ready, "parts": parts}, 200 if is_ready else 503)


def built(settings: Settings) -> dict[str, str]:
    """Whether the files each part needs are there."""
    needed = {
        "engine": settings.rasa_model,
        "models": settings.artifacts / "nlu" / "model.joblib",
        "index": settings.artifacts / "catalogue" / "manifest.json",
    }
    return {part: "ok" if path.is_file() else "missing" for part, path in needed.items()}


@router.get("/metrics", tags=["access:public"])
async def figures(request: Request) -> Response:
    """Counts and times for Prometheus, without content."""
    try:
        async with doors_of(request).ledger.transaction() as connection:
            text = await metrics.exposition(connection)
    except DATABASE_ERRORS:
        text = await metrics.exposition(None)
    return Response(text, media_type=CONTENT_TYPE_LATEST)
