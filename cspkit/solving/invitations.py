"""Days for invitations under their own capacity, and what that opens for the moves."""

from __future__ import annotations

import heapq

import numpy as np

from cspkit.solving.problem import Flags, Ints, Problem

NEVER = 2**31


def release(problem: Problem, invitation: Ints) -> Ints:
    """Open the windows of moves behind the invitations (per customer; NEVER: not invited)."""
    waits = problem.lead >= 0
    sent = invitation[problem.customer]
    opens = np.where(waits, problem.days, 0)
    on = np.flatnonzero(waits & (sent < NEVER))
    ready = problem.ready[problem.lead[on], sent[on]]
    opens[on] = np.searchsorted(problem.day_number, ready)
    return np.maximum(problem.first, opens)


def earliest(problem: Problem) -> Ints:
    """Invite everyone on the first day that has any room, as if it had room for all."""
    open_days = np.flatnonzero(problem.invitations_per_day)
    day = int(open_days[0]) if len(open_days) else NEVER
    return np.full(problem.customers, day)


def sent(problem: Problem, invitation: Ints, day: Ints) -> Ints:
    """Keep the invitations of customers that wait for one and have a move with a day."""
    on = np.zeros(problem.customers, bool)
    on[problem.customer[(day >= 0) & (problem.lead >= 0)]] = True
    return np.where(on & (invitation < NEVER), invitation, -1)


def invite(problem: Problem, day: Ints, alive: Flags) -> tuple[Ints, bool]:
    """Invite customers in time for their moves' days; tell whether all are in time.

    Moves that are not alive, because nothing could place them, do not hurry anyone. Where not all
    can be in time, as many moves as can be keep a day in their windows, and the nearest days go
    first among those. Customers that need no invitation get NEVER.
    """
    customers = np.unique(problem.customer[problem.lead >= 0])
    wanted = deadlines(problem, customers, np.where(day >= 0, day, NEVER))
    closes = np.where(alive, np.minimum(problem.last, problem.days - 1), NEVER)
    final = deadlines(problem, customers, closes)
    wanted = np.where(wanted >= NEVER, final, wanted)
    invitation = np.full(problem.customers, NEVER, np.int64)
    slots = _slots(problem)
    order = np.lexsort((customers, final, wanted))
    in_time = _in_time(wanted[order], slots)
    if not in_time:
        order = _in_time_first(problem, customers, wanted, final, slots)
    invitation[customers[order[: len(slots)]]] = slots[: len(order)]
    return invitation, in_time


def deadlines(problem: Problem, customers: Ints, day: Ints) -> Ints:
    """Find the last day of invitation in time for all of each customer's days of moves.

    -1: none is left; NEVER: no move has a day.
    """
    soonest = np.full(problem.customers, NEVER, np.int64)
    last = np.full(problem.moves, NEVER, np.int64)
    last[day < 0] = -1
    dated = (problem.lead >= 0) & (day >= 0) & (day < NEVER)
    for line in range(len(problem.ready)):
        on = np.flatnonzero(dated & (problem.lead == line))
        number = problem.day_number[day[on]]
        last[on] = np.searchsorted(problem.ready[line], number, side="right") - 1
    np.minimum.at(soonest, problem.customer, np.where(problem.lead >= 0, last, NEVER))
    return np.asarray(soonest[customers])


def deadline(problem: Problem, moves: Ints, day: int) -> int:
    """Find the last day of an invitation in time for some moves of a customer, all on one day."""
    lines = np.unique(problem.lead[moves])
    number = problem.day_number[day]
    ready = [problem.ready[line] for line in lines.tolist() if line >= 0]
    return min(
        (int(np.searchsorted(one, number, side="right")) - 1 for one in ready), default=NEVER
    )


def _slots(problem: Problem) -> Ints:
    """List the days of invitations, each as often as it has room, as far as anyone needs one."""
    most = np.minimum(problem.invitations_per_day, problem.customers)
    days = int(np.searchsorted(np.cumsum(most), problem.customers)) + 1
    return np.repeat(np.arange(len(most[:days])), most[:days])[: problem.customers]


def _in_time(deadline: Ints, slots: Ints) -> bool:
    """Tell whether deadlines, in order, are met; who has none may stay without an invitation."""
    count = min(len(deadline), len(slots))
    late = (deadline[:count] < slots[:count]).any()
    return not (late or (deadline[count:] < NEVER).any())


def _in_time_first(
    problem: Problem, customers: Ints, wanted: Ints, final: Ints, slots: Ints
) -> Ints:
    """Order customers so that the most moves keep a day; those that cannot come last."""
    kept = _keep(problem, customers, final, slots)
    waiting = sorted(np.flatnonzero(kept).tolist(), key=lambda one: (final[one], one))
    queue: list[int] = []
    pool: list[tuple[int, int]] = []
    for slot in slots[: len(waiting)][::-1].tolist():
        while waiting and final[waiting[-1]] >= slot:
            one = waiting.pop()
            heapq.heappush(pool, (-int(wanted[one]), -one))
        queue.append(-heapq.heappop(pool)[1])
    lost = np.flatnonzero(~kept)
    return np.array([*queue[::-1], *lost[np.lexsort((lost, wanted[lost]))].tolist()], np.int64)


def _keep(problem: Problem, customers: Ints, final: Ints, slots: Ints) -> Flags:
    """Choose customers whose invitations fit before their deadlines, most moves first."""
    moves = np.bincount(problem.customer, minlength=problem.customers)[customers]
    loss = np.zeros(problem.customers, np.int64)
    np.add.at(loss, problem.customer, problem.loss)
    before = np.searchsorted(slots, final, side="right")
    free = np.arange(len(slots) + 1)
    kept = np.zeros(len(customers), bool)
    for one in np.lexsort((customers, -loss[customers], -moves)).tolist():
        slot = int(before[one])
        root = slot
        while free[root] != root:
            free[root] = free[free[root]]
            root = int(free[root])
        free[slot] = root
        if root:
            kept[one] = True
            free[root] = root - 1
    return kept
