"""From a smooth spread over days to whole bundles on days, and room for those that found none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cspkit.solving.board import Board
from cspkit.solving.bundles import Bundles
from cspkit.solving.pricing import FAR, reduced
from cspkit.solving.problem import Ints
from cspkit.solving.smoothing import Prices, Smoother, spread

SHARE = 0.01
DEPTH = 4
BEAM = 8
WARMTH = 0.1
BARRIER = 0.1
BULKS = (2.0, 0.7, 0.3, 0.1, 0.0)


def dive(bundles: Bundles, prices: Prices) -> Board:
    """Round the bulky bundles, price the room that is left, round the next smaller ones.

    What is rounded last is small, so that the last rounding harms little.
    """
    board = Board.empty(bundles)
    typical = np.maximum(bundles.need.mean(axis=0), 1e-9)
    bulk = (bundles.need / typical).max(axis=1, initial=0)
    rest = np.lexsort((np.arange(bundles.count), -bundles.weight, -bulk))
    for least in BULKS:
        stage = int((bulk[rest] >= least).sum())
        if not stage:
            continue
        room = np.where(bundles.binding, board.free, bundles.room)
        left = replace(bundles.take(rest), room=room)
        _, prices = Smoother(left, barrier=BARRIER).cool(prices, (WARMTH,))
        _apportion(board, left, rest[:stage], prices)
        rest = rest[stage:]
    return board


def _apportion(board: Board, left: Bundles, stage: Ints, prices: Prices) -> None:
    """Give each bundle one of the days it is spread over, so that no day gets more than its due.

    The bundles of the stage come first in `left`; each takes the day that is owed most so far.
    """
    some = left.take(np.arange(len(stage)))
    owed = np.zeros((len(left.limits), left.days + 1))
    typical = np.maximum(some.need.mean(axis=0), 1e-9)
    for chunk in some.chunks:
        shares = spread(left, chunk, prices, WARMTH)
        for one, share in zip(stage[chunk.rows].tolist(), shares, strict=True):
            day = _due(board, one, share, owed, typical)
            if day >= 0:
                board.put(one, day)


def _due(
    board: Board, one: int, share: NDArray[Any], owed: NDArray[Any], typical: NDArray[Any]
) -> int:
    """Choose the day that is owed most among those the bundle is spread over; -1: all are full."""
    need = board.bundles.need[one]
    limits = np.flatnonzero(need)
    for limit in limits:
        owed[limit, : len(share)] += need[limit] * share
    slots = np.flatnonzero(share > SHARE)
    score = share[slots].copy()
    fits = np.ones(len(slots), bool)
    for limit in limits:
        score += owed[limit, slots] / max(need[limit], typical[limit])
        fits &= (slots == 0) | (board.free[limit, slots - 1] >= need[limit])
    if not fits.any():
        return -1
    slot = int(slots[np.where(fits, score, -np.inf).argmax()])
    for limit in limits:
        owed[limit, slot] -= need[limit]
    return slot - 1


@dataclass(frozen=True)
class _Step:
    """A bundle that wants a day, what that costs so far, and who was pushed before it."""

    price: float
    one: int
    day: int
    before: _Step | None

    def trail(self) -> list[_Step]:
        steps: list[_Step] = []
        step: _Step | None = self
        while step:
            steps.append(step)
            step = step.before
        return steps


def squeeze(board: Board, prices: Prices) -> None:
    """Find room for bundles left out: a free day, or a chain of bundles that make way."""
    out = board.on(-1)
    need = board.bundles.need[out].sum(axis=1)
    for one in out[np.lexsort((out, -need))].tolist():
        last = _chain(board, one, prices)
        for step in reversed(last.trail()) if last else ():
            board.put(step.one, -1)
        for step in last.trail() if last else ():
            board.put(step.one, step.day)


def _chain(board: Board, one: int, prices: Prices) -> _Step | None:
    """Search for the cheapest way in, pushing at most DEPTH bundles further."""
    found: _Step | None = None
    edge = [_Step(0.0, one, -1, None)]
    for depth in range(DEPTH + 1):
        ahead: dict[int, _Step] = {}
        for step in edge:
            movers = np.array([one]) if depth == 0 else _movers(board, step)
            if len(movers):
                found = _push(board, step, movers, prices, ahead, found)
        cheap = [step for step in ahead.values() if not found or step.price < found.price]
        edge = sorted(cheap, key=lambda step: (step.price, step.day))[:BEAM]
    return found


def _movers(board: Board, step: _Step) -> Ints:
    """List the bundles on a day any one of which would make enough room by leaving."""
    short = board.bundles.need[step.one] - board.free[:, step.day]
    there = board.on(step.day)
    enough = (board.bundles.need[there] >= short).all(axis=1)
    pushed = {one.one for one in step.trail()}
    return np.array([one for one in there[enough].tolist() if one not in pushed], np.int64)


def _push(
    board: Board,
    step: _Step,
    movers: Ints,
    prices: Prices,
    ahead: dict[int, _Step],
    found: _Step | None,
) -> _Step | None:
    """Let each mover try every other day; keep the cheapest that fits and the cheapest a day."""
    bundles = board.bundles
    table = reduced(bundles, bundles.chunk(movers), prices.table, prices.fee)[:, 1:].astype(float)
    if step.day >= 0:
        table -= table[:, step.day, None]
    table += step.price
    taken = [passed.day for passed in step.trail() if passed.day >= 0]
    table[:, [day for day in taken if day < table.shape[1]]] = FAR
    free = board.free[:, : table.shape[1]]
    fits = (bundles.need[movers][:, :, None] <= free).all(axis=1)
    inside = np.where(fits, table, FAR)
    row, day = divmod(int(inside.argmin()), inside.shape[1])
    origin = step if step.day >= 0 else None
    if inside[row, day] < FAR / 2 and (found is None or inside[row, day] < found.price):
        found = _Step(float(inside[row, day]), int(movers[row]), day, origin)
    for day, row in enumerate(table.argmin(axis=0).tolist()):
        price = float(table[row, day])
        if price < FAR / 2 and (day not in ahead or price < ahead[day].price):
            ahead[day] = _Step(price, int(movers[row]), day, origin)
    return found
