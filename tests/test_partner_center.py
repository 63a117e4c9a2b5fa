"""Partner Center: what its answers mean, in every shape it is known to give them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pytest

from cspkit import partner_center
from cspkit.errors import ApiRefused, ApiUnavailable
from cspkit.partner_center import PartnerCenter
from cspkit.wire import FixedTokens, Wire
from tests.canned import Canned, Reply

PARTNER = "00000000-0000-4000-8000-000000000001"
CUSTOMER = "11111111-0000-4000-8000-000000000001"
HERE = f"/v1/customers/{CUSTOMER}"
Dial = Callable[..., tuple[PartnerCenter, Canned]]


@pytest.fixture
def dial() -> Iterator[Dial]:
    """A Partner Center that answers from a list."""
    wires: list[Wire] = []

    def make(replies: dict[str, Any]) -> tuple[PartnerCenter, Canned]:
        adapter = Canned({**replies})
        wires.append(Wire("https://api.example", tokens=FixedTokens(), adapter=adapter))
        return PartnerCenter(wires[-1], PARTNER), adapter

    yield make
    for wire in wires:
        wire.close()


def listed(*ids: str, **more: Any) -> dict[str, Any]:
    """A page of customers."""
    items = [
        {
            "id": one,
            "companyProfile": {"companyName": f"Name {one}", "domain": f"{one}.example"},
            "relationshipToPartner": "reseller",
        }
        for one in ids
    ]
    return {"totalCount": len(items), "items": items, **more}


def following(uri: str, token: str) -> dict[str, Any]:
    """The links of a page that has another after it."""
    header = {"key": "MS-ContinuationToken", "value": token}
    return {"next": {"uri": uri, "method": "GET", "headers": [header]}}


def order_of(**more: Any) -> dict[str, Any]:
    """An order in the documented shape."""
    line = {
        "lineItemNumber": 0,
        "offerId": "CFQ7TTC0LH18:0001:CFQ7TTC0K971",
        "subscriptionId": "DB8C695B-1C3C-4C55-B697-771503DD46BF",
        "termDuration": "P1Y",
        "quantity": 5,
        "friendlyName": "Business Basic [abc123]",
    }
    return {
        "id": "5cf72f146967",
        "billingCycle": "monthly",
        "lineItems": [line],
        "creationDate": "2026-11-24T09:00:00.3122226Z",
        "status": "pending",
        **more,
    }


def test_the_invitation_link_is_read_as_a_user(dial: Dial) -> None:
    """The call needs a signed-in user, and only a secure link goes into a letter."""
    service, adapter = dial(
        {"GET /v1/customers/relationshiprequests": [(200, {"url": "https://admin.example/x"})]}
    )

    assert service.relationship_link() == "https://admin.example/x"
    assert adapter.asked[0].headers["Authorization"] == f"Bearer rehearsal-user-{PARTNER}"


@pytest.mark.parametrize("url", ["", "http://x.example", "javascript:alert(1)", 7])
def test_a_strange_invitation_link_is_refused(dial: Dial, url: Any) -> None:
    """What is not an https address never reaches a customer."""
    service, _ = dial({"GET /v1/customers/relationshiprequests": [(200, {"url": url})]})

    with pytest.raises(ApiUnavailable, match="expected https"):
        service.relationship_link()


@pytest.mark.parametrize(
    "link",
    [
        following("/customers?size=500&seekOperation=Next", "t1"),
        following("/v1/customers?size=500&seekOperation=Next", "t1"),
        following("https://api.example/v1/customers?size=500&seekOperation=Next", "t1"),
    ],
)
def test_pages_are_followed_in_every_form_of_link(dial: Dial, link: dict[str, Any]) -> None:
    """With and without the version, relative and absolute; the token travels in the header."""
    pages: list[Reply] = [(200, listed("a", links=link)), (200, listed("b"))]
    service, adapter = dial({"GET /v1/customers": pages})

    assert [one.id for one in service.customers()] == ["a", "b"]
    assert adapter.asked[1].headers["MS-ContinuationToken"] == "t1"
    assert "seekOperation=Next" in str(adapter.asked[1].url)


def test_a_token_without_a_link_is_followed_too(dial: Dial) -> None:
    """The token in the body is enough."""
    pages: list[Reply] = [(200, listed("a", continuationToken="t1")), (200, listed("b"))]
    service, adapter = dial({"GET /v1/customers": pages})

    assert [one.id for one in service.customers()] == ["a", "b"]
    assert "seekOperation=Next" in str(adapter.asked[1].url)


def test_pages_that_go_round_are_an_error(dial: Dial) -> None:
    """A page that leads back to itself does not hang a run."""
    page: Reply = (200, listed("a", links=following("/customers?seekOperation=Next", "t1")))
    service, _ = dial({"GET /v1/customers": [page]})

    with pytest.raises(ApiUnavailable, match="round in a circle"):
        list(service.customers())


@pytest.mark.parametrize(
    ("audit", "items"), [(False, [{"id": "a"}]), (True, [{"operationType": "x"}]), (False, [])]
)
def test_pages_that_bring_nothing_new_are_an_error(
    dial: Dial, audit: bool, items: list[Any]
) -> None:
    """The same items again and again under new tokens end, with ids and without."""
    numbers = iter(range(1_000))

    def page(_: Any) -> Reply:
        return (200, {"items": items, "continuationToken": f"t{next(numbers)}"})

    service, adapter = dial({"GET /v1/customers": page, "GET /v1/auditrecords": page})

    read = partial(service.audit_records, date(2026, 11, 20)) if audit else service.customers
    with pytest.raises(ApiUnavailable, match="round in a circle"):
        read()
    assert len(adapter.asked) <= 20


def test_a_link_to_another_host_is_not_followed(dial: Dial) -> None:
    """The token of the partner stays with the service."""
    link = following("https://evil.example/v1/customers", "t1")
    service, adapter = dial({"GET /v1/customers": [(200, listed("a", links=link))]})

    with pytest.raises(ApiUnavailable, match="not one of the allowed"):
        list(service.customers())
    assert len(adapter.asked) == 1


def test_one_bad_item_never_loses_its_page(dial: Dial) -> None:
    """Unknown words, missing fields, another case: the others are read all the same."""
    page = listed("a")
    page["items"] += [None, "x", {"id": None}, {"Id": "B", "relationshipToPartner": "new_word"}]
    service, _ = dial({"GET /v1/customers": [(200, page)]})

    found = [(one.id, one.relationship) for one in service.customers()]

    assert found == [("a", "reseller"), ("b", "new_word")]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"isSigned": True}, True),
        ({"isSigned": "true"}, True),
        ({"isSigned": False}, False),
        ({}, False),
    ],
)
def test_only_a_clear_yes_is_a_signature(dial: Dial, body: Any, expected: bool) -> None:
    """A missing or other value never counts as signed."""
    path = f"GET {HERE}/directSignedMicrosoftCustomerAgreementStatus"
    service, _ = dial({path: [(200, body)]})

    assert service.direct_signed(CUSTOMER) is expected


def test_an_attestation_of_the_right_agreement_counts(dial: Dial) -> None:
    """The older cloud agreement is not the one that is asked for."""
    items = [{"type": "MicrosoftCloudAgreement"}]
    service, adapter = dial({f"GET {HERE}/agreements": [(200, {"items": items})]})

    assert not service.attested(CUSTOMER)
    assert "agreementType=MicrosoftCustomerAgreement" in str(adapter.asked[0].url)


def test_availabilities_say_for_which_terms(dial: Dial) -> None:
    """The id is read anew each time; the term decides what it sells."""
    item = {
        "id": "CFQ7TTC0K971",
        "catalogItemId": "CFQ7TTC0LH18:0001:CFQ7TTC0K971",
        "isPurchasable": True,
        "terms": [{"duration": "P1Y", "billingCycle": "Annual"}],
    }
    path = f"GET {HERE}/products/CFQ7TTC0LH18/skus/0001/availabilities"
    service, _ = dial({path: [(200, {"items": [item]})]})

    (found,) = service.availabilities(CUSTOMER, "CFQ7TTC0LH18", "0001")

    assert (found.catalog_item_id, found.sells("P1Y"), found.sells("P3Y")) == (
        "CFQ7TTC0LH18:0001:CFQ7TTC0K971",
        True,
        False,
    )


def test_a_sku_that_is_not_sold_has_no_availability(dial: Dial) -> None:
    """Not found is an answer, not an error."""
    path = f"GET {HERE}/products/x/skus/y/availabilities"
    service, _ = dial({path: [(404, {"code": 400018})]})

    assert service.availabilities(CUSTOMER, "x", "y") == []


def test_a_cart_has_one_line_and_shows_its_problem(dial: Dial) -> None:
    """An error of a line comes with 201, so it is looked for."""
    line = {"id": 0, "error": {"errorCode": 10013, "errorDescription": "Billing plan"}}
    answer = {"id": "c1", "status": "Active", "lineItems": [line]}
    service, adapter = dial({f"POST {HERE}/carts": [(201, answer)]})
    body = partner_center.cart_body(
        "P:S:A", seats=5, term="P1Y", billing_cycle="monthly", friendly_name="Basic [abc]"
    )

    cart = service.create_cart(partner_center.cart_path(CUSTOMER), body, "r-1")

    assert (cart.id, cart.is_open, cart.problem) == ("c1", True, "10013 Billing plan")
    assert adapter.asked[0].headers["MS-RequestId"] == "r-1"
    assert adapter.bodies()[0]["lineItems"][0]["quantity"] == 5


def test_a_checkout_has_no_body_and_may_fail_in_part(dial: Dial) -> None:
    """Orders and problems come side by side in one 201."""
    problem = {"orderGroupId": "1", "code": 800010, "description": "No inventory"}
    answer = {"orders": [order_of()], "orderErrors": [problem]}
    path = partner_center.checkout_path(CUSTOMER, "c1")
    service, adapter = dial({f"POST {path}": [(201, answer)]})

    found = service.check_out(path, "r-1")

    assert (found.orders[0].id, found.problems) == ("5cf72f146967", ("800010 No inventory",))
    assert adapter.asked[0].body is None


def test_an_order_is_read_with_all_that_matching_needs(dial: Dial) -> None:
    """Offer without its availability, seats, term, cycle, name, creation."""
    service, _ = dial({f"GET {HERE}/orders": [(200, {"items": [order_of()]})]})

    (order,) = service.orders(CUSTOMER)

    assert (order.offer, order.seats, order.term, order.billing_cycle) == (
        "CFQ7TTC0LH18:0001",
        5,
        "P1Y",
        "monthly",
    )
    assert order.created_at == datetime(2026, 11, 24, 9, 0, 0, 312222, UTC)
    assert order.subscription_id == "db8c695b-1c3c-4c55-b697-771503dd46bf"


@pytest.mark.parametrize("gone", ["lineItems", "creationDate", "status", "billingCycle"])
def test_an_order_with_a_field_missing_is_still_one(dial: Dial, gone: str) -> None:
    """A late field does not hide an order."""
    body = {key: value for key, value in order_of().items() if key != gone}
    service, _ = dial({f"GET {HERE}/orders": [(200, {"items": [body]})]})

    assert [one.id for one in service.orders(CUSTOMER)] == ["5cf72f146967"]


def test_what_cannot_be_seen_yet_is_none(dial: Dial) -> None:
    """An order may be hidden for 15 minutes: not found is not an error."""
    service, _ = dial({f"GET {HERE}/orders/o": [(404, {"code": 20000})]})

    assert service.order(CUSTOMER, "o") is None


def test_a_denial_is_not_an_absence(dial: Dial) -> None:
    """403 goes up: nothing is known about the order then."""
    service, _ = dial({f"GET {HERE}/orders/o": [(403, {"code": 2032})]})

    with pytest.raises(ApiRefused, match="403 2032"):
        service.order(CUSTOMER, "o")


def test_a_subscription_keeps_its_whole_resource(dial: Dial) -> None:
    """A later change must send everything back that came."""
    body = {
        "id": "BBBB1B1B-CC2C-DD3D-EE4E-FFFFFF5F5F5F",
        "offerId": "CFQ7TTC0LH18:0001:CFQ7TTC0P0WS",
        "quantity": 2,
        "status": "active",
        "autoRenewEnabled": True,
        "commitmentEndDate": "2027-11-23T00:00:00Z",
        "cancellationAllowedUntilDate": "2026-12-01T09:00:03.440527Z",
        "orderId": "79d9f5e2f43a",
        "somethingNew": {"a": 1},
    }
    service, _ = dial({f"GET {HERE}/subscriptions/s": [(200, body)]})

    found = service.subscription(CUSTOMER, "s")

    assert found is not None
    assert (found.status, found.seats, found.offer) == ("active", 2, "CFQ7TTC0LH18:0001")
    assert found.resource.data == body


def test_subscriptions_of_another_order_are_left_out(dial: Dial) -> None:
    """A service that ignores the filter does not hand us a stranger's subscription."""
    items = [{"id": "a", "orderId": "O1"}, {"id": "b", "orderId": "o2"}]
    service, _ = dial({f"GET {HERE}/subscriptions": [(200, {"items": items})]})

    assert [one.id for one in service.subscriptions(CUSTOMER, order_id="o1")] == ["a"]


