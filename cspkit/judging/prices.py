"""What a replacement costs by the partner's own price sheet on a day."""

from __future__ import annotations

from datetime import date
from typing import Any

import ibis

from cspkit.judging.sources import Source

KEYS = ["target_offer", "segment", "term", "billing_cycle", "market"]
EVERYWHERE = ""
KEYED = ("sheet_offer", "sheet_segment", "sheet_term", "sheet_cycle", "sheet_market")


def markets(source: Source) -> ibis.Table:
    """List the markets that a price sheet names; the others have the prices of everywhere."""
    known = source.table("prices")
    return known.filter(known.market.notnull()).select(price_market="market").distinct()


def priced(table: ibis.Table, source: Source) -> ibis.Table:
    """Put the sheet's price beside each replacement: sheet_price, sheet_currency, sheet_place.

    A price fits by offer, segment, term, billing cycle and the customer's market on as_of. Of a
    market with several currencies the plan's own is taken. The youngest valid price decides; two
    different ones from the same day decide nothing.
    """
    keys = [
        ("target_offer", "sheet_offer"),
        ("segment", "sheet_segment"),
        ("term", "sheet_term"),
        ("billing_cycle", "sheet_cycle"),
        ("price_market", "sheet_market"),
    ]
    return table.left_join(_sheet(source), keys)


def _sheet(source: Source) -> ibis.Table:
    """Keep one price per offer, segment, term, cycle and market."""
    prices, as_of = source.table("prices"), source.value("as_of")
    valid = prices.filter(
        prices.unit_price.notnull(),
        prices.currency.notnull(),
        (prices.valid_from <= as_of).fill_null(True),
        (prices.valid_to >= as_of).fill_null(True),
    )
    valid = valid.mutate(
        segment=valid.segment.fill_null("commercial"),
        market=valid.market.fill_null(EVERYWHERE),
        since=valid.valid_from.fill_null(date.min),
        place=valid.source_file + ", row " + valid.source_row.cast("string"),
    )
    days = valid.group_by([*KEYS, "currency", "since"]).aggregate(
        price=valid.unit_price.min(), dearest=valid.unit_price.max(), place=valid.place.min()
    )
    youngest = days.group_by([*KEYS, "currency"]).aggregate(
        **{name: days[name].argmax(days.since) for name in ("price", "dearest", "place")}
    )
    certain = youngest.filter(youngest.price == youngest.dearest)
    order = (certain.currency != source.value("currency")).ifelse("1", "0") + certain.currency
    return certain.group_by(
        sheet_offer="target_offer",
        sheet_segment="segment",
        sheet_term="term",
        sheet_cycle="billing_cycle",
        sheet_market="market",
    ).aggregate(
        sheet_price=_first(certain.price, order),
        sheet_currency=_first(certain.currency, order),
        sheet_place=_first(certain.place, order),
    )


def _first(column: Any, order: Any) -> Any:
    return column.argmin(order)
