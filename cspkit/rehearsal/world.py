"""The state of the rehearsal: everything that exists outside, and the clock it lives by."""

from __future__ import annotations

from datetime import datetime

from cspkit.rehearsal import seeding
from cspkit.rehearsal.records import Customer, Subscription


class World:
    """Customers, subscriptions, carts, orders, users and access at one instant.

    It knows nothing of HTTP. Time is `now` and moves only through `move_to`.
    """

    def __init__(self, *, seed: int = 1, now: datetime = seeding.MORNING) -> None:
        """Start an empty world."""
        self.seed = seed
        self.now = now
        self.customers: dict[str, Customer] = {}
        self.subscriptions: dict[str, dict[str, Subscription]] = {}

    @classmethod
    def sample(cls, *, seed: int = 1, customers: int = 250) -> World:
        """Draw the sample world of a seed, as it is on the morning of the exports."""
        world = cls(seed=seed)
        for customer, channel in seeding.customers(seed, customers):
            world.customers[customer.id] = customer
            world.subscriptions[customer.id] = {
                made.id: made for made in seeding.originals(seed, customer, channel)
            }
        return world
