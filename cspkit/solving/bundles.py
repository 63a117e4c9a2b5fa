"""Moves that share a day become one bundle; capacities that cannot bind are dropped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from cspkit.solving.problem import Ints, Problem

PLENTY = 2**40
CHUNK = 512


@dataclass(frozen=True)
class Chunk:
    """Some bundles: their places, the days before `width`, the limits they touch."""

    rows: Any
    width: int
    limits: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Bundles:
    """Bundles of moves, in an order that keeps teams and last days together.

    A bundle on day d costs `fixed` − weight × clock[d], left out it costs `loss`. It takes
    `need[:, r]` of `room[r, d]`; limits are named by capacity and team (-1: all teams).
    """

    first: Ints
    last: Ints
    weight: Ints
    fixed: Ints
    loss: Ints
    size: Ints
    need: Ints
    room: Ints
    clock: Ints
    limits: tuple[tuple[str, int], ...]
    strict: bool = True

    @property
    def count(self) -> int:
        """Number of bundles."""
        return len(self.first)

    @property
    def days(self) -> int:
        """Number of days."""
        return len(self.clock)

    @cached_property
    def chunks(self) -> tuple[Chunk, ...]:
        """Cut the bundles into chunks that fit a processor's cache."""
        return tuple(self._chunks())

    @cached_property
    def bulky(self) -> np.ndarray:
        """Tell which bundles do not fit into every day, however empty."""
        if not self.strict or not len(self.limits) or not self.days:
            return np.zeros(self.count, bool)
        return np.asarray((self.need > self.room.min(axis=1)).any(axis=1))

    @cached_property
    def binding(self) -> np.ndarray:
        """Tell, per limit and day, whether the capacity can bind at all."""
        return self.room < PLENTY

    def chunk(self, rows: slice | Ints) -> Chunk:
        """Look at some bundles, at least one."""
        limits = np.flatnonzero(self.need[rows].any(axis=0))
        return Chunk(rows, int(self.last[rows].max()) + 1, tuple(limits.tolist()))

    def cost(self, bundle: Ints, day: Ints) -> Ints:
        """Price bundles on days; day -1 is left out."""
        on = self.fixed[bundle] - self.weight[bundle] * self.clock[np.maximum(day, 0)]
        return np.where(day >= 0, on, self.loss[bundle])

    def barred(self, chunk: Chunk) -> np.ndarray:
        """Tell, per bundle and day before the chunk's width, whether the day is out of bounds."""
        days = np.arange(chunk.width)
        rows = chunk.rows
        out = (days < self.first[rows, None]) | (days > self.last[rows, None])
        if self.bulky[rows].any():
            for limit in chunk.limits:
                out |= self.need[rows, limit, None] > self.room[limit, : chunk.width]
        return np.asarray(out)

    def load(self, day: Ints) -> Ints:
        """Add up what the bundles take of each limit on each day; day -1 takes nothing."""
        placed = day >= 0
        load = np.zeros_like(self.room)
        for limit in range(len(self.limits)):
            np.add.at(load[limit], day[placed], self.need[placed, limit])
        return load

    def thin(self, step: int) -> Bundles:
        """Keep every step-th bundle, and as large a share of every capacity."""
        order = np.lexsort((np.arange(self.count), self.weight, self.first, self.last))
        kept = np.sort(order[step // 2 :: step])
        share = self.need[kept].sum(axis=0) / np.maximum(self.need.sum(axis=0), 1)
        total = np.cumsum(np.where(self.binding, self.room, 0), axis=1) * share[:, None]
        room = np.diff(np.floor(total).astype(np.int64), axis=1, prepend=0)
        kept_room = np.where(self.binding, room, PLENTY)
        return replace(self.take(kept), room=kept_room, strict=False)

    def take(self, kept: Ints) -> Bundles:
        """Keep some bundles under the same capacities."""
        names = ("first", "last", "weight", "fixed", "loss", "size", "need")
        return replace(self, **{name: getattr(self, name)[kept] for name in names})

    def _chunks(self) -> Iterator[Chunk]:
        for start in range(0, self.count, CHUNK):
            yield self.chunk(slice(start, min(self.count, start + CHUNK)))


def bundle(problem: Problem, labels: Ints, first: Ints) -> tuple[Bundles, Ints]:
    """Bundle moves of one label under windows that open at `first`.

    Returns the bundles that fit into some day, and the bundle of each move: -1 where its bundle
    fits into no day, even an empty one.
    """
    kinds, of_move = np.unique(labels, return_inverse=True)
    whole = _bundles(problem, of_move, len(kinds), first)
    order = np.lexsort(
        (
            np.arange(len(kinds)),
            whole.weight,
            whole.first,
            whole.last,
            _lowest(problem.team, of_move, len(kinds)),
        )
    )
    possible = order[_possible(whole.take(order))]
    place = np.full(len(kinds), -1, np.int64)
    place[possible] = np.arange(len(possible))
    return _relax(whole.take(possible)), place[of_move]


def _bundles(problem: Problem, of_move: Ints, count: int, first: Ints) -> Bundles:
    def total(values: Ints) -> Ints:
        out = np.zeros(count, np.int64)
        np.add.at(out, of_move, values)
        return out

    opens = np.zeros(count, np.int64)
    np.maximum.at(opens, of_move, np.maximum(first, 0))
    closes = np.full(count, problem.days - 1, np.int64)
    np.minimum.at(closes, of_move, problem.last)
    names, room = limits(problem)
    need = np.array([total(needs(problem, *name)) for name in names], np.int64)
    return Bundles(
        first=opens,
        last=closes,
        weight=total(problem.weight),
        fixed=total(problem.weight * (problem.expires + 1)),
        loss=total(problem.loss),
        size=total(np.ones(problem.moves, np.int64)),
        need=need.reshape(len(names), count).T,
        room=room,
        clock=problem.day_number,
        limits=tuple(names),
    )


def limits(problem: Problem) -> tuple[list[tuple[str, int]], Ints]:
    """List the capacities, each with its team (-1: all teams), and their room per day."""
    names: list[tuple[str, int]] = []
    rooms: list[Ints] = []
    for name in ("moves_per_day", "seats_per_day"):
        table = getattr(problem, name)
        if table is not None:
            names.append((name, -1))
            rooms.append(table)
    for name in ("team_moves_per_day", "team_seats_per_day"):
        for team, line in enumerate(
            () if getattr(problem, name) is None else getattr(problem, name)
        ):
            names.append((name, team))
            rooms.append(line)
    return names, np.array(rooms, np.int64).reshape(len(names), problem.days)


def needs(problem: Problem, name: str, team: int) -> Ints:
    """Say what each move takes of a capacity."""
    amount = problem.seats if "seats" in name else np.ones(problem.moves, np.int64)
    return amount if team < 0 else np.where(problem.team == team, amount, 0)


def _possible(bundles: Bundles) -> np.ndarray:
    """Tell which bundles fit into at least one empty day of their window."""
    fits = bundles.last >= bundles.first
    for chunk in bundles.chunks:
        if bundles.bulky[chunk.rows].any():
            fits[chunk.rows] &= ~bundles.barred(chunk).all(axis=1)
    return fits


def _relax(bundles: Bundles) -> Bundles:
    """Give plenty of room where all bundles that could come on a day fit together."""
    demand = np.zeros((len(bundles.limits), bundles.days + 1), np.int64)
    for limit in range(len(bundles.limits)):
        np.add.at(demand[limit], bundles.first, bundles.need[:, limit])
        np.subtract.at(demand[limit], bundles.last + 1, bundles.need[:, limit])
    tight = np.cumsum(demand, axis=1)[:, :-1] > bundles.room
    used = np.asarray(tight.any(axis=1))
    return replace(
        bundles,
        need=bundles.need[:, used],
        room=np.where(tight, bundles.room, PLENTY)[used],
        limits=tuple(
            name for name, keep in zip(bundles.limits, used.tolist(), strict=True) if keep
        ),
    )


def _lowest(values: Ints, of_move: Ints, count: int) -> Ints:
    low = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(low, of_move, values)
    return low
