"""Carts, checkout and orders."""

from __future__ import annotations

from flask import Response, request

from cspkit.rehearsal import carts, changes, orders
from cspkit.rehearsal.answers import (
    Json,
    body,
    collection,
    customer,
    instant,
    link,
    lowered,
    partner_center,
    reply,
    the_world,
    user_only,
)
from cspkit.rehearsal.records import Cart, CartLine, Customer, Order, OrderLine, Subscription
from cspkit.rehearsal.refusals import Refused

routes = partner_center("orders")
_EXTRA = {
    "participants": "participants",
    "provisioningcontext": "provisioningContext",
    "renewsto": "renewsTo",
    "promotionid": "promotionId",
    "customtermenddate": "customTermEndDate",
    "coterminoussubscriptionid": "coterminousSubscriptionId",
    "attestationaccepted": "attestationAccepted",
}


@routes.post("/customers/<customer_id>/carts")
def create_cart(customer_id: str) -> Response:
    """Make a cart; a line that cannot be bought says so inside a 201."""
    one = customer(customer_id)
    return reply(_cart(one, carts.create(the_world(), one, body())), 201)


@routes.get("/customers/<customer_id>/carts/<cart_id>")
def get_cart(customer_id: str, cart_id: str) -> Response:
    """Read a cart, Active or Ordered."""
    one = customer(customer_id)
    return reply(_cart(one, carts.find(the_world(), one, cart_id)))


@routes.put("/customers/<customer_id>/carts/<cart_id>")
def put_cart(customer_id: str, cart_id: str) -> Response:
    """Replace the lines of a cart."""
    one = customer(customer_id)
    cart = carts.find(the_world(), one, cart_id)
    return reply(_cart(one, carts.replace(the_world(), cart, body())), 201)


@routes.post("/customers/<customer_id>/carts/<cart_id>/checkout")
def check_out(customer_id: str, cart_id: str) -> Response:
    """Buy a cart; the answer is the first one's, however often it is asked for."""
    one, world = customer(customer_id), the_world()
    cart = carts.find(world, one, cart_id)
    request_id = request.headers.get("MS-RequestId", "")
    made = carts.check_out(world, one, cart, request_id=request_id)
    answer: Json = {"orders": [order_json(one, order, at_once=True) for order in made]}
    if cart.order_errors:
        answer["orderErrors"] = cart.order_errors
    return reply(answer | {"attributes": {"objectType": "CartCheckoutResult"}}, 201)


@routes.get("/customers/<customer_id>/orders")
def list_orders(customer_id: str) -> Response:
    """List orders; a new one is missing for up to a quarter of an hour."""
    one = customer(customer_id)
    cycle = request.args.get("billingType", "").lower()
    listed = [o for o in orders.listed(the_world(), one) if cycle in ("", o.cycle)]
    found = [order_json(one, order) for order in listed]
    return collection(found, links={"self": link(f"/customers/{one.id}/orders")})


@routes.get("/customers/<customer_id>/orders/<order_id>")
def get_order(customer_id: str, order_id: str) -> Response:
    """Read an order, pending at first; the subscription ids come with completed."""
    one = customer(customer_id)
    legacy = orders.legacy_lines(the_world(), one, order_id)
    if legacy:
        return reply(_legacy_order(one, legacy))
    return reply(order_json(one, orders.find(the_world(), one, order_id)))


@routes.patch("/customers/<customer_id>/orders/<order_id>")
def patch_order(customer_id: str, order_id: str) -> Response:
    """Change the billing cycle of a legacy order or add add-ons to it; a new one stays as it is."""
    one, world, sent = customer(customer_id), the_world(), body()
    cycle, lines = sent.get("billingcycle"), sent.get("lineitems")
    if isinstance(lines, list) and lines and not cycle:
        addons = [orders.addon(world, one, order_id, _addon_line(line)) for line in lines]
        for item in addons:
            world.add(item)
        return reply(_legacy_order(one, orders.legacy_lines(world, one, order_id)))
    if not isinstance(cycle, str) or cycle.lower() not in ("monthly", "annual"):
        raise Refused(800002)
    legacy = orders.legacy_lines(world, one, order_id)
    if not legacy:
        orders.find(world, one, order_id)
        raise Refused(800002)
    for item in legacy:
        item.cycle = cycle.lower()
        item.version += 1
    return reply(_legacy_order(one, legacy))


def _addon_line(sent: object) -> Json:
    """Read a line of an order for an add-on; raises Refused."""
    low = lowered(sent) if isinstance(sent, dict) else {}
    seats, name = low.get("quantity"), low.get("friendlyname") or ""
    if type(seats) is not int or not 1 <= seats <= 10_000_000 or not isinstance(name, str):
        raise Refused(2002)
    found = {key: str(low.get(key)).lower() for key in ("offerid", "parentsubscriptionid")}
    return {**found, "seats": seats, "name": name}


def _legacy_order(one: Customer, lines: list[Subscription]) -> Json:
    path = f"/customers/{one.id}"
    return {
        "id": lines[0].order_id,
        "referenceCustomerId": one.id,
        "billingCycle": lines[0].cycle.capitalize(),
        "lineItems": [
            {
                "lineItemNumber": number,
                "offerId": item.offer_id,
                "subscriptionId": item.id.upper(),
                "friendlyName": item.friendly_name,
                "quantity": item.seats,
                "links": {"subscription": link(f"{path}/subscriptions/{item.id.upper()}")},
            }
            for number, item in enumerate(lines)
        ],
        "creationDate": instant(lines[0].created),
        "links": {"self": link(f"{path}/orders/{lines[0].order_id}")},
        "attributes": {"etag": changes.etag(lines[0]), "objectType": "Order"},
    }


