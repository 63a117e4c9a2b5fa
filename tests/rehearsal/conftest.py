"""A rehearsal for each test, and a partner that speaks plain HTTP to it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from cspkit.rehearsal import relations
from cspkit.rehearsal.records import PARTNER_TENANT, Customer
from cspkit.rehearsal.server import Server
from cspkit.rehearsal.world import World
from tests.rehearsals import Rehearsal

BASIC = "CFQ7TTC0LH18/skus/0001"
BASIC_SKU = "3b555118-da6a-4418-894f-7df1e2096870"


class Partner:
    """The partner of the tests: a signed-in user, unless told otherwise."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.world = server.world

    def call(
        self, method: str, path: str, *, kind: str = "user", tenant: str = "", **more: Any
    ) -> requests.Response:
        token = f"Bearer rehearsal-{kind}-{tenant or PARTNER_TENANT}"
        headers = {"Authorization": token, **more.pop("headers", {})}
        url = self.server.url + path
        return requests.request(method, url, headers=headers, timeout=10, **more)

    def get(self, path: str, **more: Any) -> requests.Response:
        return self.call("GET", path, **more)

    def post(self, path: str, **more: Any) -> requests.Response:
        return self.call("POST", path, **more)

    def related(self) -> Customer:
        """A customer that accepted the relationship and to whose tenant we have no access."""
        return next(
            customer
            for customer in self.world.customers.values()
            if customer.related and not relations.roles_in(self.world, customer.id)
        )

    def accessible(self) -> Customer:
        """A customer whose tenant we may read and change, with somebody licensed in it."""
        return next(
            customer
            for customer in self.world.customers.values()
            if relations.roles_in(self.world, customer.id)
            and any(
                self.world.consumed[customer.id, s.product.sku_id]
                for s in self.world.originals(customer.id)
            )
        )

    def stranger(self) -> Customer:
        """A customer that did not accept the relationship, nor sign any agreement."""
        return next(
            customer
            for customer in self.world.customers.values()
            if not customer.related and customer.direct_signed_at is None
        )

    def availability(self, customer: Customer, sku: str = BASIC) -> str:
        found = self.get(f"/v1/customers/{customer.id}/products/{sku}/availabilities").json()
        return str(found["items"][0]["catalogItemId"])

    def cart(self, customer: Customer, *, seats: int = 5, **line: Any) -> requests.Response:
        wanted = {
            "id": 0,
            "catalogItemId": self.availability(customer),
            "quantity": seats,
            "billingCycle": "monthly",
            "termDuration": "P1Y",
        }
        body = {"lineItems": [{**wanted, **line}]}
        return self.post(f"/v1/customers/{customer.id}/carts", json=body)

    def check_out(self, customer: Customer, cart_id: str, **more: Any) -> requests.Response:
        return self.post(f"/v1/customers/{customer.id}/carts/{cart_id}/checkout", **more)

    def buy(self, customer: Customer, **line: Any) -> dict[str, Any]:
        """Order at once and wait until the seats are there; gives the order's first line."""
        cart = self.cart(customer, **line).json()
        order = self.check_out(customer, cart["id"]).json()["orders"][0]
        self.wait(minutes=40)
        path = f"/v1/customers/{customer.id}/orders/{order['id']}"
        line_item: dict[str, Any] = self.get(path).json()["lineItems"][0]
        return line_item | {"order_id": order["id"]}

    def wait(self, **span: float) -> None:
        self.server.set_clock(self.server.now() + timedelta(**span))

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        url = f"{self.server.control}/{path}"
        if body is None:
            return requests.get(url, timeout=10).json()
        answer = requests.post(url, json=body, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    def fault(self, kind: str, **more: Any) -> None:
        self.control("faults", {"kind": kind, **more})


@pytest.fixture
def partner() -> Iterator[Partner]:
    """A partner beside a fresh sample world."""
    with Rehearsal(World.sample(customers=60)) as server:
        yield Partner(server)
        assert server.books()["server_errors"] == []
