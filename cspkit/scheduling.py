"""Days for moves and invitations under the team's capacities; knows windows, not customers."""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
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

    Walks back from the last day. A day takes what could otherwise find no room on the days
    before it, then what is dearest to order early. With one move an item and no limit of seats
    this places as many items as any schedule can. Items missing from the answer found no room.
    """
    if not items:
        return {}
    first = min(item.earliest for item in items)
    days = list(workdays.order_days(first, max(item.latest for item in items)))
    pool = _Pool(items, days, capacity)
    placed: dict[str, date] = {}
    for place in range(len(days) - 1, -1, -1):
        for item in pool.fill(place):
            placed[item.key] = days[place]
    return placed


class _Pool:
    """Items that wait for a day, by the first day they can have, the dearest on top."""

    def __init__(self, items: Sequence[Item], days: list[date], capacity: Capacity) -> None:
        self.days, self.capacity = days, capacity
        self.arriving = sorted(items, key=lambda item: (item.latest, item.key))
        self.heaps: dict[int, list[tuple[Decimal, str, Item]]] = {}
        self.moves: Counter[int] = Counter()
        self.seats: Counter[int] = Counter()
        self.first = {item.key: bisect_left(days, item.earliest) for item in items}
        for item in items:
            self._count(item, 1)

    def fill(self, place: int) -> list[Item]:
        """Choose the items of the day at a place; what could only go later is dropped."""
        self._arrive(place)
        taken: list[Item] = []
        passed: list[Item] = []
        for first in sorted(self.heaps, reverse=True):
            while self._pressing(first, place) and self._take(first, taken, passed):
                pass
        while self._take(0, taken, passed):
            pass
        for item in passed:
            self._push(item)
        return taken

    def _arrive(self, place: int) -> None:
        while self.arriving and self.arriving[-1].latest >= self.days[place]:
            self._push(self.arriving.pop())
        for first in [first for first in self.heaps if first > place]:
            for *_, item in self.heaps.pop(first):
                self._count(item, -1)

    def _pressing(self, first: int, place: int) -> bool:
        """Tell whether more waits from a first day on than the days before this one can take."""
        before = place - first
        moves = sum(count for at, count in self.moves.items() if at >= first)
        if moves > before * self.capacity.moves:
            return True
        seats = sum(count for at, count in self.seats.items() if at >= first)
        return self.capacity.seats is not None and seats > before * self.capacity.seats

    def _take(self, first: int, taken: list[Item], passed: list[Item]) -> bool:
        """Take the dearest item that can wait no longer than a first day; False if none fits."""
        if sum(item.moves for item in taken) >= self.capacity.moves:
            return False
        while tops := [(heap[0], at) for at, heap in self.heaps.items() if at >= first]:
            *_, item = self._pop(min(tops)[1])
            moves = sum(one.moves for one in taken) + item.moves
            seats = sum(one.seats for one in taken) + item.seats
            if self.capacity.fits(moves, seats):
                taken.append(item)
                self._count(item, -1)
                return True
            passed.append(item)
        return False

    def _push(self, item: Item) -> None:
        heap = self.heaps.setdefault(self.first[item.key], [])
        heapq.heappush(heap, (-item.daily, item.key, item))

    def _pop(self, first: int) -> tuple[Decimal, str, Item]:
        entry = heapq.heappop(self.heaps[first])
        if not self.heaps[first]:
            del self.heaps[first]
        return entry

    def _count(self, item: Item, sign: int) -> None:
        self.moves[self.first[item.key]] += sign * item.moves
        self.seats[self.first[item.key]] += sign * item.seats


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
