"""The stage of a schedule: a customer, a plan, a world and a ledger, each made anew in no time."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from cspkit import decisions, planning
from cspkit.clock import FixedClock
from cspkit.ledger import Ledger
from cspkit.planfile import PlanFile, PlannedBatch, PlannedCustomer, PlannedMove, move_id
from cspkit.planning import Plan
from cspkit.rehearsal import relations
from cspkit.rehearsal.gate import Gate
from cspkit.rehearsal.inprocess import URL
from cspkit.rehearsal.lifecycle import term_start
from cspkit.rehearsal.products import Product, products
from cspkit.rehearsal.records import PARTNER_TENANT, Customer, Licence, Subscription, User
from cspkit.rehearsal.world import World
from cspkit.settings import Paths, Service, Settings
from cspkit.tables import Step, StepState

START = datetime(2026, 11, 23, 8, tzinfo=UTC)
ENDS_ON = date(2026, 11, 27)
CUSTOMER = "5a5a5a5a-0000-4000-8000-000000000001"
SEATS = 7
USED = 3
OWN = "csp_nce"
ELSEWHERE = "unknown"
RULES = {OWN: "csp_nce_paid_month", ELSEWHERE: "unknown"}


@dataclass(frozen=True)
class Case:
    """What is moved: how many originals, sold by whom, for the same product or another one."""

    name: str
    originals: int = 1
    same_offer: bool = True
    channel: str = ELSEWHERE
    used: int = USED

    @property
    def road(self) -> tuple[str, ...]:
        """The steps of its moves: those that we sold ourselves are ended by us as well."""
        steps = ("provision", "verify") if self.same_offer else ("provision", "verify", "reassign")
        return ("renewal-safe", *steps, "retire") if self.channel == OWN else steps

    @property
    def final(self) -> str:
        """The state in which a move is through."""
        return "closed" if self.channel == OWN else "verified" if self.same_offer else "reassigned"


ONE = Case("one")
TWINS = Case("twins", originals=2)
OTHER = Case("other", same_offer=False)
ENDED = Case("ended", channel=OWN)
FULL = Case("full", channel=OWN, used=SEATS)
# how often each is drawn; the longest road costs twice as much as the others
CASES = (*3 * (ONE,), *2 * (TWINS,), *2 * (OTHER,), ENDED)


class Stage:
    """The plans of one case, and what people decided about it; shared by all its schedules."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.root = Path(tempfile.mkdtemp(prefix="cspkit-proof-", dir=_quick()))
        atexit.register(shutil.rmtree, self.root, ignore_errors=True)
        service = Service(partner_tenant=PARTNER_TENANT, partner_center=URL, graph=f"{URL}/graph")
        paths = Paths(ledger="sqlite://")
        self.settings = Settings(root=self.root, service=service, paths=paths)
        self.plan = self._plan(SEATS)
        self.newer = self._plan(SEATS - 1)
        self.originals = self._decided()
        self._ledger = self._prepared()

    @property
    def moves(self) -> list[PlannedMove]:
        """The moves of the plan; the newer one has the same for a seat less."""
        return self.plan.document.moves

    def world(self, seed: int, **options: Any) -> World:
        """Make the world of a seed: the customer with its originals, and our access to it."""
        world = World(seed=seed, now=START)
        for name, value in options.items():
            setattr(world.options, name, value)
        world.customers[CUSTOMER] = replace(_CUSTOMER, attestations=[])
        for number in range(self.case.originals):
            world.add(_original(self.case, number))
        world.users[CUSTOMER] = {
            one.id: one for one in _users(self.case.originals * self.case.used)
        }
        relations.grant(world, world.customers[CUSTOMER], START - timedelta(days=90))
        return world

    def reset(self, ledger: Ledger) -> None:
        """Give a ledger in memory the content that every schedule starts from."""
        with ledger._engine.connect() as connection:
            raw: Any = connection.connection.dbapi_connection
            connection.rollback()
            raw.deserialize(self._ledger)

    def _plan(self, seats: int) -> Plan:
        moves = [_move(self.case, number, seats) for number in range(self.case.originals)]
        one = _CUSTOMER
        about: dict[str, Any] = {"domain": one.domain, "market": one.market, "state": "ready"}
        about |= {"language": one.language, "invite_on": START.date(), "access_by": START.date()}
        document = PlanFile(
            service=self.settings.service.id,
            as_of=date(2026, 11, 20),
            start=START.date(),
            policy={},
            moves=moves,
            batches=[PlannedBatch(batch="B001", date=START.date(), moves=1, seats=1, customers=1)],
            customers=[PlannedCustomer(customer_id=CUSTOMER, name=one.name, **about)],
            unplaced=[],
            savings=[],
            objective="proof",
            made_by="ana",
        )
        return Plan(document.sealed())

    def _decided(self) -> dict[str, dict[str, Any]]:
        typed = planning.accepted(
            self.moves,
            by="Carmen",
            on=date(2026, 11, 20),
            reference="mail of 20 November",
            price=Decimal("12.50"),
            currency="EUR",
        )
        decisions.fill(self.settings.decisions, originals=typed)
        rows = decisions.read(self.settings.decisions).original_table.to_pylist()
        return {row["subscription_id"]: row for row in rows}

    def _prepared(self) -> bytes:
        """Keep the bytes of a ledger in which the plans are approved and the customer is ready."""
        with Ledger("sqlite://", clock=FixedClock(START)) as ledger:
            ledger.bind(self.settings.service.id)
            for plan in (self.plan, self.newer):
                ledger.approve(plan.hash, by="berta", made_by="ana")
            lease = ledger.lease(CUSTOMER, "setting@stage:1:0")
            for step in Step:
                row = ledger.step(CUSTOMER, step)
                ledger.advance_step(row, StepState.DONE, run_id="stage", lease=lease)
            ledger.release_lease(lease)
            with ledger._engine.connect() as connection:
                raw: Any = connection.connection.dbapi_connection
                connection.rollback()
                kept: bytes = raw.serialize()
        return kept


