"""The composition root of the web process: every part is made here and handed to the doors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.content import Content
from bot.database import listen, open_pool
from bot.edits import Edits, remembered, watch
from bot.engine.compile import Policy
from bot.ledger import Ledger
from bot.log import get_log
from bot.privacy import Seal
from bot.reminders import Reach
from bot.replies import Replies
from bot.settings import Settings
from channels import (
    accounts_pages,
    audit_pages,
    booking,
    catalogue_pages,
    console,
    editing,
    editing_pages,
    families,
    health,
    meetings,
    phone_pages,
    plain,
    privacy_pages,
    provider_pages,
    reads,
    resume,
    sign_in_pages,
    statement,
    tools,
    transfers,
    web,
    widget,
    workspace,
)
from channels.doors import Doors
from channels.errors import DoorError, error_response, language_of_error
from channels.framing import SECURITY_HEADERS
from channels.metrics import ANSWERS
from channels.phones import Phones
from channels.protection import Protection
from channels.sign_in_rules import SignInRules
from channels.sms import PhoneDoor
from channels.stream import CHANNELS, Hub
from channels.themes import load_themes
from knowledge.catalogue import Catalogue
from nlu import safety

log = get_log()
LARGEST_BODY = 64 * 1024  # bytes


def create_app(settings: Settings, url: str, reach: Reach | None = None) -> FastAPI:
    """The web application on the database at `url`; it starts also when that is down.

    `reach` says on which channels a municipality sends notices; None: as the channels' file says.
    """
    shipped, content = Catalogue.load(), Content.load()
    replies = Replies(content, shipped, Policy.load())
    following = Following(shipped, replies, remembered(settings))
    rules = SignInRules.load(settings.sign_in_file)
    seal, themes = Seal.from_file(settings.keys), load_themes()
    phones = Phones.load(settings.channels)
    safety.check("")  # the word lists are read now, not by the first parent

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        hub = Hub()
        async with open_pool(url, size=10) as pool, httpx.AsyncClient() as http:
            ledger = Ledger(pool, seal)
            protection = _protection(settings)
            reached = reach or phones.reached(settings.stopped_channels)
            doors = Doors(
                settings, ledger, shipped, content, replies, hub, protection, themes, reached
            )
            app.state.doors = doors
            app.state.sign_in_rules = rules
            app.state.phone_door = PhoneDoor(doors, phones, http)
            tasks = [
                asyncio.create_task(listen(url, CHANNELS, hub.heard)),
                asyncio.create_task(watch(url, settings, lambda: following.edits, following.use)),
                asyncio.create_task(app.state.phone_door.store_waiting()),
            ]
            yield
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    app = FastAPI(title="Lotsa", version="0.1.0", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.include_router(web.router)
    app.include_router(plain.router)
    app.include_router(widget.router)
    app.include_router(statement.router)
    app.include_router(families.router)  # before tools: it takes one name of theirs
    app.include_router(tools.router)
    app.include_router(booking.router)
    app.include_router(catalogue_pages.router)
    app.include_router(console.router)
    app.include_router(workspace.router)
    app.include_router(meetings.router)
    app.include_router(editing.router)
    app.include_router(editing_pages.router)
    app.include_router(transfers.router)
    app.include_router(privacy_pages.router)
    app.include_router(health.router)
    app.include_router(phone_pages.router)
    app.include_router(resume.router)
    app.mount("/static", StaticFiles(directory=web.FOLDER / "static"))
    app.include_router(sign_in_pages.public)
    app.include_router(sign_in_pages.router)
    app.include_router(provider_pages.router)
    app.include_router(accounts_pages.router)
    app.include_router(audit_pages.router)
    app.include_router(reads.router)
    app.add_exception_handler(DoorError, _door_error)
    app.add_exception_handler(editing_pages.SignedOutError, editing_pages.to_login)
    app.add_exception_handler(RequestValidationError, _bad_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _server_error)
    app.add_middleware(Guarded)
    return app


def _protection(settings: Settings) -> Protection:
    return Protection(
        settings.writes_per_conversation, settings.writes_per_address, settings.opened_per_address
    )


class Following:
    """Keeps the words of this process on the catalogue with the edits in force."""

    def __init__(self, shipped: Catalogue, replies: Replies, edits: Edits) -> None:
        self._shipped = shipped
        self._replies = replies
        self._replies.catalogue = edits.applied_to(shipped)
        self.edits = edits

    async def use(self, edits: Edits) -> None:
        """Swap the catalogue of every door in one assignment."""
        self._replies.catalogue = edits.applied_to(self._shipped)
        self.edits = edits
        log.info("catalogue_reloaded", version=edits.version)


async def _door_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DoorError)
    content = web.doors_of(request).content
    return error_response(error, language_of_error(request, content, error.code), content)


async def _bad_request(request: Request, error: Exception) -> Response:
    return await _door_error(request, DoorError("bad_request"))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code in (301, 302, 303, 307, 308):
        return RedirectResponse((error.headers or {}).get("location", "/"), error.status_code)
    code = "unknown_path" if error.status_code == 404 else "bad_request"
    response = await _door_error(request, DoorError(code))
    response.status_code = error.status_code
    response.headers.update(error.headers or {})
    return response


async def _server_error(request: Request, error: Exception) -> Response:
    if isinstance(error, web.DATABASE_ERRORS):
        return await _door_error(request, DoorError("unavailable"))
    log.error("server_error", path=request.url.path, error=type(error).__name__)
    return await _door_error(request, DoorError("server"))


class Guarded:
    """Refuses large bodies and sets the security headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            await JSONResponse(_TOO_LARGE, 413)(scope, receive, send)
            return
        # A NUL is in no path of ours, and PostgreSQL's text cannot hold one.
        scope = {**scope, "path": scope["path"].replace("\0", "\N{REPLACEMENT CHARACTER}")}
        is_static = scope["path"].startswith("/static/")

        async def guarded_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                ANSWERS.labels(str(message["status"])).inc()
                extra = SECURITY_HEADERS | ({} if is_static else {"Cache-Control": "no-store"})
                known = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.lower().encode(), value.encode())
                        for name, value in extra.items()
                        if name.lower().encode() not in known
                    ),
                ]
            await send(message)

        await self._app(scope, receive, guarded_send)


_TOO_LARGE = {
    "error": {"code": "too_large", "message": "Request too large", "hint": "At most 64 KiB"}
}
