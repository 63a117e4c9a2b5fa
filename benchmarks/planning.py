"""Plans at least cost beside the plans that people make by hand: cost, bound, gap, wall, memory.

    python benchmarks/planning.py [MOVES ...] [--out benchmarks/planning.md]

Each case runs in a process of its own. Three fifths of the originals end on the last day of a
month, as yearly terms do; the others on any day. Seats are log-normal (median 12) and no move takes
more than a third of a day's seats. A day takes two and a half times what an average day would
have to. `seats` limits the seats of a day as well; `everything` adds three teams with a capacity
each, add-ons that go with their base, customers whose moves of one week should go together, and
customers that have to be invited first, under a capacity of its own. Their windows open a month
after the invitation, so some close before; `left out` says how many any plan must leave out.

`gap %` is the distance to the proven bound. The plans beside it fill the days from the first one
on; their cost is that of the moves which both place. `what if` asks for a tenth less moves a day:
first the bound, then the plan.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import resource
import subprocess
import sys
import time
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from cspkit import scheduling
from cspkit.policy import Policy, Workdays
from cspkit.scheduling import ALL_TEAMS, Capacity, Item, Room, Schedule

START = date(2026, 11, 23)
YEAR = 366
AHEAD = 2.5
KINDS = ("counts", "seats", "everything")
PRICES = [Decimal(text) for text in ("0.41", "0.822", "1.2", "2.195", "3.57")]
TEAMS = ("north", "south", "west")


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


def case(count: int, kind: str) -> dict[str, object]:
    calendar = Workdays(Policy())
    days = sum(1 for _ in calendar.order_days(START, START + timedelta(YEAR)))
    seats = math.ceil(AHEAD * 24 * count / days)
    work = items(count, kind == "everything", seats // 3)
    calendars = {ALL_TEAMS: calendar} | dict.fromkeys(TEAMS, calendar)
    rooms = capacity(count, kind, seats, days)
    begin = time.perf_counter()
    found = scheduling.schedule(work, rooms, calendars, start=START)
    wall = time.perf_counter() - begin
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    asked = changed(rooms)
    begin = time.perf_counter()
    bound = scheduling.bound_if(found, asked)
    bounded = time.perf_counter() - begin
    begin = time.perf_counter()
    answer = scheduling.what_if(found, asked)
    replanned = time.perf_counter() - begin
    return {
        "moves": count,
        "kind": kind,
        "left out": f"{len(found.left)} (at least {found.left_out_bound})",
        "cost": f"{found.objective:.0f}",
        "bound": f"{found.lower_bound:.0f}",
        "gap %": f"{100 * found.gap:.3f}",
        "s": f"{wall:.1f}",
        "MB": f"{memory:.0f}",
        "nearest end first": beside(found, scheduling.earliest_deadline(found)),
        "first come": beside(found, scheduling.first_come(found)),
        "what if, bound s": f"{bounded:.2f}",
        "what if, plan s": f"{replanned:.2f}",
        "what if, gap %": f"{100 * answer.gap:.3f}",
        "bound holds": bool(bound <= answer.objective or len(answer.days) < len(found.days)),
    }


def changed(rooms: Capacity) -> Capacity:
    """Ask for one operator less: a tenth of the moves of a day."""
    from dataclasses import replace

    return replace(rooms, moves=math.floor((rooms.moves or 0) * 0.9))


def beside(found: Schedule, days: dict[str, date]) -> str:
    """Compare the cost of what both place, and say what the other leaves out."""
    assert found.setting is not None
    both = [item for item in found.setting.items if item.key in days and item.key in found.days]
    other = sum(item.daily * ((item.expires - days[item.key]).days + 1) for item in both)
    ours = sum(item.daily * ((item.expires - found.days[item.key]).days + 1) for item in both)
    left = len(found.setting.items) - len(days)
    return f"{other / ours:.2f} x, {left} left out"


def main() -> None:
    parser = argparse.ArgumentParser(description="measure the planner")
    parser.add_argument("moves", nargs="*", type=int, default=[1_000, 10_000, 100_000])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--case", nargs=2)
    asked = parser.parse_args()
    if asked.case:
        print(json.dumps(case(int(asked.case[0]), asked.case[1])))
        return
    rows = []
    for count in asked.moves:
        for kind in KINDS:
            command = [sys.executable, __file__, "--case", str(count), kind]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            rows.append(json.loads(done.stdout))
            print(rows[-1], flush=True)
    if asked.out:
        lines = [list(rows[0]), ["---"] * len(rows[0]), *[list(row.values()) for row in rows]]
        table = "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
        title, _, words = (__doc__ or "").partition("\n\n")
        asked.out.write_text(f"# {title}\n\n{words}\n{table}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
