"""Small problems, decided by CP-SAT: every bundle and day is looked at, and the proof is exact."""

from __future__ import annotations

from typing import Any

import numpy as np

from cspkit.solving.bundles import Bundles
from cspkit.solving.problem import Ints

ARCS = 2_000
EFFORT = 1.0  # in CP-SAT's own deterministic seconds, the same on every machine


def solve(bundles: Bundles) -> Ints | None:
    """Leave out as few moves as can be, then least loss and cost; days, -1 for left out.

    None where the problem is too large, or not proven with the effort allowed.
    """
    if int((bundles.last - bundles.first + 2).sum()) > ARCS:
        return None
    fewest = _best(bundles, None)
    if fewest is None:
        return None
    return _best(bundles, int(bundles.size[fewest < 0].sum()))


def _best(bundles: Bundles, left_out: int | None) -> Ints | None:
    """Minimise the moves left out or, where that number is given, loss and cost."""
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    arcs = _arcs(bundles)
    chosen = [model.new_bool_var("") for _ in arcs]
    of_bundle: list[list[Any]] = [[] for _ in range(bundles.count)]
    on_day: dict[int, list[int]] = {}
    for place, (one, day) in enumerate(arcs):
        of_bundle[one].append(chosen[place])
        on_day.setdefault(day, []).append(place)
    for choices in of_bundle:
        model.add_exactly_one(choices)
    out = on_day.pop(-1, [])
    for day, places in on_day.items():
        for limit in np.flatnonzero(bundles.binding[:, day]).tolist():
            need = [int(bundles.need[arcs[place][0], limit]) for place in places]
            used = cp_model.LinearExpr.weighted_sum([chosen[place] for place in places], need)
            model.add(used <= int(bundles.room[limit, day]))
    size = [int(bundles.size[arcs[place][0]]) for place in out]
    lost = cp_model.LinearExpr.weighted_sum([chosen[place] for place in out], size)
    if left_out is None:
        model.minimize(lost)
    else:
        model.add(lost <= left_out)
        ones, days = (np.array(column) for column in zip(*arcs, strict=True))
        cost = bundles.cost(ones, days).tolist()
        model.minimize(cp_model.LinearExpr.weighted_sum(chosen, cost))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_deterministic_time = EFFORT
    if solver.solve(model) != cp_model.OPTIMAL:
        return None
    day_of = np.empty(bundles.count, np.int64)
    for place, (one, day) in enumerate(arcs):
        if solver.boolean_value(chosen[place]):
            day_of[one] = day
    return day_of


def _arcs(bundles: Bundles) -> list[tuple[int, int]]:
    """List the choices: left out (-1), or a day of the window on which a bundle fits at all."""
    windows = zip(bundles.first.tolist(), bundles.last.tolist(), strict=True)
    return [
        (one, day)
        for one, (first, last) in enumerate(windows)
        for day in (-1, *range(first, last + 1))
        if day < 0 or (bundles.need[one] <= bundles.room[:, day]).all()
    ]
