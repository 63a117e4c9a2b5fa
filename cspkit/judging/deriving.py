"""The judgement of each original as one Ibis expression, from joins to blockers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ibis

from cspkit import blockers, money
from cspkit.judging import deadlines, held, offers, prices, routes
from cspkit.judging.people import people, unknown
from cspkit.judging.sources import Source
from cspkit.tables import Channel

# Keys of joins and values that were looked up, by the column with which they have served: every
# select names all columns it carries, and most of a small judgement's time goes into naming them.
SERVED = {
    "sku_id": ("said_id", "legacy_key", "legacy_offer", "legacy_sku", "sold_offer", "named_offer"),
    "held": ("known_customer", "original_held", "customer_held"),
    "segment": ("tenant", "holder", "held_sku", "fact_sku", "legacy_segment", "rule_right"),
    "base_missing": ("base_holder", "addon_sku", "base_id", "base_held", "couples", "needs_base"),
    "mapping_source": ("matrix_sku", "matrix_segment", "matrix_offer", "matrix_place", "choices"),
    "mapping_place": ("legacy_target", "legacy_place", "said_term", "said_cycle", "said_seats"),
    "same_offer": ("own_offer", "listed_offer", "said_offer", "sold_sku", "sold_segment"),
    "target_sku_id": ("price_market", *prices.KEYED),
    "slack_days": (
        "calendar_day",
        "calendar_same",
        "calendar_patience",
        "latest_invitation",
        "grace_days",
    ),
    "crowded": ("seats_held", "seat_limit", "subscriptions_held", "products_held"),
    "stuck": ("at_end", "approved_twice", "mergeable", "gone", "rule_route"),
    "own_total": ("unit_price", "said_price"),
    "own_3_years": (
        *("original_term", "original_cycle", "own_total", "said_total", "sheet_total"),
        "stand_in_total",
    ),
    "price_place": ("said_currency", "own_3_years", "decided", "sheet", "stand_in"),
}
READ = (
    *("subscription_id", "customer_id", "product", "sku_id", "seats", "term", "billing_cycle"),
    *("starts_on", "expires_on", "auto_renew", "status", "is_trial", "unit_price", "currency"),
    *("base_subscription_id", "seen_on"),
)


def derived(source: Source) -> ibis.Table:
    """Judge every original and keep `flags`, its blockers as bits, beside the public columns.

    `sheet_price`, `sheet_currency` and `sheet_place` are the price sheet's, whatever was decided.

    Few wide selects between rounds of joins: most of the time of a small judgement goes into
    compiling, and that grows with the columns of each select.
    """
    as_of = source.value("as_of")
    table = _of_customer(_known(source), source)
    table = _with(table, **routes.rule(table, source.rules))
    table = table.left_join(source.fact("rules"), "rule")
    table = table.left_join(source.fact("skus"), [("sku_id", "fact_sku")])
    table = _beside(table, source)
    keys = [("sku_id", "matrix_sku"), ("segment", "matrix_segment")]
    table = _settled(table).left_join(source.fact("matrix"), keys)
    table = _with(table, **offers.replacement(table, source))
    table = prices.priced(_settled(table), source)
    table = _with(table, **offers.comparison(table))
    table = deadlines.dated(_settled(table), source)
    table = _with(
        table, **deadlines.deadlines(table, source), **routes.room(table), **money.totals(table)
    )
    table = _with(table, **routes.route(table, source), **money.amounts(table))
    table = _with(table, **deadlines.window(table, source), **money.of(table, as_of))
    table = _with(table, **routes.alternatives(table))
    return table.mutate(flags=blockers.flagged(table, as_of, source.value("stale_before")))


def others(source: Source, columns: Iterable[str]) -> ibis.Table:
    """Judge the originals that are not ours in new commerce already, in the order of customers."""
    judged = derived(source)
    judged = judged.filter(judged.channel != Channel.CSP_NCE.value)
    return judged.select(*columns).order_by("customer_id", "subscription_id")


def _with(table: ibis.Table, **columns: Any) -> ibis.Table:
    """Add columns in one select, and leave behind what has served once they are there."""
    done = {name for new in columns for name in SERVED.get(new, ())}
    kept = [name for name in table.columns if name not in columns and name not in done]
    return table.select(*kept, **columns)


def _settled(table: ibis.Table) -> ibis.Table:
    """Make columns of what was worked out behind joins, so that it can be joined on."""
    return table.select(*table.columns)


def _known(source: Source) -> ibis.Table:
    """Put beside each original what is decided of it and what its offer ids tell."""
    table = source.table("subscriptions")
    known = [channel.value for channel in Channel]
    channel = ibis.ifelse(table.channel.isin(known), table.channel, "unknown").fill_null("unknown")
    table = table.select(
        *READ,
        channel=channel,
        legacy_key=table.offer_id.lower(),
        own_offer=offers.own_offer(table.offer_id),
    )
    table = table.left_join(_said(source), [("subscription_id", "said_id")])
    table = table.mutate(named_offer=table.said_offer.fill_null(table.own_offer))
    table = table.left_join(source.fact("legacy"), [("legacy_key", "legacy_offer")])
    table = table.left_join(source.fact("sold"), [("named_offer", "sold_offer")])
    own_sku = deadlines.where(table.said_offer.isnull(), table.sold_sku)
    sku_id = ibis.coalesce(table.sku_id.lower(), table.legacy_sku, own_sku)
    return _with(table, sku_id=sku_id)


def _said(source: Source) -> ibis.Table:
    """Name what was decided of each original; a second approval counts under another name."""
    table = source.fact("decided")
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


def _of_customer(table: ibis.Table, source: Source) -> ibis.Table:
    """Put beside each original what its customer still needs; nobody's needs everything."""
    customers = people(source).drop("name", "listed")
    table = table.left_join(customers, [("customer_id", "known_customer")])
    filled = {name: table[name].fill_null(value) for name, value in unknown(source).items()}
    hold = table.original_held.fill_null(False) | filled.pop("customer_held")
    return _with(table, **filled, held=hold)


def _beside(table: ibis.Table, source: Source) -> ibis.Table:
    """Put beside each original what its tenant holds besides it."""
    table = table.left_join(held.full_tenants(source), [("customer_id", "tenant")])
    keys = [("customer_id", "holder"), ("sku_id", "held_sku")]
    table = table.left_join(held.limited(source), keys)
    keys = [("customer_id", "base_holder"), ("sku_id", "addon_sku")]
    table = table.left_join(held.bases(source), keys)
    bases = held.named_bases(source)
    table = table.left_join(bases, [("base_subscription_id", "base_id")])
    coupled = table.couples & table.base_id.notnull()
    base_seen = table.base_held.fill_null(False) | table.base_id.notnull()
    needs = table.base_subscription_id.notnull() | table.needs_base.fill_null(False)
    return _with(
        table,
        segment=offers.segment(table),
        moves_with=deadlines.where(coupled, table.base_subscription_id),
        base_missing=needs & ~base_seen,
    )
