"""The state of the rehearsal: everything that exists outside, and the clock it lives by."""

from __future__ import annotations

import heapq
import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cspkit.rehearsal import endings, relations, seats, seeding
from cspkit.rehearsal.books import Books
from cspkit.rehearsal.records import (
    PARTNER_TENANT,
    Access,
    Cart,
    Customer,
    Order,
    Subscription,
    User,
)
from cspkit.rehearsal.refusals import Refused

Action = Callable[..., None]
Json = dict[str, Any]
Due = tuple[datetime, int, Action, tuple[Any, ...]]


@dataclass
class Options:
    """How the world behaves where documents differ or leave it open; delays in minutes."""

    second_checkout: str = "same"
    order_listed: tuple[int, int] = (0, 15)
    order_completed: tuple[int, int] = (1, 15)
    seats_usable: tuple[int, int] = (0, 10)
    acceptance: tuple[int, int] = (120, 8 * 24 * 60)
    never_accepts: float = 0.05
    answers: tuple[int, int] = (2 * 60, 4 * 24 * 60)
    never_answers: float = 0.02
    approval: tuple[int, int] = (10, 50)
    slow_approval: tuple[int, int] = (60, 3 * 24 * 60)
    slow_approvals: float = 0.3
    activation: tuple[int, int] = (1, 5)
    migration: tuple[int, int] = (2, 5)
    transfer: tuple[int, int] = (24 * 60, 5 * 24 * 60)
    transfers_refused: float = 0.2
    most_subscriptions: int = 150
    sold_out: str = ""
    links: str = "short"
    availability_days: int = 14
    replay_hours: int = 24


