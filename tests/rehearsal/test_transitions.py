"""Transitions inside new commerce, and what is left of legacy upgrades and conversions."""

from __future__ import annotations

from typing import Any

import pytest

from cspkit.rehearsal import people, relations
from cspkit.rehearsal.records import Customer
from tests.rehearsal.conftest import BASIC_SKU, Partner

BOTH = "transition_with_license_transfer"


def bought(partner: Partner, customer: Customer, **line: Any) -> str:
    relations.sign(partner.world, customer.id)
    made = partner.buy(customer, seats=10, **line)
    return f"/v1/customers/{customer.id}/subscriptions/{made['subscriptionId']}"


def target(partner: Partner, path: str, number: int = 0) -> str:
    found = partner.get(f"{path}/transitionEligibilities?eligibilityType=immediate").json()
    return str(found["items"][number]["catalogItemId"])


def begin(partner: Partner, path: str, **more: Any) -> Any:
    return partner.post(
        f"{path}/transitions", json={"toCatalogItemId": target(partner, path), **more}
    )


def test_seats_move_to_the_dearer_product_some_minutes_later(partner: Partner) -> None:
    """A part of the seats becomes a subscription of its own with the same term end."""
    customer = partner.related()
    path = bought(partner, customer)
    made = begin(partner, path, quantity=4).json()
    before = partner.get(path).json()
    partner.wait(minutes=10)
    after = partner.get(path).json()
    new = partner.get(
        f"/v1/customers/{customer.id}/subscriptions/{made['toSubscriptionId']}"
    ).json()

    assert (before["quantity"], after["quantity"], new["quantity"]) == (10, 6, 4)
    assert after["commitmentEndDate"] == new["commitmentEndDate"]
    assert new["offerId"] == made["toCatalogItemId"]
    events = partner.get(f"{path}/transitions").json()["transition"][0]["events"]
    assert [event["status"] for event in events] == ["Started", "Completed"]


def test_all_seats_leave_nothing_behind(partner: Partner) -> None:
    """The source is deleted when its last seat has gone."""
    path = bought(partner, partner.related())
    begin(partner, path)
    partner.wait(minutes=10)

    assert partner.get(path).json()["status"] == "deleted"


def test_licences_go_along_when_asked_for(partner: Partner) -> None:
    """The users of the source hold the target's licence afterwards; it needs user and access."""
    customer = partner.accessible()
    path = bought(partner, customer)
    user = next(one for one in people.users(partner.world, customer).values() if one.usage_location)
    user.licences.clear()
    people.change_licences(partner.world, customer, user, add=[(BASIC_SKU, [])], remove=[])
    refused = partner.post(
        f"{path}/transitions",
        kind="app",
        json={"toCatalogItemId": target(partner, path), "transitionType": BOTH},
    )
    made = begin(partner, path, transitionType=BOTH)
    partner.wait(minutes=10)

    assert (refused.status_code, refused.json()["code"]) == (403, 900329)
    assert made.status_code == 200
    assert BASIC_SKU not in user.licences and len(user.licences) == 1


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"toCatalogItemId": "CFQ7TTC0LH18:0001:X"}, 2000),
        ({"toCatalogItemId": None}, 2000),
        ({"quantity": 11}, 2002),
        ({"termDuration": "P1M"}, 900267),
        ({"termDuration": "P2Y"}, 900268),
        ({"billingCycle": "weekly"}, 900269),
        ({"billingCycle": "triennial"}, 900270),
        ({"transitionType": "sideways"}, 2000),
    ],
)
def test_a_transition_that_cannot_be_is_refused(
    partner: Partner, wrong: dict[str, Any], code: int
) -> None:
    """Upgrades only, no shorter term, a cycle that fits; each with its documented code."""
    answer = begin(partner, bought(partner, partner.related()), **wrong)

    assert (400, code) == (answer.status_code, answer.json()["code"])


def test_the_subscription_that_takes_the_seats_must_fit(partner: Partner) -> None:
    """Not itself, the same product, and an end no earlier."""
    customer = partner.related()
    path = bought(partner, customer)
    source = path.rpartition("/")[2]
    other = bought(partner, customer).rpartition("/")[2]
    codes = [
        begin(partner, path, toSubscriptionId=into).json()["code"]
        for into in (source, other, "0c0c0c0c-0000-4000-8000-00000000000c")
    ]

    assert codes == [900259, 900260, 20003]


def test_legacy_is_not_upgraded_any_more(partner: Partner) -> None:
    """The list shows what there was; each entry says that it cannot be had, and so does a try."""
    item = next(
        one
        for tenant in partner.world.subscriptions.values()
        for one in tenant.values()
        if one.channel == "csp_legacy"
        and one.status == "active"
        and not one.parent_id
        and one.product.monthly < 10
    )
    path = f"/v1/customers/{item.customer_id}/subscriptions/{item.id}/upgrades"
    listed = partner.get(path).json()["items"]
    tried = partner.post(path, json=listed[0]).json()

    assert {False} == {one["isEligible"] for one in listed}
    assert tried["targetSubscriptionId"] is None and tried["upgradeErrors"]


def test_access_that_ends_is_expiring_first(partner: Partner) -> None:
    """Its roles work no longer from the end on; the word `expired` comes some minutes later."""
    customer = partner.accessible()
    [access] = partner.world.access_of[customer.id]
    assert access.ends is not None
    partner.server.set_clock(access.ends)
    first, roles = access.status, relations.roles_in(partner.world, customer.id)
    partner.wait(minutes=10)

    assert ("expiring", set(), "expired") == (first, roles, access.status)
