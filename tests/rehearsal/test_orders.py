"""Catalogue, carts, checkout and orders: what protects from buying twice, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from cspkit.rehearsal.records import Customer
from tests.rehearsal.conftest import BASIC, Partner


def test_an_availability_holds_all_its_terms(partner: Partner) -> None:
    """The catalogue names one cycle for each term, while the SKU lists all that are allowed."""
    customer = partner.related()
    path = f"/v1/customers/{customer.id}/products/{BASIC}"
    found = partner.get(f"{path}/availabilities").json()["items"]

    assert [(term["duration"], term["billingCycle"]) for term in found[0]["terms"]] == [
        ("P1M", "Monthly"),
        ("P1Y", "Annual"),
    ]
    assert partner.get(path).json()["supportedBillingCycles"] == ["monthly", "annual"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("CFQ7TTC0XXXX/skus/0001/availabilities", 404, 400013),
        ("CFQ7TTC0LH18/skus/0009/availabilities", 404, 400018),
        ("CFQ7TTC0LH18/skus/0001/availabilities/CFQ7TTC0XXXX", 404, 400019),
    ],
)
def test_what_is_not_on_sale_is_not_found(
    partner: Partner, path: str, status: int, code: int
) -> None:
    """Product, SKU and availability have a code each."""
    answer = partner.get(f"/v1/customers/{partner.related().id}/products/{path}")

    assert (status, code) == (answer.status_code, answer.json()["code"])


def test_the_catalogue_of_a_country_needs_the_country(partner: Partner) -> None:
    """Without a customer the call names a country, a view and a segment that exist."""
    asked = ["targetView=OnlineServices", "country=ES", "country=ES&targetView=OnlineServices"]
    answers = [partner.get(f"/v1/products?{query}") for query in asked]

    assert [answer.status_code for answer in answers] == [400, 403, 200]
    assert "CFQ7TTC0LH18" in [item["id"] for item in answers[2].json()["items"]]


def test_an_order_is_seen_late(partner: Partner) -> None:
    """Right after checkout an order is neither listed nor found; the books have it at once."""
    customer = partner.related()
    partner.control("options", {"order_listed": [10, 15], "order_completed": [12, 15]})
    cart = partner.cart(customer).json()
    order = partner.check_out(customer, cart["id"]).json()["orders"][0]
    path = f"/v1/customers/{customer.id}/orders"
    hidden = partner.get(f"{path}/{order['id']}")

    assert (hidden.status_code, hidden.json()["code"]) == (404, 20000)
    assert partner.get(path).json()["totalCount"] == 0
    assert "subscriptionId" not in order["lineItems"][0]
    assert [order["id"]] == [entry["order_id"] for entry in partner.control("books")["orders"]]
    partner.wait(minutes=20)
    seen = partner.get(f"{path}/{order['id']}").json()
    assert (seen["status"], partner.get(path).json()["totalCount"]) == ("completed", 1)
    assert seen["lineItems"][0]["subscriptionId"]


def test_an_order_becomes_seats(partner: Partner) -> None:
    """Order, subscription, provisioning status and the order's lines end up agreeing."""
    customer = partner.related()
    line = partner.buy(customer, seats=7, friendlyName="M365 BB [k7f3q]")
    path = f"/v1/customers/{customer.id}"
    listed = partner.get(f"{path}/subscriptions?order_id={line['order_id']}").json()["items"]
    status = partner.get(f"{path}/subscriptions/{listed[0]['id']}/provisioningstatus").json()
    order = partner.get(f"{path}/orders/{line['order_id']}/provisioningstatus").json()

    assert [line["subscriptionId"]] == [item["id"] for item in listed]
    assert (
        listed[0]["status"],
        listed[0]["quantity"],
        listed[0]["friendlyName"],
    ) == ("active", 7, "M365 BB [k7f3q]")
    assert (status["status"], status["quantity"]) == ("success", 7)
    assert [item["status"] for item in order["items"]] == ["fulfilled"]


