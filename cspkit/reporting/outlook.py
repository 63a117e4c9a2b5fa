"""Where a plan is going: moves left against the approved plan, and when the rest will be done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from cspkit.reporting.figures import Row, Standing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ENOUGH = 10
DRAWS = 400
QUANTILES = (0.1, 0.5, 0.9)
_POINTS = 60


def burndown(placed: Sequence[Row], as_of: date) -> list[Row]:
    """Count the moves that are left on each day: as planned, and as it came (until as_of).

    Rows have `day`, `planned` and `left` (None after as_of). One row a day, or a week where the
    plan is long; the days of beginning, as_of and end are always there.
    """
    if not placed:
        return []
    days = [move["date"] for move in placed]
    ends = [move["done_on"] for move in placed if move["done_on"]]
    first, last = min([*days, *ends, as_of]), max([*days, as_of])
    step = 1 if (last - first).days <= _POINTS else 7
    shown = {first + timedelta(n) for n in range(0, (last - first).days + 1, step)}
    return [
        {
            "day": day,
            "planned": sum(one > day for one in days),
            "left": len(placed) - sum(one <= day for one in ends) if day <= as_of else None,
        }
        for day in sorted(shown | {first, as_of, last})
    ]


def forecast(placed: Sequence[Row], as_of: date, seed: int) -> Row:
    """Say when the moves that are left will be done, and how many will be too late.

    Each move that is left comes as much later than its day as one of the finished moves did,
    drawn at random. `finish` and `late` hold the early, the middle and the late case of
    (QUANTILES of) DRAWS draws; both are None while fewer than ENOUGH moves are finished.
    """
    delays = sorted((m["done_on"] - m["date"]).days for m in placed if m["done_on"])
    left = [move for move in placed if not move["done_on"]]
    found: Row = {"finished": len(delays), "left": len(left), "finish": None, "late": None}
    if len(delays) < ENOUGH or not left:
        return found
    finish, late = _draw(left, delays, as_of, seed)
    return found | {"finish": finish, "late": late}


def _draw(
    left: Sequence[Row], delays: Sequence[int], as_of: date, seed: int
) -> tuple[list[date], list[int]]:
    import numpy as np

    chance = np.random.default_rng(seed)
    begin = np.array([max(move["date"], as_of).toordinal() for move in left])
    safe = np.array([(move["expires_on"] or date.max).toordinal() for move in left])
    ends, late = [], []
    for _ in range(DRAWS):
        done = begin + np.maximum(chance.choice(delays, size=len(left)), 0)
        ends.append(int(done.max()))
        late.append(int((done > safe).sum()))
    return [date.fromordinal(day) for day in _cases(np.array(ends))], _cases(np.array(late))


def _cases(values: NDArray[np.int64]) -> list[int]:
    import numpy as np

    return [int(one) for one in np.quantile(values, QUANTILES, method="nearest")]


def done_on(moves: Iterable[Row], verified: dict[str, date], reassigned: dict[str, date]) -> None:
    """Write into each move the day it was done; None for one that is not."""
    for move in moves:
        own = verified if move.get("same_offer") else reassigned
        moved = move["standing"] == Standing.MOVED
        move["done_on"] = own.get(move["move_id"]) if moved else None
