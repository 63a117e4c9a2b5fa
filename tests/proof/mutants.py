"""Recipes with one thing wrong each: the checker must find all of them within their seeds.

Lease, compare-and-set and the pool gate each have a test of their own beside these: without one
of the first two the other still holds, and a pool runs short only where seats are missing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

import sqlalchemy as sa

from cspkit.errors import ApiRefused, ApiUnclear
from cspkit.ledger import Intent, Lease, MoveRow, schema, states
from cspkit.moves import STEPS
from cspkit.moves.desk import Desk
from cspkit.moves.gates import Gate
from cspkit.moves.holdings import Tenant
from cspkit.moves.pool import Verdict
from cspkit.moves.provisioning import Provision
from cspkit.moves.renewal_safe import RenewalSafe
from cspkit.moves.retiring import Retire
from cspkit.moves.rows import Done, Subject
from cspkit.partner_center import Cart, Checkout, Order, PartnerCenter, change_path, ending
from cspkit.planfile import PlannedMove, move_id
from cspkit.planning import Plan
from cspkit.tables import MoveState
from cspkit.wire import Listed
from tests.proof.simulation import RECIPE, Recipe, Staged
from tests.proof.stage import ENDED, ONE, TWINS


class _GivesUp(Provision):
    """Takes a checkout for failed where it must not, so that the next run makes a new cart."""

    def act(self, one: Subject, lease: Lease) -> Done:
        row = self._desk.ledger.move(one.id)
        if row is not None and row.state is MoveState.SENT and self.failed(row):
            self._desk.ledger.advance(
                row.move_id, row.state, MoveState.REFUSED, run_id=self._desk.run_id, lease=lease
            )
        return super().act(one, lease)

    def failed(self, row: MoveRow) -> bool:
        raise NotImplementedError


class NewCartAfterSilence(_GivesUp):
    """No answer counts as not done."""

    def failed(self, row: MoveRow) -> bool:
        return self._desk.ledger.checkouts(row)[-1].unclear


class SecondCheckoutFails(_GivesUp):
    """800065, the cart was checked out before, counts as a failure."""

    def failed(self, row: MoveRow) -> bool:
        return any(call.code == "800065" for call in self._desk.ledger.checkouts(row))


class ErrorIsNo(PartnerCenter):
    """A server error counts as a refusal."""

    def check_out(self, path: str, request_id: str) -> Checkout:
        try:
            return super().check_out(path, request_id)
        except ApiUnclear as error:
            if error.status is None or error.status < 500:
                raise
            raise ApiRefused(str(error), method="POST", url=path, status=error.status) from error


class CartNotKept(PartnerCenter):
    """What is checked out is a cart that the ledger never saw."""

    def create_cart(self, path: str, body: Any, request_id: str) -> Cart:
        made = super().create_cart(path, body, request_id)
        _bodies[made.id] = (path, body)
        return made

    def check_out(self, path: str, request_id: str) -> Checkout:
        kept = path.rstrip("/").split("/")[-2]
        made = super().create_cart(*_bodies[kept], str(uuid.uuid4()))
        return super().check_out(path.replace(kept, made.id), request_id)


_bodies: dict[str, tuple[str, Any]] = {}


class NamesNotRead(PartnerCenter):
    """Orders are told apart by what was ordered alone, not by the move's own word."""

    def orders(self, customer_id: str) -> Listed[Order]:
        found = super().orders(customer_id)
        found[:] = [replace(one, friendly_name="") for one in found]
        return found


class NoLease(Staged):
    """Everybody gets the lease."""

    def lease(self, customer_id: str, holder: str) -> Lease:
        return replace(super().lease(customer_id, holder), holder=holder)

    def _keep(self, connection: sa.Connection, lease: Lease) -> bool:
        return True


class NoCompare(Staged):
    """A state is set whatever it was."""

    def advance(self, move_id: str, before: MoveState, after: MoveState, **more: Any) -> bool:
        row = self.move(move_id)
        assert row is not None
        return super().advance(move_id, row.state, after, **more)


