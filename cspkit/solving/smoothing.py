"""Day prices by Newton's method on a smoothed Lagrangian dual, kept inside by a barrier.

Under prices each bundle takes its cheapest day. Smoothed, it spreads over the days that are
nearly as cheap; `warmth` says how near, in days of its own weight. Cooling step by step, prices
approach the dual optimum, and the spread approaches a plan that is whole for most bundles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cspkit.solving.bundles import Bundles, Chunk
from cspkit.solving.pricing import reduced

Floats = NDArray[np.float64]
BARRIER = 0.02
STEPS = 30
GAIN = 2e-4
OVERLOAD = 0.01
SLIGHT = 1e-6
DEAREST = 1e12  # of the unit: where no plan is possible, prices would rise for ever
FAINT = -30.0  # smaller shares only slow the processor down


@dataclass(frozen=True)
class Prices:
    """A price per limit and day, and what leaving a move out costs (None: not allowed)."""

    table: Floats
    fee: int | None


@dataclass
class _Slope:
    """Smoothed and sharp value of the dual, and by how much each limit is over its room."""

    value: float
    sharp: float
    excess: Floats


class Smoother:
    """The smoothed dual of bundles."""

    def __init__(self, bundles: Bundles, barrier: float = BARRIER) -> None:
        self.bundles, self.barrier = bundles, barrier
        self.need, self.room = bundles.need.astype(float), bundles.room.astype(float)
        self.priced = bundles.binding
        mean = max(float(bundles.weight.mean()), 1.0)
        self.weight = np.maximum(bundles.weight, 1e-3 * mean)
        self.unit = unit(bundles)
        place = np.where(self.priced.ravel(), np.cumsum(self.priced) - 1, -1)
        self.place = place.reshape(self.priced.shape)

    def cool(self, start: Prices, warmths: tuple[float, ...]) -> tuple[Prices, Prices]:
        """Cool down from start; returns the prices of the highest bound and the last ones."""
        least = np.maximum(start.table, 1e-2 * self.unit)
        table = np.where(self.priced, least, 0.0)
        self.fee = start.fee
        self.best = (-np.inf, table)
        for warmth in warmths:
            table = self._climb(table, warmth)
        return Prices(self.best[1], self.fee), Prices(table, self.fee)

    def _climb(self, table: Floats, warmth: float) -> Floats:
        """Take damped Newton steps at one warmth until little is left to gain."""
        on = self.priced
        barrier = warmth * self.barrier * np.maximum(self.room, 1) * self.unit
        slope = self._slope(table, warmth)
        for _ in range(STEPS if on.any() else 0):
            value = self._inside(slope, table, barrier)
            push = slope.excess[on] + barrier[on] / table[on]
            step = np.zeros_like(table)
            step[on] = _solve(self._bend(table, warmth), push, barrier[on] / table[on] ** 2)
            promise = float(push @ step[on])
            over = float((slope.excess[on] / np.maximum(self.room[on], 1)).max())
            if promise < GAIN * abs(value) and over < OVERLOAD:
                break
            length = min(1.0, 0.9 / max(1e-9, float((-step[on] / table[on]).max())))
            while True:
                ahead = np.minimum(table + length * step, DEAREST * self.unit)
                slope = self._slope(ahead, warmth)
                gain = self._inside(slope, ahead, barrier) - value
                if gain > 0.01 * length * promise or length < 1e-5:
                    break
                length *= 0.4
            table = ahead
        return table

    def _inside(self, slope: _Slope, table: Floats, barrier: Floats) -> float:
        on = self.priced
        return slope.value + float((barrier[on] * np.log(table[on] / self.unit[on])).sum())

    def _slope(self, table: Floats, warmth: float) -> _Slope:
        excess = -self.room
        value = -float((table * self.room)[self.priced].sum())
        slope = _Slope(value, value, excess)
        for chunk in self.bundles.chunks:
            rows = chunk.rows
            share, least, mass = self._share(chunk, table, warmth)
            fixed = float(self.bundles.fixed[rows].sum()) + float(least.sum())
            slope.sharp += fixed
            slope.value += fixed - warmth * float((self.weight[rows] * np.log(mass)).sum())
            for one in chunk.limits:
                slope.excess[one, : chunk.width] += self.need[rows, one] @ share[:, 1:]
        if slope.sharp > self.best[0]:
            self.best = (slope.sharp, table)
        return slope

    def _share(self, chunk: Chunk, table: Floats, warmth: float) -> tuple[Floats, Floats, Floats]:
        """Spread a chunk over left out and the days; also the least prices and the mass."""
        share = reduced(self.bundles, chunk, table, self.fee)
        least = share.min(axis=1)
        share -= least[:, None]
        share /= -warmth * self.weight[chunk.rows, None]
        np.maximum(share, FAINT, out=share)
        np.exp(share, out=share)
        mass = share.sum(axis=1)
        share /= mass[:, None]
        return share, least, mass

    def _bend(self, table: Floats, warmth: float) -> Floats:
        """Reckon the curvature, a line and a column for each price."""
        count = int(self.priced.sum())
        bend = np.zeros((count, count))
        for chunk in self.bundles.chunks:
            share, _, _ = self._share(chunk, table, warmth)
            self._add(bend, chunk, share, warmth)
        return np.asarray(np.triu(bend) + np.triu(bend, 1).T)

    def _add(self, bend: Floats, chunk: Chunk, share: Floats, warmth: float) -> None:
        """Add a chunk's share of the curvature, upper triangle only."""
        rows = chunk.rows
        near = np.flatnonzero(share[:, 1:].max(axis=0) > SLIGHT)
        single = share[:, near + 1].astype(np.float32)
        corner = np.arange(len(near))
        for order, one in enumerate(chunk.limits):
            for other in chunk.limits[order:]:
                pull = self.need[rows, one] * self.need[rows, other]
                pull = (pull / (warmth * self.weight[rows])).astype(np.float32)
                block = -(single * pull[:, None]).T @ single
                block[corner, corner] += pull @ single
                row, column = self.place[one, near], self.place[other, near]
                block = block[np.ix_(row >= 0, column >= 0)]
                bend[np.ix_(row[row >= 0], column[column >= 0])] += block


