"""Faults: what the caller sees, and what really happened."""

from __future__ import annotations

import io
from typing import Any

import pytest
import requests

from cspkit.rehearsal.distortions import Dropped
from cspkit.rehearsal.gate import Gate
from cspkit.rehearsal.records import PARTNER_TENANT
from cspkit.rehearsal.world import World
from tests.rehearsal.conftest import Partner

CHECKOUT = "*/checkout"


def ordered(partner: Partner) -> int:
    return len(partner.control("books")["orders"])


def test_a_throttled_call_has_done_nothing(partner: Partner) -> None:
    """429 comes from the gateway, in its own shape, with the seconds to wait; once."""
    customer = partner.related()
    cart = partner.cart(customer).json()["id"]
    partner.fault("throttle", route=CHECKOUT)
    first, second = (partner.check_out(customer, cart) for _ in range(2))

    assert (first.status_code, first.headers["Retry-After"]) == (429, "57")
    assert "Try again in 57 seconds" in first.json()["message"]
    assert (second.status_code, ordered(partner)) == (201, 1)


def test_graph_throttles_in_fractions(partner: Partner) -> None:
    """Graph's answer has its own shape, and its wait may be 2.128 seconds."""
    partner.fault("throttle", route="/graph/*", retry_after="2.128")
    answer = partner.call("GET", "/graph/v1.0/users", tenant=partner.accessible().id)

    assert (
        answer.headers["Retry-After"],
        answer.json()["error"]["code"],
    ) == ("2.128", "TooManyRequests")


@pytest.mark.parametrize(("kind", "orders"), [("before", 0), ("after", 1)])
def test_a_server_error_says_nothing_about_the_effect(
    partner: Partner, kind: str, orders: int
) -> None:
    """The same 500 can stand before the effect and after it."""
    customer = partner.related()
    cart = partner.cart(customer).json()["id"]
    partner.fault(kind, route=CHECKOUT)
    answer = partner.check_out(customer, cart)

    assert (answer.status_code, answer.json()["code"]) == (500, 800003)
    assert orders == ordered(partner)


@pytest.mark.parametrize(("kind", "orders"), [("reset", 0), ("lost", 1)])
def test_a_closed_connection_says_nothing_at_all(partner: Partner, kind: str, orders: int) -> None:
    """The call may or may not have happened; the same cart again is always right."""
    customer = partner.related()
    cart = partner.cart(customer).json()["id"]
    partner.fault(kind, route=CHECKOUT)
    with pytest.raises(requests.ConnectionError):
        partner.check_out(customer, cart)

    assert orders == ordered(partner)
    assert partner.check_out(customer, cart).status_code == 201
    assert ordered(partner) == 1


def test_a_late_order_happens_after_the_silence(partner: Partner) -> None:
    """The connection breaks, nothing is there, and minutes later there is an order."""
    customer = partner.related()
    cart = partner.cart(customer).json()["id"]
    partner.fault("late", route=CHECKOUT, seconds=600)
    with pytest.raises(requests.ConnectionError):
        partner.check_out(customer, cart)

    assert ordered(partner) == 0
    partner.wait(minutes=10)
    assert ordered(partner) == 1


def test_a_call_can_arrive_twice(partner: Partner) -> None:
    """A duplicated cart is two carts, a duplicated checkout still one order."""
    customer = partner.related()
    cart = partner.cart(customer).json()["id"]
    partner.fault("twice", route=CHECKOUT)
    partner.fault("twice", route="*/orders", method="POST")
    line = {"lineItemNumber": 0, "offerId": partner.availability(customer), "quantity": 1}
    body = {"billingCycle": "monthly", "lineItems": [{**line, "termDuration": "P1Y"}]}
    partner.check_out(customer, cart)
    assert ordered(partner) == 1
    partner.post(f"/v1/customers/{customer.id}/orders", json=body)

    assert ordered(partner) == 3


@pytest.mark.parametrize(("status", "code"), [(409, 800064), (409, 800060), (401, 400)])
def test_any_documented_refusal_can_be_asked_for(partner: Partner, status: int, code: int) -> None:
    """Status and code of one's own, without effect."""
    customer = partner.related()
    cart = partner.cart(customer).json()["id"]
    partner.fault("refuse", route=CHECKOUT, status=status, code=code)
    answer = partner.check_out(customer, cart)

    assert (status, code) == (answer.status_code, answer.json()["code"])
    assert (status == 401) == ("WWW-Authenticate" in answer.headers)
    assert ordered(partner) == 0


def test_an_answer_can_come_in_half(partner: Partner) -> None:
    """The effect is there, the body is not."""
    customer = partner.related()
    cart = partner.cart(customer).json()["id"]
    partner.fault("half", route=CHECKOUT)
    with pytest.raises(requests.RequestException):
        partner.check_out(customer, cart)

    assert ordered(partner) == 1


def test_an_answer_can_be_a_web_page(partner: Partner) -> None:
    """A proxy answers 502 with HTML although the call went through."""
    customer = partner.related()
    cart = partner.cart(customer).json()["id"]
    partner.fault("html", route=CHECKOUT)
    answer = partner.check_out(customer, cart)

    assert (
        answer.status_code,
        answer.headers["Content-Type"],
        ordered(partner),
    ) == (502, "text/html", 1)


def test_a_change_can_be_accepted_only(partner: Partner) -> None:
    """202 with the place to look, and no body."""
    customer = partner.related()
    sub = partner.buy(customer)["subscriptionId"]
    path = f"/customers/{customer.id}/subscriptions/{sub}"
    partner.fault("accepted", method="PATCH")
    answer = partner.call("PATCH", f"/v1{path}", json={**partner.get(f"/v1{path}").json()})

    assert (202, path, b"") == (answer.status_code, answer.headers["Location"], answer.content)


def test_a_slow_answer_is_still_an_answer(partner: Partner) -> None:
    """Latency delays one call and blocks no other."""
    partner.fault("slow", route="/v1/customers", seconds=0.2)
    answer = partner.get("/v1/customers")

    assert answer.elapsed.total_seconds() >= 0.2


def test_a_rule_counts_skips_and_draws(partner: Partner) -> None:
    """A rule fires from its turn on, as often as it may, or by its chance; the log says so."""
    partner.fault("before", route="/v1/customers", skip=2, times=2)
    statuses = [partner.get("/v1/customers").status_code for _ in range(6)]

    assert statuses == [200, 200, 500, 500, 200, 200]
    assert len(partner.control("faults")["log"]) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"kind": "flood"},
        {"kind": "slow", "seconds": "long"},
        {"kind": "slow", "seconds": -1},
        {"kind": "before", "status": 999},
        {"kind": "before", "colour": "red"},
    ],
)
def test_a_wrong_fault_is_explained(partner: Partner, wrong: dict[str, Any]) -> None:
    """400 with one line that says what is wrong."""
    url = f"{partner.server.control}/faults"
    answer = requests.post(url, json=wrong, timeout=10)

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_the_gate_needs_no_socket() -> None:
    """The same application runs in process, where a lost answer is an exception."""
    world = World.sample()
    gate = Gate(world)
    gate.faults.add({"kind": "lost"})
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/v1/customers",
        "SERVER_NAME": "rehearsal",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "HTTP_AUTHORIZATION": f"Bearer rehearsal-app-{PARTNER_TENANT}",
    }
    started: list[str] = []

    with pytest.raises(Dropped):
        gate(dict(environ), lambda status, *_: started.append(status))  # type: ignore[arg-type, return-value]
    gate(dict(environ), lambda status, *_: started.append(status))  # type: ignore[arg-type, return-value]
    assert started == ["200 OK"]
