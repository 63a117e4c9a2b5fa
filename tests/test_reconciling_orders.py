"""Orders against moves, without any service: no order that bears our word is ever passed over."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from cspkit.ledger import MoveRow
from cspkit.moves.readback import token
from cspkit.partner_center import Order
from cspkit.reconciling import Difference, Kind, orders
from cspkit.reconciling.known import Known
from cspkit.reconciling.seeing import Seen
from cspkit.tables import MoveState

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SETTLE = timedelta(minutes=45)
CUSTOMER = "11111111-0000-4000-8000-000000000001"
OFFERS = ("CFQ7TTC0LH18:0001", "CFQ7TTC0LDPB:0001")
STATES = (
    *(MoveState.PLANNED, MoveState.CART, MoveState.REFUSED, MoveState.HUMAN),
    *(MoveState.ORDERED, MoveState.PROVISIONED, MoveState.VERIFIED, MoveState.CLOSED),
)
ORDERED = STATES[4:]


@st.composite
def moves(draw: st.DrawFn) -> list[MoveRow]:
    """Up to three moves of a customer in any state, each with its order where it has one."""
    states = draw(st.lists(st.sampled_from(STATES), max_size=3))
    return [
        MoveRow(
            move_id=f"mv-{number}",
            customer_id=CUSTOMER,
            part=1,
            state=state,
            reason="",
            plan_hash="p1",
            batch="B001",
            target_offer=draw(st.sampled_from(OFFERS)),
            sku_id="old",
            target_sku_id="new",
            seats=draw(st.sampled_from([5, 10])),
            term="P1Y",
            billing_cycle="monthly",
            same_offer=True,
            cart_id=f"cart-{number}",
            cart_made_at=NOON,
            cart_expires_at=None,
            order_id=f"own-{number}" if state in ORDERED else None,
            subscription_id=None,
            sent_at=NOON,
            ordered_at=NOON,
            verified_at=None,
            created_at=NOON,
        )
        for number, state in enumerate(states)
    ]


@st.composite
def books(draw: st.DrawFn) -> tuple[list[MoveRow], list[Order]]:
    """Moves, the orders they have, and up to five more from anybody at any time."""
    rows = draw(moves())
    words = [f"x [{token(row.move_id)}]" for row in rows] + ["by hand", "x [aaaaaa]"]
    own = [_order(row.order_id, row.target_offer, row.seats) for row in rows if row.order_id]
    more = [
        _order(
            f"more-{number}",
            draw(st.sampled_from(OFFERS)),
            draw(st.sampled_from([5, 10])),
            name=draw(st.sampled_from(words)),
            status=draw(st.sampled_from(["completed", "completed", "cancelled"])),
            after=draw(st.sampled_from([-600, 5, 300, 9000])),
        )
        for number in range(draw(st.integers(0, 5)))
    ]
    return rows, own + more


def _order(
    order_id: str,
    offer: str,
    seats: int,
    *,
    name: str = "ours",
    status: str = "completed",
    after: int = 5,
) -> Order:
    at = NOON + timedelta(minutes=after)
    return Order(order_id, status, at, offer, seats, "P1Y", "monthly", name, f"sub-{order_id}")


def compared(rows: list[MoveRow], listed: list[Order]) -> list[Difference]:
    """Compare long after everything settled."""
    words = {token(row.move_id): row.move_id for row in rows}
    known = Known(CUSTOMER, rows, words)
    now = NOON + timedelta(hours=3)
    return list(orders.compare(known, Seen(CUSTOMER, listed), now=now, settle=SETTLE))


@given(books())
@settings(max_examples=300, deadline=None)
def test_no_order_of_ours_is_passed_over(found: tuple[list[MoveRow], list[Order]]) -> None:
    """Each live order with a word of ours that no move has is named; what moves have never is."""
    rows, listed = found
    said = compared(rows, listed)
    strange = (Kind.DOUBLE_ORDER, Kind.ORPHAN_ORDER, Kind.WAITS_FOR_PERSON)
    named = {one for each in said if each.kind in strange for one in each.evidence}

    worded = {one.id for one in listed if "[" in one.friendly_name and one.status != "cancelled"}
    assert worded <= named
    orphans = {one.evidence[0] for one in said if one.kind is Kind.ORPHAN_ORDER}
    assert orphans.isdisjoint(row.order_id for row in rows)
    assert named.isdisjoint(one.id for one in listed if one.status == "cancelled")


@given(books())
@settings(max_examples=150, deadline=None)
def test_a_double_order_is_two_live_orders_of_one_word(
    found: tuple[list[MoveRow], list[Order]],
) -> None:
    """Counted a second time, order by order, as a person with a list would."""
    rows, listed = found
    said = {one.subject for one in compared(rows, listed) if one.kind is Kind.DOUBLE_ORDER}

    for row in rows:
        word = f"[{token(row.move_id)}]"
        mine = [
            one
            for one in listed
            if one.status != "cancelled"
            and (one.id == row.order_id or one.friendly_name.endswith(word))
        ]
        if len(mine) > 1:
            assert row.move_id in said


@given(books(), st.integers(0, 1000))
@settings(max_examples=100, deadline=None)
def test_the_order_of_a_list_changes_nothing(
    found: tuple[list[MoveRow], list[Order]], seed: int
) -> None:
    """Services list in any order, and a line of today must be the line of tomorrow."""
    rows, listed = found
    mixed = list(listed)
    random.Random(seed).shuffle(mixed)

    assert {one.line for one in compared(rows, listed)} == {
        one.line for one in compared(rows, mixed)
    }