class NoLeaseNoCompare(NoLease):
    """Neither of the two, and a database without the rules that would notice it."""

    def advance(self, move_id: str, before: MoveState, after: MoveState, **more: Any) -> bool:
        columns: dict[str, Any] = {
            name: more[name] for name in schema.moves.columns.keys() & more.keys()
        }
        change = sa.update(schema.moves).where(schema.moves.c.move_id == move_id)
        with self._write() as connection:
            connection.exec_driver_sql("DROP TRIGGER IF EXISTS moves_update")
            allowed = {"prev": before, "state": after}
            if after in states._STAMPS:
                columns[states._STAMPS[after]] = self.clock.now()
            known = sa.select(schema.move_transitions).filter_by(**allowed)
            if connection.execute(known).first() is None:
                connection.execute(sa.insert(schema.move_transitions).values(allowed))
            connection.execute(change.values(prev=before, state=after, **columns))
        return True


class EndsFirst(RenewalSafe):
    """Schedules the end of an original before anything is verified."""

    def act(self, one: Subject, lease: Lease) -> Done:
        service = self._desk.partner_center
        for name in one.planned.subscription_ids:
            found = service.subscription(one.customer_id, name)
            if found is None or found.ends_with_its_term:
                continue
            path, body = change_path(one.customer_id, name), ending(found)
            change = partial(service.change_subscription, path, body, etag=found.etag)
            intent = Intent(one.id, one.customer_id, f"end {name}", path, body)
            self._desk.write(intent, lease, change, repeatable=True)
        return super().act(one, lease)


class CountsTheOriginal(Gate):
    """Takes the seats that are about to end for seats that stay."""

    def without(self, tenant: Tenant, sku_id: str, by: date, **more: Any) -> Verdict:
        return super().without(tenant, sku_id, date.min, **more | {"leaving": ()})


class RetireTooMuch(Retire):
    """Asks that gate."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._gate = CountsTheOriginal(desk)


def _by_plan(plan: Plan, move: PlannedMove) -> PlannedMove:
    """Make the plan a part of the key: a newer plan's move of an original is another move."""
    part = int(plan.hash[:6], 16)
    name = move_id(move.customer_id, move.subscription_ids, part)
    return move.model_copy(update={"part": part, "move_id": name})


@dataclass(frozen=True)
class Mutant:
    """A recipe that must be caught, within how many seeds, and by which finding."""

    name: str
    recipe: Recipe
    finds: str
    seeds: int = 1_000


def _of(name: str, **parts: Any) -> Recipe:
    return replace(RECIPE, name=name, **parts)


def _step(made: Callable[..., Any], name: str = "provision") -> dict[str, Callable[..., Any]]:
    return STEPS | {name: made}


_ANEW = {"second_checkout": "800065", "replay_hours": 0}
MUTANTS = (
    Mutant("a new cart after silence", _of("new cart", steps=_step(NewCartAfterSilence)), "double"),
    Mutant("no settle window", _of("no window", policy={"settle_minutes": 0}), "stuck"),
    Mutant(
        "800065 taken for a failure",
        _of("800065", steps=_step(SecondCheckoutFails), options=_ANEW, cases=(ONE,)),
        "double",
    ),
    Mutant("500 taken for a failure", _of("500", partner_center=ErrorIsNo, cases=(ONE,)), "double"),
    Mutant("a cart that is not kept", _of("cart", partner_center=CartNotKept), "double"),
    Mutant(
        "neither lease nor compare-and-set",
        _of("no lease, no compare", ledger=NoLeaseNoCompare, cases=(ONE,)),
        "double",
    ),
    Mutant(
        "an end before its replacement is verified",
        _of("ends first", steps=_step(EndsFirst, "renewal-safe"), cases=(ENDED,)),
        "early",
    ),
    Mutant("the plan in the key of an order", _of("key", content=_by_plan), "double"),
    Mutant(
        "orders told apart without their word",
        _of("no word", partner_center=NamesNotRead, cases=(TWINS,)),
        "bad",
    ),
)
