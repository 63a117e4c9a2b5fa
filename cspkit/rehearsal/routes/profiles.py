"""What is known of a customer: profiles, qualifications, the rules of its country."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Response, request

from cspkit.rehearsal import names
from cspkit.rehearsal.answers import (
    Json,
    body,
    customer,
    instant,
    link,
    lowered,
    partner_center,
    reply,
    the_world,
    user_only,
)
from cspkit.rehearsal.records import Customer
from cspkit.rehearsal.refusals import Refused
from cspkit.rehearsal.seeding import guid

routes = partner_center("profiles")
QUALIFICATIONS = {
    "education": "Education",
    "nonprofit": "Nonprofit",
    "governmentcommunitycloud": "GovernmentCommunityCloud",
    "stateownedentity": "StateOwnedEntity",
}
_ADDRESS = {
    "country": "country",
    "region": "region",
    "city": "city",
    "state": "state",
    "addressline1": "addressLine1",
    "addressline2": "addressLine2",
    "postalcode": "postalCode",
    "firstname": "firstName",
    "lastname": "lastName",
    "phonenumber": "phoneNumber",
}
_BILLING = {
    "firstname": "firstName",
    "lastname": "lastName",
    "email": "email",
    "culture": "culture",
    "language": "language",
    "companyname": "companyName",
}


def company(one: Customer, *, full: bool) -> Json:
    """Describe the company; its address and e-mail only with access to the tenant."""
    found: Json = {"tenantId": one.id, "domain": one.domain, "companyName": one.name}
    if full:
        found |= {"address": address(one), "email": one.email}
    return found | {
        "links": {"self": link(f"/customers/{one.id}/profiles/company")},
        "attributes": {"objectType": "CustomerCompanyProfile"},
    }


def address(one: Customer) -> Json:
    """Give the address of a customer, as far as it was never changed."""
    city, postal_code = names.city(one.market)
    return {
        "country": one.market,
        "region": city,
        "city": city,
        "addressLine1": "Calle Mayor 1",
        "postalCode": postal_code,
        "phoneNumber": "600000000",
    }


def billing(one: Customer) -> Json:
    """Describe whom the invoices go to."""
    home = {name: value for name, value in address(one).items() if name != "region"}
    person = {"firstName": one.first_name, "lastName": one.last_name}
    found: Json = {
        "id": guid(0, "billing", one.id),
        **person,
        "email": one.email,
        "culture": f"{one.language}-{one.market}",
        "language": one.language,
        "companyName": one.name,
        "defaultAddress": home | person | {"state": home["city"]},
    }
    return (
        found
        | one.billing
        | {
            "links": {"self": link(f"/customers/{one.id}/profiles/billing")},
            "attributes": {"etag": _etag(one), "objectType": "CustomerBillingProfile"},
        }
    )


def _etag(one: Customer) -> str:
    """Give a signed number of 64 bits that changes with the profile."""
    digest = hashlib.sha256(f"{one.id}{one.billing}".encode()).digest()
    return str(int.from_bytes(digest[:8], "big", signed=True))


@routes.get("/customers/<customer_id>/profiles/company")
@user_only
def company_profile(customer_id: str) -> Response:
    """Describe the company."""
    return reply(company(customer(customer_id), full=True))


@routes.get("/customers/<customer_id>/profiles/billing")
def billing_profile(customer_id: str) -> Response:
    """Describe whom the invoices go to."""
    return reply(billing(customer(customer_id)))


@routes.put("/customers/<customer_id>/profiles/billing")
def put_billing_profile(customer_id: str) -> Response:
    """Change the billing profile; the etag of the one that was read must come with it."""
    one, sent = customer(customer_id), body()
    if request.headers.get("If-Match", "").strip('"') != _etag(one):
        raise Refused(2055)
    one.billing = _chosen(sent, _BILLING) | {
        "defaultAddress": _chosen(_object(sent, "defaultaddress"), _ADDRESS)
    }
    return reply(billing(one))


def _object(sent: Json, name: str) -> Json:
    found = sent.get(name)
    if not isinstance(found, dict):
        raise Refused(2000, name)
    return lowered(found)


def _chosen(sent: Json, names: dict[str, str]) -> Json:
    """Take the known texts out of an object; raises Refused for a value that is none."""
    found: dict[str, Any] = {}
    for low, shown in names.items():
        value = sent.get(low)
        if value is not None and not isinstance(value, str):
            raise Refused(2000, shown)
        if value:
            found[shown] = value
    return found


@routes.post("/customers")
def create_customer() -> Response:
    """Make a new tenant that is our customer from the start."""
    sent, world = body(), the_world()
    who, to = _object(sent, "companyprofile"), _object(sent, "billingprofile")
    domain, home = who.get("domain"), _chosen(_object(to, "defaultaddress"), _ADDRESS)
    profile = _chosen(to, _BILLING)
    market = home.get("country", "").upper()
    if not isinstance(domain, str) or not domain or "companyName" not in profile:
        raise Refused(2000, "Domain and CompanyName")
    if market not in names.COUNTRIES:
        raise Refused(2000, "Country")
    if any(one.domain == domain.lower() for one in world.customers.values()):
        raise Refused(2000, "the domain is taken.")
    made = Customer(
        id=world.new_id("tenant"),
        name=profile["companyName"],
        domain=domain.lower(),
        market=market,
        language=names.MARKETS.get(market, "en"),
        first_name=home.get("firstName", ""),
        last_name=home.get("lastName", ""),
        related_at=world.now,
        billing=profile | {"defaultAddress": home},
    )
    world.customers[made.id] = made
    return reply(_created(made, sent.get("associatedpartnerid")), 201)


def _created(made: Customer, partner_id: object) -> Json:
    found: Json = {
        "id": made.id,
        "commerceId": guid(0, "commerce", made.id),
        "companyProfile": company(made, full=False),
        "billingProfile": billing(made),
        "relationshipToPartner": "reseller",
        "allowDelegatedAccess": False,
        "userCredentials": {"userName": "admin", "password": "only-a-rehearsal"},
        "attributes": {"objectType": "Customer"},
    }
    return found | ({"associatedPartnerId": partner_id} if isinstance(partner_id, str) else {})


@routes.patch("/customers/<customer_id>")
@user_only
def remove_relationship(customer_id: str) -> Response:
    """End the relationship with a customer, when nothing that we sold is active any more."""
    one, world, sent = customer(customer_id), the_world(), body()
    if sent.get("relationshiptopartner") != "none":
        raise Refused(2000, "RelationshipToPartner")
    if any(item.ours and item.status == "active" for item in world.originals(one.id)):
        raise Refused(2000, "all active subscriptions must be suspended first.")
    one.related_at = None
    nothing = ("Id", "CommerceId", "CompanyProfile", "BillingProfile", "AllowDelegatedAccess")
    more = ("UserCredentials", "CustomDomains", "AssociatedPartnerId")
    # the documents show this answer, and only this one, with capital letters
    empty: Json = dict.fromkeys((*nothing, *more))
    return reply(
        empty | {"RelationshipToPartner": "none", "Attributes": {"ObjectType": "Customer"}}
    )


@routes.get("/customers/<customer_id>/qualifications")
def qualifications(customer_id: str) -> Response:
    """List what a customer is qualified for, as a bare array."""
    return reply(the_world().qualifications.get(customer(customer_id).id, []))


@routes.post("/customers/<customer_id>/qualifications")
def qualify(customer_id: str) -> Response:
    """Ask for a qualification; somebody looks at it for a while."""
    one, world = customer(customer_id), the_world()
    wanted = str(body().get("qualification")).replace("_", "").lower()
    if wanted not in QUALIFICATIONS:
        raise Refused(2000, "Qualification")
    made = {
        "qualification": QUALIFICATIONS[wanted],
        "vettingStatus": "InReview",
        "vettingCreatedDate": instant(world.now),
    }
    world.qualifications.setdefault(one.id, []).append(made)
    return reply(made, 201)


@routes.get("/countryvalidationrules/<country>")
def country_rules(country: str) -> Response:
    """Say how addresses of a country look."""
    if country.upper() not in names.COUNTRIES:
        raise Refused(2000, "country")
    code, language = country.upper(), names.MARKETS.get(country.upper(), "en")
    return reply(
        {
            "iso2Code": code,
            "defaultCulture": f"{language}-{code}",
            "isStateRequired": code == "US",
            "supportedStatesList": [],
            "supportedLanguagesList": [language],
            "supportedCulturesList": [f"{language}-{code}"],
            "isPostalCodeRequired": True,
            "isCityRequired": True,
            "isVatIdSupported": code != "US",
            "attributes": {"objectType": "CountryValidationRules"},
        }
    )
