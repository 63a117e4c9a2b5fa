"""The plans that people make without a solver: first come first served, nearest end first."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from cspkit.scheduling.parts import Item, Room, Schedule, Setting


@dataclass
class _Unit:
    """Items that share a day, with the days on which they could go."""

    items: list[Item]
    opens: date
    closes: date


def first_come(known: Schedule) -> dict[str, date]:
    """Give each item, nearest readiness first, the first day that has room."""
    if known.setting is None:
        return {}
    board = _Board(known.setting)
    for unit in sorted(_units(known), key=lambda unit: (unit.opens, unit.items[0].key)):
        for place in range(*board.span(unit)):
            if board.put(unit, place):
                break
    return board.days


def earliest_deadline(known: Schedule) -> dict[str, date]:
    """Fill the days from the first one on with what is ready, nearest last day first."""
    if known.setting is None:
        return {}
    board = _Board(known.setting)
    coming = sorted(_units(known), key=lambda unit: (unit.opens, unit.items[0].key), reverse=True)
    waiting: list[tuple[date, str, _Unit]] = []
    for place, day in enumerate(known.setting.days):
        while coming and coming[-1].opens <= day:
            unit = coming.pop()
            heapq.heappush(waiting, (unit.closes, unit.items[0].key, unit))
        passed = []
        while waiting and not board.full(place):
            entry = heapq.heappop(waiting)
            if entry[0] >= day and not board.put(entry[2], place):
                passed.append(entry)
        for entry in passed:
            heapq.heappush(waiting, entry)
    return board.days


def _units(known: Schedule) -> Iterator[_Unit]:
    """Tie the items of a group; a customer that waits is ready behind the plan's invitation."""
    assert known.setting is not None
    setting, groups = known.setting, dict[str, list[Item]]()
    opens = dict(zip((item.key for item in setting.items), _opens(known), strict=True))
    for item in setting.items:
        groups.setdefault(item.group or item.key, []).append(item)
    for items in groups.values():
        yield _Unit(
            items, max(opens[item.key] for item in items), min(item.latest for item in items)
        )


def _opens(known: Schedule) -> list[date]:
    """Open each window behind the invitation that the plan sends; without one it stays shut."""
    import numpy as np

    from cspkit.solving import invitations

    assert known.setting is not None and known.solution is not None
    setting, sent = known.setting, known.solution.invitation
    place = invitations.release(setting.problem, np.where(sent < 0, invitations.NEVER, sent))
    days = [*setting.days, date.max]
    return [
        max(item.earliest, days[min(at, len(days) - 1)])
        for item, at in zip(setting.items, place.tolist(), strict=True)
    ]


class _Board:
    """Days that fill up."""

    def __init__(self, setting: Setting) -> None:
        self.setting, self.capacity = setting, setting.capacity
        self.days: dict[str, date] = {}
        self.moves: Counter[tuple[int, str | None]] = Counter()
        self.seats: Counter[tuple[int, str | None]] = Counter()
        self.open = {
            team: set(line.nonzero()[0].tolist())
            for team, line in zip(setting.teams, setting.open_days, strict=True)
        }

    def span(self, unit: _Unit) -> tuple[int, int]:
        """Say between which places of days a unit may go."""
        from bisect import bisect_left, bisect_right

        days = self.setting.days
        return bisect_left(days, unit.opens), bisect_right(days, unit.closes)

    def full(self, place: int) -> bool:
        """Tell whether a day has no room for any move."""
        return self.capacity.moves is not None and self.moves[place, None] >= self.capacity.moves

    def put(self, unit: _Unit, place: int) -> bool:
        """Put a unit on a day if it fits."""
        moves, seats = Counter[str | None](), Counter[str | None]()
        for item in unit.items:
            for team in (None, item.team):
                moves[team] += 1
                seats[team] += item.seats
        if not all(self._fits(place, team, moves[team], seats[team]) for team in moves):
            return False
        for team in moves:
            self.moves[place, team] += moves[team]
            self.seats[place, team] += seats[team]
        self.days |= {item.key: self.setting.days[place] for item in unit.items}
        return True

    def _fits(self, place: int, team: str | None, moves: int, seats: int) -> bool:
        if team is None:
            room = Room(self.capacity.moves, self.capacity.seats)
        else:
            room = self.capacity.teams.get(team, Room())
            if place not in self.open[team]:
                return False
        if room.moves is not None and self.moves[place, team] + moves > room.moves:
            return False
        return room.seats is None or self.seats[place, team] + seats <= room.seats
