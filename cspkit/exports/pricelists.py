"""Price sheets and offer matrices: the same line of several sheets becomes one row.

A price is known by offer, market, currency, segment, term, billing cycle and its first and last
day. Where two sheets name one, the younger sheet's price stays and the other row is merged; two
different prices of one sheet both stay, since nothing says which of them holds.
"""

from __future__ import annotations

from typing import Any

from cspkit.exports.engine import FILE, Engine
from cspkit.exports.merging import PLACE, RANK, Merged
from cspkit.exports.sheets import ROW
from cspkit.later import deferred as _
from cspkit.later import ibis
from cspkit.statements import Rows, described

PRICED = ("target_offer", "market", "currency", "segment", "term", "billing_cycle")
VALID = ("valid_from", "valid_to")
COSTS = ("unit_price", "erp_price")
OFFERED = ("sku_id", "target_offer", "legacy_offer_id", "segment")


def prices(engine: Engine, rows: Rows) -> Merged:
    """Take every price once."""
    kept = engine.keep("placed_prices", _placed_prices(rows))
    return Merged(_price(kept, again=False), _price(kept, again=True))


@described
def _placed_prices(rows: Any) -> Any:
    window = ibis.window(group_by=[*PRICED, *VALID], order_by=[_[RANK], _[ROW]])
    alike = ibis.window(group_by=[*PRICED, *VALID, *COSTS], order_by=[_[RANK], _[ROW]])
    return rows.mutate(
        **{PLACE: ibis.row_number().over(alike)}, leading=_[FILE].first().over(window)
    )


@described
def _price(kept: Any, again: bool) -> Any:
    merged = (kept[PLACE] > 0) | (kept[FILE] != kept["leading"])
    return kept.filter(merged if again else ~merged)


def offers(engine: Engine, rows: Rows) -> Merged:
    """Take every pair of skuId and offer once."""
    kept = engine.keep("placed_offers", _placed_offers(rows))
    return Merged(_offer(kept, again=False), _offer(kept, again=True))


@described
def _placed_offers(rows: Any) -> Any:
    window = ibis.window(group_by=[*OFFERED], order_by=[_[RANK], _[ROW]])
    return rows.mutate(**{PLACE: ibis.row_number().over(window)})


@described
def _offer(kept: Any, again: bool) -> Any:
    return kept.filter(_[PLACE] > 0 if again else _[PLACE] == 0)
