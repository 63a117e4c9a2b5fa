"""What happens when a term ends: renewal, extension, grace, suspension, deletion."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from cspkit.rehearsal import lifecycle
from cspkit.rehearsal.products import by_offer
from cspkit.rehearsal.records import Subscription

if TYPE_CHECKING:
    from cspkit.rehearsal.world import World

EXTENSION_SURCHARGE = Decimal("1.03")
WINDOW = timedelta(days=7)


def expect(world: World, subscription: Subscription) -> None:
    """Put the next end of a subscription into the agenda: 00:00 UTC of the day after."""
    rule = subscription.rule
    days = {
        "active": 0,
        "suspended": 0,
        "warning": rule.grace,
        "disabled": rule.grace + rule.disabled + subscription.held_days,
    }
    if subscription.status in days:
        last = subscription.ends_on + timedelta(days=days[subscription.status])
        world.at(day_after(last), term_over, subscription.customer_id, subscription.id, last)


def day_after(day: date) -> datetime:
    """Give the first instant after a whole UTC day."""
    return datetime.combine(day + timedelta(days=1), time(tzinfo=UTC))


def term_over(world: World, customer_id: str, subscription_id: str, last: date) -> None:
    """Take the next step in the life of a subscription, unless it has moved on meanwhile."""
    subscription = world.subscriptions[customer_id][subscription_id]
    if subscription.status in ("active", "suspended"):
        if subscription.ends_on != last:
            return
        _end_of_term(world, subscription)
    elif subscription.status == "warning":
        become(world, subscription, "disabled")
    elif subscription.status == "disabled":
        become(world, subscription, "deleted")
    expect(world, subscription)


def _end_of_term(world: World, subscription: Subscription) -> None:
    rule = subscription.rule
    asked = subscription.scheduled[0]["actionType"] if subscription.scheduled else ""
    if subscription.status == "suspended":
        subscription.held_days = 30 if subscription.channel == "csp_nce" else 0
        become(world, subscription, "disabled")
    elif asked == "Cancel":
        become(world, subscription, "disabled")
    elif rule.renews and (subscription.auto_renew or asked in ("RenewToNewTerm", "Transition")):
        _renew(world, subscription)
    elif rule.renews and rule.extends:
        _extend(world, subscription)
    else:
        become(world, subscription, "warning" if rule.grace else "disabled")


def _renew(world: World, subscription: Subscription) -> None:
    """Start the next term as it was asked for; scheduled actions win over instructions."""
    asked = subscription.next_term
    if subscription.scheduled:
        asked = subscription.scheduled[0].get("instructions") or {}
    product = asked.get("product") or {}
    other = by_offer().get(f"{product.get('productId')}:{product.get('skuId')}")
    before, subscription.product = subscription.product, other or subscription.product
    subscription.seats = asked.get("quantity") or subscription.seats
    subscription.cycle = str(product.get("billingCycle") or subscription.cycle).lower()
    _next_term(world, subscription, str(product.get("termDuration") or subscription.term))
    world.note_seats(subscription.customer_id, before.sku_id)
    _note(world, subscription, "renewed")


def _extend(world: World, subscription: Subscription) -> None:
    """Slide into a paid month, dearer than the term was; the surcharge is asked for once."""
    if subscription.price is not None and not subscription.extended:
        subscription.price *= EXTENSION_SURCHARGE
    subscription.extended = True
    _next_term(world, subscription, "P1M")
    _note(world, subscription, "extended")


def _next_term(world: World, subscription: Subscription, term: str) -> None:
    subscription.starts_on = subscription.ends_on + timedelta(days=1)
    subscription.term = term
    subscription.ends_on = lifecycle.term_end(subscription.starts_on, term)
    subscription.scheduled, subscription.next_term = [], {}
    subscription.version += 1
    if subscription.ours and subscription.channel == "csp_nce":
        subscription.cancel_until = world.now + WINDOW
    world.note_seats(subscription.customer_id, subscription.product.sku_id)


def _note(world: World, subscription: Subscription, how: str) -> None:
    world.books.renewals.append(
        {
            "customer_id": subscription.customer_id,
            "subscription_id": subscription.id,
            "how": how,
            "seats": subscription.seats,
            "until": subscription.ends_on.isoformat(),
            "at": world.now,
        }
    )


def become(world: World, subscription: Subscription, status: str) -> None:
    """Put a subscription into another state of its life, and write it into the books."""
    subscription.status = status
    subscription.version += 1
    world.books.endings.append(
        {
            "customer_id": subscription.customer_id,
            "subscription_id": subscription.id,
            "status": status,
            "at": world.now,
        }
    )
    world.note_seats(subscription.customer_id, subscription.product.sku_id)
