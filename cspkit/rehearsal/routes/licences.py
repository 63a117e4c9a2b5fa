"""Users and licences of a tenant by Partner Center; all of it needs access to the tenant."""

from __future__ import annotations

import json

from flask import Response, request

from cspkit.rehearsal import people, relations, seats
from cspkit.rehearsal.answers import (
    Json,
    body,
    collection,
    customer,
    instant,
    link,
    lowered,
    page,
    partner_center,
    reply,
    the_world,
    user_only,
)
from cspkit.rehearsal.graph_json import service_plans
from cspkit.rehearsal.names import COUNTRIES
from cspkit.rehearsal.products import by_sku_id
from cspkit.rehearsal.records import Customer, User
from cspkit.rehearsal.refusals import Denied, Refused

routes = partner_center("licences")
MOST = 500
_SORTED_BY = ("id", "displayName", "userPrincipalName", "firstName", "lastName", "usageLocation")
_HERE = "/customers/<customer_id>/users"


def _tenant(customer_id: str, roles: set[str]) -> Customer:
    one = customer(customer_id)
    if not relations.roles_in(the_world(), one.id) & roles:
        raise Refused(900308)
    return one


def _user(one: Customer, user_id: str) -> User:
    try:
        return people.find(the_world(), one, user_id)
    except Denied:
        raise Refused(60002) from None


@routes.get(_HERE)
@user_only
def users(customer_id: str) -> Response:
    """List users page by page; of the filters only the one on UserStatus is known."""
    one = _tenant(customer_id, relations.READS)
    everyone = sorted(people.users(the_world(), one).items()) if _wants_active() else []
    described = _sorted([_described(one, user) for _, user in everyone])
    found = [(f"{place:09}", user) for place, user in enumerate(described)]
    return page(found, f"/customers/{one.id}/users", MOST)


def _sorted(found: list[Json]) -> list[Json]:
    """Put users into the order asked for by one of their fields; raises Refused."""
    asked = request.args.get("sortField", "id").lower()
    direction = request.args.get("sortDirection", "ascending").lower()
    known = {name.lower(): name for name in _SORTED_BY}
    if asked not in known or direction not in ("ascending", "descending"):
        raise Refused(2000, "sortField or sortDirection")
    name, backwards = known[asked], direction == "descending"
    return sorted(found, key=lambda user: str(user[name] or "").casefold(), reverse=backwards)


@routes.post(_HERE)
@user_only
def create_user(customer_id: str) -> Response:
    """Create a user without a licence; its password is never shown again."""
    one, sent = _tenant(customer_id, relations.CHANGES_LICENCES), body()
    words = ("userprincipalname", "displayname", "usagelocation", "firstname", "lastname")
    said = {name: sent.get(name) or "" for name in words}
    if not all(isinstance(value, str) for value in said.values()):
        raise Refused(2000, "a user's names are texts")
    if "@" not in said["userprincipalname"] or not said["displayname"]:
        raise Refused(2000, "userPrincipalName and displayName")
    try:
        user = people.create(the_world(), one, said)
    except ValueError:
        raise Refused(2000, "userPrincipalName is taken") from None
    profile = {"forceChangePassword": True, "password": "<temporary-password>"}
    more = {"immutableId": sent.get("immutableid"), "passwordProfile": profile}
    more |= {"lastDirectorySyncTime": None, "softDeletionTime": None}
    return reply(_described(one, user) | more)


def _wants_active() -> bool:
    text = request.args.get("filter")
    if text is None:
        return True
    try:
        sent = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused(2000, "the filter is not valid JSON.") from None
    low = lowered(sent) if isinstance(sent, dict) else {}
    known = str(low.get("field")).lower() == "userstatus"
    if not known or str(low.get("operator")).lower() != "equals":
        raise Refused(2000, "the filter is not supported.")
    # nobody was ever deleted here
    return str(low.get("value")).lower() != "inactive"


@routes.get(f"{_HERE}/<user_id>")
@user_only
def user_by_id(customer_id: str, user_id: str) -> Response:
    """Describe one user."""
    one = _tenant(customer_id, relations.READS)
    return reply(_described(one, _user(one, user_id)))


@routes.patch(f"{_HERE}/<user_id>")
@user_only
def patch_user(customer_id: str, user_id: str) -> Response:
    """Say where a user is, which licences need to know."""
    one = _tenant(customer_id, relations.CHANGES_LICENCES)
    user, sent = _user(one, user_id), body()
    place = sent.get("usagelocation", user.usage_location)
    if place is not None and (not isinstance(place, str) or place.upper() not in COUNTRIES):
        raise Refused(2000, "usageLocation")
    user.usage_location = place.upper() if place else None
    return reply(_described(one, user))


@routes.get(f"{_HERE}/<user_id>/licenses")
@user_only
def licences(customer_id: str, user_id: str) -> Response:
    """List the licences of a user; those of the other group are never there."""
    one = _tenant(customer_id, relations.READS)
    groups = [group.lower() for group in request.args.getlist("licenseGroupIds")] or ["group1"]
    held = sorted(_user(one, user_id).licences) if "group1" in groups else []
    return collection(_licence(sku_id) for sku_id in held)