def test_a_second_checkout_repeats_the_first_answer(partner: Partner) -> None:
    """One cart is one order, however often it is checked out."""
    customer = partner.related()
    cart = partner.cart(customer).json()
    first = partner.check_out(customer, cart["id"])
    partner.wait(minutes=30)
    second = partner.check_out(customer, cart["id"])

    assert (201, first.json()) == (second.status_code, second.json())
    assert len(partner.control("books")["orders"]) == 1


def test_a_second_checkout_can_be_refused(partner: Partner) -> None:
    """The other documented behaviour: 400/800065, and the cart says Ordered."""
    partner.control("options", {"second_checkout": "800065"})
    customer = partner.related()
    cart = partner.cart(customer).json()
    partner.check_out(customer, cart["id"])
    second = partner.check_out(customer, cart["id"])

    assert (second.status_code, second.json()["code"]) == (400, 800065)
    path = f"/v1/customers/{customer.id}/carts/{cart['id']}"
    assert partner.get(path).json()["status"] == "Ordered"


def test_two_carts_are_two_orders(partner: Partner) -> None:
    """Nothing but the cart protects from a second order."""
    customer = partner.related()
    for _ in range(2):
        partner.check_out(customer, partner.cart(customer).json()["id"])

    assert len(partner.control("books")["orders"]) == 2


def test_an_order_without_cart_happens_each_time(partner: Partner) -> None:
    """A direct order sent twice is two orders, unless the request id is the same."""
    customer = partner.related()
    line = {"lineItemNumber": 0, "offerId": partner.availability(customer), "quantity": 1}
    body = {"billingCycle": "monthly", "lineItems": [{**line, "termDuration": "P1Y"}]}
    path = f"/v1/customers/{customer.id}/orders"
    headers = {"MS-RequestId": "11111111-2222-4333-8444-555555555555"}
    partner.post(path, json=body)
    partner.post(path, json=body, headers=headers)
    partner.post(path, json=body, headers=headers)

    assert len(partner.control("books")["orders"]) == 2


def test_the_same_request_id_gets_the_same_answer(partner: Partner) -> None:
    """A repeated write with its request id is answered from memory for a day."""
    customer = partner.related()
    headers = {"MS-RequestId": "11111111-2222-4333-8444-555555555555"}
    item = {"id": 0, "catalogItemId": partner.availability(customer), "quantity": 1}
    body = {"lineItems": [{**item, "billingCycle": "monthly", "termDuration": "P1Y"}]}
    path = f"/v1/customers/{customer.id}/carts"
    first, second = (partner.post(path, json=body, headers=headers) for _ in range(2))
    partner.wait(hours=25)
    third = partner.post(path, json=body, headers=headers)

    assert first.json()["id"] == second.json()["id"] != third.json()["id"]


def test_nothing_is_sold_without_agreement(partner: Partner) -> None:
    """Checkout says 403/13605 until the customer signed or the partner attested."""
    customer = partner.stranger()
    customer.related_at = partner.world.now
    cart = partner.cart(customer).json()
    before = partner.check_out(customer, cart["id"])
    partner.control("accept", {"customer_id": customer.id})
    customer.direct_signed_at = partner.world.now
    after = partner.check_out(customer, cart["id"])

    assert (before.status_code, before.json()["code"]) == (403, 13605)
    assert after.status_code == 201


def test_an_availability_grows_stale_in_the_cart(partner: Partner) -> None:
    """Ids are replaced; the old one is refused at checkout, and a new cart works."""
    customer = partner.related()
    cart = partner.cart(customer).json()
    stale = cart["lineItems"][0]["catalogItemId"]
    partner.control("rotate", {})
    answers = [partner.check_out(customer, cart["id"]), partner.cart(customer, catalogItemId=stale)]

    assert [(a.status_code, a.json()["code"]) for a in answers] == [(404, 400019)] * 2
    assert partner.control("books")["orders"] == []
    assert partner.check_out(customer, partner.cart(customer).json()["id"]).status_code == 201


