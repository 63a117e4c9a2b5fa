"""Transitions: a new-commerce subscription becomes a dearer one, all of it or a part of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cspkit.rehearsal import changes, endings, lifecycle, people, relations, shop
from cspkit.rehearsal.products import Product, by_offer, products
from cspkit.rehearsal.records import Customer, Subscription
from cspkit.rehearsal.refusals import Refused

if TYPE_CHECKING:
    from cspkit.rehearsal.world import World

Json = dict[str, Any]
ONLY, WITH_LICENCES = "transition_only", "transition_with_license_transfer"
# codes of the reasons in an answer about eligibility
NOT_ACTIVE, CONFLICT, SHORTER = 2, 3, 3
MONTHS = {"monthly": 1, "annual": 12, "triennial": 36}


def targets(item: Subscription) -> list[Product]:
    """List what a subscription can become: what is on sale and dearer, cheapest first."""
    if item.channel != "csp_nce":
        return []
    dearer = [
        one
        for one in products()
        if one.offer and one.weight and not one.addon and one.monthly > item.product.monthly
    ]
    return sorted(dearer, key=lambda one: (one.monthly, one.offer))


def others(world: World, customer: Customer, item: Subscription, target: Product) -> list[Json]:
    """List subscriptions of the target that could take the seats, each with what is against it."""
    found = []
    for other in changes.sold_by_us(world, customer):
        if other.channel != "csp_nce" or other.product != target or other.status != "active":
            continue
        shorter = lifecycle.MONTHS[other.term] < lifecycle.MONTHS[item.term]
        found.append({"subscription": other, "error": SHORTER if shorter else 0})
    return found


def may_move_licences(world: World, customer: Customer) -> bool:
    """Say whether the partner may change licences in the tenant, as a transfer of them needs."""
    return bool(relations.roles_in(world, customer.id) & relations.CHANGES_LICENCES)


def begin(world: World, customer: Customer, item: Subscription, wanted: Json) -> Json:
    """Begin a transition; it is done some minutes later. Raises Refused, and nothing changed."""
    if item.channel != "csp_nce" or item.status != "active":
        raise Refused(2000, "the subscription is not an active one of new commerce")
    target = _target(world, item, wanted["item"])
    _check_terms(item, wanted)
    if type(wanted["quantity"]) is not int or not 1 <= wanted["quantity"] <= item.seats:
        raise Refused(2002)
    into = _into(world, customer, item, wanted, target)
    if wanted["type"] == WITH_LICENCES and not may_move_licences(world, customer):
        raise Refused(900308)
    made: Json = wanted | {
        "id": world.new_id("transition"),
        "customer": customer.id,
        "source": item.id,
        "from": item.offer_id,
        "into": into.id if into else world.new_id("subscription"),
        "started": world.now,
        "completed": None,
    }
    world.transitions.append(made)
    world.at(world.after(world.options.migration, "transition", made["id"]), complete, made["id"])
    words = {"resource": "subscription", "SubscriptionId": item.id}
    relations.audit(world, customer, "create_transition", **words)
    return made


def _target(world: World, item: Subscription, catalog_item: str) -> Product:
    offer, _, availability = catalog_item.upper().rpartition(":")
    target = by_offer().get(offer)
    if target is None or target not in targets(item):
        raise Refused(2000, "toCatalogItemId")
    if availability != shop.availability_id(world, target):
        raise Refused(400019)
    return target


def _check_terms(item: Subscription, wanted: Json) -> None:
    term, cycle = wanted["term"], wanted["cycle"]
    if term not in lifecycle.MONTHS:
        raise Refused(900268)
    if cycle not in MONTHS:
        raise Refused(900269)
    if lifecycle.MONTHS[term] < lifecycle.MONTHS[item.term]:
        raise Refused(900267)
    if MONTHS[cycle] > lifecycle.MONTHS[term]:
        raise Refused(900270)
    if wanted["type"] not in (ONLY, WITH_LICENCES):
        raise Refused(2000, "transitionType")


def _into(
    world: World, customer: Customer, item: Subscription, wanted: Json, target: Product
) -> Subscription | None:
    """Find the subscription that was named to take the seats."""
    if not wanted["into"]:
        return None
    if wanted["into"] == item.id:
        raise Refused(900259)
    found = changes.find(world, customer, wanted["into"])
    if found.status != "active":
        raise Refused(900258)
    if found.product != target:
        raise Refused(900260)
    if found.ends_on < item.ends_on:
        raise Refused(900236)
    return found


def complete(world: World, transition_id: str) -> None:
    """Carry a transition out: seats leave the source and are there in the target."""
    made = next(one for one in world.transitions if one["id"] == transition_id)
    customer = world.customers[made["customer"]]
    held = world.subscriptions[customer.id]
    source, seats = held[made["source"]], min(made["quantity"], held[made["source"]].seats)
    made["completed"] = world.now
    target = by_offer()[made["item"].upper().rpartition(":")[0]]
    if made["into"] in held:
        held[made["into"]].seats += seats
    else:
        world.add(_successor(world, made, source, target, seats))
    if made["type"] == WITH_LICENCES:
        _move_licences(world, customer, source.product.sku_id, target.sku_id, seats)
    source.seats -= seats
    if source.seats == 0:
        endings.become(world, source, "deleted")
    for sku_id in (source.product.sku_id, target.sku_id):
        world.note_seats(customer.id, sku_id)


def _successor(
    world: World, made: Json, source: Subscription, target: Product, seats: int
) -> Subscription:
    """Make what a transition brings; it keeps the source's term end and window to cancel."""
    same_term = made["term"] == source.term
    ends = source.ends_on if same_term else lifecycle.term_end(world.now.date(), made["term"])
    return replace(
        source,
        id=made["into"],
        product=target,
        seats=seats,
        assigned=0,
        term=made["term"],
        cycle=made["cycle"],
        ends_on=ends,
        created=world.now,
        availability_id=made["item"].rpartition(":")[2],
        price=target.monthly * MONTHS[made["cycle"]],
        friendly_name=target.name,
        added=[],
        scheduled=[],
        next_term={},
        usable_from=None,
        visible_from=None,
    )


def _move_licences(world: World, customer: Customer, old: str, new: str, seats: int) -> None:
    holders = [
        user
        for user in people.users(world, customer).values()
        if old in user.licences and user.licences[old].by_group is None and user.usage_location
    ]
    for user in sorted(holders, key=lambda one: one.id)[:seats]:
        add = [] if new in user.licences else [(new, list[str]())]
        people.change_licences(world, customer, user, add=add, remove=[old])
