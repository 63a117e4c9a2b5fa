"""Verify: the new seats are there, active, enough, and visible in the customer's tenant."""

from __future__ import annotations

from cspkit.errors import ApiRefused
from cspkit.ledger import Lease, MoveRow
from cspkit.moves import delivery, evidence, holdings
from cspkit.moves.desk import Desk
from cspkit.moves.evidence import Evidence
from cspkit.moves.pool import missing_seats
from cspkit.moves.rows import Done, Look, Outcome, Subject, by_a_person
from cspkit.partner_center import Subscription
from cspkit.tables import Mode, MoveState

NOT_ORDERED = "not ordered yet"
NOT_THERE = "once its seats are delivered"
_ENDED = ("suspended", "deleted", "expired", "disabled")
_CHECKED = (MoveState.VERIFIED, MoveState.REASSIGNED, MoveState.CLOSED)


class Verify:
    """Check the seats of a replacement with two services that know them."""

    by = "verify_by"
    about_moves = True
    makes = "verified"

    def __init__(self, desk: Desk) -> None:
        """Work at a desk."""
        self._desk = desk

    def look(self, one: Subject) -> Look:
        """Say whether there is something to check."""
        row = self._desk.ledger.move(one.id)
        if row is None or row.order_id is None:
            return Look(row.state if row else MoveState.PLANNED, "wait", NOT_ORDERED)
        if row.state in _CHECKED:
            return Look(row.state, "nothing", "the seats were verified", Outcome.SKIPPED)
        if row.state in (MoveState.HUMAN, MoveState.UNDONE):
            return delivery.standing(row)
        if self._desk.mode is Mode.DRY and self._desk.online and not self._desk.by_hand:
            return self._foreseen(row)
        return Look(row.state, "check the seats", _order(row))

    def _foreseen(self, row: MoveRow) -> Look:
        """Read what a run would read, as far as the order is: a dry one promises no more."""
        if row.state is not MoveState.PROVISIONED:
            wait = self._unproven(row)
            return Look(row.state, "wait" if wait else "check the seats", wait or NOT_THERE)
        wrong, unknown = self._sold(row)
        if wrong:
            return Look(row.state, "wait for a person", wrong, Outcome.HUMAN)
        wait = unknown or self._waiting(row) or self._seen(row)[0]
        return Look(row.state, "wait" if wait else "check the seats", wait or _order(row))

    def _unproven(self, row: MoveRow) -> str:
        """Say why the seats could not be seen even when they are there; empty when they could."""
        try:
            holdings.look_into(self._desk, row.customer_id)
        except ApiRefused as error:
            if not evidence.is_closed(error):
                raise
            return evidence.shows_seats(self._desk, row)[0]
        return ""

    def act(self, one: Subject, lease: Lease) -> Done:
        """Check, and record what is verified; what is not visible yet is looked at again."""
        row = self._desk.ledger.move(one.id)
        before, delivered = row.state if row else MoveState.PLANNED, False
        if row is not None and row.state is MoveState.ORDERED:
            wait = delivery.follow(self._desk, row, lease)
            if wait:
                return Done(before, before, Outcome.WAITING, wait)
            row, delivered = self._desk.ledger.move(one.id), True
        if row is not None and row.state is MoveState.HUMAN:
            why = by_a_person(row.move_id, row.reason)
            return Done(before, row.state, Outcome.HUMAN, why)
        if row is not None and row.state is MoveState.UNDONE:
            return Done(before, row.state, Outcome.SKIPPED, delivery.UNDONE)
        if row is not None and row.state in _CHECKED:
            return Done(before, row.state, Outcome.DONE, "the seats were verified", again=True)
        if row is None or row.state is not MoveState.PROVISIONED:
            return Done(before, before, Outcome.WAITING, NOT_ORDERED)
        return self._check(row, before, lease, delivered=delivered)

    def _check(self, row: MoveRow, before: str, lease: Lease, *, delivered: bool) -> Done:
        """Check what was sold and what is there; `delivered` seats were counted just now."""
        wrong, unknown = self._sold(row)
        if wrong:
            self._move(row, MoveState.HUMAN, lease, wrong)
            why = by_a_person(row.move_id, wrong)
            return Done(before, MoveState.HUMAN, Outcome.HUMAN, why)
        wait, proof = unknown or ("" if delivered else self._waiting(row)), None
        if not wait:
            wait, proof = self._seen(row)
        if wait:
            return Done(before, row.state, Outcome.WAITING, wait)
        told = proof.as_detail if proof else {}
        self._move(row, MoveState.VERIFIED, lease, f"by {proof.as_text}" if proof else "", **told)
        by = f", by {proof.as_text}" if proof else ""
        reason = f"{row.seats} seats of {row.target_sku_id} are there{by}"
        return Done(before, MoveState.VERIFIED, Outcome.DONE, reason)

    def _sold(self, row: MoveRow) -> tuple[str, str]:
        """Name what is wrong with the subscription as Partner Center shows it, or not known yet."""
        assert row.subscription_id is not None
        found = self._listed(row)
        if found is None or found.status in ("pending", "none", ""):
            return "", ""
        name = f"subscription {row.subscription_id}"
        if found.status in _ENDED:
            return f"{name} is {found.status}", ""
        if found.status != "active":
            return "", f"{name} is {found.status!r}, which no document explains"
        if found.seats is not None and found.seats < row.seats:
            return f"{name} has {found.seats} seats, not {row.seats}", ""
        number = self._desk.resellers.number_of(row.customer_id)
        if number and found.partner_id not in ("", number):
            sold = f"{name} is sold through partner {found.partner_id}, decided is {number}"
            return "", f"{sold}: correct it in Partner Center, or reseller_id in decisions.xlsx"
        return "", ""

    def _listed(self, row: MoveRow) -> Subscription | None:
        """Find a replacement in the list that all moves of a run share, else ask for it alone."""
        service = self._desk.partner_center
        listed = self._desk.once(service.subscriptions, row.customer_id)
        found = next((one for one in listed if one.id == row.subscription_id), None)
        return found or service.subscription(row.customer_id, row.subscription_id or "")

    def _waiting(self, row: MoveRow) -> str:
        assert row.subscription_id is not None
        seats = self._desk.partner_center.provisioning(row.customer_id, row.subscription_id)
        enough = seats is not None and seats.seats is not None and seats.seats >= row.seats
        if seats is None or seats.status != "success" or not enough:
            return f"the seats of {row.subscription_id} are not all there yet"
        return ""

    def _seen(self, row: MoveRow) -> tuple[str, Evidence | None]:
        """Look into the tenant; where it is closed, into the export that the customer made."""
        try:
            return self._hidden(row), None
        except ApiRefused as error:
            if not evidence.is_closed(error):
                raise
        return evidence.shows_seats(self._desk, row)

    def _hidden(self, row: MoveRow) -> str:
        """Say why the customer's tenant does not show the seats; empty when it does."""
        desk, sku_id = self._desk, row.target_sku_id
        tenant = holdings.look_into(desk, row.customer_id)
        ours = next((one for one in tenant.owned if row.subscription_id in one.ids), None)
        if ours and (ours.status != "enabled" or (ours.seats or 0) < row.seats):
            return f"the tenant shows {row.subscription_id} not in full yet"
        if ours and not ours.ids.isdisjoint(tenant.to_come(sku_id)):
            return f"the seats of {row.subscription_id} cannot be assigned yet"
        others = tenant.others(sku_id, row.subscription_id, desk.settings.service.partner_tenant)
        replaced = 0
        if ours is None:
            replaced = desk.ledger.replaced_seats(row.customer_id, sku_id, besides=row.move_id)
        missing = missing_seats(tenant.units(sku_id), others, row.seats, replaced=replaced)
        return f"{sku_id}: {missing}" if missing else ""

    def _move(
        self, row: MoveRow, after: MoveState, lease: Lease, reason: str, **told: object
    ) -> None:
        proof = {"subscription": row.subscription_id, "order": row.order_id, **told}
        self._desk.move(row, after, lease, reason=reason, evidence=proof)


def _order(row: MoveRow) -> str:
    return f"order {row.order_id}"
