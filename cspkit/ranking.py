"""Customers in the order in which they need the programme, each with the reason why."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import ibis

from cspkit import blockers, judging
from cspkit.decisions import Decisions
from cspkit.errors import CspkitError
from cspkit.settings import Settings
from cspkit.tables import RANKED, Channel, Route, Step, to_pandas

if TYPE_CHECKING:
    import pandas as pd

    from cspkit.exports import Exports

STEPS = {
    Step.RELATIONSHIP.value: (
        "invitation, agreement and access need",
        "the invitation",
        "gone out",
    ),
    Step.ACCESS.value: ("access needs", "it", "been asked for"),
}
FIRST = ["product", "seats", "expires_on", "invite_by", "last_safe_day", "lead_days", "flags"]
NEEDED = [
    *FIRST,
    "subscription_id",
    "customer_id",
    "channel",
    "route",
    "rolls_over",
    "slack_days",
    "forfeit",
    "exposure",
    "currency",
    "state",
]
DO = {"gone out": "go out", "been asked for": "be asked for"}


def rank(
    exports: Exports,
    *,
    as_of: date | str,
    settings: Settings | None = None,
    decisions: Decisions | None = None,
) -> pd.DataFrame:
    """Rank every customer of the exports; returns the columns of `tables.RANKED`, rank 1 first.

    The nearest natural expiration goes first, then the least slack, then the most seats, then
    the customer id; who has nothing with a route comes last. A monthly roll-over counts as an
    expiration only where the customer has no other. Raises CspkitError for an impossible as_of.
    """
    import pyarrow as pa

    day = read_day("as_of", as_of)
    table = ordered(exports, as_of=day, settings=settings or Settings(), decisions=decisions)
    rows = judging.fetch(table)
    rendered = [_rendered(row, day) for row in rows.to_pylist()]
    for name in ("next_action", "blockers", "reason"):
        rows = rows.append_column(name, pa.array([row[name] for row in rendered], pa.string()))
    return to_pandas(rows.select(RANKED.names))


def read_day(name: str, value: date | str) -> date:
    """Return a day given as a date or as text such as 2026-11-20."""
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        expected = "expected a date such as 2026-11-20"
        raise CspkitError(f"{name}: {expected}, found {value!r}") from None


def ordered(
    exports: Exports, *, as_of: date, settings: Settings, decisions: Decisions | None = None
) -> ibis.Table:
    """Rank in the engine: the columns of RANKED that are values, and those of the first original.

    The first original is the one that gives the customer its place; its columns begin with
    `first_`, and what a person reads is rendered from them.
    """
    judged = judging.derive(exports, as_of=as_of, settings=settings, decisions=decisions)
    judged = judged.select(*NEEDED)
    table = _summed(_counted(judged))
    table = _named(table, exports)
    table = table.mutate(
        days_to_expiration=table.next_expiration.delta(ibis.literal(as_of), unit="day"),
    )
    place = ibis.row_number().over(order_by=_order(table))
    return table.mutate(rank=(place + 1).cast("int64")).order_by("rank")


def _counted(judged: ibis.Table) -> ibis.Table:
    """Mark the originals whose end gives the customer its place, and put them in order."""
    movable = judged.route != Route.NONE.value
    real = movable & judged.expires_on.notnull() & ~judged.rolls_over
    judged = judged.mutate(is_movable=movable, is_real=real)
    has_real = judged.is_real.any().over(group_by="customer_id")
    judged = judged.mutate(counts=judged.is_movable & (judged.is_real | ~has_real))
    order = [
        judged.counts.desc(),
        judged.is_movable.desc(),
        judged.expires_on.asc(nulls_first=False),
        judged.slack_days.asc(nulls_first=False),
        judged.seats.desc(nulls_first=False),
        judged.subscription_id.asc(),
    ]
    place = ibis.row_number().over(group_by="customer_id", order_by=order)
    return judged.mutate(place=place)


def _summed(judged: ibis.Table) -> ibis.Table:
    """Sum up each customer; money only where all of it is known and in one currency."""
    movable, first = judged.is_movable, judged.place == 0
    ours = judged.channel == Channel.CSP_NCE.value
    sums = judged.group_by("customer_id").aggregate(
        next_expiration=judged.expires_on.min(where=judged.counts),
        slack_days=judged.slack_days.min(where=judged.counts).cast("int64"),
        originals=judged.count(),
        movable=movable.sum().cast("int64"),
        seats=judged.seats.sum(where=movable).fill_null(0).cast("int64"),
        forfeit=judged.forfeit.sum(where=movable),
        exposure=judged.exposure.sum(where=movable),
        forfeit_unknown=(movable & judged.forfeit.isnull()).any(),
        exposure_unknown=(movable & judged.exposure.isnull()).any(),
        currencies=judged.currency.nunique(where=movable),
        one_currency=judged.currency.min(where=movable),
        state=judged.state.min(),
        flags=ours.ifelse(0, judged.flags).bit_or(),
        first_rolls_over=(judged.rolls_over & first).any(),
        **{f"first_{name}": judged[name].max(where=first) for name in FIRST},
    )
    single = sums.currencies == 1
    return sums.mutate(
        forfeit_if_moved_now=(single & ~sums.forfeit_unknown).ifelse(sums.forfeit, None),
        exposure_if_renewed=(single & ~sums.exposure_unknown).ifelse(sums.exposure, None),
        currency=single.ifelse(sums.one_currency, None),
    )


def _named(table: ibis.Table, exports: Exports) -> ibis.Table:
    """Add names and markets, and the customers of whom no subscription is known."""
    customers = exports.table("customers")
    names = customers.group_by("customer_id").aggregate(
        name=customers.name.min(),
        market=customers.market.min(),
        related=(customers.relationship.lower() == "reseller").fill_null(False).any(),
    )
    table = table.outer_join(names, table.customer_id == names.customer_id)
    related = table.related.fill_null(False)
    without = related.ifelse(Step.ACCESS.value, Step.RELATIONSHIP.value)
    table = table.mutate(
        customer_id=ibis.coalesce(table.customer_id, table.customer_id_right),
        state=table.state.fill_null(without),
        flags=table.flags.fill_null(0).cast("int64"),
    )
    return table.mutate(
        **{name: table[name].fill_null(0) for name in ("originals", "movable", "seats")},
        **{
            name: table[name].cast(RANKED.schema[name])
            for name in ("forfeit_if_moved_now", "exposure_if_renewed")
        },
    )


def _order(table: ibis.Table) -> list[Any]:
    return [
        (table.movable == 0).asc(),
        table.next_expiration.asc(nulls_first=False),
        table.slack_days.asc(nulls_first=False),
        table.seats.desc(),
        table.customer_id.asc(nulls_first=False),
    ]


def _rendered(row: dict[str, Any], as_of: date) -> dict[str, str]:
    """Put a row's codes and values into the words that a person reads."""
    first = blockers.codes(row["first_flags"] or 0)
    return {
        "blockers": " ".join(blockers.codes(row["flags"])),
        "next_action": _action(row, first),
        "reason": _reason(row, first, as_of),
    }


