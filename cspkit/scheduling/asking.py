"""Days for items at least cost, what other capacities would do, and what would be enough."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

from cspkit.policy import Patience, Workdays
from cspkit.scheduling.counting import counted, solved, under
from cspkit.scheduling.parts import Capacity, Item, Schedule

TRIED_MOVES = 2_000
ROOMS = ("moves_per_day", "seats_per_day")


def schedule(
    items: Iterable[Item],
    capacity: Capacity,
    calendars: Mapping[str, Workdays],
    *,
    start: date,
    patience: Patience | None = None,
) -> Schedule:
    """Give items their days at least total cost; the order of the items changes nothing.

    As many items as can be get a day; of those that cannot all have one, the ones whose loss is
    regretted least are left out. `calendars` holds the working days of each team that an item
    names, under `ALL_TEAMS` those of the office that invites, from `start` on.
    """
    ordered = tuple(sorted(items, key=lambda item: item.key))
    if not ordered:
        return Schedule({}, {}, {}, Decimal(0), Decimal(0))
    return solved(counted(ordered, capacity, calendars, start, patience))


def what_if(known: Schedule, capacity: Capacity) -> Schedule:
    """Answer at once what other capacities would do, starting from a schedule that is known."""
    if known.setting is None:
        return known
    return solved(under(known.setting, capacity), known.solution)


def bound_if(known: Schedule, capacity: Capacity) -> Decimal:
    """Bound what other capacities would cost for the same items, before anything is planned."""
    from cspkit import solving

    if known.setting is None or known.solution is None:
        return Decimal(0)
    problem = under(known.setting, capacity).problem
    proven = solving.lower_bound(problem, known.solution)
    return Decimal(proven) / known.setting.scale


def wish_price(known: Schedule) -> Decimal:
    """Price the wish to go together: what the schedule costs more than without it."""
    from cspkit import solving

    if known.setting is None or known.solution is None or not known.setting.wishes:
        return Decimal(0)
    price = solving.wish_price(known.setting.problem, known.solution)
    return Decimal(price) / known.setting.scale


def enough(known: Schedule) -> Capacity | None:
    """Find, by trying, the least moves a day, then seats, that place whatever lacks only those.

    None where no such capacity helps, or where trying would take too long.
    """
    setting = known.setting
    crowded = {key for key, left in known.left.items() if left.short and left.reason in ROOMS}
    if setting is None or not crowded or len(setting.items) > TRIED_MOVES:
        return None
    tried = [item for item in setting.items if item.key in known.days or item.key in crowded]
    keys, old = {item.key for item in tried}, setting.capacity
    moves = max(len(tried), old.moves or 0)
    seats = max(sum(item.seats for item in tried), old.seats or 0)

    def works(capacity: Capacity) -> bool:
        return not keys & what_if(known, capacity).left.keys()

    if not works(replace(old, moves=moves, seats=None)):
        return None
    best = replace(old, seats=None)
    if old.moves is not None:
        best = replace(
            best, moves=_least(old.moves, moves, lambda n: works(replace(best, moves=n)))
        )
    if old.seats is None or works(replace(best, seats=old.seats)):
        return replace(best, seats=old.seats)
    return replace(best, seats=_least(old.seats, seats, lambda n: works(replace(best, seats=n))))


def _least(low: int, high: int, works: Callable[[int], bool]) -> int:
    """Halve the span between a number that may be too small and one that works."""
    low -= 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if works(middle) else (middle, high)
    return high