def test_a_cart_lives_a_week(partner: Partner) -> None:
    """After seven days a cart can be neither read nor bought."""
    customer = partner.related()
    cart = partner.cart(customer).json()
    path = f"/v1/customers/{customer.id}/carts/{cart['id']}"
    partner.wait(days=7)

    assert [
        partner.get(path).json()["code"],
        partner.check_out(customer, cart["id"]).json()["code"],
    ] == [800008] * 2


def test_a_cart_belongs_to_its_customer(partner: Partner) -> None:
    """Another customer's cart is not found."""
    cart = partner.cart(partner.related()).json()
    answer = partner.check_out(partner.accessible(), cart["id"])

    assert (answer.status_code, answer.json()["code"]) == (404, 800008)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ({"catalogItemId": "CFQ7TTC0LH18:0001:CFQ7TTC0XXXX"}, "10001"),
        ({"catalogItemId": "nothing"}, "10001"),
        ({"termDuration": "P3Y"}, "10013"),
        ({"billingCycle": "triennial"}, "10013"),
        ({"quantity": 301}, "10015"),
        ({"quantity": 0}, "10015"),
    ],
)
def test_a_line_says_its_error_inside_the_cart(
    partner: Partner, line: dict[str, Any], code: str
) -> None:
    """The cart is made with 201 all the same, but it cannot be bought."""
    customer = partner.related()
    answer = partner.cart(customer, **line)
    bought = partner.check_out(customer, answer.json()["id"])

    assert answer.status_code == 201
    assert code == answer.json()["lineItems"][0]["error"]["errorCode"]
    assert (bought.status_code, bought.json()["code"]) == (400, 800009)


def test_a_cart_can_be_changed_until_it_is_bought(partner: Partner) -> None:
    """PUT replaces the lines with 201; names are read in any case."""
    customer = partner.related()
    cart = partner.cart(customer).json()
    path = f"/v1/customers/{customer.id}/carts/{cart['id']}"
    line = {"Id": 3, "CatalogItemId": cart["lineItems"][0]["catalogItemId"], "Quantity": 9}
    body = {"LineItems": [{**line, "BillingCycle": "Annual", "TermDuration": "P1Y"}]}
    changed = partner.call("PUT", path, json=body)
    partner.check_out(customer, cart["id"])
    too_late = partner.call("PUT", path, json=body)

    assert (changed.status_code, changed.json()["lineItems"][0]["quantity"]) == (201, 9)
    assert too_late.status_code == 400
    assert [e["billing_cycle"] for e in partner.control("books")["orders"]] == ["annual"]


def test_cycles_become_orders_of_their_own(partner: Partner) -> None:
    """Lines with different billing cycles split into several orders."""
    customer = partner.related()
    item = {"catalogItemId": partner.availability(customer), "quantity": 1, "termDuration": "P1Y"}
    lines = [
        {**item, "id": 0, "billingCycle": "monthly"},
        {**item, "id": 1, "billingCycle": "annual"},
    ]
    cart = partner.post(f"/v1/customers/{customer.id}/carts", json={"lineItems": lines}).json()
    bought = partner.check_out(customer, cart["id"]).json()

    assert [line["orderGroup"] for line in cart["lineItems"]] == ["0", "1"]
    assert [order["billingCycle"] for order in bought["orders"]] == ["monthly", "annual"]


def two_groups(partner: Partner, customer: Customer) -> Any:
    """A cart with a monthly and an annual line, which become two orders."""
    other = partner.availability(customer, "CFQ7TTC0LDPB/skus/0001")
    line = {"quantity": 3, "termDuration": "P1Y"}
    lines = [
        {"id": 0, "catalogItemId": partner.availability(customer), "billingCycle": "monthly"},
        {"id": 1, "catalogItemId": other, "billingCycle": "annual"},
    ]
    body = {"lineItems": [line | one for one in lines]}
    return partner.post(f"/v1/customers/{customer.id}/carts", json=body).json()


