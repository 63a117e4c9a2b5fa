"""Microsoft Graph: access by relationship, seats, users, licences, batches."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from cspkit.rehearsal import people, relations
from cspkit.rehearsal.records import PARTNER_TENANT, Customer, User
from tests.rehearsal.conftest import BASIC_SKU, Partner

GDAP = "/graph/v1.0/tenantRelationships/delegatedAdminRelationships"
ROLES = [relations.DIRECTORY_READERS, relations.LICENSE_ADMINISTRATOR]
GROUP = "869713c9-0b28-4d08-8949-ae07ae1bf528"


def details(roles: list[str]) -> dict[str, Any]:
    return {"accessDetails": {"unifiedRoles": [{"roleDefinitionId": role} for role in roles]}}


def asked(to: Customer, **change: Any) -> dict[str, Any]:
    """The body that asks for access to a customer's tenant."""
    body = {
        "displayName": f"cspkit {to.id[:8]}",
        "duration": "P180D",
        "customer": {"tenantId": to.id},
        **details(ROLES),
    }
    return {**body, **change}


def graph(partner: Partner, customer: Customer, path: str, **more: Any) -> requests.Response:
    method = more.pop("method", "GET")
    return partner.call(method, f"/graph/v1.0{path}", tenant=customer.id, **more)


def licensed(partner: Partner, customer: Customer) -> User:
    """A user with a licence of its own."""
    return next(
        user
        for user in people.users(partner.world, customer).values()
        if user.licences and not any(held.by_group for held in user.licences.values())
    )


def change(
    partner: Partner, customer: Customer, user: User, add: list[str], remove: list[str]
) -> requests.Response:
    body = {"addLicenses": [{"skuId": sku, "disabledPlans": []} for sku in add]}
    path = f"/users/{user.id}/assignLicense"
    sent = {**body, "removeLicenses": remove}
    return graph(partner, customer, path, method="POST", json=sent)


def test_without_access_everything_is_refused(partner: Partner) -> None:
    """A token for the tenant is not enough: 403 until a relationship is active."""
    answer = graph(partner, partner.related(), "/subscribedSkus")

    assert (
        answer.status_code,
        answer.json()["error"]["code"],
    ) == (403, "Authorization_RequestDenied")


def test_without_token_nobody_is_known(partner: Partner) -> None:
    """401 in Graph's own shape."""
    answer = requests.get(f"{partner.server.url}/graph/v1.0/users", timeout=10)

    assert (
        answer.status_code,
        answer.json()["error"]["code"],
    ) == (401, "InvalidAuthenticationToken")


def test_access_is_asked_approved_and_assigned(partner: Partner) -> None:
    """created, approvalPending, activating, active; then a group's roles work, a bit later."""
    customer = partner.related()
    made = partner.post(GDAP, json=asked(customer))
    path = f"{GDAP}/{made.json()['id']}"
    container = {"accessContainerId": GROUP, "accessContainerType": "securityGroup"}
    wanted = {"accessContainer": container, **details(ROLES)}
    early = partner.post(f"{path}/accessAssignments", json=wanted)
    locked = partner.post(f"{path}/requests", json={"action": "lockForApproval"})
    waiting = partner.get(path).json()["status"]
    partner.control("approve", {"customer_id": customer.id})
    activating = partner.get(path).json()["status"]
    partner.wait(minutes=6)
    active = partner.get(path).json()["status"]
    assigned = partner.post(f"{path}/accessAssignments", json=wanted)
    partner.wait(minutes=6)
    listed = partner.get(f"{path}/accessAssignments").json()["value"]

    assert [answer.status_code for answer in (made, early, locked, assigned)] == [
        201,
        400,
        201,
        201,
    ]
    assert (made.json()["status"], waiting) == ("created", "approvalPending")
    assert (activating, active) == ("activating", "active")
    assert (
        assigned.json()["status"],
        [item["status"] for item in listed],
    ) == ("pending", ["active"])
    assert graph(partner, customer, "/subscribedSkus").status_code == 200


def test_a_customer_approves_after_a_while(partner: Partner) -> None:
    """Locked is not approved: it takes from minutes to days."""
    customer = partner.related()
    path = f"{GDAP}/{partner.post(GDAP, json=asked(customer)).json()['id']}"
    partner.post(f"{path}/requests", json={"action": "lockForApproval"})
    partner.wait(days=4)

    assert partner.get(path).json()["status"] == "active"


