"""Signing in with a municipality's own provider: OpenID Connect, authorization code with PKCE.

What is checked of the id token follows OpenID Connect Core 1.0, section 3.1.3.7.
"""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any
from uuid import uuid4

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from psycopg.errors import UniqueViolation

from bot import audit
from bot.audit import Operator
from bot.database import Connection, Row
from bot.ledger import Ledger, hash_token
from channels.accounts import AccessError, Guide
from channels.sessions import Session, open_session
from channels.sign_in_rules import Provider, Rules, SignInRules

WITHIN = dt.timedelta(minutes=10)  # to come back from the provider
PATIENCE = 10.0  # seconds for each request to the provider
LEEWAY = 30  # seconds that clocks may differ
SIGNATURES = ["RS256", "PS256", "ES256", "EdDSA"]  # never a shared secret, never none


class ProviderError(AccessError):
    """Nobody is let in; `code` names its text."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


async def begin(
    ledger: Ledger, provider: Provider, municipality: str, secret: str | None, back: str
) -> tuple[str, str]:
    """Where to send the browser, and the state it has to bring back. Raises ProviderError."""
    state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
    async with _client(provider, secret, back) as client:
        about = await _about(client, provider)
        address, _ = client.create_authorization_url(
            about["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
        )
    async with ledger.transaction() as connection:
        await connection.execute("DELETE FROM provider_sign_ins WHERE expires_at < now()")
        await connection.execute(
            "INSERT INTO provider_sign_ins (state_hash, municipality, sealed_proof, expires_at) "
            "VALUES (%s, %s, %s, now() + %s)",
            [
                hash_token(state),
                municipality,
                ledger.seal.seal({"nonce": nonce, "verifier": verifier}),
                WITHIN,
            ],
        )
    return str(address), state


async def finish(
    ledger: Ledger,
    rules: SignInRules,
    provider_secrets: dict[str, str],
    state: str,
    code: str,
    back: str,
) -> tuple[Guide, Session]:
    """A session for whom the provider vouches for. Raises ProviderError."""
    municipality, proof = await _begun(ledger, state)
    own = rules.of(municipality)
    provider = own.provider
    if provider is None:
        raise ProviderError("refused")
    claims = await _claims(provider, provider_secrets.get(municipality), back, code, proof)
    roles = provider.roles_of(claims.get(provider.roles_claim))
    if not roles:
        raise ProviderError("no_role")
    return await _let_in(ledger, own, provider, municipality, claims, list(roles))


async def _begun(ledger: Ledger, state: str) -> tuple[str, dict[str, str]]:
    """What was begun with this state; it counts once."""
    async with ledger.transaction() as connection:
        cursor = await connection.execute(
            "DELETE FROM provider_sign_ins WHERE state_hash = %s "
            "RETURNING municipality, sealed_proof, expires_at > now() AS is_in_time",
            [hash_token(state)],
        )
        row = await cursor.fetchone()
    if row is None or not row["is_in_time"]:
        raise ProviderError("refused")
    return row["municipality"], ledger.seal.open(row["sealed_proof"])


def _client(provider: Provider, secret: str | None, back: str) -> AsyncOAuth2Client:
    return AsyncOAuth2Client(
        provider.client_id,
        secret,
        scope=" ".join(provider.scopes),
        redirect_uri=back,
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic" if secret else "none",
        timeout=PATIENCE,
    )


async def _about(client: AsyncOAuth2Client, provider: Provider) -> dict[str, Any]:
    about = await _json(client, f"{provider.issuer}/.well-known/openid-configuration")
    if str(about.get("issuer", "")).rstrip("/") != provider.issuer:
        raise ProviderError("unreachable")
    return about


async def _json(client: AsyncOAuth2Client, address: str) -> dict[str, Any]:
    try:
        answer = await client.request("GET", address, withhold_token=True)
        answer.raise_for_status()
        plain = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise ProviderError("unreachable") from error
    if not isinstance(plain, dict):
        raise ProviderError("unreachable")
    return plain


async def _claims(
    provider: Provider, secret: str | None, back: str, code: str, proof: dict[str, str]
) -> dict[str, Any]:
    async with _client(provider, secret, back) as client:
        about = await _about(client, provider)
        try:
            token = await client.fetch_token(
                about["token_endpoint"], code=code, code_verifier=proof["verifier"]
            )
        except (httpx.HTTPError, ValueError, AuthlibBaseError) as error:
            raise ProviderError("refused") from error
        keys = await _json(client, about["jwks_uri"])
    return checked(str(token.get("id_token", "")), keys, provider, proof["nonce"])


def checked(id_token: str, keys: dict[str, Any], provider: Provider, nonce: str) -> dict[str, Any]:
    """The claims of an id token that is genuine, meant for us, fresh and asked for by us.

    Raises ProviderError.
    """
    needed = jwt.JWTClaimsRegistry(
        leeway=LEEWAY,
        iss={"essential": True, "values": [provider.issuer, provider.issuer + "/"]},
        aud={"essential": True, "value": provider.client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        token = jwt.decode(id_token, KeySet.import_key_set(keys), algorithms=SIGNATURES)  # type: ignore[arg-type]
        needed.validate(token.claims)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise ProviderError("refused") from error
    audience = token.claims["aud"]
    is_shared = isinstance(audience, list) and len(audience) > 1
    if (is_shared or "azp" in token.claims) and token.claims.get("azp") != provider.client_id:
        raise ProviderError("refused")
    return dict(token.claims)


async def _let_in(
    ledger: Ledger,
    rules: Rules,
    provider: Provider,
    municipality: str,
    claims: dict[str, Any],
    roles: list[str],
) -> tuple[Guide, Session]:
    """The account of these claims, made at the first sign-in; roles are those of today."""
    async with ledger.transaction() as connection:
        cursor = await connection.execute(
            "SELECT * FROM guides WHERE municipality = %s AND issuer = %s AND subject = %s "
            "FOR UPDATE",
            [municipality, provider.issuer, str(claims["sub"])],
        )
        row = await cursor.fetchone()
        if row is not None and row["disabled_at"] is not None:
            raise ProviderError("disabled")
        name = str(claims.get(provider.name_claim) or claims.get("name") or "")[:60].strip()
        if row is None:
            guide = await _new(connection, provider, municipality, claims, roles, name or "Guide")
        else:
            guide = await _today(connection, row, roles, name)
        await audit.write(connection, guide, "signed_in", audit.account(guide.id), how="provider")
        return guide, await open_session(connection, rules, guide, "done")


async def _today(connection: Connection, row: Row, roles: list[str], name: str) -> Guide:
    guide = Guide(
        row["id"], row["municipality"], name or row["name"], row["function"], frozenset(roles)
    )
    if sorted(row["roles"]) != sorted(roles) or row["name"] != guide.name:
        await connection.execute(
            "UPDATE guides SET roles = %s, name = %s WHERE id = %s", [roles, guide.name, guide.id]
        )
    if sorted(row["roles"]) != sorted(roles):
        await audit.write(
            connection,
            Operator(row["municipality"]),
            "roles_changed",
            audit.account(guide.id),
            before=",".join(sorted(row["roles"])),
            after=",".join(roles),
        )
    return guide


async def _new(
    connection: Connection,
    provider: Provider,
    municipality: str,
    claims: dict[str, Any],
    roles: list[str],
    name: str,
) -> Guide:
    subject = str(claims["sub"])
    function = "coordinator" if "coordinator" in roles else "guide"
    guide = Guide(uuid4(), municipality, name, function, frozenset(roles))
    wanted = str(claims.get(provider.login_claim) or subject)[:64]
    for login in (wanted, f"{wanted[:40]}-{guide.id.hex[:12]}"):
        try:
            async with connection.transaction():
                await connection.execute(
                    "INSERT INTO guides (id, municipality, login, name, function, roles, issuer, "
                    "subject) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                    [
                        guide.id,
                        municipality,
                        login,
                        name,
                        function,
                        roles,
                        provider.issuer,
                        subject,
                    ],
                )
                break
        except UniqueViolation:
            continue  # a local account has the name
    await audit.write(
        connection,
        Operator(municipality),
        "account_added",
        audit.account(guide.id),
        roles=",".join(roles),
    )
    return guide