def test_provisioning_bridges_to_graph(dial: Dial) -> None:
    """The skuId comes in either case and is compared in lower."""
    body = {"skuId": "6FD2C87F-B296-42F0-B197-1E91E994B900", "status": "success", "quantity": 5}
    service, _ = dial({f"GET {HERE}/subscriptions/s/provisioningstatus": [(200, body)]})

    found = service.provisioning(CUSTOMER, "s")

    assert found is not None
    assert (found.sku_id[:8], found.status, found.seats) == ("6fd2c87f", "success", 5)


def test_ids_cannot_leave_their_place_in_a_path() -> None:
    """An id from a file is data: no slash or query gets into the address."""
    assert (
        partner_center.checkout_path("../x", "a/b?c")
        == "/v1/customers/..%2Fx/carts/a%2Fb%3Fc/checkout"
    )


def test_what_can_be_taken_back_is_said_by_the_service(dial: Dial) -> None:
    """Seats each with their own end; the older way to name the window counts where it is alone."""
    details = [{"quantity": 1, "allowedUntilDateTime": "2024-06-14T17:41:13.4675407Z"}]
    newer = {"id": "s", "refundableQuantity": {"totalQuantity": 1, "details": details}}
    older = {"id": "s", "refundOptions": [{"type": "Full", "expiresAt": "2024-06-12T00:00:00"}]}
    service, _ = dial({f"GET {HERE}/subscriptions/s": [(200, newer), (200, older)]})
    first, second = (service.subscription(CUSTOMER, "s") for _ in range(2))

    assert first is not None and second is not None
    assert [(one.seats, one.until and one.until.day) for one in first.refundable] == [(1, 14)]
    assert (None, datetime(2024, 6, 12, tzinfo=UTC)) == (first.cancel_until, second.cancel_until)