def test_a_cart_can_be_bought_in_part(partner: Partner) -> None:
    """One group is ordered, the other one says why not, and the answer is a 201."""
    customer = partner.related()
    cart = two_groups(partner, customer)
    partner.control("options", {"sold_out": "CFQ7TTC0LDPB:0001"})
    answers = [partner.check_out(customer, cart["id"]) for _ in range(2)]
    found = answers[0].json()

    assert [answer.status_code for answer in answers] == [201, 201]
    assert (
        len(found["orders"]),
        [one["orderGroupId"] for one in found["orderErrors"]],
    ) == (1, ["1"])
    assert (800010, found) == (found["orderErrors"][0]["code"], answers[1].json())
    assert len(partner.control("books")["orders"]) == 1


def test_nothing_to_order_is_a_refusal(partner: Partner) -> None:
    """When no group can be bought the cart stays as it was."""
    customer = partner.related()
    cart = two_groups(partner, customer)
    partner.control("options", {"sold_out": "CFQ7TTC0LDPB:0001 CFQ7TTC0LH18:0001"})
    answer = partner.check_out(customer, cart["id"])
    kept = partner.get(f"/v1/customers/{customer.id}/carts/{cart['id']}").json()

    assert (answer.status_code, answer.json()["code"], kept["status"]) == (400, 800010, "Active")


def test_a_full_tenant_cannot_buy(partner: Partner) -> None:
    """Subscriptions of every seller count towards the limit of a tenant."""
    customer = partner.related()
    held = len(partner.world.subscriptions[customer.id])
    partner.control("options", {"most_subscriptions": held})
    answer = partner.check_out(customer, partner.cart(customer).json()["id"])

    assert (answer.status_code, answer.json()["code"]) == (400, 900419)


def test_an_add_on_knows_its_parent(partner: Partner) -> None:
    """Add-on items become lines of the same order, below the line they came with."""
    customer = partner.related()
    addon = {
        "id": 1,
        "catalogItemId": partner.availability(customer, "CFQ7TTC0LH0T/skus/0001"),
        "quantity": 2,
        "billingCycle": "monthly",
        "termDuration": "P1Y",
    }
    line = partner.buy(customer, addonItems=[addon])
    path = f"/v1/customers/{customer.id}/subscriptions/{line['subscriptionId']}/addons"
    listed = partner.get(path).json()["items"]

    assert [(line["subscriptionId"], 2)] == [
        (item["parentSubscriptionId"], item["quantity"]) for item in listed
    ]


def test_a_legacy_offer_is_not_sold_any_more(partner: Partner) -> None:
    """The line of the cart says so."""
    cart = partner.cart(partner.related(), catalogItemId="BD938F12-058F-4927-BBA3-AE36B1D2501C")

    assert cart.json()["lineItems"][0]["error"]["errorCode"] == "500600"


def test_a_price_is_shown_when_asked_for(partner: Partner) -> None:
    """include_price adds the total of the order."""
    customer = partner.related()
    order = partner.buy(customer, seats=10)["order_id"]
    path = f"/v1/customers/{customer.id}/orders/{order}"

    assert "totalPrice" not in partner.get(path).json()
    assert partner.get(f"{path}?include_price=true").json()["totalPrice"] == 56.0


def test_a_reseller_is_named_in_the_order(partner: Partner) -> None:
    """The participant of the cart's line is the partner on record of the order's line."""
    customer = partner.related()
    participants = [{"key": "transaction_reseller", "value": "5357564"}]
    line = partner.buy(customer, participants=participants)
    path = f"/v1/customers/{customer.id}/subscriptions"

    assert line["partnerIdOnRecord"] == "5357564"
    assert partner.get(f"{path}?mpn_id=5357564").json()["totalCount"] == 1


def test_the_cycle_of_a_legacy_order_can_change(partner: Partner) -> None:
    """A PATCH of the order changes what a PATCH of the subscription may not."""
    item = next(
        item
        for tenant in partner.world.subscriptions.values()
        for item in tenant.values()
        if item.channel == "csp_legacy"
    )
    path = f"/v1/customers/{item.customer_id}/orders/{item.order_id}"
    other = "Annual" if item.cycle == "monthly" else "Monthly"
    answer = partner.call("PATCH", path, json={**partner.get(path).json(), "billingCycle": other})

    assert (200, other.lower()) == (answer.status_code, item.cycle)
