"""What can be bought: products, SKUs, availabilities, promotions and the price sheet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cspkit.errors import ApiRefused
from cspkit.partner_center.buying import cart_line
from cspkit.partner_center.calling import NOT_FOUND, Caller, Query, route
from cspkit.wire import Listed, Record, Unreadable, plain

LICENCES = "OnlineServices"
PRICES = "updatedlicensebased"


@dataclass(frozen=True)
class Product:
    """One product of the catalogue."""

    id: str
    title: str
    kind: str


@dataclass(frozen=True)
class Sku:
    """One SKU of a product: how many seats it takes, and what must be there before."""

    id: str
    product_id: str
    title: str
    least: int | None
    most: int | None
    is_trial: bool
    billing_cycles: tuple[str, ...]
    prerequisites: tuple[str, ...]


@dataclass(frozen=True)
class Availability:
    """What can be bought of a SKU right now; its id changes over time, so it is never kept."""

    catalog_item_id: str
    durations: tuple[str, ...]
    is_purchasable: bool

    def sells(self, term: str) -> bool:
        """Say whether it can be bought for a term; one that lists no terms is not held back."""
        return self.is_purchasable and (not self.durations or term in self.durations)


@dataclass(frozen=True)
class Promotion:
    """Whether a cart line gets a promotion, and in words why not."""

    catalog_item_id: str
    promotion_id: str
    eligible: bool
    reasons: tuple[str, ...]


class Offering(Caller):
    """Verbs about what is sold, where, and to whom."""

    def products(self, country: str, *, segment: str = "") -> Listed[Product]:
        """List the licences sold in a country, to one segment or to all."""
        query: Query = {"country": country, "targetView": LICENCES}
        return self._listed("products", _product, _in(segment, query))

    def skus(self, product: str, country: str, *, segment: str = "") -> Listed[Sku]:
        """List the SKUs of a product in a country."""
        query: Query = {"country": country}
        return self._listed("skus", _sku, _in(segment, query), product=product)

    def availabilities(self, customer_id: str, product: str, sku: str) -> Listed[Availability]:
        """List what this customer can buy of a SKU now; empty when it is not sold to them."""
        try:
            return self._listed(
                "availabilities", _availability, customer=customer_id, product=product, sku=sku
            )
        except ApiRefused as error:
            if error.status == NOT_FOUND:
                return Listed()
            raise

    def promotions(self, customer_id: str, body: Any) -> list[Promotion]:
        """Ask which promotions the lines of a cart would get; it orders nothing."""
        found = self._listed("promotion_eligibility", _promotions, body=body, customer=customer_id)
        return [promotion for line in found for promotion in line]


class PriceSheets(Caller):
    """The price sheets, which have a host and an audience of their own."""

    def download(self, market: str, file: Path, *, view: str = PRICES) -> Path:
        """Put the price sheet of a market (ISO2) into a file, whole or not at all."""
        call = route("price_sheet")
        path = call.at(market=market, view=view)
        return self._wire.download(path, file, tenant=self._tenant, user=call.user)


def promotion_body(
    catalog_item_id: str, *, seats: int, term: str, billing_cycle: str
) -> dict[str, Any]:
    """Make the body that asks for the promotions of one cart line."""
    line = cart_line(catalog_item_id, seats=seats, term=term, billing_cycle=billing_cycle)
    return {"items": [line]}


def _in(segment: str, query: Query) -> Query:
    return {**query, "targetSegment": segment} if segment else query


def _product(item: Record) -> Product:
    kind = item.record("productType").text("id")
    return Product(item.needed("id").upper(), plain(item.text("title")), kind)


def _sku(item: Record) -> Sku:
    return Sku(
        item.needed("id").upper(),
        item.text("productId").upper(),
        plain(item.text("title")),
        item.whole("minimumQuantity"),
        item.whole("maximumQuantity"),
        item.flag("isTrial") is True,
        tuple(cycle.lower() for cycle in item.texts("supportedBillingCycles")),
        item.texts("purchasePrerequisites"),
    )


def _availability(item: Record) -> Availability:
    parts = [item.text(name) for name in ("productId", "skuId", "id")]
    catalog_item = item.text("catalogItemId") or (":".join(parts) if all(parts) else "")
    if not catalog_item:
        raise Unreadable("expected catalogItemId, found none")
    return Availability(
        catalog_item,
        tuple(term.text("duration").upper() for term in item.records("terms")),
        item.flag("isPurchasable") is not False,
    )


def _promotions(item: Record) -> list[Promotion]:
    return [
        Promotion(
            item.text("catalogItemId"),
            one.text("promotionId"),
            one.flag("isEligible") is True,
            tuple(plain(error.text("description")) for error in one.records("errors")),
        )
        for one in item.records("eligibilities")
    ]
