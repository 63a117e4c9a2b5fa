"""Runbooks behind a service that takes its time: what is left of their notebooks then.

    python benchmarks/latency.py [--rounds N] [--small]

Of the contestants of `runbooks`, 20 batches of 25 moves at 50 ms for each call.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.results import Table, alone
from benchmarks.runbooks import MOVES, far

WORKERS = 4


def tables(rounds: int, small: bool) -> Iterator[Table]:
    """Measure one customer at a time, then several."""
    batches, moves = (2, 2) if small else (20, MOVES)
    yield far(rounds, batches, moves, 1)
    yield far(rounds, batches, moves, WORKERS)


if __name__ == "__main__":
    alone(tables, 1, "runbooks behind a service that takes its time")
