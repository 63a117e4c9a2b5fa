"""The day of each move at least total cost, with a proven lower bound."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from cspkit.solving import exact, flow, improving, invitations, reasons, rounding
from cspkit.solving.bundles import Bundles, bundle
from cspkit.solving.pricing import bound, tame
from cspkit.solving.problem import Flags, Ints, Problem, Solution
from cspkit.solving.smoothing import Prices, Smoother, rounded, unit

FEW = 3000
THIN = 8
MANY = 50_000
FIRST = (10.0, 3.0, 1.0, 0.3, 0.1, 0.05, 0.02)
MIDDLE = (1.0, 0.3, 0.1, 0.05)
LAST = (0.3, 0.1, 0.05)


@dataclass(frozen=True)
class _Answer:
    """What was found for bundles: days, bound, prices and how."""

    bundles: Bundles
    of_move: Ints
    day: Ints
    lower_bound: int
    left_out_bound: int
    prices: Ints
    fee: int = 0
    method: str = "none"

    @property
    def days_of_moves(self) -> Ints:
        """Read the day of each move; -1: left out."""
        day = np.append(self.day, -1)
        return np.asarray(day[self.of_move])


def solve(problem: Problem, start: Solution | None = None) -> Solution:
    """Place as many moves as can be, of those the dearest to lose, at least total cost.

    Wishes to share a day are given up where a move would be left out for them. `start`, the
    solution of a similar problem, makes the search shorter. The same problem and start give the
    same solution.
    """
    kept = np.asarray(problem.together >= 0)
    while True:
        kept = _possible(problem, kept)
        answer, invitation, relaxed = _answer(problem, _labels(problem, kept), start)
        spoiled = _spoiled(problem, answer.days_of_moves < 0, kept)
        if not spoiled.any():
            return _solution(problem, answer, invitation, relaxed, kept)
        kept &= ~spoiled


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep linear algebra on one thread: the same sums everywhere, and no fight for processors."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield


def lower_bound(problem: Problem, start: Solution) -> int:
    """Bound at once, by the prices of a solved problem, the cost of one that differs a little.

    No plan of `problem` that places the moves which `start` places costs less.
    """
    labels = _labels(problem, np.asarray(problem.together >= 0))
    first = invitations.release(problem, invitations.earliest(problem))
    bundles, of_move = bundle(problem, labels, first)
    return _bound_of(bundles, of_move, start.day, _known(bundles, start)[0])


def wish_price(problem: Problem, solution: Solution) -> int:
    """Price the wish of moves to share a day: what the solution costs more than without it."""
    alone = solve(replace(problem, together=np.full_like(problem.together, -1)), solution)
    return max(solution.objective - alone.objective, 0)


def _possible(problem: Problem, kept: Flags) -> Flags:
    """Give up, before anything is solved, the wishes whose windows do not meet."""
    while kept.any():
        first = invitations.release(problem, invitations.earliest(problem))
        _, of_move = bundle(problem, _labels(problem, kept), first)
        spoiled = _spoiled(problem, of_move < 0, kept)
        if not spoiled.any():
            break
        kept = kept & ~spoiled
    return kept


def _labels(problem: Problem, kept: Flags) -> Ints:
    """Number the bundles: moves tied by a group or a kept wish, directly or through others."""
    root = list(range(problem.moves))

    def find(one: int) -> int:
        while root[one] != one:
            root[one] = root[root[one]]
            one = root[one]
        return one

    for number, tied in ((problem.group, problem.group >= 0), (problem.together, kept)):
        leader: dict[int, int] = {}
        for one in np.flatnonzero(tied).tolist():
            other = leader.setdefault(int(number[one]), one)
            low, high = sorted((find(one), find(other)))
            root[high] = low
    return np.array([find(one) for one in root], np.int64)


def _spoiled(problem: Problem, out: Flags, kept: Flags) -> Flags:
    """Mark the kept wishes of moves that were left out, to give them up."""
    return np.asarray(kept & np.isin(problem.together, problem.together[out & kept]))


def _answer(
    problem: Problem, labels: Ints, start: Solution | None
) -> tuple[_Answer, Ints, _Answer]:
    """Solve without the capacity of invitations, then, where that was missed, behind them."""
    first = invitations.release(problem, invitations.earliest(problem))
    relaxed = _place(problem, labels, first, start)
    invitation, in_time = invitations.invite(problem, relaxed.days_of_moves, relaxed.of_move >= 0)
    if in_time:
        return relaxed, invitation, relaxed
    first = invitations.release(problem, invitation)
    near = Solution(relaxed.day, invitation, 0, 0, "", prices=_prices(relaxed))
    return _place(problem, labels, first, near), invitation, relaxed


def _place(problem: Problem, labels: Ints, first: Ints, start: Solution | None) -> _Answer:
    bundles, of_move = bundle(problem, labels, first)
    if not len(bundles.limits) or not bundles.count:
        cost = bundles.cost(np.arange(bundles.count), bundles.last)
        room = np.zeros_like(bundles.room)
        return _Answer(bundles, of_move, bundles.last, int(cost.sum()), 0, room)
    known = _known(bundles, start) if start else None
    if flow.fits(bundles) and (flown := flow.solve(bundles, known)):
        out = int(bundles.loss[flown.day < 0].sum())
        return _Answer(
            bundles,
            of_move,
            flown.day,
            flown.lower_bound - out,
            flown.left_out,
            flown.prices,
            flown.fee,
            "flow",
        )
    if (days := exact.solve(bundles)) is not None:
        cost = bundles.cost(np.arange(bundles.count), days)[days >= 0]
        out = int(bundles.size[days < 0].sum())
        room = np.zeros_like(bundles.room)
        return _Answer(bundles, of_move, days, int(cost.sum()), out, room, 0, "program")
    with _one_thread():
        return _round(bundles, of_move, known)


def _round(bundles: Bundles, of_move: Ints, known: tuple[Ints, int] | None) -> _Answer:
    """Price days by the smoothed dual, round the spread, improve it, bound what came out."""
    dear = 4 * int(bundles.weight.max() + 1) * int(np.ptp(bundles.clock) + 1)
    sharp, smooth = _cool(bundles, dear, known)
    board = rounding.dive(bundles, smooth)
    improving.improve(board, smooth)
    certain = _certain(bundles, sharp, dear) if board.left_out else 0
    placed = np.flatnonzero(board.day >= 0)
    some = bundles.take(placed)
    if board.left_out and some.count:
        sharp, _ = Smoother(some).cool(Prices(sharp.table, None), LAST)
    prices = tame(bundles, sharp.table)
    proven = bound(some, prices)
    return _Answer(bundles, of_move, board.day, proven, certain, prices, 0, "prices")


def _cool(bundles: Bundles, dear: int, known: tuple[Ints, int] | None) -> tuple[Prices, Prices]:
    """Find the prices of thinner and thinner problems first, and cool them down."""
    warmths: tuple[float, ...]
    if known:
        start = Prices(known[0].astype(float), dear)
        warmths = LAST
    elif bundles.count <= FEW:
        start = Prices(unit(bundles), dear)
        warmths = FIRST
    else:
        step = max(2, min(THIN, 2 * bundles.count // FEW))
        _, start = _cool(bundles.thin(step), dear, None)
        warmths = LAST if bundles.count > MANY else MIDDLE
    sharp, smooth = Smoother(bundles).cool(start, warmths)
    return sharp, rounded(smooth, bundles)


def _certain(bundles: Bundles, sharp: Prices, dear: int) -> int:
    """Count the moves that every plan leaves out: the bound where each costs 1 and days nothing."""
    none = np.zeros(bundles.count, np.int64)
    counting = replace(bundles, weight=none, fixed=none, loss=bundles.size * dear)
    return max(-(-bound(counting, tame(bundles, sharp.table), 0) // dear), 0)


def _bound_of(bundles: Bundles, of_move: Ints, day: Ints, prices: Ints) -> int:
    """Bound the plans that place those bundles all of whose moves have a day."""
    wanted = np.ones(bundles.count, bool)
    wanted[of_move[(day < 0) & (of_move >= 0)]] = False
    return bound(bundles.take(np.flatnonzero(wanted)), prices)


def _known(bundles: Bundles, start: Solution) -> tuple[Ints, int]:
    prices = np.zeros_like(bundles.room)
    for index, (name, team) in enumerate(bundles.limits):
        line = start.prices.get(_name(name, team))
        if line is not None and len(line) == bundles.days:
            prices[index] = line
    fee = start.prices.get("left_out", np.zeros(1, np.int64))
    return np.where(bundles.binding, prices, 0), int(fee[0])


def _prices(answer: _Answer) -> dict[str, Ints]:
    lines = zip(answer.bundles.limits, answer.prices, strict=True)
    prices = {_name(name, team): line for (name, team), line in lines}
    return prices | {"left_out": np.array([answer.fee], np.int64)}


def _name(name: str, team: int) -> str:
    return name if team < 0 else f"{name}[{team}]"


def _solution(
    problem: Problem, answer: _Answer, invitation: Ints, relaxed: _Answer, kept: Flags
) -> Solution:
    day = answer.days_of_moves
    proven = answer.lower_bound
    if answer is not relaxed:
        proven = _bound_of(relaxed.bundles, relaxed.of_move, day, relaxed.prices)
    parted = problem.together[(problem.together >= 0) & ~kept]
    return Solution(
        day=day,
        invitation=invitations.sent(problem, invitation, day),
        objective=int(problem.cost(day).sum()),
        lower_bound=proven,
        method=answer.method,
        left_out=int((day < 0).sum()),
        left_out_bound=relaxed.left_out_bound + int((relaxed.of_move < 0).sum()),
        unplaced=reasons.explain(problem, day, invitation),
        parted=tuple(np.unique(parted).tolist()),
        prices=_prices(answer),
    )
