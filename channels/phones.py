"""Numbers, providers and the mail server of an installation: one YAML file outside the code.

Without the file the phone channels do not exist. It holds secrets: keep it readable for the
service alone. docs/kanaler.md shows it whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.reminders import Reach
from channels.providers.adapter import Provider
from channels.providers.elks import Elks, ElksAccount
from channels.providers.generic import Generic, GenericAccount
from channels.providers.twilio import Twilio, TwilioAccount
from channels.providers.whatsapp import WhatsApp, WhatsAppAccount

Numbers = dict[str, str]  # E.164 → municipality
_Closed = ConfigDict(extra="forbid", frozen=True)


class _Door(BaseModel):
    model_config = _Closed
    numbers: Numbers

    @model_validator(mode="after")
    def one_number_each(self) -> _Door:
        """A municipality has one number: replies come from the one that was written to."""
        if len(set(self.numbers.values())) < len(self.numbers):
            raise ValueError("two numbers for one municipality")
        return self


class ElksDoor(_Door):
    provider: Literal["46elks"]
    account: ElksAccount


class TwilioDoor(_Door):
    provider: Literal["twilio"]
    account: TwilioAccount


class GenericDoor(_Door):
    provider: Literal["generic"]
    account: GenericAccount


class WhatsAppDoor(_Door):
    account: WhatsAppAccount


class MailServer(BaseModel):
    """The SMTP server for notices."""

    model_config = _Closed
    host: str
    port: int = 587
    username: str | None = None
    password: str | None = None
    sender: str
    start_tls: bool = True


class PhonesFile(BaseModel):
    """The whole file."""

    model_config = _Closed
    public_url: str
    sms: Annotated[ElksDoor | TwilioDoor | GenericDoor, Field(discriminator="provider")] | None = (
        None
    )
    whatsapp: WhatsAppDoor | None = None
    email: MailServer | None = None


class Phones:
    """The providers in use, by name and by channel, and whose number is whose."""

    def __init__(self, file: PhonesFile | None) -> None:
        self.public_url = file.public_url.rstrip("/") if file else ""
        self.email = file.email if file else None
        self.by_name: dict[str, Provider] = {}
        self._numbers: dict[str, Mapping[str, str]] = {}
        if file and file.sms:
            self._add(_sms(file.sms, self.public_url), file.sms.numbers)
        if file and file.whatsapp:
            door = file.whatsapp
            self._add(WhatsApp(door.account, self.public_url), door.numbers)

    def _add(self, provider: Provider, numbers: Numbers) -> None:
        self.by_name[provider.name] = provider
        self._numbers[provider.channel] = numbers

    @classmethod
    def load(cls, path: Path) -> Phones:
        """What the file says; nothing where there is none. Raises pydantic.ValidationError."""
        if not path.exists():
            return cls(None)
        return cls(PhonesFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))))

    @property
    def channels(self) -> list[str]:
        """The channels that can send."""
        return [*(provider.channel for provider in self.by_name.values())] + (
            ["email"] if self.email else []
        )

    def reach(self, municipality: str) -> frozenset[str]:
        """The channels on which the municipality can send a notice."""
        own = {c for c in self._numbers if self.number_of(c, municipality) is not None}
        return frozenset(own | ({"email"} if self.email else set()))

    def reached(self, stopped: frozenset[str]) -> Reach:
        """`reach` without the channels that are switched off in the settings."""
        return lambda municipality: self.reach(municipality) - stopped

    def provider(self, channel: str) -> Provider | None:
        return next((p for p in self.by_name.values() if p.channel == channel), None)

    def municipality(self, channel: str, number: str) -> str | None:
        """Whose number it is."""
        return self._numbers.get(channel, {}).get(number)

    def number_of(self, channel: str, municipality: str) -> str | None:
        """The municipality's number on a channel."""
        known = {place: number for number, place in self._numbers.get(channel, {}).items()}
        return known.get(municipality)


def _sms(door: ElksDoor | TwilioDoor | GenericDoor, public_url: str) -> Provider:
    if isinstance(door, ElksDoor):
        return Elks(door.account, public_url)
    if isinstance(door, TwilioDoor):
        return Twilio(door.account, public_url)
    return Generic(door.account, public_url)
