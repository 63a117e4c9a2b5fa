"""cart -> sent -> ordered: the one call that orders, and finding out what became of it.

It goes out only after the ledger says so, and goes out again only for the same cart. An answer
that is not clear is settled by what the service shows: its orders first, then the cart itself.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from cspkit import partner_center as pc
from cspkit.errors import ApiRefused, ApiUnavailable, ApiUnclear
from cspkit.ledger import Call, MoveRow
from cspkit.ledger.lines import is_by_hand
from cspkit.moves.carts import STALE
from cspkit.moves.desk import NOTHING_HAPPENED
from cspkit.moves.passes import Pass
from cspkit.moves.readback import matching
from cspkit.moves.rows import Done, Outcome
from cspkit.partner_center import Checkout, Order
from cspkit.tables import MoveState

SENDS_PER_PASS = 2
# A list may lack an order for a moment that it showed before, and a cart be in no known state.
SILENCES = 2


def check_out(work: Pass, row: MoveRow) -> Done | None:
    """Check out the move's cart, first or again; None when there is something new to look at."""
    if row.state is MoveState.CART and work.expired(row):
        work.move(row, MoveState.PLANNED, "the cart expired before it was sent", cart_id=None)
        return None
    if row.state is MoveState.CART and _other_reseller(work, row):
        why = "the customer's reseller changed, so the cart is dropped"
        work.move(row, MoveState.PLANNED, why, cart_id=None)
        return None
    if work.sends >= SENDS_PER_PASS:
        return work.end(row, Outcome.WAITING, "the checkout got no clear answer yet; run again")
    assert row.cart_id is not None
    path = pc.checkout_path(row.customer_id, row.cart_id)
    work.desk.check_stop()
    call = work.desk.ledger.send(row, path, run_id=work.desk.run_id, lease=work.lease)
    work.sends += 1
    work.request_id = call.request_id if call else ""
    try:
        result = work.desk.settled(call, partial(_send, work, path))
    except ApiUnavailable as error:
        return work.end(row, Outcome.FAILED, f"nothing was sent: {error}")
    except ApiRefused as error:
        return _refused(work, _sent(work, row), error)
    except ApiUnclear:
        return None
    _answered(work, _sent(work, row), result)
    return None


def _other_reseller(work: Pass, row: MoveRow) -> bool:
    """Say whether a cart of an earlier run names another reseller than people do by now."""
    if work.carts or row.cart_id is None or not work.desk.resellers.any:
        return False
    cart = work.desk.partner_center.cart(row.customer_id, row.cart_id)
    number = work.desk.resellers.number_of(row.customer_id)
    return cart is not None and cart.is_open and cart.resellers != ((number,) if number else ())


def settle(work: Pass, row: MoveRow) -> Done | None:
    """Find out what became of a checkout, without ever making a second order possible."""
    acted = work.acted(row)
    if not acted:
        return _never_sent(work, row)
    asked_at = work.desk.clock.now()
    orders = work.desk.partner_center.orders(row.customer_id)
    if orders.bad:
        unread = f"{len(orders.bad)} orders of the customer cannot be read: {orders.bad[0].reason}"
        return work.end(row, Outcome.WAITING, f"not clear; {unread}")
    found = matching(orders, row, work.desk.ledger.orders(row.customer_id))
    if len(found) == 1:
        _order(work, row, found[0])
        return None
    if len(found) > 1:
        reason = f"{len(found)} orders could be the one of this move"
        _to_a_person(work, row, reason, [order.id for order in found])
        return None
    return _by_cart(work, row, acted[-1], asked_at)


def _by_cart(work: Pass, row: MoveRow, last_acted: Call, asked_at: datetime) -> Done | None:
    """No order to be seen, which proves nothing yet: the cart says whether to send it again.

    A cart that says otherwise than the list is a contradiction: both are read again before a
    person is asked.
    """
    assert row.cart_id is not None
    if is_by_hand(row.cart_id):
        why = f"issued {row.cart_id}, and no order of it can be seen yet"
        return work.end(row, Outcome.WAITING, f"{why}: `cspkit results` takes back what came of it")
    settled = work.settled(last_acted.sent_at, asked_at)
    cart = work.desk.partner_center.cart(row.customer_id, row.cart_id)
    if cart is not None and cart.is_open:
        last = work.desk.ledger.checkouts(row)[-1]
        if last.outcome != "refused":
            return check_out(work, row)
        if settled:
            said = f"refused ({last.status} {last.code}), and no order was made"
            work.move(row, MoveState.REFUSED, said)
            return None
    elif settled:
        work.silences += 1
        if work.silences < SILENCES:
            return None
        what = "gone" if cart is None else cart.status
        _to_a_person(work, row, f"the cart is {what}, but no order of it can be found", [])
        return None
    until = work.settles_at(last_acted.sent_at)
    return work.end(row, Outcome.WAITING, f"not clear; no order by {until:%H:%M} UTC means none")


def _never_sent(work: Pass, row: MoveRow) -> Done | None:
    if work.expired(row):
        work.move(row, MoveState.REFUSED, "the cart expired before anything was sent")
        return None
    return check_out(work, row)


def _send(work: Pass, path: str, request_id: str) -> Checkout:
    """Check out; an answer with problems and no order is a refusal, whatever its status."""
    result = work.desk.partner_center.check_out(path, request_id)
    if result.problems and not result.orders:
        problem = "; ".join(result.problems)
        raise ApiRefused(
            f"the checkout ordered nothing: {problem} (request id {request_id})",
            method="POST",
            url=path,
            status=201,
            code=problem.partition(" ")[0],
            request_id=request_id,
        )
    return result


def _answered(work: Pass, row: MoveRow, result: Checkout) -> None:
    """Take the order of the answer; several go to a person, none is looked for."""
    orders = [order for order in result.orders if order.id]
    if len(orders) == 1:
        _order(work, row, orders[0])
    elif orders:
        reason = f"the checkout of one line answered with {len(orders)} orders"
        _to_a_person(work, row, reason, [order.id for order in orders])


def _refused(work: Pass, row: MoveRow, error: ApiRefused) -> Done | None:
    if error.status in NOTHING_HAPPENED:
        return work.nothing_happened(row, error)
    # Refused now says nothing about a call before it that may still have its effect.
    if not work.acted(row):
        reason = f"{STALE}: {error}" if error.code == STALE else str(error)
        work.move(row, MoveState.REFUSED, reason)
    return None


def _order(work: Pass, row: MoveRow, order: Order) -> None:
    subscription_id = order.subscription_id or None
    work.pending = order.status == "pending" and not subscription_id
    work.move(row, MoveState.ORDERED, order_id=order.id, subscription_id=subscription_id)


def _to_a_person(work: Pass, row: MoveRow, reason: str, candidates: list[str]) -> None:
    calls = work.desk.ledger.checkouts(row)
    evidence = {
        "cart": row.cart_id,
        "candidates": sorted(candidates),
        "request_ids": sorted({call.request_id for call in calls}),
    }
    if candidates:
        reason = f"{reason}: {', '.join(sorted(candidates))}"
    work.move(row, MoveState.HUMAN, reason, evidence=evidence)


def _sent(work: Pass, row: MoveRow) -> MoveRow:
    found = work.desk.ledger.move(row.move_id)
    assert found is not None
    return found
