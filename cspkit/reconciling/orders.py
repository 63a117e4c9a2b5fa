"""Orders: each move that was ordered has one, no other order is ours, and no move is stuck."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from cspkit.ledger import MoveRow
from cspkit.moves.delivery import LATE
from cspkit.partner_center import Order
from cspkit.reconciling.differences import Difference, Kind
from cspkit.reconciling.known import UNSENT, Known, word_of
from cspkit.reconciling.seeing import Seen, ordered_in
from cspkit.tables import MoveState

HELD = "`cspkit hold {customer} --by NAME --reason TEXT`"
FREEZABLE = (MoveState.PLANNED, MoveState.CART, MoveState.REFUSED)
_GONE = ("deleted",)


def compare(
    known: Known, seen: Seen, *, now: datetime, settle: timedelta, forgot: bool = False
) -> Iterator[Difference]:
    """Compare the moves of a customer with the orders; `forgot`: the ledger lost its last events.

    Silence is no proof before the settle window is over: an order of the last minutes may be
    missing in every list.
    """
    extra = _extra(known, seen)
    for move_id in sorted(extra):
        yield from _unexpected(known, seen, move_id, extra[move_id])
    for row in known.rows:
        if row.state is MoveState.HUMAN:
            yield _person(known, row, extra.get(row.move_id, []))
        elif row.state is MoveState.SENT:
            yield from _sent(known, row, extra.get(row.move_id, []), now - settle)
        elif row.order_id and row.state is not MoveState.UNDONE:
            yield from _ordered(known, seen, row, now, settle)
    for call in known.unclear:
        if call.sent_at <= now - settle:
            yield _unclear(known, call.subject, call.verb, call.request_id, call.sent_at)
    yield from _hidden(known, seen, now - settle, forgot=forgot)


def alive(seen: Seen, order: Order) -> bool:
    """Say whether an order still costs: not cancelled, and what it made not deleted."""
    made = seen.of_order(order)
    return order.status != "cancelled" and not (made and all(one.status in _GONE for one in made))


def _extra(known: Known, seen: Seen) -> dict[str, list[Order]]:
    """Sort the orders that no move has to the moves they are for; "" for a word of no move."""
    found: dict[str, list[Order]] = defaultdict(list)
    mine = known.past | set(known.orders)
    for order in seen.orders:
        if order.id.lower() in mine or not alive(seen, order):
            continue
        move_id = known.owner(order)
        if move_id or word_of(order):
            found[move_id].append(order)
    return found


def _unexpected(
    known: Known, seen: Seen, move_id: str, orders: list[Order]
) -> Iterator[Difference]:
    row = known.row(move_id) if move_id else None
    if row is not None and row.state not in UNSENT:
        if row.order_id is not None or len(orders) > 1:
            yield _double(known, seen, row, orders)
        return
    if row is not None and len(orders) > 1:
        yield _double(known, seen, row, orders)
    for order in orders:
        yield _orphan(known, seen, move_id, row, order)


def _double(known: Known, seen: Seen, row: MoveRow, orders: list[Order]) -> Difference:
    """Two orders for one move: everything stops for the customer until one is cancelled."""
    own = row.order_id or "no order yet"
    shown = [row.order_id] if row.order_id else []
    every = [*shown, *sorted(one.id for one in orders)]
    said = "; ".join(_described(seen, one) for one in sorted(orders, key=lambda one: one.id))
    hold = HELD.format(customer=known.customer_id)
    many = "the others" if len(orders) > 1 else "the other"
    return Difference(
        Kind.DOUBLE_ORDER,
        known.customer_id,
        row.move_id,
        f"{row.state}, {own}",
        f"{len(every)} orders: also {said}" if shown else f"{len(every)} orders: {said}",
        f"{hold}, then cancel {many} in Partner Center while that can be done",
        (*every, *known.request_ids.get(row.move_id, [])),
    )


def _orphan(
    known: Known, seen: Seen, move_id: str, row: MoveRow | None, order: Order
) -> Difference:
    state = "no such move" if row is None else f"{row.state}, nothing ordered"
    if row is not None and row.state is MoveState.UNDONE:
        to_do = "its move was undone: cancel it in Partner Center while that can be done"
    elif row is not None:
        to_do = settled_by(row.move_id, order.id)
    elif move_id:
        to_do = "name its plan: `cspkit reconcile --plan PLAN --by NAME --reason TEXT`"
    else:
        to_do = "name its plan with --plan, restore a newer ledger, or look who else orders"
    return Difference(
        Kind.ORPHAN_ORDER,
        known.customer_id,
        move_id or order.id,
        state,
        _described(seen, order),
        to_do,
        (order.id, *known.request_ids.get(move_id, [])),
        freezes=(order.id,) if move_id and (row is None or row.state in FREEZABLE) else (),
    )


def _described(seen: Seen, order: Order) -> str:
    """Say what an order is, and how long it can be cancelled where the service says so."""
    until = min(
        (one.cancel_until for one in seen.of_order(order) if one.cancel_until), default=None
    )
    when = f" of {order.created_at:%Y-%m-%d %H:%M}" if order.created_at else ""
    cancel = f", can be cancelled until {until:%Y-%m-%d %H:%M} UTC" if until else ""
    return f"order {order.id}{when}, {order.seats} × {order.offer}{cancel}"


def _person(known: Known, row: MoveRow, candidates: list[Order]) -> Difference:
    ids = sorted(one.id for one in candidates)
    said = (
        f"orders that can be its own: {', '.join(ids)}" if ids else "no order that can be its own"
    )
    return Difference(
        Kind.WAITS_FOR_PERSON,
        known.customer_id,
        row.move_id,
        f"human: {row.reason}",
        said,
        settled_by(row.move_id, ids[0] if len(ids) == 1 else "ORDER"),
        (*ids, *known.request_ids.get(row.move_id, [])),
    )


def _sent(
    known: Known, row: MoveRow, candidates: list[Order], before: datetime
) -> Iterator[Difference]:
    """A checkout without a clear answer is settled by its own step, once it may be."""
    last = known.last_sent.get(row.move_id) or row.sent_at
    if len(candidates) < 2 and last is not None and last <= before:
        ids = tuple(one.id for one in candidates)
        said = f"order {ids[0]} fits" if ids else "no order that fits"
        yield Difference(
            Kind.STUCK_MOVE,
            known.customer_id,
            row.move_id,
            f"sent at {last:%Y-%m-%d %H:%M}, no outcome",
            said,
            _again("provision", row),
            (*ids, *known.request_ids.get(row.move_id, [])),
        )


def _ordered(
    known: Known, seen: Seen, row: MoveRow, now: datetime, settle: timedelta
) -> Iterator[Difference]:
    assert row.order_id is not None
    order = seen.order(row.order_id)
    about = (known.customer_id, row.move_id, f"{row.state}, order {row.order_id}")
    ids = (row.order_id, *known.request_ids.get(row.move_id, []))
    since = row.ordered_at or row.sent_at
    if order is None:
        if not seen.bad and (since is None or since <= now - settle):
            hold = HELD.format(customer=known.customer_id)
            to_do = f"{hold}, and ask Microsoft's support for it by the ids"
            yield Difference(Kind.LOST_ORDER, *about, "no such order", to_do, ids)
        return
    if order.status == "cancelled":
        to_do = f"find out who cancelled it, then {_again('provision', row)}"
        yield Difference(Kind.ORDER_CANCELLED, *about, "the order was cancelled", to_do, ids)
    elif said := _content(order, row, delivered=bool(seen.of_order(order))):
        ledger = f"order {row.order_id} of {row.seats} × {row.target_offer}, {row.term}"
        to_do = "compare with the customer's consent; change the seats in Partner Center"
        yield Difference(Kind.ORDER_DIFFERS, *about[:2], ledger, said, to_do, ids)
    if row.state is MoveState.ORDERED and since is not None and since <= now - LATE:
        said = f"order {order.id} is {order.status or 'there'}"
        to_do = _again("provision", row)
        yield Difference(Kind.STUCK_MOVE, *about[:2], "ordered a day ago", said, to_do, ids)


def _content(order: Order, row: MoveRow, *, delivered: bool) -> str:
    """Name what an order has otherwise than its move; what it does not state is no difference.

    Once there is a subscription, its seats count: some may have been taken back since.
    """
    seats = None if delivered else order.seats
    pairs = (
        ("offer", order.offer, row.target_offer.upper()),
        ("seats", seats, row.seats),
        ("term", order.term, row.term),
        ("billing cycle", order.billing_cycle, row.billing_cycle),
    )
    differing = (pair for pair in pairs if pair[1] not in ("", None, pair[2]))
    return ", ".join(f"{name} {found!r}" for name, found, _ in differing)


def _unclear(
    known: Known, subject: str, verb: str, request_id: str, sent_at: datetime
) -> Difference:
    return Difference(
        Kind.UNCLEAR_CALL,
        known.customer_id,
        subject,
        f"{verb} at {sent_at:%Y-%m-%d %H:%M} without an outcome",
        "nothing about it in a list",
        "run its step again: it reads back before it writes",
        (request_id,),
    )


def _hidden(known: Known, seen: Seen, before: datetime, *, forgot: bool) -> Iterator[Difference]:
    """Find orders that only the audit knows; young ones count for a ledger that forgets."""
    mine, listed = known.past | set(known.orders), {one.id.lower() for one in seen.orders}
    for record in ordered_in(seen.audit):
        order_id, at = record.order_id, record.at
        if not order_id or order_id in mine or order_id in listed or at is None:
            continue
        if not forgot and (at > before or not known.rows):
            continue
        yield Difference(
            Kind.HIDDEN_ORDER,
            known.customer_id,
            order_id,
            "nothing of it",
            f"{record.by or 'somebody'} made order {order_id} at {at:%Y-%m-%d %H:%M},"
            " and no list shows it",
            "wait for the settle window, then reconcile again",
            tuple(filter(None, [order_id, record.correlation_id])),
        )


def settled_by(move_id: str, order: str) -> str:
    """Name the two commands with which a person settles a move."""
    absent = f"`cspkit confirm-absent {move_id} --by NAME --reason TEXT`"
    return f"`cspkit adopt {move_id} {order} --by NAME --reason TEXT`, or {absent}"


def _again(step: str, row: MoveRow) -> str:
    return f"`cspkit run {step} --plan PLAN --batch {row.batch} --mode MODE`"
