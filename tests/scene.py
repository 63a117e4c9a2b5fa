"""A rehearsal with one plan to run against: what the tests of runs start from."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

from cspkit import decisions, moves, planning
from cspkit.ledger import Ledger
from cspkit.planfile import PlanFile, PlannedBatch, PlannedCustomer, PlannedMove, move_id
from cspkit.rehearsal import relations
from cspkit.rehearsal.products import Product, products
from cspkit.rehearsal.records import Customer, Subscription
from cspkit.rehearsal.server import Server
from cspkit.rehearsal.world import World
from cspkit.settings import Paths, Service, Settings
from cspkit.wire import TokenProvider
from tests.rehearsals import Rehearsal

MONDAY = date(2026, 11, 23)
CHECKOUT = "*/checkout"
LEDGER = "sqlite:///ledger.db"


class Scene:
    """A world served over HTTP, a workspace, and a plan of a few moves in it."""

    def __init__(self, server: Server, root: Path) -> None:
        self.server = server
        self.world = server.world
        service = Service(partner_center=server.url, graph=f"{server.url}/graph")
        self.ledger_file = root / "ledger.db"
        self.settings = Settings(root=root, service=service, paths=Paths(ledger=LEDGER))
        self.plan_file = root / "plan.json"
        self.moves: list[PlannedMove] = []

    # choosing

    def customers(self, test: Callable[[Customer], bool]) -> list[Customer]:
        return [one for one in self.world.customers.values() if test(one) and self.original(one)]

    def ready(self, number: int = 0) -> Customer:
        """A customer that accepted relationship and agreement."""
        found = self.customers(lambda one: one.related and relations.has_agreed(self.world, one))
        return found[number]

    def limited(self) -> Customer:
        """A ready customer whose product is sold for at most 300 seats."""

        def test(one: Customer) -> bool:
            original = self.original(one)
            sold = original is not None and original.product.max_seats == 300
            return sold and one.related and relations.has_agreed(self.world, one)

        return self.customers(test)[0]

    def with_access(self, *, users: int = 1) -> Customer:
        """A ready customer into whose tenant we may look, with some users of the original."""
        return self.customers(
            lambda one: (
                one.related
                and relations.has_agreed(self.world, one)
                and bool(relations.roles_in(self.world, one.id))
                and self.used(one) >= users
            )
        )[0]

    def unrelated(self, number: int = 0) -> Customer:
        """A customer that nobody invited yet."""
        return self.customers(lambda one: not one.related)[number]

    def original(self, customer: Customer) -> Subscription | None:
        """A subscription of theirs that can be bought again on a yearly term."""
        for one in self.world.originals(customer.id):
            if self.sold(one.product) and one.ends_on > MONDAY + timedelta(days=7):
                return one
        return None

    def used(self, customer: Customer) -> int:
        original = self.original(customer)
        return self.world.consumed[customer.id, original.product.sku_id] if original else 0

    @staticmethod
    def sold(product: Product) -> bool:
        return bool(product.offer) and ("P1Y", "monthly") in product.terms and not product.addon

    # planning

    def plan(self, *customers: Customer, **changed: Any) -> Path:
        """Plan one move for each customer, on Monday; what is changed is the same in all."""
        self.moves = [self.move(customer, **changed) for customer in customers]
        return self.save()

    def move(self, customer: Customer, **changed: Any) -> PlannedMove:
        original = self.original(customer)
        assert original is not None
        values: dict[str, Any] = {
            "batch": "B001",
            "date": MONDAY,
            "customer_id": customer.id,
            "subscription_ids": [original.id],
            "part": 1,
            "sku_id": original.product.sku_id,
            "target_offer": original.product.offer,
            "target_sku_id": original.product.sku_id,
            "seats": min(original.seats, 300),
            "term": "P1Y",
            "billing_cycle": "monthly",
            "auto_renew": True,
            "route": "purchase",
            "expires_on": original.ends_on,
            "invite_on": MONDAY,
            "access_by": MONDAY,
            "renewal_safe_on": MONDAY,
            "reassign_on": None,
            "verify_by": MONDAY,
            "end_scheduled_by": original.ends_on,
            "last_safe_day": original.ends_on - timedelta(days=2),
            "same_offer": True,
            "overlap_cost": None,
            "currency": None,
            "reason": "",
            **changed,
        }
        name = move_id(values["customer_id"], values["subscription_ids"], values["part"])
        return PlannedMove(move_id=name, **values)

    def save(self, *, approve: bool = True, **changed: Any) -> Path:
        """Write the plan of the moves, approved by somebody other than its author."""
        batches = sorted({(move.batch, move.date) for move in self.moves})
        values: dict[str, Any] = {
            "service": self.settings.service.id,
            "as_of": date(2026, 11, 20),
            "start": MONDAY,
            "policy": {},
            "moves": self.moves,
            "batches": [
                PlannedBatch(batch=name, date=day, moves=1, seats=1, customers=1)
                for name, day in batches
            ],
            "customers": [self._customer(move) for move in self.moves],
            "unplaced": [],
            "savings": [],
            "objective": "test",
            "made_by": "ana",
            **changed,
        }
        document = PlanFile(**values).sealed()
        document.write(self.plan_file)
        self.consent()
        if approve:
            with self.ledger() as ledger:
                ledger.bind(self.settings.service.id)
                ledger.approve(document.hash, by="berta", made_by="ana")
        return self.plan_file

    def consent(self, **cells: Any) -> None:
        """Let every customer of the plan accept it; what is named is typed differently."""
        typed = planning.accepted(
            self.moves,
            by="Carmen",
            on=date(2026, 11, 20),
            reference="mail of 20 November",
            price=Decimal("12.50"),
            currency="EUR",
        )
        typed = {key: {**row, **cells} for key, row in typed.items()}
        decisions.fill(self.settings.decisions, originals=typed)

    def _customer(self, move: PlannedMove) -> PlannedCustomer:
        one = self.world.customers[move.customer_id]
        return PlannedCustomer(
            customer_id=one.id,
            name=one.name,
            domain=one.domain,
            market=one.market,
            language=one.language,
            state="ready",
            invite_on=MONDAY,
            access_by=MONDAY,
        )

    # running

    def run(self, step: str, *, tokens: TokenProvider | None = None, **which: Any) -> pd.DataFrame:
        """Run one step of the batch on the rehearsal and give its outcomes."""
        given = {"batch": "B001", "mode": "rehearsal", **which}
        work = moves.begin(
            step, plan=self.plan_file, settings=self.settings, tokens=tokens, **given
        )
        try:
            return work.carry_out()
        finally:
            work.close()

    def outcome(self, step: str, **which: Any) -> str:
        """Run one step and give the outcome of its only subject."""
        (outcome,) = self.run(step, **which)["outcome"]
        return str(outcome)

    def reason(self, step: str, **which: Any) -> str:
        """Run one step and give the reason of its only subject."""
        (reason,) = self.run(step, **which)["reason"]
        return str(reason)

    def later(self, **delta: float) -> None:
        """Move the rehearsal's clock."""
        self.server.set_clock(self.server.now() + timedelta(**delta))

    def fault(self, kind: str, route: str = CHECKOUT, **more: Any) -> None:
        """Let the next call of a route go wrong."""
        self.server.gate.faults.add({"kind": kind, "route": route, "method": "POST", **more})

    # judging

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        with Ledger(self.settings.ledger_url) as made:
            yield made

    def state(self) -> str:
        """The state of the only move in the ledger."""
        with self.ledger() as ledger:
            (state,) = ledger.moves()["state"]
        return str(state)

    @property
    def books(self) -> dict[str, Any]:
        return self.server.books()

    @property
    def orders(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.books["orders"]
        return found

    def calls(self, method: str, ending: str = "") -> int:
        """Count the calls of a method to routes with an ending."""
        return sum(
            number
            for route, number in self.books["calls"].items()
            if route.startswith(f"{method} ") and route.endswith(ending)
        )


def sample(**options: Any) -> World:
    """A small world in which nothing is late unless a test says so."""
    world = World.sample(customers=40)
    prompt = {"order_listed": (0, 0), "order_completed": (0, 0), "seats_usable": (0, 0)}
    for name, value in {**prompt, "never_accepts": 0.0, "slow_approvals": 0.0, **options}.items():
        setattr(world.options, name, value)
    return world


@contextmanager
def scene(**options: Any) -> Iterator[Scene]:
    """Serve a small world and set up a workspace for it.

    The workspace is in memory where there is such a place: a ledger waits for its disk at every
    step, which says nothing about the rule under test and takes most of the time.
    """
    place = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with (
        tempfile.TemporaryDirectory(prefix="cspkit-", dir=place) as root,
        Rehearsal(sample(**options)) as server,
    ):
        yield Scene(server, Path(root))


def other_product(than: str) -> Product:
    """A product of another skuId with the same mailbox, so that users can change to it."""
    mine = next(one for one in products() if one.sku_id == than)
    mailbox = {plan for plan in mine.plans if plan.startswith("EXCHANGE_S")}
    return next(
        one
        for one in products()
        if one.sku_id != than
        and Scene.sold(one)
        and {plan for plan in one.plans if plan.startswith("EXCHANGE_S")} == mailbox
    )


def edited(path: Path, **changed: Any) -> None:
    """Change a plan file behind its hash."""
    data = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**data, **changed}), encoding="utf-8")


def at(day: date, hour: int = 8) -> datetime:
    return datetime.fromisoformat(f"{day.isoformat()}T{hour:02d}:00:00+00:00")
