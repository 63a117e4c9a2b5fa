"""Plans at least cost beside the plans that people make by hand: cost, bound, gap, wall, memory.

    python benchmarks/planning.py [--rounds N]
    python benchmarks/planning.py --case 100000 everything   # one case; this one takes minutes

Each case runs in a process of its own; its seconds are those of the planner alone. Three fifths
of the originals end on the last day of a month, as yearly terms do; the others on any day. Seats
are log-normal (median 12) and no move takes more than a third of a day's seats. A day takes two
and a half times what an average day would have to. `seats` limits the seats of a day as well;
`everything` adds three teams with a capacity each, add-ons that go with their base, customers
whose moves of one week should go together, and customers that have to be invited first, under a
capacity of its own. Their windows open a month after the invitation, so some close before.
"""

from __future__ import annotations

import json
import math
import random
import statistics
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from benchmarks.measuring import Run, interleaved, middle, run, timed
from benchmarks.results import Quote, Ratio, Table, alone, figure
from cspkit import scheduling
from cspkit.policy import Policy, Workdays
from cspkit.scheduling import ALL_TEAMS, Capacity, Item, Room, Schedule

START = date(2026, 11, 23)
YEAR = 366
AHEAD = 2.5
KINDS = ("counts", "seats", "everything")
PRICES = [Decimal(text) for text in ("0.41", "0.822", "1.2", "2.195", "3.57")]
TEAMS = ("north", "south", "west")
LARGEST = 100_000
COMMAND = "python benchmarks/planning.py"
BY_HAND = ("nearest end first, × our cost", "first come, × our cost")
COSTS = (
    "moves",
    "kind",
    "left out",
    "at least",
    "cost",
    "bound",
    "gap %",
    *BY_HAND,
    "what if, gap %",
)
QUOTED = ((10_000, "everything"), (LARGEST, "seats"))
SECONDS = ("s", "what if, bound s", "what if, plan s")
NOTES = [
    "`gap %` is the distance to the proven bound, `at least` how many any plan must leave out. "
    "Those who plan by hand fill the days from the first one on; compared is the cost of the moves "
    "that both place. `what if` asks for a tenth less moves a day, up to 10,000 moves: first the "
    "bound, then the plan. "
    "`s` is the planner's own time, the peak that of the whole process. Costs and bounds are the "
    "same in every run. With `everything` on, 100,000 moves take minutes: not part of this run, "
    "`python benchmarks/planning.py --case 100000 everything` makes it."
]


