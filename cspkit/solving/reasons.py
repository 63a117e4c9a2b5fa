"""Why a move found no day, and the least change that would let it in beside all others."""

from __future__ import annotations

import numpy as np

from cspkit.solving import invitations
from cspkit.solving.bundles import limits, needs
from cspkit.solving.problem import Flags, Ints, Problem, Unplaced


def explain(problem: Problem, day: Ints, invitation: Ints) -> tuple[Unplaced, ...]:
    """Explain the moves without a day; what is tied to a move counts as part of it."""
    out = np.flatnonzero(day < 0)
    if not len(out):
        return ()
    room = _Room(problem, day)
    opens = invitations.release(problem, invitation)
    soonest = invitations.release(problem, invitations.earliest(problem))
    order = np.argsort(problem.group, kind="stable")
    groups = problem.group[order]

    def tied(one: int) -> Ints:
        group = problem.group[one]
        if group < 0:
            return np.array([one])
        first, last = np.searchsorted(groups, [group, group + 1])
        return order[first:last]

    return tuple(_explain(problem, one, tied(one), opens, soonest, room) for one in out.tolist())


class _Room:
    """What every limit has left beside the moves that have a day."""

    def __init__(self, problem: Problem, day: Ints) -> None:
        self.limits, self.free = limits(problem)
        self.need = [needs(problem, name, team) for name, team in self.limits]
        on = np.flatnonzero(day >= 0)
        for line, need in zip(self.free, self.need, strict=True):
            np.subtract.at(line, day[on], need[on])

    def short(self, moves: Ints) -> Ints:
        """Say, per limit and day, how much more it would take to let moves in."""
        need = np.array([int(line[moves].sum()) for line in self.need], np.int64)
        return np.where(need[:, None] > 0, np.maximum(need[:, None] - self.free, 0), 0)

    def name(self, limit: int) -> str:
        name, team = self.limits[limit]
        return name if team < 0 else f"{name}[{team}]"


def _explain(
    problem: Problem, one: int, tied: Ints, opens: Ints, soonest: Ints, room: _Room
) -> Unplaced:
    last = min(int(problem.last[tied].min()), problem.days - 1)
    if int(problem.first[tied].max()) > last:
        return Unplaced(one, "window")
    short = room.short(tied)
    fits = (short == 0).all(axis=0)
    if int(opens[tied].max()) > last:
        late = int(soonest[tied].max()) > last
        return _late(problem, tied, one, fits, "lead" if late else "invitations_per_day")
    first = int(opens[tied].max())
    return _crowded(problem, one, (first, last), short, fits, room)


def _late(problem: Problem, tied: Ints, one: int, fits: Flags, reason: str) -> Unplaced:
    """Say when an invitation more would do, or how many days earlier it would have to be ready."""
    last = min(int(problem.last[tied].min()), problem.days - 1)
    days = np.flatnonzero(fits[: last + 1])
    days = days[days >= int(problem.first[tied].max())]
    open_days = np.flatnonzero(problem.invitations_per_day)
    if not len(days) or not len(open_days):
        return Unplaced(one, reason)
    if reason == "invitations_per_day":
        own = tied[problem.customer[tied] == problem.customer[one]]
        sent = invitations.deadline(problem, own, int(days[-1]))
        return Unplaced(one, reason, day=sent, short=((reason, 1),), sooner=int(days[-1]))
    lines = problem.lead[tied][problem.lead[tied] >= 0]
    ready = int(problem.ready[lines, open_days[0]].max())
    earlier = max(ready - int(problem.day_number[days[-1]]), 0)
    return Unplaced(one, reason, earlier=earlier or None, sooner=int(days[-1]))


def _crowded(
    problem: Problem, one: int, window: tuple[int, int], short: Ints, fits: Flags, room: _Room
) -> Unplaced:
    """Find the day of the window that lacks least, and the nearest earlier day that has room."""
    first, last = window
    days = np.arange(first, last + 1)
    lacks = short[:, days]
    order = np.lexsort((-days, lacks.sum(axis=0), (lacks > 0).sum(axis=0)))
    day = int(days[order[0]])
    lack = short[:, day]
    missing = tuple((room.name(limit), int(lack[limit])) for limit in np.flatnonzero(lack).tolist())
    before = np.flatnonzero(fits[:first])
    earlier, sooner = None, -1
    if len(before):
        sooner = int(before[-1])
        earlier = int(problem.day_number[first] - problem.day_number[sooner])
    return Unplaced(one, missing[0][0], day, missing, earlier, sooner)
