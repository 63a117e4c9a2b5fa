"""Tokens, the customer list and its pages, agreements, audit records."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from cspkit.rehearsal.records import PARTNER_TENANT
from tests.rehearsal.conftest import Partner

NOBODY = "11111111-2222-4333-8444-555555555555"
CONTACT = {"firstName": "Ana", "lastName": "Ruiz", "email": "ana@cliente.example"}
AGREEMENT = {
    "primaryContact": CONTACT,
    "templateId": "117a77b0-9360-443b-8795-c6dedc750cf9",
    "dateAgreed": "2026-11-20T00:00:00Z",
    "type": "MicrosoftCustomerAgreement",
}


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [
        (None, 401, 800001),
        ("Bearer nonsense", 401, 400),
        (f"Basic rehearsal-user-{PARTNER_TENANT}", 401, 400),
        (f"Bearer rehearsal-user-{NOBODY}", 403, 2032),
    ],
)
def test_a_call_needs_a_token_of_the_partner(
    partner: Partner, token: str | None, status: int, code: int
) -> None:
    """Without a good token there is 401 and where to ask; another tenant's gets 403."""
    headers = {"Authorization": token} if token else {}
    answer = requests.get(f"{partner.server.url}/v1/customers", headers=headers, timeout=10)

    assert (status, code) == (answer.status_code, answer.json()["code"])
    assert (status == 401) == ("WWW-Authenticate" in answer.headers)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/customers/relationshiprequests",
        "/v1/agreements",
        "/v1/customers/{c}/agreements",
        "/v1/customers/{c}/directSignedMicrosoftCustomerAgreementStatus",
        "/v1/customers/{c}/subscribedskus",
        "/v1/customers/{c}/orders/0123456789ab/provisioningstatus",
    ],
)
def test_some_routes_need_a_signed_in_user(partner: Partner, path: str) -> None:
    """An app alone is refused with 403/900329 where the documents say App+User only."""
    answer = partner.get(path.format(c=partner.related().id), kind="app")

    assert (answer.status_code, answer.json()["code"]) == (403, 900329)


def test_request_ids_come_back(partner: Partner) -> None:
    """Both ids are echoed, made up where the caller sent none, and the date is the clock's."""
    sent = {"MS-RequestId": NOBODY, "MS-CorrelationId": "another"}
    echoed = partner.get("/v1/customers", headers=sent).headers
    made = partner.get("/v1/customers").headers

    assert [echoed["MS-RequestId"], echoed["MS-CorrelationId"]] == [NOBODY, "another"]
    assert len(made["MS-RequestId"]) == len(made["MS-CorrelationId"]) == 36
    assert made["Date"] == "Mon, 23 Nov 2026 08:00:00 GMT"


def test_the_link_is_the_same_for_everybody(partner: Partner) -> None:
    """The invitation names the partner, not the customer."""
    found = partner.get("/v1/customers/relationshiprequests").json()

    assert f"partnerId={PARTNER_TENANT}" in found["url"]
    assert found["attributes"] == {"objectType": "RelationshipRequest"}


def pages(partner: Partner, size: int) -> list[list[str]]:
    """Follow the links from page to page."""
    answer = partner.get(f"/v1/customers?size={size}").json()
    found = [[item["id"] for item in answer["items"]]]
    while following := answer["links"].get("next"):
        headers = {header["key"]: header["value"] for header in following["headers"]}
        answer = partner.get("/v1" + following["uri"], headers=headers).json()
        found.append([item["id"] for item in answer["items"]])
    return found


def test_pages_hold_each_related_customer_once(partner: Partner) -> None:
    """Seek paging loses nobody, and strangers are not in it."""
    related = sorted(c.id for c in partner.world.customers.values() if c.related)
    found = pages(partner, 10)

    assert related == [customer_id for page in found for customer_id in page]
    assert [len(page) for page in found[:2]] == [10, 10]


def test_a_token_counts_only_with_its_operation(partner: Partner) -> None:
    """A continuation token without seekOperation=Next is refused, and so the other way round."""
    token = partner.get("/v1/customers?size=2").json()["continuationToken"]
    headers = {"MS-ContinuationToken": token}
    answers = [
        partner.get("/v1/customers?size=2", headers=headers),
        partner.get("/v1/customers?size=2&seekOperation=Next"),
        partner.get("/v1/customers?size=2&filter={}&seekOperation=Next", headers=headers),
        partner.get("/v1/customers?seekOperation=Next", headers={"MS-ContinuationToken": "x"}),
    ]

    assert [(a.status_code, a.json()["code"]) for a in answers] == [(400, 2000)] * 4


def test_customers_are_found_by_the_start_of_their_name(partner: Partner) -> None:
    """The filter ignores case; other operators are refused."""
    customer = partner.related()
    wanted = {"Field": "CompanyName", "Value": customer.name[:6].upper(), "Operator": "starts_with"}
    found = partner.get("/v1/customers", params={"size": "0", "filter": json.dumps(wanted)}).json()
    other = json.dumps({**wanted, "Operator": "substring"})

    assert customer.id in [item["id"] for item in found["items"]]
    assert all(
        item["companyProfile"]["companyName"].casefold().startswith(wanted["Value"].casefold())
        for item in found["items"]
    )
    assert partner.get("/v1/customers", params={"filter": other}).status_code == 400


@pytest.mark.parametrize(
    ("customer_id", "status", "code"), [(NOBODY, 404, 60003), ("no-guid", 400, 900118)]
)
def test_an_unknown_customer_is_refused(
    partner: Partner, customer_id: str, status: int, code: int
) -> None:
    """Each kind of wrong id has its code."""
    answer = partner.get(f"/v1/customers/{customer_id}")

    assert (status, code) == (answer.status_code, answer.json()["code"])


