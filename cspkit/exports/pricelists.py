"""Price sheets and offer matrices: the same line of several sheets becomes one row.

A price is known by offer, market, currency, segment, term, billing cycle and its first and last
day. Where two sheets name one, the younger sheet's price stays and the other row is merged; two
different prices of one sheet both stay, since nothing says which of them holds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ibis
from ibis import _

from cspkit.exports.engine import FILE
from cspkit.exports.merging import PLACE, RANK, Merged
from cspkit.exports.sheets import ROW

Keep = Callable[[str, Any], Any]
PRICED = ("target_offer", "market", "currency", "segment", "term", "billing_cycle")
VALID = ("valid_from", "valid_to")
COSTS = ("unit_price", "erp_price")
OFFERED = ("sku_id", "target_offer", "legacy_offer_id", "segment")


def prices(rows: Any, keep: Keep) -> Merged:
    """Take every price once."""
    window = ibis.window(group_by=[*PRICED, *VALID], order_by=[_[RANK], _[ROW]])
    alike = ibis.window(group_by=[*PRICED, *VALID, *COSTS], order_by=[_[RANK], _[ROW]])
    placed = rows.mutate(
        **{PLACE: ibis.row_number().over(alike)}, leading=_[FILE].first().over(window)
    )
    kept = keep("placed_prices", placed)
    again = (kept[PLACE] > 0) | (kept[FILE] != kept["leading"])
    return Merged(kept.filter(~again), kept.filter(again))


def offers(rows: Any, keep: Keep) -> Merged:
    """Take every pair of skuId and offer once."""
    window = ibis.window(group_by=[*OFFERED], order_by=[_[RANK], _[ROW]])
    kept = keep("placed_offers", rows.mutate(**{PLACE: ibis.row_number().over(window)}))
    return Merged(kept.filter(_[PLACE] == 0), kept.filter(_[PLACE] > 0))
