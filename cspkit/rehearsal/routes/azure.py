"""Azure billing, as far as originals bought directly from Microsoft need it: stop their renewal."""

from __future__ import annotations

import re

from flask import Blueprint, Response, g, request

from cspkit.rehearsal.answers import Json, caller, graph_body, midnight, reply, the_world
from cspkit.rehearsal.records import Customer, Subscription
from cspkit.rehearsal.refusals import Denied

routes = Blueprint("azure", __name__, url_prefix="/azure/providers/microsoft.billing")
_ACCOUNT = "/billingaccounts/<account>"
_LISTED = f"{_ACCOUNT}/billingsubscriptions"
_ROOT = "/providers/Microsoft.Billing/billingAccounts"
_STATUS = {"active": "Active", "suspended": "Suspended", "warning": "Expired"}


@routes.errorhandler(Denied)
def refused(problem: Denied) -> Response:
    """Answer in the shape of Azure's errors."""
    return reply({"error": {"code": problem.code, "message": problem.message}}, problem.status)


@routes.before_request
def check() -> None:
    """Let in a signed-in user of the customer's own tenant, with a version of the API."""
    found = caller()
    if found is None:
        raise Denied(401, "AuthenticationFailed", "Authentication failed.")
    if not re.fullmatch(r"\d{4}-\d\d-\d\d(-preview)?", request.args.get("api-version", "")):
        text = "The api-version query parameter (?api-version=) is required for all requests."
        raise Denied(400, "MissingApiVersionParameter", text)
    owner = the_world().customers.get(found.tenant)
    if found.kind != "user" or owner is None or not owner.billing_role:
        text = "The client does not have authorization to perform this action."
        raise Denied(403, "AuthorizationFailed", text)
    g.owner = owner


def account_of(one: Customer) -> str:
    """Name the billing account of a customer."""
    return f"{one.id}:{one.id[::-1]}_2019-05-31"


@routes.get("/billingaccounts")
def accounts() -> Response:
    """List the billing account of the caller's tenant."""
    name = account_of(g.owner)
    found = {
        "id": f"{_ROOT}/{name}",
        "name": name,
        "type": "Microsoft.Billing/billingAccounts",
        "properties": {"displayName": g.owner.name, "agreementType": "MicrosoftCustomerAgreement"},
    }
    return reply({"value": [found]})


@routes.get(_LISTED)
def listed(account: str) -> Response:
    """List what was bought directly under the Microsoft Customer Agreement."""
    _check(account)
    return reply({"value": [_described(item) for item in _direct()]})


@routes.get(f"{_LISTED}/<subscription_id>")
def get(account: str, subscription_id: str) -> Response:
    """Describe one of them."""
    _check(account)
    return reply(_described(_find(subscription_id)))


@routes.patch(f"{_LISTED}/<subscription_id>")
def change(account: str, subscription_id: str) -> Response:
    """Switch auto-renew; nothing else can be changed here."""
    _check(account)
    item, sent = _find(subscription_id), graph_body().get("properties")
    asked = sent.get("autoRenew") if isinstance(sent, dict) else None
    if asked not in ("On", "Off"):
        raise Denied(400, "BadRequest", "properties.autoRenew must be On or Off.")
    item.auto_renew = asked == "On"
    item.version += 1
    return reply(_described(item))


@routes.delete(f"{_LISTED}/<subscription_id>")
def cancel(account: str, subscription_id: str) -> Response:
    """Cancel a subscription within seven days of its start."""
    _check(account)
    world, item = the_world(), _find(subscription_id)
    if (world.now.date() - item.starts_on).days > 7:
        raise Denied(400, "BadRequest", "The subscription can no longer be cancelled.")
    item.status, item.auto_renew = "deleted", False
    world.books.cancellations.append(
        {
            "customer_id": item.customer_id,
            "subscription_id": item.id,
            "order_id": "",
            "seats": item.seats,
            "at": world.now,
        }
    )
    world.note_seats(item.customer_id, item.product.sku_id)
    return Response(status=202)


def _check(account: str) -> None:
    if account != account_of(g.owner):
        raise Denied(404, "BillingAccountNotFound", "The billing account was not found.")


def _direct() -> list[Subscription]:
    held = the_world().originals(g.owner.id)
    return sorted((one for one in held if one.channel == "direct_mca"), key=lambda one: one.id)


def _find(subscription_id: str) -> Subscription:
    for item in _direct():
        if item.id == subscription_id:
            return item
    raise Denied(404, "NotFound", "The billing subscription was not found.")


def _described(item: Subscription) -> Json:
    return {
        "id": f"{_ROOT}/{account_of(g.owner)}/billingSubscriptions/{item.id}",
        "name": item.id,
        "type": "Microsoft.Billing/billingAccounts/billingSubscriptions",
        "properties": {
            "autoRenew": "On" if item.auto_renew else "Off",
            "displayName": item.friendly_name or item.product.name,
            "productType": item.product.name,
            "quantity": item.seats,
            "status": _STATUS.get(item.status, "Disabled"),
            "termDuration": item.term,
            "termStartDate": midnight(item.starts_on),
            "termEndDate": midnight(item.ends_on),
            "billingFrequency": "P1Y" if item.cycle == "annual" else "P1M",
        },
    }
