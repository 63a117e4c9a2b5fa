"""Signing in as the documents tell it: the browser's code, the second factor, old audiences."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.rehearsal.conftest import Partner
from tests.rehearsal.test_tokens import ask, use

INVITATION = "/v1/customers/relationshiprequests"
BACK = "http://localhost:8400/back?from=here"


def browse(partner: Partner, **more: str) -> requests.Response:
    """What a browser is told by the sign-in page."""
    asked = {"client_id": "x", "response_type": "code", "redirect_uri": BACK, "state": "s&1"}
    url = f"{partner.server.url}/common/oauth2/authorize"
    return requests.get(url, params=asked | more, allow_redirects=False, timeout=10)


def test_a_code_becomes_a_users_tokens_once(partner: Partner) -> None:
    """The browser comes back with a code; it gives an access token and a refresh token, once."""
    answer = browse(partner)
    back = urlsplit(answer.headers["Location"])
    found = {name: values[0] for name, values in parse_qs(back.query).items()}
    form = {"grant_type": "authorization_code", "code": found["code"], "redirect_uri": BACK}
    first, second = ask(partner, **form), ask(partner, **form)

    assert (answer.status_code, back.netloc, back.path) == (302, "localhost:8400", "/back")
    assert (found["from"], found["state"]) == ("here", "s&1")
    assert use(partner, first.json()["access_token"], INVITATION).status_code == 200
    again = ask(partner, grant_type="refresh_token", refresh_token=first.json()["refresh_token"])
    assert again.status_code == 200
    assert (second.status_code, second.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "odd",
    [
        {"redirect_uri": "https://elsewhere.example/"},
        {"redirect_uri": "http://localhost.elsewhere.example/"},
        {"redirect_uri": ""},
        {"client_id": ""},
        {"response_type": "token"},
    ],
)
def test_a_code_goes_to_this_machine_only(partner: Partner, odd: dict[str, str]) -> None:
    """Another address, or none, is refused in the words of OAuth."""
    answer = browse(partner, **odd)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_an_odd_address_to_go_back_to_breaks_nothing(partner: Partner) -> None:
    """A line break in it stays no header of its own."""
    answer = browse(partner, redirect_uri="http://localhost/\r\nSet-Cookie: a=b")

    assert answer.status_code < 500
    assert "Set-Cookie" not in answer.headers


def test_a_token_for_the_old_audience_is_refused(partner: Partner) -> None:
    """Since August 2025 a token for graph.windows.net opens nothing: 401/900420."""
    form = {"grant_type": "client_credentials", "resource": "https://graph.windows.net"}
    answer = use(partner, ask(partner, **form).json()["access_token"], "/v1/customers")

    assert (answer.status_code, answer.json()["code"]) == (401, 900420)
    assert answer.headers["WWW-Authenticate"].startswith("OAuth realm=")


@pytest.mark.parametrize(("kind", "said"), [("user", "true"), ("app", "false")])
def test_a_call_can_ask_for_the_second_factor(partner: Partner, kind: str, said: str) -> None:
    """`ValidateMfa: true` is answered in a header, and without it nothing is said."""
    asked = partner.call("GET", "/v1/customers?size=1", kind=kind, headers={"ValidateMfa": "true"})

    assert asked.headers["isMfaCompliant"] == said
    assert "isMfaCompliant" not in partner.get("/v1/customers?size=1").headers
