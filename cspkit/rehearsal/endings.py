"""What happens when a term ends: renewal, extension, grace, suspension, deletion."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from cspkit.rehearsal import lifecycle
from cspkit.rehearsal.records import Subscription

if TYPE_CHECKING:
    from cspkit.rehearsal.world import World

EXTENSION_SURCHARGE = Decimal("1.03")


def expect(world: World, subscription: Subscription) -> None:
    """Put the next end of a subscription into the agenda: 00:00 UTC of the day after."""
    rule = lifecycle.RULES[subscription.channel]
    days = {
        "active": 0,
        "suspended": 0,
        "warning": rule.grace,
        "disabled": rule.grace + rule.disabled,
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
    rule = lifecycle.RULES[subscription.channel]
    if subscription.status in ("active", "suspended"):
        if subscription.ends_on != last:
            return
        _end_of_term(world, subscription, rule)
    elif subscription.status == "warning":
        _become(world, subscription, "disabled")
    elif subscription.status == "disabled":
        _become(world, subscription, "deleted")
    expect(world, subscription)


def _end_of_term(world: World, subscription: Subscription, rule: lifecycle.Rule) -> None:
    cancels = any(action["actionType"] == "Cancel" for action in subscription.scheduled)
    if subscription.status == "suspended" or cancels:
        _become(world, subscription, "disabled")
    elif not rule.renews:
        _stop(world, subscription, rule)
    elif subscription.auto_renew:
        _renew(world, subscription, subscription.term, "renewed")
    elif rule.extends:
        if subscription.price is not None and not subscription.extended:
            subscription.price *= EXTENSION_SURCHARGE
        subscription.extended = True
        _renew(world, subscription, "P1M", "extended")
    else:
        _stop(world, subscription, rule)


def _renew(world: World, subscription: Subscription, term: str, how: str) -> None:
    subscription.starts_on = subscription.ends_on + timedelta(days=1)
    subscription.term = term
    subscription.ends_on = lifecycle.term_end(subscription.starts_on, term)
    subscription.scheduled = []
    subscription.version += 1
    if subscription.ours and subscription.channel == "csp_nce":
        subscription.cancel_until = world.now + timedelta(days=7)
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


def _stop(world: World, subscription: Subscription, rule: lifecycle.Rule) -> None:
    _become(world, subscription, "warning" if rule.grace else "disabled")


def _become(world: World, subscription: Subscription, status: str) -> None:
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
