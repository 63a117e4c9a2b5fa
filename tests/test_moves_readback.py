"""Which order is ours: by content, by the service's own time, and by a word of the move's own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cspkit.ledger import MoveRow
from cspkit.moves.readback import friendly_name, matching, token
from cspkit.partner_center import Order
from cspkit.tables import MoveState

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MOVE = MoveRow(
    move_id="mv-1",
    customer_id="c",
    part=1,
    state=MoveState.SENT,
    reason="",
    plan_hash="p",
    batch="B001",
    target_offer="CFQ7TTC0LH18:0001",
    sku_id="s",
    target_sku_id="s",
    seats=5,
    term="P1Y",
    billing_cycle="monthly",
    same_offer=True,
    cart_id="cart",
    cart_made_at=NOON,
    cart_expires_at=None,
    order_id=None,
    subscription_id=None,
    sent_at=NOON,
    ordered_at=None,
    verified_at=None,
)


def order(number: str = "o1", **changed: Any) -> Order:
    """An order as the move would make it, without its word."""
    plain = Order(
        number, "completed", NOON, "CFQ7TTC0LH18:0001", 5, "P1Y", "monthly", "Business Basic", "s1"
    )
    return replace(plain, **changed)


def found(*orders: Order, taken: tuple[str, ...] = ()) -> list[str]:
    return [one.id for one in matching(list(orders), MOVE, set(taken))]


def test_an_order_like_ours_is_found() -> None:
    """A service that drops our name for it still shows what was bought."""
    assert found(order()) == ["o1"]


@pytest.mark.parametrize(
    "changed",
    [
        {"offer": "CFQ7TTC0LH18:0002"},
        {"seats": 6},
        {"seats": None},
        {"term": "P1M"},
        {"billing_cycle": "annual"},
        {"status": "cancelled"},
        {"created_at": NOON - timedelta(minutes=6)},
        {"friendly_name": friendly_name("Business Basic", "mv-2")},
    ],
)
def test_an_order_that_differs_is_not_ours(changed: dict[str, Any]) -> None:
    """Other content, older than its cart, or with the word of another move."""
    assert found(order(**changed)) == []


@pytest.mark.parametrize("missing", [{"term": ""}, {"billing_cycle": ""}, {"created_at": None}])
def test_what_an_order_leaves_out_does_not_hide_it(missing: dict[str, Any]) -> None:
    """A field that the service does not show speaks for nothing and against nothing."""
    assert found(order(**missing)) == ["o1"]


def test_an_order_of_another_move_is_never_taken() -> None:
    """What the ledger gave to one move is not given to the next."""
    assert found(order(), taken=("o1",)) == []


def test_our_own_word_decides_among_equals() -> None:
    """Two alike, one with our word: it is ours."""
    ours = order("o2", friendly_name=friendly_name("Business Basic", "mv-1"))

    assert found(order("o1"), ours) == ["o2"]


def test_two_alike_are_both_named() -> None:
    """Nobody picks one of them here."""
    assert found(order("o1"), order("o2")) == ["o1", "o2"]


def test_the_word_is_short_and_the_moves_own() -> None:
    """Six letters at the end of a name that people read."""
    name = friendly_name("Microsoft 365 Business Premium " * 9, "mv-1")

    assert name.endswith(f"[{token('mv-1')}]")
    assert (len(token("mv-1")), len(name) < 100) == (6, True)
    assert token("mv-1") != token("mv-2")
