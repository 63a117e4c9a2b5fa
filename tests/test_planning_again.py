"""Planning again: what is under way stays, nothing moves without need, and what did is said."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from cspkit import planning
from cspkit.decisions import Decisions
from cspkit.errors import PlanRefused
from cspkit.planning import Before, Plan, difference
from cspkit.planning.diffing import GONE
from cspkit.policy import Policy
from cspkit.settings import Settings
from tests.originals import AS_OF, E3, customer, customer_id, exports, original

START = date(2026, 11, 23)
READY = [{"customer_id": customer_id(number), "access_on": AS_OF} for number in range(200)]


def planned(*rows: dict[str, Any], before: Before | None = None, **policy: Any) -> Plan:
    """Plan rows of customers whose access was seen."""
    start = policy.pop("start", START)
    return planning.plan(
        exports(*rows),
        as_of=AS_OF,
        start=start,
        settings=Settings(policy=Policy(**policy)),
        decisions=Decisions.from_rows(READY),
        steps=policy.pop("steps", None),
        before=before,
    )


def states(plan: Plan, **by_original: str) -> pd.DataFrame:
    """The ledger's frame of moves, for the moves of some originals."""
    ids = {one: move.move_id for move in plan.document.moves for one in move.subscription_ids}
    rows = [{"move_id": ids[key], "state": state} for key, state in by_original.items()]
    return pd.DataFrame(rows, columns=["move_id", "state"])


def days(plan: Plan) -> dict[str, date]:
    return {one: move.date for move in plan.document.moves for one in move.subscription_ids}


