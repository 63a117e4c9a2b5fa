"""What happens to a subscription at the end of its term: the rehearsal's own rules."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

MONTHS = {"P1M": 1, "P1Y": 12, "P3Y": 36}
EXTENSION_BOUGHT = date(2025, 4, 1)
EXTENSION_ENDS = date(2026, 5, 4)
EXTENSION_DIRECT = date(2026, 2, 9)


@dataclass(frozen=True)
class Rule:
    """Days of free use after the end, days with data only, and whether it can renew."""

    grace: int
    disabled: int
    renews: bool
    extends: bool = False


# what holds for a term of today; `rule_of` knows the older terms
RULES = {
    "direct_mosa": Rule(grace=30, disabled=90, renews=True),
    "direct_mca": Rule(grace=0, disabled=90, renews=True, extends=True),
    "open": Rule(grace=30, disabled=90, renews=False),
    "ea": Rule(grace=90, disabled=60, renews=False),
    "mca_e": Rule(grace=30, disabled=90, renews=False),
    "csp_legacy": Rule(grace=0, disabled=90, renews=True),
    "csp_nce": Rule(grace=0, disabled=90, renews=True, extends=True),
    "csp_other": Rule(grace=0, disabled=90, renews=True, extends=True),
    # nobody knows where it was bought: the hard case, it ends and nothing is free
    "unknown": Rule(grace=0, disabled=90, renews=False),
}
_FREE_MONTH = Rule(grace=30, disabled=90, renews=True)
_TRIAL = Rule(grace=30, disabled=90, renews=False)


def rule_of(
    channel: str, *, term: str, starts_on: date, ends_on: date, trial: bool = False
) -> Rule:
    """Choose what happens at the end of one term, by its channel and its dates."""
    if trial:
        return _TRIAL
    if channel in ("csp_nce", "csp_other") and (
        starts_on < EXTENSION_BOUGHT or ends_on < EXTENSION_ENDS
    ):
        return _FREE_MONTH
    if channel == "direct_mca" and starts_on < EXTENSION_DIRECT:
        return _FREE_MONTH
    if channel == "mca_e" and term == "P3Y":
        return Rule(grace=90, disabled=90, renews=False)
    return RULES[channel]


def add_months(day: date, months: int) -> date:
    """Go months ahead, staying in the month where the day does not exist."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def term_end(first: date, term: str) -> date:
    """Give the last day of a term that starts on first."""
    return add_months(first, MONTHS[term]) - timedelta(days=1)


def term_start(last: date, term: str) -> date:
    """Give the first day of the term that ends on last."""
    return add_months(last + timedelta(days=1), -MONTHS[term])
