"""Make one row of everything that speaks of the same customer or subscription.

Rows stand in this order: the format's precedence, the younger export, the name of the file; in
one file the later line where the format has many for one subscription, else the first. For each
column the first row that has a value decides, with two exceptions:

- what changes with time (seats, assigned seats, term, billing cycle, start, end, auto-renew,
  status, price) is never taken from a row that is over 14 days older than the youngest one of
  the same subscription, as long as a younger row says anything;
- a format leads in the columns named by its `leads`, and yields in those of its `yields`,
  whatever its precedence: a bill knows the price, a bill does not know a suspension.

A channel that is unknown counts as lacking. The merged row was true on the day on which its
seats and its end were last confirmed, the earlier of the two. A subscription under two customers
stays with the first; the other row is rejected. Rows that stand alone are never copied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cspkit import tables
from cspkit.exports.checking import CUSTOMER_PART, LATEST
from cspkit.exports.engine import FILE, Engine, Held, together
from cspkit.exports.sheets import ROW
from cspkit.later import deferred as _
from cspkit.later import ibis
from cspkit.statements import Rows, described
from cspkit.tables import FRESH_DAYS

Alone = Callable[[Rows, Held], Rows]
PLACE, RANK, OLD, WON = "_place", "_rank", "_old", "_won"
CHANGING = (
    "seats",
    "assigned_seats",
    "term",
    "billing_cycle",
    "starts_on",
    "expires_on",
    "auto_renew",
    "status",
    "unit_price",
    "currency",
)
CONFIRMED = ("seats", "expires_on")
FIXED = ("source_file", "source_row", FILE, ROW, RANK)
# Files whose format leads (-1) or yields (1) in a column.
Weights = Mapping[str, Mapping[int, int]]
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

    rows: Rows
    merged: Rows | None = None
    foreign: Held | None = None
    conflicts: Rows | None = None
    sources: Rows | None = None


def subscriptions(
    engine: Engine, rows: Rows, weights: Weights, alone: Alone | None = None
) -> Merged:
    """Merge accepted rows by subscription id.

    `alone` takes the rows and the repeated ones, and returns those that are not repeated in the
    order in which they were read.
    """
    suspected = engine.suspected(rows, "subscription_id") if alone else rows
    repeated = _repeated(engine, suspected, "subscription_id")
    if repeated is None:
        return Merged(rows)
    placed = engine.keep("placed_subscriptions", _several(rows, repeated))
    foreign = engine.keep("foreign", _foreign(placed))
    ours = _of_owners(placed, foreign)
    kept = engine.keep("filled_subscriptions", _kept(ours, weights))
    single = alone(rows, placed) if alone else _without(rows, repeated, "subscription_id")
    others = _behind(ours)
    elsewhere = engine.keep("told_elsewhere", _elsewhere(others, kept))
    return Merged(
        _joined(single, kept), others, foreign, _conflicts(elsewhere), _sources(ours, kept)
    )


@described
def _several(rows: Any, repeated: Any) -> Any:
    several = rows.semi_join(repeated, "subscription_id")
    several = several.mutate(channel=several.channel.nullif("unknown"))
    return _aged(_placed(several, "subscription_id"))


@described
def _foreign(placed: Any) -> Any:
    """Find the rows of another customer than the first row of their subscription has."""
    window = ibis.window(group_by="subscription_id", order_by=PLACE)
    owned = placed.mutate(owner=_.customer_id.first().over(window))
    return owned.filter(_.customer_id != _.owner).select(FILE, ROW)


@described
def _of_owners(placed: Any, foreign: Any) -> Any:
    return placed.anti_join(foreign, [FILE, ROW])


@described
def _kept(ours: Any, weights: Weights) -> Any:
    names = [name for name in ours.columns if name not in (PLACE, OLD)]
    filled = _decided(ours, names, weights).mutate(channel=_.channel.fill_null("unknown"))
    return _confirmed(ours, filled).order_by("subscription_id")


@described
def _without(rows: Any, repeated: Any, key: str) -> Any:
    return rows.anti_join(repeated, key)


@described
def _behind(placed: Any) -> Any:
    return placed.filter(_[PLACE] > 0)


@described
def _joined(single: Any, kept: Any) -> Any:
    return ibis.union(single, kept.select(*single.columns))


def _aged(placed: Any) -> Any:
    """Mark rows that are much older than the youngest of the same subscription."""
    youngest = placed["seen_on"].max().over(ibis.window(group_by="subscription_id"))
    age = youngest.cast("date").delta(placed["seen_on"], unit="day")
    return placed.mutate(**{OLD: age > FRESH_DAYS})


def _decided(placed: Any, names: Sequence[str], weights: Weights) -> Any:
    """Let for each column the best row that has a value decide, and remember which one did."""
    values: dict[str, Any] = {}
    for name in names:
        if name == "subscription_id":
            continue
        order = _order(placed, name, weights)
        values[name] = placed[name].first(order_by=order, include_null=name in FIXED)
        if name in tables.SUBSCRIPTIONS.names and name not in FIXED:
            there = placed[name].notnull()
            values[f"{WON}_{name}"] = placed[PLACE].first(order_by=order, where=there)
    return placed.group_by("subscription_id").aggregate(**values)


def _order(placed: Any, name: str, weights: Weights) -> list[Any]:
    weight = weights.get(name, {}) if name not in FIXED else {}
    order = [placed[OLD]] if name in CHANGING else []
    if weight:
        cases = [(number, ibis.literal(value)) for number, value in weight.items()]
        order.append(placed[FILE].cases(*cases, else_=0))
    return [*order, placed[PLACE]]


def _confirmed(placed: Any, filled: Any) -> Any:
    """Say when the seats and the end that were kept were last seen to be so."""
    kept = filled.select("subscription_id", **{f"kept_{name}": filled[name] for name in CONFIRMED})
    both = placed.inner_join(kept, "subscription_id")
    seen = both.group_by("subscription_id").aggregate(
        **{
            f"seen_{name}": both["seen_on"].max(where=both[name] == both[f"kept_{name}"])
            for name in CONFIRMED
        }
    )
    joined = filled.left_join(seen, "subscription_id").drop("subscription_id_right")
    days = [joined[f"seen_{name}"] for name in CONFIRMED]
    earlier = ibis.coalesce(ibis.least(*days), *days, joined["seen_on"])
    return joined.mutate(seen_on=earlier).drop(*(f"seen_{name}" for name in CONFIRMED))


@described
def _sources(placed: Any, kept: Any) -> Any:
    """Name every row of a merged subscription, and the columns that it decided."""
    names = [name.removeprefix(f"{WON}_") for name in kept.columns if name.startswith(WON)]
    won = kept.select("subscription_id", *(f"{WON}_{name}" for name in names))
    both = placed.select("subscription_id", "source_file", "source_row", "seen_on", PLACE)
    both = both.inner_join(won, "subscription_id")
    parts = [
        ibis.ifelse(both[f"{WON}_{name}"] == both[PLACE], name, ibis.null("string"))
        for name in names
    ]
    return both.select(
        *("subscription_id", "source_file", "source_row", "seen_on"),
        won=ibis.array(parts).filter(lambda part: part.notnull()).join(" "),
    )


@described
def _elsewhere(others: Any, kept: Any) -> Any:
    both = others.inner_join(kept, "subscription_id", rname="kept_{name}")
    return both.filter(both["source_file"] != both["kept_source_file"])


@described
def _conflicts(elsewhere: Any) -> Any:
    """Say where another file tells another value than the one that was kept.

    Older lines of the same file are no contradiction: they were true in their time.
    """
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


def customers(engine: Engine, rows: Rows) -> Merged:
    """Merge rows of customers files by tenant id."""
    repeated = _repeated(engine, rows, "customer_id")
    if repeated is None:
        return Merged(rows)
    placed = engine.keep("placed_customers", _several_customers(rows, repeated))
    filled = engine.keep("filled_customers", _filled(placed, "customer_id"))
    single = _without(rows, repeated, "customer_id")
    return Merged(_joined(single, filled), _behind(placed))


@described
def _several_customers(rows: Any, repeated: Any) -> Any:
    return _placed(rows.semi_join(repeated, "customer_id"), "customer_id")


def with_owners(engine: Engine, own: Rows, subscriptions: Sequence[tuple[Rows, set[str]]]) -> Rows:
    """Complete customers from what subscriptions say of theirs, and add those they alone name.

    Each source comes with the customer columns that its format has.
    """
    told = [_told(own, rows, has & set(CUSTOMER_PART)) for rows, has in subscriptions]
    derived = engine.keep("told_customers", _best(together(told)))
    completed: Rows = _completed(own, derived)
    return completed


@described
def _best(told: Any) -> Any:
    best = {name: _[name].argmin(_[RANK], where=_[name].notnull()) for name in FILLED}
    return told.group_by("customer_id").aggregate(
        **best,
        seen_on=_.seen_on.argmin(_[RANK]),
        source_file=_.source_file.argmin(_[RANK]),
        source_row=_.source_row.argmin(_[RANK]),
    )


@described
def _completed(own: Any, derived: Any) -> Any:
    joined = own.left_join(derived, "customer_id")
    complete = joined.select(
        "customer_id",
        **{name: ibis.coalesce(joined[name], joined[f"{name}_right"]) for name in FILLED},
        seen_on=joined["seen_on"],
        source_file=joined["source_file"],
        source_row=joined["source_row"],
    )
    orphans = derived.anti_join(own.select("customer_id"), "customer_id")
    return ibis.union(complete, orphans.select(*complete.columns)).select(tables.CUSTOMERS.names)


@described
def _told(own: Any, rows: Any, has: set[str]) -> Any:
    """Take what subscription rows say of their customers; lower ranks are better."""
    if not has:
        rows = rows.anti_join(own.select("customer_id"), "customer_id")
    order = (rows[RANK].cast("int64") * 2**40 + rows[ROW]).name(RANK)
    values = {
        name: rows[column].argmin(order, where=rows[column].notnull())
        if column in has
        else ibis.null("string")
        for name, column in FILLED.items()
    }
    return rows.group_by("customer_id").aggregate(
        **values,
        seen_on=rows.seen_on.argmin(order),
        source_file=rows.source_file.argmin(order),
        source_row=rows.source_row.argmin(order),
        **{RANK: order.min()},
    )


def _repeated(engine: Engine, rows: Rows, key: str) -> Held | None:
    """Return the keys that stand more than once, or None when there are none."""
    repeated = engine.keep(f"repeated_{key}", _twice(rows, key))
    return repeated if engine.count(repeated) else None


@described
def _twice(rows: Any, key: str) -> Any:
    return rows.group_by(key).aggregate(n=_.count()).filter(_.n > 1).select(key)


def _placed(rows: Any, key: str) -> Any:
    order = [_[RANK], _[ROW]]
    if LATEST in rows.columns:
        # Of lines of the same day the last one written is the latest.
        late = ibis.ifelse(rows[LATEST].notnull(), -rows[ROW], rows[ROW])
        order = [_[RANK], _[LATEST].desc(nulls_first=False), late]
    window = ibis.window(group_by=key, order_by=order)
    return rows.mutate(**{PLACE: ibis.row_number().over(window)})


@described
def _filled(placed: Any, key: str) -> Any:
    """Keep the first row of each key, and fill what it lacks from the rows behind it."""
    return placed.group_by(key).aggregate(
        **{
            name: placed[name].first(order_by=placed[PLACE], include_null=name in FIXED)
            for name in placed.columns
            if name not in (key, PLACE)
        }
    )
