"""What a replacement costs us today: the price sheet of the customer's market, read at the run."""

from __future__ import annotations

import tempfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from cspkit.errors import ApiRefused, ExportError
from cspkit.partner_center import PriceSheets
from cspkit.planning import PlannedMove

Prices = list[dict[str, Any]]
NOT_OURS_TO_READ = (401, 403, 404)


class Sheets:
    """The price sheets of a run, each market's read once; None where we may not read it."""

    def __init__(self, sheets: PriceSheets) -> None:
        """Read from these sheets when somebody asks."""
        self._sheets = sheets
        self._known: dict[str, Prices | None] = {}

    def of(self, market: str) -> Prices | None:
        """Give the prices of a market, as `exports.prices` has them."""
        if market not in self._known:
            self._known[market] = self._read(market)
        return self._known[market]

    def _read(self, market: str) -> Prices | None:
        from cspkit import exports

        with tempfile.TemporaryDirectory() as folder:
            try:
                file = self._sheets.download(market, Path(folder) / f"price-sheet-{market}.csv")
                prices: Prices = exports.load(file).table("prices").to_pyarrow().to_pylist()
                return prices
            except ApiRefused as error:
                if error.status in NOT_OURS_TO_READ:
                    return None
                raise
            except ExportError:
                return None


def risen(move: PlannedMove, prices: Prices | None, today: date) -> str:
    """Say how our cost has risen since the plan; empty when it has not, or nobody can tell.

    Only a cost that was planned from a sheet can be compared. A lower price is within what the
    customer accepted; an offer that the sheet does not hold any more is a change.
    """
    if move.unit_cost is None or not prices:
        return ""
    found = [price["unit_price"] for price in prices if _same(price, move, today)]
    known = [price for price in found if price is not None]
    what = f"{move.target_offer} {move.term} {move.billing_cycle}"
    if not known:
        return f"the price sheet of today has no {what} in {move.cost_currency}"
    if move.unit_cost in known or max(known) < move.unit_cost:
        return ""
    return (
        f"{what} costs {_plain(max(known))} {move.cost_currency}, planned {_plain(move.unit_cost)}"
    )


def _same(price: dict[str, Any], move: PlannedMove, today: date) -> bool:
    begun = price["valid_from"] is None or price["valid_from"] <= today
    ended = price["valid_to"] is not None and price["valid_to"] < today
    return (
        str(price["target_offer"]).lower() == move.target_offer.lower()
        and price["term"] == move.term
        and price["billing_cycle"] in (None, move.billing_cycle)
        and price["currency"] == move.cost_currency
        and begun
        and not ended
    )


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"
