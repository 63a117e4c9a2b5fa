"""Days counted back from the end of each original: to invite, to order, to stop the renewal."""

from __future__ import annotations

from typing import Any

import ibis

from cspkit import blockers
from cspkit.judging.sources import Source
from cspkit.tables import Route, Step

Columns = dict[str, Any]
# Partner Center documentation: a new-commerce order can be cancelled within 168 hours of the
# order itself, not of its day; the instant is Partner Center's to say.
UNDO_UNTIL = "7 x 24 hours after the order"


def dated(table: ibis.Table, source: Source) -> ibis.Table:
    """Join the calendar: last_safe_day, latest_invitation, renewal_safe_on, end_scheduled_by."""
    days = source.fact("calendar")
    keys = [
        ("expires_on", "calendar_day"),
        ("same", "calendar_same"),
        ("patience", "calendar_patience"),
    ]
    return table.left_join(days, keys)


def deadlines(table: ibis.Table, source: Source) -> Columns:
    """Name the days that must not be missed; the calendar has counted them back from the end."""
    by = table.last_safe_day.fill_null(table.expires_on)
    graced = (table.expires_on + table.grace_days.as_interval("D")).cast("date")
    uninvited = (table.state == Step.RELATIONSHIP.value) & ~table.pending
    return {
        "invite_by": where(uninvited, table.latest_invitation),
        "access_by": where(table.state != blockers.READY, table.last_safe_day),
        "service_ends": table.last_safe_day.isnull().ifelse(table.expires_on, graced),
        "slack_days": by.delta(source.value("as_of"), unit="day") - table.ready_in,
    }


def window(table: ibis.Table, source: Source) -> Columns:
    """Open the window once the missing steps can be done; at term end, the day after the end.

    The same offer needs nobody's licences read before it is ordered, so where the time is short
    it goes ahead of our access rather than let the original end unreplaced.
    """
    as_of = source.value("as_of")
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


def where(condition: Any, value: Any) -> Any:
    """Return a value where a condition holds, else nothing of its type."""
    return ibis.ifelse(condition, value, ibis.null(value.type()))


def _plus(day: Any, days: Any) -> Any:
    return (day + days.as_interval("D")).cast("date")
