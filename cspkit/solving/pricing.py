"""The best day of each bundle under given prices, and the bound that prices prove."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cspkit.solving.bundles import Bundles, Chunk
from cspkit.solving.problem import Ints

FAR = 2**61
MASK = 2**20 - 1


def reduced(bundles: Bundles, chunk: Chunk, prices: NDArray[Any], fee: Any) -> NDArray[Any]:
    """Price the days of a chunk's bundles, without `fixed`; column 0 is left out for a fee.

    Prices and answer are whole numbers or floats alike; what is out of bounds costs FAR or more.
    """
    rows, width = chunk.rows, chunk.width
    kind = prices.dtype
    table = np.empty((len(bundles.first[rows]), width + 1), kind)
    days = table[:, 1:]
    np.multiply(bundles.weight[rows, None].astype(kind), -bundles.clock[:width].astype(kind), days)
    for limit in chunk.limits:
        days += bundles.need[rows, limit, None].astype(kind) * prices[limit, :width]
    days[bundles.barred(chunk)] = FAR
    out = bundles.loss[rows] - bundles.fixed[rows]
    table[:, 0] = FAR if fee is None else out + bundles.size[rows] * fee
    return table


def best(bundles: Bundles, prices: Ints, fee: int | None) -> tuple[Ints, Ints]:
    """Find the least price of each bundle and the day that has it; day -1 is left out."""
    value = np.empty(bundles.count, np.int64)
    day = np.empty(bundles.count, np.int64)
    for chunk in bundles.chunks:
        table = reduced(bundles, chunk, prices, fee)
        slot = table.argmin(axis=1)
        day[chunk.rows] = slot - 1
        value[chunk.rows] = table[np.arange(len(slot)), slot] + bundles.fixed[chunk.rows]
    return value, day


def bound(bundles: Bundles, prices: Ints, fee: int | None = None, left_out: int = 0) -> int:
    """Evaluate the Lagrangian dual in whole numbers: no plan of the bundles costs less.

    Holds for plans that leave nothing out or, with a fee, at most `left_out` moves; any prices and
    fee of zero or more are right, good ones make it high.
    """
    value, _ = best(bundles, prices, fee)
    on = bundles.binding
    pairs = zip(prices[on].tolist(), bundles.room[on].tolist(), strict=True)
    for_room = sum(int(price * room) for price, room in pairs)
    return total(value) - for_room - (fee or 0) * left_out


def total(values: Ints) -> int:
    """Add up without overflow."""
    return (int((values >> 20).sum()) << 20) + int((values & MASK).sum())


def tame(bundles: Bundles, prices: NDArray[Any]) -> Ints:
    """Round prices to whole numbers, zero where nothing binds, small enough to multiply."""
    top = FAR // 16 // np.maximum(bundles.need.max(axis=0, initial=1), 1)
    whole = np.minimum(np.rint(np.maximum(prices, 0)), top[:, None])
    return np.where(bundles.binding, whole, 0).astype(np.int64)