def _solve(bend: Floats, push: Floats, barrier: Floats) -> Floats:
    """Solve the Newton system, scaled so that every price has curvature 1."""
    corner = np.arange(len(push))
    bend[corner, corner] = np.maximum(bend[corner, corner], 0) + barrier
    scale = 1 / np.sqrt(bend[corner, corner])
    bend *= scale[:, None]
    bend *= scale
    bend[corner, corner] += 1e-6
    try:
        step = np.linalg.solve(bend, push * scale)
    except np.linalg.LinAlgError:
        step = push * scale
    return np.asarray(step * scale)


def spread(bundles: Bundles, chunk: Chunk, prices: Prices, warmth: float) -> NDArray[Any]:
    """Share each bundle of a chunk over left out (column 0) and the days."""
    table = reduced(bundles, chunk, prices.table, prices.fee)
    table -= table.min(axis=1)[:, None]
    weight = np.maximum(bundles.weight, 1e-3 * max(float(bundles.weight.mean()), 1.0))
    share = np.exp(np.maximum(-table / (warmth * weight[chunk.rows, None]), FAINT))
    return np.asarray(share / share.sum(axis=1)[:, None])


def unit(bundles: Bundles) -> Floats:
    """Price one more move or seat at what an average bundle costs a day."""
    need = np.maximum(bundles.need.mean(axis=0), 1e-9)
    level = max(float(bundles.weight.mean()), 1.0) / need
    return np.repeat(level[:, None], bundles.days, axis=1)


def rounded(prices: Prices, bundles: Bundles) -> Prices:
    """Cut prices to a ten-thousandth of a day's worth, below what processors disagree about."""
    grain = unit(bundles) * 1e-4
    return Prices(np.rint(prices.table / grain) * grain, prices.fee)
