"""Tokens: a real OAuth2 round trip, where secrets go, and calls that an app may not make."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from cspkit.errors import ApiError, ApiUnavailable, SettingsError
from cspkit.graph import Graph
from cspkit.partner_center import PartnerCenter
from cspkit.rehearsal.records import PARTNER_TENANT
from cspkit.rehearsal.server import Server
from cspkit.rehearsal.tokens import CLIENT_SECRET, FIRST_REFRESH_TOKEN
from cspkit.rehearsal.world import World
from cspkit.settings import Service as ServiceSettings
from cspkit.settings import Settings
from cspkit.wire import AzureTokens, FixedTokens, SecureApp, TokenFile, Wire, dial, sign_in
from cspkit.wire.dialling import GRAPH_PACE, PARTNER_CENTER_PACE, PRICE_SHEETS, dial_price_sheets
from tests.canned import Canned, Service
from tests.test_wire_tokens import claims

APP = "0a0a0a0a-0000-4000-8000-000000000001"
AUDIENCE = "https://api.partnercenter.microsoft.com"


@pytest.fixture(scope="module")
def rehearsal() -> Iterator[Server]:
    with Server(World.sample(customers=20), control=True) as server:
        yield server


@pytest.fixture
def kept(tmp_path: Path) -> TokenFile:
    """The refresh token of the first sign-in, as a person would leave it."""
    file = TokenFile(tmp_path / "refresh-token")
    file.keep(FIRST_REFRESH_TOKEN)
    return file


def secure_app(url: str, kept: TokenFile | None = None, **more: Any) -> SecureApp:
    if kept is not None:
        more = {"read": kept.read, "keep": kept.keep, **more}
    return SecureApp(APP, CLIENT_SECRET, authority=url, **more)


def test_client_credentials_open_what_an_app_may_read(rehearsal: Server) -> None:
    """A real round trip: secret to token to customers; no user, no invitation link."""
    tokens = secure_app(rehearsal.url)
    wire = Wire(rehearsal.url, tokens=tokens, audience=AUDIENCE)
    center = PartnerCenter(wire, PARTNER_TENANT)

    assert len(center.customers()) == 10
    before = rehearsal.books()["calls"]
    with pytest.raises(SettingsError, match="needs a signed-in user"):
        center.relationship_link()
    assert rehearsal.books()["calls"] == before
    wire.close()
    tokens.close()


def test_a_refresh_token_speaks_for_its_user(rehearsal: Server, kept: TokenFile) -> None:
    """A real round trip as a user, in both services; each new refresh token is kept, 0600."""
    tokens = secure_app(rehearsal.url, kept)
    wire = Wire(rehearsal.url, tokens=tokens, audience=AUDIENCE)
    graph = Wire(f"{rehearsal.url}/graph", tokens=tokens, audience="https://graph.microsoft.com")

    assert PartnerCenter(wire, PARTNER_TENANT).relationship_link().startswith("https://")
    second = kept.read()
    assert Graph(graph, PARTNER_TENANT).relationships() is not None
    third = kept.read()

    assert len({FIRST_REFRESH_TOKEN, second, third}) == 3
    assert stat.S_IMODE(os.stat(kept.path).st_mode) == 0o600
    assert [one.name for one in kept.path.parent.iterdir()] == ["refresh-token"]
    for one in (wire, graph, tokens):
        one.close()


def test_a_token_is_asked_for_once_by_many_threads() -> None:
    """One round trip serves all threads until two minutes before its end."""
    answer = {"access_token": "a", "expires_in": "3599", "refresh_token": "new"}
    now = [0.0]
    with Service((200, answer, {})) as service:
        tokens = secure_app(service.url, clock=lambda: now[0])
        threads = [
            threading.Thread(target=tokens.token, args=(AUDIENCE, "t", False)) for _ in range(8)
        ]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        asked = len(service.seen)
        now[0] = 3_470.0
        tokens.token(AUDIENCE, "t", False)
        again = len(service.seen)
        now[0] = 3_480.0
        tokens.token(AUDIENCE, "t", False)
        tokens.close()

        assert (asked, again, len(service.seen)) == (1, 1, 2)


def test_a_refused_sign_in_says_why_without_its_secret(rehearsal: Server) -> None:
    """What the sign-in service says, in one line; neither the secret nor a token in it."""
    tokens = SecureApp(APP, "wrong-secret", authority=rehearsal.url)

    with pytest.raises(SettingsError, match="AADSTS7000215") as caught:
        tokens.token(AUDIENCE, PARTNER_TENANT, False)

    assert "wrong-secret" not in f"{caught.value!r} {caught.value} {tokens!r}"
    tokens.close()


def test_a_dead_refresh_token_asks_for_a_new_sign_in(rehearsal: Server, kept: TokenFile) -> None:
    """The old token stays where it is, and no other is invented."""
    kept.keep("long-dead")
    tokens = secure_app(rehearsal.url, kept)

    with pytest.raises(SettingsError, match="invalid_grant") as caught:
        tokens.token(AUDIENCE, PARTNER_TENANT, True)

    assert kept.read() == "long-dead"
    assert "long-dead" not in str(caught.value)
    tokens.close()


def test_a_sign_in_service_that_is_not_there_is_unavailable() -> None:
    """Nothing was sent, so it may be tried again."""
    tokens = SecureApp(APP, "s", authority="http://127.0.0.1:9")

    with pytest.raises(ApiUnavailable):
        tokens.token(AUDIENCE, PARTNER_TENANT, False)
    tokens.close()


def test_secrets_travel_only_under_https() -> None:
    """A secret is never sent in the clear to another machine."""
    with pytest.raises(SettingsError, match="expected https"):
        SecureApp(APP, "s", authority="http://login.example")


@pytest.mark.parametrize(("mode", "words"), [(0o644, "chmod 600"), (0o640, "chmod 600")])
def test_a_token_that_others_can_read_is_not_used(kept: TokenFile, mode: int, words: str) -> None:
    """A file open to others is refused before its token goes anywhere."""
    kept.path.chmod(mode)

    with pytest.raises(SettingsError, match=words):
        kept.read()


def test_a_token_file_that_is_missing_or_empty_says_so(tmp_path: Path) -> None:
    """The path is in the message, the way out too."""
    with pytest.raises(SettingsError, match="cannot be read"):
        TokenFile(tmp_path / "none").read()
    empty = TokenFile(tmp_path / "empty")
    empty.keep("")
    with pytest.raises(SettingsError, match="found nothing"):
        empty.read()


class Credential:
    """What azure-identity hands out for a client secret, or for a person."""

    def __init__(self, token: str) -> None:
        self.given = token

    def get_token(self, *scopes: str, **more: Any) -> Any:
        return type("AccessToken", (), {"token": self.given})()


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ({"roles": ["x"], "idtyp": "app"}, 0),
        ({"roles": ["x"], "appid": APP}, 0),
        ({"idtyp": "user", "scp": "user_impersonation"}, 1),
        ({"scp": "user_impersonation"}, 1),
        ({"amr": ["pwd", "mfa"]}, 1),
    ],
)
def test_a_call_that_needs_a_user_is_not_sent_as_an_app(said: dict[str, Any], sent: int) -> None:
    """Some credentials give an app's token to everybody: the token itself tells."""
    adapter = Canned({"GET /v1/customers/relationshiprequests": [(200, {"url": "https://x"})]})
    tokens = AzureTokens(user=Credential(claims(**said)))
    center = PartnerCenter(Wire("https://api.example", tokens=tokens, adapter=adapter), "t")

    if sent:
        center.relationship_link()
    else:
        with pytest.raises(SettingsError, match="GET /v1/customers/relationshiprequests needs a"):
            center.relationship_link()
    assert len(adapter.asked) == sent


