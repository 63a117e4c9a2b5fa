"""What the report says of time: moves left, the forecast, what waits, what changed."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cspkit.policy import Policy, Workdays
from cspkit.reporting import changes, outlook, waiting
from cspkit.reporting.figures import Standing

AS_OF = date(2026, 11, 20)
DAY = timedelta(1)


def move(number: int = 1, **values: Any) -> dict[str, Any]:
    """A placed move of ten seats that waits for its day, but for what the test names."""
    row = {
        "move_id": f"mv-{number}",
        "batch": "B001",
        "customer_id": f"c{number}",
        "name": f"Customer {number}",
        "product": "Microsoft 365 Business Basic",
        "seats": 10,
        "date": AS_OF + 10 * DAY,
        "done_on": None,
        "expires_on": AS_OF + 30 * DAY,
        "invite_on": None,
        "access_by": None,
        "renewal_safe_on": None,
        "overlap_cost": None,
        "currency": "EUR",
        "standing": Standing.WAITING,
        "past": set(),
    }
    return row | values


days = st.integers(-60, 200).map(lambda number: AS_OF + number * DAY)


@given(st.lists(st.tuples(days, st.none() | st.integers(-20, 20)), min_size=1, max_size=30))
def test_the_moves_that_are_left_only_become_fewer(found: list[tuple[date, int | None]]) -> None:
    """Both lines fall from all moves, the plan's to none; nothing is known of the future."""
    moves = [
        move(n, date=day, done_on=min(day + late * DAY, AS_OF) if late is not None else None)
        for n, (day, late) in enumerate(found)
    ]
    rows = outlook.burndown(moves, AS_OF)

    planned = [row["planned"] for row in rows]
    left = [row["left"] for row in rows if row["left"] is not None]
    assert planned == sorted(planned, reverse=True) and planned[-1] == 0
    assert left == sorted(left, reverse=True)
    assert left[-1] == sum(one["done_on"] is None for one in moves)
    assert [row["day"] for row in rows if row["left"] is None] == [
        row["day"] for row in rows if row["day"] > AS_OF
    ]
    assert AS_OF in [row["day"] for row in rows]


def test_a_forecast_waits_for_enough_that_is_done() -> None:
    """Nine finished moves say nothing yet; ten do."""
    done = [move(n, date=AS_OF - 5 * DAY, done_on=AS_OF - 3 * DAY) for n in range(10)]

    few = outlook.forecast([*done[:9], move(99)], AS_OF, seed=1)
    enough = outlook.forecast([*done, move(99)], AS_OF, seed=1)

    assert few == {"finished": 9, "left": 1, "finish": None, "late": None}
    assert enough["finish"] == [AS_OF + 12 * DAY] * 3
    assert enough["late"] == [0, 0, 0]


def test_a_forecast_spreads_as_the_finished_moves_did() -> None:
    """Half came at once and half ten days late: one move that is left may be either."""
    done = [move(n, date=AS_OF - 20 * DAY, done_on=AS_OF - 20 * DAY) for n in range(10)]
    done += [move(n + 10, date=AS_OF - 20 * DAY, done_on=AS_OF - 10 * DAY) for n in range(10)]
    left = move(99, expires_on=AS_OF + 15 * DAY)

    found = outlook.forecast([*done, left], AS_OF, seed=7)

    assert found["finish"][0] == AS_OF + 10 * DAY
    assert found["finish"][2] == AS_OF + 20 * DAY
    assert (found["late"][0], found["late"][2]) == (0, 1)
    assert found == outlook.forecast([*done, left], AS_OF, seed=7)


def test_a_forecast_has_nothing_to_say_of_a_plan_that_is_done() -> None:
    """Nothing left has no last day."""
    done = [move(n, date=AS_OF - 5 * DAY, done_on=AS_OF) for n in range(12)]

    assert outlook.forecast(done, AS_OF, seed=1)["finish"] is None


