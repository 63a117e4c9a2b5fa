"""Names count in any case: of parameters, of fields however deep, of ids and templates."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from cspkit.rehearsal import relations
from tests.rehearsal.conftest import BASIC, Partner


def test_parameters_count_in_any_case(partner: Partner) -> None:
    """`Size` and `TargetView` mean what `size` and `targetView` mean."""
    products = partner.get("/v1/products?Country=us&TARGETVIEW=onlineservices")

    assert len(partner.get("/v1/customers?Size=2").json()["items"]) == 2
    assert products.status_code == 200 and products.json()["items"]


@pytest.mark.parametrize("way", ["turned round", "escaped otherwise", "another size", "no size"])
def test_a_next_page_is_asked_for_in_many_ways(partner: Partner, way: str) -> None:
    """The token belongs to the filter, not to how the query is written nor to the size."""
    text = json.dumps({"Field": "Domain", "Value": "", "Operator": "starts_with"})
    first = partner.get("/v1/customers", params={"size": 2, "filter": text}).json()
    ways = {
        "turned round": f"seekOperation=Next&filter={quote(text)}&size=2",
        "escaped otherwise": f"size=2&filter={quote(text, safe='{}:,')}&seekOperation=Next",
        "another size": f"size=3&filter={quote(text)}&seekOperation=Next",
        "no size": f"filter={quote(text)}&seekoperation=next",
    }
    headers = {"MS-ContinuationToken": first["continuationToken"]}
    found = partner.get(f"/v1/customers?{ways[way]}", headers=headers).json()["items"]

    related = sorted(c.id for c in partner.world.customers.values() if c.related)
    count = {"another size": 3, "no size": len(related)}.get(way, 2)
    assert related[2 : 2 + count] == [item["id"] for item in found]


def bought(partner: Partner, **line: Any) -> tuple[str, dict[str, Any]]:
    """A subscription just delivered, and its path."""
    customer = partner.related()
    relations.sign(partner.world, customer.id)
    item = partner.buy(customer, **line)["subscriptionId"]
    path = f"/v1/customers/{customer.id}/subscriptions/{item}"
    return path, partner.get(path).json()


def test_a_scheduled_action_counts_in_any_case(partner: Partner) -> None:
    """PascalCase is what the documents send; the answer has the documented spelling."""
    path, item = bought(partner)
    sent = [{"ScheduleType": "termEnd", "ActionType": "cancel"}]
    found = partner.call("PATCH", path, json=item | {"ScheduledActions": sent}).json()

    assert found["scheduledActions"] == [{"scheduleType": "TermEnd", "actionType": "Cancel"}]


def test_instructions_for_the_next_term_count_in_any_case(partner: Partner) -> None:
    """They are carried out when the term ends, and shown with the documented names."""
    path, item = bought(partner, termDuration="P1M")
    product = {"TermDuration": "P1Y", "BillingCycle": "Annual"}
    sent = {"ScheduledNextTermInstructions": {"Product": product, "Quantity": 2}}
    found = partner.call("PATCH", path, json=item | sent).json()
    partner.wait(days=40)
    later = partner.get(path).json()

    shown = {"quantity": 2, "product": {"termDuration": "P1Y", "billingCycle": "Annual"}}
    assert shown == found["scheduledNextTermInstructions"]
    assert tuple(later[name] for name in ("quantity", "termDuration", "billingCycle")) == (
        2,
        "P1Y",
        "annual",
    )


def test_a_reseller_of_record_counts_in_any_case(partner: Partner) -> None:
    """In a cart's `Participants`, and as `PartnerIdOnRecord` of a direct order."""
    customer = partner.related()
    relations.sign(partner.world, customer.id)
    named = [{"Key": "transaction_reseller", "Value": "5357564"}]
    cart = partner.cart(customer, participants=named).json()
    order = partner.check_out(customer, cart["id"]).json()["orders"][0]
    line = {
        "LineItemNumber": 0,
        "OfferId": partner.availability(customer, BASIC),
        "Quantity": 1,
        "TermDuration": "P1Y",
        "PartnerIdOnRecord": "5357564",
    }
    body = {"BillingCycle": "monthly", "LineItems": [line]}
    direct = partner.post(f"/v1/customers/{customer.id}/orders", json=body).json()

    shown = [{"key": "transaction_reseller", "value": "5357564"}]
    assert shown == cart["lineItems"][0]["participants"]
    assert [found["lineItems"][0]["partnerIdOnRecord"] for found in (order, direct)] == [
        "5357564"
    ] * 2


def test_a_template_counts_in_any_case(partner: Partner) -> None:
    """GUIDs come in either case; both agreements have a document."""
    customer = partner.related()
    body = {
        "PrimaryContact": {"FirstName": "A", "LastName": "B", "Email": "a@b.example"},
        "TemplateId": relations.TEMPLATE.upper(),
        "DateAgreed": "2026-11-20",
        "Type": "microsoftcustomeragreement",
    }
    answer = partner.post(f"/v1/customers/{customer.id}/agreements", json=body)
    templates = [
        partner.get(f"/v1/agreements?agreementType={kind}").json()["items"][0]["templateId"]
        for kind in ("MicrosoftCustomerAgreement", "microsoftcloudagreement")
    ]
    texts = [partner.get(f"/v1/agreementtemplates/{one}/document") for one in templates]

    assert answer.status_code == 201
    assert [text.status_code for text in texts] == [200, 200]


def test_seats_that_can_be_taken_away_are_shown(partner: Partner) -> None:
    """In the window of the purchase the first seats too; afterwards only those of an addition."""
    path, item = bought(partner, quantity=5)
    partner.wait(days=3)
    more = partner.call("PATCH", path, json=partner.get(path).json() | {"quantity": 7}).json()
    less = partner.call("PATCH", path, json=more | {"quantity": 6}).json()
    partner.wait(days=5)
    later = partner.get(path).json()

    first, until = item["refundableQuantity"], item["cancellationAllowedUntilDate"]
    assert (5, until[:19]) == (
        first["totalQuantity"],
        first["details"][0]["allowedUntilDateTime"][:19],
    )
    assert [one["quantity"] for one in more["refundableQuantity"]["details"]] == [5, 2]
    assert [one["quantity"] for one in less["refundableQuantity"]["details"]] == [5, 1]
    assert later["refundableQuantity"]["totalQuantity"] == 1
    too_few = partner.call("PATCH", path, json=later | {"quantity": 4})
    assert (too_few.status_code, too_few.json()["code"]) == (400, 900257)


def test_a_term_that_is_not_sold_is_refused(partner: Partner) -> None:
    """Three years of a product sold by the year: 400/800121, as for a term that is none."""
    path, item = bought(partner)
    sold = {
        term
        for term, _ in partner.world.subscriptions[path.split("/")[3]][item["id"]].product.terms
    }
    wanted = next(term for term in ("P3Y", "P9Y") if term not in sold)
    answer = partner.call("PATCH", path, json=item | {"termDuration": wanted})

    assert (answer.status_code, answer.json()["code"]) == (400, 800121)
