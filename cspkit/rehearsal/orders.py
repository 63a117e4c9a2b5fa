"""Orders: placed at once, shown late, and the subscriptions they make."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cspkit.rehearsal import lifecycle, relations, seats
from cspkit.rehearsal.endings import WINDOW
from cspkit.rehearsal.products import Product, products
from cspkit.rehearsal.records import (
    PARTNER_TENANT,
    Cart,
    CartLine,
    Customer,
    Order,
    OrderLine,
    Subscription,
)
from cspkit.rehearsal.refusals import Refused

if TYPE_CHECKING:
    from cspkit.rehearsal.world import World


def place(
    world: World,
    customer: Customer,
    cart: Cart,
    *,
    lines: list[tuple[CartLine, Product]],
    request_id: str,
) -> Order:
    """Place one order; it is in the books from now on, whoever sees it when."""
    order_id = world.new_id("order").replace("-", "")[:12]
    options = world.options
    order = Order(
        id=order_id,
        customer_id=customer.id,
        cart_id=cart.id,
        cycle=lines[0][0].cycle,
        currency="USD" if customer.market == "US" else "EUR",
        created=world.now,
        listed_from=world.after(options.order_listed, "listed", order_id),
        completed_from=world.after(options.order_completed, "completed", order_id),
        lines=[],
        request_id=request_id,
    )
    parents: dict[int, str] = {}
    for number, (line, product) in enumerate(lines):
        made = _deliver(world, order, line, product=product, number=number)
        made.parent_id = line.parent_id or parents.get(line.number, "")
        world.subscriptions[customer.id][made.subscription_id].parent_id = made.parent_id
        parents |= {addon.number: made.subscription_id for addon in line.addons}
        order.lines.append(made)
    world.orders[customer.id][order.id] = order
    relations.audit(world, customer, "create_order", resource="order", OrderId=order.id)
    return order


def find(world: World, customer: Customer, order_id: str) -> Order:
    """Find an order that is listed by now; raises Refused 20000."""
    order = world.orders[customer.id].get(order_id)
    if order is None or order.listed_from > world.now:
        raise Refused(20000)
    return order


def listed(world: World, customer: Customer) -> list[Order]:
    """List the orders that others can see by now, oldest first."""
    seen = [order for order in world.orders[customer.id].values() if order.listed_from <= world.now]
    return sorted(seen, key=lambda order: (order.created, order.id))


def legacy_lines(world: World, customer: Customer, order_id: str) -> list[Subscription]:
    """Find the legacy subscriptions that one order made, in the order of their ids."""
    held = world.subscriptions[customer.id].values()
    found = [s for s in held if s.channel == "csp_legacy" and s.order_id.lower() == order_id]
    return sorted(found, key=lambda item: item.id)


def addon(world: World, customer: Customer, order_id: str, line: dict[str, Any]) -> Subscription:
    """Make a legacy add-on for a line of its parent's order; raises Refused."""
    parents = {item.id: item for item in legacy_lines(world, customer, order_id)}
    if not parents:
        find(world, customer, order_id)
        raise Refused(800002)
    parent = parents.get(line["parentsubscriptionid"])
    product = next((p for p in products() if p.addon and p.legacy_offer == line["offerid"]), None)
    if parent is None or product is None or parent.status != "active":
        raise Refused(800002)
    return replace(
        parent,
        id=world.new_id("subscription"),
        product=product,
        seats=line["seats"],
        assigned=0,
        parent_id=parent.id,
        friendly_name=line["name"] or product.name,
        created=world.now,
        price=product.monthly,
        version=1,
    )


def price(order: Order) -> float:
    """Add up what an order costs for one billing cycle."""
    months = {"monthly": 1, "annual": 12, "triennial": 36}.get(order.cycle, 1)
    return float(sum(line.product.monthly * months * line.quantity for line in order.lines))


def _deliver(
    world: World, order: Order, line: CartLine, *, product: Product, number: int
) -> OrderLine:
    made = _subscription(world, order, line, product=product)
    world.add(made)
    usable_from = made.usable_from or world.now
    world.at(usable_from, seats.became_usable, order.customer_id, product.sku_id)
    world.books.orders.append(
        {
            "order_id": order.id,
            "cart_id": order.cart_id,
            "customer_id": order.customer_id,
            "catalog_item": line.catalog_item,
            "offer": product.offer,
            "sku_id": product.sku_id,
            "quantity": line.quantity,
            "term": line.term,
            "billing_cycle": line.cycle,
            "friendly_name": line.friendly_name,
            "subscription_id": made.id,
            "resellers": resellers(line),
            "request_id": order.request_id,
            "at": world.now,
        }
    )
    name = line.friendly_name or product.name
    found = OrderLine(number, product, line.catalog_item, line.quantity, line.term, name, made.id)
    found.reseller_ids = resellers(line)
    if found.reseller_ids:
        made.partner_id = found.reseller_ids[0]
    return found


def resellers(line: CartLine) -> list[str]:
    """List the partner ids that a line names as its resellers."""
    named = line.sent.get("participants")
    listed = named if isinstance(named, list) else []
    return [str(one["value"]) for one in listed if isinstance(one, dict) and one.get("value")]


def _subscription(world: World, order: Order, line: CartLine, *, product: Product) -> Subscription:
    today = world.now.date()
    monthly = product.monthly
    return Subscription(
        id=world.new_id("subscription"),
        customer_id=order.customer_id,
        channel="csp_nce",
        product=product,
        seats=line.quantity,
        term=line.term,
        cycle=line.cycle,
        starts_on=today,
        ends_on=lifecycle.term_end(today, line.term),
        auto_renew=True,
        status="active",
        created=world.now,
        price=monthly * 12 if line.cycle == "annual" else monthly,
        currency=order.currency,
        owner_tenant=PARTNER_TENANT,
        friendly_name=line.friendly_name or product.name,
        availability_id=line.availability_id,
        order_id=order.id,
        visible_from=order.completed_from,
        usable_from=order.completed_from
        + (world.after(world.options.seats_usable, "usable", order.id, line.number) - world.now),
        cancel_until=order.completed_from + WINDOW,
    )
