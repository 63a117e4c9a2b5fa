"""What a tenant holds: how many subscriptions, seats of limited plans, bases of its add-ons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pyarrow.compute as pc
from ibis import _

from cspkit import catalogue
from cspkit.judging.routes import ACTIVE_LIMIT, alive

if TYPE_CHECKING:
    from cspkit.exports import Exports


def living(exports: Exports) -> ibis.Table:
    """Select the living subscriptions of every channel, a skuId found by the legacy offer too.

    Each call is an expression of its own: engines keep what several places share, all its rows
    at once, while what stands alone passes through with the few columns that its place needs.
    """
    facts = catalogue.table().select(["legacy_offer_id", "sku_id"])
    offers = ibis.memtable(facts.filter(pc.is_valid(facts["legacy_offer_id"])))
    offers = offers.select(known_offer="legacy_offer_id", known_sku="sku_id")
    table = exports.table("subscriptions").mutate(legacy_key=_.offer_id.lower())
    table = table.filter(alive(table)).left_join(offers, [("legacy_key", "known_offer")])
    return table.mutate(held_sku=table.sku_id.lower().fill_null(table.known_sku))


def full_tenants(exports: Exports) -> ibis.Table:
    """Count, of the tenants above the limit alone, how many products their subscriptions are of."""
    held, rows = exports.table("subscriptions"), living(exports)
    held = held.filter(alive(held))
    counts = held.group_by(tenant="customer_id").aggregate(subscriptions_held=held.count())
    full = counts.filter(counts.subscriptions_held > ACTIVE_LIMIT)
    rows = rows.semi_join(full, [("customer_id", "tenant")])
    return rows.group_by(tenant="customer_id").aggregate(
        subscriptions_held=rows.count(), products_held=rows.held_sku.nunique()
    )


def limited(exports: Exports) -> ibis.Table:
    """Sum the seats that each tenant holds of the products that have a limit."""
    held = living(exports)
    skus = [row["sku_id"] for row in catalogue.table().to_pylist() if row["seat_limit"]]
    rows = held.filter(held.held_sku.isin(skus))
    return rows.group_by("held_sku", holder="customer_id").aggregate(seats_held=rows.seats.sum())


def bases(exports: Exports) -> ibis.Table:
    """Pair each tenant with those of its add-ons whose base it holds, in whatever channel."""
    pairs = catalogue.addons().select(["sku_id", "base_sku_id"])
    known = ibis.memtable(pairs).select(known_addon="sku_id", known_base="base_sku_id")
    held, owned = living(exports), living(exports)
    addons = held.filter(held.held_sku.isin(needs_base()))
    addons = addons.select(base_holder="customer_id", addon_sku="held_sku").distinct()
    owned = owned.filter(owned.held_sku.isin(sorted(set(pairs["base_sku_id"].to_pylist()))))
    owned = owned.select(owner="customer_id", base_sku="held_sku")
    # The tenants meet before the list of all bases of each add-on does, which would be long.
    both = addons.join(owned, addons.base_holder == owned.owner)
    found = both.semi_join(known, [("addon_sku", "known_addon"), ("base_sku", "known_base")])
    return found.select("base_holder", "addon_sku", base_held=True).distinct()


def needs_base() -> list[str]:
    """List the skuIds of the add-ons that the catalogue knows to need a base."""
    return sorted(set(catalogue.addons().column("sku_id").to_pylist()))


def named_bases(exports: Exports) -> ibis.Table:
    """List the living subscriptions that an add-on names as its base."""
    table = exports.table("subscriptions")
    named = table.filter(table.base_subscription_id.notnull())
    named = named.select(base_id="base_subscription_id").distinct()
    return named.semi_join(living(exports), [("base_id", "subscription_id")])
