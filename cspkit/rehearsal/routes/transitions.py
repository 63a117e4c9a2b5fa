"""Transitions of new commerce; upgrades and conversions of legacy, as Partner Center words them."""

from __future__ import annotations

from flask import Response, g, request

from cspkit.rehearsal import changes, shop, transitions
from cspkit.rehearsal.answers import (
    Json,
    body,
    collection,
    customer,
    instant,
    lowered,
    partner_center,
    reply,
    the_world,
)
from cspkit.rehearsal.products import Product, products
from cspkit.rehearsal.records import Customer, Subscription
from cspkit.rehearsal.refusals import Refused
from cspkit.rehearsal.routes.market import legacy_offer

routes = partner_center("transitions")
_ONE = "/customers/<customer_id>/subscriptions/<subscription_id>"
_NOT_SOLD = 8
_TEXTS = {
    transitions.NOT_ACTIVE: "Subscription cannot be transitioned because it is not active.",
    5: "Subscription cannot be transitioned because a signed-in user is required.",
    1: "Subscription cannot be transitioned because delegated permissions are missing.",
}


@routes.get(f"{_ONE}/transitioneligibilities")
def eligibilities(customer_id: str, subscription_id: str) -> Response:
    """List what a subscription can become, and what is against it, target by target."""
    kind = request.args.get("eligibilityType", "immediate").lower()
    if kind not in ("immediate", "scheduled"):
        raise Refused(2000, "eligibilityType")
    one, item = _held(customer_id, subscription_id)
    return collection(_eligibility(one, item, target) for target in transitions.targets(item))


def _held(customer_id: str, subscription_id: str) -> tuple[Customer, Subscription]:
    one = customer(customer_id)
    return one, changes.find(the_world(), one, subscription_id)


def _eligibility(one: Customer, item: Subscription, target: Product) -> Json:
    world = the_world()
    active = [] if item.status == "active" else [transitions.NOT_ACTIVE]
    user = [] if g.caller.kind == "user" else [5]
    access = [] if transitions.may_move_licences(world, one) else [1]
    found: Json = {
        "operationId": world.new_id("eligibility"),
        "catalogItemId": f"{target.offer}:{shop.availability_id(world, target)}",
        "title": target.name,
        "description": target.name,
        "quantity": item.seats,
        "eligibilities": [
            _verdict(transitions.ONLY, active),
            _verdict(transitions.WITH_LICENCES, active + user + access),
        ],
        "attributes": {"objectType": "TransitionEligibility"},
    }
    others = transitions.others(world, one, item, target)
    if others:
        found["subscriptionEligibilities"] = [_other(entry) for entry in others]
    return found


def _verdict(kind: str, codes: list[int]) -> Json:
    errors = [{"code": code, "description": _TEXTS[code]} for code in codes]
    return {"isEligible": not codes, "transitionType": kind, "errors": errors}


def _other(entry: Json) -> Json:
    other, code = entry["subscription"], entry["error"]
    text = (
        "The subscription's term duration is shorter than the source subscription's term duration."
    )
    return {
        "isEligible": not code,
        "subscriptionId": other.id,
        "subscriptionFriendlyName": other.friendly_name,
        "subscriptionTermDuration": other.term,
        "subscriptionBillingCycle": other.cycle,
        "errors": [{"code": code, "description": text}] if code else [],
    }


@routes.post(f"{_ONE}/transitions")
def transition(customer_id: str, subscription_id: str) -> Response:
    """Begin a transition; moving licences with it needs a signed-in user."""
    one, item = _held(customer_id, subscription_id)
    sent = body()
    names = {"item": "tocatalogitemid", "into": "tosubscriptionid", "type": "transitiontype"}
    names |= {"term": "termduration", "cycle": "billingcycle"}
    usual = {"item": "", "into": "", "type": transitions.ONLY, "term": item.term}
    usual["cycle"] = item.cycle
    wanted: Json = {key: sent.get(name) or usual[key] for key, name in names.items()}
    for key, value in wanted.items():
        if not isinstance(value, str):
            raise Refused(2000, names[key])
    if not wanted["item"]:
        raise Refused(2000, "toCatalogItemId")
    wanted |= {key: wanted[key].lower() for key in ("into", "type", "cycle")}
    wanted["quantity"] = sent.get("quantity", item.seats)
    if wanted["type"] == transitions.WITH_LICENCES and g.caller.kind != "user":
        raise Refused(900329)
    return reply(_transition(transitions.begin(the_world(), one, item, wanted)))


