"""Provision: planned -> cart -> sent -> ordered -> provisioned, each state where a run may die."""

from __future__ import annotations

from dataclasses import replace

from cspkit.ledger import Claim, Lease, MoveRow
from cspkit.moves import carts, checkouts, delivery, readiness
from cspkit.moves.desk import Desk, Overtaken
from cspkit.moves.passes import Pass
from cspkit.moves.rows import Done, Look, Outcome, Subject, by_a_person
from cspkit.tables import MoveState

_UNSENT = (MoveState.PLANNED, MoveState.CART, MoveState.REFUSED)


class Provision:
    """Order the replacement of a move exactly once."""

    by = "date"
    about_moves = True
    makes = "ordered"

    def __init__(self, desk: Desk) -> None:
        """Work at a desk."""
        self._desk = desk

    def look(self, one: Subject) -> Look:
        """Say what would be ordered, or how far the order is."""
        row = self._desk.ledger.move(one.id)
        if row is None or row.state in _UNSENT or self._anew(row):
            return readiness.ready(self._desk, one, row.state if row else MoveState.PLANNED)
        return delivery.standing(row)

    def act(self, one: Subject, lease: Lease) -> Done:
        """Bring the move as far as it goes now; a later run goes on from there."""
        row = self._desk.ledger.move(one.id)
        before = row.state if row else MoveState.PLANNED
        if row is None or row.state in _UNSENT or self._anew(row):
            look = readiness.ready(self._desk, one, before)
            if look.stop is not None:
                return Done(before, before, look.stop, look.reason)
        work = Pass(self._desk, one, lease, before)
        row = _claimed(work)
        while True:
            end = _next(work, row)
            if end is not None:
                return end
            again = self._desk.ledger.move(row.move_id)
            assert again is not None
            row = again
            if row.state is MoveState.REFUSED and row.reason.startswith(carts.STALE):
                row = _claimed(work)

    def _anew(self, row: MoveRow) -> bool:
        return row.state is MoveState.UNDONE and row.plan_hash != self._desk.plan.hash


def _next(work: Pass, row: MoveRow) -> Done | None:
    """Do what the state asks for; None means that the state is to be looked at again."""
    if row.move_id != work.one.id:
        reason = f"its original is {row.state} by {row.move_id} already"
        return Done(work.before, work.before, Outcome.SKIPPED, reason)
    if row.state is MoveState.PLANNED:
        return carts.fill(work, row)
    if row.state is MoveState.CART:
        return checkouts.check_out(work, row)
    if row.state is MoveState.SENT:
        return checkouts.settle(work, row)
    if row.state is MoveState.ORDERED and work.pending:
        return work.end(row, Outcome.WAITING, f"order {row.order_id} is placed; seats come later")
    if row.state is MoveState.ORDERED:
        wait = delivery.follow(work.desk, row, work.lease)
        return None if wait is None else work.end(row, Outcome.WAITING, wait)
    if row.state is MoveState.REFUSED:
        return work.end(row, Outcome.FAILED, row.reason)
    if row.state is MoveState.UNDONE:
        return work.end(row, Outcome.SKIPPED, delivery.UNDONE)
    if row.state is MoveState.HUMAN:
        return work.end(row, Outcome.HUMAN, by_a_person(row.move_id, row.reason))
    done = work.end(row, Outcome.DONE, f"order {row.order_id}")
    return replace(done, again=work.before in delivery.THERE)


def _claimed(work: Pass) -> MoveRow:
    claim = claim_of(work.one, work.desk.plan.hash)
    row = work.desk.ledger.claim(claim, run_id=work.desk.run_id, lease=work.lease)
    if row is None:
        raise Overtaken
    return row


def claim_of(one: Subject, plan_hash: str) -> Claim:
    """Say what a planned move is going to order, for the ledger to reserve."""
    move = one.planned
    return Claim(
        move_id=move.move_id,
        customer_id=move.customer_id,
        originals=tuple(move.subscription_ids),
        part=move.part,
        plan_hash=plan_hash,
        batch=move.batch,
        target_offer=move.target_offer,
        sku_id=move.sku_id or "",
        target_sku_id=move.target_sku_id or "",
        seats=move.seats,
        term=move.term,
        billing_cycle=move.billing_cycle,
        auto_renew=move.auto_renew,
        same_offer=move.same_offer,
        expires_on=move.expires_on,
    )
