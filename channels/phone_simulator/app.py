"""The simulator's own small web: 46elks' API, and a page with phones."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field

from channels.phone_simulator.provider import Failure, Faults, Reports, Simulator
from channels.phones import ElksDoor, PhonesFile

FOLDER = Path(__file__).parent / "page"
FIRST_NUMBER = 46766860001  # from 46elks' documentation: nobody's


class Typed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    phone: str = Field(max_length=20)
    number: str = Field(max_length=20)
    text: str = Field(max_length=2000)


class ChosenFaults(BaseModel):
    model_config = ConfigDict(extra="forbid")
    duplicates: int = Field(0, ge=0, le=5)
    delay: float = Field(0.0, ge=0, le=60)
    reports: Reports = "in_order"
    failure: Failure = "none"
    fail_next: int = Field(0, ge=0, le=50)


def create_simulator(simulator: Simulator, numbers: dict[str, str]) -> FastAPI:
    """The application; `numbers` are the municipalities', as the page offers them."""
    app = FastAPI(title="Lotsa SMS simulator", docs_url=None, redoc_url=None)

    @app.post("/a1/sms")
    async def take(request: Request) -> Response:
        fields = {name: str(value) for name, value in (await request.form()).items()}
        status, body = simulator.take(request.headers.get("authorization", ""), fields)
        if isinstance(body, str):
            return PlainTextResponse(body, status)
        return JSONResponse(body, status)

    @app.get("/api/state")
    async def state() -> dict[str, Any]:
        return {**simulator.as_json(), "numbers": numbers}

    @app.post("/api/type")
    async def type_text(typed: Typed) -> dict[str, str]:
        return {"id": simulator.type(typed.phone, typed.number, typed.text).id}

    @app.put("/api/faults")
    async def choose(chosen: ChosenFaults) -> dict[str, Any]:
        simulator.faults = Faults(**chosen.model_dump())
        return chosen.model_dump()

    @app.get("/")
    async def page() -> FileResponse:
        return FileResponse(FOLDER / "simulator.html")

    app.mount("/page", StaticFiles(directory=FOLDER))
    return app


def new_file(municipalities: list[str], product: str, simulator: str) -> dict[str, Any]:
    """A channels file that leads to the simulator, with a number for each municipality."""
    numbers = {f"+{FIRST_NUMBER + n}": m for n, m in enumerate(sorted(municipalities))}
    account = {
        "username": "simulator",
        "password": secrets.token_urlsafe(16),
        "webhook_user": "simulator",
        "webhook_passwords": [secrets.token_urlsafe(16)],
        "webhook_secrets": [secrets.token_urlsafe(16)],
        "api": simulator,
    }
    sms = {"provider": "46elks", "numbers": numbers, "account": account}
    return {"public_url": product, "sms": sms}


def read_file(path: Path) -> ElksDoor | None:
    """The 46elks door of a channels file; None where it leads to something else."""
    file = PhonesFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    return file.sms if isinstance(file.sms, ElksDoor) else None


@asynccontextmanager
async def open_simulator(door: ElksDoor, product: str) -> AsyncIterator[Simulator]:
    """A simulator that speaks with the product at an address."""
    async with httpx.AsyncClient(base_url=product, timeout=20) as http:
        yield Simulator(door.account, http)
