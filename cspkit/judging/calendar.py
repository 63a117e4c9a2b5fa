"""Days counted back from every possible end, and on from as_of, as small tables."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache

import pyarrow as pa

from cspkit.exports import arrays
from cspkit.policy import DAY, Patience, Policy, Workdays

OVERDUE_YEARS, TERM_YEARS = 2, 6
CALENDAR = pa.schema(
    [
        ("calendar_day", pa.date32()),
        ("calendar_same", pa.bool_()),
        ("calendar_patience", pa.string()),
        ("last_safe_day", pa.date32()),
        ("latest_invitation", pa.date32()),
        ("renewal_safe_on", pa.date32()),
        ("end_scheduled_by", pa.date32()),
    ]
)
WAITS = pa.schema([("market", pa.string()), ("counted", pa.int64()), ("days", pa.int64())])
SEASONS = pa.schema([("season_market", pa.string()), ("season", pa.string())])


def last_safe_day(expires_on: date, same: bool, policy: Policy, workdays: Workdays) -> date:
    """Return the last day for an order so that checks and a repair end before expires_on.

    The order, the days to verify, one to reassign where the offer differs, and the days for a
    repair are all different working days, each strictly before expires_on.
    """
    return workdays.last_order_day(workdays.back(expires_on, _needed(same, policy) + 1))


def _needed(same: bool, policy: Policy) -> int:
    return policy.verify_days + policy.repair_days + (0 if same else 1)


class _Counted:
    """Calendars laid out as lists of days, so that thousands of looks at them are quick."""

    def __init__(self, workdays: Workdays, patience: Patience, first: date, last: date) -> None:
        days = [first + number * DAY for number in range((last - first).days + 1)]
        self._workdays, self._patience = workdays, patience
        self._worked = [day for day in days if workdays.is_workday(day)]
        self._orders = [day for day in self._worked if workdays.is_order_day(day)]
        self._counted = {
            market: [day for day in days if not patience.slow(day, market)]
            for market in ("", *patience.alike)
        }

    def back(self, day: date, count: int) -> date:
        place = bisect_left(self._worked, day) - count
        return self._worked[place] if place >= 0 else self._workdays.back(day, count)

    def last_order_day(self, day: date) -> date:
        place = bisect_right(self._orders, day) - 1
        return self._orders[place] if place >= 0 else self._workdays.last_order_day(day)

    def invitation(self, day: date, lead: int, market: str) -> date:
        """Return the last working day from which so many counted days are over by a day."""
        counted = self._counted[market]
        place = bisect_right(counted, day) - lead
        early = not lead or place < 0
        begin = self._patience.begin(day, lead, market) if early else counted[place] - DAY
        return self.back(begin + DAY, 1)


@lru_cache(maxsize=8)
def calendar(as_of: date, policy_json: str) -> pa.Table:
    """List for each possible end, offer the same or not, and season, the days counted back."""
    policy = Policy.model_validate_json(policy_json)
    patience = Patience(policy.slow_seasons)
    lead = policy.relationship_days + policy.agreement_days + policy.access_days
    first = as_of - timedelta(days=365 * OVERDUE_YEARS)
    last = first + timedelta(days=365 * (OVERDUE_YEARS + TERM_YEARS))
    # A year more than the longest way back; what lies further is walked to.
    counted = _Counted(Workdays(policy), patience, first - timedelta(days=lead + 365), last)
    markets = ("", *patience.alike)
    rows = []
    for number in range((last - first).days):
        day = first + number * DAY
        ends = (counted.back(day, 1 + policy.repair_days), counted.back(day, 1))
        for same in (True, False):
            safe = counted.last_order_day(counted.back(day, _needed(same, policy) + 1))
            for market in markets:
                invited = counted.invitation(safe, lead, market)
                rows.append((day, same, market, safe, invited, *ends))
    columns = zip(zip(*rows, strict=True), CALENDAR, strict=True)
    days = [arrays.column(column, field.type) for column, field in columns]
    return pa.Table.from_arrays(days, schema=CALENDAR)


def waits(as_of: date, policy: Policy) -> pa.Table:
    """List how many days so many counted ones take from as_of, by the market's seasons."""
    patience = Patience(policy.slow_seasons)
    most = policy.relationship_days + policy.agreement_days + policy.access_days
    rows = [
        {"market": market, "counted": counted, "days": (ready - as_of).days}
        for market in ("", *patience.alike)
        for counted in range(most + 1)
        for ready in [patience.ready(as_of, counted, market)]
    ]
    return arrays.table(rows, WAITS)


def seasons(policy: Policy) -> pa.Table:
    """List the markets with slow seasons of their own, each with the name that they go by."""
    alike: Iterable[tuple[str, list[str]]] = Patience(policy.slow_seasons).alike.items()
    rows = [
        {"season_market": market, "season": first} for first, markets in alike for market in markets
    ]
    return arrays.table(rows, SEASONS)
