"""What can happen to each original: route, blockers, deadlines and money, in Ibis."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import ibis
import pyarrow as pa

from cspkit import blockers, channels, money
from cspkit.decisions import Decisions
from cspkit.judging import deadlines, held, offers, prices, routes
from cspkit.judging.people import people, unknown
from cspkit.policy import Policy
from cspkit.settings import Settings
from cspkit.tables import JUDGED, Channel

if TYPE_CHECKING:
    import pandas as pd

    from cspkit.exports import Exports

__all__ = ["derive", "fetch", "judge"]

# Keys of joins and values that were looked up, by the column with which they have served: every
# select names all columns it carries, and most of a small judgement's time goes into naming them.
SERVED = {
    "sku_id": ("said_id", "legacy_key", "legacy_offer", "legacy_sku", "sold_offer", "named_offer"),
    "held": ("known_customer", "original_held", "customer_held"),
    "segment": ("tenant", "holder", "held_sku", "fact_sku", "legacy_segment"),
    "base_missing": ("base_holder", "addon_sku", "base_id", "base_held", "couples"),
    "mapping_source": ("matrix_offer", "matrix_place", "choices"),
    "mapping_place": ("legacy_target", "legacy_place", "said_term", "said_cycle", "said_seats"),
    "same_offer": ("own_offer", "listed_offer", "said_offer", "sold_sku", "sold_segment"),
    "slack_days": (
        "calendar_day",
        "calendar_same",
        "calendar_patience",
        "latest_invitation",
        "grace_days",
    ),
    "crowded": ("seats_held", "seat_limit", "subscriptions_held", "products_held"),
    "stuck": ("at_end", "approved_twice", "mergeable", "gone", "rule_route"),
    "daily_price": ("unit_price", "original_term", "original_cycle", "said_price"),
    "price_place": ("said_currency",),
}


def judge(
    exports: Exports,
    *,
    as_of: date,
    settings: Settings,
    decisions: Decisions | None = None,
    steps: pd.DataFrame | None = None,
) -> ibis.Table:
    """Judge every original; returns one row each, with the columns of `tables.JUDGED`.

    Who is not a `reseller` customer still needs the `relationship`, and with it the agreement,
    which is signed where the invitation is accepted. A related customer still needs `access`,
    because no export says whether delegated administration is active. `invited_on`,
    `agreement_on` and `access_on` of decisions.xlsx say what a person has seen, and `steps`, the
    frame of that name of the ledger (customer_id, step, state, asked_at, done_at), what the
    programme has.
    """
    wide = derive(exports, as_of=as_of, settings=settings, decisions=decisions, steps=steps)
    return wide.mutate(blockers=blockers.spelled(wide.flags)).select(*JUDGED.names)


def derive(
    exports: Exports,
    *,
    as_of: date,
    settings: Settings,
    decisions: Decisions | None = None,
    steps: pd.DataFrame | None = None,
) -> ibis.Table:
    """Judge every original and keep `flags`, its blockers as bits, beside the public columns.

    `sheet_price`, `sheet_currency` and `sheet_place` are the price sheet's, whatever was decided.

    Few wide selects between rounds of joins: most of the time of a small judgement goes into
    compiling, and that grows with the columns of each select.
    """
    policy, said = settings.policy, decisions or Decisions.empty()
    rules = channels.rules(settings.channels)
    found = offers.products(exports)
    table = _known(exports, found, said)
    table = _of_customer(
        table, people(exports, said, steps, as_of=as_of, policy=policy), policy, as_of
    )
    table = _with(table, **routes.rule(table, rules))
    table = table.left_join(routes.rule_facts(rules, policy), "rule")
    table = table.left_join(ibis.memtable(found.skus), [("sku_id", "fact_sku")])
    table = _beside(table, exports)
    table = offers.with_matrix(table, found)
    table = _with(table, **offers.replacement(table, policy))
    table = prices.priced(table, exports, as_of, policy)
    table = _with(table, **offers.comparison(table))
    table = deadlines.dated(table, as_of, policy)
    table = _with(table, **deadlines.deadlines(table, as_of), **routes.room(table, policy))
    table = _with(table, **routes.route(table, policy), **money.of(table, as_of))
    table = _with(table, **deadlines.window(table, as_of), **routes.alternatives(table))
    return table.mutate(flags=blockers.flagged(table, as_of))


def _with(table: ibis.Table, **columns: Any) -> ibis.Table:
    """Add columns in one select, and leave behind what has served once they are there."""
    done = {name for new in columns for name in SERVED.get(new, ())}
    kept = [name for name in table.columns if name not in columns and name not in done]
    return table.select(*kept, **columns)


def fetch(table: ibis.Table) -> pa.Table:
    """Run an expression; long chains compile twice as fast when selects are left unfused."""
    from cspkit.exports.engine import within_memory

    fuse, ibis.options.sql.fuse_selects = ibis.options.sql.fuse_selects, False
    try:
        with within_memory():
            return table.to_pyarrow()
    finally:
        ibis.options.sql.fuse_selects = fuse


def _known(exports: Exports, found: offers.Products, decisions: Decisions) -> ibis.Table:
    """Put beside each original what is decided of it and what its offer ids tell."""
    table = exports.table("subscriptions")
    known = [channel.value for channel in Channel]
    channel = ibis.ifelse(table.channel.isin(known), table.channel, "unknown").fill_null("unknown")
    table = table.mutate(
        channel=channel,
        legacy_key=table.offer_id.lower(),
        own_offer=offers.own_offer(table.offer_id),
    )
    table = table.drop("source_file", "source_row", "assigned_seats")
    table = table.left_join(_said(decisions), [("subscription_id", "said_id")])
    legacy, sold = ibis.memtable(found.legacy), ibis.memtable(found.sold)
    table = table.mutate(named_offer=table.said_offer.fill_null(table.own_offer))
    table = table.left_join(legacy, [("legacy_key", "legacy_offer")])
    table = table.left_join(sold, [("named_offer", "sold_offer")])
    own_sku = deadlines.where(table.said_offer.isnull(), table.sold_sku)
    sku_id = ibis.coalesce(table.sku_id.lower(), table.legacy_sku, own_sku)
    return _with(table, sku_id=sku_id)


def _said(decisions: Decisions) -> ibis.Table:
    """Name what was decided of each original; a second approval counts under another name."""
    table = ibis.memtable(decisions.original_table)
    first, second = (
        table[name].strip().lower() for name in ("term_end_approved_by", "term_end_approved_by_2")
    )
    return table.select(
        said_id="subscription_id",
        said_offer="target_offer",
        said_term="term",
        said_cycle="billing_cycle",
        said_seats="seats",
        said_price="sale_price",
        said_currency="currency",
        consented=table.consent_by.notnull() & table.consent_on.notnull(),
        approved_twice=(first != second) & (first != "") & (second != ""),
        original_held="hold",
    )


def _of_customer(
    table: ibis.Table, customers: ibis.Table, policy: Policy, as_of: date
) -> ibis.Table:
    """Put beside each original what its customer still needs; nobody's needs everything."""
    table = table.left_join(customers.drop("name", "listed"), [("customer_id", "known_customer")])
    filled = {name: table[name].fill_null(value) for name, value in unknown(policy, as_of).items()}
    hold = table.original_held.fill_null(False) | filled["customer_held"]
    return _with(table, **filled, held=hold)


def _beside(table: ibis.Table, exports: Exports) -> ibis.Table:
    """Put beside each original what its tenant holds besides it."""
    table = table.left_join(held.full_tenants(exports), [("customer_id", "tenant")])
    keys = [("customer_id", "holder"), ("sku_id", "held_sku")]
    table = table.left_join(held.limited(exports), keys)
    keys = [("customer_id", "base_holder"), ("sku_id", "addon_sku")]
    table = table.left_join(held.bases(exports), keys)
    bases = held.named_bases(exports)
    table = table.left_join(bases, [("base_subscription_id", "base_id")])
    coupled = table.couples & table.base_id.notnull()
    base_seen = table.base_held.fill_null(False) | table.base_id.notnull()
    needs = table.base_subscription_id.notnull() | table.sku_id.isin(held.needs_base())
    return _with(
        table,
        segment=offers.segment(table),
        moves_with=deadlines.where(coupled, table.base_subscription_id),
        base_missing=needs.fill_null(False) & ~base_seen,
    )
