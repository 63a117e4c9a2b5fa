from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from cspkit.policy import Policy, Workdays
from cspkit.scheduling import Capacity, Item, enough, invite, schedule

MONDAY = date(2026, 11, 23)
CALENDAR = Workdays(Policy())


def item(key, first, last, seats=1, daily=1, moves=1):
    """An item with its window in days after a Monday."""
    first, last = MONDAY + timedelta(days=first), MONDAY + timedelta(days=last)
    return Item(str(key), first, last, moves, seats, Decimal(daily))


def test_an_item_goes_on_its_last_day():
    """A day earlier would cost a day of the replacement."""
    assert {"a": MONDAY + timedelta(days=3)} == schedule(
        [item("a", 0, 3)], Capacity(1, None), CALENDAR
    )


def test_the_dearest_keeps_the_last_day():
    """Where a day is full, the one whose days cost least goes earlier."""
    days = schedule(
        [item("a", 0, 1, daily=1), item("b", 0, 1, daily=9)], Capacity(1, None), CALENDAR
    )

    assert {"b": MONDAY + timedelta(days=1), "a": MONDAY} == days


def test_who_cannot_go_earlier_goes_first():
    """A dear item with time left makes room for one that has only this day."""
    days = schedule([item("a", 1, 1), item("b", 0, 1, daily=9)], Capacity(1, None), CALENDAR)

    assert {"a": MONDAY + timedelta(days=1), "b": MONDAY} == days


def test_what_finds_no_room_is_left_out():
    """A full week does not overflow into the next one."""
    items = [item(number, 0, 3) for number in range(5)]

    assert len(schedule(items, Capacity(1, None), CALENDAR)) == 4


def test_seats_are_counted_too():
    """Two large items do not share a day when the team can place only so many seats."""
    days = schedule([item("a", 0, 1, 60), item("b", 0, 1, 60)], Capacity(9, 100), CALENDAR)

    assert {MONDAY, MONDAY + timedelta(days=1)} == set(days.values())


def test_nothing_to_place():
    """An empty plan is a plan."""
    assert schedule([], Capacity(1, None), CALENDAR) == {}


WINDOWS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 9)), min_size=1, max_size=7
)


@given(WINDOWS, st.integers(1, 2))
def test_as_many_items_find_room_as_any_schedule_could_place(windows, capacity):
    """Checked against every subset: Monday to Thursday, a few items, one or two a day."""
    items = [
        item(number, min(a, b), max(a, b), daily=daily)
        for number, (a, b, daily) in enumerate(windows)
    ]
    days = schedule(items, Capacity(capacity, None), CALENDAR)

    for one in items:
        assert one.key not in days or one.earliest <= days[one.key] <= one.latest
    assert all(list(days.values()).count(day) <= capacity for day in days.values())
    assert len(days) == most(items, capacity)


def most(items, capacity):
    """Find the largest set of items for which every span of days has room enough."""
    spans = [(a, b) for a in range(4) for b in range(a, 4)]
    for size in range(len(items), 0, -1):
        for group in combinations(items, size):
            within = [
                sum(
                    MONDAY + timedelta(days=a) <= one.earliest
                    and one.latest <= MONDAY + timedelta(days=b)
                    for one in group
                )
                <= capacity * (b - a + 1)
                for a, b in spans
            ]
            if all(within):
                return size
    return 0


def test_enough_says_the_least_that_fits():
    """The smallest change that would place everything, moves first, then seats."""
    items = [item(number, 0, 0, seats=10) for number in range(5)]

    assert Capacity(5, None) == enough(items, Capacity(2, None), CALENDAR)
    assert Capacity(5, 50) == enough(items, Capacity(2, 20), CALENDAR)
    assert Capacity(9, 50) == enough(items, Capacity(9, 20), CALENDAR)


def test_no_capacity_helps_a_window_without_an_order_day():
    """A window that is all weekend cannot be bought open."""
    assert enough([item("a", 5, 6)], Capacity(1, None), CALENDAR) is None


def test_invitations_go_out_nearest_deadline_first():
    """So many a day, on working days, from the first day on."""
    deadlines = {"c": date(2027, 3, 1), "a": date(2027, 1, 1), "b": date(2027, 1, 1)}
    days = invite(deadlines, 2, date(2026, 11, 27), CALENDAR)

    assert {"a": date(2026, 11, 27), "b": date(2026, 11, 27), "c": date(2026, 11, 30)} == days


def test_an_invitation_that_is_late_makes_room_for_one_that_is_not():
    """Who cannot be in time any more waits behind those who still can."""
    deadlines = {"late": date(2026, 11, 20), "in time": date(2026, 11, 23)}
    days = invite(deadlines, 1, MONDAY, CALENDAR)

    assert {"in time": MONDAY, "late": date(2026, 11, 24)} == days
