from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from cspkit import planning
from cspkit.decisions import Decisions
from cspkit.policy import Policy, Season, Team, Workdays
from cspkit.settings import Settings
from tests.originals import AS_OF, customer, customer_id, exports, original

START = date(2026, 11, 23)
READY = [{"customer_id": customer_id(number), "access_on": AS_OF} for number in range(40)]


def ready(*rows, **policy):
    """Plan rows of customers whose access was seen."""
    return planning.plan(
        exports(*rows),
        as_of=AS_OF,
        start=START,
        settings=Settings(policy=Policy(**policy)),
        decisions=Decisions.from_rows(READY),
    ).document


def test_a_plan_states_its_cost_and_a_bound_that_proves_it():
    """Counted moves have the least cost there is; the method is named."""
    rows = [original(n, of=n, seats=n + 1, expires_on="2027-01-29") for n in range(20)]
    plan = ready(*rows, moves_per_day=4)
    found = plan.optimum

    assert found is not None
    assert (found.unit, found.method, found.left_out) == ("EUR", "flow", 0)
    assert sum(move.overlap_cost for move in plan.moves) == found.objective == found.lower_bound


def test_unknown_prices_weigh_as_the_median_known_one_and_are_reported_apart():
    """A seat without a price takes the median price to choose days, and keeps its own line."""
    rows = [original(n, of=n, expires_on="2027-01-29") for n in range(3)]
    rows.append(original(3, of=3, expires_on="2027-01-29", unit_price=None))
    plan = ready(*rows, moves_per_day=2)

    assert plan.optimum is not None and Decimal("0.410959") == plan.optimum.seat_day
    assert {line.unit: line.moves for line in plan.savings} == {"EUR": 3, "seat_days": 1}


def test_what_has_no_price_at_all_costs_no_money():
    """A plan in EUR of which no price is known pays seat-days twice, not euros."""
    plan = ready(original(1, unit_price=None), currency="EUR")

    assert plan.optimum is not None
    assert (plan.optimum.unit, plan.optimum.seat_day) == ("seat_days", None)


def test_prices_that_cannot_be_compared_have_no_common_cost():
    """Without rates two currencies are never added up; each line has its own bound."""
    rows = [original(1, of=1), original(2, of=2, currency="USD")]
    plan = ready(*rows)

    assert plan.optimum is None
    assert all(line.lower_bound <= line.planned for line in plan.savings)


def test_teams_take_the_customers_of_their_markets():
    """Each team has its own room and calendar; the move says which team it is for."""
    teams = (
        Team(name="madrid", country="ES", subdivision="MD", moves_per_day=1),
        Team(name="lisbon", country="PT", markets=("PT",)),
    )
    rows = [customer(n, market="PT" if n > 2 else "ES") for n in range(1, 5)]
    rows += [original(n, of=n, expires_on="2026-12-04") for n in range(1, 5)]
    moves = ready(*rows, teams=teams).moves
    days = {
        team: [move.date for move in moves if move.team == team] for team in ("madrid", "lisbon")
    }

    # The first of December is worked in Madrid and not in Lisbon, whose eve is no order day either.
    assert [date(2026, 11, 30), date(2026, 12, 1)] == days["madrid"]
    assert [date(2026, 11, 26)] * 2 == days["lisbon"]


def test_all_days_of_a_move_are_worked_by_its_team():
    """Whatever day an original ends: a day after its check, somebody can still ask for its end."""
    team = Team(name="lisbon", country="PT", markets=("ES",))
    ends = [START + timedelta(days=number) for number in range(8, 408)]
    rows = [original(n, of=n % 40, expires_on=str(day)) for n, day in enumerate(ends)]
    moves = ready(*rows, teams=(team,), moves_per_day=400).moves
    own = Workdays(Policy(), team)

    assert len(moves) > 390
    for one in moves:
        asked = (one.date, one.verify_by, one.renewal_safe_on, one.end_scheduled_by)
        assert [day for day in asked if not own.is_workday(day)] == []
        assert START <= one.date < one.verify_by < one.end_scheduled_by < one.expires_on
        assert one.date <= one.last_safe_day and own.is_order_day(one.last_safe_day)


def test_moves_of_a_customer_go_together_where_it_is_asked():
    """Two moves of one week share the earlier day, and the plan says what that costs."""
    rows = [original(1, expires_on="2026-12-18"), original(2, expires_on="2026-12-22")]
    apart, together = ready(*rows), ready(*rows, together="customer")

    assert (len({m.date for m in apart.moves}), len({m.date for m in together.moves})) == (2, 1)
    assert apart.optimum is not None and together.optimum is not None
    price = together.optimum.objective - apart.optimum.objective
    assert price == together.optimum.together_price > 0


def test_a_slow_season_opens_a_window_later():
    """Who has to answer over Christmas is waited for longer."""
    rows = [customer(50, relationship="none"), original(1, of=50, expires_on="2027-01-05")]

    assert len(ready(*rows, slow_seasons=()).moves) == 1
    assert [
        one.code
        for one in ready(*rows, slow_seasons=(Season(first="12-01", last="01-06"),)).unplaced
    ] == ["too_late"]


def test_too_few_invitations_say_how_many_more():
    """The reason names the day on which one more invitation would do."""
    rows = [customer(n, relationship="none") for n in (50, 51)]
    rows += [original(n, of=n, expires_on="2026-12-22") for n in (50, 51)]
    plan = ready(*rows, invitations_per_day=1, slow_seasons=())

    assert len(plan.moves) == 1
    assert "1 more of invitations_per_day on 2026-11-23" in plan.unplaced[0].would_fit
    assert len(ready(*rows, invitations_per_day=2, slow_seasons=()).moves) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"teams": [{"name": "a", "country": "ES"}, {"name": "a", "country": "PT"}]},
        {"teams": [{"name": "a", "country": "es"}]},
        {"slow_seasons": [{"first": "01-01", "last": "12-31"}]},
        {"slow_seasons": [{"first": "13-01", "last": "12-31"}]},
        {"together": "week"},
        {"approval_horizon_days": 366},
    ],
)
def test_policies_that_cannot_be_are_refused(wrong):
    """Two teams of one name, a year without answers, a wish nobody knows."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Policy(**wrong)
