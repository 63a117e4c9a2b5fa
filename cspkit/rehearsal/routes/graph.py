"""Microsoft Graph: subscriptions, seats and users of a customer's tenant, and batches."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote

from flask import Blueprint, Response, current_app, g, request

from cspkit.rehearsal import graph_json, groups, people, relations, seats
from cspkit.rehearsal.answers import Json, caller, denial, graph_body, instant, reply, the_world
from cspkit.rehearsal.records import Customer, Licence, User
from cspkit.rehearsal.refusals import Denied

routes = Blueprint("graph", __name__, url_prefix="/graph/v1.0")
_ANY_LICENCE = re.compile(r"assignedLicenses/any\((\w+): *\1/skuId eq '?([0-9a-f-]{36})'?\)", re.I)
_ONE_NAME = re.compile(r"(userPrincipalName|id) eq '([^']{1,200})'", re.I)
_DEFAULT = (
    "businessPhones displayName givenName jobTitle mail mobilePhone officeLocation "
    "preferredLanguage surname userPrincipalName id"
)
# what the answer to a change shows besides
_CHANGED = "accountEnabled assignedLicenses assignedPlans city companyName usageLocation"
MOST_IN_BATCH = 20


@routes.before_request
def check_token() -> None:
    """Refuse calls without a good token."""
    found = caller()
    if "Authorization" not in request.headers:
        raise Denied(401, "InvalidAuthenticationToken", "Access token is empty.")
    if found is None:
        raise Denied(401, "InvalidAuthenticationToken", "Access token validation failure.")
    g.caller = found


routes.register_error_handler(Denied, denial)


def tenant(roles: set[str]) -> Customer:
    """Find the tenant of the token; the partner needs one of the roles in it (GDAP)."""
    world = the_world()
    customer = world.customers.get(g.caller.tenant)
    if customer is None or not relations.roles_in(world, customer.id) & roles:
        raise Denied(
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        )
    return customer


@routes.get("/directory/subscriptions")
def directory_subscriptions() -> Response:
    """List all subscriptions of a tenant, whoever sold them."""
    customer = tenant(relations.READS)
    return reply(graph_json.export(customer, the_world().originals(customer.id)))


@routes.get("/subscribedskus")
def subscribed_skus() -> Response:
    """Add up the seats of a tenant by skuId."""
    customer = tenant(relations.READS)
    if "$filter" in request.args:
        raise Denied(400, "Request_UnsupportedQuery", "$filter is not supported here.")
    found = [_sku(customer, pool) for pool in seats.pools(the_world(), customer.id)]
    return reply({"@odata.context": f"{graph_json.ROOT}#subscribedSkus", "value": found})


def _sku(customer: Customer, pool: seats.Pool) -> Json:
    plans = graph_json.service_plans(pool.product.plans)
    return {
        "accountId": customer.id,
        "accountName": customer.domain.partition(".")[0],
        "appliesTo": "User",
        "capabilityStatus": pool.status,
        "consumedUnits": pool.consumed,
        "id": f"{customer.id}_{pool.product.sku_id}",
        "skuId": pool.product.sku_id,
        "skuPartNumber": pool.product.part_number,
        "subscriptionIds": pool.subscription_ids or [],
        "prepaidUnits": {
            "enabled": pool.enabled,
            "suspended": pool.suspended,
            "warning": pool.warning,
            "lockedOut": 0,
        },
        "servicePlans": plans,
    }


@routes.get("/users")
def users() -> Response:
    """List users page by page; licences only when selected, as Graph does."""
    customer = tenant(relations.READS)
    everyone = sorted(people.users(the_world(), customer).items())
    found = [user for _, user in everyone if _chosen(user)]
    top = _top()
    after = request.args.get("$skiptoken", "")
    rest = [user for user in found if user.id > after]
    answer: Json = {"@odata.context": f"{graph_json.ROOT}#users"}
    if request.args.get("$count", "").lower() == "true":
        answer["@odata.count"] = len(found)
    if len(rest) > top:
        answer["@odata.nextLink"] = next_link(rest[top - 1].id)
    answer["value"] = [_user(user, _selected()) for user in rest[:top]]
    return reply(answer)


def next_link(last: str) -> str:
    """Link to the page after an id, with all that was asked for."""
    kept = [(key, value) for key, value in request.args.items() if key != "$skiptoken"]
    query = "&".join(f"{quote(key)}={quote(value)}" for key, value in [*kept, ("$skiptoken", last)])
    return f"{request.base_url}?{query}"


@routes.get("/users/<user_id>")
def user_by_id(user_id: str) -> Response:
    """Describe one user."""
    user = people.find(the_world(), tenant(relations.READS), unquote(user_id))
    context = {"@odata.context": f"{graph_json.ROOT}#users/$entity"}
    return reply(context | _user(user, _selected()))


@routes.post("/users/<user_id>/assignlicense")
def assign_license(user_id: str) -> Response:
    """Add and remove licences of one user in one step."""
    customer, world = tenant(relations.CHANGES_LICENCES), the_world()
    user = people.find(world, customer, unquote(user_id))
    add, remove = _wanted(graph_body())
    people.change_licences(world, customer, user, add=add, remove=remove)
    context = {"@odata.context": f"{graph_json.ROOT}#users/$entity"}
    return reply(context | _user(user, [*_DEFAULT.split(), *_CHANGED.split()]))


@routes.post("/groups/<group_id>/assignlicense")
def assign_group_license(group_id: str) -> Response:
    """Change the licences of a group; its members follow some minutes later, or say why not."""
    customer, world = tenant(relations.CHANGES_LICENCES), the_world()
    add, remove = _wanted(graph_body())
    groups.change(world, customer, group_id, add=add, remove=remove)
    found = {
        "id": group_id,
        "deletedDateTime": None,
        "classification": None,
        "createdDateTime": "2018-04-18T22:05:03Z",
        "securityEnabled": True,
    }
    answer = reply(found, 202)
    answer.headers["Location"] = f"{graph_json.ROOT[:-10]}/groups/{group_id}"
    return answer


@routes.get("/groups/<group_id>")
def group_by_id(group_id: str) -> Response:
    """Describe one group with the licences that it gives."""
    given = groups.find(the_world(), tenant(relations.READS), group_id)
    found = {
        "id": group_id,
        "displayName": f"licences {group_id[:8]}",
        "assignedLicenses": [
            {"disabledPlans": plans, "skuId": sku_id} for sku_id, plans in sorted(given.items())
        ],
    }
    wanted = {name.lower() for name in _selected()} if "$select" in request.args else set(found)
    context = {"@odata.context": f"{graph_json.ROOT}#groups/$entity"}
    low = {name.lower() for name in wanted}
    return reply(context | {name: value for name, value in found.items() if name.lower() in low})


def _wanted(sent: Json) -> tuple[list[people.Wanted], list[str]]:
    add, remove = sent.get("addLicenses"), sent.get("removeLicenses")
    if not isinstance(add, list) or not isinstance(remove, list):
        raise Denied(400, "Request_BadRequest", "addLicenses and removeLicenses are both required.")
    wanted: list[people.Wanted] = []
    for entry in add:
        sku_id = entry.get("skuId") if isinstance(entry, dict) else None
        disabled = entry.get("disabledPlans", []) if isinstance(entry, dict) else None
        if not isinstance(sku_id, str) or not isinstance(disabled, list):
            raise Denied(400, "Request_BadRequest", "addLicenses holds skuId and disabledPlans.")
        wanted.append((sku_id.lower(), disabled))
    if not all(isinstance(sku_id, str) for sku_id in remove):
        raise Denied(400, "Request_BadRequest", "removeLicenses holds skuIds.")
    removed = list(dict.fromkeys(sku_id.lower() for sku_id in remove))
    if {sku_id for sku_id, _ in wanted} & set(removed):
        raise Denied(400, "Request_BadRequest", "A license cannot be both added and removed.")
    return wanted, removed


def _top() -> int:
    text = request.args.get("$top", "100")
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= 999:
        raise Denied(400, "Request_BadRequest", f"Invalid page size specified: '{text[:20]}'.")
    return int(text)


def _chosen(user: User) -> bool:
    text = request.args.get("$filter")
    if text is None:
        return True
    if found := _ANY_LICENCE.fullmatch(text.strip()):
        return found[2].lower() in user.licences
    if found := _ONE_NAME.fullmatch(text.strip()):
        return found[2].lower() in (user.principal, user.id)
    raise Denied(400, "Request_UnsupportedQuery", "Unsupported or invalid query filter clause.")


def _selected() -> list[str]:
    text = request.args.get("$select", "")
    return [name.strip() for name in text.split(",") if name.strip()] or _DEFAULT.split()


def _user(user: User, selected: list[str]) -> Json:
    first, _, last = user.name.partition(" ")
    everything: Json = {
        "id": user.id,
        "accountEnabled": user.enabled,
        "businessPhones": [],
        "displayName": user.name,
        "givenName": first,
        "surname": last,
        "userPrincipalName": user.principal,
        "mail": user.principal,
        "usageLocation": user.usage_location,
        "city": None,
        "companyName": None,
        "assignedPlans": [],
        "assignedLicenses": [
            {"disabledPlans": licence.effective, "skuId": sku_id}
            for sku_id, licence in sorted(user.licences.items())
            if licence.error == "None"
        ],
        "licenseAssignmentStates": [
            state
            for sku_id, licence in sorted(user.licences.items())
            for state in _states(sku_id, licence)
        ],
    }
    low = {name.lower(): name for name in everything}
    return {
        low.get(name.lower(), name): everything.get(low.get(name.lower(), "")) for name in selected
    }


def _states(sku_id: str, licence: Licence) -> list[Json]:
    """Describe where a licence comes from; one that is a user's own and a group's comes twice."""
    found = {
        "skuId": sku_id,
        "disabledPlans": licence.disabled_plans,
        "assignedByGroup": licence.by_group,
        "state": "Active" if licence.error == "None" else "Error",
        "error": licence.error,
        "lastUpdatedDateTime": instant(licence.since),
    }
    if licence.own_disabled is None:
        return [found]
    own = {"disabledPlans": licence.own_disabled, "assignedByGroup": None}
    return [found, found | own | {"state": "Active", "error": "None"}]


@routes.post("/$batch")
def batch() -> Response:
    """Answer up to 20 calls in one; each has its own status, in another order."""
    sent = graph_body().get("requests")
    if not isinstance(sent, list) or not 0 < len(sent) <= MOST_IN_BATCH:
        raise Denied(400, "BadRequest", f"A batch holds 1 to {MOST_IN_BATCH} requests.")
    if not all(_is_request(entry) for entry in sent):
        raise Denied(400, "BadRequest", "A request has id, method and a relative url.")
    if len({entry["id"] for entry in sent}) != len(sent):
        raise Denied(400, "BadRequest", "The ids of a batch must be unique.")
    answers: dict[str, Json] = {}
    for entry in _in_order(sent):
        answers[entry["id"]] = _one_of_batch(entry, answers)
    return reply({"responses": list(answers.values())[::-1]})


def _in_order(sent: list[Json]) -> list[Json]:
    """Put each request after those it depends on; raises Denied when that cannot be."""
    left, done = list(sent), list[Json]()
    while left:
        met = {entry["id"] for entry in done}
        ready = [entry for entry in left if set(map(str, entry.get("dependsOn", []))) <= met]
        if not ready:
            raise Denied(400, "BadRequest", "dependsOn names no request, or goes in a circle.")
        done += ready
        left = [entry for entry in left if entry not in ready]
    return done


def _is_request(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("id"), str)
        and isinstance(entry.get("method"), str)
        and isinstance(entry.get("url"), str)
        and entry["url"].startswith("/")
        and not entry["url"].startswith("/$batch")
        and isinstance(entry.get("dependsOn", []), list)
        and isinstance(entry.get("headers", {}), dict)
        and ("body" not in entry or "headers" in entry)
    )


def _one_of_batch(entry: Json, answers: dict[str, Json]) -> Json:
    needs = [answers.get(str(other), {"status": 424}) for other in entry.get("dependsOn", [])]
    if any(other["status"] >= 400 for other in needs):
        error = {"code": "FailedDependency", "message": "A request this one depends on failed."}
        return {"id": entry["id"], "status": 424, "headers": {}, "body": {"error": error}}
    application = current_app._get_current_object()  # type: ignore[attr-defined]
    path, _, query = entry["url"].partition("?")
    with application.test_request_context(
        f"/graph/v1.0{path.lower()}{'?' if query else ''}{query}",
        method=entry["method"].upper(),
        json=entry.get("body"),
        headers={"Authorization": request.headers["Authorization"]},
    ):
        answer = application.full_dispatch_request()
    return {
        "id": entry["id"],
        "status": answer.status_code,
        "headers": {"Content-Type": "application/json"},
        "body": answer.get_json(silent=True),
    }
