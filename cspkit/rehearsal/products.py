"""What the rehearsal sells: ids as Microsoft prints them, prices invented."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class Product:
    """One product: its Entra skuId, its new-commerce product and SKU, an invented price."""

    sku_id: str
    part_number: str
    name: str
    product_id: str
    sku: str
    legacy_offer: str
    monthly: Decimal
    weight: int
    plans: tuple[str, ...]
    addon: bool = False
    every_term: bool = False

    @property
    def offer(self) -> str:
        """Name the new-commerce offer as product:sku; empty when there is none."""
        return f"{self.product_id}:{self.sku}" if self.product_id else ""

    @property
    def max_seats(self) -> int:
        """Give the most seats one subscription may hold."""
        return 300 if "Business" in self.name else 10_000_000

    @property
    def terms(self) -> tuple[tuple[str, str], ...]:
        """List the terms on sale with their billing cycles."""
        short = (("P1M", "monthly"), ("P1Y", "monthly"), ("P1Y", "annual"))
        long = (("P3Y", "monthly"), ("P3Y", "annual"), ("P3Y", "triennial"))
        return short + long if self.every_term or self.name.endswith((" E3", " E5")) else short


# part number, skuId, seats: what every tenant has for nothing and nobody moves
FREE = (
    ("FLOW_FREE", "f30db892-07e9-47e9-837c-80727f46fd3d", 10_000),
    ("POWER_BI_STANDARD", "a403ebcc-fae0-4ca2-8c8c-7a907fd6c235", 1_000_000),
)


_stocked: dict[tuple[str, str], Product] = {}


@cache
def products() -> tuple[Product, ...]:
    """List all products, those on sale and those that can only be an original."""
    text = resources.files(__package__).joinpath("products.csv").read_text(encoding="utf-8")
    listed = (_product(row) for row in csv.DictReader(text.splitlines()))
    return (*_stocked.values(), *listed)


def stock(found: Product) -> None:
    """Put a product on the shelf that the list does not have; what is listed stays as it is."""
    _stocked[found.offer, found.sku_id] = found
    for kept in (products, by_sku_id, by_offer):
        kept.cache_clear()


@cache
def by_sku_id() -> dict[str, Product]:
    """Find a product by its Entra skuId."""
    return {product.sku_id: product for product in products()}


@cache
def by_offer() -> dict[str, Product]:
    """Find a product on sale by product:sku."""
    return {product.offer: product for product in products() if product.offer}


def _product(row: dict[str, str]) -> Product:
    product_id, _, sku = row["offer"].partition(":")
    return Product(
        sku_id=row["sku_id"],
        part_number=row["part_number"],
        name=row["name"],
        product_id=product_id,
        sku=sku,
        legacy_offer=row["legacy_offer"],
        monthly=Decimal(row["monthly"]),
        weight=int(row["weight"]),
        plans=tuple(row["plans"].split()),
        addon=row["part_number"].endswith("_ADDON"),
    )
