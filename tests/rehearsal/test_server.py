"""The server around the world: ports, clock, letters, speed, and what it does with rubbish."""

from __future__ import annotations

import socket
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from cspkit.rehearsal import relations
from cspkit.rehearsal.records import PARTNER_TENANT
from cspkit.rehearsal.server import PortTaken, Server
from cspkit.rehearsal.world import World
from tests.rehearsal.conftest import Partner
from tests.rehearsals import Rehearsal


def test_a_taken_port_is_explained() -> None:
    """One line says which port it is and what to do, and it is an OSError."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} .* --port") as caught:
            Server(World(), port=port)

    assert isinstance(caught.value, OSError)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="Linux tells who listens")
def test_only_this_machine_is_served() -> None:
    """It listens on loopback, never on an address that others can reach."""
    with Server(World()) as server:
        listening = [word.split() for word in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        port = f"{server.port:04X}"
        addresses = {line[1].partition(":")[0] for line in listening if line[1].endswith(port)}

    assert addresses == {"0100007F"}


def test_two_rehearsals_do_not_share_a_port() -> None:
    """The second one says so in one line instead of answering in the first one's place."""
    with Server(World()) as first, pytest.raises(PortTaken, match="in use by another program"):
        Server(World(), port=first.port)


def test_an_impossible_port_is_explained() -> None:
    """A number that is no port is refused in the same way."""
    with pytest.raises(PortTaken, match="port 99999 "):
        Server(World(), port=99_999)


def test_the_port_is_free_again_afterwards() -> None:
    """Leaving the block stops the server."""
    with Server(World()) as server:
        port, url = server.port, server.url
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)
    with Server(World(), port=port) as server:
        assert url == server.url


def test_control_is_there_only_when_asked_for() -> None:
    """A served world without control keeps its clock and its books to itself."""
    with Server(World()) as server:
        assert server.control == ""
        assert requests.get(f"{server.url}/control/books", timeout=5).status_code == 404


def test_handed_on_routes_lead_into_a_world_of_their_own() -> None:
    """What most tests call has all that a server has, and shares neither world nor faults."""
    built = Server(World(), control=True)
    first, second = Rehearsal(World()), Rehearsal(World())
    parts = [
        [vars(one), vars(one.gate), vars(one.gate._flask), one.gate._flask.extensions]
        for one in (built, first, second)
    ]
    for one in (built, first, second):
        one.close()

    assert [sorted(part) for part in parts[0]] == [sorted(part) for part in parts[1]]
    own = ("world", "faults", "tokens")
    assert all(parts[1][3][name] is not parts[2][3][name] for name in own)
    assert [first.world, first.gate.faults] == [parts[1][3][name] for name in own[:2]]


def test_the_clock_moves_by_hand_and_forward(partner: Partner) -> None:
    """The control route moves the same clock, and refuses to turn it back."""
    later = partner.server.now() + timedelta(hours=2)
    assert later.isoformat() == partner.control("clock", {"now": later.isoformat()})["now"]
    back = {"now": "2026-11-23T08:00:00+00:00"}
    answer = requests.post(f"{partner.server.control}/clock", json=back, timeout=5)

    assert answer.status_code == 400
    assert "only moves forward" in answer.json()["error"]


def letter(to: str, body: str, header: str = "") -> bytes:
    return f"To: {to}\nSubject: =?utf-8?q?Invitaci=C3=B3n?=\n{header}\n{body}\n".encode()


def test_letters_reach_their_customers(partner: Partner, tmp_path: Path) -> None:
    """An .eml with our link goes to the domain it is addressed to, or the tenant it names."""
    strangers = [c for c in partner.world.customers.values() if not c.related][:3]
    first, second, third = strangers
    link = relations.INVITATION
    (tmp_path / "one.eml").write_bytes(letter(f"IT <it@{first.domain}>", link))
    (tmp_path / "two.eml").write_bytes(letter("a@b.example", link, f"X-Customer: {second.id}\n"))
    (tmp_path / "three.eml").write_bytes(letter(f"it@{third.domain}", "no link here"))

    assert partner.server.deliver_outbox(tmp_path) == 2
    assert [c.delivered_at is not None for c in strangers] == [True, True, False]


def test_calls_are_counted_by_route(partner: Partner) -> None:
    """The books know how often each route was called."""
    partner.get("/v1/customers")
    partner.get(f"/v1/customers/{partner.related().id}")

    assert partner.control("books")["calls"] == {
        "GET /v1/customers": 1,
        "GET /v1/customers/<customer_id>": 1,
    }