def settings(**service: Any) -> ServiceSettings:
    return ServiceSettings(kind="tenant", partner_center=AUDIENCE, **service)


def test_a_national_cloud_is_settings_alone() -> None:
    """Addresses, authority, audiences and hosts come from the settings, nothing is compiled in."""
    china = settings(
        graph="https://graph.china.example/base",
        authority="https://login.china.example",
        graph_audience="https://graph.audience.example",
        allowed_hosts=("https://pages.china.example",),
        client_id=APP,
    )
    asked: list[tuple[str, str]] = []

    class Asking(FixedTokens):
        def token(self, audience: str, tenant: str, user: bool) -> str:
            asked.append((audience, tenant))
            return "x"

    adapter = Canned({"GET /base/v1.0/me": [(200, {})]})
    wire = dial(china, "graph", Asking(), adapter=adapter)
    wire.read("/v1.0/me", tenant="t")

    assert asked == [("https://graph.audience.example", "t")]
    assert wire.address("https://pages.china.example/next") == "https://pages.china.example/next"
    assert "SecureApp" in repr(_signed(china))


def _signed(service: ServiceSettings) -> Any:
    os.environ["CSPKIT_CLIENT_SECRET"] = "s"
    try:
        return sign_in(service, Path("."), ask=False)
    finally:
        del os.environ["CSPKIT_CLIENT_SECRET"]


def test_the_apps_secret_is_asked_for_by_name() -> None:
    """Without the environment variable nothing is tried."""
    with pytest.raises(SettingsError, match="CSPKIT_CLIENT_SECRET"):
        sign_in(settings(client_id=APP), Path("."), ask=False)


