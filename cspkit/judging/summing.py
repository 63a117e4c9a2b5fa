"""The originals of each customer summed up as one Ibis expression, in the order of need."""

from __future__ import annotations

from datetime import date
from typing import Any

import ibis

from cspkit import money
from cspkit.judging.deadlines import where
from cspkit.judging.deriving import derived
from cspkit.judging.people import people, unknown
from cspkit.judging.sources import Source
from cspkit.tables import RANKED, Channel, Route

FIRST = [
    *("product", "seats", "expires_on", "rolls_over", "invite_by", "last_safe_day", "flags"),
]
# What a customer's sentence needs of the customer itself.
OWN = ("lead_days", "patience", "invited_on")
NO_SLACK = 1_000_000
NEEDED = [
    *FIRST,
    "subscription_id",
    "customer_id",
    "channel",
    "route",
    "slack_days",
    "forfeit_millionths",
    "exposure_millionths",
    "currency",
]


def summed(source: Source) -> ibis.Table:
    """Sum up the customers in the engine: the values of RANKED but the rank, flags and `first`.

    `first` holds values of the original that gives the customer its place, and `lead_days`,
    `patience` and `invited_on` are the customer's own; what a person reads is rendered from them.
    """
    table = _named(_summed(derived(source).select(*NEEDED)), source)
    days = table.next_expiration.delta(source.value("as_of"), unit="day")
    table = table.mutate(days_to_expiration=days)
    values = [name for name in RANKED.names if name in table.columns]
    return table.select(*values, *OWN, "flags", "first")


def ordered(table: ibis.Table) -> ibis.Table:
    """Sort the customers by need; the order is total."""
    return table.order_by(
        (table.movable == 0).asc(),
        table.next_expiration.asc(nulls_first=False),
        table.slack_days.asc(nulls_first=False),
        table.seats.desc(),
        table.customer_id.asc(nulls_first=False),
    )


def _summed(judged: ibis.Table) -> ibis.Table:
    """Sum up each customer; money only where all of it is known and in one currency.

    Roll-overs date a customer only where it has no real end. One pass of aggregates does it:
    windows over all originals would take longer than all the judging.
    """
    judged = judged.mutate(movable=judged.route != Route.NONE.value)
    judged = judged.mutate(real=judged.movable & judged.expires_on.notnull() & ~judged.rolls_over)
    movable, real = judged.movable, judged.real
    theirs = judged.channel != Channel.CSP_NCE.value
    sums = judged.group_by("customer_id").aggregate(
        next_expiration=_either(judged.expires_on, real, movable),
        slack_days=_either(judged.slack_days, real, movable),
        originals=judged.count(),
        movable=movable.sum().cast("int64"),
        seats=judged.seats.sum(where=movable).fill_null(0).cast("int64"),
        forfeit=judged.forfeit_millionths.sum(where=movable),
        exposure=judged.exposure_millionths.sum(where=movable),
        forfeit_unknown=(movable & judged.forfeit_millionths.isnull()).any(),
        exposure_unknown=(movable & judged.exposure_millionths.isnull()).any(),
        currency=judged.currency.min(where=movable),
        other_currency=judged.currency.max(where=movable),
        flags=judged.flags.bit_or(where=theirs),
        first=ibis.struct({name: judged[name] for name in FIRST}).argmin(_first(judged)),
    )
    single = sums.currency == sums.other_currency
    return sums.mutate(
        forfeit_if_moved_now=where(single & ~sums.forfeit_unknown, money.units(sums.forfeit)),
        exposure_if_renewed=where(single & ~sums.exposure_unknown, money.units(sums.exposure)),
        currency=single.ifelse(sums.currency, None),
        slack_days=sums.slack_days.cast("int64"),
    )


def _either(column: Any, real: Any, movable: Any) -> Any:
    return column.min(where=real).fill_null(column.min(where=movable))


def _first(judged: ibis.Table) -> Any:
    """Order the originals of a customer: the one that gives it its place comes first."""
    return ibis.struct(
        {
            "kind": ibis.cases((judged.real, 0), (judged.movable, 1), else_=2),
            "end": judged.expires_on.fill_null(date.max),
            "slack": judged.slack_days.fill_null(NO_SLACK),
            "seats": -judged.seats.fill_null(0),
            "id": judged.subscription_id,
        }
    )


def _named(table: ibis.Table, source: Source) -> ibis.Table:
    """Add what is the customer's own, and the listed customers of whom no original is known."""
    own = people(source).select("known_customer", "listed", "name", "market", "state", *OWN)
    table = table.outer_join(own, table.customer_id == own.known_customer)
    table = table.filter(table.originals.notnull() | table.listed)
    nobody = unknown(source)
    steps = ("state", "lead_days", "patience")
    needs = {name: table[name].fill_null(nobody[name]) for name in steps}
    return table.select(
        *("next_expiration", "slack_days", "currency", "name", "market", "invited_on", "first"),
        *("forfeit_if_moved_now", "exposure_if_renewed"),
        customer_id=ibis.coalesce(table.customer_id, table.known_customer),
        flags=table.flags.fill_null(0).cast("int64"),
        **needs,
        **{name: table[name].fill_null(0) for name in ("originals", "movable", "seats")},
    )