def test_access_ends_after_its_duration(partner: Partner) -> None:
    """A relationship of 180 days is expired half a year later."""
    customer = partner.related()
    path = f"{GDAP}/{partner.post(GDAP, json=asked(customer)).json()['id']}"
    partner.post(f"{path}/requests", json={"action": "lockForApproval"})
    partner.control("approve", {"customer_id": customer.id})
    partner.wait(days=180)
    before = partner.get(path).json()["status"]
    partner.wait(minutes=6)

    assert (before, partner.get(path).json()["status"]) == ("active", "expired")


def test_access_can_extend_itself(partner: Partner) -> None:
    """With an extension of half a year agreed, the end moves instead of coming."""
    customer = partner.related()
    wanted = {**asked(customer), "autoExtendDuration": "P180D"}
    path = f"{GDAP}/{partner.post(GDAP, json=wanted).json()['id']}"
    partner.post(f"{path}/requests", json={"action": "lockForApproval"})
    partner.control("approve", {"customer_id": customer.id})
    partner.wait(minutes=6)
    first = partner.get(path).json()["endDateTime"]
    partner.wait(days=181)
    found = partner.get(path).json()

    assert (found["status"], found["endDateTime"] > first) == ("active", True)


def test_an_ended_access_is_gone_at_once(partner: Partner) -> None:
    """terminating, then terminated; nothing can be read from the first moment on."""
    customer = partner.accessible()
    (access,) = partner.world.access_of[customer.id]
    partner.post(f"{GDAP}/{access.id}/requests", json={"action": "terminate"})
    early = partner.get(f"{GDAP}/{access.id}").json()["status"]

    assert graph(partner, customer, "/subscribedSkus").status_code == 403
    partner.wait(minutes=6)
    assert (early, partner.get(f"{GDAP}/{access.id}").json()["status"]) == (
        "terminating",
        "terminated",
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"displayName": "x" * 51},
        {"displayName": None},
        {"duration": "P3Y"},
        {"duration": "a year"},
        {"customer": {"tenantId": GROUP}},
        {"customer": None},
        {"accessDetails": {}},
        {"accessDetails": {"unifiedRoles": [{"roleDefinitionId": 5}]}},
        {"autoExtendDuration": "P9D"},
    ],
)
def test_a_wrong_relationship_is_refused(partner: Partner, wrong: dict[str, Any]) -> None:
    """400 Request_BadRequest, and none is made."""
    before = len(partner.world.access)
    answer = partner.post(GDAP, json=asked(partner.related(), **wrong))

    assert (400, before) == (answer.status_code, len(partner.world.access))


def test_relationships_are_found_by_customer(partner: Partner) -> None:
    """The list can be filtered, and names are unique."""
    customer = partner.accessible()
    query = {"$filter": f"customer/tenantId eq '{customer.id}' and status eq 'active'"}
    found = partner.get(GDAP, params=query).json()["value"]
    again = partner.post(GDAP, json=asked(customer, displayName=found[0]["displayName"]))

    assert [customer.id] == [item["customer"]["tenantId"] for item in found]
    assert again.status_code == 409


def test_relationships_come_in_pages(partner: Partner) -> None:
    """nextLink leads once through all that were asked for."""
    query = {"$top": "5", "$filter": "status eq 'active'"}
    answer = partner.get(GDAP, params=query).json()
    ids = [item["id"] for item in answer["value"]]
    while link := answer.get("@odata.nextLink"):
        answer = partner.get(link.removeprefix(partner.server.url)).json()
        ids += [item["id"] for item in answer["value"]]

    assert sorted(partner.world.access) == ids


def test_reading_does_not_allow_changing(partner: Partner) -> None:
    """Assigning a licence needs a role that may."""
    customer = partner.accessible()
    for access in partner.world.access_of[customer.id]:
        for assignment in access.assignments:
            assignment.roles = [relations.GLOBAL_READER]
    user = licensed(partner, customer)

    assert graph(partner, customer, "/users").status_code == 200
    assert change(partner, customer, user, [], [next(iter(user.licences))]).status_code == 403


def test_the_tenant_lists_every_seller(partner: Partner) -> None:
    """directory/subscriptions holds all originals with their owner, and free products."""
    customer = partner.accessible()
    found = graph(partner, customer, "/directory/subscriptions").json()["value"]
    paid = {item["commerceSubscriptionId"] for item in found if item["nextLifecycleDateTime"]}

    assert {item.id for item in partner.world.originals(customer.id)} == paid
    assert {"FLOW_FREE", "POWER_BI_STANDARD"} <= {item["skuPartNumber"] for item in found}


