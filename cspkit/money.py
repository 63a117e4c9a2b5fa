"""What seats cost a day, what moving now forfeits and what a renewal commits, to the millionth."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import ibis

from cspkit.tables import MONEY

# Price and seats beyond these are mistakes of an export, and the price then counts as unknown.
# The price of three years stays below 2^53 millionths, so that engines which divide in floating
# point still divide it exactly.
MAX_PRICE, MAX_SEATS, MAX_AMOUNT = 100_000, 1_000_000, 250_000_000
MAX_DAYS = 10 * 365
MILLION = 1_000_000
THREE_YEARS = 3 * 365
CYCLES_IN_3_YEARS = {"monthly": 36, "annual": 3, "triennial": 1}
CYCLES_IN_TERM = {
    ("P1M", "monthly"): 1,
    ("P1Y", "monthly"): 12,
    ("P1Y", "annual"): 1,
    ("P3Y", "monthly"): 36,
    ("P3Y", "annual"): 3,
    ("P3Y", "triennial"): 1,
}


def totals(table: ibis.Table) -> dict[str, Any]:
    """Multiply prices by seats: of the original, and of what may be ordered in its place.

    `totals`, `amounts` and `of` belong into three selects, one above the other: within one, each
    use of a column of the select before would repeat the whole of its making.
    """
    # A price without its currency is no money.
    price = table.currency.notnull().ifelse(table.unit_price, ibis.null(MONEY))
    return {
        "own_total": _millionths(price, table.seats),
        "stand_in_total": _millionths(price, table.order_seats),
        "said_total": _millionths(table.said_price, table.order_seats),
        "sheet_total": _millionths(table.sheet_price, table.order_seats),
    }


def amounts(table: ibis.Table) -> dict[str, Any]:
    """Reckon what three years and a term cost in millionths; what is absurd is unknown."""
    years = _per(table.original_cycle, CYCLES_IN_3_YEARS)
    said_years = _per(table.billing_cycle, CYCLES_IN_3_YEARS)
    in_term = ibis.cases(
        *[
            ((table.original_term == term) & (table.original_cycle == cycle), count)
            for (term, cycle), count in CYCLES_IN_TERM.items()
        ]
    )
    return {
        "own_3_years": _sane(table.own_total) * years,
        "exposure_millionths": _sane(table.own_total) * in_term,
        "decided": _sane(table.said_total) * said_years,
        "sheet": _sane(table.sheet_total) * said_years,
        "stand_in": _sane(table.stand_in_total) * years,
    }


def of(table: ibis.Table, as_of: Any) -> dict[str, Any]:
    """Reckon money in whole millionths, rounded once to the nearest; unknown stays unknown.

    Originals have the price of the export; replacements the one decided, else the price sheet's,
    else their original's in its place. `purchase_cost` is the overlap of an order on the last
    safe day: old and new are paid for up to the end, both days included.
    """
    days = table.expires_on.delta(as_of, unit="day")
    days = (days <= MAX_DAYS).ifelse(days, ibis.null("int64")).clip(lower=0)
    per_3_years = ibis.coalesce(table.decided, table.sheet, table.stand_in)
    overlap = table.expires_on.delta(table.last_safe_day, unit="day") + 1
    forfeit = _share(table.own_3_years, days)
    return {
        "price_unknown": table.own_3_years.isnull(),
        "daily_price": units(_share(table.own_3_years, 1)),
        "forfeit_millionths": forfeit,
        "forfeit": units(forfeit),
        "exposure": units(table.exposure_millionths),
        "order_daily": units(_share(per_3_years, 1)),
        "purchase_cost": units(_share(per_3_years, overlap)),
        "order_currency": ibis.cases(
            (table.decided.notnull(), table.said_currency),
            (table.sheet.notnull(), table.sheet_currency),
            else_=table.currency,
        ),
        "price_source": ibis.cases(
            (table.decided.notnull(), "decision"),
            (table.sheet.notnull(), "sheet"),
            (table.stand_in.notnull(), "original"),
        ),
        "price_place": (table.decided.isnull() & table.sheet.notnull()).ifelse(
            table.sheet_place, ibis.null("string")
        ),
    }


def _millionths(price: Any, seats: Any) -> Any:
    """Multiply a price by seats in whole millionths, or say unknown where either is absurd."""
    sane = price.between(0, MAX_PRICE) & seats.between(1, MAX_SEATS)
    # A sane price has so few digits that floating point holds its millionths to the last one,
    # and takes half the time of long decimals.
    each = sane.ifelse(price, ibis.null(MONEY)).cast("float64") * MILLION
    return each.round().cast("int64") * sane.ifelse(seats, ibis.null("int64"))


def _sane(total: Any) -> Any:
    return (total <= MAX_AMOUNT * MILLION).ifelse(total, ibis.null("int64"))


def _share(per_3_years: Any, days: Any) -> Any:
    """Take so many days of the price of three years; the odd divisor never ends in a tie."""
    rest = per_3_years % THREE_YEARS
    whole = _quotient(per_3_years, THREE_YEARS)
    return whole * days + _quotient(2 * rest * days + THREE_YEARS, 2 * THREE_YEARS)


def _quotient(number: Any, divisor: int) -> Any:
    return ((number - number % divisor) / divisor).cast("int64")


def units(millionths: Any) -> Any:
    """Write whole millionths as an amount."""
    millionth = ibis.literal(Decimal("0.000001"), type="decimal(18, 6)")
    return (millionths.cast("decimal(18, 0)") * millionth).cast(MONEY)


def _per(column: Any, values: Mapping[str, int]) -> Any:
    return ibis.cases(*[(column == key, value) for key, value in values.items()])
