"""What a tenant holds: how many subscriptions, seats of limited plans, bases of its add-ons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import pyarrow.compute as pc
from ibis import _

from cspkit import catalogue
from cspkit.judging.routes import alive

if TYPE_CHECKING:
    from cspkit.exports import Exports


def living(exports: Exports) -> ibis.Table:
    """Select the living subscriptions of every channel, a skuId found by the legacy offer too."""
    facts = catalogue.table().select(["legacy_offer_id", "sku_id"])
    offers = ibis.memtable(facts.filter(pc.is_valid(facts["legacy_offer_id"])))
    offers = offers.select(known_offer="legacy_offer_id", known_sku="sku_id")
    table = exports.table("subscriptions").mutate(legacy_key=_.offer_id.lower())
    table = table.filter(alive(table)).left_join(offers, [("legacy_key", "known_offer")])
    return table.mutate(held_sku=table.sku_id.lower().fill_null(table.known_sku))


def by_product(living: ibis.Table) -> ibis.Table:
    """Sum up what each tenant holds of each product; the other questions start from here."""
    return living.group_by(holder="customer_id", held_sku="held_sku").aggregate(
        held=living.count(), seats_held=living.seats.sum()
    )


def by_tenant(products: ibis.Table) -> ibis.Table:
    """Count the subscriptions that each tenant holds, and how many products they are of."""
    return products.group_by(tenant="holder").aggregate(
        subscriptions_held=products.held.sum(), products_held=products.count()
    )


def limited(products: ibis.Table) -> ibis.Table:
    """Keep the seats of the products that have a limit."""
    skus = [row["sku_id"] for row in catalogue.table().to_pylist() if row["seat_limit"]]
    return products.filter(products.held_sku.isin(skus)).drop("held")


def bases(products: ibis.Table) -> ibis.Table:
    """Pair each tenant with the add-ons whose base it holds, in whatever channel."""
    addons = ibis.memtable(catalogue.addons().select(["sku_id", "base_sku_id"]))
    addons = addons.select(addon_sku="sku_id", base_sku="base_sku_id")
    found = products.join(addons, products.held_sku == addons.base_sku)
    return found.group_by("addon_sku", base_holder="holder").aggregate(bases_held=found.count())


def needs_base() -> list[str]:
    """List the skuIds of the add-ons that the catalogue knows to need a base."""
    return sorted(set(catalogue.addons().column("sku_id").to_pylist()))


def named_bases(exports: Exports, held: ibis.Table) -> ibis.Table:
    """List the living subscriptions that an add-on names as its base."""
    table = exports.table("subscriptions")
    named = table.filter(table.base_subscription_id.notnull())
    named = named.select(base_id="base_subscription_id").distinct()
    return named.semi_join(held, [("base_id", "subscription_id")])
