"""The exact days where only moves are counted: a minimum-cost flow over the arcs that matter.

A flow over all arcs is slow and large, and nearly all arcs are useless. Prices of a thinner
problem name the few good days of each bundle; the flow over those gives new prices, they name
what was missed, and when nothing was missed the prices prove the optimum.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cspkit.solving.bundles import PLENTY, Bundles
from cspkit.solving.pricing import FAR, bound, reduced
from cspkit.solving.problem import Ints

FEW = 1500
STEP = 8
GOOD_DAYS = 12
NEARLY = 2  # days of its own weight by which a good day may be dearer than the best


@dataclass(frozen=True)
class Flow:
    """Days of bundles (-1: left out), prices per limit and day, the fee for leaving out."""

    day: Ints
    prices: Ints
    fee: int
    left_out: int
    objective: int
    lower_bound: int


@dataclass(frozen=True)
class _Net:
    """Bundles flow into cells (a team's day), cells into days; day D takes what is left out."""

    bundles: Bundles
    cell: Ints  # line of cells of each bundle
    cell_room: Ints
    day_room: Ints

    @property
    def width(self) -> int:
        return self.bundles.days + 1


def fits(bundles: Bundles) -> bool:
    """Tell whether the capacities count nothing but single moves."""
    lines = bundles.need[:, [index for index, (_, team) in enumerate(bundles.limits) if team >= 0]]
    return (
        all("moves" in name for name, _ in bundles.limits)
        and bool((bundles.size == 1).all())
        and bool((lines.sum(axis=1) <= 1).all())
    )


def solve(bundles: Bundles, start: tuple[Ints, int] | None = None) -> Flow | None:
    """Place as many bundles as can be, at least cost; None where the numbers are too large.

    `start` are prices and a fee to begin with, those of a similar problem.
    """
    if bundles.count > FEW:
        thin = solve(bundles.thin(STEP), start)
        start = (thin.prices, thin.fee) if thin else start
    early = _earliest_deadline(bundles)
    left_out = int((early < 0).sum())
    if left_out and len({team < 0 for _, team in bundles.limits}) == 2:
        counted = _search(_counting(bundles), early, bundles.count, None)
        if counted is None:
            return None
        early, left_out = counted.day, counted.objective
    return _search(bundles, early, left_out, start)


def _counting(bundles: Bundles) -> Bundles:
    """Make every day cost nothing and leaving out cost 1."""
    none = np.zeros(bundles.count, np.int64)
    return replace(bundles, weight=none, fixed=none, loss=none + 1)


def _earliest_deadline(bundles: Bundles) -> Ints:
    """Fill the days from the first, nearest last day first; the most that one limit lets in."""
    day = np.full(bundles.count, -1, np.int64)
    room = bundles.room.copy()
    lines = [tuple(np.flatnonzero(need).tolist()) for need in bundles.need]
    opening = np.argsort(-bundles.first, kind="stable").tolist()
    first, last = bundles.first.tolist(), bundles.last.tolist()
    waiting: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for today in range(bundles.days):
        while opening and first[opening[-1]] <= today:
            one = opening.pop()
            heapq.heappush(waiting.setdefault(lines[one], []), (last[one], one))
        while True:
            open_lines = [
                line for line, heap in waiting.items() if heap and _open(room, line, today)
            ]
            if not open_lines:
                break
            line = min(open_lines, key=lambda line: waiting[line][0])
            deadline, one = heapq.heappop(waiting[line])
            if deadline >= today:
                day[one] = today
                room[line, today] -= 1
    return day


def _open(room: Ints, line: tuple[int, ...], today: int) -> bool:
    return all(room[limit, today] > 0 for limit in line)


def _net(bundles: Bundles, left_out: int) -> _Net:
    teams = [index for index, (_, team) in enumerate(bundles.limits) if team >= 0]
    common = [index for index, (_, team) in enumerate(bundles.limits) if team < 0]
    cells = np.full((len(teams) + 1, bundles.days + 1), PLENTY, np.int64)
    cell = np.zeros(bundles.count, np.int64)
    for line, index in enumerate(teams, start=1):
        cells[line, :-1] = bundles.room[index]
        cell[bundles.need[:, index] > 0] = line
    day_room = np.append(np.full(bundles.days, PLENTY), left_out)
    for index in common:
        day_room[:-1] = bundles.room[index]
    return _Net(bundles, cell, cells, day_room)


def _search(
    bundles: Bundles, feasible: Ints, left_out: int, start: tuple[Ints, int] | None
) -> Flow | None:
    """Flow over good arcs, price, add the arcs that the prices miss, until none is missed."""
    net, near = _net(bundles, left_out), NEARLY if start else PLENTY
    prices, fee = start or (np.zeros_like(bundles.room), 0)
    width, everyone = net.width, np.arange(bundles.count)
    arcs = np.unique(
        np.concatenate(
            [
                _good(bundles, prices, fee, GOOD_DAYS, near),
                everyone * width + bundles.days,
                everyone * width + np.where(feasible < 0, bundles.days, feasible),
            ]
        )
    )
    while True:
        day = _flow(net, arcs, prices, fee)
        if day is None:
            return None
        prices, fee = _potentials(net, arcs, day)
        objective = int(bundles.cost(everyone, day).sum())
        proven = bound(bundles, prices, fee, left_out)
        if proven == objective:
            return Flow(day, prices, fee, int((day < 0).sum()), objective, proven)
        arcs = np.union1d(arcs, _good(bundles, prices, fee, 2, PLENTY))


def _good(bundles: Bundles, prices: Ints, fee: int, days: int, near: int) -> Ints:
    """List the arcs (bundle × width + day) to the best days of each bundle under prices."""
    width, found = bundles.days + 1, []
    for chunk in bundles.chunks:
        table = reduced(bundles, chunk, prices, fee)[:, 1:]
        kth = min(days, table.shape[1]) - 1
        top = np.partition(table, kth, axis=1)[:, kth]
        if near < PLENTY:
            top = np.minimum(top, table.min(axis=1) + near * bundles.weight[chunk.rows])
        ties = table == top[:, None]
        ties &= np.cumsum(ties, axis=1) == 1
        rows, day = np.nonzero((ties | (table < top[:, None])) & (table < FAR))
        found.append((rows + chunk.rows.start) * width + day)
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _flow(net: _Net, arcs: Ints, prices: Ints, fee: int) -> Ints | None:
    """Run OR-tools over some arcs; prices only make its numbers small."""
    from ortools.graph.python import min_cost_flow

    one, day = np.divmod(arcs, net.width)
    out = day == net.bundles.days
    cell_price, day_price = _spread(net, prices, fee)
    cost = net.bundles.cost(one, np.where(out, -1, day)) + cell_price[net.cell[one], day]
    least = np.full(net.bundles.count, FAR)
    np.minimum.at(least, one, cost)
    lines, count = len(net.cell_room), net.bundles.count
    cells = count + np.arange(lines * net.width).reshape(lines, net.width)
    days = count + lines * net.width + np.arange(net.width)
    sink = int(days[-1]) + 1
    solver: Any = min_cost_flow.SimpleMinCostFlow()
    into = solver.add_arcs_with_capacity_and_unit_cost(
        one, cells[net.cell[one], day], np.ones(len(one), np.int64), cost - least[one]
    )
    solver.add_arcs_with_capacity_and_unit_cost(
        cells.ravel(),
        np.tile(days, lines),
        np.minimum(net.cell_room, count).ravel(),
        (day_price - cell_price).ravel(),
    )
    solver.add_arcs_with_capacity_and_unit_cost(
        days, np.full(net.width, sink), np.minimum(net.day_room, count), -day_price
    )
    supplies = np.append(np.ones(count, np.int64), -count)
    solver.set_nodes_supplies(np.append(np.arange(count), sink), supplies)
    if count and solver.solve() != solver.OPTIMAL:
        return None
    used = solver.flows(into) > 0 if count else np.zeros(0, bool)
    chosen = np.empty(count, np.int64)
    chosen[one[used]] = np.where(out, -1, day)[used]
    return chosen


def _spread(net: _Net, prices: Ints, fee: int) -> tuple[Ints, Ints]:
    """Lay prices out over cells and days; a cell costs its own price and its day's."""
    day = np.zeros(net.width, np.int64)
    cell = np.zeros_like(net.cell_room)
    line = 0
    for index, (_, team) in enumerate(net.bundles.limits):
        if team < 0:
            day[:-1] += prices[index]
        else:
            line += 1
            cell[line, :-1] = prices[index]
    day[-1] = fee
    return cell + day, day


def _potentials(net: _Net, arcs: Ints, chosen: Ints) -> tuple[Ints, int]:
    """Read the least prices that make every chosen arc the best of its bundle.

    Grows prices from zero: a cell costs at least what the bundles in it would save elsewhere.
    """
    bundles, width = net.bundles, net.width
    one, day = np.divmod(arcs, width)
    here = np.where(chosen < 0, bundles.days, chosen)
    cost = bundles.cost(one, np.where(day == bundles.days, -1, day))
    extra = cost - bundles.cost(np.arange(bundles.count), chosen)[one]
    shift = np.full((len(net.cell_room), width, width), 2 * FAR)
    np.minimum.at(shift, (net.cell[one], here[one], day), extra)
    load = np.zeros_like(net.cell_room)
    np.add.at(load, (net.cell, here), 1)
    slack = load < net.cell_room
    cell, price = np.zeros_like(load), np.zeros(width, np.int64)
    while True:
        before = cell.sum() + price.sum()
        cell = np.maximum(cell, (cell[:, :, None] - shift).max(axis=1))
        cell = np.maximum(cell, price)
        price = np.maximum(price, np.where(slack, cell, 0).max(axis=0))
        if cell.sum() + price.sum() == before:
            return _gather(net, cell, price), int(price[-1])


def _gather(net: _Net, cell: Ints, price: Ints) -> Ints:
    """Split cell prices into what the day costs and what the team's own limit adds."""
    prices = np.zeros_like(net.bundles.room)
    line = 0
    for index, (_, team) in enumerate(net.bundles.limits):
        if team < 0:
            prices[index] = price[:-1]
        else:
            line += 1
            prices[index] = (cell[line] - price)[:-1]
    return prices