@pytest.mark.parametrize(
    ("service", "center", "graph"),
    [
        (settings(), PARTNER_CENTER_PACE, GRAPH_PACE),
        (settings(calls_per_minute=60, graph_calls_per_minute=30), 60, 30),
        (ServiceSettings(), None, None),
        (ServiceSettings(calls_per_minute=60), 60, None),
    ],
)
def test_the_pace_comes_from_the_settings(
    service: ServiceSettings, center: float | None, graph: float | None
) -> None:
    """A tenant is never asked faster than the documents allow; a rehearsal as fast as it can."""
    wires = [dial(service, one, FixedTokens()) for one in ("partner_center", "graph")]

    assert [wire.limiter.per_minute for wire in wires] == [center, graph]
    for wire in wires:
        wire.close()


def test_price_sheets_have_an_address_of_their_own() -> None:
    """Microsoft's by default, the rehearsal's in a rehearsal."""
    live, rehearsed = settings(), Settings().service

    assert dial_price_sheets(live, FixedTokens()).base_url == PRICE_SHEETS
    assert dial_price_sheets(rehearsed, FixedTokens()).base_url == rehearsed.partner_center


def test_the_rehearsal_agrees_who_may_call(rehearsal: Server) -> None:
    """For each call it serves, a lone app is turned away exactly where our table says so."""
    from cspkit.wire.routes import routes

    class Alone(FixedTokens):
        def token(self, audience: str, tenant: str, user: bool) -> str:
            return f"rehearsal-app-{tenant}"

    wire = Wire(rehearsal.url, tokens=Alone())
    customer = next(one.id for one in rehearsal.world.customers.values() if one.related)
    names = ("product", "sku", "cart", "order", "subscription", "transfer", "migration", "template")
    ids = dict.fromkeys(names, "x") | {
        "customer": customer,
        "market": "US",
        "view": "updatedlicensebased",
    }
    differ = []
    for route in routes("cspkit.partner_center").values():
        path = route.at(**ids)
        try:
            if route.method == "GET":
                wire.read(path, tenant=PARTNER_TENANT)
            else:
                body: dict[str, Any] = {}
                wire.write(
                    route.method, path, tenant=PARTNER_TENANT, request_id=route.name, body=body
                )
            refused = False
        except ApiError as error:
            refused = error.code == "900329"
        if refused != route.user:
            differ.append(route.name)
    wire.close()

    # where the documents disagree or are silent, the table has the stricter word
    assert differ == ["customer", "qualifications"]


class Detour(requests.adapters.HTTPAdapter):
    """Take calls for https hosts to loopback: discovery to one server, the rest to another."""

    def __init__(self, url: str, discovery: str) -> None:
        super().__init__()
        self.places = (url, discovery)

    def send(self, request: Any, **more: Any) -> Any:
        path = urlsplit(request.url).path
        request.url = f"{self.places[path.endswith('openid-configuration')]}{path}"
        return super().send(request, **{**more, "proxies": {}})


def discovery(_: str, path: str, *__: Any) -> tuple[int, Any, dict[str, str]]:
    """Say where a tenant's tokens come from."""
    place = f"https://login.china.example/{path.split('/')[1]}"
    found = {
        "token_endpoint": f"{place}/oauth2/v2.0/token",
        "authorization_endpoint": f"{place}/oauth2/v2.0/authorize",
        "issuer": f"{place}/v2.0",
    }
    return 200, found, {}


def test_a_real_azure_credential_signs_in(rehearsal: Server) -> None:
    """Azure-identity's own client secret credential, its own protocol, the rehearsal's tokens."""
    transport = pytest.importorskip("azure.core.pipeline.transport")
    identity = pytest.importorskip("azure.identity")
    with Service(discovery) as described, requests.Session() as session:
        session.mount("https://", Detour(rehearsal.url, described.url))
        credential = identity.ClientSecretCredential(
            PARTNER_TENANT,
            APP,
            CLIENT_SECRET,
            authority="https://login.china.example",
            disable_instance_discovery=True,
            transport=transport.RequestsTransport(session=session, session_owner=False),
        )
        wire = Wire(rehearsal.url, tokens=AzureTokens(app=credential), audience=AUDIENCE)
        center = PartnerCenter(wire, PARTNER_TENANT)

        assert len(center.customers()) == 10
        with pytest.raises(SettingsError, match="needs a signed-in user"):
            center.relationship_link()
        wire.close()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("authority", "http://login.example"),
        ("authority", ""),
        ("graph_audience", "graph.example"),
        ("price_sheets", "ftp://x"),
        ("calls_per_minute", 0),
        ("client_secret", "s"),
    ],
)
def test_settings_of_the_clients_are_checked(tmp_path: Path, field: str, value: Any) -> None:
    """A wrong address, a pace of nothing, or a secret in the file: named, and refused."""
    file = tmp_path / "cspkit.toml"
    shown = f'"{value}"' if isinstance(value, str) else value
    file.write_text(f"[service]\n{field} = {shown}\n", encoding="utf-8")

    with pytest.raises(SettingsError, match=rf"service\.{field}"):
        Settings.read(file)
