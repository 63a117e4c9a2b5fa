"""What a tenant holds: how many subscriptions, seats of limited plans, bases of its add-ons."""

from __future__ import annotations

import ibis

from cspkit import catalogue
from cspkit.judging.routes import ACTIVE_LIMIT, alive
from cspkit.judging.sources import Source


def living(source: Source) -> ibis.Table:
    """Select the living subscriptions of every channel, a skuId found by the legacy offer too."""
    table = source.table("subscriptions")
    table = table.filter(alive(table)).select(
        "customer_id", "seats", "sku_id", legacy_key=table.offer_id.lower()
    )
    known = source.fact("known_offers")
    table = table.left_join(known, [("legacy_key", "known_offer")])
    held_sku = table.sku_id.lower().fill_null(table.known_sku)
    return table.select("customer_id", "seats", held_sku=held_sku)


def full_tenants(source: Source) -> ibis.Table:
    """Count, of the tenants above the limit alone, how many products their subscriptions are of."""
    held, rows = source.table("subscriptions"), living(source)
    held = held.filter(alive(held))
    counts = held.group_by(tenant="customer_id").aggregate(subscriptions_held=held.count())
    full = counts.filter(counts.subscriptions_held > ACTIVE_LIMIT)
    rows = rows.semi_join(full, [("customer_id", "tenant")])
    return rows.group_by(tenant="customer_id").aggregate(
        subscriptions_held=rows.count(), products_held=rows.held_sku.nunique()
    )


def limited(source: Source) -> ibis.Table:
    """Sum the seats that each tenant holds of the products that have a limit."""
    held = living(source)
    skus = [row["sku_id"] for row in catalogue.table().to_pylist() if row["seat_limit"]]
    rows = held.filter(held.held_sku.isin(skus))
    return rows.group_by("held_sku", holder="customer_id").aggregate(seats_held=rows.seats.sum())


def bases(source: Source) -> ibis.Table:
    """Pair each tenant with those of its add-ons whose base it holds, in whatever channel."""
    pairs, known = catalogue.addons(), source.fact("addons")
    held, owned = living(source), living(source)
    addons = held.filter(held.held_sku.isin(sorted(set(pairs["sku_id"].to_pylist()))))
    addons = addons.select(base_holder="customer_id", addon_sku="held_sku").distinct()
    owned = owned.filter(owned.held_sku.isin(sorted(set(pairs["base_sku_id"].to_pylist()))))
    owned = owned.select(owner="customer_id", base_sku="held_sku")
    # The tenants meet before the list of all bases of each add-on does, which would be long.
    both = addons.join(owned, addons.base_holder == owned.owner)
    found = both.semi_join(known, [("addon_sku", "known_addon"), ("base_sku", "known_base")])
    return found.select("base_holder", "addon_sku", base_held=True).distinct()


def named_bases(source: Source) -> ibis.Table:
    """List the living subscriptions that an add-on names as its base."""
    table = source.table("subscriptions")
    named = table.filter(table.base_subscription_id.notnull())
    named = named.select(base_id="base_subscription_id").distinct()
    return named.semi_join(table.filter(alive(table)), [("base_id", "subscription_id")])