def test_a_change_names_the_version_that_was_read(dial: Dial) -> None:
    """The etag travels quoted; without one there is no such header."""
    read = {"id": "s", "autoRenewEnabled": True, "attributes": {"etag": "abc=="}}
    path = f"{HERE}/subscriptions/s"
    service, adapter = dial({f"GET {path}": [(200, read)], f"PATCH {path}": [(200, read)] * 2})
    found = service.subscription(CUSTOMER, "s")
    assert found is not None
    service.change_subscription(path, partner_center.ending(found), "r", etag=found.etag)
    service.change_subscription(path, partner_center.ending(found), "r")

    assert adapter.asked[1].headers["If-Match"] == '"abc=="'
    assert "If-Match" not in adapter.asked[2].headers


def test_an_end_is_said_in_one_way_only(dial: Dial) -> None:
    """Instructions for a next term are left out: there is none, and only one way may be sent."""
    read = {"id": "s", "autoRenewEnabled": True, "ScheduledNextTermInstructions": {"quantity": 3}}
    service, _ = dial({f"GET {HERE}/subscriptions/s": [(200, read)]})
    found = service.subscription(CUSTOMER, "s")
    assert found is not None
    body = partner_center.ending(found)

    assert {"id", "autoRenewEnabled", "scheduledActions"} == set(body)
    assert not found.ends_with_its_term
