"""Carts: the one way to buy, and the one call that never buys twice."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cspkit.rehearsal import orders, relations, shop
from cspkit.rehearsal.products import Product
from cspkit.rehearsal.records import MPN_ID, RESELLERS, Cart, CartLine, Customer, Order
from cspkit.rehearsal.refusals import Refused

if TYPE_CHECKING:
    from cspkit.rehearsal.world import World

LIFETIME = timedelta(days=7)
MOST_LINES = 200
_OPEN = ("active", "warning", "suspended")


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
    """Buy what is in a cart, once; a second call repeats the first answer or says 800065.

    Each group of lines becomes an order of its own. When some groups can be bought and others
    not, the cart is bought in part: what went wrong stands in `cart.order_errors`. When none can,
    the first problem is raised and nothing has happened.
    """
    if cart.order_ids:
        if world.options.second_checkout == "800065":
            raise Refused(800065, cart.id)
        return [world.orders[customer.id][order_id] for order_id in cart.order_ids]
    if not relations.has_agreed(world, customer):
        raise Refused(13605)
    groups, problems = _groups(world, cart)
    if not groups:
        raise next(iter(problems.values()))
    _check_room(world, customer, sum(len(lines) for lines in groups.values()))
    made = [
        orders.place(world, customer, cart, lines=lines, request_id=request_id)
        for lines in groups.values()
    ]
    cart.order_ids = [order.id for order in made]
    cart.order_errors = [
        {"orderGroupId": group, "code": problem.code, "description": problem.description}
        for group, problem in problems.items()
    ]
    return made


def group_of(cart: Cart, line: CartLine) -> str:
    """Number the order that a line will become part of."""
    cycles = list(dict.fromkeys(other.cycle for other in cart.lines))
    return str(cycles.index(line.cycle))


def _groups(
    world: World, cart: Cart
) -> tuple[dict[str, list[tuple[CartLine, Product]]], dict[str, Refused]]:
    """Sort the lines into groups that can be bought now and groups that cannot."""
    groups: dict[str, list[tuple[CartLine, Product]]] = {}
    problems: dict[str, Refused] = {}
    for line in cart.lines:
        if any(one.error is not None or one.product is None for one in (line, *line.addons)):
            raise Refused(800009)
        for one in (line, *line.addons):
            assert one.product is not None
            groups.setdefault(group_of(cart, line), []).append((one, one.product))
    for group, lines in list(groups.items()):
        problem = next((p for p in (_problem(world, *pair) for pair in lines) if p), None)
        if problem is not None:
            problems[group] = problem
            del groups[group]
    return groups, problems


def _problem(world: World, line: CartLine, product: Product) -> Refused | None:
    if not shop.still_current(world, line.catalog_item, product):
        return Refused(400019)
    if product.offer in world.options.sold_out.split():
        return Refused(800010)
    if set(orders.resellers(line)) - signed_resellers():
        return Refused(900123)
    return None


def signed_resellers() -> set[str]:
    """List the partner numbers that may be named as reseller: the last of them signed nothing."""
    return {mpn_id for _, mpn_id in list(RESELLERS.values())[:-1]} | {MPN_ID}


def _check_room(world: World, customer: Customer, more: int) -> None:
    """Refuse what a tenant has no room for: its limit counts every seller's subscriptions."""
    held = sum(item.status in _OPEN for item in world.subscriptions[customer.id].values())
    if held + more > world.options.most_subscriptions:
        raise Refused(900419)


def _lines(world: World, body: dict[str, Any]) -> list[CartLine]:
    sent = body.get("lineitems")
    if not isinstance(sent, list) or not 0 < len(sent) <= MOST_LINES:
        raise Refused(800002)
    lines = [_line(world, entry) for entry in sent]
    numbers = [one.number for line in lines for one in (line, *line.addons)]
    if len(set(numbers)) != len(numbers):
        raise Refused(800002)
    return lines


def _line(world: World, entry: object, *, inside: bool = False) -> CartLine:
    if not isinstance(entry, dict):
        raise Refused(800002)
    low = {str(key).lower(): value for key, value in entry.items()}
    number, quantity = low.get("id"), low.get("quantity")
    if type(number) is not int or type(quantity) is not int:
        raise Refused(800002)
    words = [low.get(name) or "" for name in ("catalogitemid", "billingcycle")]
    words += [low.get(name) or "" for name in ("termduration", "friendlyname")]
    if not all(isinstance(word, str) for word in words) or not words[0] or not words[1]:
        raise Refused(800002)
    item, cycle, term, name = words
    if isinstance(low.get("participants"), list):
        low["participants"] = [_participant(one) for one in low["participants"]]
    line = CartLine(number, item, quantity, term, cycle.lower(), name, low)
    line.parent_id = _parent(low)
    line.addons = _addons(world, low, inside=inside)
    _judge(world, line)
    return line


def _participant(entry: object) -> dict[str, Any]:
    """Read who takes part in a line, names in any case; raises Refused."""
    if not isinstance(entry, dict):
        raise Refused(800002)
    return {str(key).lower(): value for key, value in entry.items()}


def _parent(low: dict[str, Any]) -> str:
    """Find the existing subscription that an add-on belongs to."""
    context = low.get("provisioningcontext") or {}
    if not isinstance(context, dict):
        raise Refused(800002)
    found = {str(key).lower(): value for key, value in context.items()}.get("parentsubscriptionid")
    return str(found).lower() if found else ""


def _addons(world: World, low: dict[str, Any], *, inside: bool) -> list[CartLine]:
    sent = low.get("addonitems") or []
    if not isinstance(sent, list) or (sent and inside):
        raise Refused(800002)
    return [_line(world, entry, inside=True) for entry in sent]


def _judge(world: World, line: CartLine) -> None:
    """Say in the line what would keep it from being bought."""
    try:
        line.product = shop.check(world, line.catalog_item, term=line.term, cycle=line.cycle)
    except LookupError as problem:
        code, text = problem.args
        line.error = (code, text)
        return
    known = {mpn_id for _, mpn_id in RESELLERS.values()} | {MPN_ID}
    if set(orders.resellers(line)) - known:
        line.error = ("10004", "A participant of the line is not one of your resellers.")
    if not 1 <= line.quantity <= line.product.max_seats:
        line.error = ("10015", f"The quantity {line.quantity} is not allowed for this item.")
