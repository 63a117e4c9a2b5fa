"""Microsoft Graph: granular admin relationships of the partner."""

from __future__ import annotations

import re
from datetime import timedelta

from flask import Blueprint, Response, g, request

from cspkit.rehearsal import relations
from cspkit.rehearsal.answers import Json, denial, graph_body, instant, reply, the_world
from cspkit.rehearsal.records import PARTNER_TENANT, Access, Assignment
from cspkit.rehearsal.refusals import Denied
from cspkit.rehearsal.routes.graph import check_token, next_link

_PATH = "/tenantrelationships/delegatedadminrelationships"
_CONTEXT = "https://graph.microsoft.com/v1.0/tenantRelationships/$metadata#"
_FILTER = re.compile(r"(customer/tenantId|status|displayName) eq '([^']{1,200})'", re.I)
routes = Blueprint("gdap", __name__, url_prefix="/graph/v1.0")
routes.before_request(check_token)
routes.register_error_handler(Denied, denial)


@routes.before_request
def check_partner() -> None:
    """Refuse tokens of other tenants than the partner's."""
    if g.caller.tenant != PARTNER_TENANT:
        raise Denied(403, "Forbidden", "The caller is not a partner.")


@routes.get(_PATH)
def relationships() -> Response:
    """List relationships, newest first, at most 300 on a page."""
    world = the_world()
    found = sorted(world.access.values(), key=lambda access: access.id)
    text = request.args.get("$filter")
    if text is not None:
        found = _filtered(found, text)
    top = request.args.get("$top", "300")
    most = int(top) if re.fullmatch(r"[1-9][0-9]{0,2}", top) else 0
    if not 1 <= most <= 300:
        raise Denied(400, "Request_BadRequest", "$top must be between 1 and 300.")
    after = request.args.get("$skiptoken", "")
    rest = [access for access in found if access.id > after]
    answer: Json = {"@odata.context": f"{_CONTEXT}delegatedAdminRelationships"}
    answer["value"] = [_relationship(access) for access in rest[:most]]
    if len(rest) > most:
        answer["@odata.nextLink"] = next_link(rest[most - 1].id)
    return reply(answer)


def _filtered(found: list[Access], text: str) -> list[Access]:
    for part in re.split(r"\s+and\s+", text.strip(), flags=re.I):
        one = _FILTER.fullmatch(part)
        if one is None:
            raise Denied(400, "Request_UnsupportedQuery", "The filter is not supported.")
        name, value = one[1].lower(), one[2]
        if name == "status":
            found = [access for access in found if access.status == value]
        elif name == "displayname":
            found = [access for access in found if access.display_name == value]
        else:
            found = [access for access in found if access.customer_id == value.lower()]
    return found


@routes.post(_PATH)
def create() -> Response:
    """Create a relationship; it waits in status created until locked for approval."""
    sent, world = graph_body(), the_world()
    who = sent.get("customer")
    tenant_id = who.get("tenantId") if isinstance(who, dict) else None
    customer = world.customers.get(str(tenant_id).lower())
    if customer is None:
        raise Denied(400, "Request_BadRequest", "The customer tenant is not valid.")
    name, duration = sent.get("displayName"), sent.get("duration")
    extend = sent.get("autoExtendDuration", "PT0S")
    if not isinstance(name, str) or not isinstance(duration, str):
        raise Denied(400, "Request_BadRequest", "displayName and duration are required.")
    if extend not in ("P0D", "PT0S", "P180D"):
        raise Denied(400, "Request_BadRequest", "autoExtendDuration is not valid.")
    access = relations.ask_access(
        world, customer, name, duration=duration, roles=_roles(sent), extend=extend
    )
    return _created(_relationship(access), f"delegatedAdminRelationships/{access.id}")


@routes.get(f"{_PATH}/<access_id>")
def relationship(access_id: str) -> Response:
    """Describe one relationship."""
    return reply(_relationship(_find(access_id)))


@routes.patch(f"{_PATH}/<access_id>")
def change(access_id: str) -> Response:
    """Let a relationship extend itself; the name can only be changed before it is locked."""
    access, sent = _find(access_id), graph_body()
    if request.headers.get("If-Match") != _etag(access):
        raise Denied(412, "Request_ConditionNotMet", "The etag is missing or not the newest.")
    extend = sent.get("autoExtendDuration")
    if set(sent) != {"autoExtendDuration"} or extend not in ("P0D", "PT0S", "P180D"):
        raise Denied(400, "Request_BadRequest", "autoExtendDuration is not valid.")
    relations.extend(the_world(), access, extend)
    return reply(_relationship(access))


@routes.post(f"{_PATH}/<access_id>/requests")
def make_request(access_id: str) -> Response:
    """Lock a relationship for approval, or terminate it."""
    access, world = _find(access_id), the_world()
    made = relations.request(world, access, str(graph_body().get("action")))
    answer = {
        "@odata.type": "#microsoft.graph.delegatedAdminRelationshipRequest",
        "@odata.context": f"{_CONTEXT}requests",
        "id": made["id"],
        "action": made["action"],
        "status": made["status"],
        "createdDateTime": instant(made["at"]),
        "lastModifiedDateTime": instant(made["at"]),
    }
    return _created(answer, f"delegatedAdminRelationships/{access.id}/requests/{made['id']}")