class Door(Gate):
    """The way into one world after the other: to build the routes takes longer than a schedule."""

    def open(self, world: World, faults: Any) -> None:
        """Lead into another world, with its own faults and nothing remembered."""
        self.world, self.faults = world, faults
        self._flask.extensions |= {"world": world, "faults": faults}
        self._answered.clear()


@cache
def stage_of(case: Case) -> Stage:
    """Set a stage once in a process."""
    return Stage(case)


@cache
def product_of(same: bool) -> Product:
    """The product of the originals, or another one that holds all of it and more."""
    on_sale = [one for one in products() if _sold(one)]
    pairs = ((one, other) for one in on_sale for other in on_sale if _holds(other, one))
    return next(pairs)[0 if same else 1]


def original_id(number: int) -> str:
    """Name an original."""
    return f"0b0b0b0b-0000-4000-8000-{number + 1:012}"


def _sold(one: Product) -> bool:
    return bool(one.offer) and ("P1Y", "monthly") in one.terms and not one.addon


def _holds(one: Product, other: Product) -> bool:
    return one.sku_id != other.sku_id and set(other.plans) < set(one.plans)


def _original(case: Case, number: int) -> Subscription:
    ours = case.channel == OWN
    return Subscription(
        id=original_id(number),
        customer_id=CUSTOMER,
        channel=case.channel,
        product=product_of(True),
        seats=SEATS,
        term="P1Y",
        cycle="monthly",
        starts_on=term_start(ENDS_ON, "P1Y"),
        ends_on=ENDS_ON,
        auto_renew=ours,
        status="active",
        created=START - timedelta(days=360),
        price=Decimal(10),
        currency="EUR",
        owner_tenant=PARTNER_TENANT if ours else None,
        assigned=case.used,
    )


def _users(count: int) -> list[User]:
    sku_id = product_of(True).sku_id
    made = []
    for number in range(count):
        key = f"0c0c0c0c-0000-4000-8000-{number + 1:012}"
        user = User(key, f"User {number}", f"user{number}@{_CUSTOMER.domain}", "ES")
        user.licences[sku_id] = Licence(START - timedelta(days=90))
        made.append(user)
    return made


def _move(case: Case, number: int, seats: int) -> PlannedMove:
    day = START.date()
    target = product_of(case.same_offer)
    originals = [original_id(number)]
    return PlannedMove(
        move_id=move_id(CUSTOMER, originals, 1),
        batch="B001",
        date=day,
        customer_id=CUSTOMER,
        subscription_ids=originals,
        part=1,
        sku_id=product_of(True).sku_id,
        target_offer=target.offer,
        target_sku_id=target.sku_id,
        seats=seats,
        term="P1Y",
        billing_cycle="monthly",
        auto_renew=True,
        route="purchase",
        expires_on=ENDS_ON,
        invite_on=day,
        access_by=day,
        renewal_safe_on=day,
        reassign_on=None if case.same_offer else day,
        verify_by=day,
        end_scheduled_by=ENDS_ON - timedelta(days=1),
        last_safe_day=ENDS_ON - timedelta(days=1),
        same_offer=case.same_offer,
        overlap_cost=None,
        currency=None,
        reason="",
        rule=RULES[case.channel],
    )


def _quick() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


_CUSTOMER = Customer(
    id=CUSTOMER,
    name="Proof Example SL",
    domain="proof.onmicrosoft.example",
    market="ES",
    language="es",
    first_name="Alex",
    last_name="Example",
    related_at=START - timedelta(days=100),
    direct_signed_at=START - timedelta(days=100),
)
