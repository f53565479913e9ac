"""How a municipality lets people sign in: data, with secrets from the environment only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

Role = Literal["guide", "coordinator", "editor", "admin", "auditor"]
SHIPPED = Path(__file__).with_name("sign_in.yml")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Provider(_Strict):
    """Where the people of a municipality sign in, and what its claims mean here."""

    issuer: str
    client_id: str
    scopes: list[str] = ["openid", "profile"]
    login_claim: str = "preferred_username"
    name_claim: str = "given_name"
    roles_claim: str = "groups"
    roles: dict[str, list[Role]]

    @field_validator("issuer")
    @classmethod
    def _is_encrypted(cls, issuer: str) -> str:
        if issuer.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
            return issuer.rstrip("/")
        raise ValueError("an issuer starts with https://")

    def roles_of(self, claim: object) -> list[Role]:
        """The roles that a claim (a name or a list of names) gives."""
        names = [claim] if isinstance(claim, str) else claim if isinstance(claim, list) else []
        found = {role for name in names for role in self.roles.get(str(name), [])}
        return sorted(found)


class Rules(_Strict):
    """The rules of one municipality."""

    second_factor_for: list[Role] = ["admin", "auditor"]
    idle_minutes: Annotated[int, Field(ge=1, le=480)] = 60
    attempts: Annotated[int, Field(ge=3, le=20)] = 5
    locked_minutes: Annotated[int, Field(ge=1, le=1440)] = 15
    provider: Provider | None = None

    def needs_second_factor(self, roles: frozenset[str]) -> bool:
        return bool(roles & set(self.second_factor_for))


class SignInRules:
    """The rules of every municipality."""

    def __init__(self, default: Rules, own: dict[str, Rules]) -> None:
        self._default = default
        self._own = own

    @classmethod
    def load(cls, path: Path | None = None) -> SignInRules:
        """Read the file. Raises ValueError that says what is wrong in it."""
        plain = yaml.safe_load((path or SHIPPED).read_text(encoding="utf-8")) or {}
        default = plain.get("default") or {}
        own = {
            name: Rules.model_validate(default | (changes or {}))
            for name, changes in (plain.get("municipalities") or {}).items()
        }
        return cls(Rules.model_validate(default), own)

    def of(self, municipality: str) -> Rules:
        return self._own.get(municipality, self._default)

    def providers(self) -> dict[str, Provider]:
        """By municipality."""
        return {name: r.provider for name, r in self._own.items() if r.provider is not None}
