"""Pages and bodies bent by faults: links that lead nowhere, items twice, names in capitals."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.rehearsal.conftest import Partner

LIST = "/v1/customers?size=3"


def ids(page: Any) -> list[str]:
    return [item["id"] for item in page["items"]]


def both(partner: Partner, kind: str, **more: Any) -> tuple[Any, Any]:
    """The first page of customers as it is, and with a fault."""
    right = partner.get(LIST).json()
    partner.fault(kind, route="/v1/customers", **more)
    return right, partner.get(LIST).json()


def test_a_next_page_can_be_elsewhere(partner: Partner) -> None:
    """The link leaves the service; a token must not follow it."""
    _, bent = both(partner, "foreign")

    assert bent["links"]["next"]["uri"].startswith("https://api.elsewhere.example/customers")


def test_a_next_page_can_be_this_one(partner: Partner) -> None:
    """The link leads back to where the caller stands."""
    _, bent = both(partner, "loop")

    assert bent["links"]["next"]["uri"] == "/customers?size=3"


def test_a_next_page_can_lose_its_link(partner: Partner) -> None:
    """The token is there, and the link is not."""
    right, bent = both(partner, "no_next")

    assert ("next" in right["links"], "next" in bent["links"]) == (True, False)
    assert bent["continuationToken"]


def test_an_item_can_come_twice(partner: Partner) -> None:
    """The first item is the last one again."""
    right, bent = both(partner, "repeat")

    assert [*ids(right), ids(right)[0]] == ids(bent)


def test_an_item_can_move_away_between_pages(partner: Partner) -> None:
    """The last item is on neither page."""
    right, bent = both(partner, "moved")

    assert ids(right)[:-1] == ids(bent)
    assert right["links"]["next"] == bent["links"]["next"]


def test_a_page_can_be_empty_and_not_the_last(partner: Partner) -> None:
    """No item, and a link to more."""
    right, bent = both(partner, "empty")

    assert ([], right["links"]["next"]["uri"]) == (bent["items"], bent["links"]["next"]["uri"])


def test_graph_has_its_own_link(partner: Partner) -> None:
    """The same faults bend @odata.nextLink."""
    path = "/graph/v1.0/users?$top=1"
    partner.fault("foreign", route="/graph/v1.0/users")
    found = partner.get(path, tenant=partner.accessible().id).json()

    assert found["@odata.nextLink"].startswith("https://api.elsewhere.example/graph/v1.0/users?")


def test_a_newer_service_says_more(partner: Partner) -> None:
    """A field more and a status nobody knows, in every object."""
    customer = partner.related()
    partner.buy(customer)
    partner.fault("strange", route="*/subscriptions")
    found = partner.get(f"/v1/customers/{customer.id}/subscriptions").json()

    assert found["items"][0]["status"] == "somethingNew"
    assert "addedLastWeek" in found["items"][0]["links"]


def test_an_answer_can_be_in_capitals(partner: Partner) -> None:
    """Some answers of the service write their names so."""
    right, bent = both(partner, "pascal")

    assert ids(right) == [item["Id"] for item in bent["Items"]]


def test_an_answer_can_be_no_json(partner: Partner) -> None:
    """It says that it is, and breaks off."""
    partner.fault("broken", route="/v1/customers")
    with pytest.raises(requests.JSONDecodeError):
        partner.get(LIST).json()


def test_an_answer_can_name_another_type(partner: Partner) -> None:
    """The body is right, its content type is not."""
    partner.fault("type", route="/v1/customers")

    assert partner.get(LIST).headers["Content-Type"] == "text/plain"


def test_somebody_else_can_be_faster(partner: Partner) -> None:
    """Between reading and changing another hand adds a seat: the etag is stale."""
    item = next(
        item
        for tenant in partner.world.subscriptions.values()
        for item in tenant.values()
        if item.channel == "csp_legacy" and item.status == "active"
    )
    path = f"/v1/customers/{item.customer_id}/subscriptions/{item.id}"
    read, seats = partner.get(path).json(), item.seats
    partner.fault("changed", method="PATCH")
    answer = partner.call("PATCH", path, json={**read, "friendlyName": "X"})

    assert (400, 2055, seats + 1) == (answer.status_code, answer.json()["code"], item.seats)


def test_an_availability_can_go_between_plan_and_purchase(partner: Partner) -> None:
    """The ids change a moment before the checkout."""
    customer = partner.related()
    cart = partner.cart(customer).json()["id"]
    partner.fault("rotated", route="*/checkout")

    assert partner.check_out(customer, cart).json()["code"] == 400019


def test_silence_can_have_no_effect(partner: Partner) -> None:
    """A call that hangs has done nothing when the connection ends."""
    customer = partner.related()
    cart = partner.cart(customer).json()["id"]
    partner.fault("hang", route="*/checkout", seconds=0.05)
    with pytest.raises(requests.ConnectionError):
        partner.check_out(customer, cart)

    assert partner.control("books")["orders"] == []


@pytest.mark.parametrize("scheme", ["https"])
def test_a_wrong_scheme_fails_before_anything_is_sent(partner: Partner, scheme: str) -> None:
    """The rehearsal speaks no TLS: a client that insists on it never gets through."""
    url = partner.server.url.replace("http", scheme, 1)
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{url}/v1/customers", timeout=5)

    assert partner.control("books")["calls"] == {}


def test_a_closed_rehearsal_refuses_connections(partner: Partner) -> None:
    """Without a server nothing was sent either."""
    partner.server.close()
    with pytest.raises(requests.ConnectionError):
        partner.get(LIST)


def test_every_fault_is_in_the_log(partner: Partner) -> None:
    """What was done to whom can be read afterwards."""
    both(partner, "repeat")

    assert [
        (entry["kind"], entry["method"], entry["path"])
        for entry in partner.control("faults")["log"]
    ] == [("repeat", "GET", "/v1/customers")]
