"""What is on sale today: availability ids change, and only the current ones can be bought."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from cspkit.rehearsal import seeding
from cspkit.rehearsal.products import Product, by_offer, products
from cspkit.rehearsal.refusals import Refused

if TYPE_CHECKING:
    from cspkit.rehearsal.world import World

_BEGIN = date(2026, 1, 1)
REMEMBERED = 12


@dataclass(frozen=True)
class Term:
    """One term of an availability, as the catalogue words it."""

    id: str
    duration: str
    cycle: str
    description: str


# The catalogue names one cycle for each term; the description says which others are allowed.
_WORDS = {
    "P1M": ("Monthly", "One-Month commitment for monthly billing"),
    "P1Y": ("Annual", "One-Year commitment for monthly/yearly billing"),
    "P3Y": ("Triennial", "Three-Year commitment for monthly/yearly/triennial billing"),
}


def product(product_id: str) -> list[Product]:
    """Find the SKUs of a product id; raises Refused 400013."""
    found = [item for item in products() if item.product_id == product_id.upper() != ""]
    if not found:
        raise Refused(400013)
    return found


def sku(product_id: str, sku_id: str) -> Product:
    """Find one SKU; raises Refused 400013 or 400018."""
    for item in product(product_id):
        if item.sku == sku_id.upper():
            return item
    raise Refused(400018)


def availability_id(world: World, item: Product, *, back: int = 0) -> str:
    """Give the current availability id of a product, or the one `back` changes ago."""
    age = (world.now.date() - _BEGIN).days // world.options.availability_days + world.rotations
    return seeding.availability(world.seed, item.offer, age - back)


def terms(item: Product) -> list[Term]:
    """List the terms of a product, one for each duration."""
    durations = dict.fromkeys(duration for duration, _ in item.terms)
    return [
        Term(
            seeding.guid(0, "term", item.offer, duration)[:8] + "xpso", duration, *_WORDS[duration]
        )
        for duration in durations
    ]


def check(world: World, catalog_item: str, *, term: str, cycle: str) -> Product:
    """Check that an item can be put into a cart now.

    Raises Refused 400019 for an availability that has been replaced, LookupError with a cart
    error code and text for an item that never was or is not sold on these terms.
    """
    offer, _, availability = catalog_item.rpartition(":")
    if catalog_item.lower() in _legacy():
        raise LookupError("500600", "This legacy offer is not eligible for purchase.")
    item = by_offer().get(offer)
    if item is None:
        raise LookupError("10001", f"The catalog item id {catalog_item[:80]} is not valid.")
    if availability != availability_id(world, item):
        past = (availability_id(world, item, back=age) for age in range(1, REMEMBERED))
        if availability in past:
            raise Refused(400019)
        raise LookupError("10001", f"The catalog item id {catalog_item[:80]} is not valid.")
    if (term, cycle) not in item.terms:
        raise LookupError("10013", f"{cycle} billing for {term} is not available.")
    return item


@cache
def _legacy() -> frozenset[str]:
    return frozenset(item.legacy_offer for item in products() if item.legacy_offer)


def still_current(world: World, catalog_item: str, item: Product) -> bool:
    """Say whether the availability in a catalogue item can still be bought."""
    return catalog_item == f"{item.offer}:{availability_id(world, item)}"
