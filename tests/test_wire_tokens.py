"""Tokens of credentials: whose they are, and what is refused before anything is sent."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from cspkit.errors import SettingsError
from cspkit.wire import (
    AzureTokens,
    NoTokens,
    Wire,
    has_mfa,
)
from tests.canned import Canned

TENANT = "00000000-0000-4000-8000-000000000001"


class Signed:
    """The interface of every azure-identity credential."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def get_token(self, *scopes: str, **more: Any) -> Any:
        self.asked.append((scopes[0], more["tenant_id"]))
        return type("AccessToken", (), {"token": "secret"})()


def test_azure_tokens_ask_for_the_audience_in_the_tenant() -> None:
    """Each customer's tenant gets a token of its own."""
    credential = Signed()
    tokens = AzureTokens(user=credential)

    tokens.token("https://graph.microsoft.com", TENANT, True)

    assert credential.asked == [("https://graph.microsoft.com/.default", TENANT)]


def test_an_app_never_serves_a_call_that_needs_a_user() -> None:
    """Refused before anything is sent, in words."""
    tokens = AzureTokens(app=Signed())

    with pytest.raises(SettingsError, match="needs a signed-in user"):
        tokens.token("https://api.partnercenter.microsoft.com", TENANT, True)


def test_a_failed_sign_in_is_one_line() -> None:
    """What azure-identity says at length becomes what, where and for whom."""
    from azure.core.exceptions import ClientAuthenticationError

    class Refusing(Signed):
        def get_token(self, *scopes: str, **more: Any) -> Any:
            raise ClientAuthenticationError("no account\nmany more lines")

    with pytest.raises(SettingsError, match=r"no token for https://x in tenant t: no account$"):
        AzureTokens(user=Refusing()).token("https://x", "t", True)


def test_without_a_sign_in_nothing_is_sent() -> None:
    """A wire without tokens refuses before it connects."""
    adapter = Canned({})
    wire = Wire("https://api.example", tokens=NoTokens(), adapter=adapter)
    with pytest.raises(SettingsError, match="nobody is signed in"):
        wire.read("/v1/customers", tenant=TENANT)
    wire.close()

    assert adapter.asked == []


def claims(**said: Any) -> str:
    """A token as the sign-in makes it, with a signature that nobody checks here."""
    body = base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
    return f"head.{body}.signature"


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (claims(amr=["pwd", "mfa"]), True),
        (claims(amr=["pwd"]), False),
        (claims(amr="mfa"), False),
        (claims(), False),
        (f"rehearsal-user-{TENANT}", False),
        ("a.%%%.b", False),
        ("", False),
    ],
)
def test_mfa_is_read_from_the_token(token: str, expected: bool) -> None:
    """Only a token that says so counts as signed in with a second factor."""
    assert has_mfa(token) is expected
