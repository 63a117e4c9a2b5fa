from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from cspkit.policy import Patience, Policy, Season, Team, Workdays
from cspkit.scheduling import (
    ALL_TEAMS,
    Capacity,
    Item,
    Room,
    bound_if,
    enough,
    schedule,
    what_if,
    wish_price,
)

MONDAY = date(2026, 11, 23)
CALENDAR = Workdays(Policy())
SEASONS = Patience((Season(first="12-24", last="01-06"),))


def day(number: int) -> date:
    return MONDAY + timedelta(days=number)


def item(key, first, last, seats=1, daily=1, **more):
    """An item with its window in days after a Monday, its end a day after the window."""
    values = {"customer": str(key), "regret": Decimal(daily) * 365, **more}
    return Item(str(key), day(first), day(last), seats, Decimal(daily), day(last + 1), **values)


def scheduled(*items, capacity=None, calendars=None, start=MONDAY, patience=None, **rooms):
    return schedule(
        items,
        capacity or Capacity(**rooms),
        calendars or {ALL_TEAMS: CALENDAR},
        start=start,
        patience=patience,
    )


# --- Days -----------------------------------------------------------------------------------------
def test_an_item_goes_on_its_last_day():
    """A day earlier would cost a day of the replacement."""
    assert {"a": day(3)} == scheduled(item("a", 0, 3), moves=1).days


def test_the_dearest_keeps_the_last_day():
    """Where a day is full, the one whose days cost least goes earlier."""
    found = scheduled(item("a", 0, 1, daily=1), item("b", 0, 1, daily=9), moves=1)

    assert {"b": day(1), "a": MONDAY} == found.days


def test_who_cannot_go_earlier_goes_first():
    """A dear item with time left makes room for one that has only this day."""
    found = scheduled(item("a", 1, 1), item("b", 0, 1, daily=9), moves=1)

    assert {"a": day(1), "b": MONDAY} == found.days


def test_the_greedy_choice_is_not_always_the_cheapest():
    """Walking back and taking the dearest first would pay 24; the least is 23."""
    items = [item("a", 0, 2, daily=5), item("b", 1, 2, daily=4), item("c", 0, 1, daily=1)]
    found = scheduled(*items, moves=1)

    assert {"a": day(2), "b": day(1), "c": MONDAY} == found.days
    assert Decimal(5 * 2 + 4 * 3 + 1 * 3) == found.objective == found.lower_bound


def test_what_finds_no_room_is_left_out():
    """A full week does not overflow into the next one, and nobody could place more."""
    found = scheduled(*[item(number, 0, 3) for number in range(6)], moves=1)

    assert (len(found.days), len(found.left), found.left_out_bound) == (4, 2, 2)


def test_the_least_regretted_is_left_out():
    """A day that only one can have goes to the one whose missed renewal would commit more."""
    found = scheduled(item("a", 0, 0, daily=9, regret=Decimal(10)), item("b", 0, 0), moves=1)

    assert list(found.days) == ["b"]


def test_a_small_original_is_never_given_up_to_save_overlap():
    """Fewest moves are left out, whatever the days of the others cost."""
    found = scheduled(item("small", 3, 3), item("large", 0, 3, daily=9_999), moves=1)

    assert {"small": day(3), "large": day(2)} == found.days


def test_seats_are_counted_too():
    """Two large items do not share a day when the team can place only so many seats."""
    found = scheduled(item("a", 0, 1, 60), item("b", 0, 1, 60), moves=9, seats=100)

    assert {MONDAY, day(1)} == set(found.days.values())


def test_nothing_to_place():
    """An empty plan is a plan."""
    assert scheduled(moves=1).days == {}


def test_the_order_of_items_changes_nothing():
    """The same items in any order give the same days, bound and reasons."""
    rng = random.Random(4)
    items = [
        item(n, n % 7, n % 7 + n % 11, seats=1 + n % 5, daily=1 + n % 3, customer=str(n % 9))
        for n in range(60)
    ]
    one = scheduled(*items, moves=3, seats=9)
    other = scheduled(*rng.sample(items, len(items)), moves=3, seats=9)

    assert (one.days, one.left, one.lower_bound) == (other.days, other.left, other.lower_bound)


# --- Groups, wishes, teams ------------------------------------------------------------------------
def test_a_group_shares_a_day_whatever_it_costs():
    """An add-on is ordered with its base."""
    found = scheduled(item("a", 0, 3, group="g"), item("b", 0, 1, group="g"), moves=2)

    assert {"a": day(1), "b": day(1)} == found.days


def test_a_wish_is_kept_and_has_its_price():
    """Three days of a seat earlier, so that both moves of the customer go together."""
    items = [item("a", 0, 3, together="t"), item("b", 0, 0, together="t")]
    found = scheduled(*items, moves=2)

    assert (found.days, found.parted) == ({"a": MONDAY, "b": MONDAY}, ())
    assert Decimal(3) == wish_price(found)


def test_a_wish_is_given_up_where_somebody_would_lose():
    """Going together never leaves a move out."""
    items = [item("a", 0, 1, together="t"), item("b", 0, 1, together="t")]
    found = scheduled(*items, moves=1)

    assert ({MONDAY, day(1)}, ("t",)) == (set(found.days.values()), found.parted)


