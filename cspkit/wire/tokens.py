"""Tokens for each call: of a rehearsal, or from any azure-identity credential."""

from __future__ import annotations

import base64
import binascii
import json
from functools import lru_cache
from typing import Any, Protocol

from cspkit.errors import SettingsError

AUTHORITY = "https://login.microsoftonline.com"
_INSTALL = "pip install 'cspkit[live]'"


class TokenProvider(Protocol):
    """Hand out the bearer token of one call."""

    def token(self, audience: str, tenant: str, user: bool) -> str:
        """Return a token for an audience in a tenant, with a signed-in user or app-only."""
        ...


class FixedTokens:
    """The tokens that a rehearsal accepts; they open nothing else."""

    def token(self, audience: str, tenant: str, user: bool) -> str:
        """Name the kind of caller and the tenant in the token itself."""
        return f"rehearsal-{'user' if user else 'app'}-{tenant}"


class NoTokens:
    """No tokens at all: every call is refused before it is sent."""

    def token(self, audience: str, tenant: str, user: bool) -> str:
        """Raise SettingsError."""
        raise SettingsError("credentials", "user", f"nobody is signed in for {audience}")


class Credential(Protocol):
    """What every credential of azure-identity offers."""

    def get_token(self, *scopes: str, **more: Any) -> Any:
        """Return an access token with a `token` field."""
        ...


class AzureTokens:
    """Tokens of azure-identity credentials: `user` with a signed-in person, `app` without one.

    A user's token serves calls of both kinds; an app's never serves one that needs a user,
    which is refused here, before anything is sent.
    """

    def __init__(self, user: Credential | None = None, app: Credential | None = None) -> None:
        """Take one credential or both; no secret is kept here."""
        if user is None and app is None:
            raise SettingsError("credentials", "user", "expected a credential, found none")
        self._user = user
        self._app = app

    @classmethod
    def sign_in(cls, tenant: str, authority: str = AUTHORITY) -> AzureTokens:
        """Use what this computer is signed in with, or ask a person to sign in by device code."""
        identity = _azure_identity()
        silent = cls.default(tenant, authority)._user
        code = identity.DeviceCodeCredential(
            tenant_id=tenant, authority=authority, additionally_allowed_tenants=["*"]
        )
        return cls(user=identity.ChainedTokenCredential(silent, code))

    @classmethod
    def default(cls, tenant: str, authority: str = AUTHORITY) -> AzureTokens:
        """Use what this computer is signed in with: environment, managed identity, command line."""
        identity = _azure_identity()
        options = {"workload_identity_tenant_id": tenant, "additionally_allowed_tenants": ["*"]}
        return cls(user=identity.DefaultAzureCredential(authority=authority, **options))

    def token(self, audience: str, tenant: str, user: bool) -> str:
        """Return a token; raise SettingsError when a call needs a user and nobody signed in."""
        credential = self._user if user or self._app is None else self._app
        if credential is None:
            raise SettingsError("credentials", "user", f"{audience} needs a signed-in user here")
        try:
            return str(credential.get_token(f"{audience}/.default", tenant_id=tenant).token)
        except _azure_errors() as error:
            first = str(error).partition("\n")[0][:200]
            problem = f"no token for {audience} in tenant {tenant}: {first}"
            raise SettingsError("credentials", "user", problem) from error


def has_mfa(token: str) -> bool:
    """Say whether a token tells that its user signed in with a second factor."""
    methods = _claims(token).get("amr", [])
    return isinstance(methods, list) and "mfa" in methods


def is_of_an_app(token: str) -> bool:
    """Say whether a token tells that no user stands behind it; one that tells nothing passes."""
    claims = _claims(token)
    if "idtyp" in claims:
        return bool(claims["idtyp"] == "app")
    return bool(claims) and not any(claims.get(one) for one in ("scp", "amr", "upn"))


@lru_cache(maxsize=256)
def _claims(token: str) -> dict[str, Any]:
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error):
        return {}
    return claims if isinstance(claims, dict) else {}


def _azure_errors() -> tuple[type[Exception], ...]:
    """What a credential of azure-identity raises; nothing where it is not installed."""
    try:
        from azure.core.exceptions import AzureError
    except ImportError:
        return ()
    return (AzureError,)


def _azure_identity() -> Any:
    try:
        import azure.identity
    except ImportError as error:
        raise SettingsError("mode live", "azure-identity", f"missing: {_INSTALL}") from error
    return azure.identity
