"""Days for moves and invitations under the team's capacities; knows windows, not customers."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from cspkit.policy import Workdays


@dataclass(frozen=True)
class Item:
    """Moves that go together on one day of their window; `daily` is what a day earlier costs."""

    key: str
    earliest: date
    latest: date
    moves: int
    seats: int
    daily: Decimal


@dataclass(frozen=True)
class Capacity:
    """What the team can place on one day."""

    moves: int
    seats: int | None

    def fits(self, moves: int, seats: int) -> bool:
        """Tell whether so many moves and seats fit into one day."""
        return moves <= self.moves and (self.seats is None or seats <= self.seats)


def schedule(items: Sequence[Item], capacity: Capacity, workdays: Workdays) -> dict[str, date]:
    """Give items their days, as late as their windows and the capacities allow.

    Walks back from the last day. A day takes first what can go on few days before it, then what
    is dearest to order early; with one move an item and no limit of seats this places as many
    items as any schedule can. Items that are missing from the answer found no room.
    """
    if not items:
        return {}
    first = min(item.earliest for item in items)
    last = max(item.latest for item in items)
    waiting = sorted(items, key=lambda item: (item.latest, item.key))
    pool: list[tuple[int, Decimal, str, Item]] = []
    placed: dict[str, date] = {}
    for day in reversed(list(workdays.order_days(first, last))):
        while waiting and waiting[-1].latest >= day:
            item = waiting.pop()
            urgency = (-item.earliest.toordinal(), -item.daily, item.key)
            heapq.heappush(pool, (*urgency, item))
        for item in _fill(day, pool, capacity):
            placed[item.key] = day
    return placed


def _fill(
    day: date, pool: list[tuple[int, Decimal, str, Item]], capacity: Capacity
) -> Iterator[Item]:
    """Take from the pool what fits into a day; what cannot go on a day so early is dropped."""
    moves = seats = 0
    passed = []
    while pool and moves < capacity.moves:
        entry = heapq.heappop(pool)
        item = entry[-1]
        if item.earliest > day:
            continue
        if capacity.fits(moves + item.moves, seats + item.seats):
            moves, seats = moves + item.moves, seats + item.seats
            yield item
        else:
            passed.append(entry)
    for entry in passed:
        heapq.heappush(pool, entry)


def invite(
    deadlines: dict[str, date], per_day: int, start: date, workdays: Workdays
) -> dict[str, date]:
    """Give customers the day of their invitation, nearest deadline first, as early as can be.

    A customer whose deadline passed before its turn came is still invited, behind the others.
    """
    queue = sorted(deadlines.items(), key=lambda pair: (pair[1], pair[0]))
    days: dict[str, date] = {}
    late: list[str] = []
    day, room = workdays.on_or_after(start), per_day
    for key, deadline in queue:
        if day > deadline:
            late.append(key)
            continue
        days[key] = day
        day, room = (day, room - 1) if room > 1 else (workdays.after(day, 1), per_day)
    for key in late:
        days[key] = day
        day, room = (day, room - 1) if room > 1 else (workdays.after(day, 1), per_day)
    return days


def enough(items: Sequence[Item], capacity: Capacity, workdays: Workdays) -> Capacity | None:
    """Find the least moves a day, then the least seats, with which every item finds room."""
    if any(item.earliest > item.latest for item in items):
        return None
    top = Capacity(max(capacity.moves, sum(item.moves for item in items)), None)
    if not _all(items, top, workdays):
        return None
    moves = _least(capacity.moves, top.moves, lambda n: _all(items, Capacity(n, None), workdays))
    if capacity.seats is None or _all(items, Capacity(moves, capacity.seats), workdays):
        return Capacity(moves, capacity.seats)
    seats = _least(
        capacity.seats,
        sum(item.seats for item in items),
        lambda n: _all(items, Capacity(moves, n), workdays),
    )
    return Capacity(moves, seats)


def _all(items: Sequence[Item], capacity: Capacity, workdays: Workdays) -> bool:
    return len(schedule(items, capacity, workdays)) == len(items)


def _least(low: int, high: int, works: Callable[[int], bool]) -> int:
    """Halve the span between a number that is too small and one that works."""
    low -= 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if works(middle) else (middle, high)
    return high
