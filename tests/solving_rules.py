"""What makes a solution right, written down a second time in plain Python; and brute force."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from cspkit.solving import Problem, Solution

TOTALS = ("moves_per_day", "seats_per_day")
OF_TEAMS = ("team_moves_per_day", "team_seats_per_day")


def check(problem: Problem, solution: Solution) -> None:
    """Fail where a solution breaks a window, a capacity, a tie or an invitation."""
    day = solution.day.tolist()
    placed = [move for move in range(problem.moves) if day[move] >= 0]
    for move in placed:
        assert problem.first[move] <= day[move] <= problem.last[move]
        assert day[move] < problem.days
    check_rooms(problem, day, placed)
    check_ties(problem, solution, day)
    check_invitations(problem, solution, day, placed)
    cost = sum(
        int(problem.weight[m]) * int(problem.expires[m] - problem.day_number[day[m]] + 1)
        for m in placed
    )
    assert cost == solution.objective
    assert solution.lower_bound <= solution.objective
    assert solution.left_out == problem.moves - len(placed) >= solution.left_out_bound
    assert [one.move for one in solution.unplaced] == [
        m for m in range(problem.moves) if day[m] < 0
    ]


def check_rooms(problem: Problem, day: list[int], placed: list[int]) -> None:
    for (name, team, on), used in loads(problem, day, placed).items():
        table = getattr(problem, name)
        if table is not None:
            assert used <= (table[on] if team is None else table[team][on]), (name, team, on)


def loads(problem: Problem, day: list[int], placed: list[int]) -> Counter[tuple[str, Any, int]]:
    used: Counter[tuple[str, Any, int]] = Counter()
    for move in placed:
        for name, team in [
            *[(n, None) for n in TOTALS],
            *[(n, problem.team[move]) for n in OF_TEAMS],
        ]:
            used[name, team, day[move]] += 1 if "moves" in name else int(problem.seats[move])
    return used


def check_ties(problem: Problem, solution: Solution, day: list[int]) -> None:
    for number in set(problem.group.tolist()) - {-1}:
        assert len({day[m] for m in range(problem.moves) if problem.group[m] == number}) == 1
    for number in set(problem.together.tolist()) - {-1, *solution.parted}:
        assert len({day[m] for m in range(problem.moves) if problem.together[m] == number}) == 1


def check_invitations(
    problem: Problem, solution: Solution, day: list[int], placed: list[int]
) -> None:
    sent = Counter(one for one in solution.invitation.tolist() if one >= 0)
    assert all(count <= problem.invitations_per_day[on] for on, count in sent.items())
    for move in placed:
        line = problem.lead[move]
        if line >= 0:
            invited = int(solution.invitation[problem.customer[move]])
            assert invited >= 0
            assert problem.ready[line][invited] <= problem.day_number[day[move]]


def tiny(rng: random.Random, kind: str) -> Problem:
    """A problem that brute force can solve: up to 4 moves, up to 4 days."""
    moves, days = rng.randint(1, 4), rng.randint(1, 4)
    numbers = np.cumsum([rng.choice((1, 1, 3)) for _ in range(days)])

    def ints(low: int, high: int, count: int = moves) -> Any:
        return np.array([rng.randint(low, high) for _ in range(count)], np.int64)

    first = ints(0, days - 1)
    last = np.minimum(first + ints(0, 2), days - 1)
    more: dict[str, Any] = {"loss": ints(0, 99), "seats": ints(1, 5)}
    if kind != "teams" or rng.random() < 0.5:
        more["moves_per_day"] = ints(0, 2, days)
    if kind in ("teams", "everything"):
        more |= {"team": ints(0, 1), "team_moves_per_day": np.array([ints(0, 2, days)] * 2)}
    if kind in ("seats", "everything"):
        more["seats_per_day"] = ints(2, 8, days)
    if kind == "everything":
        more |= {"group": ints(-1, 2), "together": ints(-1, 1), "customer": ints(0, 2)}
        more |= {"lead": ints(-1, 0), "invitation_day_number": np.arange(-2, 3)}
        more |= {"ready": np.arange(-2, 3)[None, :] + rng.randint(1, 4)}
        more |= {"invitations_per_day": ints(0, 1, 5)}
    weight, expires = ints(0, 9), numbers[last] + ints(1, 3)
    return Problem(numbers, first, last, weight=weight, expires=expires, **more)


def every(problem: Problem) -> Iterator[tuple[int, ...]]:
    """All choices of days, without capacities, ties and invitations."""
    windows = [
        [-1, *range(int(problem.first[m]), int(problem.last[m]) + 1)] for m in range(problem.moves)
    ]
    return product(*windows)


def feasible(problem: Problem, day: tuple[int, ...], wishes: frozenset[int]) -> bool:
    """Tell whether days obey everything; invitations are sent nearest deadline first."""
    placed = [move for move, on in enumerate(day) if on >= 0]
    try:
        check_rooms(problem, list(day), placed)
    except AssertionError:
        return False
    for ties, kept in ((problem.group, None), (problem.together, wishes)):
        for number in set(ties.tolist()) - {-1}:
            if kept is None or number in kept:
                on = {day[m] for m in range(problem.moves) if ties[m] == number}
                if len(on) > 1:
                    return False
    return invitable(problem, day, placed)


def invitable(problem: Problem, day: tuple[int, ...], placed: list[int]) -> bool:
    by: dict[int, int] = {}
    for move in placed:
        if problem.lead[move] >= 0:
            line = problem.ready[problem.lead[move]].tolist()
            good = [at for at, ready in enumerate(line) if ready <= problem.day_number[day[move]]]
            customer = int(problem.customer[move])
            by[customer] = min(by.get(customer, 99), max(good, default=-1))
    slots = [
        at for at, room in enumerate(problem.invitations_per_day.tolist()) for _ in range(room)
    ]
    waits = sorted(by.values())
    return len(waits) <= len(slots) and all(s <= w for s, w in zip(slots, waits, strict=False))


def best(problem: Problem) -> tuple[int, int]:
    """Find, by trying everything, the fewest moves left out and then the least loss and cost."""
    return min(
        (day.count(-1), total(problem, day))
        for day in every(problem)
        if feasible(problem, day, frozenset())
    )


def total(problem: Problem, day: tuple[int, ...]) -> int:
    return cost(problem, day) + sum(int(problem.loss[m]) for m, on in enumerate(day) if on < 0)


def cost(problem: Problem, day: tuple[int, ...]) -> int:
    return sum(
        int(problem.weight[m]) * int(problem.expires[m] - problem.day_number[on] + 1)
        for m, on in enumerate(day)
        if on >= 0
    )


def cheapest_of_same(problem: Problem, solution: Solution) -> int:
    """Find the least cost of placing what a solution places, with the wishes that it keeps."""
    kept = frozenset(problem.together.tolist()) - {-1, *solution.parted}
    placed = (solution.day >= 0).tolist()
    return min(
        cost(problem, day)
        for day in every(problem)
        if [on >= 0 for on in day] == placed and feasible(problem, day, kept)
    )