@routes.post("/customers/<customer_id>/orders")
def direct_order(customer_id: str) -> Response:
    """Place an order without a cart; nothing but MS-RequestId keeps it from happening twice."""
    one, world, sent = customer(customer_id), the_world(), body()
    cycle = sent.get("billingcycle")
    sent["lineitems"] = [_as_cart_line(line, cycle) for line in _list(sent.get("lineitems"))]
    cart = carts.create(world, one, sent)
    request_id = request.headers.get("MS-RequestId", "")
    made = carts.check_out(world, one, cart, request_id=request_id)
    return reply(order_json(one, made[0], at_once=True), 201)


def _list(found: object) -> list[object]:
    return found if isinstance(found, list) else []


def _as_cart_line(line: object, cycle: object) -> object:
    if not isinstance(line, dict):
        return line
    low = {str(name).lower(): value for name, value in line.items()}
    if low.get("partneridonrecord"):
        reseller = {"key": "transaction_reseller", "value": low["partneridonrecord"]}
        low["participants"] = [reseller]
    return low | {
        "id": low.get("lineitemnumber"),
        "catalogitemid": low.get("offerid"),
        "billingcycle": low.get("billingcycle", cycle),
    }


@routes.get("/customers/<customer_id>/orders/<order_id>/provisioningstatus")
@user_only
def provisioning_status(customer_id: str, order_id: str) -> Response:
    """Say for each line of an order whether its seats are there."""
    one = customer(customer_id)
    order = orders.find(the_world(), one, order_id)
    return collection(_provisioning(line, order) for line in order.lines)


def _provisioning(line: OrderLine, order: Order) -> Json:
    world = the_world()
    usable_from = world.subscriptions[order.customer_id][line.subscription_id].usable_from
    done = usable_from is None or usable_from <= world.now
    status = "fulfilled" if done else "pending"
    return {
        "orderLineItemId": line.number,
        "lineItemNumber": line.number,
        "status": status,
        "quantityProvisioningInformation": [{"quantity": line.quantity, "status": status}],
    }


def _cart(one: Customer, cart: Cart) -> Json:
    return {
        "id": cart.id,
        "creationTimestamp": instant(cart.created),
        "lastModifiedTimestamp": instant(cart.modified),
        "expirationTimestamp": instant(cart.expires),
        "status": cart.status,
        "lineItems": [_cart_line(one, cart, line) for line in cart.lines],
        "links": {"self": link(f"/customers/{one.id}/carts/{cart.id}")},
        "attributes": {"objectType": "Cart"},
    }


def _cart_line(one: Customer, cart: Cart, line: CartLine, group: str = "") -> Json:
    found: Json = {
        "id": line.number,
        "catalogItemId": line.catalog_item,
        "quantity": line.quantity,
        "billingCycle": line.cycle,
        "termDuration": line.term,
        "currencyCode": "USD" if one.market == "US" else "EUR",
    }
    if line.friendly_name:
        found["friendlyName"] = line.friendly_name
    for name, shown in _EXTRA.items():
        if line.sent.get(name) is not None:
            found[shown] = line.sent[name]
    if line.addons:
        group = carts.group_of(cart, line)
        found["addonItems"] = [_cart_line(one, cart, addon, group) for addon in line.addons]
    if line.error is None:
        found["orderGroup"] = group or carts.group_of(cart, line)
    else:
        code, text = line.error
        found["error"] = {
            "errorCode": code,
            "errorDescription": text,
            "additionalInformation": "",
        }
    return found


def order_json(one: Customer, order: Order, *, at_once: bool = False) -> Json:
    """Describe an order as the service shows it, pending until it is completed.

    `at_once` shows it as it was when it was placed, whenever the answer is asked for again.
    """
    done = order.completed_from <= (order.created if at_once else the_world().now)
    path = f"/customers/{one.id}/orders/{order.id}"
    found: Json = {
        "id": order.id,
        "alternateId": order.id,
        "referenceCustomerId": one.id,
        "billingCycle": order.cycle,
        "currencyCode": order.currency,
        "currencySymbol": "$" if order.currency == "USD" else "€",
        "lineItems": [_order_line(one, line, done=done) for line in order.lines],
        "creationDate": instant(order.created),
        "status": "completed" if done else "pending",
        "transactionType": "UserPurchase",
        "links": {
            "self": link(path),
            "provisioningStatus": link(f"{path}/provisioningstatus"),
            "patchOperation": link(path, "PATCH"),
        },
        "client": {},
        "attributes": {"objectType": "Order"},
    }
    if request.args.get("include_price", "").lower() == "true":
        found["totalPrice"] = orders.price(order)
    return found


def _order_line(one: Customer, line: OrderLine, *, done: bool) -> Json:
    product, sku, availability = line.catalog_item.split(":")
    path = f"/products/{product}"
    found: Json = {
        "lineItemNumber": line.number,
        "offerId": line.catalog_item,
        "termDuration": line.term,
        "transactionType": "New",
        "friendlyName": line.friendly_name,
        "quantity": line.quantity,
        "links": {
            "product": link(f"{path}?country={one.market}"),
            "sku": link(f"{path}/skus/{sku}?country={one.market}"),
            "availability": link(
                f"{path}/skus/{sku}/availabilities/{availability}?country={one.market}"
            ),
        },
    }
    if line.parent_id:
        found["parentSubscriptionId"] = line.parent_id
    if line.reseller_ids:
        found["partnerIdOnRecord"] = line.reseller_ids[0]
        found["additionalPartnerIdsOnRecord"] = line.reseller_ids
    if done:
        found["subscriptionId"] = line.subscription_id
    return found