def crowd(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Originals that end in one month; many cost the same, some do not."""
    draw = random.Random(seed)
    return [
        original(
            number,
            of=number,
            expires_on=date(2027, 1, draw.randrange(10, 31)),
            seats=draw.choice([5, 5, 5, 8]),
        )
        for number in range(count)
    ]


def cost(plan: Plan) -> Decimal:
    return sum((move.overlap_cost or Decimal(0) for move in plan.document.moves), Decimal(0))


BEGUN = ("cart", "sent", "ordered", "provisioned", "verified", "human")


def test_what_began_stays_as_it_was_and_nothing_else() -> None:
    """Facts changed in the exports: only what was not sent yet is planned by the newer ones."""
    ledger = dict(enumerate((*BEGUN, "planned", "refused")))
    old = planned(*(original(n, of=n, seats=10) for n in range(9)))
    found = states(old, **{f"s{n:05d}": state for n, state in ledger.items()})
    before = Before.of(old, found, None)
    new = planned(*(original(n, of=n, seats=20) for n in range(9)), before=before)
    seats = {move.subscription_ids[0]: move.seats for move in new.document.moves}

    assert {f"s{n:05d}": 10 if ledger.get(n) in BEGUN else 20 for n in range(9)} == seats
    assert old.hash == new.document.replaces


def test_a_move_in_flight_stays_when_its_original_is_gone_from_the_exports() -> None:
    """Half done work does not vanish with a file."""
    old = planned(original(1), original(2, of=2))
    before = Before.of(old, states(old, s00001="sent"), None)
    new = planned(original(2, of=2), before=before)

    assert days(old) == days(new)
    assert {customer_id(1), customer_id(2)} == {one.customer_id for one in new.customers}


@pytest.mark.parametrize("news", [{"status": "deleted"}, {"seats": 900_000}])
def test_a_move_in_flight_is_never_said_to_have_no_day(news: dict[str, Any]) -> None:
    """What is under way is no work to be found again, whatever the exports say of its original."""
    old = planned(original(1), original(2, of=2))
    before = Before.of(old, states(old, s00001="sent"), None)
    new = planned(original(1, **news), original(2, of=2), before=before, seats_per_day=50)
    full = planned(original(1), original(2, of=2), before=before, moves_per_day=0)

    assert days(old) == days(new)
    assert new.document.unplaced == []
    assert {"s00001"} == set(days(full))
    assert [one.subscription_id for one in full.document.unplaced] == ["s00002"]


PAIR = [
    original(1, of=1, expires_on="2027-01-25"),
    original(2, of=1, expires_on="2027-01-27"),
]


def test_a_new_tie_between_base_and_add_on_moves_a_day() -> None:
    """Old days that are apart are no reason to part what has to go together by now."""
    tied = [PAIR[0], {**PAIR[1], "base_subscription_id": "s00001", "sku_id": E3}]
    old = planned(*PAIR)
    before = Before.of(old, None, None)
    settings = Settings(channels={"direct_mosa": {"addons_with_base": True}})
    new = planning.plan(
        exports(*tied),
        as_of=AS_OF,
        start=START,
        settings=settings,
        decisions=Decisions.from_rows(READY),
        before=before,
    )

    assert len(set(days(old).values())) == 2
    assert len(set(days(new).values())) == 1


def test_an_add_on_goes_on_the_day_of_its_base_under_way() -> None:
    """The base is ordered on its day and no other, however near the end of the add-on is."""
    rows = [
        original(1, expires_on="2027-02-25"),
        original(2, expires_on="2027-03-30", base_subscription_id="s00001", sku_id=E3),
    ]
    old = planned(rows[0])
    new = planning.plan(
        exports(*rows),
        as_of=AS_OF,
        start=START,
        settings=Settings(channels={"direct_mosa": {"addons_with_base": True}}),
        decisions=Decisions.from_rows(READY),
        before=Before.of(old, states(old, s00001="sent"), None),
    )

    assert days(old)["s00001"] == days(new)["s00001"] == days(new)["s00002"]


def test_a_new_wish_to_go_together_is_kept() -> None:
    """Cheaper old days do not take back what the policy asks for now."""
    old = planned(*PAIR)
    new = planned(*PAIR, before=Before.of(old, None, None), together="customer")

    assert len(set(days(old).values())) == 2
    assert len(set(days(new).values())) == 1
    assert new.document.optimum is not None
    assert new.document.optimum.lower_bound <= new.document.optimum.objective


def test_a_move_in_flight_takes_its_room() -> None:
    """A day that is full with what is under way is full."""
    rows = [original(n, of=n, expires_on="2026-12-20") for n in (1, 2)]
    old = planned(rows[0], moves_per_day=1)
    before = Before.of(old, states(old, s00001="cart"), None)
    new = planned(*rows, before=before, moves_per_day=1)

    assert days(old)["s00001"] == days(new)["s00001"]
    assert len(set(days(new).values())) == 2


def test_a_move_in_flight_of_a_past_day_stays_there() -> None:
    """The new plan begins later; its batch keeps the day."""
    old = planned(original(1, expires_on="2026-11-30"), original(2, of=2))
    before = Before.of(old, states(old, s00001="ordered"), None)
    new = planned(
        original(1, expires_on="2026-11-30"),
        original(2, of=2),
        before=before,
        start=date(2026, 12, 9),
    )

    assert days(old) == days(new)
    assert new.document.moves[0].batch == "B001"
    assert new.document.unplaced == []


def test_the_same_facts_give_the_same_days() -> None:
    """Planning again without news changes nothing at all."""
    rows = crowd(40)
    old = planned(*rows, moves_per_day=3)
    new = planned(*rows, moves_per_day=3, before=Before.of(old, None, None))

    assert difference(old, new).changes == ()
    assert [line.planned for line in old.document.savings] == [
        line.planned for line in new.document.savings
    ]


@pytest.mark.parametrize("seed", range(2))
def test_news_changes_as_little_as_it_can_and_never_the_cost(seed: int) -> None:
    """A plan from the old one costs what a plan from nothing costs, and keeps more days."""
    rows = crowd(40, seed)
    old = planned(*random.Random(seed).sample(rows, 34), moves_per_day=3)
    fresh = planned(*rows, moves_per_day=3)
    again = planned(*rows, moves_per_day=3, before=Before.of(old, None, None))
    kept = [
        sum(days(plan)[key] == day for key, day in days(old).items()) for plan in (fresh, again)
    ]

    assert cost(fresh) == cost(again)
    assert kept[0] <= kept[1]
    per_day = pd.Series(list(days(again).values())).value_counts()
    assert per_day.max() <= 3
    assert all(move.date <= move.last_safe_day for move in again.document.moves)


def test_old_days_are_handed_back_among_moves_that_cost_the_same() -> None:
    """Two alike moves swapped their days for no reason: they get them back."""
    rows = [original(n, of=n, expires_on="2026-12-20") for n in (1, 2, 3)]
    fresh = planned(*rows, moves_per_day=1)
    mirrored = dict(zip(sorted(days(fresh)), sorted(days(fresh).values()), strict=True))
    moves = [
        move.model_copy(update={"date": mirrored[move.subscription_ids[0]]})
        for move in fresh.document.moves
    ]
    old = Plan(fresh.document.model_copy(update={"moves": moves}).sealed())
    new = planned(*rows, moves_per_day=1, before=Before.of(old, None, None))

    assert mirrored == days(new)


def test_an_invited_customer_keeps_the_day_of_its_invitation() -> None:
    """It is not invited twice, and its lead time counts from when it was."""
    rows = [customer(7, relationship="none"), original(7, of=7, expires_on="2027-03-30")]
    settings = Settings()
    plan = planning.plan(exports(*rows), as_of=AS_OF, start=START, settings=settings)
    (invited,) = [one.invite_on for one in plan.customers]
    asked = pd.Timestamp("2026-11-23T09:00Z")
    steps = pd.DataFrame(
        [
            {
                **{"customer_id": customer_id(7), "step": "relationship", "state": "asked"},
                **{"asked_at": asked, "done_at": pd.NaT},
            }
        ]
    )
    later = planning.plan(
        exports(*rows),
        as_of=date(2026, 12, 1),
        start=date(2026, 12, 1),
        settings=settings,
        steps=steps,
        before=Before.of(plan, None, steps),
    )

    assert [invited] == [one.invite_on for one in later.customers]
    assert days(plan) == days(later)


# --- The difference -----------------------------------------------------------------------------
def test_a_difference_names_every_kind_and_what_it_costs() -> None:
    """Added, dropped, earlier, later, changed; the cost is of the plans as wholes."""
    rows = [
        original(n, of=n, expires_on=f"2027-0{n}-20", sku_id=original()["sku_id"])
        for n in range(1, 6)
    ]
    old = planned(*rows[:4])
    new = planned(
        {**rows[0], "expires_on": "2027-01-13"},
        {**rows[1], "expires_on": "2027-02-25"},
        {**rows[2], "seats": 20},
        rows[4],
    )
    found = difference(old, new)
    kinds = {one.subscription_ids: one.change for one in found.changes}

    assert kinds == {
        "s00001": "earlier",
        "s00002": "later",
        "s00003": "changed",
        "s00004": "dropped",
        "s00005": "added",
    }
    assert {"EUR": cost(new) - cost(old)} == found.costs
    assert "seats 10 -> 20" in {one.differs for one in found.changes}
    assert found.lines()[0] == "1 added, 1 dropped, 1 earlier, 1 later, 1 changed, 0 as they were"
    assert len(found.frame) == 5


def test_dropped_moves_have_a_name_and_a_reason_and_save_nothing() -> None:
    """Money that is not spent because a move is left out is no gain, and is said apart."""
    rows = [original(n, of=n, expires_on="2027-01-20") for n in range(3)]
    old, new = planned(*rows), planned(*rows[:1], {**rows[1], "seats": 900_000}, seats_per_day=50)
    found = difference(old, new)
    lost = sum(
        (one.overlap_cost or Decimal(0) for one in old.document.moves if one.seats == 10),
        Decimal(0),
    ) - cost(new)
    (why,) = [one.reason for one in new.document.unplaced]

    dropped = {one.subscription_ids: one for one in found.changes if one.change == "dropped"}
    assert {key: one.differs for key, one in dropped.items()} == {
        "s00001": why,
        "s00002": GONE,
    }
    assert all(one.name for one in dropped.values())
    assert {"EUR": -lost} == found.dropped_costs
    (line,) = [line for line in found.lines() if "EUR" in line]
    assert line.startswith(
        f"{lost:,.2f} EUR is no longer spent, only because its moves are dropped"
    )


def test_a_plan_differs_from_itself_in_nothing() -> None:
    """No change and no cost, said in words."""
    plan = planned(original(1), original(2, of=2))
    found = difference(plan, plan)

    assert (found.changes, found.same) == ((), 2)
    assert "the cost is the same" in found.lines()


def test_a_price_that_became_known_is_no_change_of_cost() -> None:
    """Nothing more is paid because somebody now knows what it costs; the lines say so."""
    found = difference(planned(original(1, unit_price=None)), planned(original(1)))

    assert (found.costs, found.unknown) == ({}, 1)
    assert "the cost is the same" in found.lines()
    assert found.lines()[-1].endswith("count in no cost: 1")


def test_unknown_prices_are_said_and_count_in_no_cost() -> None:
    """What a move without a price costs more or less is not known."""
    old = planned(original(1, unit_price=None, expires_on="2027-01-20"))
    new = planned(original(1, unit_price=None, expires_on="2027-01-27"))
    found = difference(old, new)

    assert (found.costs, found.unknown) == ({}, 1)
    assert timedelta(days=7) == (found.changes[0].now or START) - (found.changes[0].was or START)


# --- Plans of two services ----------------------------------------------------------------------
def elsewhere(plan: Plan) -> Plan:
    """The same plan for a tenant."""
    update = {"service": "tenant:00000000-0000-4000-8000-000000000001"}
    return Plan(plan.document.model_copy(update=update).sealed())


def test_a_plan_of_another_service_is_not_taken_over() -> None:
    """What a rehearsal began says nothing about a tenant."""
    old = elsewhere(planned(original(1)))

    with pytest.raises(PlanRefused, match="made for 'tenant:"):
        planned(original(1), before=Before.of(old, None, None))


def test_a_difference_says_that_the_services_differ() -> None:
    """The moves of a rehearsal may be compared with those of a tenant, and it is said."""
    plan = planned(original(1))

    assert "different services" in difference(plan, elsewhere(plan)).lines()[-1]
    assert not any("services" in line for line in difference(plan, plan).lines())
