"""Changes of subscriptions: what resets what, and the windows that close."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import requests

from cspkit.rehearsal import endings, lifecycle
from cspkit.rehearsal.records import Customer
from tests.rehearsal.conftest import Partner


@pytest.fixture
def customer(partner: Partner) -> Customer:
    """A related customer."""
    return partner.related()


@pytest.fixture
def bought(partner: Partner, customer: Customer) -> str:
    """The path of a subscription of ten seats, bought just now."""
    line = partner.buy(customer, seats=10)
    return f"/v1/customers/{customer.id}/subscriptions/{line['subscriptionId']}"


def patch(partner: Partner, path: str, **change: Any) -> requests.Response:
    """Send the whole resource back with a change."""
    return partner.call("PATCH", path, json={**partner.get(path).json(), **change})


def code(answer: requests.Response) -> tuple[int, int]:
    return answer.status_code, answer.json()["code"]


def test_only_our_own_subscriptions_are_listed(partner: Partner) -> None:
    """What a customer bought elsewhere is invisible in Partner Center."""
    for customer in partner.world.customers.values():
        if customer.related and len(partner.world.subscriptions[customer.id]) > 1:
            listed = partner.get(f"/v1/customers/{customer.id}/subscriptions").json()["items"]
            ours = {s.id for s in partner.world.originals(customer.id) if s.ours}
            assert ours == {item["id"].lower() for item in listed}


def test_auto_renew_is_switched_with_the_whole_resource(partner: Partner, bought: str) -> None:
    """GET, change, PATCH, GET again."""
    answer = patch(partner, bought, autoRenewEnabled=False)

    assert (answer.status_code, partner.get(bought).json()["autoRenewEnabled"]) == (200, False)


def test_what_is_left_out_is_reset(partner: Partner, bought: str) -> None:
    """A partial body silently turns auto-renew off."""
    partner.call("PATCH", bought, json={"friendlyName": "Contoso"})
    found = partner.get(bought).json()

    assert (
        found["friendlyName"],
        found["autoRenewEnabled"],
        found["quantity"],
    ) == ("Contoso", False, 10)


def test_seats_can_be_added_any_time(partner: Partner, bought: str) -> None:
    """An increase opens its own window in which just these seats can be taken away."""
    partner.wait(days=8)
    answer = patch(partner, bought, quantity=15)

    assert answer.json()["quantity"] == 15
    assert answer.json()["refundableQuantity"]["totalQuantity"] == 5
    assert code(patch(partner, bought, quantity=9)) == (400, 900257)
    assert patch(partner, bought, quantity=12).status_code == 200
    partner.wait(days=8)
    assert code(patch(partner, bought, quantity=11)) == (400, 800090)


def test_seats_have_a_limit(partner: Partner, bought: str) -> None:
    """Business products stop at 300 seats."""
    assert code(patch(partner, bought, quantity=301)) == (400, 2002)


def test_the_cancel_window_closes_to_the_second(partner: Partner, bought: str) -> None:
    """The date that the resource states decides; afterwards there is no way out."""
    limit = partner.get(bought).json()["cancellationAllowedUntilDate"]
    partner.server.set_clock(datetime.fromisoformat(limit))

    assert code(patch(partner, bought, status="deleted")) == (400, 900117)


def test_a_cancelled_subscription_is_gone(partner: Partner, bought: str) -> None:
    """Within the window a cancel works once, is in the books, and allows no change after."""
    answer = patch(partner, bought, status="deleted")

    assert (answer.status_code, answer.json()["status"]) == (200, "deleted")
    assert code(patch(partner, bought, status="deleted")) == (400, 2011)
    assert code(patch(partner, bought, quantity=11)) == (400, 2011)
    assert len(partner.control("books")["cancellations"]) == 1


def test_a_suspended_subscription_cannot_be_changed(partner: Partner, bought: str) -> None:
    """Only waking it up is allowed, and auto-renew stays off after that."""
    patch(partner, bought, status="suspended")

    assert code(patch(partner, bought, quantity=11)) == (400, 2001)
    assert code(patch(partner, bought, autoRenewEnabled=True)) == (400, 800091)
    assert patch(partner, bought, status="active").status_code == 200
    assert partner.get(bought).json()["autoRenewEnabled"] is False


def test_a_scheduled_end_is_kept_and_happens(partner: Partner, bought: str) -> None:
    """With a cancel scheduled at term end the subscription is disabled the day after."""
    action = {"scheduleType": "TermEnd", "actionType": "Cancel"}
    patch(partner, bought, autoRenewEnabled=False, scheduledActions=[action])
    assert [action] == partner.get(bought).json()["scheduledActions"]
    last = partner.get(bought).json()["commitmentEndDate"]
    partner.wait(days=365)

    assert last == "2027-11-22T00:00:00Z"
    assert partner.get(bought).json()["status"] == "disabled"
    assert code(patch(partner, bought, autoRenewEnabled=True)) == (400, 900279)


def test_a_seat_change_forgets_the_scheduled_end(partner: Partner, bought: str) -> None:
    """Whoever adds a seat must schedule the end again; the answer does not say so."""
    action = {"scheduleType": "TermEnd", "actionType": "Cancel"}
    patch(partner, bought, autoRenewEnabled=False, scheduledActions=[action])
    answer = patch(partner, bought, quantity=11)

    assert (answer.status_code, answer.json().get("scheduledActions")) == (200, None)
    assert "scheduledActions" not in partner.get(bought).json()


def test_a_partial_change_forgets_the_scheduled_end_too(partner: Partner, bought: str) -> None:
    """What a body leaves out is reset: auto-renew, actions and instructions."""
    patch(partner, bought, scheduledNextTermInstructions={"quantity": 3})
    assert partner.get(bought).json()["scheduledNextTermInstructions"] == {"quantity": 3}

    partner.call("PATCH", bought, json={"friendlyName": "Contoso"})
    assert "scheduledNextTermInstructions" not in partner.get(bought).json()


def test_a_paid_month_can_be_left_any_day(partner: Partner, bought: str) -> None:
    """An extended service term has no window of seven days."""
    patch(partner, bought, autoRenewEnabled=False)
    partner.wait(days=365 + 20)

    assert partner.get(bought).json()["termDuration"] == "P1M"
    assert patch(partner, bought, status="deleted").json()["status"] == "deleted"


def test_a_legacy_cycle_is_changed_elsewhere(partner: Partner) -> None:
    """The billing cycle of a legacy subscription belongs to its order."""
    item = next(
        s
        for t in partner.world.subscriptions.values()
        for s in t.values()
        if s.parent_id == "" and s.channel == "csp_legacy" and s.status == "active"
    )
    path = f"/v1/customers/{item.customer_id}/subscriptions/{item.id}"
    other = "annual" if item.cycle == "monthly" else "monthly"

    assert code(patch(partner, path, billingCycle=other)) == (400, 2054)


def test_a_legacy_etag_must_be_fresh(partner: Partner) -> None:
    """Legacy subscriptions have an etag, and a stale one is 400/2055; new commerce has none."""
    item = next(
        item
        for tenant in partner.world.subscriptions.values()
        for item in tenant.values()
        if item.channel == "csp_legacy" and not item.parent_id
    )
    path = f"/v1/customers/{item.customer_id}/subscriptions/{item.id}"
    old = partner.get(path).json()
    first = partner.call("PATCH", path, json={**old, "autoRenewEnabled": False})
    second = partner.call("PATCH", path, json={**old, "autoRenewEnabled": True})

    assert first.status_code == 200
    assert code(second) == (400, 2055)


def test_a_foreign_subscription_is_not_found(partner: Partner, customer: Customer) -> None:
    """404/20003, also for one that the tenant bought elsewhere."""
    elsewhere = next(
        item
        for tenant in partner.world.subscriptions.values()
        for item in tenant.values()
        if not item.ours and partner.world.customers[item.customer_id].related
    )
    path = f"/v1/customers/{elsewhere.customer_id}/subscriptions/{elsewhere.id}"

    assert code(partner.get(path)) == (404, 20003)


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": "ten"},
        {"quantity": 1.5},
        {"quantity": True},
        {"autoRenewEnabled": "no"},
        {"status": 5},
        {"scheduledActions": "Cancel"},
        {"scheduledActions": [{"actionType": "Explode"}]},
    ],
)
def test_a_change_of_the_wrong_type_is_refused(
    partner: Partner, bought: str, change: dict[str, Any]
) -> None:
    """Nothing changes when a value cannot be read."""
    before = partner.get(bought).json()

    assert code(patch(partner, bought, **change)) == (400, 2000)
    assert before == partner.get(bought).json()


def test_a_renewal_opens_a_new_window(partner: Partner, bought: str) -> None:
    """At 00:00 of the day after the term the next one starts, and can be left for a week."""
    item = next(
        s for t in partner.world.subscriptions.values() for s in t.values() if s.id in bought
    )
    partner.server.set_clock(endings.day_after(item.ends_on) - timedelta(seconds=1))
    assert partner.get(bought).json()["commitmentEndDate"] == "2027-11-22T00:00:00Z"
    partner.wait(seconds=1)
    found = partner.get(bought).json()

    assert found["commitmentEndDate"] == "2028-11-22T00:00:00Z"
    assert found["cancellationAllowedUntilDate"].startswith("2027-11-30T00:00:00")


def test_seats_are_added_up_by_product(partner: Partner) -> None:
    """Partner Center's pool needs access to the tenant and counts every seller's seats."""
    customer = partner.accessible()
    path = f"/v1/customers/{customer.id}/subscribedskus"
    pools = partner.get(path).json()["items"]
    refused = partner.get(f"/v1/customers/{partner.related().id}/subscribedskus")

    assert all(
        pool["totalUnits"] - pool["consumedUnits"] == pool["availableUnits"] for pool in pools
    )
    assert sum(s.seats for s in partner.world.originals(customer.id) if s.status == "active") == (
        sum(pool["activeUnits"] for pool in pools)
    )
    assert code(refused) == (403, 900308)


def test_a_longer_term_begins_on_the_day_of_the_change(partner: Partner) -> None:
    """Term and cycle change by PATCH in mid-term; what was planned for the old end is gone."""
    customer = partner.related()
    line = partner.buy(customer, termDuration="P1M")
    path = f"/v1/customers/{customer.id}/subscriptions/{line['subscriptionId']}"
    partner.wait(days=3)
    whole = partner.get(path).json()
    wanted = whole | {"termDuration": "P1Y", "billingCycle": "annual"}
    changed = partner.call("PATCH", path, json=wanted).json()
    ends = lifecycle.term_end(partner.server.now().date(), "P1Y").isoformat()

    assert (changed["termDuration"], changed["billingCycle"]) == ("P1Y", "annual")
    assert changed["commitmentEndDate"].startswith(ends)
    partner.wait(days=40)
    assert partner.get(path).json()["commitmentEndDate"].startswith(ends)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [({"termDuration": "P1M"}, 800122), ({"termDuration": "P9Y"}, 800121)],
)
def test_a_term_that_cannot_be_is_refused(
    partner: Partner, wrong: dict[str, str], code: int
) -> None:
    """Not shorter than the present one, and one that exists; nothing has changed."""
    customer = partner.related()
    path = f"/v1/customers/{customer.id}/subscriptions/{partner.buy(customer)['subscriptionId']}"
    whole = partner.get(path).json()
    answer = partner.call("PATCH", path, json=whole | wrong)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert partner.get(path).json() == whole
