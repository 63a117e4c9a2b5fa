"""What replacements cost in the plan's currency, and what they commit over their whole term."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from cspkit.errors import SettingsError
from cspkit.money import CYCLES_IN_TERM, THREE_YEARS
from cspkit.policy import Policy
from cspkit.settings import FILE
from cspkit.tables import Route

MILLIONTH, CENT = Decimal("0.000001"), Decimal("0.01")
DAYS_IN_TERM = {
    "P1M": Decimal(THREE_YEARS) / 36,
    "P1Y": Decimal(THREE_YEARS) / 3,
    "P3Y": Decimal(THREE_YEARS),
}

Row = dict[str, Any]


def currency_of(rows: Iterable[Row], policy: Policy) -> str | None:
    """Choose the currency of a plan's total: the policy's, else that of all prices.

    None where the policy names none and the prices are in several: each then has its own total.
    Raises SettingsError that names the rate, where the policy asks for a total that needs it, and
    where a limit on amounts would have to add up several currencies.
    """
    found = Counter(row["order_currency"] for row in rows if _priced(row))
    if policy.currency is None:
        if policy.rates:
            raise SettingsError(FILE, "policy.currency", "expected with policy.rates, found none")
        if len(found) > 1 and (policy.caps_amounts or policy.second_name_above is not None):
            prices = ", ".join(sorted(found))
            problem = f"expected with a limit on amounts, as prices are in {prices}; found none"
            raise SettingsError(FILE, "policy.currency", problem)
        return next(iter(found)) if len(found) == 1 else None
    for code in sorted(found.keys() - policy.rates.keys() - {policy.currency}):
        raise SettingsError(
            FILE,
            f"policy.rates.{code}",
            f"expected how many {policy.currency} one {code} is, found no rate;"
            f" {found[code]} originals have prices in {code}",
        )
    return policy.currency


def worth(amount: Decimal, currency: str | None, policy: Policy) -> Decimal | None:
    """Give an amount in the policy's currency; None where no rate tells."""
    if currency is not None and currency == policy.currency:
        return amount
    rate = policy.rates.get(currency or "")
    return None if rate is None else amount * rate


def in_one_currency(row: Row, currency: str | None, policy: Policy) -> Row:
    """Give a judged original its daily cost in the plan's currency."""
    if not _priced(row) or currency in (None, row["order_currency"]):
        return row
    daily = worth(row["order_daily"], row["order_currency"], policy)
    assert daily is not None
    return row | {"order_daily": daily.quantize(MILLIONTH), "order_currency": currency}


def amount(row: Row) -> Decimal | None:
    """Reckon what a replacement costs over its whole term; None where its price is unknown."""
    if row["order_daily"] is None or row["order_currency"] is None:
        return None
    days = DAYS_IN_TERM[row["term"]]
    return Decimal(row["order_daily"] * days).quantize(CENT)


def sold(row: Row) -> bool:
    """Tell whether a term and a billing cycle go together."""
    return (row["term"], row["billing_cycle"]) in CYCLES_IN_TERM


def _priced(row: Row) -> bool:
    bought = row["route"] == Route.PURCHASE.value
    return bool(bought and row["order_daily"] is not None and row["order_currency"])
