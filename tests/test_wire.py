"""The only HTTP: who may be spoken to, what is repeated, and what an answer means."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from cspkit.errors import ApiError, ApiRefused, ApiUnavailable, ApiUnclear, SettingsError
from cspkit.wire import (
    AzureTokens,
    FixedTokens,
    NoTokens,
    Record,
    ServiceClock,
    Wire,
    has_mfa,
    instant,
    plain,
)
from cspkit.wire.faults import answers, seconds
from tests.canned import Canned, Service

TENANT = "00000000-0000-4000-8000-000000000001"
REQUEST = "5a9ecd4c-0000-4000-8000-000000000000"


@contextmanager
def dialled(url: str, **more: Any) -> Iterator[Wire]:
    """A wire with the tokens of a rehearsal."""
    wire = Wire(url, tokens=FixedTokens(), **more)
    try:
        yield wire
    finally:
        wire.close()


@contextmanager
def hanging_up(after: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that takes a request, does what the test says, and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(5)

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                client.recv(65_536)
                after(client)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def posted(wire: Wire, path: str = "/v1/x") -> Any:
    return wire.write("POST", path, tenant=TENANT, request_id=REQUEST, body={"a": 1})


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_every_call_carries_its_own_token_and_ids() -> None:
    """A token belongs to one request; the session never holds it."""
    with Service((200, {"ok": True}, {})) as service, dialled(service.url) as wire:
        wire.read("/v1/x", tenant=TENANT, user=False)
        posted(wire)

        held = dict(wire._session.headers)

    (_, _, first), (_, _, second) = service.seen
    assert first["Authorization"] == f"Bearer rehearsal-app-{TENANT}"
    assert second["Authorization"] == f"Bearer rehearsal-user-{TENANT}"
    assert second["MS-RequestId"] == REQUEST
    assert second["MS-CorrelationId"] != first["MS-CorrelationId"]
    assert "Authorization" not in held


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1/customers",
        "http://127.0.0.1.evil.example/v1/customers",
        "http://127.0.0.1@evil.example/",
        "http://user@127.0.0.1:8765/v1",
        "http://127.0.0.1:8766/v1/customers",
        "https://127.0.0.1:8765/v1/customers",
        "file:///etc/passwd",
    ],
)
def test_links_lead_only_to_allowed_addresses(link: str) -> None:
    """Scheme, host and port must be exactly allowed: a page cannot lead the token away."""
    adapter = Canned({})
    with (
        dialled("http://127.0.0.1:8765", adapter=adapter) as wire,
        pytest.raises(ApiUnavailable, match="not followed"),
    ):
        wire.read(link, tenant=TENANT)

    assert adapter.asked == []


def test_a_redirect_is_not_followed() -> None:
    """The token stays where it was sent."""
    with Service((200, {}, {})) as elsewhere:
        moved = (302, {}, {"Location": f"{elsewhere.url}/x"})
        with Service(moved) as service, dialled(service.url) as wire:
            with pytest.raises(ApiError):
                wire.read("/v1/x", tenant=TENANT)
            with pytest.raises(ApiUnclear):
                posted(wire)

    assert elsewhere.seen == []


def test_reads_are_repeated_and_wait_as_told() -> None:
    """A read waits the seconds the service names, also broken ones, and goes on."""
    busy = (429, {"statusCode": 429, "message": "Try again"}, {"Retry-After": "0.3"})
    with Service(busy, (200, {"ok": 1}, {})) as service, dialled(service.url) as wire:
        began = time.monotonic()
        answer = wire.read("/v1/x", tenant=TENANT)

    assert answer.body == {"ok": 1}
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("wait", ["soon", "", "-5"])
def test_a_nonsense_wait_does_not_break_a_read(wait: str) -> None:
    """What the service says about waiting may be wrong; the read goes on by itself."""
    busy = (503, {}, {"Retry-After": wait})
    with Service(busy, (200, {"ok": 1}, {})) as service, dialled(service.url) as wire:
        assert wire.read("/v1/x", tenant=TENANT).body == {"ok": 1}


@pytest.mark.parametrize("status", [429, 500, 503])
def test_writes_are_never_repeated(status: int) -> None:
    """One write, one request: only the ledger decides to send again."""
    with (
        Service((status, {}, {"Retry-After": "0"})) as service,
        dialled(service.url) as wire,
        pytest.raises(ApiError),
    ):
        posted(wire)

    assert len(service.seen) == 1


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, {"code": 13605, "description": "Accept first"}, ApiRefused),
        (403, {"code": "13605", "description": "as text"}, ApiRefused),
        (404, {"code": 400019}, ApiRefused),
        (429, {"statusCode": 429, "message": "Rate limit is exceeded."}, ApiRefused),
        (401, {}, ApiRefused),
        (400, {"error": {"code": "Request_BadRequest", "message": "no licences"}}, ApiRefused),
        (400, {"code": 800065, "description": "already submitted"}, ApiUnclear),
        (400, {"code": 123456}, ApiUnclear),
        (403, b"<html>proxy</html>", ApiUnclear),
        (404, {}, ApiUnclear),
        (409, {"code": 800060}, ApiUnclear),
        (409, {"code": 800064}, ApiUnclear),
        (500, {"code": 800005}, ApiUnclear),
        (502, b"<html>bad gateway</html>", ApiUnclear),
        (503, {}, ApiUnclear),
        (201, b"{ half", ApiUnclear),
        (302, {}, ApiUnclear),
    ],
)
def test_a_write_is_refused_only_by_a_listed_answer(
    status: int, body: Any, kind: type[ApiError]
) -> None:
    """Everything that is not known to have done nothing is unclear."""
    adapter = Canned({"POST /v1/x": [(status, body)]})
    with (
        dialled("https://api.example", adapter=adapter) as wire,
        pytest.raises(kind) as caught,
    ):
        posted(wire)

    assert type(caught.value) is kind
    assert caught.value.request_id == REQUEST


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, {"code": 20000}, ApiRefused),
        (403, {"code": 999999}, ApiRefused),
        (400, b"<html>", ApiRefused),
        (500, {}, ApiUnavailable),
        (429, {}, ApiUnavailable),
        (200, b"{ half", ApiUnavailable),
    ],
)
def test_a_read_is_never_unclear(status: int, body: Any, kind: type[ApiError]) -> None:
    """A read changes nothing, so it is either refused or may be asked again."""
    adapter = Canned({"GET /v1/x": [(status, body)]})
    with dialled("https://api.example", adapter=adapter) as wire, pytest.raises(kind):
        wire.limiter.sleep = lambda _: None
        wire.read("/v1/x", tenant=TENANT)


def test_a_refused_connection_never_left() -> None:
    """A write to a closed port may be repeated: nobody got it."""
    with dialled(closed_port()) as wire, pytest.raises(ApiUnavailable, match="got no answer"):
        posted(wire)


def test_an_unknown_name_never_left() -> None:
    """A host that does not exist got nothing."""
    with (
        dialled("https://nowhere.invalid") as wire,
        pytest.raises(ApiUnavailable),
    ):
        posted(wire)


def test_a_connect_timeout_never_left() -> None:
    """The documented case that is safe to repeat."""
    adapter = Canned({"POST /v1/x": [requests.ConnectTimeout("slow")]})
    with dialled("https://api.example", adapter=adapter) as wire, pytest.raises(ApiUnavailable):
        posted(wire)


def test_a_server_that_hangs_up_is_unclear() -> None:
    """The same ConnectionError as a closed port, but the server had the request."""
    with (
        hanging_up(lambda client: None) as url,
        dialled(url) as wire,
        pytest.raises(ApiUnclear, match="outcome is not known"),
    ):
        posted(wire)


def test_silence_after_a_write_is_unclear() -> None:
    """A read timeout says nothing about what the service did."""
    with (
        hanging_up(lambda client: time.sleep(0.5)) as url,
        dialled(url, read_timeout=0.1) as wire,
        pytest.raises(ApiUnclear),
    ):
        posted(wire)


def test_half_an_answer_to_a_write_is_unclear() -> None:
    """A body that stops early proves that the service did something, not what."""

    def half(client: socket.socket) -> None:
        client.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{")

    with hanging_up(half) as url, dialled(url) as wire, pytest.raises(ApiUnclear):
        posted(wire)


def test_half_an_answer_to_a_read_is_read_again() -> None:
    """A page that was cut off is asked for again."""
    cut = (200, b'{"ok"', {"Content-Length": "40", "Connection": "close"})
    with Service(cut, (200, {"ok": 1}, {})) as service, dialled(service.url) as wire:
        assert wire.read("/v1/x", tenant=TENANT).body == {"ok": 1}


def test_an_error_is_one_line_with_the_next_step() -> None:
    """What was asked, what came back, what to do; markup and line breaks are gone."""
    body = {"code": 13605, "description": "We&#39;re sorry.\r\nAccept\u2028it"}
    adapter = Canned({"POST /v1/x": [(403, body)]})
    with (
        dialled("https://api.example", adapter=adapter) as wire,
        pytest.raises(ApiRefused) as caught,
    ):
        posted(wire)

    expected = "POST /v1/x answered 403 13605: We're sorry. Accept it; have it accepted"
    assert str(caught.value).startswith(expected)
    assert (caught.value.status, caught.value.code) == (403, "13605")


def test_no_error_shows_a_token() -> None:
    """Tokens reach neither messages nor representations."""
    with dialled(closed_port()) as wire, pytest.raises(ApiUnavailable) as caught:
        posted(wire)

    chain: list[BaseException] = [caught.value]
    while chain[-1].__cause__:
        chain.append(chain[-1].__cause__)
    assert "rehearsal-user" not in " ".join(f"{one!r} {one}" for one in chain)


def test_loopback_ignores_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rehearsal on this machine works behind any company proxy."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with Service((200, {"ok": 1}, {})) as service, dialled(service.url) as wire:
        assert wire.read("/v1/x", tenant=TENANT).body == {"ok": 1}


def test_netrc_never_replaces_the_token(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A .netrc of the user must not change who calls."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.example login ana password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    adapter = Canned({"GET /v1/x": [(200, {})]})
    with dialled("https://api.example", adapter=adapter) as wire:
        wire.read("/v1/x", tenant=TENANT)

    assert adapter.asked[0].headers["Authorization"] == f"Bearer rehearsal-user-{TENANT}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("57", 57.0),
        ("2.128", 2.128),
        ("Fri, 20 Nov 2020 10:00:00 GMT", 0.0),
        ("soon", None),
        ("nan", None),
        ("999999999999", 604_800.0),
        (None, None),
    ],
)
def test_a_wait_is_read_in_every_form(text: str | None, expected: float | None) -> None:
    """Seconds, broken seconds, a date, nonsense, nothing."""
    assert seconds(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-08-17T18:13:11.3122226Z", datetime(2021, 8, 17, 18, 13, 11, 312222, UTC)),
        ("2018-03-06T17:37:05.253-08:00", datetime(2018, 3, 7, 1, 37, 5, 253000, UTC)),
        ("2019-08-26T00:00:00", datetime(2019, 8, 26, tzinfo=UTC)),
        ("0001-01-01T00:00:00", None),
        ("9999-12-31T23:59:59.9999999Z", None),
        ("<etag>", None),
        (None, None),
    ],
)
def test_instants_are_read_in_every_form(text: object, expected: datetime | None) -> None:
    """Seven digits, any zone or none, and the two words for nothing."""
    assert instant(text) == expected


def test_a_record_survives_what_a_service_changes() -> None:
    """Other case, other type, missing field, an item that is no object: nothing raises."""
    record = Record({"Id": "ABC", "quantity": "5", "items": [{"a": 1}, "x", None], "on": "true"})

    assert (record.id("id"), record.whole("quantity"), record.flag("ON")) == ("abc", 5, True)
    assert [item.whole("a") for item in record.records("items")] == [1]
    assert (record.text("none"), record.instant("quantity")) == ("", None)
    assert not Record(["not", "an", "object"])


def test_plain_text_is_one_harmless_line() -> None:
    """Control characters and length of a foreign text stay outside our messages."""
    assert plain("a\x1b[31m\r\nb\u202e" + "c" * 500, 20) == "a[31m b" + "c" * 12 + "…"


def test_a_rehearsal_tells_its_time() -> None:
    """Mode rehearsal lives on the rehearsal's clock."""
    adapter = Canned({"GET /control/clock": [(200, {"now": "2026-11-23T08:00:00Z"})]})
    with dialled("http://127.0.0.1:8765", adapter=adapter) as wire:
        assert ServiceClock(wire).now() == datetime(2026, 11, 23, 8, tzinfo=UTC)

    assert "Authorization" not in adapter.asked[0].headers


