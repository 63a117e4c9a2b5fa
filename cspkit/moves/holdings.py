"""What the services show of one customer's subscriptions and seats: read now, judged by others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from cspkit.errors import ApiRefused
from cspkit.graph import Owned
from cspkit.graph import Pool as Licences
from cspkit.moves.desk import Desk
from cspkit.moves.pool import Holding, Units
from cspkit.partner_center import Subscription

NO_ACCESS = "the customer's tenant cannot be looked into yet: run the access step"
GLIMPSED = "only the original was read"
NEVER = date.max
_LATER = ("warning", "suspended", "deleted", "lockedout")
_UNREAD = Holding("that could not be read", None, None)


class Life(StrEnum):
    """How far a subscription is in its life, in whatever words a service says it."""

    RUNNING = "running"
    GRACE = "in its grace"
    OVER = "over"
    UNKNOWN = "in a state that no document explains"


_AT_HOME = {
    "active": Life.RUNNING,
    "pending": Life.RUNNING,
    "none": Life.RUNNING,
    "suspended": Life.RUNNING,
    "expired": Life.GRACE,
    "disabled": Life.OVER,
    "deleted": Life.OVER,
}
_IN_TENANT = {
    "enabled": Life.RUNNING,
    "warning": Life.GRACE,
    "suspended": Life.OVER,
    "lockedout": Life.OVER,
    "deleted": Life.OVER,
}


@dataclass(frozen=True)
class Seen:
    """One subscription as it is shown now; `sold` is there when we sold it."""

    life: Life
    status: str
    ends_on: date | None
    seats: int | None
    sku_id: str = ""
    sold: Subscription | None = None

    @property
    def is_over(self) -> bool:
        """Say whether its term is over for good: nothing of it renews or is billed any more."""
        return self.life in (Life.GRACE, Life.OVER)


@dataclass(frozen=True)
class Tenant:
    """A customer's subscriptions; `why_not` says why the tenant itself shows nothing."""

    sold: tuple[Subscription, ...]
    owned: tuple[Owned, ...] = ()
    pools: dict[str, Licences] | None = None
    unread: int = 0
    why_not: str = ""

    def sold_one(self, subscription_id: str | None) -> Subscription | None:
        """Find a subscription that we sold."""
        return next((one for one in self.sold if one.id == subscription_id), None)

    def seen(self, subscription_id: str) -> Seen | None:
        """Find a subscription, whoever sold it; None where nobody shows it."""
        mine = self.sold_one(subscription_id)
        if mine is not None:
            return at_home(mine)
        found = next((one for one in self.owned if subscription_id in one.ids), None)
        return None if found is None else _in_tenant(found)

    def names(self, subscription_id: str) -> frozenset[str]:
        """Give the name that a subscription has among the holdings, by either of its ids."""
        found = [_name(one) for one in self.owned if subscription_id in one.ids]
        return frozenset(found or [subscription_id])

    def units(self, sku_id: str) -> Units | None:
        """Give the pool of a skuId; None where the tenant shows none."""
        found = (self.pools or {}).get(sku_id)
        return None if found is None else Units(found.enabled, found.consumed)

    def counted(self, sku_id: str) -> list[Holding]:
        """List the subscriptions whose seats the pool of a skuId counts, or may count."""
        missing = [_UNREAD] if self.unread else []
        return missing + [
            self._holding(one)
            for one in self.owned
            if one.sku_id == sku_id and one.status not in _LATER and not self._is_to_come(one)
        ]

    def others(self, sku_id: str, ours: str | None, partner: str) -> list[Holding]:
        """List the subscriptions of a pool beside one of ours, or beside all that we sold.

        The latter where the tenant shows ours under no id that we know: then who sold what is
        all there is to tell them apart.
        """
        mine = [one for one in self.owned if ours in one.ids]
        mine = mine or [one for one in self.owned if one.owner_tenant == partner]
        names = {_name(one) for one in mine}
        return [one for one in self.counted(sku_id) if one.id not in names]

    def to_come(self, sku_id: str) -> dict[str, int]:
        """Give the seats that the tenant lists and its pool surely does not count yet."""
        return {
            name: one.seats
            for one in self.owned
            if one.sku_id == sku_id and one.seats and self._is_to_come(one)
            for name in one.ids
        }

    def _is_to_come(self, one: Owned) -> bool:
        """Which of two ids a pool lists is not documented; an unknown kind proves nothing."""
        pool = (self.pools or {}).get(one.sku_id)
        if pool is None or one.status != "enabled":
            return False
        listed = pool.subscription_ids & frozenset().union(*(each.ids for each in self.owned))
        return bool(listed) and not listed & one.ids

    def _holding(self, one: Owned) -> Holding:
        """Take our own word for what renews; of others only the day of their next change counts."""
        mine = next((sold for sold in self.sold if sold.id in one.ids), None)
        seats = one.seats if one.status == "enabled" else None
        # the tenant may list for some minutes more what we took away
        sold = one.seats if mine is None else mine.seats
        lowered = max((one.seats or 0) - sold, 0) if sold is not None else 0
        if mine is not None and mine.status == "active" and mine.auto_renew:
            return Holding(_name(one), seats, NEVER, lowered)
        if mine is not None and at_home(mine).is_over:
            return Holding(_name(one), seats, None)
        ends = one.next_change_at if mine is None else mine.ends_at
        return Holding(_name(one), seats, ends.date() if ends else None, lowered)


