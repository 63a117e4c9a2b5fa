"""The only HTTP: who may be spoken to, what is repeated, and what silence means."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from cspkit.errors import ApiError, ApiUnavailable, ApiUnclear
from cspkit.wire import (
    FixedTokens,
    ServiceClock,
    Wire,
)
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


def test_a_refused_connection_never_left() -> None:
    """A write to a closed port may be repeated: nobody got it."""
    with dialled(closed_port()) as wire, pytest.raises(ApiUnavailable, match="cannot be reached"):
        posted(wire)


def test_an_unknown_name_never_left() -> None:
    """A host that does not exist got nothing."""
    with (
        dialled("https://nowhere.invalid") as wire,
        pytest.raises(ApiUnavailable),
    ):
        posted(wire)


@pytest.mark.parametrize(
    ("url", "why", "first"),
    [
        ("", "Connection refused", "start the rehearsal there (`cspkit rehearse serve`)"),
        ("https://nowhere.invalid", "", "check the network"),
    ],
)
def test_a_service_that_is_gone_is_one_short_line(url: str, why: str, first: str) -> None:
    """Host, port, why and what to do; the call and its ids are kept beside the words."""
    url = url or closed_port()
    with dialled(url) as wire, pytest.raises(ApiUnavailable) as caught:
        wire.read("/v1/x", tenant=TENANT)

    place = url.removeprefix("http://").replace("https://nowhere.invalid", "nowhere.invalid:443")
    line = str(caught.value)
    assert line.startswith(f"{place} cannot be reached: {why}")
    assert line.endswith(f"; {first}, or put right the address in cspkit.toml")
    assert len(line) <= 160
    assert (f"{url}/v1/x", "GET") == (caught.value.url, caught.value.method)
    assert caught.value.request_id


def test_silence_is_told_in_words_of_the_system() -> None:
    """Host and port and what the system below said, not how the libraries print their parts."""
    with (
        hanging_up(lambda client: None) as url,
        dialled(url) as wire,
        pytest.raises(ApiUnavailable) as caught,
    ):
        wire.read("/v1/x", tenant=TENANT)

    said = "Remote end closed connection without response"
    begins = f"GET /v1/x got no answer from {url.removeprefix('http://')}: {said}; "
    assert str(caught.value).startswith(begins)


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