def test_a_service_without_a_clock_says_so() -> None:
    """Anything but a rehearsal with its control on is refused in words."""
    with (
        dialled("http://127.0.0.1:8765", adapter=Canned({})) as wire,
        pytest.raises(ApiUnavailable, match="does not show its clock"),
    ):
        ServiceClock(wire).now()


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


def test_what_may_have_had_an_effect_is_not_listed() -> None:
    """No server error, conflict or second checkout counts as having done nothing."""
    listed = {key for key, known in answers().items() if known.harmless}

    assert (400, "800065") not in listed
    assert [key for key in listed if key[0] >= 500 or key[0] == 408] == []
    assert [code for status, code in listed if status == 409] == [
        "Request_MultipleObjectsWithSameKeyValue"
    ]


@pytest.mark.parametrize("key", sorted(answers()))
def test_every_known_answer_gives_cause_and_next_step(key: tuple[int, str]) -> None:
    """Each listed (status, code) is told in words, with what to do, on a write and on a read."""
    status, code = key
    known = answers()[key]
    body = {} if code == "*" else {"code": int(code) if code.isdigit() else code}
    adapter = Canned({"GET /v1/x": [(status, body)], "POST /v1/x": [(status, body)]})
    wire = Wire("https://api.example", tokens=FixedTokens(), adapter=adapter)
    wire.limiter.sleep = lambda _: None
    if status < 300:
        assert wire.read("/v1/x", tenant=TENANT).status == status
        return

    with pytest.raises(ApiError) as written:
        posted(wire)
    with pytest.raises(ApiError) as read:
        wire.read("/v1/x", tenant=TENANT)

    assert isinstance(written.value, ApiRefused if known.harmless else ApiUnclear)
    assert not isinstance(read.value, ApiUnclear)
    assert f"{known.means}; {known.next} (request id " in str(written.value)
    assert min(len(known.means), len(known.next), len(known.source)) > 3
    wire.close()


