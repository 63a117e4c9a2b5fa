"""Days counted back from the end of each original: to invite, to order, to stop the renewal."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import ibis
import pyarrow as pa

from cspkit import blockers
from cspkit.policy import Patience, Policy, Workdays
from cspkit.tables import Route, Step

Columns = dict[str, Any]
OVERDUE_YEARS, TERM_YEARS = 2, 6
# Partner Center documentation: a new-commerce order can be cancelled within 168 hours of the
# order itself, not of its day; the instant is Partner Center's to say.
UNDO_UNTIL = "7 x 24 hours after the order"


def dated(table: ibis.Table, as_of: date, policy: Policy) -> ibis.Table:
    """Join the calendar: last_safe_day, latest_invitation, renewal_safe_on, end_scheduled_by."""
    days = ibis.memtable(_calendar(as_of, policy.model_dump_json()))
    keys = [
        ("expires_on", "calendar_day"),
        ("same", "calendar_same"),
        ("patience", "calendar_patience"),
    ]
    return table.left_join(days, keys)


def deadlines(table: ibis.Table, as_of: date) -> Columns:
    """Name the days that must not be missed; the calendar has counted them back from the end."""
    by = table.last_safe_day.fill_null(table.expires_on)
    graced = (table.expires_on + table.grace_days.as_interval("D")).cast("date")
    uninvited = (table.state == Step.RELATIONSHIP.value) & ~table.pending
    return {
        "invite_by": where(uninvited, table.latest_invitation),
        "access_by": where(table.state != blockers.READY, table.last_safe_day),
        "service_ends": table.last_safe_day.isnull().ifelse(table.expires_on, graced),
        "slack_days": by.delta(ibis.literal(as_of), unit="day") - table.ready_in,
    }


def window(table: ibis.Table, as_of: date) -> Columns:
    """Open the window once the missing steps can be done; at term end, the day after the end.

    The same offer needs nobody's licences read before it is ordered, so where the time is short
    it goes ahead of our access rather than let the original end unreplaced.
    """
    after_all = _plus(as_of, table.ready_in)
    hurried = table.same & (after_all > table.last_safe_day).fill_null(False)
    at_end = table.route == Route.BUY_AT_TERM_END.value
    return {
        "order_from": ibis.cases(
            (at_end, (table.expires_on + ibis.interval(days=1)).cast("date")),
            (hurried, _plus(as_of, table.orderable_in)),
            else_=after_all,
        ),
        "undo_until": where(
            table.route.isin((Route.PURCHASE.value, Route.BUY_AT_TERM_END.value)),
            ibis.literal(UNDO_UNTIL),
        ),
    }


@lru_cache(maxsize=8)
def _calendar(as_of: date, policy_json: str) -> pa.Table:
    """List for each possible end, offer the same or not, and season, the days counted back."""
    policy = Policy.model_validate_json(policy_json)
    workdays, patience = Workdays(policy), Patience(policy.slow_seasons)
    lead = policy.relationship_days + policy.agreement_days + policy.access_days
    first = as_of - timedelta(days=365 * OVERDUE_YEARS)
    rows = []
    for number in range(365 * (OVERDUE_YEARS + TERM_YEARS)):
        day = first + timedelta(days=number)
        either: dict[str, Any] = {
            "renewal_safe_on": workdays.back(day, 1 + policy.repair_days),
            "end_scheduled_by": workdays.back(day, 1),
        }
        for same in (True, False):
            last = last_safe_day(day, same, policy, workdays)
            either |= {"calendar_day": day, "calendar_same": same, "last_safe_day": last}
            for market in ("", *patience.alike):
                invited = workdays.on_or_before(patience.begin(last, lead, market))
                rows.append({"calendar_patience": market, "latest_invitation": invited} | either)
    return pa.Table.from_pylist(rows)


def last_safe_day(expires_on: date, same: bool, policy: Policy, workdays: Workdays) -> date:
    """Return the last day for an order so that checks and a repair end before expires_on.

    The order, the days to verify, one to reassign where the offer differs, and the days for a
    repair are all different working days, each strictly before expires_on.
    """
    needed = policy.verify_days + policy.repair_days + (0 if same else 1)
    return workdays.last_order_day(workdays.back(expires_on, needed + 1))


def where(condition: Any, value: Any) -> Any:
    """Return a value where a condition holds, else nothing of its type."""
    return ibis.ifelse(condition, value, ibis.null(value.type()))


def _plus(day: date, days: Any) -> Any:
    return (ibis.literal(day) + days.as_interval("D")).cast("date")
