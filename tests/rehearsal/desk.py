"""A partner that makes the calls of the documents, and which call belongs to which document."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests

from cspkit.rehearsal import people, relations
from cspkit.rehearsal.inprocess import URL, session
from cspkit.rehearsal.records import PARTNER_TENANT, RESELLERS, Customer, Subscription
from cspkit.rehearsal.world import World
from tests.rehearsal.conftest import BASIC
from tests.rehearsals import Door

RESELLER = {"key": "transaction_reseller", "value": "5357564"}
DOCUMENTS = Path(__file__).with_name("documents")
GROUP = "0c0c0c0c-0000-4000-8000-000000000001"
Call = Callable[["Desk"], requests.Response]
CALLS: dict[str, Call] = {}


def document(name: str) -> Any:
    """Read what the documents say: method, path, status, body."""
    return json.loads((DOCUMENTS / f"{name}.json").read_text("utf-8"))


def answers(*names: str) -> Callable[[Call], Call]:
    """Say which documents a call is about."""

    def keep(call: Call) -> Call:
        CALLS.update(dict.fromkeys(names, call))
        return call

    return keep


class Desk:
    """A partner that calls a fresh world in process."""

    def __init__(self) -> None:
        self.world = World.sample(customers=60)
        self.gate = Door(self.world, with_control=True)
        self.session = session(self.gate)
        self.one: Customer = next(
            customer
            for customer in self.world.customers.values()
            if relations.roles_in(self.world, customer.id)
            and any(s.ours and s.status == "active" for s in self.world.originals(customer.id))
        )
        self.here = f"/v1/customers/{self.one.id}"

    def call(self, method: str, path: str, *, tenant: str = "", **more: Any) -> requests.Response:
        token = f"Bearer rehearsal-user-{tenant or PARTNER_TENANT}"
        headers = {"Authorization": token, **more.pop("headers", {})}
        return self.session.request(method, URL + path, headers=headers, **more)

    def get(self, path: str, **more: Any) -> requests.Response:
        return self.call("GET", path, **more)

    def post(self, path: str, body: Any, **more: Any) -> requests.Response:
        return self.call("POST", path, json=body, **more)

    def wait(self, **span: float) -> None:
        self.world.move_to(self.world.now + timedelta(**span))

    def held(self, channel: str, *, addon: bool = False) -> Subscription:
        """A subscription of a channel; its tenant becomes our customer and lets us in."""
        item = next(
            item
            for tenant in self.world.subscriptions.values()
            for item in tenant.values()
            if item.channel == channel and item.status == "active"
            if bool(item.parent_id) is addon and (item.product.offer or addon)
        )
        self.one = self.world.customers[item.customer_id]
        self.one.related_at = self.one.related_at or self.world.now
        self.here = f"/v1/customers/{self.one.id}"
        return item

    def path_of(self, item: Subscription) -> str:
        return f"{self.here}/subscriptions/{item.id}"

    def catalog_item(self, sku: str = BASIC) -> str:
        found = self.get(f"{self.here}/products/{sku}/availabilities").json()
        return str(found["items"][0]["catalogItemId"])

    def line(self, number: int = 0, **more: Any) -> dict[str, Any]:
        usual = {"id": number, "quantity": 5, "billingCycle": "monthly", "termDuration": "P1Y"}
        return usual | {"catalogItemId": self.catalog_item()} | more

    def cart(self, *lines: Any) -> requests.Response:
        relations.sign(self.world, self.one.id)
        wanted = list(lines) or [self.line(participants=[RESELLER])]
        return self.post(f"{self.here}/carts", {"lineItems": wanted})

    def order(self) -> dict[str, Any]:
        cart = self.cart().json()
        made = self.post(f"{self.here}/carts/{cart['id']}/checkout", None).json()
        self.wait(minutes=40)
        found: dict[str, Any] = self.get(f"{self.here}/orders/{made['orders'][0]['id']}").json()
        return found

    def bought(self) -> str:
        line = self.order()["lineItems"][0]
        return f"{self.here}/subscriptions/{line['subscriptionId']}"

    def patched(self, path: str, **change: Any) -> requests.Response:
        return self.call("PATCH", path, json=self.get(path).json() | change)

    def user(self) -> tuple[str, str]:
        """The path of a user with a direct licence, and the product of it."""
        for user in people.users(self.world, self.one).values():
            for sku_id, licence in user.licences.items():
                if licence.by_group is None:
                    return f"{self.here}/users/{user.id}", sku_id
        raise AssertionError("nobody is licensed")

    def legacy(self) -> Subscription:
        item = self.held("csp_legacy")
        item.cycle = "monthly"
        return item

    def migrate(self, path: str = "", **more: Any) -> requests.Response:
        item = self.legacy()
        where = f"{self.here}/migrations/newcommerce{path}"
        return self.post(where, {"currentSubscriptionId": item.id, **more})

    def transfer(self) -> requests.Response:
        self.world.options.transfers_refused = 0
        item = self.held("csp_other")
        body = {
            "sourcePartnerTenantId": item.owner_tenant,
            "sourcePartnerName": "Other",
            "customerEmailId": "it@customer.example",
            "transferType": 3,
        }
        return self.post(f"{self.here}/transfers", body)

    def offer(self) -> requests.Response:
        item = self.legacy()
        body = {
            "sourcePartnerTenantId": PARTNER_TENANT,
            "targetPartnerTenantId": next(iter(RESELLERS)),
            "lineItems": [{"subscriptionId": item.id, "partnerIdOnRecord": "5139005"}],
        }
        return self.post(f"{self.here}/transfers", body)
