"""Relationship requests, customers, agreements, audit records."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, timedelta

from flask import Response, request

from cspkit.rehearsal import relations
from cspkit.rehearsal.answers import (
    Json,
    body,
    collection,
    customer,
    instant,
    link,
    page,
    partner_center,
    reply,
    the_world,
    user_only,
)
from cspkit.rehearsal.records import PARTNER_TENANT, RESELLERS, Customer
from cspkit.rehearsal.refusals import Refused
from cspkit.rehearsal.routes.profiles import billing, company
from cspkit.rehearsal.seeding import guid

routes = partner_center("customers")
MOST = 500
CLOUD = "MicrosoftCloudAgreement"
# type -> template, address of the text
_TEMPLATES = {
    CLOUD: ("998b88de-aa99-4388-a42c-1b3517d49490", "https://aka.ms/cloudagreement"),
    relations.AGREEMENT: (relations.TEMPLATE, "https://aka.ms/customeragreement"),
}


@routes.get("/customers/relationshiprequests")
@user_only
def relationship_request() -> Response:
    """Give the one invitation link, the same for every customer, or that of a reseller."""
    attributes = {"objectType": "RelationshipRequest"}
    reseller = {name.lower(): value for name, value in request.args.items()}.get(
        "indirectresellerid"
    )
    if reseller is None:
        return reply({"url": relations.INVITATION, "attributes": attributes})
    if reseller.lower() not in RESELLERS:
        raise Refused(2000, "indirectResellerId")
    url = relations.OF_RESELLER.format(reseller.lower())
    return reply({"url": url, "attributes": attributes})


@routes.get("/customers")
def customers() -> Response:
    """List related customers page by page, filtered by name or domain."""
    wanted, everyone = _filter(), the_world().customers
    found = [one for _, one in sorted(everyone.items()) if one.related and wanted(one)]
    return page([(one.id, _brief(one)) for one in found], "/customers", MOST)


@routes.get("/customers/<customer_id>")
def customer_by_id(customer_id: str) -> Response:
    """Describe one customer; address, e-mail and domains only with access to its tenant."""
    one = customer(customer_id)
    full = bool(relations.roles_in(the_world(), one.id))
    found = _brief(one)
    found["commerceId"] = guid(0, "commerce", one.id)
    found["companyProfile"] = company(one, full=full)
    found["billingProfile"] = billing(one)
    found["allowDelegatedAccess"] = False
    if full:
        found["customDomains"] = [one.domain]
    return reply(found)


def _brief(one: Customer) -> Json:
    return {
        "id": one.id,
        "companyProfile": company(one, full=False),
        "relationshipToPartner": "reseller",
        "links": {"self": link(f"/customers/{one.id}")},
        "attributes": {"objectType": "Customer"},
    }


class _StartsWith:
    """The one filter that the customer list knows."""

    def __init__(self, field: str, value: str) -> None:
        self.field = field
        self.value = value.casefold()

    def __call__(self, one: Customer) -> bool:
        known = {
            "companyname": one.name,
            "domain": one.domain,
            "indirectreseller": one.reseller_id,
        }
        text = known.get(self.field, "")
        return text.casefold().startswith(self.value)


def _filter() -> _StartsWith:
    text = request.args.get("filter")
    if text is None:
        return _StartsWith("companyname", "")
    low = _criterion(text)
    known = ("companyname", "domain", "indirectreseller", "indirectcloudsolutionprovider")
    field, value = low["field"].lower(), low["value"]
    if field not in known or low["operator"].lower() != "starts_with":
        raise Refused(2000, "the filter is not supported.")
    return _StartsWith(field, value)


def _criterion(text: str) -> dict[str, str]:
    try:
        sent = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused(2000, "the filter is not valid JSON.") from None
    low = {key.lower(): value for key, value in sent.items()} if isinstance(sent, dict) else {}
    if not all(isinstance(low.get(name), str) for name in ("field", "value", "operator")):
        raise Refused(2000, "a filter has Field, Value and Operator.")
    return low


def _agreement_type() -> str:
    """Read which agreement is asked for; raises Refused."""
    asked = request.args.get("agreementType", CLOUD).lower()
    for kind in _TEMPLATES:
        if kind.lower() == asked:
            return kind
    raise Refused(2000, "agreementType")


@routes.get("/agreements")
@user_only
def agreement_templates() -> Response:
    """List agreement templates; the cloud agreement unless the type is given."""
    kind = _agreement_type()
    template, address = _TEMPLATES[kind]
    item = {
        "templateId": template,
        "agreementType": kind,
        "agreementLink": address,
        "versionRank": 0,
    }
    # only the list that nobody asked for by type links to itself
    return collection([item], **({"links": {"self": link("/agreements")}} if kind == CLOUD else {}))


@routes.get("/agreementtemplates/<template_id>/document")
@user_only
def agreement_document(template_id: str) -> Response:
    """Say where the text of the agreement is."""
    addresses = {template: address for template, address in _TEMPLATES.values()}
    if template_id not in addresses:
        raise Refused(2000, "templateId")
    return reply(
        {
            "displayUri": f"{addresses[template_id]}?display",
            "downloadUri": f"{addresses[template_id]}?download",
            "language": request.args.get("language", "en-US"),
            "country": request.args.get("country", "US"),
        }
    )


@routes.get("/customers/<customer_id>/agreements")
@user_only
def agreements(customer_id: str) -> Response:
    """List what the partner attested; nothing unless the type is asked for."""
    one = customer(customer_id)
    kind = _agreement_type()
    return collection(one.attestations if kind == relations.AGREEMENT else [])


@routes.post("/customers/<customer_id>/agreements")
@user_only
def attest(customer_id: str) -> Response:
    """Take the partner's word that the customer accepted the agreement."""
    one, sent = customer(customer_id), body()
    contact = sent.get("primarycontact")
    if not isinstance(contact, dict):
        raise Refused(2000, "primaryContact")
    low = {str(name).lower(): value for name, value in contact.items()}
    known = {"firstname": "firstName", "lastname": "lastName", "email": "email"}
    if not all(isinstance(low.get(name), str) and low[name].strip() for name in known):
        raise Refused(2000, "primaryContact")
    if str(sent.get("templateid")).lower() != relations.TEMPLATE:
        raise Refused(2000, "templateId or type")
    if str(sent.get("type")).lower() != relations.AGREEMENT.lower():
        raise Refused(2000, "templateId or type")
    try:
        agreed = relations.moment(sent.get("dateagreed"))
    except ValueError:
        raise Refused(2000, "dateAgreed") from None
    if agreed.replace(tzinfo=agreed.tzinfo or UTC) > the_world().now + timedelta(days=1):
        raise Refused(2000, "dateAgreed")
    kept = {known[name]: low[name] for name in known}
    if isinstance(low.get("phonenumber"), str):
        kept["phoneNumber"] = low["phonenumber"]
    made = {
        "primaryContact": kept,
        "templateId": relations.TEMPLATE,
        "dateAgreed": str(sent["dateagreed"]),
        "type": relations.AGREEMENT,
        "agreementLink": "https://aka.ms/customeragreement",
    }
    relations.attest(the_world(), one, made)
    answer = {name: value for name, value in made.items() if name != "agreementLink"}
    return reply({"userId": guid(0, "agent"), **answer}, 201)