def test_new_seats_join_the_pool_of_their_product(partner: Partner) -> None:
    """A replacement of the same skuId adds to the seats that users already hold."""
    customer = partner.accessible()

    def enabled() -> int:
        pools = graph(partner, customer, "/subscribedSkus").json()["value"]
        return sum(p["prepaidUnits"]["enabled"] for p in pools if p["skuId"] == BASIC_SKU)

    before = enabled()
    line = partner.buy(customer, seats=6)
    pools = graph(partner, customer, "/subscribedSkus").json()["value"]

    assert before + 6 == enabled()
    assert line["subscriptionId"] in [sub for pool in pools for sub in pool["subscriptionIds"]]


def test_consumed_seats_are_the_users_with_a_licence(partner: Partner) -> None:
    """Counting users by product gives what the pool says."""
    customer = partner.accessible()
    users = people.users(partner.world, customer).values()
    pools = graph(partner, customer, "/subscribedSkus").json()["value"]

    assert {pool["skuId"]: pool["consumedUnits"] for pool in pools} == {
        pool["skuId"]: sum(pool["skuId"] in user.licences for user in users) for pool in pools
    }


def test_licences_are_shown_only_when_selected(partner: Partner) -> None:
    """As Graph does: without $select there are no licences in a user."""
    customer = partner.accessible()
    plain = graph(partner, customer, "/users?$top=1").json()["value"][0]
    chosen = graph(partner, customer, "/users?$top=1&$select=id,assignedLicenses").json()

    assert "assignedLicenses" not in plain
    assert {"id", "assignedLicenses"} == set(chosen["value"][0])


def test_users_of_a_product_are_found_page_by_page(partner: Partner) -> None:
    """The filter on assigned licences and nextLink together give each holder once."""
    customer = partner.accessible()
    sku_id = next(iter(licensed(partner, customer).licences))
    holders = sorted(
        user.id
        for user in people.users(partner.world, customer).values()
        if sku_id in user.licences
    )
    query = {
        "$filter": f"assignedLicenses/any(x:x/skuId eq {sku_id})",
        "$top": "2",
        "$count": "true",
    }
    answer = graph(partner, customer, "/users", params=query).json()
    count, found = answer["@odata.count"], [user["id"] for user in answer["value"]]
    while link := answer.get("@odata.nextLink"):
        path = link.removeprefix(f"{partner.server.url}/graph/v1.0")
        answer = graph(partner, customer, path).json()
        found += [user["id"] for user in answer["value"]]

    assert (len(holders), holders) == (count, found)


def test_a_licence_is_exchanged_in_one_call(partner: Partner) -> None:
    """Add and remove together; the pools follow, and the books say who and what."""
    customer = partner.accessible()
    user = licensed(partner, customer)
    partner.buy(customer, seats=3)
    old = sorted(set(user.licences) - {BASIC_SKU})
    answer = change(partner, customer, user, [BASIC_SKU], old)

    assert answer.status_code == 200
    assert [held["skuId"] for held in answer.json()["assignedLicenses"]] == [BASIC_SKU]
    assert [(user.id, [BASIC_SKU], old)] == [
        (entry["user_id"], entry["added"], entry["removed"])
        for entry in partner.control("books")["assignments"]
    ]


def test_there_is_no_licence_without_seat(partner: Partner) -> None:
    """An empty pool refuses, and nothing of the call has happened."""
    customer = partner.accessible()
    user = licensed(partner, customer)
    held = dict(user.licences)
    item = next(iter(held))
    for other in partner.world.subscriptions[customer.id].values():
        other.seats = 0
    unlicensed = next(
        other
        for other in people.users(partner.world, customer).values()
        if item not in other.licences
    )
    unlicensed.usage_location = "ES"
    answer = change(partner, customer, unlicensed, [item], [])

    assert answer.status_code == 400
    assert "does not have any available licenses" in answer.json()["error"]["message"]
    assert item not in unlicensed.licences


def test_a_user_needs_a_place(partner: Partner) -> None:
    """Without usage location no licence can be assigned."""
    customer = partner.accessible()
    partner.buy(customer, seats=3)
    nobody = next(
        user for user in people.users(partner.world, customer).values() if not user.usage_location
    )
    answer = change(partner, customer, nobody, [BASIC_SKU], [])

    assert "invalid usage location" in answer.json()["error"]["message"]


