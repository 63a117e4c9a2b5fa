"""New-commerce migrations: our own legacy subscriptions become new-commerce ones, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cspkit.rehearsal import changes, endings, lifecycle, relations, seats, shop
from cspkit.rehearsal.records import Customer, Subscription
from cspkit.rehearsal.refusals import Refused

if TYPE_CHECKING:
    from cspkit.rehearsal.world import World

Json = dict[str, Any]
NO_OFFER = (
    "Subscription cannot be migrated to New Commerce because the equivalent offer is not yet "
    "available in New Commerce"
)
_TERMS = {"P1M": ("monthly",), "P1Y": ("monthly", "annual"), "P3Y": ("monthly", "annual")}
_MONTH = timedelta(days=31)
_LAST_DAY = timedelta(hours=24)


def problem(world: World, item: Subscription, wanted: Json) -> tuple[int, Refused] | None:
    """Find what keeps a subscription from being migrated: the eligibility code and the refusal."""
    term, cycle = wanted["term"], wanted["cycle"]
    if item.channel != "csp_legacy" or item.status != "active":
        return 1, Refused(900215, item.id)
    if any(item.id == one["subscription"] for one in world.migrations.values()):
        return 2, Refused(900216, item.id)
    if endings.day_after(item.ends_on) - world.now < _LAST_DAY:
        return 3, Refused(900217, item.id)
    if world.now - item.created < _MONTH:
        return 4, Refused(900226, item.id)
    if not item.product.offer:
        return 5, Refused(900220, item.id)
    if cycle not in _TERMS.get(term, ()) or (term, cycle) not in item.product.terms:
        return 6, Refused(900222, item.id)
    return None


def check_addons(world: World, customer: Customer, item: Subscription, named: list[str]) -> None:
    """Check that every active add-on comes along, each once; raises Refused."""
    held = {
        other.id
        for other in changes.sold_by_us(world, customer)
        if other.parent_id == item.id and other.status == "active"
    }
    if len(set(named)) != len(named):
        raise Refused(900248)
    if not set(named) <= held:
        raise Refused(900262)
    # an add-on without a successor may stay behind: it ends with its parent
    movable = {one for one in held if world.subscriptions[customer.id][one].product.offer}
    if movable - set(named):
        raise Refused(900219, item.id)


def start(world: World, customer: Customer, parts: list[tuple[Subscription, Json]]) -> Json:
    """Begin a migration; its subscription is there some minutes later. Gives the first part."""
    made: list[Json] = []
    for item, wanted in parts:
        refused = problem(world, item, wanted)
        if refused is not None:
            raise refused[1]
    due = world.after(world.options.migration, "migration", parts[0][0].id)
    for item, wanted in parts:
        migration = _migration(world, customer, item, wanted)
        made.append(migration)
        world.migrations[migration["id"]] = migration
        world.at(due, complete, migration["id"])
    made[0]["addons"] = [one["id"] for one in made[1:]]
    relations.audit(world, customer, "create_newcommerce_migration", resource="subscription")
    return made[0]


def catalog_item(world: World, item: Subscription) -> str:
    """Name what a legacy subscription becomes, with the availability of today."""
    return f"{item.product.offer}:{shop.availability_id(world, item.product)}"


def _migration(world: World, customer: Customer, item: Subscription, wanted: Json) -> Json:
    today = world.now.date()
    keeps = item.term == wanted["term"] and not wanted["full_term"]
    return {
        "id": world.new_id("migration"),
        "customer": customer.id,
        "subscription": item.id,
        "status": "Processing",
        "started": world.now,
        "catalog_item": catalog_item(world, item),
        "ends_on": item.ends_on if keeps else lifecycle.term_end(today, wanted["term"]),
        "quantity": wanted["quantity"] or item.seats,
        **{name: wanted[name] for name in ("term", "cycle", "full_term", "reference")},
        "events": [("MigrationStarted", world.now)],
        "addons": [],
    }


def complete(world: World, migration_id: str) -> None:
    """Put the new subscription in the place of the legacy one."""
    migration = world.migrations[migration_id]
    old = world.subscriptions[migration["customer"]][migration["subscription"]]
    new = _successor(world, old, migration)
    world.add(new)
    endings.become(world, old, "deleted")
    moving = {one["subscription"] for one in world.migrations.values()}
    for other in world.subscriptions[old.customer_id].values():
        if other.parent_id == old.id and other.id not in moving and other.status == "active":
            endings.become(world, other, "deleted")
    migration |= {
        "status": "Completed",
        "completed": world.now,
        "new_subscription": new.id,
        "new_order": new.order_id,
    }
    steps = ("NewCommerceSubscriptionCreated", "NewCommerceSubscriptionProvisioned")
    migration["events"] += [(name, world.now) for name in (*steps, "MigrationCompleted")]
    world.books.migrations.append(
        {
            "customer_id": old.customer_id,
            "subscription_id": old.id,
            "new_subscription_id": new.id,
            "seats": new.seats,
            "at": world.now,
        }
    )
    seats.became_usable(world, old.customer_id, new.product.sku_id)


def _successor(world: World, old: Subscription, migration: Json) -> Subscription:
    parent = next(
        (
            one.get("new_subscription", "")
            for one in world.migrations.values()
            if migration["id"] in one["addons"]
        ),
        "",
    )
    return replace(
        old,
        id=world.new_id("subscription"),
        channel="csp_nce",
        seats=migration["quantity"],
        term=migration["term"],
        cycle=migration["cycle"],
        starts_on=world.now.date(),
        ends_on=migration["ends_on"],
        status="active",
        created=world.now,
        assigned=0,
        parent_id=parent,
        availability_id=migration["catalog_item"].rpartition(":")[2],
        order_id=world.new_id("order").replace("-", "")[:12],
        cancel_until=world.now + endings.WINDOW,
        added=[],
        scheduled=[],
        next_term={},
        migrated_from=old.id,
        listed_in="",
    )


def schedule(world: World, customer: Customer, item: Subscription, wanted: Json) -> Json:
    """Plan a migration for a day, or for the renewal of the legacy subscription."""
    refused = problem(world, item, wanted)
    if refused is not None:
        raise refused[1]
    made: Json = {
        "id": world.new_id("migration schedule"),
        "customer": customer.id,
        "subscription": item.id,
        "ends_on": item.ends_on,
        "status": "Created",
        "created": world.now,
        "wanted": wanted,
    }
    world.schedules[made["id"]] = made
    plan(world, made)
    return made


def plan(world: World, made: Json) -> None:
    """Put a schedule, new or changed, into the agenda; the last hour is early enough."""
    made["modified"] = world.now
    made["due"] = made["wanted"]["on"] or made["ends_on"] - timedelta(days=2)
    world.at(_midnight(made["due"]), _run_schedule, made["id"], made["due"])


def _midnight(day: date) -> datetime:
    return endings.day_after(day - timedelta(days=1))


def _run_schedule(world: World, schedule_id: str, due: date) -> None:
    made = world.schedules[schedule_id]
    if made["status"] != "Created" or made["due"] != due:
        return
    item = world.subscriptions[made["customer"]][made["subscription"]]
    try:
        found = start(world, world.customers[made["customer"]], [(item, made["wanted"])])
    except Refused as refused:
        made |= {"status": "Failed", "error": (refused.code, refused.description)}
    else:
        made |= {"status": "Completed", "migration": found["id"]}