@routes.get("/customers/<customer_id>/directsignedmicrosoftcustomeragreementstatus")
@user_only
def direct_signed(customer_id: str) -> Response:
    """Say whether the customer signed the agreement directly."""
    one = customer(customer_id)
    signed = one.direct_signed_at
    return reply({"isSigned": signed is not None and signed <= the_world().now})


@routes.route("/domains/<domain>", methods=["HEAD"])
def domain_taken(domain: str) -> Response:
    """Answer 200 for a domain in use, 404 for a free one."""
    taken = any(one.domain == domain for one in the_world().customers.values())
    return Response(status=200 if taken else 404)


@routes.get("/auditrecords")
def audit_records() -> Response:
    """List audit records of the last 90 days, newest last."""
    world = the_world()
    first = _day("startDate")
    if world.now.date() - first > timedelta(days=90):
        raise Refused(2000, "startDate is more than 90 days ago.")
    last = _day("endDate") if "endDate" in request.args else world.now.date()
    wanted = _criterion(request.args["filter"]) if "filter" in request.args else None
    items = [
        (f"{number:09}", _record(entry))
        for number, entry in enumerate(world.books.audit)
        if first <= entry["at"].date() <= last and _wanted(entry, wanted)
    ]
    return page(items, "/auditrecords", MOST)


def _day(name: str) -> date:
    text = request.args.get(name, "")
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}.*", text):
        raise Refused(2000, name)
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise Refused(2000, name) from None


def _wanted(entry: Json, wanted: dict[str, str] | None) -> bool:
    if wanted is None:
        return True
    field, operator = wanted["field"].lower(), wanted["operator"].lower()
    value = wanted["value"].casefold()
    if (field, operator) == ("companyname", "substring"):
        return value in str(entry["customer_name"]).casefold()
    if (field, operator) == ("customerid", "equals"):
        return value == str(entry["customer_id"])
    if (field, operator) == ("resourcetype", "equals"):
        return value == str(entry["resource"])
    raise Refused(2000, "the filter is not supported.")


def _record(entry: Json) -> Json:
    return {
        "partnerId": PARTNER_TENANT,
        "customerId": entry["customer_id"],
        "customerName": entry["customer_name"],
        "userPrincipalName": "agent@partner.example",
        "applicationId": "Partner Center Web App",
        "resourceType": entry["resource"],
        "resourceNewValue": json.dumps(entry["data"]),
        "operationType": entry["operation"],
        "operationDate": instant(entry["at"]),
        "operationStatus": "succeeded",
        "customizedData": [{"key": key, "value": value} for key, value in entry["data"].items()],
        "attributes": {"objectType": "AuditRecord"},
    }
