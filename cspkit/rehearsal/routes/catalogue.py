"""Products, SKUs and availabilities, by country and by customer."""

from __future__ import annotations

import re

from flask import Response, request

from cspkit.rehearsal import shop
from cspkit.rehearsal.answers import (
    Json,
    collection,
    customer,
    link,
    partner_center,
    reply,
    the_world,
)
from cspkit.rehearsal.names import MARKETS
from cspkit.rehearsal.products import Product, products
from cspkit.rehearsal.refusals import Refused

routes = partner_center("catalogue")
_VIEWS = (
    *("azure", "microsoftazure", "onlineservices", "software", "softwaresuselinux"),
    *("softwareperpetual", "softwaresubscriptions", "marketplacesaas"),
)
_BY = ("/products", "/customers/<customer_id>/products")


def _market(customer_id: str | None) -> str:
    """Give the market of the customer, or the country that the call must name."""
    if customer_id is not None:
        return customer(customer_id).market
    country = request.args.get("country", "").upper()
    if not re.fullmatch("[A-Z]{2}", country):
        raise Refused(2000, "country")
    return country


def _commercial() -> bool:
    """Say whether the segment is the one sold here; raises Refused for one that is none."""
    segment = request.args.get("targetSegment", "commercial").lower()
    if segment not in ("commercial", "education", "government", "nonprofit"):
        raise Refused(400030)
    return segment == "commercial"


@routes.get(_BY[0])
@routes.get(_BY[1])
def list_products(customer_id: str | None = None) -> Response:
    """List products of a target view; only online services are on sale here."""
    market = _market(customer_id)
    view = request.args.get("targetView", "").lower()
    if view not in _VIEWS and not view.startswith("azurereservations"):
        raise Refused(400036)
    listed = products() if view == "onlineservices" and _commercial() else ()
    first = {item.product_id: item for item in reversed(listed) if item.product_id}
    here = link(f"/products?country={market}&targetView={request.args['targetView']}")
    found = [_product(first[key], market) for key in sorted(first)]
    return collection(found, links={"self": here})


@routes.get(f"{_BY[0]}/<product_id>")
@routes.get(f"{_BY[1]}/<product_id>")
def get_product(product_id: str, customer_id: str | None = None) -> Response:
    """Describe one product."""
    market = _market(customer_id)
    return reply(_product(shop.product(product_id)[0], market))


@routes.get(f"{_BY[0]}/<product_id>/skus")
@routes.get(f"{_BY[1]}/<product_id>/skus")
def list_skus(product_id: str, customer_id: str | None = None) -> Response:
    """List the SKUs of a product."""
    market = _market(customer_id)
    listed = [_sku(item, market) for item in shop.product(product_id) if _commercial()]
    here = link(f"/products/{product_id.upper()}/skus?country={market}")
    return collection(listed, links={"self": here})


@routes.get(f"{_BY[0]}/<product_id>/skus/<sku_id>")
@routes.get(f"{_BY[1]}/<product_id>/skus/<sku_id>")
def get_sku(product_id: str, sku_id: str, customer_id: str | None = None) -> Response:
    """Describe one SKU."""
    market = _market(customer_id)
    return reply(_sku(shop.sku(product_id, sku_id), market))


@routes.get(f"{_BY[0]}/<product_id>/skus/<sku_id>/availabilities")
@routes.get(f"{_BY[1]}/<product_id>/skus/<sku_id>/availabilities")
def list_availabilities(product_id: str, sku_id: str, customer_id: str | None = None) -> Response:
    """List what can be bought of a SKU now: one availability with all its terms."""
    market = _market(customer_id)
    item = shop.sku(product_id, sku_id)
    here = f"/products/{item.product_id}/skus/{item.sku}/availabilities?country={market}"
    listed = [_availability(item, market)] if _commercial() else []
    return collection(listed, links={"self": link(here)})


@routes.get(f"{_BY[0]}/<product_id>/skus/<sku_id>/availabilities/<availability_id>")
@routes.get(f"{_BY[1]}/<product_id>/skus/<sku_id>/availabilities/<availability_id>")
def get_availability(
    product_id: str, sku_id: str, availability_id: str, customer_id: str | None = None
) -> Response:
    """Describe one availability; one that was replaced is not found."""
    market = _market(customer_id)
    found = _availability(shop.sku(product_id, sku_id), market)
    if found["id"] != availability_id.upper():
        raise Refused(400019)
    return reply(found)


def _product(item: Product, market: str) -> Json:
    path = f"/products/{item.product_id}"
    return {
        "id": item.product_id,
        "title": item.name,
        "description": item.name,
        "productType": {"id": "OnlineServicesNCE", "displayName": "OnlineServicesNCE"},
        "isMicrosoftProduct": True,
        "publisherName": "Microsoft Corporation",
        "links": {
            "skus": link(f"{path}/skus?country={market}"),
            "self": link(f"{path}?country={market}"),
        },
    }


def _sku(item: Product, market: str) -> Json:
    path = f"/products/{item.product_id}/skus/{item.sku}"
    return {
        "id": item.sku,
        "productId": item.product_id,
        "title": item.name,
        "description": item.name,
        "minimumQuantity": 1,
        "maximumQuantity": item.max_seats,
        "isTrial": False,
        "supportedBillingCycles": list(dict.fromkeys(cycle for _, cycle in item.terms)),
        "purchasePrerequisites": ["MicrosoftCustomerAgreement"],
        "inventoryVariables": [],
        "provisioningVariables": [],
        "actions": [],
        "dynamicAttributes": {
            "isMicrosoftProduct": True,
            "hasConstraints": True,
            "isAddon": item.addon,
            "prerequisiteSkus": [],
            "upgradeTargetOffers": [],
        },
        "links": {
            "availabilities": link(f"{path}/availabilities?country={market}"),
            "self": link(f"{path}?country={market}"),
        },
    }


def _availability(item: Product, market: str) -> Json:
    found = shop.availability_id(the_world(), item)
    path = f"/products/{item.product_id}/skus/{item.sku}/availabilities/{found}"
    dollars = market == "US" or market not in MARKETS
    terms = shop.terms(item)
    return {
        "id": found,
        "productId": item.product_id,
        "skuId": item.sku,
        "catalogItemId": f"{item.offer}:{found}",
        "defaultCurrency": {
            "code": "USD" if dollars else "EUR",
            "symbol": "$" if dollars else "€",
        },
        "segment": "commercial",
        "country": market,
        "isPurchasable": True,
        "isRenewable": True,
        "renewalInstructions": [
            {
                "applicableTermIds": [term.id for term in terms],
                "renewalOptions": [{"renewToId": item.offer, "isAutoRenewable": True}],
            }
        ],
        "terms": [
            {
                "id": term.id,
                "duration": term.duration,
                "description": term.description,
                "billingCycle": term.cycle,
                "cancellationPolicies": [
                    {
                        "refundOptions": [
                            {"sequenceId": 0, "type": "Full", "expiresAfter": "P1D"},
                        ]
                    }
                ],
            }
            for term in terms
        ],
        "links": {"self": link(f"{path}?country={market}")},
    }
