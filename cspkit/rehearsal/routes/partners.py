"""The partner itself: its resellers, its agreement, its requests, its service requests."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from flask import Blueprint, Response, request

from cspkit.rehearsal.answers import (
    Json,
    body,
    collection,
    customer,
    instant,
    link,
    lowered,
    partner_center,
    refusal,
    reply,
    the_world,
    user_only,
)
from cspkit.rehearsal.answers import check_partner_token as check
from cspkit.rehearsal.records import MPN_ID, PARTNER_TENANT, RESELLERS, Customer
from cspkit.rehearsal.refusals import Refused
from cspkit.rehearsal.seeding import guid

routes = partner_center("partners")
hooks = Blueprint("hooks", __name__, url_prefix="/webhooks/v1")
hooks.before_request(check)
hooks.register_error_handler(Refused, refusal)
EVENTS = ["subscription-updated", "test-created", "invoice-ready"]
STATUSES = ("none", "open", "closed", "attention_needed")
_SOLVES = "is_indirect_cloud_solution_provider_of"
_NEVER = "0001-01-01T00:00:00"


@routes.get("/relationships")
@user_only
def relationships() -> Response:
    """List the indirect resellers of the partner; it is nobody's reseller itself."""
    kind = request.args.get("relationship_type", "").replace("_", "").lower()
    if kind not in ("isindirectcloudsolutionproviderof", "isindirectresellerof"):
        raise Refused(2000, "relationship_type")
    wanted = _wanted()
    found = [_reseller(one) | _WHERE for one in RESELLERS.items()]
    ours = found if kind == "isindirectcloudsolutionproviderof" else []
    return collection(one for one in ours if wanted(str(one["name"]).casefold()))


def _wanted() -> Callable[[str], bool]:
    """Read the filter by name, the only one of this list; raises Refused."""
    if "filter" not in request.args:
        return lambda name: True
    try:
        sent = json.loads(request.args["filter"])
    except (ValueError, RecursionError):
        raise Refused(2000, "the filter is not valid JSON.") from None
    low = lowered(sent) if isinstance(sent, dict) else {}
    value = str(low.get("value")).casefold()
    known: dict[str, Callable[[str], bool]] = {
        "starts_with": lambda name: name.startswith(value),
        "substring": lambda name: value in name,
        "equals": lambda name: name == value,
    }
    operator = str(low.get("operator")).lower()
    if str(low.get("field")).lower() != "name" or operator not in known:
        raise Refused(2000, "the filter is not supported.")
    return known[operator]


_WHERE = {"state": "Active", "location": "ES"}


def _reseller(one: tuple[str, tuple[str, str]]) -> Json:
    reseller_id, (name, mpn_id) = one
    return {
        "id": reseller_id,
        "name": name,
        "relationshipType": _SOLVES,
        "mpnId": mpn_id,
        "attributes": {"objectType": "PartnerRelationship"},
    }


@routes.get("/customers/<customer_id>/relationships")
@user_only
def resellers_of(customer_id: str) -> Response:
    """List the indirect resellers of one customer."""
    one = customer(customer_id)
    found = RESELLERS.get(one.reseller_id)
    return collection([_reseller((one.reseller_id, found))] if found else [])


@routes.get("/compliance/csp/agreementstatus")
@user_only
def agreement_status() -> Response:
    """Say whether a partner signed its agreement with Microsoft; one reseller has not."""
    tenant, mpn_id = request.args.get("tenantId"), request.args.get("mpnId")
    if tenant is None and not mpn_id:
        raise Refused(2000, "mpnId or tenantId")
    if tenant is not None and not re.fullmatch("[0-9a-fA-F-]{36}", tenant):
        raise Refused(2000, data=[], text="Tenant Id must be a GUID.")
    signed = {mpn for _, mpn in list(RESELLERS.values())[:-1]} | {MPN_ID}
    tenants = [*list(RESELLERS)[:-1], PARTNER_TENANT]
    return reply({"isAgreementSigned": mpn_id in signed or (tenant or "").lower() in tenants})


@routes.post("/compliance/csp/validateresellerpartnerofrecord")
@user_only
def validate_resellers() -> Response:
    """Say for each partner id whether it may be the reseller of record; the path is a guess."""
    asked = body().get("partnerids")
    if not isinstance(asked, list) or not asked or not all(isinstance(n, str) for n in asked):
        raise Refused(2000, "partnerIds")
    return reply({"validationResults": [_of_record(one) for one in asked]})


def _of_record(partner_id: str) -> Json:
    known = [mpn for _, mpn in RESELLERS.values()]
    found: Json = {"partnerId": partner_id, "isValidPartnerIdOnRecord": partner_id in known[:-1]}
    if partner_id in known[-1:]:
        return found | {"errorCode": 900414, "errorDescription": _NOT_AUTHORIZED}
    if partner_id not in known:
        return found | {"errorCode": 900400, "errorDescription": _NOT_LINKED}
    return found


_NOT_LINKED = "The PLA ID (formerly MPN ID) is not linked to any active reseller tenant."
_NOT_AUTHORIZED = (
    "The requested indirect reseller with PLA ID (formerly MPN ID) is not currently authorized to "
    "be associated with this transaction. Ensure the reseller has an active CSP indirect reseller "
    "tenant."
)


@routes.get("/profiles/mpn")
def mpn_profile() -> Response:
    """Name the partner's number."""
    return reply(
        {
            "mpnId": MPN_ID,
            "profileType": "MpnProfile",
            "links": {"self": link("/profiles/mpn")},
            "attributes": {"objectType": "MpnProfile"},
        }
    )


