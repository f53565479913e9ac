"""What an adapter to a provider does, and what it speaks of; the rest of the product knows no more.

Every adapter passes tests/channels/test_providers.py on payloads in the provider's own format.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl
from uuid import UUID

import httpx

from bot.outbox import Sent

TIMEOUT = 10.0  # seconds for a provider's answer


class ForgedError(Exception):
    """The request does not come from the provider, or comes too late."""


class UnreadableError(Exception):
    """The request comes from the provider but is not in its format."""


class NotSentError(Exception):
    """The provider did not take a message; `reason` holds no personal data."""

    def __init__(self, reason: str, *, for_good: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.for_good = for_good


class WindowClosedError(Exception):
    """The channel may be used again only when the person has written."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request of a provider as it came: `target` is path and query, undecoded."""

    method: str
    target: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    @property
    def form(self) -> list[tuple[str, str]]:
        """The form fields in their order. Raises UnreadableError."""
        try:
            return parse_qsl(self.body.decode(), keep_blank_values=True)
        except UnicodeDecodeError as error:
            raise UnreadableError("the form is not UTF-8") from error

    @property
    def basic_auth(self) -> tuple[str, str] | None:
        """User and password of the Authorization header."""
        scheme, _, given = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, _, password = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return user, password


@dataclass(frozen=True, slots=True)
class Arrived:
    """Somebody wrote to one of the municipality's numbers."""

    provider_id: str
    sender: str
    to: str
    text: str
    choice: str | None = None  # the id of a pressed button


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a message we sent: accepted, sent, delivered or failed."""

    state: str
    provider_id: str | None = None
    reference: UUID | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider's call is answered with."""

    status: int = 200
    body: str = ""
    media_type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to send; `choices` are (id, label), for channels that have buttons."""

    reference: UUID
    to: str
    sender: str
    text: str
    choices: Sequence[tuple[str, str]] = ()
    is_window_open: bool = True
    language: str = "sv"
    values: Mapping[str, str] = field(default_factory=dict)


class Provider(Protocol):
    """An adapter. `secrets` in its configuration may be several, so that one can be replaced."""

    name: str
    channel: str
    answers_in_response: bool  # whether what `answer` holds reaches the phone

    def read(self, call: Call) -> list[Arrived | Report] | Answer:
        """What a request says, or what to answer where that is all it wants.

        Raises ForgedError and UnreadableError.
        """
        ...

    def answer(self, text: str | None) -> Answer:
        """Yes to a request, with words for the phone where the provider passes them on."""
        ...

    async def send(self, http: httpx.AsyncClient, letter: Letter) -> Sent:
        """Hand a message over. Raises NotSentError and WindowClosedError."""
        ...


def is_one_of(given: str, secrets: Sequence[str]) -> bool:
    """Whether a secret is one of those in force; takes as long whichever it is."""
    found = [hmac.compare_digest(given.encode(), secret.encode()) for secret in secrets]
    return any(found)


def uuid_or_none(text: str | None) -> UUID | None:
    """The reference in a report, None where there is none or something else."""
    try:
        return UUID(text or "")
    except ValueError:
        return None


async def post(
    http: httpx.AsyncClient, url: str, read: Callable[[Any], Sent], **request: object
) -> Sent:
    """Hand a message over, and `read` the JSON of a yes. Raises NotSentError for anything else.

    400, 404 and 422 say that this message can never be sent; everything else may pass.
    """
    try:
        response = await http.post(url, timeout=TIMEOUT, **request)  # type: ignore[arg-type]
    except httpx.HTTPError as error:
        raise NotSentError(type(error).__name__) from error
    status = response.status_code
    if not response.is_success:
        raise NotSentError(f"http_{status}", for_good=status in (400, 404, 422))
    try:
        return read(response.json())
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise NotSentError("unreadable_answer") from error


def with_cost(known: Any) -> Sent:
    """A yes that holds the id, the cost (1/10 000 SEK) and the parts."""
    return Sent(str(known["id"]), int(known.get("cost", 0)), int(known.get("parts", 1)))