def test_options_are_checked_when_set(partner: Partner) -> None:
    """A wrong name or kind of value is refused at once."""
    url = f"{partner.server.control}/options"
    for wrong in ({"speed": 1}, {"order_listed": 5}, {"second_checkout": 1}):
        assert requests.post(url, json=wrong, timeout=5).status_code == 400


def test_a_call_is_quick(partner: Partner) -> None:
    """A rehearsal of thousands of calls is not spent waiting; measured with the client's share."""
    path = f"/v1/customers/{partner.related().id}/orders"
    partner.get(path)
    began = time.process_time()
    for _ in range(100):
        partner.get(path)

    assert (time.process_time() - began) / 100 < 0.006


RUBBISH: list[bytes] = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"12",
    b'"text"',
    b'{"lineItems": 5}',
    b'{"lineItems": [5]}',
    b'{"lineItems": [{"id": "0"}]}',
    b'{"lineItems": [{"id": 0, "quantity": 1e400, "catalogItemId": [], "billingCycle": {}}]}',
    b'{"friendlyName": "\\ud800", "quantity": 99999999999999999999}',
    b'{"requests": [{"id": 1}], "addLicenses": {}, "action": []}',
    b'{"primaryContact": [], "status": null, "now": 5, "customer_id": {}}',
    b"[" * 100_000,
    b"\xff\xfe\x00",
    b'{"a": NaN}',
]
ROUTES: list[tuple[str, str]] = [
    ("POST", "/v1/customers/{c}/carts"),
    ("PUT", "/v1/customers/{c}/carts/{g}"),
    ("POST", "/v1/customers/{c}/orders"),
    ("POST", "/v1/customers/{c}/agreements"),
    ("PATCH", "/v1/customers/{c}/subscriptions/{s}"),
    ("POST", "/graph/v1.0/tenantRelationships/delegatedAdminRelationships"),
    ("POST", "/graph/v1.0/tenantRelationships/delegatedAdminRelationships/{g}/requests"),
    ("POST", "/graph/v1.0/$batch"),
    ("POST", "/graph/v1.0/users/{g}/assignLicense"),
    ("DELETE", "/v1/customers"),
    ("POST", "/nowhere"),
]


@pytest.mark.parametrize(("method", "route"), ROUTES)
def test_rubbish_is_refused_in_the_documented_shape(
    partner: Partner, method: str, route: str
) -> None:
    """Whatever a body holds, the answer is 4xx with a code and words, never a 500."""
    item = next(
        item
        for tenant in partner.world.subscriptions.values()
        for item in tenant.values()
        if item.channel == "csp_nce"
    )
    tenant = partner.accessible().id if "users" in route or "batch" in route else PARTNER_TENANT
    path = route.format(c=item.customer_id, g=PARTNER_TENANT, s=item.id)
    for body in RUBBISH:
        answer = partner.call(method, path, tenant=tenant, data=body)
        found: Any = answer.json()
        if answer.status_code == 200 and method == "PATCH":
            continue
        assert 400 <= answer.status_code < 500, (body[:40], answer.text)
        error = found["error"] if route.startswith("/graph") else found
        assert {"code", "message"} <= set(error) or {"code", "description", "data"} <= set(error)


@pytest.mark.parametrize(
    "query",
    [
        "customers?size=-1",
        "customers?size=x",
        "customers?filter=x",
        "customers?filter=%5B%5D",
        'customers?filter={"Field":5}',
        "auditrecords",
        "auditrecords?startDate=2026-13-45",
        "auditrecords?startDate=2026-11-01&filter=1",
        "products?country=ZZ9",
        "products?country=ES&targetView=Everything",
        "products/x/skus/y?country=ES",
        "customers/%F0%9F%92%A9",
        "customers/%FF/carts/1",
    ],
)
def test_odd_queries_are_refused(partner: Partner, query: str) -> None:
    """The same holds for what stands in an address."""
    assert 400 <= partner.get(f"/v1/{query}").status_code < 500


def test_a_huge_body_is_refused(partner: Partner) -> None:
    """More than a megabyte is not read."""
    path = f"/v1/customers/{partner.related().id}/carts"

    assert partner.post(path, data=b"x" * 2_000_000).status_code == 413