def test_each_team_has_its_own_calendar_and_room():
    """Saint Ambrose's day stops nobody in Madrid; a full team does not hold up the other."""
    policy = Policy()
    lisbon = Workdays(policy, Team(name="lisbon", country="PT"))
    holiday = date(2026, 12, 1)
    gap = (holiday - MONDAY).days
    items = [
        item("es", 0, gap),
        item("pt", 0, gap, team="lisbon"),
        item("p2", 0, gap, team="lisbon"),
    ]
    found = scheduled(
        *items,
        calendars={ALL_TEAMS: CALENDAR, "lisbon": lisbon},
        capacity=Capacity(moves=9, teams={"lisbon": Room(moves=1)}),
    )

    assert not lisbon.is_order_day(holiday) and CALENDAR.is_order_day(holiday)
    assert holiday == found.days["es"]
    assert sorted([found.days["pt"], found.days["p2"]])[1] < holiday
    assert found.days["pt"] != found.days["p2"]


# --- Invitations ----------------------------------------------------------------------------------
def waiting(key, last, days=2, **more):
    return item(key, 0, last, lead=(days, "ES"), **more)


def test_a_move_waits_for_its_customers_answer():
    """The invitation goes out on the first day, the order no sooner than the lead allows."""
    found = scheduled(waiting("a", 8), moves=1, invitations=1)

    assert ({"a": MONDAY}, {"a": day(8)}) == (found.invited, found.days)


def test_invitations_go_out_nearest_deadline_first():
    """So many a day; who is later waits behind who is sooner."""
    found = scheduled(waiting("a", 8), waiting("b", 3), moves=1, invitations=1)

    assert {"b": MONDAY, "a": day(1)} == found.invited


def test_an_invitation_that_would_be_late_makes_room_for_one_that_is_not():
    """Who cannot be in time any more is left out and takes nobody's turn."""
    found = scheduled(waiting("late", 1), waiting("in time", 2), moves=1, invitations=1)

    assert ({"in time"}, "lead") == (set(found.days), found.left["late"].reason)


def test_two_invitations_on_the_only_day_need_one_more():
    """The reason names the invitations, and how many more would do."""
    found = scheduled(waiting("a", 2), waiting("b", 2, daily=9), moves=2, invitations=1)
    left = found.left["a"]

    assert (
        left.reason,
        left.short,
        left.day,
    ) == ("invitations_per_day", (("invitations_per_day", "", 1),), MONDAY)
    assert not scheduled(waiting("a", 2), waiting("b", 2), moves=2, invitations=2).left


def test_a_slow_season_stretches_the_lead():
    """The days around Christmas do not count while an answer is waited for."""
    start, last = date(2026, 12, 21), date(2027, 1, 14)
    one = Item("a", start, last, 1, Decimal(1), last, lead=(5, "ES"), customer="a")
    tight = replace(one, latest=date(2027, 1, 7))

    assert {"a": last} == scheduled(one, start=start, moves=1, patience=SEASONS).days
    assert scheduled(tight, start=start, moves=1, patience=SEASONS).left["a"].reason == "lead"
    assert date(2027, 1, 8) == SEASONS.ready(start, 4, "ES")


# --- What is missing ------------------------------------------------------------------------------
def test_one_more_move_on_the_named_day_is_enough():
    """What binds is named with its day, and with it every item has one."""
    items = [item("a", 2, 2, daily=5), item("b", 2, 2)]
    left = scheduled(*items, moves=1).left["b"]

    assert ("moves_per_day", day(2), (("moves_per_day", "", 1),)) == (
        left.reason,
        left.day,
        left.short,
    )
    assert (1, day(1)) == (left.earlier, left.sooner)


def test_enough_says_the_least_that_fits():
    """The smallest change that would place everything, moves first, then seats."""
    items = [item(number, 0, 0, seats=10) for number in range(5)]

    def least(**rooms):
        return enough(scheduled(*items, **rooms))

    assert Capacity(5) == least(moves=2)
    assert Capacity(5, 50) == least(moves=2, seats=20)
    assert Capacity(9, 50) == least(moves=9, seats=20)


def test_no_capacity_helps_a_window_without_an_order_day():
    """A window that is all weekend cannot be bought open."""
    found = scheduled(item("a", 5, 6), moves=1)

    assert (found.left["a"].reason, enough(found)) == ("window", None)


# --- What if --------------------------------------------------------------------------------------
@pytest.mark.parametrize("seats", [None, 40])
def test_what_if_answers_as_a_schedule_from_scratch_would(seats):
    """Another capacity gives feasible days, and a bound that its cost does not undercut."""
    rng = random.Random(7)
    items = [
        item(n, first := rng.randrange(60), first + rng.randrange(40), seats=1 + rng.randrange(9))
        for n in range(150)
    ]
    known = scheduled(*items, moves=8, seats=seats)
    asked = Capacity(5, seats)
    answer, fresh = what_if(known, asked), scheduled(*items, capacity=asked)

    assert len(answer.days) == len(fresh.days)
    assert bound_if(known, asked) <= answer.objective
    if seats is None:
        assert answer.objective == fresh.objective == answer.lower_bound