@routes.get(f"{_PATH}/<access_id>/requests")
def list_requests(access_id: str) -> Response:
    """List what was asked of a relationship; by now all of it is done."""
    found = [
        {
            "id": made["id"],
            "action": made["action"],
            "status": "succeeded",
            "createdDateTime": instant(made["at"]),
            "lastModifiedDateTime": instant(made["at"]),
        }
        for made in _find(access_id).requests
    ]
    return reply({"@odata.context": f"{_CONTEXT}requests", "value": found})


@routes.post(f"{_PATH}/<access_id>/accessassignments")
def assign(access_id: str) -> Response:
    """Give a security group roles in the tenant."""
    access, sent = _find(access_id), graph_body()
    container = sent.get("accessContainer")
    group = container.get("accessContainerId") if isinstance(container, dict) else None
    if not isinstance(group, str) or not re.fullmatch(r"[0-9a-fA-F-]{36}", group):
        raise Denied(400, "Request_BadRequest", "accessContainerId must be a GUID.")
    made = relations.assign(the_world(), access, group.lower(), roles=_roles(sent))
    here = f"delegatedAdminRelationships/{access.id}/accessAssignments/{made.id}"
    return _created(_assignment(made), here)


@routes.get(f"{_PATH}/<access_id>/accessassignments")
def assignments(access_id: str) -> Response:
    """List the security groups of a relationship, pending ones too."""
    found = [_assignment(made) for made in _find(access_id).assignments]
    return reply({"@odata.context": f"{_CONTEXT}accessAssignments", "value": found})


@routes.get(f"{_PATH}/<access_id>/accessassignments/<assignment_id>")
def assignment(access_id: str, assignment_id: str) -> Response:
    """Describe one assignment."""
    for made in _find(access_id).assignments:
        if made.id == assignment_id:
            return reply(_assignment(made))
    raise _not_found()


def _find(access_id: str) -> Access:
    access = the_world().access.get(access_id)
    if access is None:
        raise _not_found()
    return access


def _not_found() -> Denied:
    return Denied(404, "Request_ResourceNotFound", "The resource does not exist.")


def _roles(sent: Json) -> list[str]:
    details = sent.get("accessDetails")
    listed = details.get("unifiedRoles") if isinstance(details, dict) else None
    if not isinstance(listed, list):
        raise Denied(400, "Request_BadRequest", "accessDetails.unifiedRoles is required.")
    roles = [role.get("roleDefinitionId") for role in listed if isinstance(role, dict)]
    if not roles or not all(isinstance(role, str) for role in roles):
        raise Denied(400, "Request_BadRequest", "roleDefinitionId is required.")
    return [role.lower() for role in roles if isinstance(role, str)]


def _created(answer: Json, path: str) -> Response:
    response = reply(answer, 201)
    response.headers["Location"] = f"https://graph.microsoft.com/v1.0/tenantRelationships/{path}"
    return response


def _etag(access: Access) -> str:
    return f'W/"{access.id[:8]}-{access.modified:%Y%m%d%H%M%S}"'


def _relationship(access: Access) -> Json:
    customer = the_world().customers[access.customer_id]
    planned = access.created + timedelta(days=access.days)
    return {
        "@odata.type": "#microsoft.graph.delegatedAdminRelationship",
        "@odata.context": f"{_CONTEXT}delegatedAdminRelationships",
        "@odata.etag": _etag(access),
        "id": access.id,
        "displayName": access.display_name,
        "duration": access.duration,
        "customer": {"tenantId": customer.id, "displayName": customer.name},
        "accessDetails": _details(access.roles),
        "status": access.status,
        "autoExtendDuration": access.auto_extend,
        "createdDateTime": instant(access.created),
        "lastModifiedDateTime": instant(access.modified),
        "activatedDateTime": instant(access.activated) if access.activated else "",
        "endDateTime": instant(access.ends or planned),
    }


def _assignment(made: Assignment) -> Json:
    active = made.active_from <= the_world().now
    modified = made.active_from if active else made.created
    return {
        "@odata.type": "#microsoft.graph.delegatedAdminAccessAssignment",
        "@odata.context": f"{_CONTEXT}accessAssignments",
        "@odata.etag": f'W/"{made.id[:8]}"',
        "id": made.id,
        "status": "active" if active else "pending",
        "createdDateTime": instant(made.created),
        "lastModifiedDateTime": instant(modified),
        "accessContainer": {
            "accessContainerId": made.group_id,
            "accessContainerType": "securityGroup",
        },
        "accessDetails": _details(made.roles),
    }


def _details(roles: list[str]) -> Json:
    return {"unifiedRoles": [{"roleDefinitionId": role} for role in roles]}
