"""The new-commerce reconciliation file of one month: many lines for one subscription."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from cspkit.rehearsal.records import PARTNER_TENANT, Customer, Subscription

HEADER = (
    "PartnerId,CustomerId,CustomerName,CustomerDomainName,CustomerCountry,InvoiceNumber,"
    "MPNID,ResellerMPNID,OrderId,OrderDate,ProductId,SkuId,AvailabilityId,SkuName,"
    "ProductName,ChargeType,UnitPrice,Quantity,Subtotal,TaxTotal,Total,Currency,"
    "PriceAdjustmentDescription,PublisherName,PublisherId,SubscriptionDescription,"
    "SubscriptionId,ChargeStartDate,ChargeEndDate,TermAndBillingCycle,EffectiveUnitPrice,"
    "UnitType,AlternateId,BillableQuantity,BillingFrequency,PricingCurrency,"
    "PCToBCExchangeRate,PCToBCExchangeRateDate,MeterDescription,ReservationOrderId,"
    "CreditReasonCode,SubscriptionStartDate,SubscriptionEndDate,ReferenceID,"
    "ProductQualifiers,PromotionID"
)
MONTH = (date(2026, 10, 1), date(2026, 10, 31))
CHANGED = date(2026, 10, 16)
_TERMS = {"P1M": "One-Month", "P1Y": "One-Year", "P3Y": "Three-Year"}


@dataclass(frozen=True)
class _Charge:
    kind: str
    quantity: int
    start: date
    share: Decimal = Decimal(1)


def content(listed: list[tuple[Customer, Subscription]]) -> bytes:
    """Write the file: all 46 columns, month first, two lines that are no licence."""
    text = io.StringIO()
    writer = csv.DictWriter(text, HEADER.split(","), restval="", lineterminator="\r\n")
    writer.writeheader()
    for number, (customer, subscription) in enumerate(listed):
        for charge in _charges(number, subscription):
            writer.writerow(_line(customer, subscription, charge))
    for customer, subscription in listed[:1]:
        writer.writerow(_azure_plan(customer, subscription))
        writer.writerow(_perpetual(customer, subscription))
    return text.getvalue().encode()


def _charges(number: int, subscription: Subscription) -> list[_Charge]:
    """List the charges of a month; a change credits the old seats, then charges the new."""
    seats, part = subscription.seats, Decimal("0.52")
    kind = "new" if subscription.starts_on >= MONTH[0] else "cycleCharge"
    first = max(MONTH[0], subscription.starts_on)
    if number % 3 == 0:
        return [_Charge(kind, seats, first)]
    if number % 3 == 1:
        before, change = max(1, seats - 3), "addQuantity"
    else:
        before, change = seats + 2, "removeQuantity"
    return [
        _Charge(kind, before, first),
        _Charge(change, -before, CHANGED, -part),
        _Charge(change, seats, CHANGED, part),
    ]


def _line(customer: Customer, subscription: Subscription, charge: _Charge) -> dict[str, object]:
    product = subscription.product
    price = subscription.price if subscription.price is not None else product.monthly
    amount = (price * abs(charge.quantity) * charge.share).quantize(Decimal("0.01"))
    cycle = "monthly" if subscription.cycle == "monthly" else "yearly"
    return {
        **_who(customer, subscription),
        "OrderId": f"{subscription.id.replace('-', '')[:31]}, {subscription.order_id}",
        "OrderDate": _day(charge.start if charge.kind != "cycleCharge" else subscription.starts_on),
        "ProductId": product.product_id,
        "SkuId": product.sku,
        "AvailabilityId": subscription.availability_id,
        "SkuName": product.name,
        "ProductName": product.name,
        "ChargeType": charge.kind,
        "UnitPrice": price,
        "Quantity": charge.quantity,
        "Subtotal": amount,
        "TaxTotal": 0,
        "Total": amount,
        "SubscriptionDescription": product.name,
        "SubscriptionId": subscription.id,
        "ChargeStartDate": _day(charge.start),
        "ChargeEndDate": _day(MONTH[1]),
        "TermAndBillingCycle": f"{_TERMS[subscription.term]} commitment for {cycle} billing",
        "EffectiveUnitPrice": price,
        "UnitType": "",
        "AlternateId": subscription.order_id,
        "BillableQuantity": charge.quantity,
        "BillingFrequency": subscription.cycle.capitalize(),
        "SubscriptionStartDate": _day(subscription.starts_on),
        "SubscriptionEndDate": _day(subscription.ends_on),
        "ReferenceID": subscription.id,
    }


def _azure_plan(customer: Customer, near: Subscription) -> dict[str, object]:
    return {
        **_who(customer, near),
        "OrderId": "0ET2qaZvJGfF9wgSKnWzR5JLmhp10lOc1, 6dc5c039750a",
        "OrderDate": "10/3/2026",
        "ProductId": "DZH318Z0BPS6",
        "SkuId": "0001",
        "AvailabilityId": "DZH318Z0BNZ5",
        "SkuName": "Azure plan",
        "ProductName": "Azure plan",
        "ChargeType": "new",
        "UnitPrice": "0.045",
        "Quantity": 1,
        "Subtotal": "41.12",
        "TaxTotal": 0,
        "Total": "41.12",
        "PriceAdjustmentDescription": '["15.0% Partner earned credit for services managed"]',
        "SubscriptionDescription": "Azure plan",
        "SubscriptionId": "307628f1-d9d2-409c-8a1f-4183f0cae308",
        "ChargeStartDate": _day(MONTH[0]),
        "ChargeEndDate": _day(MONTH[1]),
        "UnitType": "1 GB/Month",
        "AlternateId": "6dc5c039750a",
        "BillableQuantity": "0.005001",
        "MeterDescription": "Tables - LRS Data Stored (GB/Month)",
    }


def _perpetual(customer: Customer, near: Subscription) -> dict[str, object]:
    return {
        **_who(customer, near),
        "OrderId": "1FW3rbAwKHgG0xhTLoXaS6KMniq21mPd2, 7ed6d140861b",
        "OrderDate": "10/7/2026",
        "ProductId": "DG7GMGF0PWHC",
        "SkuId": "0003",
        "AvailabilityId": "DG7GMGF0PWHD",
        "SkuName": "Windows Server Standard - 16 Core",
        "ProductName": "Windows Server Standard",
        "ChargeType": "new",
        "UnitPrice": "1069.00",
        "Quantity": 2,
        "Subtotal": "2138.00",
        "TaxTotal": 0,
        "Total": "2138.00",
        "ChargeStartDate": "10/7/2026",
        "ChargeEndDate": "10/7/2026",
        "TermAndBillingCycle": "One-Time",
        "AlternateId": "7ed6d140861b",
        "BillableQuantity": 2,
        "BillingFrequency": "OneTime",
    }


def _who(customer: Customer, subscription: Subscription) -> dict[str, object]:
    return {
        "PartnerId": PARTNER_TENANT,
        "CustomerId": customer.id,
        "CustomerName": customer.name,
        "CustomerDomainName": customer.domain,
        "CustomerCountry": customer.market,
        "InvoiceNumber": "G002297372",
        "MPNID": "4847383",
        "Currency": subscription.currency,
        "PublisherName": "Microsoft",
        "PublisherId": "NA",
        "PricingCurrency": "USD",
        "PCToBCExchangeRate": "0.846202666",
        "PCToBCExchangeRateDate": "9/30/2026",
    }


def _day(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"
