"""Make one row of everything that speaks of the same customer or subscription.

Sources are taken in this order: the profile's precedence, the younger export, the later line of
a file that has many for one subscription, file, row. The first row gives its place in its file
and every value it has; values it lacks come from the next one. A channel that is unknown counts
as lacking. A subscription under two customers stays with the first; the other row is rejected.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ibis
from ibis import _

from cspkit import tables
from cspkit.exports.checking import CUSTOMER_PART, LATEST, PRECEDENCE
from cspkit.exports.engine import FILE
from cspkit.exports.sheets import ROW

Keep = Callable[[str, Any], Any]
DERIVED, PLACE = "_derived", "_place"


def subscriptions(rows: Any, keep: Keep) -> tuple[Any, Any, Any]:
    """Return merged subscriptions, the rows they stand for, and rows of another customer."""
    known = rows.mutate(channel=_.channel.nullif("unknown"))
    order = [_[PRECEDENCE], _.seen_on.desc(), _[LATEST].desc(nulls_first=False), _[FILE], _[ROW]]
    placed = _placed(known, "subscription_id", order)
    named = keep("placed_subscriptions", placed)
    owner = ibis.window(group_by="subscription_id", order_by=PLACE)
    foreign = named.mutate(owner=_.customer_id.first().over(owner)).filter(_.customer_id != _.owner)
    ours = named.anti_join(foreign, [FILE, ROW])
    merged = _merge(ours, "subscription_id", tables.SUBSCRIPTIONS.names + list(CUSTOMER_PART))
    return (
        merged.mutate(channel=_.channel.fill_null("unknown")),
        ours.filter(_[PLACE] > 0),
        foreign,
    )


def customers(rows: Any, merged_subscriptions: Any, keep: Keep) -> tuple[Any, Any]:
    """Return merged customers, those that only subscriptions name included, and merged rows."""
    own = rows.mutate(**{DERIVED: ibis.literal(0)})
    derived = merged_subscriptions.select(
        "customer_id",
        FILE,
        ROW,
        PRECEDENCE,
        "seen_on",
        "market",
        "language",
        "relationship",
        "source_file",
        "source_row",
        name="customer_name",
        domain="customer_domain",
        **{DERIVED: ibis.literal(1)},
    )
    order = [_[DERIVED], _[PRECEDENCE], _.seen_on.desc(), _[FILE], _[ROW]]
    names = [*tables.CUSTOMERS.names, DERIVED, FILE, ROW, PRECEDENCE, "seen_on"]
    both = ibis.union(own.select(names), derived.select(names))
    placed = _placed(both, "customer_id", order)
    named = keep("placed_customers", placed)
    merged = _merge(named, "customer_id", tables.CUSTOMERS.names)
    return merged, named.filter((_[PLACE] > 0) & (_[DERIVED] == 0))


def _placed(rows: Any, key: str, order: list[Any]) -> Any:
    window = ibis.window(group_by=key, order_by=order)
    return rows.mutate(**{PLACE: ibis.row_number().over(window)})


def _merge(placed: Any, key: str, names: list[str]) -> Any:
    """Keep the first row of each key, and fill what it lacks from the rows behind it."""
    fixed = {key, "source_file", "source_row", FILE, ROW, PRECEDENCE}
    more = [name for name in (FILE, ROW, PRECEDENCE) if name in placed.columns]
    wanted = dict.fromkeys([*names, *more])
    repeated = placed.filter(_[PLACE] > 0).select(key).distinct()
    single = placed.filter(_[PLACE] == 0).anti_join(repeated, key).select(*wanted)
    several = placed.semi_join(repeated, key)
    filled = several.group_by(key).aggregate(
        **{
            name: several[name].first(order_by=several[PLACE], include_null=name in fixed)
            for name in wanted
            if name != key
        }
    )
    return ibis.union(single, filled.select(*wanted))
