"""From an order to seats: the subscription it made, and how far that is."""

from __future__ import annotations

from datetime import timedelta

from cspkit.ledger import Lease, MoveRow
from cspkit.moves.desk import Desk
from cspkit.moves.rows import Look, Outcome
from cspkit.partner_center import Order, Provisioning
from cspkit.tables import MoveState

LATE = timedelta(hours=24)
THERE = (
    MoveState.PROVISIONED,
    MoveState.VERIFIED,
    MoveState.REASSIGNED,
    MoveState.CLOSED,
)
UNDONE = "its order was undone: only a newer plan orders anew"


def standing(row: MoveRow) -> Look:
    """Say how far a move is that was sent, without asking the service."""
    if row.state is MoveState.HUMAN:
        return Look(row.state, "wait for a person", row.reason, Outcome.HUMAN)
    if row.state is MoveState.UNDONE:
        return Look(row.state, "nothing", UNDONE, Outcome.SKIPPED)
    if row.state in THERE:
        return Look(row.state, "nothing", f"order {row.order_id}", Outcome.SKIPPED)
    return Look(row.state, "go on", "sent already: its outcome is read back, nothing is sent twice")


def follow(desk: Desk, row: MoveRow, lease: Lease) -> str | None:
    """Lead an order to provisioned seats; a text says what it waits for, None that it moved on.

    What is missing a day after the order is asked for once more, and then a person is asked: one
    answer that lacks something proves nothing.
    """
    wait = _follow(desk, row, lease)
    if wait is None or row.ordered_at is None or desk.clock.now() <= row.ordered_at + LATE:
        return wait
    wait = _follow(desk, row, lease)
    if wait is not None:
        _give_up(desk, row, lease, f"{wait}, a day after it was ordered")
    return None


def _follow(desk: Desk, row: MoveRow, lease: Lease) -> str | None:
    subscription_id = _made(desk, row)
    if not subscription_id:
        assert row.order_id is not None
        order = desk.partner_center.order(row.customer_id, row.order_id)
        if order is not None and order.status == "cancelled":
            _give_up(desk, row, lease, f"order {row.order_id} was cancelled")
            return None
        subscription_id = _subscription_id(desk, row, order)
    if not subscription_id:
        return f"order {row.order_id} has no subscription yet"
    seats = desk.partner_center.provisioning(row.customer_id, subscription_id)
    if seats is None or seats.status not in ("success", "failed") or seats.seats is None:
        return f"the seats of {subscription_id} are not there yet"
    problem = _problem(row, seats)
    if problem:
        _give_up(desk, row, lease, problem)
        return None
    sku_id = seats.sku_id or row.target_sku_id
    desk.move(
        row,
        MoveState.PROVISIONED,
        lease,
        subscription_id=subscription_id,
        target_sku_id=sku_id,
    )
    return None


def _made(desk: Desk, row: MoveRow) -> str:
    """Find the running subscription of an order in the list that all moves of a run share.

    It says what the order would: of a cancelled one no subscription runs. The list may be older
    than the order; then, as for all else that it does not show, the order itself is asked.
    """
    listed = desk.once(desk.partner_center.subscriptions, row.customer_id)
    mine = [one for one in listed if row.order_id and one.order_id == row.order_id.lower()]
    return mine[0].id if len(mine) == 1 and mine[0].status == "active" else ""


def _subscription_id(desk: Desk, row: MoveRow, order: Order | None) -> str:
    if order is not None and order.subscription_id:
        return order.subscription_id
    if row.subscription_id:
        return row.subscription_id
    assert row.order_id is not None
    found = desk.partner_center.subscriptions(row.customer_id, order_id=row.order_id)
    return found[0].id if len(found) == 1 else ""


def _problem(row: MoveRow, seats: Provisioning) -> str:
    """Name what was delivered otherwise than ordered."""
    if seats.status == "failed":
        return f"the service could not deliver order {row.order_id}"
    if seats.seats is not None and seats.seats < row.seats:
        return f"{seats.seats} seats were delivered where {row.seats} were ordered"
    if row.target_sku_id and seats.sku_id and seats.sku_id != row.target_sku_id:
        return f"skuId {seats.sku_id} was delivered where {row.target_sku_id} was planned"
    return ""


def _give_up(desk: Desk, row: MoveRow, lease: Lease, reason: str) -> None:
    evidence = {"order": row.order_id, "subscription": row.subscription_id}
    desk.move(row, MoveState.HUMAN, lease, reason=reason, evidence=evidence)