def test_all_documented_codes_are_listed() -> None:
    """The tables of Microsoft name 247; a code may stand there with two statuses."""
    documented = [key for key, known in answers().items() if "table" in known.source]

    assert len(documented) >= 245
    assert {(400, "2006"), (403, "2006"), (403, "13605"), (400, "800065")} <= set(documented)


def test_an_unknown_error_keeps_its_raw_body() -> None:
    """What nobody has words for is kept as it came, without any secret in it."""
    raw = '{"weird": {"access_token": "abc.def"}, "said": "Bearer xyz", "jwt": "eyJhb.eyJz.sig"}'
    adapter = Canned({"POST /v1/x": [(418, raw)]})
    with dialled("https://api.example", adapter=adapter) as wire, pytest.raises(ApiError) as caught:
        posted(wire)

    assert caught.value.body.startswith('{"weird"')
    assert not {"abc.def", "xyz", "eyJhb"} & set(caught.value.body.replace('"', " ").split())
    assert '{"weird"' in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2"])
def test_no_redirect_leads_a_token_away(status: int, host: str, tmp_path: Any) -> None:
    """Neither another port nor another host ever sees the call, however it is asked for."""
    with Service((200, {}, {}), host=host) as elsewhere:
        moved = (status, {}, {"Location": f"{elsewhere.url}/x"})
        with Service(moved) as service, dialled(service.url) as wire:
            for call in (
                lambda: wire.read("/v1/x", tenant=TENANT),
                lambda: posted(wire),
                lambda: wire.download("/v1/x", tmp_path / "file", tenant=TENANT),
            ):
                with pytest.raises(ApiError):
                    call()

        assert elsewhere.seen == []
        assert len(service.seen) == 3