@routes.get(f"{_ONE}/transitions")
def history(customer_id: str, subscription_id: str) -> Response:
    """List the transitions of a subscription; this one list is called `transition`."""
    _, item = _held(customer_id, subscription_id)
    operation = request.args.get("operationId", "").lower()
    found = [
        made
        for made in the_world().transitions
        if made["source"] == item.id and operation in ("", made["id"])
    ]
    listed = [_transition(made) for made in found]
    return reply({"transition": listed, "attributes": {"objectType": "Collection"}})


def _transition(made: Json) -> Json:
    events = [("Started", made["started"]), ("Completed", made["completed"])]
    return {
        "operationId": made["id"],
        "fromCatalogItemId": made["from"],
        "fromSubscriptionId": made["source"],
        "toCatalogItemId": made["item"],
        "toSubscriptionId": made["into"],
        "quantity": made["quantity"],
        "transitionType": made["type"],
        "events": [
            {
                "name": "Conversion",
                "status": status,
                "timestamp": instant(at),
                "attributes": {"objectType": "TransitionEvent"},
            }
            for status, at in events
            if at is not None
        ],
        "attributes": {"objectType": "Transition"},
    }


@routes.get(f"{_ONE}/upgrades")
def upgrades(customer_id: str, subscription_id: str) -> Response:
    """List dearer legacy offers; none of them is sold any more, so none is eligible."""
    one, item = _held(customer_id, subscription_id)
    return collection(_upgrade(one, item, target) for target in _dearer(item))


def _dearer(item: Subscription) -> list[Product]:
    if item.channel != "csp_legacy":
        return []
    found = [one for one in products() if one.legacy_offer and not one.addon]
    return [one for one in found if one.monthly > item.product.monthly]


def _upgrade(one: Customer, item: Subscription, target: Product) -> Json:
    more = {"conversionTargetOffers": [], "partnerQualifications": ["none"], "isInternal": False}
    return {
        "targetOffer": legacy_offer(target, one.market) | more,
        "upgradeType": "upgrade_only",
        "isEligible": False,
        "quantity": item.seats,
        "upgradeErrors": [_not_sold()],
        "attributes": {"objectType": "Upgrade"},
    }


def _not_sold() -> Json:
    return {
        "code": _NOT_SOLD,
        "description": "Subscription cannot be upgraded because the target offer is not sold.",
        "attributes": {"objectType": "UpgradeError"},
    }


@routes.post(f"{_ONE}/upgrades")
def upgrade(customer_id: str, subscription_id: str) -> Response:
    """Refuse an upgrade in the answer itself, as this call does: legacy offers are not sold."""
    _, item = _held(customer_id, subscription_id)
    sent = body()
    offer = sent.get("targetoffer")
    wanted = str(lowered(offer).get("id", "")).lower() if isinstance(offer, dict) else ""
    if wanted not in [one.legacy_offer for one in _dearer(item)]:
        raise Refused(2000, "targetOffer")
    return reply(
        {
            "sourceSubscriptionId": item.id,
            "targetSubscriptionId": None,
            "upgradeType": 1,
            "upgradeErrors": [_not_sold()],
            "licenseErrors": [],
            "attributes": {"objectType": "UpgradeResult"},
        }
    )


@routes.get(f"{_ONE}/conversions")
def conversions(customer_id: str, subscription_id: str) -> Response:
    """List what a trial can become: the same product, paid."""
    _, item = _held(customer_id, subscription_id)
    found = {
        "offerId": item.offer_id,
        "targetOfferId": item.offer_id,
        "orderId": item.order_id,
        "quantity": item.seats,
        "billingCycle": item.cycle,
        "attributes": {"objectType": "Conversion"},
    }
    return collection([found] if item.is_trial else [])


@routes.post(f"{_ONE}/conversions")
def convert(customer_id: str, subscription_id: str) -> Response:
    """Turn a trial into a paid subscription at once."""
    _, item = _held(customer_id, subscription_id)
    sent = body()
    seats, cycle = sent.get("quantity", item.seats), sent.get("billingcycle", item.cycle)
    if not item.is_trial or str(sent.get("targetofferid")).upper() != item.offer_id.upper():
        raise Refused(2000, "targetOfferId")
    if type(seats) is not int or not 1 <= seats <= item.product.max_seats:
        raise Refused(2002)
    if cycle not in ("monthly", "annual"):
        raise Refused(2000, "billingCycle")
    item.is_trial, item.seats, item.cycle = False, seats, cycle
    item.version += 1
    the_world().note_seats(item.customer_id, item.product.sku_id)
    return reply(
        {
            "subscriptionId": item.id.upper(),
            "offerId": item.offer_id,
            "targetOfferId": item.offer_id,
            "attributes": {"objectType": "ConversionResult"},
        }
    )