class World:
    """Customers, subscriptions, carts, orders, users and access at one instant.

    It knows nothing of HTTP. Time is `now` and moves only through `move_to`, which lets happen
    what was due in between, in order.
    """

    def __init__(self, *, seed: int = 1, now: datetime = seeding.MORNING) -> None:
        """Start an empty world."""
        self.seed = seed
        self.now = now
        self.options = Options()
        self.books = Books()
        self.customers: dict[str, Customer] = {}
        self.subscriptions: dict[str, dict[str, Subscription]] = defaultdict(dict)
        self.carts: dict[str, Cart] = {}
        self.orders: dict[str, dict[str, Order]] = defaultdict(dict)
        self.users: dict[str, dict[str, User]] = {}
        self.groups: dict[str, Json] = {}
        self.consumed: dict[tuple[str, str], int] = defaultdict(int)
        self.access: dict[str, Access] = {}
        self.access_of: dict[str, list[Access]] = defaultdict(list)
        self.rotations = 0
        self.counted = 0
        self.migrations: dict[str, Json] = {}
        self.schedules: dict[str, Json] = {}
        self.transfers: dict[str, Json] = {}
        self.transitions: list[Json] = []
        self.qualifications: dict[str, list[Json]] = {}
        self.service_requests: dict[str, Json] = {}
        self.webhook: Json = {}
        self._open_gaps: dict[tuple[str, str], Json] = {}
        self._unserved: dict[tuple[str, str], Json] = {}
        self._agenda: list[Due] = []

    @classmethod
    def sample(cls, *, seed: int = 1, customers: int = 250) -> World:
        """Draw the sample world of a seed, as it is on the morning of the exports."""
        world = cls(seed=seed)
        for customer, channel in seeding.customers(seed, customers):
            world.customers[customer.id] = customer
            for made in seeding.originals(seed, customer, channel):
                world.add(made)
            relations.grant_early_access(world, customer)
        return world

    def add(self, subscription: Subscription) -> None:
        """Put a subscription into its tenant and into the agenda of its ends."""
        self.subscriptions[subscription.customer_id][subscription.id] = subscription
        pool = (subscription.customer_id, subscription.product.sku_id)
        self.consumed[pool] += subscription.assigned
        endings.expect(self, subscription)

    def move_to(self, instant: datetime) -> None:
        """Move the clock forward; raises ValueError when told to go back."""
        if instant.tzinfo is None:
            raise ValueError(f"the clock needs an instant with a time zone, got {instant!r}")
        if instant < self.now:
            raise ValueError(
                f"the clock only moves forward: it is {self.now.isoformat()}, "
                f"asked for {instant.isoformat()}"
            )
        while self._agenda and self._agenda[0][0] <= instant:
            due, _, action, words = heapq.heappop(self._agenda)
            self.now = max(self.now, due)
            action(self, *words)
        self.now = instant

    def at(self, instant: datetime, action: Action, *words: Any) -> None:
        """Let action happen at instant, or at the next move of the clock when that is past."""
        heapq.heappush(self._agenda, (instant, self._number(), action, words))

    @property
    def agenda(self) -> list[Due]:
        """List what will happen, the first thing first."""
        return sorted(self._agenda, key=lambda due: due[:2])

    def resume(self, agenda: list[Due]) -> None:
        """Go on where a saved world stopped: with its agenda and its open gaps."""
        self._agenda = agenda
        for gap in self.books.gaps:
            if gap["until"] is None:
                self._open_gaps[gap["customer_id"], gap["sku_id"]] = gap
        for gap in self.books.unserved:
            if gap["until"] is None:
                self._unserved[gap["user_id"], gap["what"]] = gap

    def after(self, span: tuple[int, int], *key: object) -> datetime:
        """Give the instant after a delay within span minutes; the same for the same key."""
        seconds = self.draw("delay", *key).uniform(span[0] * 60, span[1] * 60)
        return self.now + timedelta(seconds=int(seconds))

    def draw(self, *key: object) -> random.Random:
        """Start the random numbers that belong to key in this world."""
        return seeding.draw(self.seed, *key)

    def new_id(self, kind: str) -> str:
        """Make the next GUID of a kind."""
        return seeding.guid(self.seed, kind, self._number())

    def _number(self) -> int:
        self.counted += 1
        return self.counted

    def customer(self, customer_id: str) -> Customer:
        """Find a customer that accepted the relationship; raises Refused as Partner Center does."""
        customer = self.customers.get(customer_id)
        if customer is None:
            raise Refused(60003)
        if not customer.related:
            raise Refused(20002, PARTNER_TENANT, customer_id)
        return customer

    def originals(self, customer_id: str) -> Iterable[Subscription]:
        """List all subscriptions of a tenant, whoever sold them, as far as they are visible."""
        for subscription in self.subscriptions[customer_id].values():
            if subscription.visible_from is None or subscription.visible_from <= self.now:
                yield subscription

    def note_seats(self, customer_id: str, sku_id: str) -> None:
        """Open or close a gap in the books after seats or their users changed."""
        missing = self.consumed[customer_id, sku_id] - seats.usable(self, customer_id, sku_id)
        gap = self._open_gaps.get((customer_id, sku_id))
        if gap is not None and missing != gap["missing"]:
            gap["until"] = self.now
            del self._open_gaps[customer_id, sku_id]
            gap = None
        if missing > 0 and gap is None:
            gap = {
                "customer_id": customer_id,
                "sku_id": sku_id,
                "missing": missing,
                "since": self.now,
                "until": None,
            }
            self._open_gaps[customer_id, sku_id] = gap
            self.books.gaps.append(gap)

    def note_service(self, customer_id: str, user_id: str, *, had: set[str], has: set[str]) -> None:
        """Open or close a gap in the service of one user after their licences changed."""
        for what in had - has:
            gap: Json = {"customer_id": customer_id, "user_id": user_id, "what": what}
            gap |= {"since": self.now, "until": None}
            self._unserved[user_id, what] = gap
            self.books.unserved.append(gap)
        for what in has - had:
            closed = self._unserved.pop((user_id, what), None)
            if closed is not None:
                closed["until"] = self.now