def test_a_page_leads_to_another_host_only_when_it_is_allowed() -> None:
    """A real second server on another host gets the token with permission, else nothing."""
    from cspkit.partner_center import PartnerCenter

    page = {"totalCount": 1, "items": [{"id": "a"}]}
    with Service((200, {"items": [{"id": "b"}]}, {}), host="127.0.0.2") as other:
        link = {"uri": f"{other.url}/v1/customers", "headers": []}
        first = (200, {**page, "links": {"next": link}}, {})
        with Service(first) as service:
            with (
                dialled(service.url) as wire,
                pytest.raises(ApiUnavailable, match="not one of the allowed"),
            ):
                PartnerCenter(wire, TENANT).customers()
            refused = list(other.seen)
            with dialled(service.url, allowed_hosts=[other.url]) as wire:
                found = PartnerCenter(wire, TENANT).customers()

    assert refused == []
    assert [one.id for one in found] == ["a", "b"]
    assert other.seen[0][2]["Authorization"] == f"Bearer rehearsal-app-{TENANT}"


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Any) -> None:
    """A download that breaks is tried again and leaves nothing half written."""
    file = tmp_path / "sheets" / "prices.csv"
    cut = (200, b"half", {"Content-Length": "40", "Connection": "close"})
    with Service(cut, cut, cut, (200, b"whole", {})) as service, dialled(service.url) as wire:
        with pytest.raises(ApiUnavailable):
            wire.download("/p", file, tenant=TENANT)
        left = list(file.parent.iterdir())
        wire.download("/p", file, tenant=TENANT)

    assert left == []
    assert file.read_bytes() == b"whole"
