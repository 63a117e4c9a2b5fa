"""What another capacity would do, and the pictures of it; checked against plans that are made."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pytest

from cspkit import planning
from cspkit.decisions import Decisions
from cspkit.errors import CspkitError
from cspkit.policy import Policy
from cspkit.reporting import loads
from cspkit.settings import Settings
from tests.originals import AS_OF, customer, customer_id, exports, original

START = date(2026, 11, 23)
READY = Decisions.from_rows(
    [{"customer_id": customer_id(n), "access_on": AS_OF} for n in range(99)]
)
ROWS = [
    original(n, of=n, seats=n % 5 + 1, expires_on=date(2026, 12, 18) + timedelta(days=n % 3))
    for n in range(30)
]
FACTS = {"as_of": AS_OF, "start": START, "settings": Settings(), "decisions": READY}


@pytest.fixture(scope="module")
def curve() -> pd.DataFrame:
    return planning.curve(exports(*ROWS), **FACTS, capacities=[12, 2, 4, 4, 40], operator_day=10)


def test_every_point_of_the_curve_is_a_plan_that_could_be_made(curve: pd.DataFrame) -> None:
    """Cost, moves with and without a day are those of a whole plan at that capacity."""
    assert curve["moves_per_day"].tolist() == [2, 4, 12, 40]
    for row in curve.to_dict("records"):
        settings = Settings(policy=Policy(moves_per_day=int(row["moves_per_day"])))
        plan = planning.plan(exports(*ROWS), **{**FACTS, "settings": settings})
        cost = sum((line.planned for line in plan.document.savings), Decimal(0))

        assert (len(plan.moves), len(plan.unplaced)) == (row["placed"], row["left"])
        assert abs(float(cost) - row["cost"]) < 0.01


def test_more_orders_a_day_stop_paying_where_they_save_less_than_they_cost(
    curve: pd.DataFrame,
) -> None:
    """The last point saves nothing more; to place a move that had no day always pays."""
    assert not curve["pays"].iloc[-1]
    assert loads.enough(curve) == "More than 12 orders a day do not pay."
    fewer = curve[curve["left"].diff() < 0]
    assert fewer["pays"].all()


def test_a_dear_operator_stops_paying_earlier() -> None:
    """Where nothing is left without a day, a step pays only above its wages."""
    args = {**FACTS, "capacities": [8, 12]}
    found = [
        planning.curve(exports(*ROWS), **args, operator_day=cost)["pays"].iloc[-1]
        for cost in (0, 10**6)
    ]

    assert found == [True, False]


def test_a_policy_that_cannot_be_is_not_tried() -> None:
    """A slider's value is checked as the file's is."""
    with pytest.raises((CspkitError, ValueError), match="moves_per_day"):
        planning.tried(exports(ROWS[0]), **FACTS, changes={"moves_per_day": -1})


def test_no_capacity_at_all_plans_nothing_and_says_what_it_takes() -> None:
    """Zero orders a day is a policy that cannot be met, not an error."""
    plan = planning.tried(exports(*ROWS[:3]), **FACTS, changes={"moves_per_day": 0})

    assert (len(plan.moves), plan.unplaced["code"].tolist()) == (0, ["no_room"] * 3)
    assert all("moves_per_day" in one.reason for one in plan.document.unplaced)
    assert all(one.would_fit for one in plan.document.unplaced)


def test_no_invitation_at_all_leaves_only_those_who_wait_for_one() -> None:
    """What can be planned is planned."""
    rows = [*ROWS[:2], customer(500, relationship="none"), original(77, of=500)]
    plan = planning.tried(exports(*rows), **FACTS, changes={"invitations_per_day": 0})

    assert (len(plan.moves), len(plan.unplaced)) == (2, 1)
    assert "invitation" in plan.document.unplaced[0].reason


def test_holidays_only_leave_everything_without_a_day() -> None:
    """A calendar without an order day says so for each original."""
    black = tuple(START + timedelta(days=number) for number in range(400))
    settings = Settings(policy=Policy(blackout_days=black))
    plan = planning.plan(exports(*ROWS[:3]), **{**FACTS, "settings": settings})

    assert (len(plan.moves), len(plan.unplaced)) == (0, 3)


def test_plans_stand_side_by_side() -> None:
    """One row a plan, a column for each unit of cost."""
    plan = planning.plan(exports(*ROWS[:3]), **FACTS)
    shown = planning.beside({"as planned": plan, "again": plan})

    assert list(shown.columns) == ["what", "moves", "days", "no_day", "EUR"]
    assert shown["moves"].tolist() == [3, 3]


def test_the_calendar_frames_full_days_and_says_them_in_words() -> None:
    """Who sees no picture reads the same; a plan without orders has a picture too."""
    days = [date(2026, 11, 23), date(2026, 11, 25), date(2026, 12, 2)]
    batches = pd.DataFrame({"date": days, "moves": [4, 2, 4]})
    picture = loads.calendar(batches, 4)

    assert "10 orders on 3 days, at most 4 a day; 2 days are at the capacity of 4" in (
        picture.description
    )
    assert picture.svg("load").startswith("<svg")
    assert "0 orders" in loads.calendar(batches.head(0), 4).description
    assert loads.calendar(batches.head(0), 0).svg("none").startswith("<svg")


def test_the_curve_is_drawn_with_what_it_means(curve: pd.DataFrame) -> None:
    """The words under the picture carry its answer."""
    picture = loads.cost_against_capacity(curve, 25, "EUR")

    assert "More than 12 orders a day do not pay." in picture.description
    assert "without" in picture.svg("curve")
