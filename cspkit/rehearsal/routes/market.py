"""What stands around the catalogue: promotions, inventory, price sheets, legacy offers."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, timedelta

from flask import Blueprint, Response, request

from cspkit.rehearsal import shop
from cspkit.rehearsal.answers import (
    Json,
    body,
    check_partner_token,
    collection,
    customer,
    link,
    lowered,
    partner_center,
    refusal,
    reply,
    the_world,
    user_only,
)
from cspkit.rehearsal.names import MARKETS
from cspkit.rehearsal.products import Product, products
from cspkit.rehearsal.refusals import Refused

routes = partner_center("market")
# the price sheets have another host and another version
sheets = Blueprint("sheets", __name__, url_prefix="/v1.0/sales")
sheets.before_request(check_partner_token)
sheets.register_error_handler(Refused, refusal)
_COLUMNS = (
    *("ProductTitle", "ProductId", "SkuId", "SkuTitle", "Publisher", "SkuDescription"),
    *("UnitOfMeasure", "TermDuration", "BillingPlan", "Market", "Currency", "UnitPrice"),
    *("PricingTierRangeMin", "PricingTierRangeMax", "EffectiveStartDate", "EffectiveEndDate"),
    *("Tags", "ERP Price"),
)
_MONTHS = {"monthly": 1, "annual": 12, "triennial": 36}
# what is promoted: every tenth product, for up to 300 seats of a new year
_MOST_PROMOTED = 300


def promotion_of(item: Product) -> str:
    """Name the promotion of a product; empty when it has none."""
    return f"39NFJQT1{item.product_id[-4:]}:0001:39NFJQT1{item.sku}" if _promoted(item) else ""


def _promoted(item: Product) -> bool:
    return bool(item.offer) and sum(map(ord, item.offer)) % 10 == 0


@routes.get("/productpromotions")
def promotions() -> Response:
    """List the promotions of a country and segment."""
    country = request.args.get("country", "")
    segment = request.args.get("segment", "commercial").lower()
    if not re.fullmatch("[A-Za-z]{2}", country):
        raise Refused(2000, "country")
    promoted = [item for item in products() if _promoted(item) and segment == "commercial"]
    return collection(_promotion(item) for item in promoted)


@routes.get("/productpromotions/<promotion_id>")
def promotion(promotion_id: str) -> Response:
    """Describe one promotion."""
    for item in products():
        if promotion_of(item) == promotion_id.upper():
            return reply(_promotion(item))
    raise Refused(400013)


def _promotion(item: Product) -> Json:
    begins = the_world().now.date().replace(day=1)
    return {
        "id": promotion_of(item),
        "name": item.name,
        "description": item.name,
        "startDate": f"{begins.isoformat()}T00:00:00+00:00",
        "endDate": f"{(begins + timedelta(days=180)).isoformat()}T23:59:59+00:00",
        "properties": {"isAutoApplicable": True},
        "requiredProducts": [
            {
                "productId": item.product_id,
                "skuId": item.sku,
                "term": {"duration": "P1Y", "billingCycle": "Annual"},
                "pricingPolicies": [{"policyType": "PercentDiscount", "value": "0.05"}],
            }
        ],
    }


@routes.post("/customers/<customer_id>/promotioneligibilities")
def eligibilities(customer_id: str) -> Response:
    """Say for each line which promotion it could have, and why not."""
    customer(customer_id)
    items = body().get("items")
    if not isinstance(items, list) or not all(isinstance(entry, dict) for entry in items):
        raise Refused(2000, "items")
    return collection(_eligibility(lowered(entry)) for entry in items)


def _eligibility(line: Json) -> Json:
    item, quantity = line.get("catalogitemid"), line.get("quantity")
    if not isinstance(item, str) or type(quantity) is not int:
        raise Refused(2000, "catalogItemId and quantity")
    known = {one.offer: one for one in products() if one.offer}
    product = known.get(":".join(item.split(":")[:2]))
    found = promotion_of(product) if product else ""
    errors: list[Json] = []
    if not 1 <= quantity <= _MOST_PROMOTED:
        errors.append(
            {
                "minimumRequiredSeats": 1,
                "maximumRequiredSeats": _MOST_PROMOTED,
                "availableSeats": _MOST_PROMOTED,
                "type": "SeatCount",
                "description": "The provided quantity does not satisfy the minimum or maximum "
                "seat requirements for the promotion.",
            }
        )
    return {
        "id": line.get("id", 0),
        "catalogItemId": item,
        "quantity": quantity,
        "billingCycle": str(line.get("billingcycle", "")),
        "termDuration": str(line.get("termduration", "")),
        "eligibilities": [{"promotionId": found, "isEligible": not errors, "errors": errors}]
        if found
        else [],
        "attributes": {"objectType": "PromotionEligibilities"},
    }


@routes.post("/extensions/product/checkinventory")
def check_inventory() -> Response:
    """Say for each SKU whether it can be bought, as a bare array."""
    wanted = body().get("targetitems")
    if not isinstance(wanted, list) or not all(isinstance(entry, dict) for entry in wanted):
        raise Refused(2000, "TargetItems")
    return reply([_stock(item) for entry in wanted for item in _targets(lowered(entry))])


def _targets(entry: Json) -> list[Product]:
    found = shop.product(str(entry.get("productid")))
    sku = entry.get("skuid")
    return [item for item in found if sku is None or item.sku == str(sku).upper()]


def _stock(item: Product) -> Json:
    out = item.offer in the_world().options.sold_out.split()
    restriction = {
        "reasonCode": "NotAvailableForSubscription",
        "description": f"Restriction identified of type 'Product' with values '{item.offer}'.",
        "properties": {"type": "Product", "values": item.offer},
    }
    return {
        "productId": item.product_id,
        "skuId": item.sku,
        "isRestricted": out,
        "restrictions": [restriction] if out else [],
    }


@sheets.get("/pricesheets(market='<market>',pricesheetview='<view>')/$value")
@user_only
def price_sheet(market: str, view: str) -> Response:
    """Send the prices of a market as CSV, all fields in quotes."""
    if market.upper() not in MARKETS or view != "updatedlicensebased":
        raise Refused(2000, "Market and PricesheetView")
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    currency, today = ("USD" if market.upper() == "US" else "EUR"), the_world().now.date()
    for item in products():
        for term, cycle in item.terms if item.offer else ():
            writer.writerow(_price(item, (term, cycle), (market.upper(), currency), today))
    answer = Response(text.getvalue(), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = "attachment; filename=sheets.csv"
    return answer


def _price(item: Product, terms: tuple[str, str], where: tuple[str, str], today: date) -> list[str]:
    term, cycle = terms
    price = item.monthly * _MONTHS[cycle]
    title = [item.name, item.product_id, item.sku, item.name, "Microsoft Corporation", item.name]
    since = f"{today.month}/1/{today.year} 12:00:00 AM"
    dates = [since, "11/30/9999 11:59:00 PM"]
    money = [f"{price:.2f}", "", "", *dates, "", f"{price * 125 / 100:.2f}"]
    return [*title, "1 License", term, cycle.capitalize(), *where, *money]


@routes.get("/offers")
@routes.get("/customers/<customer_id>/offers")
def offers(customer_id: str | None = None) -> Response:
    """List legacy offers; none can be bought any more."""
    country = customer(customer_id).market if customer_id else _country()
    listed = [item for item in products() if item.legacy_offer]
    first, size = _number("offset", 0), _number("size", 500)
    found = [legacy_offer(item, country) for item in listed[first : first + size]]
    return collection(found, links={"self": link(f"/offers?country={country}")})


@routes.get("/offers/<offer_id>")
def offer(offer_id: str) -> Response:
    """Describe one legacy offer."""
    country = _country()
    for item in products():
        if item.legacy_offer == offer_id != "":
            return reply(legacy_offer(item, country))
    raise Refused(400013)


@routes.get("/offers/<offer_id>/addons")
def offer_addons(offer_id: str) -> Response:
    """List the add-ons of a legacy offer."""
    country = _country()
    mailbox = any(
        item.legacy_offer == offer_id and item.part_number.startswith("EXCHANGE")
        for item in products()
    )
    addons = [item for item in products() if item.addon and mailbox]
    return collection(legacy_offer(item, country) for item in addons)


@routes.get("/offercategories")
def offer_categories() -> Response:
    """List the categories of legacy offers."""
    country = _country()
    return collection(_category(business, country) for business in (False, True))


def _country() -> str:
    country = request.args.get("country", "")
    if not re.fullmatch("[A-Za-z]{2}", country):
        raise Refused(2000, "country")
    return country.upper()


def _number(name: str, usual: int) -> int:
    text = request.args.get(name, str(usual))
    if not re.fullmatch("[0-9]{1,6}", text):
        raise Refused(2000, name)
    return int(text)


def _category(business: bool, country: str) -> Json:
    name = "SmallBusiness" if business else "Enterprise"
    return {
        "id": f"{name}_Key",
        "name": name,
        "rank": 30 if business else 20,
        "locale": "en-us",
        "country": country,
        "attributes": {"objectType": "OfferCategory"},
    }


def legacy_offer(item: Product, country: str) -> Json:
    """Describe a legacy offer; it is shown and no longer sold."""
    offer_id = item.legacy_offer.upper()
    return {
        "id": offer_id,
        "name": item.name,
        "description": item.name,
        "minimumQuantity": 1,
        "maximumQuantity": item.max_seats,
        "rank": 50,
        "uri": f"/Offers/{offer_id}",
        "locale": "en-us",
        "country": country,
        "category": _category("Business" in item.name, country),
        "prerequisiteOffers": [],
        "isAddOn": item.addon,
        "isAvailableForPurchase": False,
        "billing": "license",
        "isAutoRenewable": True,
        "product": {"id": item.sku_id, "name": item.name, "unit": "Licenses"},
        "unitType": "Licenses",
        "links": {
            "learnMore": {"uri": "https://learn.example", "method": "GET", "headers": []},
            "self": link(f"/offers/{offer_id}?country={country}"),
        },
        "attributes": {"objectType": "Offer"},
    }