@routes.post(f"{_HERE}/<user_id>/licenseupdates")
@user_only
def update_licences(customer_id: str, user_id: str) -> Response:
    """Add and remove licences of a user in one step."""
    one = _tenant(customer_id, relations.CHANGES_LICENCES)
    user, sent = _user(one, user_id), body()
    add, remove = _to_assign(sent.get("licensestoassign")), sent.get("licensestoremove") or []
    if not isinstance(remove, list) or not all(isinstance(sku_id, str) for sku_id in remove):
        raise Refused(2000, "licensesToRemove")
    if not add and not remove:
        raise Refused(2000, "licensesToAssign")
    removed = list(dict.fromkeys(sku_id.lower() for sku_id in remove))
    try:
        people.change_licences(the_world(), one, user, add=add, remove=removed)
    except Denied as denied:
        raise _translated(denied, one, add) from None
    answer: Json = {"licensesToAssign": [{"skuId": sku_id} for sku_id, _ in add]}
    return reply(
        answer | {"licenseWarnings": [], "attributes": {"objectType": "LicenseUpdate"}}, 201
    )


def _to_assign(sent: object) -> list[people.Wanted]:
    found: list[people.Wanted] = []
    for entry in sent if isinstance(sent, list) else []:
        low = lowered(entry) if isinstance(entry, dict) else {}
        sku_id, plans = low.get("skuid"), low.get("excludedplans") or []
        if not isinstance(sku_id, str) or not isinstance(plans, list):
            raise Refused(2000, "licensesToAssign")
        found.append((sku_id.lower(), plans))
    return found


def _translated(denied: Denied, one: Customer, add: list[people.Wanted]) -> Refused:
    """Say in Partner Center's words what the directory refused."""
    if "available licenses" not in denied.message:
        return Refused(60000, data=[denied.message])
    sku_id = next((sku_id for sku_id, _ in add if sku_id in denied.message), "")
    text = (
        f"LicenseQuotaExceededException : Subscription with Account {one.id} and SKU {sku_id} "
        "does not have any available licenses left."
    )
    return Refused(60012, data=[text])


@routes.get("/customers/<customer_id>/analytics/licenses/deployment")
@user_only
def deployment(customer_id: str) -> Response:
    """Compare seats sold with seats in use, by product."""
    one, world = customer(customer_id), the_world()
    return collection(
        {
            "customerName": one.name.upper(),
            "productName": pool.product.name.upper(),
            "licensesDeployed": pool.consumed,
            "deploymentPercent": round(pool.consumed / max(pool.enabled, 1), 2),
            "licensesSold": pool.enabled,
            **_analysed("CustomerLicensesDeploymentInsights"),
        }
        for pool in seats.pools(world, one.id)
    )


@routes.get("/customers/<customer_id>/analytics/licenses/usage")
@user_only
def usage(customer_id: str) -> Response:
    """Show how many of the seats were used, by product and workload."""
    one, world = customer(customer_id), the_world()
    return collection(
        {
            "customerName": one.name.upper(),
            "productName": pool.product.name.upper(),
            "licensesActive": pool.consumed,
            "licensesQualified": pool.enabled,
            "usagePercent": round(pool.consumed / max(pool.enabled, 1), 2),
            "workloadName": "Exchange",
            **_analysed("CustomerLicensesUsageInsights"),
        }
        for pool in seats.pools(world, one.id)
    )


def _analysed(kind: str) -> Json:
    return {
        "processedDateTime": instant(the_world().now).replace("Z", "+00:00"),
        "serviceName": "o365",
        "channel": "reseller",
        "attributes": {"objectType": kind},
    }


def _described(one: Customer, user: User) -> Json:
    first, _, last = user.name.partition(" ")
    found: Json = {"usageLocation": user.usage_location} if user.usage_location else {}
    return found | {
        "id": user.id,
        "userPrincipalName": user.principal,
        "firstName": first,
        "lastName": last,
        "displayName": user.name,
        "userDomainType": "none",
        "state": "active",
        "links": {"self": link(f"/customers/{one.id}/users/{user.id}")},
        "attributes": {"objectType": "CustomerUser"},
    }


def _licence(sku_id: str) -> Json:
    product = by_sku_id()[sku_id]
    return {
        "servicePlans": [
            {
                "displayName": plan["servicePlanName"],
                "serviceName": plan["servicePlanName"],
                "id": plan["servicePlanId"],
                "capabilityStatus": "Assigned",
                "targetType": "User",
            }
            for plan in service_plans(product.plans)
        ],
        "productSku": {
            "id": product.sku_id,
            "name": product.name,
            "skuPartNumber": product.part_number,
            "licenseGroupId": "group1",
        },
        "attributes": {"objectType": "License"},
    }
