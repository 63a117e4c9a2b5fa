"""Subscriptions that the partner sold, their changes, and the seats of a tenant."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from flask import Response, request

from cspkit.rehearsal import changes, lifecycle, relations, seats
from cspkit.rehearsal.answers import (
    Json,
    body,
    collection,
    customer,
    instant,
    link,
    midnight,
    partner_center,
    reply,
    the_world,
    user_only,
)
from cspkit.rehearsal.graph_json import service_plans
from cspkit.rehearsal.records import PARTNER_TENANT, Customer, Subscription
from cspkit.rehearsal.refusals import Refused

routes = partner_center("subscriptions")


@routes.get("/customers/<customer_id>/subscriptions")
def list_subscriptions(customer_id: str) -> Response:
    """List what the partner sold, all of it or the part of one order."""
    one = customer(customer_id)
    found = changes.sold_by_us(the_world(), one)
    order_id = request.args.get("order_id")
    if order_id is not None:
        found = [item for item in found if item.order_id == order_id.lower()]
    mpn_id = request.args.get("mpn_id")
    if mpn_id is not None:
        found = [item for item in found if item.partner_id == mpn_id]
    return collection(_subscription(one, item) for item in found)


@routes.get("/customers/<customer_id>/subscriptions/<subscription_id>")
def get_subscription(customer_id: str, subscription_id: str) -> Response:
    """Describe one subscription."""
    one = customer(customer_id)
    return reply(_subscription(one, changes.find(the_world(), one, subscription_id)))


@routes.patch("/customers/<customer_id>/subscriptions/<subscription_id>")
def patch_subscription(customer_id: str, subscription_id: str) -> Response:
    """Change a subscription from the whole resource; what is left out is reset."""
    one, world = customer(customer_id), the_world()
    item = changes.find(world, one, subscription_id)
    changes.apply(world, one, item, body=body(), tag=request.headers.get("If-Match", ""))
    return reply(_subscription(one, item))


@routes.get("/customers/<customer_id>/subscriptions/<subscription_id>/provisioningstatus")
@user_only
def provisioning_status(customer_id: str, subscription_id: str) -> Response:
    """Say whether the seats have arrived; this is where Partner Center names the Entra skuId."""
    one, world = customer(customer_id), the_world()
    item = changes.find(world, one, subscription_id)
    done = item.usable_from is None or item.usable_from <= world.now
    return reply(
        {
            "skuId": item.product.sku_id.upper(),
            "status": "success" if done else "pending",
            "quantity": item.seats,
            "endDate": midnight(item.ends_on),
            "attributes": {"objectType": "SubscriptionProvisioningStatus"},
        }
    )


@routes.get("/customers/<customer_id>/subscriptions/<subscription_id>/addons")
def addons(customer_id: str, subscription_id: str) -> Response:
    """List the add-ons of a subscription."""
    one, world = customer(customer_id), the_world()
    item = changes.find(world, one, subscription_id)
    listed = [other for other in changes.sold_by_us(world, one) if other.parent_id == item.id]
    return collection(_subscription(one, other) for other in listed)


@routes.get("/customers/<customer_id>/subscriptions/<subscription_id>/supportcontact")
def support_contact(customer_id: str, subscription_id: str) -> Response:
    """Say who helps with a subscription: the partner."""
    one = customer(customer_id)
    item = changes.find(the_world(), one, subscription_id)
    here = f"/customers/{one.id}/subscriptions/{item.id}/supportcontact"
    return reply(
        {
            "supportTenantId": PARTNER_TENANT,
            "supportMpnId": item.partner_id,
            "name": "Partner",
            "links": {"self": link(here)},
            "attributes": {"objectType": "SupportContact"},
        }
    )


@routes.get("/customers/<customer_id>/subscriptions/<subscription_id>/activationlinks")
def activation_links(customer_id: str, subscription_id: str) -> Response:
    """List where a marketplace product is activated: never for licences of Microsoft."""
    changes.find(the_world(), customer(customer_id), subscription_id)
    return collection([])


@routes.get("/customers/<customer_id>/subscriptions/<subscription_id>/registrationstatus")
def registration_status(customer_id: str, subscription_id: str) -> Response:
    """Say whether a subscription is registered for reservations; licences never are."""
    item = changes.find(the_world(), customer(customer_id), subscription_id)
    return reply({"subscriptionId": item.id, "status": "notregistered"})


@routes.get("/customers/<customer_id>/subscribedskus")
@user_only
def subscribed_skus(customer_id: str) -> Response:
    """Add up the seats of a tenant by product; needs access to the tenant."""
    one, world = customer(customer_id), the_world()
    if not relations.roles_in(world, one.id) & relations.READS:
        raise Refused(900308)
    groups = [group.lower() for group in request.args.getlist("licenseGroupIds")] or ["group1"]
    found = seats.pools(world, one.id) if "group1" in groups else []
    return collection(_pool(pool) for pool in found)


def _pool(pool: seats.Pool) -> Json:
    total = pool.enabled + pool.warning
    return {
        "availableUnits": total - pool.consumed,
        "activeUnits": pool.enabled,
        "consumedUnits": pool.consumed,
        "suspendedUnits": pool.suspended,
        "totalUnits": total,
        "warningUnits": pool.warning,
        "productSku": {
            "id": pool.product.sku_id,
            "name": pool.product.name,
            "skuPartNumber": pool.product.part_number,
            "targetType": "User",
            "licenseGroupId": "group1",
        },
        "servicePlans": [
            {
                "displayName": plan["servicePlanName"],
                "serviceName": plan["servicePlanName"],
                "id": plan["servicePlanId"],
                "capabilityStatus": pool.status,
                "targetType": "User",
            }
            for plan in service_plans(pool.product.plans)
        ],
        "capabilityStatus": pool.status,
        "attributes": {"objectType": "SubscribedSku"},
    }


def _subscription(one: Customer, item: Subscription) -> Json:
    legacy = item.channel == "csp_legacy"
    here = link(f"/customers/{one.id}/subscriptions/{item.id}")
    found: Json = {
        "id": item.id.upper() if legacy else item.id,
        "offerId": item.offer_id,
        "offerName": item.product.name,
        "friendlyName": item.friendly_name,
        "quantity": item.seats,
        "unitType": "Licenses",
        "creationDate": instant(item.created),
        "effectiveStartDate": midnight(item.starts_on),
        "commitmentEndDate": midnight(item.ends_on),
        "status": changes.PC_STATUS.get(item.status, item.status),
        "autoRenewEnabled": item.auto_renew,
        "isTrial": item.is_trial,
        "billingType": "license",
        "billingCycle": item.cycle,
        "partnerId": item.partner_id,
        "contractType": "subscription",
        "links": _links(one, item) | {"self": here},
        "orderId": item.order_id,
        "attributes": {"objectType": "Subscription"},
    }
    if item.parent_id:
        found["parentSubscriptionId"] = item.parent_id
    if legacy:
        found["attributes"]["etag"] = changes.etag(item)
    else:
        found |= _new_commerce(item)
    return found


def _new_commerce(item: Subscription) -> Json:
    cycle_ends = item.ends_on
    if item.cycle == "monthly":
        cycle_ends = _month_end(item, the_world().now.date())
    found: Json = {
        "productType": {"id": "OnlineServicesNCE", "displayName": "OnlineServicesNCE"},
        "hasPurchasableAddons": False,
        "termDuration": item.term,
        "isMicrosoftProduct": True,
        "publisherName": "Microsoft Corporation",
        "commitmentEndDateTime": _last_second(item.ends_on),
        "billingCycleEndDate": midnight(cycle_ends),
        "billingCycleEndDateTime": _last_second(cycle_ends),
        "renewalTermDuration": "",
        "attentionNeeded": False,
        "actionTaken": False,
    }
    if item.scheduled:
        found["scheduledActions"] = item.scheduled
    if item.next_term:
        found["scheduledNextTermInstructions"] = item.next_term
    if item.promotion_id:
        found["promotionId"] = item.promotion_id
    if item.migrated_from:
        found["migratedFromSubscriptionId"] = item.migrated_from
    if item.cancel_until is not None:
        found["cancellationAllowedUntilDate"] = instant(item.cancel_until)
    open_windows = changes.refundable(the_world(), item)
    if open_windows and item.status == "active":
        found["refundableQuantity"] = {
            "totalQuantity": sum(seats for seats, _ in open_windows),
            "details": [
                {"quantity": seats, "allowedUntilDateTime": until.replace("+00:00", "Z")}
                for seats, until in open_windows
            ],
        }
    return found


def _month_end(item: Subscription, today: date) -> date:
    months = 0
    last = item.starts_on - timedelta(days=1)
    while last < min(today, item.ends_on):
        months += 1
        last = lifecycle.add_months(item.starts_on, months) - timedelta(days=1)
    return min(last, item.ends_on)


def _links(one: Customer, item: Subscription) -> Json:
    if item.channel == "csp_legacy":
        parent = f"/customers/{one.id}/subscriptions/{item.parent_id.upper()}"
        found = {"offer": link(f"/offers/{item.offer_id}?country={one.market}")}
        return found | ({"parentSubscription": link(parent)} if item.parent_id else {})
    product, sku, availability = item.offer_id.split(":")
    path, country = f"/products/{product}", f"country={one.market}"
    return {
        "product": link(f"{path}?{country}"),
        "sku": link(f"{path}/skus/{sku}?{country}"),
        "availability": link(f"{path}/skus/{sku}/availabilities/{availability}?{country}"),
    }


def _last_second(day: date) -> str:
    return datetime.combine(day, time(23, 59, 59)).isoformat() + "Z"