@routes.get("/partnerrequests")
@user_only
def partner_requests() -> Response:
    """List the routes called so far, with whether their user had signed in twice."""
    found = [_call(number, call) for number, call in enumerate(sorted(the_world().books.calls))]
    return collection(found)


def _call(number: int, call: str) -> Json:
    method, _, path = call.partition(" ")
    return {
        "requestId": guid(0, "request", number),
        "correlationId": "",
        "operationName": f"{method.capitalize()} {path}",
        "requestDateTime": the_world().now.strftime("%Y-%m-%dT%H:%M:%S.00"),
        "ipAddress": "127.0.0.1",
        "objectId": guid(0, "agent"),
        "tenantId": PARTNER_TENANT,
        "upn": "agent@partner.example",
        "applicationId": guid(0, "application"),
        "mfaCompliant": True,
    }


@routes.get("/servicerequests")
@user_only
def service_requests() -> Response:
    """List all service requests."""
    return collection(_brief(found) for found in the_world().service_requests.values())


@routes.get("/customers/<customer_id>/servicerequests")
@user_only
def service_requests_of(customer_id: str) -> Response:
    """List the service requests about one customer."""
    one = customer(customer_id)
    everything = the_world().service_requests.values()
    return collection(_brief(found) for found in everything if found["organization"] == one.id)


@routes.get("/servicerequests/supporttopics")
@user_only
def support_topics() -> Response:
    """List what can be asked."""
    topic = {
        "name": "Manage subscriptions",
        "description": "Subscriptions and licences",
        "id": 32444671,
        "attributes": {"objectType": "SupportTopic"},
    }
    return collection([topic])


@routes.get("/servicerequests/<request_id>")
@user_only
def service_request(request_id: str) -> Response:
    """Describe one service request."""
    return reply(_service_request(_found(request_id)))


@routes.post("/servicerequests/<locale>")
@user_only
def ask(locale: str) -> Response:
    """Open a service request."""
    world, sent = the_world(), body()
    title, text = sent.get("title"), sent.get("description", "")
    if not isinstance(title, str) or not title or not isinstance(text, str):
        raise Refused(2000, "Title")
    number = f"{616_122_292_874_576 + len(world.service_requests)}"
    organization = sent.get("organization")
    about = organization.get("id") if isinstance(organization, dict) else None
    world.service_requests[number] = {
        "id": number,
        "title": title,
        "description": text,
        "status": "open",
        "organization": str(about or PARTNER_TENANT).lower(),
        "created": world.now,
        "modified": world.now,
        "notes": [],
    }
    return reply(_service_request(world.service_requests[number]), 201)


@routes.patch("/servicerequests/<request_id>")
@user_only
def answer_service_request(request_id: str) -> Response:
    """Add a note to a service request, or close it."""
    found, sent, world = _found(request_id), body(), the_world()
    status = sent.get("status", found["status"])
    # the list shows numbers, so they are understood too
    numbers = dict(enumerate(STATUSES))
    status = numbers.get(status) if type(status) is int else str(status).lower()
    note = sent.get("newnote")
    if status not in STATUSES:
        raise Refused(2000, "Status")
    if isinstance(note, dict):
        words = {str(key).lower(): value for key, value in note.items()}
        # the time of a note has no zone, unlike every other time of a service request
        text, when = str(words.get("text", "")), instant(world.now).removesuffix("Z")
        found["notes"].append({"createdByName": "Account", "createdDate": when, "text": text})
    found["status"], found["modified"] = status, world.now
    return reply(_service_request(found))


def _found(request_id: str) -> Json:
    found = the_world().service_requests.get(request_id)
    if found is None:
        raise Refused(2000, "the service request does not exist.")
    return found


def _brief(found: Json) -> Json:
    # the list shows numbers where the single request shows words
    return {
        "title": found["title"],
        "severity": 0,
        "id": found["id"],
        "status": STATUSES.index(found["status"]),
        "primaryContact": {"lastName": "Agent", "firstName": "Ana"},
        **_dates(found),
        "attributes": {"objectType": "ServiceRequest"},
    }


def _dates(found: Json) -> Json:
    closed = found["status"] == "closed"
    return {
        "createdDate": instant(found["created"]),
        "lastModifiedDate": instant(found["modified"]),
        "lastClosedDate": instant(found["modified"]) if closed else _NEVER,
    }


def _service_request(found: Json) -> Json:
    who: Customer | None = the_world().customers.get(found["organization"])
    return {
        "title": found["title"],
        "description": found["description"],
        "severity": "minimal",
        "supportTopicId": "32444671",
        "supportTopicName": "Manage subscriptions",
        "id": found["id"],
        "status": found["status"],
        "organization": {"id": found["organization"], "name": who.name if who else "Partner"},
        "productId": "15960",
        **_dates(found),
        "notes": found["notes"],
        "attributes": {"objectType": "ServiceRequest"},
    }


@hooks.get("/registration")
def registration() -> Response:
    """Show where events are sent; this rehearsal only keeps the address."""
    return reply(the_world().webhook)


@hooks.route("/registration", methods=["POST", "PUT"])
def register() -> Response:
    """Keep an address for events; the service itself delivers within two days, this one never."""
    sent = body()
    url, events = sent.get("webhookurl"), sent.get("webhookevents")
    if not isinstance(url, str) or not isinstance(events, list):
        raise Refused(2000, "WebhookUrl and WebhookEvents")
    if not all(event in EVENTS for event in events):
        raise Refused(2000, "WebhookEvents")
    the_world().webhook = {
        "SubscriberId": guid(0, "subscriber"),
        "WebhookUrl": url,
        "WebhookEvents": events,
    }
    return reply(the_world().webhook)


@hooks.get("/registration/events")
def events() -> Response:
    """List the events that can be sent."""
    return reply(EVENTS)
