"""Make one row of everything that speaks of the same customer or subscription.

Files are taken in this order: the profile's precedence, the younger export, the name; in one
file the later line where the format has many for one subscription, else the first. The first
row gives its place in its file and every value it has; values it lacks come from the next one.
A channel that is unknown counts as lacking. A subscription under two customers stays with the
first; the other row is rejected. Rows that stand alone are never copied.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
from ibis import _

from cspkit import tables
from cspkit.exports.checking import CUSTOMER_PART, LATEST
from cspkit.exports.engine import FILE
from cspkit.exports.sheets import ROW

Keep = Callable[[str, Any], Any]
PLACE, RANK = "_place", "_rank"
COMPARED = (
    "channel",
    "sku_id",
    "offer_id",
    "seats",
    "term",
    "billing_cycle",
    "expires_on",
    "auto_renew",
    "status",
    "unit_price",
    "currency",
)
FILLED = {
    "name": "customer_name",
    "domain": "customer_domain",
    "market": "market",
    "language": "language",
    "relationship": "relationship",
}


@dataclass(frozen=True)
class Merged:
    """One row per key, the rows they stand for, and rows that contradict them."""

    rows: Any
    merged: Any = None
    foreign: Any = None
    conflicts: Any = None


def subscriptions(rows: Any, keep: Keep) -> Merged:
    """Merge accepted rows by subscription id."""
    repeated = _repeated(rows, "subscription_id", keep)
    if repeated is None:
        return Merged(rows)
    several = rows.semi_join(repeated, "subscription_id").mutate(
        channel=_.channel.nullif("unknown")
    )
    placed = keep("placed_subscriptions", _placed(several, "subscription_id"))
    window = ibis.window(group_by="subscription_id", order_by=PLACE)
    owned = placed.mutate(owner=_.customer_id.first().over(window))
    foreign = keep("foreign", owned.filter(_.customer_id != _.owner).select(FILE, ROW))
    ours = placed.anti_join(foreign, [FILE, ROW])
    filled = _filled(ours, "subscription_id", rows.columns).mutate(
        channel=_.channel.fill_null("unknown")
    )
    single = rows.anti_join(repeated, "subscription_id")
    kept = keep("filled_subscriptions", filled)
    together = ibis.union(single, kept.select(*single.columns))
    others = ours.filter(_[PLACE] > 0)
    return Merged(together, others, foreign, _conflicts(others, kept))


def _conflicts(others: Any, kept: Any) -> Any:
    """Say where another file tells another value than the one that was kept.

    Older lines of the same file are no contradiction: they were true in their time.
    """
    both = others.inner_join(kept, "subscription_id", rname="kept_{name}")
    elsewhere = both.filter(both["source_file"] != both["kept_source_file"])
    parts = [
        elsewhere.filter(elsewhere[name] != elsewhere[f"kept_{name}"]).select(
            "subscription_id",
            column=ibis.literal(name),
            kept=elsewhere[f"kept_{name}"].cast("string"),
            kept_file=elsewhere["kept_source_file"],
            kept_row=elsewhere["kept_source_row"],
            other=elsewhere[name].cast("string"),
            source_file=elsewhere["source_file"],
            source_row=elsewhere["source_row"],
        )
        for name in COMPARED
    ]
    return ibis.union(*parts).order_by("subscription_id", "column", "source_file", "source_row")


def customers(rows: Any, keep: Keep) -> Merged:
    """Merge rows of customers files by tenant id."""
    repeated = _repeated(rows, "customer_id", keep)
    if repeated is None:
        return Merged(rows)
    placed = keep(
        "placed_customers", _placed(rows.semi_join(repeated, "customer_id"), "customer_id")
    )
    filled = keep("filled_customers", _filled(placed, "customer_id", rows.columns))
    single = rows.anti_join(repeated, "customer_id")
    together = ibis.union(single, filled.select(*single.columns))
    return Merged(together, placed.filter(_[PLACE] > 0))


def with_owners(own: Any, subscriptions: Sequence[tuple[Any, set[str]]], keep: Keep) -> Any:
    """Complete customers from what subscriptions say of theirs, and add those they alone name.

    Each source comes with the customer columns that its format has.
    """
    listed = own.select("customer_id")
    told = []
    for rows, has in subscriptions:
        if not has.intersection(CUSTOMER_PART):
            rows = rows.anti_join(listed, "customer_id")
        told.append(_told(rows, has))
    best = {name: _[name].argmin(_[RANK], where=_[name].notnull()) for name in FILLED}
    derived = keep(
        "told_customers",
        ibis.union(*told)
        .group_by("customer_id")
        .aggregate(
            **best,
            source_file=_.source_file.argmin(_[RANK]),
            source_row=_.source_row.argmin(_[RANK]),
        ),
    )
    joined = own.left_join(derived, "customer_id")
    complete = joined.select(
        "customer_id",
        **{name: ibis.coalesce(joined[name], joined[f"{name}_right"]) for name in FILLED},
        source_file=joined["source_file"],
        source_row=joined["source_row"],
    )
    orphans = derived.anti_join(listed, "customer_id").select(*complete.columns)
    return ibis.union(complete, orphans).select(tables.CUSTOMERS.names)


def _told(rows: Any, has: set[str]) -> Any:
    """Take what subscription rows say of their customers; lower ranks are better."""
    order = (rows[RANK].cast("int64") * 2**40 + rows[ROW]).name(RANK)
    values = {
        name: rows[column].argmin(order, where=rows[column].notnull())
        if column in has
        else ibis.null("string")
        for name, column in FILLED.items()
    }
    return rows.group_by("customer_id").aggregate(
        **values,
        source_file=rows.source_file.argmin(order),
        source_row=rows.source_row.argmin(order),
        **{RANK: order.min()},
    )


def _repeated(rows: Any, key: str, keep: Keep) -> Any:
    """Return the keys that stand more than once, or None when there are none."""
    counted = rows.group_by(key).aggregate(n=_.count()).filter(_.n > 1).select(key)
    repeated = keep(f"repeated_{key}", counted)
    return repeated if repeated.count().to_pyarrow().as_py() else None


def _placed(rows: Any, key: str) -> Any:
    order = [_[RANK], _[ROW]]
    if LATEST in rows.columns:
        # Of lines of the same day the last one written is the latest.
        late = ibis.ifelse(rows[LATEST].notnull(), -rows[ROW], rows[ROW])
        order = [_[RANK], _[LATEST].desc(nulls_first=False), late]
    window = ibis.window(group_by=key, order_by=order)
    return rows.mutate(**{PLACE: ibis.row_number().over(window)})


def _filled(placed: Any, key: str, names: Sequence[str]) -> Any:
    """Keep the first row of each key, and fill what it lacks from the rows behind it."""
    fixed = {"source_file", "source_row", FILE, ROW, RANK}
    return placed.group_by(key).aggregate(
        **{
            name: placed[name].first(order_by=placed[PLACE], include_null=name in fixed)
            for name in names
            if name != key
        }
    )
