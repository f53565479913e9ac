"""The way to a municipality's sign-in provider, and back."""

from __future__ import annotations

import hmac

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from channels import provider
from channels.accounts import home_of
from channels.console import LANGUAGE
from channels.console_pages import rules_of
from channels.errors import DoorError
from channels.provider import ProviderError
from channels.sign_in_pages import keep_session, login_form
from channels.web import doors_of, templates

STATE = "lotsa_provider"
PATH = "/console/leverantor"
router = APIRouter(prefix=PATH, tags=["access:public"])


@router.get("/svar", response_class=HTMLResponse)
async def come_back(request: Request, state: str = "", code: str = "", error: str = "") -> Response:
    """The provider's answer, brought by the browser that was sent there."""
    doors = doors_of(request)
    is_ours = hmac.compare_digest(request.cookies.get(STATE, "").encode(), state.encode())
    try:
        if not (is_ours and state and code) or error:
            raise ProviderError("refused")
        secrets = doors.settings.provider_secrets
        guide, session = await provider.finish(
            doors.ledger,
            rules_of(request),
            {name: secret.get_secret_value() for name, secret in secrets.items()},
            state,
            code,
            _back(request),
        )
    except ProviderError as refused:
        return _refused(request, refused)
    # A page, not a redirect: the session's cookie is kept from a chain that began elsewhere.
    context = {
        "t": doors.content.chrome(LANGUAGE, "console_"),
        "lang": LANGUAGE,
        "dir": "ltr",
        "home": home_of(guide),
    }
    response = templates.TemplateResponse(request, "provider_done.html", context)
    response.delete_cookie(STATE, path=PATH)
    keep_session(request, response, session)
    return response


@router.get("/{municipality}", response_class=HTMLResponse)
async def go(request: Request, municipality: str) -> Response:
    """To the provider of a municipality."""
    doors = doors_of(request)
    found = rules_of(request).providers().get(municipality)
    if found is None or municipality not in doors.catalogue.municipalities:
        raise DoorError("unknown_municipality")
    secret = doors.settings.provider_secrets.get(municipality)
    try:
        address, state = await provider.begin(
            doors.ledger,
            found,
            municipality,
            secret.get_secret_value() if secret else None,
            _back(request),
        )
    except ProviderError as refused:
        return _refused(request, refused)
    response = RedirectResponse(address, 303)
    is_https = request.url.scheme == "https"
    response.set_cookie(
        STATE,
        state,
        max_age=int(provider.WITHIN.total_seconds()),
        httponly=True,
        samesite="lax",  # it has to come along from the provider's page
        secure=is_https,
        path=PATH,
    )
    return response


def _back(request: Request) -> str:
    return str(request.base_url).rstrip("/") + PATH + "/svar"


def _refused(request: Request, error: ProviderError) -> Response:
    words = doors_of(request).content.raw(LANGUAGE, f"console_provider_{error.code}")
    response = login_form(request, words)
    response.delete_cookie(STATE, path=PATH)
    return response
