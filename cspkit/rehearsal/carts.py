"""Carts: the one way to buy, and the one call that never buys twice."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cspkit.rehearsal import orders, relations, shop
from cspkit.rehearsal.products import Product
from cspkit.rehearsal.records import Cart, CartLine, Customer, Order
from cspkit.rehearsal.refusals import Refused

if TYPE_CHECKING:
    from cspkit.rehearsal.world import World

LIFETIME = timedelta(days=7)
MOST_LINES = 200


def create(world: World, customer: Customer, body: dict[str, Any]) -> Cart:
    """Make a cart; lines that cannot be bought carry an error, the cart is made all the same."""
    cart = Cart(
        id=world.new_id("cart"),
        customer_id=customer.id,
        created=world.now,
        modified=world.now,
        expires=world.now + LIFETIME,
        lines=_lines(world, body),
    )
    world.carts[cart.id] = cart
    return cart


def find(world: World, customer: Customer, cart_id: str) -> Cart:
    """Find a cart of a customer; raises Refused 800008, also when its week is over."""
    cart = world.carts.get(cart_id)
    if cart is None or cart.customer_id != customer.id or cart.expires <= world.now:
        raise Refused(800008, cart_id)
    return cart


def replace(world: World, cart: Cart, body: dict[str, Any]) -> Cart:
    """Put other lines into a cart that was not bought yet."""
    if cart.order_ids:
        raise Refused(800065, cart.id)
    cart.lines = _lines(world, body)
    cart.modified = world.now
    return cart


def check_out(world: World, customer: Customer, cart: Cart, *, request_id: str = "") -> list[Order]:
    """Buy what is in a cart, once; a second call repeats the first answer or says 800065."""
    if cart.order_ids:
        if world.options.second_checkout == "800065":
            raise Refused(800065, cart.id)
        return [world.orders[customer.id][order_id] for order_id in cart.order_ids]
    if not relations.has_agreed(world, customer):
        raise Refused(13605)
    groups: dict[str, list[tuple[CartLine, Product]]] = {}
    for line in cart.lines:
        if line.error is not None or line.product is None:
            raise Refused(800009)
        if not shop.still_current(world, line.catalog_item, line.product):
            raise Refused(400019)
        groups.setdefault(line.cycle, []).append((line, line.product))
    made = [
        orders.place(world, customer, cart, lines=lines, request_id=request_id)
        for lines in groups.values()
    ]
    cart.order_ids = [order.id for order in made]
    return made


def group_of(cart: Cart, line: CartLine) -> str:
    """Number the order that a line will become part of."""
    cycles = list(dict.fromkeys(other.cycle for other in cart.lines))
    return str(cycles.index(line.cycle))


def _lines(world: World, body: dict[str, Any]) -> list[CartLine]:
    sent = body.get("lineitems")
    if not isinstance(sent, list) or not 0 < len(sent) <= MOST_LINES:
        raise Refused(800002)
    lines = [_line(world, entry) for entry in sent]
    if len({line.number for line in lines}) != len(lines):
        raise Refused(800002)
    return lines


def _line(world: World, entry: object) -> CartLine:
    if not isinstance(entry, dict):
        raise Refused(800002)
    low = {str(key).lower(): value for key, value in entry.items()}
    number, quantity = low.get("id"), low.get("quantity")
    if type(number) is not int or type(quantity) is not int:
        raise Refused(800002)
    item, cycle = low.get("catalogitemid"), low.get("billingcycle")
    if not isinstance(item, str) or not isinstance(cycle, str):
        raise Refused(800002)
    name, term = low.get("friendlyname") or "", low.get("termduration") or ""
    if not isinstance(name, str) or not isinstance(term, str):
        raise Refused(800002)
    line = CartLine(number, item, quantity, term, cycle.lower(), name, low)
    try:
        line.product = shop.check(world, item, term=term, cycle=line.cycle)
    except LookupError as problem:
        code, text = problem.args
        line.error = (code, text)
        return line
    if not 1 <= quantity <= line.product.max_seats:
        line.error = ("10015", f"The quantity {quantity} is not allowed for this item.")
    return line