def read(desk: Desk, customer_id: str) -> Tenant:
    """Read a customer's subscriptions from both services, once in a run."""
    sold = desk.once(desk.partner_center.subscriptions, customer_id)
    try:
        return look_into(desk, customer_id, sold)
    except ApiRefused as error:
        if error.status in (401, 403):
            return Tenant(tuple(sold), why_not=NO_ACCESS)
        raise


def glimpse(desk: Desk, customer_id: str, subscription_id: str, *, ours: bool) -> Tenant:
    """Read only what shows one subscription: our own list, or the tenant that has it from others.

    No pool can be judged by that. Where it is not shown there, everything is read.
    """
    if ours:
        sold = desk.once(desk.partner_center.subscriptions, customer_id)
        if any(one.id == subscription_id for one in sold):
            return Tenant(tuple(sold), why_not=GLIMPSED)
        return read(desk, customer_id)
    try:
        owned = desk.once(desk.graph.owned, customer_id)
    except ApiRefused as error:
        if error.status in (401, 403):
            return read(desk, customer_id)
        raise
    mine = desk.settings.service.partner_tenant
    found = next((one for one in owned if subscription_id in one.ids), None)
    if found is None or found.owner_tenant == mine:
        return read(desk, customer_id)
    return Tenant((), tuple(owned), why_not=GLIMPSED)


def look_into(desk: Desk, customer_id: str, sold: Iterable[Subscription] = ()) -> Tenant:
    """Read what a tenant itself shows; raise ApiRefused where it does not let us in."""
    owned = desk.once(desk.graph.owned, customer_id)
    pools = desk.once(desk.graph.pools, customer_id)
    return Tenant(tuple(sold), tuple(owned), pools, len(owned.bad))


def at_home(found: Subscription) -> Seen:
    """Say how a subscription of ours is; one that is suspended runs on and is billed."""
    life = _AT_HOME.get(found.status, Life.UNKNOWN)
    ends = found.ends_at.date() if found.ends_at else None
    return Seen(life, found.status, ends, found.seats, sold=found)


def unseen(planned: Iterable[tuple[str, int | None, date]], tenant: Tenant) -> list[Holding]:
    """List the originals of a plan that a tenant does not list: they may go by another id."""
    known = {name for one in tenant.owned for name in one.ids}
    return [Holding(name, seats, ends) for name, seats, ends in planned if name not in known]


def _name(one: Owned) -> str:
    return one.commerce_id or one.id


def _in_tenant(found: Owned) -> Seen:
    life = _IN_TENANT.get(found.status, Life.UNKNOWN)
    ends = found.next_change_at.date() if found.next_change_at else None
    return Seen(life, found.status, ends, found.seats, found.sku_id)
