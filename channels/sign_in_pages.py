"""Signing in: password, second factor, a first password of one's own, and signing out."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from channels import second_factor
from channels.accounts import (
    AccessError,
    AccountError,
    Guide,
    account,
    change_password,
    home_of,
)
from channels.console import COOKIE, LANGUAGE, give_up_held
from channels.console_pages import (
    at_step,
    check_form,
    framed,
    line,
    reader_with,
    rules_of,
    writer_with,
)
from channels.editing_pages import SignedOutError
from channels.menu import EVERYBODY
from channels.sessions import (
    LockedError,
    Session,
    give_code,
    go_on,
    sign_in,
    sign_out,
    step_of,
)
from channels.web import doors_of, templates

LONGEST_PASSWORD = 256  # characters
PAGE_OF = {
    "code": "/console/login/kod",
    "password": "/console/konto/losenord",
    "enrol": "/console/konto/tvasteg",
}
router = APIRouter(prefix="/console", tags=["access:guide"])
public = APIRouter(prefix="/console", tags=["access:public"])
Coded = Annotated[Guide, Depends(at_step("code"))]
OfOwnPassword = Annotated[Guide, Depends(at_step("password", "done"))]
Enrolling = Annotated[Guide, Depends(at_step("enrol", "done"))]
Own = Annotated[Guide, Depends(reader_with(EVERYBODY))]
OwnForm = Annotated[Guide, Depends(writer_with(EVERYBODY))]


@public.get("/login", response_class=HTMLResponse)
async def login_page(request: Request) -> Response:
    """Sign in."""
    return login_form(request)


@public.post("/login")
async def login(
    request: Request,
    municipality: Annotated[str, Form(max_length=64)],
    login: Annotated[str, Form(max_length=64)],
    password: Annotated[str, Form(max_length=LONGEST_PASSWORD)],
) -> Response:
    """Start a session."""
    given = {"form_municipality": municipality, "form_login": login}
    try:
        session = await sign_in(
            doors_of(request).ledger,
            rules_of(request),
            municipality.replace("\x00", ""),
            login.replace("\x00", ""),
            password,
        )
    except AccessError as error:
        return login_form(request, refusal(request, error, "console_login_failed"), **given)
    return entered(request, session, "/console")


def login_form(request: Request, error: str | None = None, **given: str) -> Response:
    """The sign-in page, with what went wrong."""
    doors = doors_of(request)
    known = doors.catalogue.municipalities
    context = {
        "t": doors.content.chrome(LANGUAGE, "console_"),
        "lang": LANGUAGE,
        "dir": "ltr",
        "municipalities": sorted(known.values(), key=lambda m: m.name),
        "providers": [known[name] for name in rules_of(request).providers() if name in known],
        "error": error,
        **given,
    }
    status = 401 if error else 200
    return templates.TemplateResponse(request, "login.html", context, status_code=status)


def refusal(request: Request, error: AccessError, text_id: str) -> str:
    """Why somebody is not let in; a lock tells until when."""
    content = doors_of(request).content
    if isinstance(error, LockedError):
        return content.text(LANGUAGE, "console_locked", time=content.clock(LANGUAGE, error.until))
    return content.raw(LANGUAGE, text_id)


def entered(request: Request, session: Session, page: str) -> Response:
    """On to the next step, or to `page` when there is none."""
    response = RedirectResponse(PAGE_OF.get(session.step, page), 303)
    keep_session(request, response, session)
    return response


def keep_session(request: Request, response: Response, session: Session) -> None:
    """Give the browser the session's token."""
    is_https = request.url.scheme == "https"
    response.set_cookie(
        COOKIE, session.token, httponly=True, samesite="strict", secure=is_https, path="/console"
    )


@router.get("/login/kod", response_class=HTMLResponse)
async def code_page(request: Request, guide: Coded) -> Response:
    """Ask for the code."""
    return framed(request, guide, "sign_in_code.html", {"pages": [], "error": None})


@router.post("/login/kod", response_class=HTMLResponse)
async def code_form(request: Request, guide: Coded) -> Response:
    """Take the code."""
    code = line(await check_form(request), "code", 40)
    try:
        session = await give_code(
            doors_of(request).ledger, rules_of(request), request.cookies.get(COOKIE), code
        )
    except AccessError as error:
        words = refusal(request, error, "console_code_wrong")
        context = {"pages": [], "error": words}
        return framed(request, guide, "sign_in_code.html", context, 401)
    return entered(request, session, home_of(guide))


