"""Seats pooled by skuId: an assignment names a product, never a subscription."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cspkit.rehearsal.products import Product

if TYPE_CHECKING:
    from cspkit.rehearsal.world import World


@dataclass
class Pool:
    """The seats of one product in one tenant, by the state of their subscriptions."""

    product: Product
    consumed: int
    enabled: int = 0
    warning: int = 0
    suspended: int = 0
    deleted: int = 0
    subscription_ids: list[str] | None = None

    @property
    def status(self) -> str:
        """Name the capability status as Graph does."""
        if self.enabled:
            return "Enabled"
        return "Warning" if self.warning else "Suspended" if self.suspended else "Deleted"


_FIELD = {"active": "enabled", "warning": "warning", "deleted": "deleted"}


def pools(world: World, customer_id: str) -> list[Pool]:
    """Add up the seats of a tenant by product, in the order of skuId."""
    found: dict[str, Pool] = {}
    for subscription in world.originals(customer_id):
        product = subscription.product
        pool = found.setdefault(
            product.sku_id, Pool(product, world.consumed[customer_id, product.sku_id])
        )
        if subscription.usable_from is not None and subscription.usable_from > world.now:
            continue
        kind = _FIELD.get(subscription.status, "suspended")
        setattr(pool, kind, getattr(pool, kind) + subscription.seats)
        pool.subscription_ids = [*(pool.subscription_ids or []), subscription.id]
    return [found[sku_id] for sku_id in sorted(found)]


def usable(world: World, customer_id: str, sku_id: str) -> int:
    """Count the seats of a product that users may hold now."""
    return sum(
        subscription.seats
        for subscription in world.originals(customer_id)
        if subscription.product.sku_id == sku_id
        and subscription.status in ("active", "warning")
        and (subscription.usable_from is None or subscription.usable_from <= world.now)
    )


def became_usable(world: World, customer_id: str, sku_id: str) -> None:
    """Note in the books that new seats arrived in a pool."""
    world.note_seats(customer_id, sku_id)
