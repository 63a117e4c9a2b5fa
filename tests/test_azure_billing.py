"""Azure billing of a customer: which account, what renews, and the one change that is made."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cspkit import azure_billing
from cspkit.azure_billing import AzureBilling
from cspkit.errors import ApiRefused
from cspkit.rehearsal.records import Subscription
from cspkit.rehearsal.server import Server
from cspkit.settings import Service
from cspkit.wire import FixedTokens, Wire, dial_azure
from tests import scene as scenes
from tests.canned import Canned
from tests.rehearsals import Rehearsal

CUSTOMER = "11111111-0000-4000-8000-000000000001"
ACCOUNTS = "/providers/Microsoft.Billing/billingAccounts"


@pytest.fixture
def server() -> Iterator[Server]:
    """A rehearsal with a few customers."""
    with Rehearsal(scenes.sample()) as made:
        yield made


@pytest.fixture
def billing(server: Server) -> Iterator[AzureBilling]:
    """The client at that rehearsal."""
    wire = dial_azure(Service(partner_center=server.url, graph=server.url), FixedTokens())
    yield AzureBilling(wire)
    wire.close()


def direct(server: Server) -> Subscription:
    """An active subscription bought directly under the Microsoft Customer Agreement."""
    return next(
        one
        for held in server.world.subscriptions.values()
        for one in held.values()
        if one.channel == "direct_mca" and one.status == "active" and one.auto_renew
    )


def test_a_renewal_is_read_and_switched_off(server: Server, billing: AzureBilling) -> None:
    """By the customer's own account; what was changed is read, not taken from the answer."""
    item = direct(server)
    (account,) = billing.accounts(item.customer_id)
    before = billing.subscription(item.customer_id, account.id, item.id)
    path = azure_billing.change_path(account.id, item.id)

    billing.change(item.customer_id, path, azure_billing.not_renewing(), "r-1")

    after = billing.subscription(item.customer_id, account.id, item.id)
    assert before is not None and after is not None
    assert (before.auto_renew, after.auto_renew, item.auto_renew) == (True, False, False)
    assert (before.id, before.status, before.seats) == (item.id, "active", item.seats)
    assert before.ends_at is not None and before.ends_at.date() == item.ends_on
    listed = {one.id for one in billing.subscriptions(item.customer_id, account.id)}
    assert item.id in listed


def test_what_is_not_on_the_account_is_none(server: Server, billing: AzureBilling) -> None:
    """An original of another programme has no place there."""
    item = direct(server)
    (account,) = billing.accounts(item.customer_id)

    assert billing.subscription(item.customer_id, account.id, "another") is None


def test_without_a_billing_role_nothing_is_shown(server: Server, billing: AzureBilling) -> None:
    """Access to the tenant is no right to its bills."""
    item = direct(server)
    server.world.customers[item.customer_id].billing_role = False

    with pytest.raises(ApiRefused, match="AuthorizationFailed"):
        billing.accounts(item.customer_id)


def test_accounts_are_read_to_the_last_page_with_the_customers_token() -> None:
    """The next page is a full link, and only one to the same place is followed."""
    more = "https://management.example/providers/Microsoft.Billing/billingAccounts/more"
    pages = {
        f"GET {ACCOUNTS}": [(200, {"value": [{"name": "A:1"}], "nextLink": more})],
        f"GET {ACCOUNTS}/more": [(200, {"value": [{"name": "B:2"}]})],
    }
    adapter = Canned({**pages})
    wire = Wire("https://management.example", tokens=FixedTokens(), adapter=adapter)

    found = AzureBilling(wire).accounts(CUSTOMER)

    assert [one.id for one in found] == ["A:1", "B:2"]
    assert adapter.asked[0].headers["Authorization"] == f"Bearer rehearsal-user-{CUSTOMER}"
    assert "api-version=" in (adapter.asked[0].url or "")


def test_a_word_that_nobody_knows_is_no_answer() -> None:
    """A new word for auto-renew says neither on nor off."""
    body = {"name": "s1", "properties": {"autoRenew": "Paused", "quantity": 3}}
    adapter = Canned({f"GET {ACCOUNTS}/a/billingSubscriptions/s1": [(200, body)]})
    wire = Wire("https://management.example", tokens=FixedTokens(), adapter=adapter)

    found = AzureBilling(wire).subscription(CUSTOMER, "a", "s1")

    assert found is not None
    assert (found.auto_renew, found.seats, found.ends_at) == (None, 3, None)
