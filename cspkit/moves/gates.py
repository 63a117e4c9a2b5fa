"""The pool gate with live figures: would a tenant have seats enough without what ends by a day?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date

from cspkit.ledger import MoveRow
from cspkit.moves import holdings
from cspkit.moves.desk import Desk
from cspkit.moves.holdings import Tenant
from cspkit.moves.pool import Holding, Verdict, doubt, judge
from cspkit.tables import EndState, MoveState

THERE = (MoveState.VERIFIED, MoveState.REASSIGNED, MoveState.CLOSED)
OVER = (MoveState.REASSIGNED, MoveState.CLOSED)
NO_SKU = "nobody knows its skuId, and so not whose seats they are"


class Gate:
    """Judge pools at one desk."""

    def __init__(self, desk: Desk) -> None:
        """Work at a desk."""
        self._desk = desk

    def unfinished(self, customer_id: str, original: str) -> str:
        """Name a move of an original that is not over yet, of this plan or another; else empty.

        What covers an original may be several orders: none of them is the replacement alone.
        """
        ledger = self._desk.ledger
        waits = {row.move_id: too_early(row) for row in ledger.moves_of(customer_id, original)}
        for move in self._desk.planned.get(customer_id, []):
            if original in move.subscription_ids and self._to_order(ledger.move(move.move_id)):
                waits[move.move_id] = too_early(None)
        return next(
            (f"{one} replaces a part of it: {why}" for one, why in waits.items() if why), ""
        )

    def _to_order(self, row: MoveRow | None) -> bool:
        """Say whether a move of this plan is still going to be ordered, perhaps anew."""
        if row is None or row.state is MoveState.REFUSED:
            return True
        return row.state is MoveState.UNDONE and row.plan_hash != self._desk.plan.hash

    def without(
        self,
        tenant: Tenant,
        sku_id: str,
        by: date,
        *,
        customer_id: str,
        leaving: Collection[str] = (),
        taken: int = 0,
    ) -> Verdict:
        """Judge the pool of a skuId once everything of it that ends by a day is gone.

        Every subscription of the tenant counts, of this plan, of another or of none.
        """
        if tenant.why_not:
            return Verdict(tenant.why_not)
        if not sku_id:
            return Verdict(NO_SKU)
        held, absent = tenant.counted(sku_id), self._absent(tenant, sku_id, customer_id)
        verdict = judge(
            tenant.units(sku_id),
            held,
            by,
            leaving=leaving,
            absent=absent,
            coming=self._coming(tenant, sku_id, customer_id),
            taken=taken,
        )
        if not verdict.missing or not absent:
            return verdict
        known = self._known(tenant, customer_id)
        return replace(verdict, doubt=doubt(held, absent, by, leaving=leaving, known=known))

    def _known(self, tenant: Tenant, customer_id: str) -> set[str]:
        """Name the subscriptions that are known by id: originals, and what replaces them."""
        found = {
            name for one in self._desk.planned.get(customer_id, []) for name in one.subscription_ids
        }
        rows = self._desk.ledger.move_rows(customer_id)
        found |= {row.subscription_id for row in rows if row.subscription_id is not None}
        return {alias for name in found for alias in tenant.names(name)}

    def _absent(self, tenant: Tenant, sku_id: str, customer_id: str) -> list[Holding]:
        """List originals of the plan that the tenant does not list, but for those that ended."""
        planned = [
            (name, move.original_seats, move.expires_on)
            for move in self._desk.planned.get(customer_id, [])
            if move.sku_id == sku_id
            for name in move.subscription_ids
        ]
        unseen = holdings.unseen(planned, tenant)
        ends = ((one, self._desk.ledger.end(customer_id, one.id)) for one in unseen)
        return [one for one, end in ends if end is None or end.state is not EndState.ENDED]

    def _coming(self, tenant: Tenant, sku_id: str, customer_id: str) -> int:
        """Add up the verified replacements that the pool surely does not count yet."""
        listed = tenant.to_come(sku_id)
        if not listed:
            return 0
        rows = self._desk.ledger.move_rows(customer_id)
        verified = {row.subscription_id for row in rows if row.state in THERE}
        return sum(seats for name, seats in listed.items() if name in verified)


def too_early(row: MoveRow | None) -> str:
    """Say what must come before any end; empty once the replacement is verified and in use."""
    if row is None or row.order_id is None:
        return "not ordered yet"
    if row.state in OVER or (row.state is MoveState.VERIFIED and row.same_offer):
        return ""
    if row.state is MoveState.VERIFIED:
        return "its users still have the old licence: run reassign"
    return f"it is {row.state}: no end before the new seats are verified"
