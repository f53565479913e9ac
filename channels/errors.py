"""One error shape for every door: what is wrong and what to do, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

from bot.content import Content, spoken

STATUS = {
    "bad_request": 400,
    "not_allowed": 401,
    "unknown_conversation": 404,
    "unknown_municipality": 404,
    "unknown_page": 404,
    "wrong_code": 404,
    "too_many_codes": 429,
    "not_your_entry": 403,
    "wrong_role": 403,
    "forged_call": 403,
    "unreadable_call": 400,
    "unknown_account": 404,
    "unknown_service": 404,
    "entry_needed": 409,
    "entry_overtaken": 409,
    "entry_faulty": 422,
    "taken": 409,
    "desk_full": 409,
    "family_changed": 409,
    "meeting_unclear": 422,
    "meeting_twice": 409,
    "meeting_not_asked": 409,
    "safe_first": 409,
    "too_often": 429,
    "switched_off": 503,
    "unknown_path": 404,
    "too_long": 413,
    "empty": 422,
    "server": 500,
    "no_pdf": 501,
    "busy": 503,
    "unavailable": 503,
}


class DoorError(Exception):
    """A request that cannot be met; `code` names its text, `messages` may carry an acute answer."""

    def __init__(
        self, code: str, *, messages: list[dict[str, Any]] | None = None, **values: object
    ) -> None:
        super().__init__(code)
        self.code = code
        self.values = values
        self.messages = messages


def language_of(request: Request, content: Content) -> str:
    """The language asked for in the address or header, if the product has it; else Swedish."""
    return next((code for code in _asked(request) if code in content.languages), "sv")


def language_of_error(request: Request, content: Content, code: str) -> str:
    """The same; also one with the required texts alone, where the error can be said in it."""
    error = f"error_{code}"
    return next((asked for asked in _asked(request) if content.says(asked, error)), "sv")


def _asked(request: Request) -> Iterator[str]:
    header = request.headers.get("accept-language", "")
    tags = [request.query_params.get("lang", ""), *header.split(",")]
    for tag in (tag.split(";")[0].strip().lower() for tag in tags):
        yield from (tag, spoken(tag))


def error_response(error: DoorError, language: str, content: Content) -> JSONResponse:
    """The error in words, with an acute answer beside it where there is one."""
    body: dict[str, Any] = {
        "error": {
            "code": error.code,
            "message": content.text(language, f"error_{error.code}", **error.values),
            "hint": content.raw(language, f"error_{error.code}_hint"),
        }
    }
    if error.messages:
        body["messages"] = error.messages
    wait = error.values.get("seconds", 60)
    headers = {"Retry-After": str(wait)} if STATUS[error.code] in (429, 503) else {}
    return JSONResponse(body, STATUS[error.code], headers)