def items(count: int, everything: bool, largest: int) -> list[Item]:
    rng = random.Random(count)
    ends = [day for day in range(30, YEAR) if (START + timedelta(day + 1)).day == 1]
    customers = max(1, count // 3)
    waits = [rng.random() < 0.3 for _ in range(customers)]
    made: list[Item] = []
    for number in range(count):
        end = rng.choice(ends) if rng.random() < 0.6 else rng.randrange(30, YEAR)
        seats = min(largest, 1 + round(math.exp(rng.gauss(2.5, 1.2))))
        customer = rng.randrange(customers)
        latest = START + timedelta(end - 4)
        daily = rng.choice(PRICES) * seats
        made.append(
            Item(
                key=f"m{number:06d}",
                earliest=max(START, latest - timedelta(rng.randrange(20, 120))),
                latest=latest,
                seats=seats,
                daily=daily,
                expires=START + timedelta(end),
                regret=daily * 365,
                group=f"m{number - 1:06d}" if everything and rng.random() < 0.1 else "",
                together=f"{customer} {latest:%G-%V}" if everything else "",
                customer=f"c{customer:06d}",
                team=TEAMS[customer % 3] if everything else ALL_TEAMS,
                lead=(31, "ES") if everything and waits[customer] else None,
            )
        )
    return [tied(item, made) for item in made] if everything else made


def tied(item: Item, made: list[Item]) -> Item:
    """Let an add-on be of its base's customer, with a window that meets its base's."""
    from dataclasses import replace

    if not item.group:
        return replace(item, group=item.key)
    base = made[int(item.group[1:])]
    if base.group:
        return replace(item, group=item.key)
    return replace(
        base, key=item.key, seats=item.seats, daily=item.daily, regret=item.regret, group=base.key
    )


def capacity(count: int, kind: str, seats: int, days: int) -> Capacity:
    moves = max(4, math.ceil(AHEAD * count / days))
    return Capacity(
        moves=moves,
        seats=None if kind == "counts" else seats,
        invitations=max(2, count // 600) if kind == "everything" else None,
        teams={team: Room(math.ceil(moves * 0.4)) for team in TEAMS}
        if kind == "everything"
        else {},
    )


def case(count: int, kind: str) -> dict[str, Any]:
    calendar = Workdays(Policy())
    days = sum(1 for _ in calendar.order_days(START, START + timedelta(YEAR)))
    seats = math.ceil(AHEAD * 24 * count / days)
    work = items(count, kind == "everything", seats // 3)
    calendars = {ALL_TEAMS: calendar} | dict.fromkeys(TEAMS, calendar)
    rooms = capacity(count, kind, seats, days)
    with timed() as taken:
        found = scheduling.schedule(work, rooms, calendars, start=START)
    return {
        "moves": count,
        "kind": kind,
        "left out": len(found.left),
        "at least": found.left_out_bound,
        "cost": round(found.objective),
        "bound": round(found.lower_bound),
        "gap %": 100 * found.gap,
        "s": taken["wall"],
        BY_HAND[0]: beside(found, scheduling.earliest_deadline(found)),
        BY_HAND[1]: beside(found, scheduling.first_come(found)),
        **(replanned(found, changed(rooms)) if count < LARGEST else {}),
    }


def replanned(found: Schedule, asked: Capacity) -> dict[str, float]:
    """Ask what if: first the bound, then the plan."""
    with timed() as bounding:
        bound = scheduling.bound_if(found, asked)
    with timed() as planning:
        answer = scheduling.what_if(found, asked)
    assert bound <= answer.objective or len(answer.days) < len(found.days), "no bound at all"
    return {
        "what if, bound s": bounding["wall"],
        "what if, plan s": planning["wall"],
        "what if, gap %": 100 * answer.gap,
    }


def changed(rooms: Capacity) -> Capacity:
    """Ask for one operator less: a tenth of the moves of a day."""
    from dataclasses import replace

    return replace(rooms, moves=math.floor((rooms.moves or 0) * 0.9))


def beside(found: Schedule, days: dict[str, date]) -> float:
    """Give how often our cost another plan costs, for what both place."""
    assert found.setting is not None
    both = [item for item in found.setting.items if item.key in days and item.key in found.days]
    other = sum(item.daily * ((item.expires - days[item.key]).days + 1) for item in both)
    ours = sum(item.daily * ((item.expires - found.days[item.key]).days + 1) for item in both)
    return float(other / ours)


def tables(rounds: int, small: bool) -> Iterator[Table]:
    """Plan each kind of each size; those of 100,000 moves that take minutes once."""
    sizes = [200] if small else [1_000, 10_000]
    found = interleaved({f"{n} {kind}": caser(n, kind) for n in sizes for kind in KINDS}, rounds)
    yield table(found, rounds, "Plans beside those made by hand, and beside the bound")
    if not small:
        large = {f"{LARGEST} {kind}": caser(LARGEST, kind) for kind in KINDS[:2]}
        yield table(interleaved(large, 1), 1, f"The same with {LARGEST:,} moves")


def table(found: dict[str, list[Run]], rounds: int, title: str) -> Table:
    """Lay out costs, which are the same in every run, and seconds, which are not."""
    cases = {name: runs[0].said() for name, runs in found.items()}
    rows = []
    for name, runs in found.items():
        told = [one.said() for one in runs]
        seconds = [
            statistics.median(one[what] for one in told) if what in told[0] else None
            for what in SECONDS
        ]
        costs = [cases[name].get(what) for what in COSTS]
        rows.append([*costs, *seconds, middle(runs, "peak")])
    ratios = [
        Ratio(f"{named(one)}: the better plan by hand costs", min(one[side] for side in BY_HAND))
        for one in cases.values()
    ]
    gaps = [
        Ratio(f"{named(one)}: above the bound", one["gap %"], unit="%") for one in cases.values()
    ]
    quotes = [
        Quote(f"days over a year for {named(one)}", said(one, found[name]))
        for name, one in cases.items()
        if (one["moves"], one["kind"]) in QUOTED
    ]
    columns = [*COSTS, *SECONDS, "peak MB"]
    return Table(title, COMMAND, columns, rows, rounds, ratios + gaps, NOTES, quotes)


def named(case: dict[str, Any]) -> str:
    return f"{case['moves']:,} moves, {case['kind']}"


def said(case: dict[str, Any], runs: list[Run]) -> str:
    seconds = statistics.median(one.said()["s"] for one in runs)
    hand, gap = min(case[side] for side in BY_HAND), case["gap %"]
    least = f"at most {figure(gap)} % above the least cost" if gap else "the least cost, proven"
    return f"{seconds:.1f} s, {least}; the better plan by hand costs {hand:.0f} ×"


def caser(count: int, kind: str) -> Callable[[], Run]:
    return lambda: run([sys.executable, __file__, "--case", str(count), kind])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--case"]:
        print(json.dumps(case(int(sys.argv[2]), sys.argv[3])))
    else:
        alone(tables, 3, "the planner")
