"""Microsoft Graph's words for subscriptions, as the server answers and as the export holds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from cspkit.rehearsal.products import FREE
from cspkit.rehearsal.records import Customer, Subscription
from cspkit.rehearsal.seeding import guid

ROOT = "https://graph.microsoft.com/v1.0/$metadata"
STATUS = {
    "active": "Enabled",
    "warning": "Warning",
    "expired": "Warning",
    "suspended": "Suspended",
    "disabled": "Suspended",
    "deleted": "Deleted",
}


def export(customer: Customer, subscriptions: Iterable[Subscription]) -> dict[str, Any]:
    """Answer `directory/subscriptions` of one tenant, its free products included."""
    listed = [company_subscription(subscription) for subscription in subscriptions]
    listed += [_free(customer, number) for number in range(len(FREE))]
    return {
        "@odata.context": f"{ROOT}#directory/subscriptions",
        "value": sorted(listed, key=lambda found: str(found["id"])),
    }


def company_subscription(subscription: Subscription) -> dict[str, Any]:
    """Describe one subscription as a companySubscription."""
    return {
        "id": guid(0, "graph", subscription.id),
        "commerceSubscriptionId": subscription.id,
        "createdDateTime": instant(subscription.created),
        "isTrial": subscription.is_trial,
        "nextLifecycleDateTime": _next_change(subscription),
        "ownerId": guid(0, "owner", subscription.owner_tenant),
        "ownerTenantId": subscription.owner_tenant,
        "ownerType": "User",
        "skuId": subscription.product.sku_id,
        "skuPartNumber": subscription.product.part_number,
        "status": STATUS[subscription.status],
        "totalLicenses": subscription.seats,
        "serviceStatus": service_plans(subscription.product.plans),
    }


def service_plans(plans: Iterable[str]) -> list[dict[str, str]]:
    """Describe the service plans of a product; their ids are the rehearsal's own."""
    return [
        {
            "appliesTo": "User",
            "provisioningStatus": "Success",
            "servicePlanId": guid(0, "plan", plan),
            "servicePlanName": plan,
        }
        for plan in plans
    ]


def instant(moment: datetime) -> str:
    """Write an instant with seven digits of a second, as .NET does."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06}0Z"


def _next_change(subscription: Subscription) -> str:
    """Give the end of the term, or after it the day of the next step down."""
    rule = subscription.rule
    days = {"warning": rule.grace, "disabled": rule.grace + rule.disabled}
    after = days.get(subscription.status, 0)
    return _midnight(subscription.ends_on + timedelta(days=after))


def _midnight(day: date) -> str:
    return f"{day.isoformat()}T00:00:00.0000000Z"


def _free(customer: Customer, number: int) -> dict[str, Any]:
    part, sku_id, units = FREE[number]
    commerce = guid(0, "free", customer.id, part)
    return {
        "id": guid(0, "graph", commerce),
        "commerceSubscriptionId": commerce,
        "createdDateTime": "2021-03-01T10:12:00.1234567Z",
        "isTrial": False,
        "nextLifecycleDateTime": None,
        "ownerId": None,
        "ownerTenantId": customer.id,
        "ownerType": "User",
        "skuId": sku_id,
        "skuPartNumber": part,
        "status": "Enabled",
        "totalLicenses": units,
        "serviceStatus": service_plans([part]),
    }
