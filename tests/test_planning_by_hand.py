"""Days that a person chose: kept where they can be, refused with the reason where they cannot."""

from __future__ import annotations

from datetime import date

import pytest

from cspkit import planning
from cspkit.decisions import Decisions
from cspkit.planning import Plan
from tests.originals import AS_OF, customer, exports, original


def planned(*numbers: int, start: str = "2026-11-23", **chosen: str) -> Plan:
    """Plan originals 1 and 2, which end in March, with days that somebody chose for some."""
    rows = [
        {
            "subscription_id": name,
            "order_on": date.fromisoformat(day),
            "choice_by": "Ana",
            "choice_reason": "they open a shop",
        }
        for name, day in chosen.items()
    ]
    loaded = exports(
        customer(1, relationship="reseller"),
        customer(2, relationship="none"),
        *(original(number, of=number) for number in numbers or (1, 2)),
    )
    return planning.plan(
        loaded, as_of=AS_OF, start=start, decisions=Decisions.from_rows(originals=rows)
    )


def test_a_chosen_day_is_kept_and_says_who_and_why() -> None:
    """What a person chose goes before what would cost least; the others stay at their best day."""
    free, bound = planned(), planned(s00001="2026-12-15")

    assert free.moves["date"].min() > date(2027, 1, 1)
    assert {"s00001": date(2026, 12, 15), "s00002": dict(days(free))["s00002"]} == days(bound)
    assert bound.moves["reason"].iloc[0] == "chosen by Ana: they open a shop"


def test_a_customer_to_invite_gets_the_chosen_day_too() -> None:
    """The invitation goes out early enough, and the order waits for the chosen day."""
    move = planned(2, s00002="2027-02-02").document.moves[0]

    assert move.date == date(2027, 2, 2)
    assert move.invite_on is not None and move.invite_on < date(2027, 1, 12)


@pytest.mark.parametrize(
    ("day", "why"),
    [
        ("2027-03-31", "last safe day"),
        ("2026-11-24", "ready from"),
        ("2027-01-15", "no orders are placed on that day"),
    ],
)
def test_a_day_that_cannot_be_is_not_taken_in_silence(day: str, why: str) -> None:
    """The original is left out with the reason; its own best day would not be what was chosen."""
    found = planned(2, s00002=day).unplaced.iloc[0]

    assert day in found["reason"]
    assert why in found["reason"]
    assert "order_on" in found["would_fit"]


def days(plan: Plan) -> dict[str, date]:
    return dict(zip(plan.moves["subscription_ids"], plan.moves["date"], strict=True))
