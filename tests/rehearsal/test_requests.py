"""Bodies as the documents send them, capitals, nulls and all: each is understood."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from cspkit.rehearsal import people, relations
from tests.rehearsal.desk import Desk

Body = dict[str, Any]
SENT: dict[str, tuple[Callable[[Desk], requests.Response], int]] = {}


def sends(name: str, status: int) -> Callable[[Any], Any]:
    """Say which document a body is shaped like, and which status answers it."""

    def keep(call: Callable[[Desk], requests.Response]) -> Callable[[Desk], requests.Response]:
        SENT[name] = (call, status)
        return call

    return keep


def whole(desk: Desk, status: str, seats: int) -> requests.Response:
    """A legacy subscription in capitals; what nobody knows is null."""
    item = desk.legacy()
    item.status = "suspended" if status == "active" and seats == item.seats else "active"
    body: Body = {
        "Id": item.id,
        "FriendlyName": "nickname",
        "Quantity": seats,
        "UnitType": "none",
        "ParentSubscriptionId": None,
        "CreationDate": "2015-11-25T06:41:12Z",
        "CommitmentEndDate": "2016-12-12T08:00:00Z",
        "Status": status,
        "AutoRenewEnabled": False,
        "BillingType": "none",
        "BillingCycle": None,
        "PartnerId": None,
        "ContractType": "subscription",
        "OrderId": item.order_id,
        "Attributes": {"Etag": None, "ObjectType": "Subscription"},
    }
    return desk.call("PATCH", desk.path_of(item), json=body)


@sends("subscription.patch.quantity", 200)
def more_seats(desk: Desk) -> requests.Response:
    return whole(desk, "active", desk.legacy().seats + 1)


@sends("subscription.patch.suspend", 200)
def suspend(desk: Desk) -> requests.Response:
    return whole(desk, "suspended", desk.legacy().seats)


@sends("subscription.patch.reactivate", 200)
def reactivate(desk: Desk) -> requests.Response:
    return whole(desk, "active", desk.legacy().seats)


@sends("order.create.indirect", 201)
def order(desk: Desk) -> requests.Response:
    relations.sign(desk.world, desk.one.id)
    line: Body = {
        "LineItemNumber": 0,
        "OfferId": desk.catalog_item(),
        "SubscriptionId": None,
        "ParentSubscriptionId": None,
        "FriendlyName": "New offer purchase.",
        "Quantity": 5,
        "TermDuration": "P1Y",
        "PartnerIdOnRecord": "4847383",
        "Attributes": {"ObjectType": "OrderLineItem"},
    }
    body: Body = {"Id": None, "ReferenceCustomerId": desk.one.id, "BillingCycle": "monthly"}
    more: Body = {"LineItems": [line], "CreationDate": None, "Attributes": {"ObjectType": "Order"}}
    return desk.post(f"{desk.here}/orders", body | more)


@sends("order.patch.billingcycle", 200)
def cycle(desk: Desk) -> requests.Response:
    item = desk.legacy()
    line = {"LineItemNumber": 0, "OfferId": item.offer_id, "SubscriptionId": item.id, "Quantity": 2}
    body: Body = {"Id": None, "BillingCycle": "Annual", "LineItems": [line], "CreationDate": None}
    return desk.call("PATCH", f"{desk.here}/orders/{item.order_id}", json=body)


@sends("migration.create", 201)
def migration(desk: Desk) -> requests.Response:
    usual = {"quantity": 1, "purchaseFullTerm": False, "termDuration": "P1Y"}
    return desk.migrate("", billingCycle="Annual", addOnMigrations=[], **usual)


@sends("cart.create.addons", 201)
def cart(desk: Desk) -> requests.Response:
    relations.sign(desk.world, desk.one.id)
    line: Body = {
        "Id": 0,
        "CatalogItemId": desk.catalog_item(),
        "FriendlyName": "Myofferpurchase",
        "Quantity": 3,
        "BillingCycle": "monthly",
        "TermDuration": "P1Y",
        "AddonItems": None,
    }
    return desk.post(f"{desk.here}/carts", {"LineItems": [line]})


@sends("user.licenseupdates.create", 201)
def licences(desk: Desk) -> requests.Response:
    user = next(u for u in people.users(desk.world, desk.one).values() if u.usage_location)
    for held in [*user.licences]:
        user.licences[held].by_group = None
    sku_id = next(iter(user.licences))
    people.change_licences(desk.world, desk.one, user, add=[], remove=[sku_id])
    body: Body = {
        "LicensesToAssign": [{"ExcludedPlans": None, "SkuId": sku_id}],
        "LicensesToRemove": None,
        "LicenseWarnings": None,
        "Attributes": {"ObjectType": "LicenseUpdate"},
    }
    return desk.post(f"{desk.here}/users/{user.id}/licenseupdates", body)


@sends("webhook.registration", 200)
def hook(desk: Desk) -> requests.Response:
    events = ["subscription-updated", "test-created"]
    body = {"WebhookUrl": "https://partner.example/hook", "WebhookEvents": events}
    return desk.post("/webhooks/v1/registration", body)


@sends("customer.remove-relationship", 200)
def leave(desk: Desk) -> requests.Response:
    for item in desk.world.originals(desk.one.id):
        if item.ours and item.status == "active":
            item.status = "suspended"
    body = {"relationshipToPartner": "none", "attributes": {"objectType": "Customer"}}
    return desk.call("PATCH", desk.here, json=body)


@sends("checkinventory", 200)
def inventory(desk: Desk) -> requests.Response:
    context = {"customerId": desk.one.id, "armRegionName": "Europe"}
    body = {"TargetItems": [{"ProductId": "CFQ7TTC0LH18"}], "InventoryContext": context}
    return desk.post("/v1/extensions/product/checkinventory?country=US", body)


@pytest.mark.parametrize("name", sorted(SENT))
def test_a_documented_body_is_understood(name: str) -> None:
    """A client that sends what the documents show gets the documented status."""
    call, status = SENT[name]
    answer = call(Desk())

    assert answer.status_code == status, answer.text
