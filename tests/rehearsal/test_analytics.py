"""What partner analytics, Azure billing and the check of resellers answer."""

from __future__ import annotations

import pytest

from cspkit.rehearsal.records import RESELLERS
from tests.rehearsal.conftest import Partner

SUBSCRIPTIONS = "/partner/v1/analytics/subscriptions"
ACCOUNTS = "/azure/providers/Microsoft.Billing/billingAccounts"
VERSION = "api-version=2024-04-01"


def test_analytics_come_in_pages_by_top_and_skip(partner: Partner) -> None:
    """The next link leads through all of them, none twice; the total is that of the whole."""
    everything = partner.get(SUBSCRIPTIONS).json()
    link, found = f"{SUBSCRIPTIONS}?top=7", []
    while link:
        page = partner.get(link).json()
        found += page["Value"]
        link = page["@nextLink"]

    assert everything["Value"] == found
    assert everything["TotalCount"] == len(found) > 7


def test_analytics_are_filtered_and_counted(partner: Partner) -> None:
    """Comparisons joined by `and`; groups count subscriptions and licences, as text."""
    everything = partner.get(SUBSCRIPTIONS).json()["Value"]
    wanted = "autoRenewEnabled eq true and commitmentEndDate lt 2027-06-30T00:00:00"
    some = partner.get(SUBSCRIPTIONS, params={"filter": wanted}).json()["Value"]
    grouped = partner.get(f"{SUBSCRIPTIONS}?aggregateBy=status").json()["Value"]

    expected = [
        one
        for one in everything
        if one["autoRenewEnabled"] and one["commitmentEndDate"] < "2027-06-30T00:00:00"
    ]
    assert expected == some != []
    assert len(everything) == sum(int(one["subscriptionCount"]) for one in grouped)


@pytest.mark.parametrize("query", ["filter=x", "filter=a eq 1", "aggregateBy=colour", "top=many"])
def test_a_question_that_is_not_understood_is_refused(partner: Partner, query: str) -> None:
    """400/2000 in the shape of every other error."""
    answer = partner.get(f"{SUBSCRIPTIONS}?{query}")

    assert (answer.status_code, answer.json()["code"]) == (400, 2000)


def test_renewal_of_a_direct_original_is_stopped_in_azure_billing(partner: Partner) -> None:
    """The customer's own signed-in user switches it off, and at the end it does not renew."""
    item = next(
        one
        for tenant in partner.world.subscriptions.values()
        for one in tenant.values()
        if one.channel == "direct_mca" and one.auto_renew and one.status == "active"
    )
    tenant = item.customer_id
    account = partner.get(f"{ACCOUNTS}?{VERSION}", tenant=tenant).json()["value"][0]["name"]
    path = f"{ACCOUNTS}/{account}/billingSubscriptions/{item.id}?{VERSION}"
    off = {"properties": {"autoRenew": "Off"}}
    answer = partner.call("PATCH", path, tenant=tenant, json=off)

    assert (answer.status_code, answer.json()["properties"]["autoRenew"]) == (200, "Off")
    assert partner.get(path, tenant=tenant).json() == answer.json()
    assert not item.auto_renew


@pytest.mark.parametrize(
    ("kind", "query", "status", "code"),
    [
        ("user", "", 400, "MissingApiVersionParameter"),
        ("app", VERSION, 403, "AuthorizationFailed"),
        ("none", VERSION, 401, "AuthenticationFailed"),
    ],
)
def test_azure_billing_says_no_in_its_own_words(
    partner: Partner, kind: str, query: str, status: int, code: str
) -> None:
    """Its errors have the shape of Azure's, not of Partner Center's."""
    tenant = partner.related().id
    answer = partner.get(f"{ACCOUNTS}?{query}", kind=kind, tenant=tenant)

    assert (status, code) == (answer.status_code, answer.json()["error"]["code"])


def test_resellers_of_record_are_checked_one_by_one(partner: Partner) -> None:
    """Known and signed, known without an active tenant, and unknown: each has its answer."""
    known, unsigned = (mpn for _, mpn in RESELLERS.values())
    path = "/v1/compliance/csp/validateResellerPartnerOfRecord"
    found = partner.post(path, json={"partnerIds": [known, unsigned, "1"]}).json()

    codes = [one.get("errorCode") for one in found["validationResults"]]
    assert codes == [None, 900414, 900400]
