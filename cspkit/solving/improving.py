"""Cheaper days for bundles that have one: fill free room later, swap the dear for the cheap."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from cspkit.solving.board import Board
from cspkit.solving.problem import Ints
from cspkit.solving.rounding import squeeze
from cspkit.solving.smoothing import Prices

ROUNDS = 4
GAPS = (1, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 29, 38, 50, 65, 85, 110, 145, 190)
PAIRS = 50_000_000


def improve(board: Board, prices: Prices) -> None:
    """Repeat all that helps until nothing does, or ROUNDS times."""
    for _ in range(ROUNDS):
        before = board.rank
        squeeze(board, prices)
        _exchange(board)
        _delay(board)
        for gap in _gaps(board):
            _swap_days(board, gap)
        if board.rank == before:
            return


def _gaps(board: Board) -> tuple[int, ...]:
    """Say how far apart days are tried for swaps, by what the number of pairs allows."""
    days = max(board.bundles.days, 1)
    pairs = days * max((board.bundles.count / days) ** 2, 500)
    return tuple(gap for gap in GAPS[: max(2, int(PAIRS / pairs))] if gap < days)


def _delay(board: Board) -> None:
    """Move bundles later wherever room is left, last days first, what saves most first."""
    bundles = board.bundles
    for day in range(bundles.days - 1, 0, -1):
        free = board.free[:, day]
        if (free <= 0).any() and len(free) == 1:
            continue
        could = (board.day >= 0) & (board.day < day) & (bundles.last >= day)
        could &= (bundles.need <= free).all(axis=1)
        ones = np.flatnonzero(could)
        saved = bundles.weight[ones] * (bundles.clock[day] - bundles.clock[board.day[ones]])
        for one in ones[np.lexsort((ones, -saved))].tolist():
            if (bundles.need[one] <= board.free[:, day]).all():
                board.put(one, day)


def _swap_days(board: Board, gap: int) -> None:
    """Swap bundles between days that lie `gap` apart while a swap saves anything."""
    order = np.argsort(board.day, kind="stable")
    ends = np.searchsorted(board.day[order], np.arange(board.bundles.days + 1))
    on = [order[start:end] for start, end in pairwise(ends.tolist())]
    for late in range(board.bundles.days - 1, gap - 1, -1):
        early = late - gap
        while pair := _best_pair(board, on[late], on[early], late, early):
            down, up = pair
            _swap(board, down, up)
            on[late] = np.append(on[late][on[late] != down], up)
            on[early] = np.append(on[early][on[early] != up], down)


def _swap(board: Board, one: int, other: int) -> None:
    there, here = int(board.day[other]), int(board.day[one])
    board.put(one, -1)
    board.put(other, here)
    board.put(one, there)


def _best_pair(board: Board, down: Ints, up: Ints, late: int, early: int) -> tuple[int, int] | None:
    """Find the swap of a bundle on a late day and one on an early day that saves most."""
    bundles = board.bundles
    down = down[bundles.first[down] <= early]
    up = up[bundles.last[up] >= late]
    if not len(down) or not len(up) or bundles.weight[up].max() <= bundles.weight[down].min():
        return None
    more = bundles.weight[up] - bundles.weight[down][:, None]
    for limit in range(len(bundles.limits)):
        extra = bundles.need[up, limit] - bundles.need[down, limit][:, None]
        more[(extra > board.free[limit, late]) | (-extra > board.free[limit, early])] = 0
    place = int(more.argmax())
    if more.flat[place] <= 0:
        return None
    return int(down[place // len(up)]), int(up[place % len(up)])


def _exchange(board: Board) -> None:
    """Swap bundles left out for placed ones whose loss weighs less, never placing fewer moves."""
    for one in board.on(-1).tolist():
        other = _cheapest_to_lose(board, one)
        if other is not None:
            day = int(board.day[other])
            board.put(other, -1)
            board.put(one, day)


def _cheapest_to_lose(board: Board, one: int) -> int | None:
    bundles = board.bundles
    day: Ints = board.day
    there = np.flatnonzero(
        (day >= bundles.first[one])
        & (day <= bundles.last[one])
        & (bundles.size <= bundles.size[one])
    )
    room = board.free[:, day[there]].T + bundles.need[there]
    there = there[(bundles.need[one] <= room).all(axis=1)]
    if not len(there):
        return None
    out = np.full(len(there), -1)
    lost = bundles.cost(there, out) - bundles.cost(there, day[there])
    mine = bundles.loss[one] - bundles.cost(np.full(len(there), one), day[there])
    more = bundles.size[one] - bundles.size[there]
    order = np.lexsort((there, lost - mine, -more))
    top = order[0]
    return int(there[top]) if more[top] > 0 or lost[top] < mine[top] else None