def test_two_mailboxes_exclude_each_other(partner: Partner) -> None:
    """A product with another mailbox plan is refused, unless the old one goes in the same call."""
    customer = partner.accessible()
    exchange = "CFQ7TTC0LH1P/skus/0001"
    partner.buy(customer, seats=3)
    partner.buy(customer, catalogItemId=partner.availability(customer, exchange))
    plan_2 = "19ec0d23-8335-4cbd-94ac-6050e30712fa"
    user = licensed(partner, customer)
    change(partner, customer, user, [BASIC_SKU], [sku for sku in user.licences if sku != BASIC_SKU])
    clash = change(partner, customer, user, [plan_2], [])
    swap = change(partner, customer, user, [plan_2], [BASIC_SKU])

    assert "mutually exclusive" in clash.json()["error"]["message"]
    assert swap.status_code == 200


def test_a_group_licence_stays(partner: Partner) -> None:
    """What a user inherits from a group cannot be taken from the user."""
    customer = partner.accessible()
    user = licensed(partner, customer)
    sku_id, held = next(iter(user.licences.items()))
    held.by_group = GROUP

    assert (
        "inherited from a group"
        in change(partner, customer, user, [], [sku_id]).json()["error"]["message"]
    )


@pytest.mark.parametrize(
    "body",
    [
        {"addLicenses": []},
        {"removeLicenses": []},
        {"addLicenses": [BASIC_SKU], "removeLicenses": []},
        {"addLicenses": [{"skuId": 5}], "removeLicenses": []},
        {"addLicenses": [{"skuId": GROUP, "disabledPlans": []}], "removeLicenses": []},
        {"addLicenses": [], "removeLicenses": [GROUP]},
        {"addLicenses": [], "removeLicenses": [None]},
        {"addLicenses": [{"skuId": BASIC_SKU}], "removeLicenses": [BASIC_SKU]},
    ],
)
def test_a_wrong_assignment_is_refused(partner: Partner, body: dict[str, Any]) -> None:
    """Both lists must be there and make sense."""
    customer = partner.accessible()
    path = f"/users/{licensed(partner, customer).id}/assignLicense"
    answer = graph(partner, customer, path, method="POST", json=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "Request_BadRequest")


def test_an_unknown_user_is_not_found(partner: Partner) -> None:
    """404 Request_ResourceNotFound."""
    answer = graph(partner, partner.accessible(), f"/users/{GROUP}")

    assert (
        answer.status_code,
        answer.json()["error"]["code"],
    ) == (404, "Request_ResourceNotFound")


def test_a_batch_answers_each_part(partner: Partner) -> None:
    """200 outside, a status for each part, failed dependencies, another order."""
    customer = partner.accessible()
    requests_sent = [
        {"id": "1", "method": "GET", "url": "/subscribedSkus"},
        {"id": "2", "method": "GET", "url": f"/users/{GROUP}"},
        {"id": "3", "method": "GET", "url": "/users?$top=1", "dependsOn": ["2"]},
        {"id": "4", "method": "GET", "url": "/users?$top=1&$select=id", "dependsOn": ["1"]},
    ]
    answer = graph(partner, customer, "/$batch", method="POST", json={"requests": requests_sent})
    parts = {part["id"]: part for part in answer.json()["responses"]}

    assert list(parts) == ["4", "3", "2", "1"]
    assert {i: p["status"] for i, p in parts.items()} == {"1": 200, "2": 404, "3": 424, "4": 200}
    assert len(parts["4"]["body"]["value"]) == 1


@pytest.mark.parametrize(
    "sent",
    [
        [],
        "all",
        [{"id": "1", "method": "GET", "url": "/users"}] * 2,
        [{"id": str(n), "method": "GET", "url": "/users"} for n in range(21)],
        [{"id": "1", "method": "GET", "url": "https://elsewhere.example/users"}],
        [{"id": "1", "method": "POST", "url": "/users/x/assignLicense", "body": {}}],
        [{"method": "GET", "url": "/users"}],
    ],
)
def test_a_malformed_batch_is_refused(partner: Partner, sent: object) -> None:
    """400, whatever is wrong with it."""
    customer = partner.accessible()

    assert (
        graph(partner, customer, "/$batch", method="POST", json={"requests": sent}).status_code
        == 400
    )


def test_only_the_partner_manages_relationships(partner: Partner) -> None:
    """A customer's token is refused there, and the partner's in a customer's tenant."""
    customer = partner.accessible()

    assert partner.call("GET", GDAP, tenant=customer.id).status_code == 403
    assert partner.call("GET", "/graph/v1.0/users", tenant=PARTNER_TENANT).status_code == 403