@router.get("/konto", response_class=HTMLResponse)
async def own_page(request: Request, guide: Own, saved: str = "") -> Response:
    """One's own account."""
    doors = doors_of(request)
    async with doors.ledger.transaction() as connection:
        mine = await account(connection, guide.municipality, guide.id)
        left = await second_factor.codes_left(connection, guide)
    context = {"account": mine, "codes_left": left, "is_saved": saved == "password"}
    return framed(request, guide, "account_own.html", context)


@router.get("/konto/losenord", response_class=HTMLResponse)
async def password_page(request: Request, guide: OfOwnPassword) -> Response:
    """Change the password, or choose the first of one's own."""
    return await _step_page(request, guide, "account_password.html", {"error": None})


@router.post("/konto/losenord", response_class=HTMLResponse)
async def password_form(request: Request, guide: OfOwnPassword) -> Response:
    """Change it; every other session ends."""
    form, doors = await check_form(request), doors_of(request)
    old, new = (str(form.get(name, ""))[:LONGEST_PASSWORD] for name in ("old", "new"))
    try:
        if new != str(form.get("again", ""))[:LONGEST_PASSWORD]:
            raise AccountError("not_the_same")
        async with doors.ledger.transaction() as connection:
            await change_password(connection, guide, old, new)
    except AccountError as error:
        context = {"error": _words(request, error)}
        return await _step_page(request, guide, "account_password.html", context, 422)
    token = request.cookies.get(COOKIE)
    session = await go_on(doors.ledger, rules_of(request), guide, token, "password")
    return entered(request, session, "/console/konto?saved=password")


@router.get("/konto/tvasteg", response_class=HTMLResponse)
async def enrol_page(request: Request, guide: Enrolling) -> Response:
    """Show the secret as a picture and as text, and ask for a first code."""
    return await _enrol_page(request, guide, None)


@router.post("/konto/tvasteg", response_class=HTMLResponse)
async def enrol_form(request: Request, guide: Enrolling) -> Response:
    """Take the first code, and show the backup codes this once."""
    code, doors = line(await check_form(request), "code", 40), doors_of(request)
    try:
        async with doors.ledger.transaction() as connection:
            codes = await second_factor.finish(connection, doors.ledger.seal, guide, code)
    except AccountError as error:
        return await _enrol_page(request, guide, error)
    token = request.cookies.get(COOKIE)
    session = await go_on(doors.ledger, rules_of(request), guide, token, "second_factor")
    context = {"codes": codes, "pages": [], "home": home_of(guide)}
    response = framed(request, guide, "account_codes.html", context)
    keep_session(request, response, session)
    return response


async def _enrol_page(request: Request, guide: Guide, error: AccountError | None) -> Response:
    doors = doors_of(request)
    try:
        async with doors.ledger.transaction() as connection:
            secret = await second_factor.begin(connection, doors.ledger.seal, guide)
            mine = await account(connection, guide.municipality, guide.id)
    except AccountError:
        return RedirectResponse("/console/konto", 303)
    groups = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    context = {
        "qr_code": second_factor.qr_code(secret, mine.login),
        "secret": groups,
        "error": _words(request, error) if error else None,
    }
    return await _step_page(request, guide, "account_enrol.html", context, 422 if error else 200)


async def _step_page(
    request: Request, guide: Guide, name: str, context: dict[str, Any], status: int = 200
) -> Response:
    """A page that is also a step of signing in: then it leads nowhere else."""
    step = await step_of(doors_of(request).ledger, request.cookies.get(COOKIE))
    if step != "done":
        context = {**context, "pages": []}
    return framed(request, guide, name, {**context, "is_step": step != "done"}, status)


def _words(request: Request, error: AccountError) -> str:
    return doors_of(request).content.raw(LANGUAGE, f"console_account_{error.code}")


@router.post("/logga-ut", response_class=HTMLResponse)
async def sign_out_form(request: Request) -> Response:
    """End the session; what the guide holds goes back to the queue."""
    token = request.cookies.get(COOKIE)
    if not token:
        raise SignedOutError
    await check_form(request)
    doors = doors_of(request)
    with suppress(SignedOutError):  # still on a step of signing in
        await give_up_held(doors, await reader_with(EVERYBODY)(request))
    await sign_out(doors.ledger, token)
    response = RedirectResponse("/console/login", 303)
    response.delete_cookie(COOKIE, path="/console")
    return response
