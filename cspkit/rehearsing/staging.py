"""The stage: a rehearsal world that holds the customers and originals of a plan."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from cspkit.planning import Plan, PlannedCustomer
from cspkit.rehearsal import lifecycle, products, relations
from cspkit.rehearsal.products import Product
from cspkit.rehearsal.records import PARTNER_TENANT, Customer, Subscription
from cspkit.rehearsal.world import World
from cspkit.tables import Step

if TYPE_CHECKING:
    from cspkit.exports import Exports

MORNING = time(8, tzinfo=UTC)
SIGNS_WITHIN = (12 * 60, 5 * 24 * 60)
_LIVES = {"expired": "warning", "pending": "active"}
_RUNNING = ("active", "warning")
_TERMS = tuple(lifecycle.MONTHS)
Row = dict[str, Any]


def stage(plan: Plan, exports: Exports | None, *, seed: int) -> World:
    """Build the world of a plan on the morning of its `as_of`; the seed decides who answers when.

    With exports each tenant holds all that they list: channels, renewals, users as they say.
    Without, the originals of the plan stand alone, and what is not known is the hard case: every
    seat is in use, nothing renews, and service ends with the term.
    """
    document = plan.document
    world = World(seed=seed, now=datetime.combine(document.as_of, MORNING))
    for planned in plan.customers:
        _settle(world, planned)
    for move in document.moves:
        _shelve(move.target_sku_id or "", move.target_offer, move.target_offer)
    known = set(world.customers)
    rows = {row["subscription_id"]: row for row in _exported(exports, known)}
    rows = {row["subscription_id"]: row for row in _planned(plan)} | rows
    for key in sorted(rows):
        world.add(_subscription(rows[key], document.as_of))
    return world


def _settle(world: World, planned: PlannedCustomer) -> None:
    """Put a customer where the plan sees it; only those with access let the partner in."""
    key = planned.customer_id
    customer = Customer(
        id=key,
        name=planned.name or key,
        domain=planned.domain or f"{key[:8]}.onmicrosoft.example",
        market=planned.market or "ES",
        language=planned.language or "en",
        first_name="Alex",
        last_name="Example",
    )
    world.customers[key] = customer
    if planned.state == Step.RELATIONSHIP:
        return
    customer.related_at = world.now
    if planned.state == Step.AGREEMENT:
        world.at(world.after(SIGNS_WITHIN, "signs", key), relations.sign, key)
        return
    customer.direct_signed_at = world.now
    if planned.state != Step.ACCESS:
        relations.grant(world, customer, world.now)


def _exported(exports: Exports | None, customers: set[str]) -> Iterator[Row]:
    """List what the exports know of the tenants of a plan, except what is gone already."""
    if exports is None:
        return
    table = exports.table("subscriptions")
    held = table.filter(table.customer_id.isin(sorted(customers)))
    for row in held.to_pyarrow().to_pylist():
        gone = row["status"] in ("deleted", "disabled")
        if row["sku_id"] and row["expires_on"] and row["seats"] and not gone:
            yield row


def _planned(plan: Plan) -> Iterator[Row]:
    """List the originals as the plan alone knows them."""
    for move in plan.document.moves:
        share, rest = divmod(move.seats, len(move.subscription_ids))
        for number, key in enumerate(sorted(move.subscription_ids)):
            yield {
                "subscription_id": key,
                "customer_id": move.customer_id,
                "sku_id": move.sku_id or move.target_sku_id or "",
                "seats": max(share + (rest if number == 0 else 0), 1),
                "expires_on": move.expires_on,
                "channel": "unknown",
            }


def _subscription(row: Row, as_of: date) -> Subscription:
    term = row.get("term") if row.get("term") in _TERMS else "P1Y"
    assert term is not None
    ends, seats = row["expires_on"], int(row["seats"])
    starts = row.get("starts_on") or lifecycle.term_start(ends, term)
    status = row.get("status") or "active"
    status = _LIVES.get(status, status)
    channel = row["channel"] or "unknown"
    assigned = row.get("assigned_seats")
    ours = channel in ("csp_nce", "csp_legacy")
    return Subscription(
        id=row["subscription_id"],
        customer_id=row["customer_id"],
        channel=channel,
        product=_shelve(row["sku_id"], row.get("offer_id") or "", row.get("product") or ""),
        seats=seats,
        term=term,
        cycle=row.get("billing_cycle") or "monthly",
        starts_on=starts,
        ends_on=ends,
        # what no export says does not renew: so that a replacement that comes late is seen
        auto_renew=bool(row.get("auto_renew")),
        status=status,
        created=datetime.combine(min(starts, as_of), MORNING),
        price=row.get("unit_price"),
        currency=row.get("currency") or "EUR",
        owner_tenant=PARTNER_TENANT if ours else None,
        assigned=min(seats if assigned is None else assigned, seats) if status in _RUNNING else 0,
        is_trial=bool(row.get("is_trial")),
        parent_id=row.get("base_subscription_id") or "",
    )


def _shelve(sku_id: str, offer: str, name: str) -> Product:
    """Find a product, or put it on the shelf where the rehearsal does not sell it."""
    found = products.by_offer().get(offer)
    if found is not None and sku_id in ("", found.sku_id):
        return found
    product_id, _, sku = offer.partition(":")
    if not sku:
        held = products.by_sku_id().get(sku_id)
        if held is not None:
            return held
        product_id = ""
    made = Product(
        sku_id=sku_id,
        part_number=f"PLANNED_{sku_id[:8].upper()}",
        name=name or sku_id,
        product_id=product_id,
        sku=sku,
        legacy_offer="",
        monthly=Decimal(10),
        weight=0,
        plans=(),
        every_term=True,
    )
    products.stock(made)
    return made


def start_of(plan: Plan) -> datetime:
    """Give the morning of the plan's first day."""
    return datetime.combine(plan.document.start, MORNING)


def end_of(plan: Plan, days: int) -> datetime:
    """Give the morning after the last day that is rehearsed."""
    return start_of(plan) + timedelta(days=days)
