"""More calls that the documents show an answer to: transitions, add-ons, analytics, batches."""

from __future__ import annotations

import json

import requests

from cspkit.rehearsal import relations
from cspkit.rehearsal.records import Subscription
from tests.rehearsal.desk import Desk, answers


def _bought(desk: Desk) -> str:
    """The path of a subscription that can become another one."""
    return desk.bought()


def _target(desk: Desk, path: str) -> str:
    found = desk.get(f"{path}/transitionEligibilities?eligibilityType=immediate").json()
    return str(found["items"][0]["catalogItemId"])


@answers("transitioneligibilities.list")
def eligibilities(desk: Desk) -> requests.Response:
    path = _bought(desk)
    item = _target(desk, path)
    for term in ("P1M", "P1Y"):
        line = desk.line(catalogItemId=item, termDuration=term)
        cart = desk.cart(line).json()
        desk.post(f"{desk.here}/carts/{cart['id']}/checkout", None)
    desk.wait(minutes=40)
    desk.world.access_of[desk.one.id].clear()
    return desk.get(f"{path}/transitionEligibilities?eligibilityType=immediate")


@answers("transitions.list")
def transitions(desk: Desk) -> requests.Response:
    path = _bought(desk)
    wanted = {"toCatalogItemId": _target(desk, path), "quantity": 2}
    kind = {"transitionType": "transition_with_license_transfer"}
    made = desk.post(f"{path}/transitions", wanted | kind)
    assert made.status_code == 200, made.text
    desk.wait(minutes=40)
    return desk.get(f"{path}/transitions?operationId={made.json()['operationId']}")


@answers("subscription.upgrades.list")
def upgrades(desk: Desk) -> requests.Response:
    return desk.get(f"{desk.path_of(desk.legacy())}/upgrades")


@answers("subscription.upgrades.create")
def upgrade(desk: Desk) -> requests.Response:
    path = desk.path_of(desk.legacy())
    first = desk.get(f"{path}/upgrades").json()["items"][0]
    return desk.post(f"{path}/upgrades", first)


def _trial(desk: Desk) -> Subscription:
    item = desk.legacy()
    item.is_trial = True
    return item


@answers("subscription.conversions.list")
def conversions(desk: Desk) -> requests.Response:
    return desk.get(f"{desk.path_of(_trial(desk))}/conversions")


@answers("subscription.conversions.create")
def convert(desk: Desk) -> requests.Response:
    path = desk.path_of(_trial(desk))
    first = desk.get(f"{path}/conversions").json()["items"][0]
    return desk.post(f"{path}/conversions", first)


@answers("order.patch.addon")
def add_on(desk: Desk) -> requests.Response:
    item = desk.held("csp_legacy", addon=True)
    line = {"OfferId": item.offer_id, "ParentSubscriptionId": item.parent_id, "Quantity": 2}
    body = {"Id": None, "ReferenceCustomerId": desk.one.id, "LineItems": [line]}
    return desk.call("PATCH", f"{desk.here}/orders/{item.order_id}", json=body)


@answers("user.create")
def new_user(desk: Desk) -> requests.Response:
    body = {
        "usageLocation": "ES",
        "userPrincipalName": f"ana.ruiz@{desk.one.domain}",
        "firstName": "Ana",
        "lastName": "Ruiz",
        "displayName": "Ana Ruiz",
        "immutableId": "one of its own",
        "passwordProfile": {"password": "not-a-real-one", "forceChangePassword": True},
    }
    return desk.post(f"{desk.here}/users", body)


@answers("validate-reseller-por")
def resellers(desk: Desk) -> requests.Response:
    path = "/v1/compliance/csp/validateResellerPartnerOfRecord"
    return desk.post(path, {"partnerIds": ["5357564", "1", "5139005"]})


@answers("analytics.licenses.deployment")
def deployment(desk: Desk) -> requests.Response:
    return desk.get("/partner/v1/analytics/commercial/deployment/license")


@answers("analytics.subscriptions.grouped")
def grouped(desk: Desk) -> requests.Response:
    return desk.get("/partner/v1/analytics/subscriptions?aggregateBy=subscriptionType")


@answers("analytics.subscriptions.item")
def analysed(desk: Desk) -> requests.Response:
    """The document shows one entry of the list, so one entry is compared."""
    desk.wait(days=330)
    answer = desk.get("/partner/v1/analytics/subscriptions")
    renewed = next(one for one in answer.json()["Value"] if one["lastRenewalDate"])
    answer._content = json.dumps(renewed).encode()
    return answer


@answers("graph.batch")
def batch(desk: Desk) -> requests.Response:
    """Calls of licences in place of those of the document, with the same outcomes."""
    relations.sign(desk.world, desk.one.id)
    calls = [
        {"id": "1", "method": "GET", "url": "/subscribedSkus"},
        {"id": "2", "method": "GET", "url": "/users?$top=1"},
        {"id": "3", "method": "GET", "url": "/groups/nobody/events"},
    ]
    return desk.call("POST", "/graph/v1.0/$batch", tenant=desk.one.id, json={"requests": calls})
