"""What the service shows of a customer: whole lists, read once and shared by all comparisons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from cspkit.clock import today
from cspkit.errors import ApiError, ApiRefused, SettingsError
from cspkit.graph import Owned, Pool
from cspkit.moves.desk import Desk
from cspkit.partner_center import AuditRecord, Order, Subscription, of_each

# The service keeps 90 days of audit; a day of room for clocks that differ.
AUDIT_DAYS = 89
ORDERED = "create_order"
NOT_OURS = (403, 404)
CLOSED = (401, *NOT_OURS)


@dataclass
class Seen:
    """One customer as the service shows it; `owned` and `pools` are None without access.

    `bad` says what could not be read of the lists: nothing counts as missing from them then.
    """

    customer_id: str
    orders: list[Order] = field(default_factory=list)
    subscriptions: list[Subscription] = field(default_factory=list)
    audit: list[AuditRecord] = field(default_factory=list)
    owned: list[Owned] | None = None
    pools: dict[str, Pool] | None = None
    bad: str = ""

    def order(self, order_id: str) -> Order | None:
        """Find an order by its id."""
        wanted = order_id.lower()
        return next((one for one in self.orders if one.id.lower() == wanted), None)

    def subscription(self, subscription_id: str) -> Subscription | None:
        """Find a subscription of ours by its id."""
        wanted = subscription_id.lower()
        return next((one for one in self.subscriptions if one.id == wanted), None)

    def of_order(self, order: Order) -> list[Subscription]:
        """List the subscriptions that an order made."""
        wanted = order.id.lower()
        named = order.subscription_id
        return [one for one in self.subscriptions if wanted == one.order_id or one.id == named]

    def by(self, subscription_id: str, *operations: str) -> tuple[str, ...]:
        """Name who did one of these things to a subscription last, when, under which id."""
        found = [
            one
            for one in self.audit
            if one.subscription_id == subscription_id.lower()
            and one.operation in operations
            and one.at
        ]
        if not found:
            return ()
        last = max(found, key=lambda one: (one.at, one.correlation_id))
        when = f"{last.operation} by {last.by or 'unknown'} at {last.at:%Y-%m-%d %H:%M}"
        return (when, *filter(None, [last.correlation_id]))


@dataclass(frozen=True)
class Wanted:
    """Ids that the ledger knows: where a list lacks one, it is asked for by itself."""

    orders: frozenset[str] = frozenset()
    subscriptions: frozenset[str] = frozenset()
    tenant: bool = False


def audit(desk: Desk) -> dict[str, list[AuditRecord]]:
    """Read the audit of all customers as one list, as far back as the service keeps it."""
    found: dict[str, list[AuditRecord]] = defaultdict(list)
    since = today(desk.clock) - timedelta(days=AUDIT_DAYS)
    for record in desk.partner_center.audit_records(since):
        found[record.customer_id].append(record)
    return found


def customers(
    desk: Desk,
    wanted: dict[str, Wanted],
    records: dict[str, list[AuditRecord]],
    *,
    workers: int,
) -> Iterator[tuple[str, Seen | ApiError]]:
    """Read several customers at once; what could not be read is the error itself."""

    def one(customer_id: str) -> Seen:
        return customer(desk, customer_id, wanted[customer_id], records.get(customer_id, []))

    yield from of_each(one, sorted(wanted), workers=workers)


def customer(desk: Desk, customer_id: str, wanted: Wanted, records: list[AuditRecord]) -> Seen:
    """Read one customer: two lists of Partner Center, and two of the tenant where we may look."""
    sold = desk.partner_center.orders(customer_id)
    held = desk.partner_center.subscriptions(customer_id)
    bad = [one.reason for one in (*sold.bad, *held.bad)]
    seen = Seen(customer_id, list(sold), list(held), records, bad="; ".join(bad))
    for order_id in sorted(wanted.orders - {one.id.lower() for one in sold}):
        order = desk.partner_center.order(customer_id, order_id)
        seen.orders += [order] if order is not None else []
    for key in sorted(wanted.subscriptions - {one.id for one in held}):
        subscription = desk.partner_center.subscription(customer_id, key)
        seen.subscriptions += [subscription] if subscription is not None else []
    if wanted.tenant:
        _look_inside(desk, seen)
    return seen


def ordered_in(records: Iterable[AuditRecord]) -> list[AuditRecord]:
    """Keep the records of orders that were made."""
    return [one for one in records if one.operation == ORDERED and one.status != "failed"]


def _look_inside(desk: Desk, seen: Seen) -> None:
    """Read the tenant's own lists, where the customer gave us access and it was not taken back."""
    try:
        seen.owned = list(desk.graph.owned(seen.customer_id))
        seen.pools = desk.graph.pools(seen.customer_id)
    except SettingsError:
        seen.owned = seen.pools = None
    except ApiRefused as error:
        if error.status not in CLOSED:
            raise
        seen.owned = seen.pools = None
