"""Transfers between partners, as Partner Center words them."""

from __future__ import annotations

import re

from flask import Response, request

from cspkit.rehearsal import changes, transfers
from cspkit.rehearsal.answers import (
    Json,
    body,
    customer,
    instant,
    link,
    lowered,
    partner_center,
    reply,
    the_world,
)
from cspkit.rehearsal.records import MPN_ID, PARTNER_TENANT, Customer, Subscription
from cspkit.rehearsal.refusals import Refused
from cspkit.rehearsal.seeding import guid

routes = partner_center("transfers")
_HERE = "/customers/<customer_id>/transfers"
_GUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ENDS = {"cancel": "Cancel", "cancelled": "Cancel", "reject": "Reject"}
_UNKNOWN = {"billingCycle": "unknown", "quantity": 0, "productType": 0}


@routes.post(_HERE)
def create(customer_id: str) -> Response:
    """Ask another partner for its subscriptions, or offer it some of ours."""
    one, sent = customer(customer_id), body()
    source = _tenant(sent, "sourcepartnertenantid")
    if sent.get("transfertype") != 3:
        if source != PARTNER_TENANT:
            raise Refused(2000, "sourcePartnerTenantId")
        target = _tenant(sent, "targetpartnertenantid")
        made = transfers.offer(the_world(), one, target, lines=_lines(one, sent))
        return reply(_transfer(one, made), 201)
    name, email = sent.get("sourcepartnername"), sent.get("customeremailid")
    if not isinstance(name, str) or not isinstance(email, str) or source == PARTNER_TENANT:
        raise Refused(2000, "sourcePartnerName and customerEmailId")
    made = transfers.ask(the_world(), one, source, name=name, email=email)
    return reply(_transfer(one, made), 201)


@routes.get(_HERE)
def list_transfers(customer_id: str) -> Response:
    """List the transfers of a customer, as a bare array."""
    one = customer(customer_id)
    everything = the_world().transfers.values()
    return reply([_transfer(one, made) for made in everything if made["customer"] == one.id])


@routes.get(f"{_HERE}/<transfer_id>")
def get(customer_id: str, transfer_id: str) -> Response:
    """Show how far a transfer has come."""
    one = customer(customer_id)
    return reply(_transfer(one, transfers.find(the_world(), one, transfer_id)))


@routes.patch(f"{_HERE}/<transfer_id>")
def patch(customer_id: str, transfer_id: str) -> Response:
    """Cancel or reject a transfer that is not under way yet."""
    one, sent = customer(customer_id), body()
    found = transfers.find(the_world(), one, transfer_id)
    status = _ENDS.get(str(sent.get("status")).lower())
    if status is None:
        raise Refused(2000, "status")
    transfers.withdraw(the_world(), found, status)
    return reply(_transfer(one, found))


@routes.post(f"{_HERE}/<transfer_id>/accept")
def accept(customer_id: str, transfer_id: str) -> Response:
    """Take over what another partner offered: an order for each subscription."""
    one, world = customer(customer_id), the_world()
    made = transfers.accept(world, transfers.find(world, one, transfer_id))
    attributes = {"objectType": "TransferSubmitResult"}
    return reply({"orders": [_order(one, item) for item in made], "attributes": attributes})


@routes.get("/customers/<customer_id>/transferseligibility")
def eligibility(customer_id: str) -> Response:
    """Say for each subscription of ours whether it could be transferred, as a bare array."""
    one, world = customer(customer_id), the_world()
    if not re.fullmatch("[0-9]", request.args.get("transferType", "3")):
        raise Refused(2000, "transferType")
    found = []
    for item in changes.sold_by_us(world, one):
        reason = transfers.blocked(world, item)
        more = {"isEligible": False, "reason": reason} if reason else {"isEligible": True}
        found.append({"id": item.id.upper(), **more})
    return reply(found)


def _order(one: Customer, item: Subscription) -> Json:
    path = f"/customers/{one.id}/orders/{item.order_id}"
    line = {
        "lineItemNumber": 0,
        "offerId": item.offer_id,
        "termDuration": item.term,
        "transactionType": "New",
        "friendlyName": item.friendly_name,
        "quantity": item.seats,
        "partnerIdOnRecord": MPN_ID,
        "links": {},
    }
    return {
        "id": item.order_id,
        "alternateId": item.order_id,
        "referenceCustomerId": one.id,
        "billingCycle": item.cycle,
        "currencyCode": item.currency,
        "lineItems": [line],
        "creationDate": instant(the_world().now).replace("Z", "+00:00"),
        "status": "completed",
        "transactionType": "UserPurchase",
        "links": {"self": link(path), "patchOperation": link(path, "PATCH")},
        "attributes": {"etag": changes.etag(item), "objectType": "Order"},
    }


def _tenant(sent: Json, name: str) -> str:
    found = str(sent.get(name)).lower()
    if not _GUID.fullmatch(found):
        raise Refused(2000, name)
    return found


def _lines(one: Customer, sent: Json) -> list[Subscription]:
    named = sent.get("lineitems")
    if not isinstance(named, list) or not named:
        raise Refused(2000, "lineItems")
    ids = [lowered(line).get("subscriptionid") for line in named if isinstance(line, dict)]
    return [changes.find(the_world(), one, str(found).lower()) for found in ids]


def _transfer(one: Customer, made: Json) -> Json:
    modern = made["type"] == 3
    answer: Json = {
        "id": made["id"],
        "status": made["status"],
        "createdTime": instant(made["created"]),
        "lastModifiedTime": made["modified"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "customerTenantId": one.id,
        # the one name that the service writes in lower case
        "partnertenantid": made["source"],
        "sourcePartnerName": made["name"] or "Partner",
        "targetPartnerName": "Partner" if modern else "Other partner",
        "sourcePartnerTenantId": made["source"],
        "targetPartnerTenantId": made["target"],
        "lastModifiedUser": guid(0, "agent"),
        "lineItems": [
            _line(one, number, found, modern=modern) for number, found in enumerate(made["lines"])
        ],
        "links": {"self": link(f"/customers/{one.id}/transfers/{made['id']}")},
        "attributes": {"objectType": "TransferEntity"},
    }
    return answer | (_modern(one, made) if modern else {})


def _modern(one: Customer, made: Json) -> Json:
    return {
        "transferType": 3,
        "customerEmailId": made["email"],
        "expirationTime": made["expires"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "customerName": one.name,
        "targetPartnerEmailId": "agent@partner.example",
        "transferDirection": 2,
        "ignoreEligibilityCheck": False,
    }


def _line(one: Customer, number: int, subscription_id: str, *, modern: bool) -> Json:
    if modern:
        return {"id": number, "subscriptionId": subscription_id, **_UNKNOWN, "status": "InProgress"}
    item = the_world().subscriptions[one.id][subscription_id]
    return {
        "id": number,
        "subscriptionId": item.id.upper(),
        "offerId": item.offer_id,
        "billingCycle": item.cycle,
        "friendlyName": item.friendly_name,
        "quantity": item.seats,
        "partnerIdOnRecord": MPN_ID,
        "addonItems": [],
    }
