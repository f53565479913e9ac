"""For whoever runs the installation: alive, and ready."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from channels.web import DATABASE_ERRORS, doors_of

router = APIRouter()


@router.get("/health", tags=["access:public"])
async def health() -> dict[str, str]:
    """The process is alive."""
    return {"status": "ok"}


@router.get("/ready", tags=["access:public"])
async def ready(request: Request) -> JSONResponse:
    """Messages can be taken in; 503 with the part that is missing otherwise."""
    parts: dict[str, Any] = {}
    try:
        parts["waiting"] = await doors_of(request).ledger.waiting()
        parts["database"] = "ok"
    except DATABASE_ERRORS:
        parts["database"] = "away"
    is_ready = parts["database"] == "ok"
    return JSONResponse({"ready": is_ready, "parts": parts}, 200 if is_ready else 503)
