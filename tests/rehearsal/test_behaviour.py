"""What a rehearsal must do to be worth anything: eleven rules, one test each, by number."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import requests

from cspkit.rehearsal import endings, people, seats
from cspkit.rehearsal.records import Customer, Subscription
from tests.rehearsal.conftest import BASIC_SKU, Partner


def code(answer: requests.Response) -> tuple[int, int]:
    return answer.status_code, answer.json()["code"]


def ours(partner: Partner, channel: str) -> tuple[Subscription, str]:
    """An active subscription that we sold, and its path."""
    item = next(
        item
        for tenant in partner.world.subscriptions.values()
        for item in tenant.values()
        if item.channel == channel and item.status == "active" and not item.parent_id
    )
    return item, f"/v1/customers/{item.customer_id}/subscriptions/{item.id}"


def bought(partner: Partner, customer: Customer) -> str:
    line = partner.buy(customer, seats=10)
    return f"/v1/customers/{customer.id}/subscriptions/{line['subscriptionId']}"


def test_01_callers_are_known_and_apps_alone_are_kept_out(partner: Partner) -> None:
    """401 with a challenge without a good token, 403/900329 where a user is needed."""
    url = f"{partner.server.url}/v1/customers"
    bare = requests.get(url, timeout=5)
    wrong = requests.get(url, headers={"Authorization": "Bearer x"}, timeout=5)
    alone = partner.get("/v1/customers/relationshiprequests", kind="app")

    assert [code(bare), code(wrong)] == [(401, 800001), (401, 400)]
    assert all("OAuth realm=" in one.headers["WWW-Authenticate"] for one in (bare, wrong))
    assert code(alone) == (403, 900329)


def test_02_ids_come_back_and_repeat_the_answer(partner: Partner) -> None:
    """MS-RequestId and MS-CorrelationId are echoed or made; a known request id is not run again."""
    sent = {"MS-RequestId": "0a0a0a0a-0000-4000-8000-000000000001", "MS-CorrelationId": "c"}
    echoed = partner.get("/v1/customers", headers=sent).headers
    made = partner.get("/v1/customers").headers
    path = f"/v1/customers/{partner.related().id}/carts"
    item = partner.availability(partner.related())
    line = {"id": 0, "catalogItemId": item, "quantity": 1, "billingCycle": "monthly"}
    body = {"lineItems": [line | {"termDuration": "P1Y"}]}
    carts = [partner.post(path, json=body, headers=sent).json()["id"] for _ in range(2)]

    assert sent == {name: echoed[name] for name in sent}
    assert made["MS-RequestId"] and made["MS-CorrelationId"]
    assert carts[0] == carts[1]


def test_03_pages_are_followed_by_header(partner: Partner) -> None:
    """Customers, users and audit records: the token goes with seekOperation=Next, or not at all."""
    one = partner.accessible()
    for _ in range(2):
        partner.buy(partner.related())
    audit = "/v1/auditrecords?startDate=2026-11-01&"
    for path in ("/v1/customers?", f"/v1/customers/{one.id}/users?", audit):
        page = partner.get(f"{path}size=1").json()
        headers = {"MS-ContinuationToken": page["continuationToken"]}
        following = partner.get(f"{path}size=1&seekOperation=Next", headers=headers)

        assert page["items"] != following.json()["items"]
        assert code(partner.get(f"{path}size=1", headers=headers)) == (400, 2000)


def test_04_a_customer_appears_when_it_accepts(partner: Partner) -> None:
    """One link for everybody, and nothing but the list of customers tells who followed it."""
    stranger = partner.stranger()
    links = {partner.get("/v1/customers/relationshiprequests").json()["url"] for _ in range(3)}
    before = partner.get("/v1/customers?size=500").json()["items"]
    partner.control("accept", {"customer_id": stranger.id})
    after = partner.get("/v1/customers?size=500").json()["items"]

    assert (1, {stranger.id}) == (
        len(links),
        {item["id"] for item in after} - {item["id"] for item in before},
    )


def test_05_nothing_is_bought_before_the_agreement(partner: Partner) -> None:
    """403/13605 until it is signed directly, or attested."""
    customer = partner.related()
    customer.direct_signed_at, customer.attestations = None, []
    cart = partner.cart(customer).json()["id"]
    refused = partner.check_out(customer, cart)
    body = {
        "primaryContact": {"firstName": "A", "lastName": "R", "email": "it@customer.example"},
        "templateId": "117a77b0-9360-443b-8795-c6dedc750cf9",
        "dateAgreed": "2026-11-20T00:00:00Z",
        "type": "MicrosoftCustomerAgreement",
    }
    partner.post(f"/v1/customers/{customer.id}/agreements", json=body)

    assert code(refused) == (403, 13605)
    assert partner.check_out(customer, cart).status_code == 201


def test_06_an_availability_grows_old(partner: Partner) -> None:
    """Ids are replaced, by a switch or by time; the old one is 404/400019 at the checkout."""
    customer = partner.related()
    carts = [partner.cart(customer).json()["id"]]
    partner.control("rotate", {})
    first = partner.check_out(customer, carts[0])
    other = partner.cart(customer).json()["id"]
    partner.control("options", {"availability_days": 3})

    assert code(first) == (404, 400019)
    assert code(partner.check_out(customer, other)) == (404, 400019)


def test_07_an_order_shows_itself_step_by_step(partner: Partner) -> None:
    """Hidden, pending without subscription, completed; then the seats are provisioned."""
    partner.control("options", {"order_listed": [5, 5], "order_completed": [10, 10]})
    partner.control("options", {"seats_usable": [5, 5]})
    customer = partner.related()
    cart = partner.cart(customer).json()["id"]
    order = partner.check_out(customer, cart).json()["orders"][0]
    path = f"/v1/customers/{customer.id}/orders/{order['id']}"
    seen: list[Any] = []
    for minutes in (0, 6, 5, 5):
        partner.wait(minutes=minutes)
        answer = partner.get(path).json()
        status = partner.get(f"{path}/provisioningstatus").json()
        line = answer.get("lineItems", [{}])[0]
        state = [item["status"] for item in status.get("items", [])]
        seen.append((answer.get("status"), "subscriptionId" in line, state))

    assert seen == [
        (None, False, []),
        ("pending", False, ["pending"]),
        ("completed", True, ["pending"]),
        ("completed", True, ["fulfilled"]),
    ]


def test_08_errors_look_as_they_do_there(partner: Partner) -> None:
    """Numbers as codes, escaped text in 60012, another body for 429, parts of seconds in Graph."""
    one = partner.accessible()
    user = next(u for u in people.users(partner.world, one).values() if u.usage_location)
    used = sorted(pool.product.sku_id for pool in seats.pools(partner.world, one.id))
    sku_id = next(sku for sku in used if sku not in user.licences)
    partner.world.consumed[one.id, sku_id] += 100_000
    path = f"/v1/customers/{one.id}/users/{user.id}/licenseupdates"
    full = partner.post(path, json={"licensesToAssign": [{"skuId": sku_id}]})
    partner.fault("throttle", route="/v1/*")
    gateway = partner.get("/v1/customers")
    partner.fault("throttle", route="/graph/*", retry_after="2.128")
    graph = partner.get("/graph/v1.0/users", tenant=one.id)

    assert code(full) == (400, 60012) and "&#39;" in full.json()["description"]
    assert {"statusCode", "message"} == gateway.json().keys()
    assert graph.headers["Retry-After"] == "2.128"


def test_09_a_change_is_the_whole_resource(partner: Partner) -> None:
    """Left out is reset; a stale etag is 400/2055; new commerce has no etag; 202 may answer."""
    item, path = ours(partner, "csp_legacy")
    before = partner.get(path).json()
    partner.call("PATCH", path, json={**before, "friendlyName": "X"})
    stale = partner.call("PATCH", path, json={**before, "friendlyName": "Y"})
    _, other = ours(partner, "csp_nce")
    partner.call("PATCH", other, json={**partner.get(other).json(), "autoRenewEnabled": True})
    partner.call("PATCH", other, json={"friendlyName": "X"})
    partner.fault("accepted", method="PATCH")
    accepted = partner.call("PATCH", other, json=partner.get(other).json())

    assert code(stale) == (400, 2055)
    assert "etag" not in partner.get(other).json()["attributes"]
    assert partner.get(other).json()["autoRenewEnabled"] is False
    assert (202, other.removeprefix("/v1")) == (accepted.status_code, accepted.headers["Location"])
    assert item.friendly_name == "X"


def test_10_time_does_what_the_documents_say(partner: Partner) -> None:
    """Seven days to the second, renewal at midnight UTC, seats pooled by product."""
    customer = partner.related()
    pool = partner.world.consumed[customer.id, BASIC_SKU]
    before = seats.usable(partner.world, customer.id, BASIC_SKU)
    path = bought(partner, customer)
    resource = partner.get(path).json()
    until = datetime.fromisoformat(resource["cancellationAllowedUntilDate"])
    partner.server.set_clock(until.replace(microsecond=0) - timedelta(seconds=1))
    cancelled = {**resource, "status": "deleted"}
    item = partner.world.subscriptions[customer.id][resource["id"]]
    assert before + 10 == seats.usable(partner.world, customer.id, BASIC_SKU)
    assert pool == partner.world.consumed[customer.id, BASIC_SKU]

    partner.server.set_clock(until + timedelta(seconds=1))
    assert code(partner.call("PATCH", path, json=cancelled)) == (400, 900117)
    midnight = endings.day_after(item.ends_on)
    partner.server.set_clock(midnight - timedelta(seconds=1))
    assert len([r for r in partner.world.books.renewals if r["subscription_id"] == item.id]) == 0
    partner.server.set_clock(midnight)
    renewed = partner.get(path).json()
    window = datetime.fromisoformat(renewed["cancellationAllowedUntilDate"]) - midnight
    assert timedelta(days=7) == window
    assert partner.call("PATCH", path, json={**renewed, "status": "deleted"}).status_code == 200


def test_11_names_count_in_any_case_and_links_come_in_two_forms(partner: Partner) -> None:
    """PascalCase requests are understood; a link may begin with the version or not."""
    customer = partner.related()
    line = {"Id": 0, "CatalogItemId": partner.availability(customer), "Quantity": 1}
    body = {"LineItems": [line | {"BillingCycle": "monthly", "TermDuration": "P1Y"}]}
    made = partner.post(f"/v1/customers/{customer.id}/carts", json=body)
    forms = set()
    for how in ("short", "long"):
        partner.control("options", {"links": how})
        listed = partner.get("/v1/customers?size=1").json()
        forms |= {listed["links"][name]["uri"].split("?")[0] for name in ("self", "next")}

    assert (201, {"/customers", "/v1/customers"}) == (made.status_code, forms)
