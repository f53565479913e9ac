"""The addresses that phone providers call."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from bot.log import get_log
from channels.errors import DoorError
from channels.providers.adapter import Answer, Call, ForgedError, UnreadableError
from channels.sms import PhoneDoor

log = get_log()
router = APIRouter(prefix="/in")


@router.get("/{provider}", tags=["access:provider"])
async def verify(request: Request, provider: str) -> Response:
    """Answer a provider that asks whether this address is ours."""
    return await _answered(request, provider)


@router.post("/{provider}", tags=["access:provider"])
async def deliver(request: Request, provider: str) -> Response:
    """What a provider delivers: messages and reports. 403 for anybody else, and no row."""
    return await _answered(request, provider)


@router.post("/{provider}/{secret}", tags=["access:provider"])
async def deliver_to_secret(request: Request, provider: str, secret: str) -> Response:
    """The same, from a provider that signs nothing; the adapter reads the secret itself."""
    return await _answered(request, provider)


async def _answered(request: Request, provider: str) -> Response:
    door: PhoneDoor = request.app.state.phone_door
    known = door.phones.by_name.get(provider)
    if known is None:
        raise DoorError("forged_call")
    try:
        read = known.read(await _call(request))
    except ForgedError:
        log.warning("forged_call", provider=known.name)
        raise DoorError("forged_call") from None
    except UnreadableError as error:
        log.warning("unreadable_call", provider=known.name, reason=str(error))
        raise DoorError("unreadable_call") from None
    answer = read if isinstance(read, Answer) else await door.take(known, read)
    return Response(answer.body, answer.status, media_type=answer.media_type)


async def _call(request: Request) -> Call:
    """The request as it came, undecoded: some providers sign exactly that."""
    path = request.scope.get("raw_path") or request.url.path.encode()
    query = request.scope.get("query_string", b"")
    target = path.decode("latin-1").partition("?")[0]
    return Call(
        method=request.method,
        target=f"{target}?{query.decode('latin-1')}" if query else target,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.body(),
    )