def test_a_stranger_is_refused(partner: Partner) -> None:
    """A tenant without relationship exists, but not for us."""
    answer = partner.get(f"/v1/customers/{partner.stranger().id}/orders")

    assert (answer.status_code, answer.json()["code"]) == (403, 20002)


def test_domains_are_shown_only_with_access(partner: Partner) -> None:
    """Without access to the tenant the customer comes without address, e-mail and domains."""
    plain = partner.get(f"/v1/customers/{partner.related().id}").json()
    full = partner.get(f"/v1/customers/{partner.accessible().id}").json()

    assert "customDomains" not in plain and "email" not in plain["companyProfile"]
    assert "customDomains" in full and "email" in full["companyProfile"]


def test_a_path_is_read_in_any_case(partner: Partner) -> None:
    """The service does not care how a path or a GUID in it is written."""
    customer = partner.related()
    path = f"/V1/Customers/{customer.id.upper()}/DirectSignedMicrosoftCustomerAgreementStatus"

    assert partner.get(path).status_code == 200


def test_the_default_agreement_is_another_one(partner: Partner) -> None:
    """Who does not name the type gets the cloud agreement, which is of no use here."""
    named = partner.get("/v1/agreements?agreementType=MicrosoftCustomerAgreement").json()
    default = partner.get("/v1/agreements").json()

    assert AGREEMENT["templateId"] == named["items"][0]["templateId"]
    assert default["items"][0]["agreementType"] == "MicrosoftCloudAgreement"


def test_the_same_agreement_is_attested_once(partner: Partner) -> None:
    """The same details again are refused with 600061, and the list shows them once."""
    customer = partner.stranger()
    partner.control("accept", {"customer_id": customer.id})
    path = f"/v1/customers/{customer.id}/agreements"
    first, second = (partner.post(path, json=AGREEMENT) for _ in range(2))
    listed = partner.get(f"{path}?agreementType=MicrosoftCustomerAgreement").json()

    assert [first.status_code, second.status_code] == [201, 400]
    assert (second.json()["code"], listed["totalCount"]) == (600061, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"primaryContact": {**CONTACT, "email": ""}},
        {"primaryContact": "Ana"},
        {"templateId": "another"},
        {"type": "MicrosoftCloudAgreement"},
        {"dateAgreed": "yesterday"},
        {"dateAgreed": "2027-01-01T00:00:00Z"},
    ],
)
def test_an_attestation_needs_its_evidence(partner: Partner, change: dict[str, Any]) -> None:
    """Who agreed, to what and when must be there and possible."""
    path = f"/v1/customers/{partner.related().id}/agreements"
    answer = partner.post(path, json={**AGREEMENT, **change})

    assert (answer.status_code, answer.json()["code"]) == (400, 2000)


def test_a_customer_answers_a_letter_later(partner: Partner) -> None:
    """After a delivery the customer appears in the list after a while, with an agreement soon."""
    partner.control("options", {"never_accepts": 0.0})
    customer = partner.stranger()
    partner.control("deliver", {"customer_id": customer.id})
    before = partner.get(f"/v1/customers/{customer.id}").status_code
    partner.wait(days=9)
    after = partner.get(f"/v1/customers/{customer.id}").status_code
    partner.wait(days=4)
    path = f"/v1/customers/{customer.id}/directSignedMicrosoftCustomerAgreementStatus"

    assert (before, after) == (403, 200)
    assert partner.get(path).json() == {"isSigned": True}


def test_some_customers_never_answer(partner: Partner) -> None:
    """An invitation can stay without effect for ever; the books say so."""
    partner.control("options", {"never_accepts": 1.0})
    customer = partner.stranger()
    partner.control("deliver", {"customer_id": customer.id})
    partner.wait(days=60)

    assert partner.get(f"/v1/customers/{customer.id}").status_code == 403
    assert [entry["accepted"] for entry in partner.control("books")["invitations"]] == [None]


def test_every_letter_is_in_the_books(partner: Partner) -> None:
    """A customer invited twice answers once, but the books remember both letters."""
    customer = partner.stranger()
    for _ in range(2):
        partner.control("deliver", {"customer_id": customer.id})
        partner.wait(minutes=5)
    partner.control("accept", {"customer_id": customer.id})
    letters = partner.control("books")["invitations"]

    assert len(letters) == 2
    assert len({letter["accepted"] for letter in letters}) == 1


def test_audit_records_name_the_order(partner: Partner) -> None:
    """The partner can ask what happened in the last 90 days, filtered by customer."""
    customer = partner.related()
    order_id = partner.buy(customer)["order_id"]
    wanted = json.dumps({"Field": "CustomerId", "Value": customer.id, "Operator": "equals"})
    found = partner.get("/v1/auditrecords", params={"startDate": "2026-11-01", "filter": wanted})
    too_old = partner.get("/v1/auditrecords?startDate=2026-01-01")

    assert [order_id] == [item["customizedData"][0]["value"] for item in found.json()["items"]]
    assert too_old.status_code == 400


@pytest.mark.parametrize(("taken", "status"), [(True, 200), (False, 404)])
def test_a_domain_is_taken_or_free(partner: Partner, taken: bool, status: int) -> None:
    """200 means that somebody has the domain."""
    domain = partner.related().domain if taken else "free.example"

    assert status == partner.call("HEAD", f"/v1/domains/{domain}").status_code
