"""What the console's own pages share: a frame, who may open them, forms that prove themselves."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request, Response
from starlette.datastructures import FormData

from channels.access import Guide
from channels.accounts import AccessError
from channels.console import COOKIE, LANGUAGE
from channels.editing_pages import SignedOutError, form_token
from channels.errors import DoorError
from channels.menu import pages_of
from channels.sessions import Step, guide_at_step, guide_of_session
from channels.sign_in_rules import SignInRules
from channels.web import doors_of, templates

Dependency = Callable[[Request], Awaitable[Guide]]


def rules_of(request: Request) -> SignInRules:
    rules: SignInRules = request.app.state.sign_in_rules
    return rules


def reader_with(roles: frozenset[str]) -> Dependency:
    """The guide of the session cookie, if she has one of the roles."""

    async def reader(request: Request) -> Guide:
        try:
            guide = await guide_of_session(doors_of(request).ledger, request.cookies.get(COOKIE))
        except AccessError as error:
            raise SignedOutError from error
        if not guide.may(roles):
            raise DoorError("wrong_role")
        return guide

    return reader


def writer_with(roles: frozenset[str]) -> Dependency:
    """The same for a form, which must come from one of her own pages."""
    read = reader_with(roles)

    async def writer(request: Request) -> Guide:
        guide = await read(request)
        await check_form(request)
        return guide

    return writer


def at_step(*steps: Step) -> Dependency:
    """The guide of a session that is at one of these steps of signing in."""

    async def reader(request: Request) -> Guide:
        try:
            return await guide_at_step(
                doors_of(request).ledger, request.cookies.get(COOKIE), *steps
            )
        except AccessError as error:
            raise SignedOutError from error

    return reader


async def check_form(request: Request) -> FormData:
    """The form, when a page of this session made it. Raises DoorError."""
    form = await request.form()
    if not hmac.compare_digest(str(form.get("token", "")).encode(), form_token(request).encode()):
        raise DoorError("not_allowed")
    return form


def line(form: FormData, name: str, longest: int = 200) -> str:
    """A field of a form as one line."""
    return " ".join(str(form.get(name, "")).replace("\x00", "").split())[:longest]


def framed(
    request: Request, guide: Guide, name: str, context: dict[str, Any], status: int = 200
) -> Response:
    """A page of the console with its heading and the ways to the guide's other pages."""
    doors = doors_of(request)
    shared = {
        "t": doors.content.chrome(LANGUAGE, "console_"),
        "lang": LANGUAGE,
        "dir": "ltr",
        "guide": guide,
        "municipality": doors.catalogue.municipalities[guide.municipality],
        "pages": pages_of(guide),
        "path": request.url.path,
        "token": form_token(request),
        "when": lambda moment: doors.content.when(LANGUAGE, moment),
    }
    return templates.TemplateResponse(request, name, {**shared, **context}, status_code=status)