def _action(row: dict[str, Any], first: list[str]) -> str:
    if not row["movable"]:
        return "nothing to do"
    actions = [blockers.table()[code].action for code in first]
    return next((action for action in actions if action), "put it in a plan")


def _reason(row: dict[str, Any], first: list[str], as_of: date) -> str:
    if not row["originals"]:
        return "no subscription of this customer is in the exports"
    if not row["movable"]:
        return f"nothing to move: {_sentence(first)}"
    subject = _subject(row, as_of)
    stops = [code for code in first if blockers.table()[code].waits]
    if stops:
        return f"{subject}; {_sentence(stops)}"
    return f"{subject}; {_deadline(row, as_of)}"


def _sentence(codes: list[str]) -> str:
    return blockers.table()[codes[0]].sentence if codes else "no route is known"


def _subject(row: dict[str, Any], as_of: date) -> str:
    seats, product = row["first_seats"], row["first_product"] or "an unnamed product"
    one = seats == 1
    subject = f"{'An unknown number of' if seats is None else seats} seat{'' if one else 's'}"
    subject = f"{subject} of {product}"
    end = row["first_expires_on"]
    if end is None:
        return f"{subject} {'has' if one else 'have'} no known end"
    if row["first_rolls_over"]:
        return f"{subject} renew{'s' if one else ''} every month, next on {_day(end)}"
    if end < as_of:
        ago = (as_of - end).days
        return f"{subject} ended on {_day(end)}, {ago} day{'' if ago == 1 else 's'} ago"
    return f"{subject} end{'s' if one else ''} on {_day(end)}"


def _deadline(row: dict[str, Any], as_of: date) -> str:
    """Say by when the next step must be taken, or that its day has passed."""
    last, lead = row["first_last_safe_day"], row["first_lead_days"]
    state = row["state"]
    if last is None:
        return "no last safe day is known"
    if state == blockers.READY:
        past = last < as_of
        return f"the last safe day to order {'was' if past else 'is'} {_day(last)}"
    start = row["first_invite_by"] or last - timedelta(days=lead)
    what, it, done = STEPS[state]
    when = f"should have {done} on" if start < as_of else f"has to {DO[done]} by"
    return f"{what} about {lead} days, so {it} {when} {_day(start)}"


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