def test_unanswered_invitations_are_counted_by_age_each_once() -> None:
    """The bands meet without a gap; who answered is not among them."""
    asked = {f"c{n}": AS_OF - n * DAY for n in (0, 7, 8, 14, 15, 21, 22, 90)}
    customers = [
        {
            **{"customer_id": one, "name": one, "market": "ES", "seats": 5},
            **{"relationship": "asked", "next_expiration": AS_OF + 30 * DAY},
        }
        for one in asked
    ]
    customers.append({**customers[0], "customer_id": "done", "relationship": "done"})

    rows = waiting.invitations(customers, asked, AS_OF)

    assert [row["days"] for row in rows] == [90, 22, 21, 15, 14, 8, 7, 0]
    assert [(row["upto"], row["customers"], row["seats"]) for row in waiting.ages(rows)] == [
        *((7, 2, 10), (14, 2, 10), (21, 2, 10), (None, 2, 10))
    ]


def test_a_move_is_paid_twice_until_its_original_ends() -> None:
    """The last day of the original counts; before the order and after the end, nothing does."""
    moves = [
        move(1, expires_on=AS_OF),
        move(2, expires_on=AS_OF - DAY),
        move(3, expires_on=AS_OF + 4 * DAY),
        move(4),
    ]
    ordered = {"mv-1": AS_OF - DAY, "mv-2": AS_OF - DAY, "mv-3": AS_OF}

    rows = waiting.paying_twice(moves, ordered, AS_OF)

    assert [(row["move_id"], row["days_left"]) for row in rows] == [("mv-3", 5), ("mv-1", 1)]


@given(st.lists(st.tuples(days, st.none() | days), max_size=25))
def test_the_coming_days_hold_each_open_move_once(found: list[tuple[date, date | None]]) -> None:
    """What fell on a day before or on a holiday is on the next working day, and only there."""
    moves = [move(n, date=day, invite_on=invite) for n, (day, invite) in enumerate(found)]
    workdays = Workdays(Policy())

    rows = waiting.coming_days(moves, workdays, AS_OF)

    last = rows[-1]["day"]
    assert [row["day"] for row in rows] == sorted({row["day"] for row in rows})
    assert all(workdays.is_workday(row["day"]) for row in rows) and len(rows) == 10
    assert sum(row["order"] for row in rows) == sum(one["date"] <= last for one in moves)
    assert sum(row["seats"] for row in rows) == sum(
        one["seats"] for one in moves if one["date"] <= last
    )
    assert sum(row["invite"] for row in rows) == sum(
        one["invite_on"] is not None and one["invite_on"] <= last for one in moves
    )


def test_what_is_done_does_not_fall_on_a_day() -> None:
    """Ordered moves, customers already invited and moves without a batch are not counted."""
    moves = [
        move(1, date=AS_OF, standing=Standing.UNDER_WAY),
        move(2, date=AS_OF, batch=None),
        move(3, date=AS_OF, invite_on=AS_OF, past={"invite"}),
    ]

    first = waiting.coming_days(moves, Workdays(Policy()), AS_OF)[0]

    assert (first["order"], first["invite"]) == (1, 0)


def test_resellers_are_told_apart_only_where_there_are_several() -> None:
    """One seller needs no table of sellers."""
    moves = [move(1), move(2, standing=Standing.MOVED)]

    assert waiting.resellers(moves, {"c1": "r1", "c2": "r1"}) == []
    assert [
        (row["reseller_id"], row["moves"], row["moved"])
        for row in waiting.resellers(moves, {"c2": "r1"})
    ] == [("", 1, 0), ("r1", 1, 1)]


def test_a_report_is_compared_with_the_last_one_of_another_day(tmp_path: Path) -> None:
    """Of the same service, from before this day; a file that is none is passed over."""
    earlier = [move(1), move(2), move(3)]
    changes.keep(tmp_path, earlier, AS_OF - 2 * DAY, "p1", "rehearsal:x")
    changes.keep(tmp_path, earlier[:1], AS_OF, "p1", "rehearsal:x")
    (tmp_path / f"{AS_OF - DAY}.json").write_text("[]")
    now = [move(1, standing=Standing.MOVED), move(3), move(4, seats=7)]

    before = changes.latest(tmp_path, AS_OF, "rehearsal:x")

    assert before is not None and before.as_of == AS_OF - 2 * DAY
    assert changes.compare(before, now) == [
        {"before": "waiting", "now": "moved", "moves": 1, "seats": 10},
        {"before": "new", "now": "waiting", "moves": 1, "seats": 7},
        {"before": "waiting", "now": "gone", "moves": 1, "seats": 0},
    ]
    assert changes.latest(tmp_path, AS_OF, "tenant:y") is None
    assert changes.compare(None, now) == []
