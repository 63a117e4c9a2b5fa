"""The token endpoint: a real round trip from a secret to an answer."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from cspkit.rehearsal.records import PARTNER_TENANT
from cspkit.rehearsal.tokens import CLIENT_SECRET, FIRST_REFRESH_TOKEN
from tests.rehearsal.conftest import Partner

CLIENT = {"client_id": "0a0a0a0a-0000-4000-8000-000000000001", "client_secret": CLIENT_SECRET}
RESOURCE = {"resource": "https://api.partnercenter.microsoft.com"}


def ask(partner: Partner, path: str = "token", tenant: str = "", **form: str) -> requests.Response:
    url = f"{partner.server.url}/{tenant or PARTNER_TENANT}/oauth2/{path}"
    return requests.post(url, data=CLIENT | form, timeout=10)


def use(partner: Partner, token: str, path: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(partner.server.url + path, headers=headers, timeout=10)


def test_an_app_alone_reads_what_apps_may_read(partner: Partner) -> None:
    """Client credentials open the customer list, and not the invitation link."""
    answer = ask(partner, grant_type="client_credentials", **RESOURCE).json()
    token = answer["access_token"]

    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", "3599")
    assert use(partner, token, "/v1/customers").status_code == 200
    refused = use(partner, token, "/v1/customers/relationshiprequests")
    assert (refused.status_code, refused.json()["code"]) == (403, 900329)


def test_a_refresh_token_speaks_for_a_user(partner: Partner) -> None:
    """Each answer brings a new refresh token, which works the next time."""
    form = {"grant_type": "refresh_token", **RESOURCE}
    first = ask(partner, refresh_token=FIRST_REFRESH_TOKEN, **form).json()
    second = ask(partner, refresh_token=first["refresh_token"], **form).json()
    path = "/v1/customers/relationshiprequests"

    assert first["refresh_token"] != second["refresh_token"]
    assert use(partner, second["access_token"], path).status_code == 200


def test_a_token_of_the_second_version_opens_a_tenant(partner: Partner) -> None:
    """The same user gets a token for a customer's tenant, where access was granted."""
    scope = {"scope": "https://graph.microsoft.com/.default offline_access"}
    form = {"grant_type": "refresh_token", "refresh_token": FIRST_REFRESH_TOKEN, **scope}
    found = ask(partner, "v2.0/token", partner.accessible().id, **form).json()

    assert found["expires_in"] == 3599
    path = "/graph/v1.0/subscribedSkus"
    assert use(partner, found["access_token"], path).status_code == 200


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": "client_credentials", "client_secret": "x"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": ""}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "old"}, 400, "invalid_grant"),
        ({"grant_type": "refresh_token"}, 400, "invalid_grant"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({}, 400, "unsupported_grant_type"),
    ],
)
def test_a_refusal_is_worded_as_oauth_does(
    partner: Partner, form: dict[str, str], status: int, error: str
) -> None:
    """The error, its number and its words."""
    answer: Any = ask(partner, **form)

    assert (status, error) == (answer.status_code, answer.json()["error"])
    assert answer.json()["error_description"].startswith("AADSTS")


def test_a_token_ends(partner: Partner) -> None:
    """After its hour a token opens nothing; the answer is a 401 with its challenge."""
    over = f"rehearsal-app-{PARTNER_TENANT}-{int(time.time()) - 1}"
    answer = use(partner, over, "/v1/customers")

    assert answer.status_code == 401
    assert "OAuth realm=urn:cpsvc:cpid:" in answer.headers["WWW-Authenticate"]
