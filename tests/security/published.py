"""Requests that schemathesis makes from the published OpenAPI: some as it says, most not.

With and without a right to be there; every answer is below 500, every refusal has the one shape.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import httpx
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as chances

from tests.security.malformed import Found, judge

ENDLESS = "/events"  # a stream has no end


@dataclass(frozen=True)
class Request:
    """One request as it goes over the wire."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


async def bombard_published(
    client: httpx.AsyncClient, description: dict[str, Any], each: int
) -> Found:
    """So many requests for each operation of the description, twice where one can be let in."""
    found = Found()
    for operation in _operations(description):
        if operation.path.endswith(ENDLESS):
            continue
        rights: list[dict[str, Any]] = [{}]
        if "{conversation_id}" in operation.path:
            rights.append(await _let_in(client))
        for right in rights:
            for request in _made(operation, right, each):
                await _send(client, request, found)
    return found


async def _let_in(client: httpx.AsyncClient) -> dict[str, Any]:
    """A real conversation and its key, as parts of a request."""
    body = {"municipality": "demokommun", "language": "sv"}
    opened = (await client.post("/api/conversations", json=body)).json()
    return {
        "path_parameters": {"conversation_id": opened["conversation_id"]},
        "headers": {"Authorization": f"Bearer {opened['token']}"},
    }


def _operations(description: dict[str, Any]) -> list[Any]:
    import schemathesis

    schema = schemathesis.openapi.from_dict(description)
    return [found.ok() for found in schema.get_all_operations()]


def _made(operation: Any, right: dict[str, Any], each: int) -> list[Request]:
    """Half of them break the description, where it leaves anything to break."""
    from schemathesis import GenerationMode

    made: list[Request] = []
    for mode in GenerationMode.POSITIVE, GenerationMode.NEGATIVE:
        many = each - len(made) if mode is GenerationMode.NEGATIVE else each // 2
        try:
            made += _examples(operation.as_strategy(generation_mode=mode, **right), many)
        except BaseException as error:
            if type(error).__name__ not in ("Unsatisfiable", "SkipTest", "Skipped"):
                raise
    return made


def _examples(strategy: Any, many: int) -> list[Request]:
    found: list[Request] = []

    @chances(
        max_examples=many,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def collect(case: Any) -> None:
        if (request := _written(case)) is not None:
            found.append(request)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        collect()
    return found


def _written(case: Any) -> Request | None:
    """The request in bytes; None when no client could send it."""
    import requests

    try:
        whole = case.as_transport_kwargs(base_url="http://lotsa")
        ready = requests.Request(**whole).prepare()
    except (ValueError, TypeError, UnicodeError):
        return None
    body = ready.body or b""
    headers = {str(k): str(v) for k, v in ready.headers.items() if k.lower() != "content-length"}
    return Request(
        str(ready.method),
        str(ready.url).removeprefix("http://lotsa"),
        headers,
        body.encode("utf-8", "replace") if isinstance(body, str) else bytes(body),
    )


async def _send(client: httpx.AsyncClient, request: Request, found: Found) -> None:
    try:
        headers = httpx.Headers(request.headers)
    except (UnicodeError, ValueError):
        return
    await judge(client, found, request.method, request.path, headers=headers, content=request.body)
