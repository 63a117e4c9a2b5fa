"""Licences by group, users with both kinds, the books of who was without; resellers of a line."""

from __future__ import annotations

from typing import Any

from cspkit.rehearsal import people, saved
from cspkit.rehearsal.records import RESELLERS, Customer, Licence, User
from tests.rehearsal.conftest import BASIC_SKU, Partner

GROUP = "0c0c0c0c-0000-4000-8000-000000000001"
PLAN_2 = "19ec0d23-8335-4cbd-94ac-6050e30712fa"
EXCHANGE = "CFQ7TTC0LH1P/skus/0001"
(SIGNED, (_, SIGNED_MPN)), (_, (_, UNSIGNED_MPN)) = RESELLERS.items()


def grouped(partner: Partner, *, own: bool = False, seats: int = 3) -> tuple[Customer, User]:
    """A customer with one user whom a group gives Basic, and seats of another mailbox plan."""
    customer = partner.accessible()
    partner.buy(customer, seats=3)
    partner.buy(customer, seats=seats, catalogItemId=partner.availability(customer, EXCHANGE))
    user = next(one for one in people.users(partner.world, customer).values() if one.licences)
    for sku_id in user.licences:
        partner.world.consumed[customer.id, sku_id] -= 1
    held = Licence(partner.world.now, [], GROUP, own_disabled=["x"] if own else None)
    user.licences = {BASIC_SKU: held}
    partner.world.consumed[customer.id, BASIC_SKU] += 1
    return customer, user


def swap(partner: Partner, customer: Customer) -> int:
    """Let the group give Exchange Plan 2 instead of Basic; give the status of the answer."""
    body = {
        "addLicenses": [{"skuId": PLAN_2, "disabledPlans": []}],
        "removeLicenses": [BASIC_SKU],
    }
    path = f"/graph/v1.0/groups/{GROUP}/assignLicense"
    return partner.post(path, tenant=customer.id, json=body).status_code


def states(partner: Partner, customer: Customer, user: User) -> list[Any]:
    """How Graph describes where the licences of a user come from."""
    path = f"/graph/v1.0/users/{user.id}?$select=licenseAssignmentStates"
    found: list[Any] = partner.get(path, tenant=customer.id).json()["licenseAssignmentStates"]
    return sorted((one["assignedByGroup"] or "", one["error"]) for one in found)


def test_a_group_is_changed_at_once_and_felt_later(partner: Partner) -> None:
    """GET of the group shows the new licence at once, its member some minutes later, no gap."""
    customer, user = grouped(partner)
    path = f"/graph/v1.0/groups/{GROUP}?$select=id,assignedLicenses"

    assert swap(partner, customer) == 202
    given = partner.get(path, tenant=customer.id).json()["assignedLicenses"]
    assert [one["skuId"] for one in given] == [PLAN_2]
    assert list(user.licences) == [BASIC_SKU]
    partner.wait(minutes=4)
    assert list(user.licences) == [PLAN_2]
    assert partner.server.books()["unserved"] == []
    assert swap(partner, customer) == 400, "the group has no such licence any more"


def test_a_licence_can_be_from_a_group_and_of_the_user(partner: Partner) -> None:
    """Two states, one seat; taking the user's own leaves the group's."""
    customer, user = grouped(partner, own=True)
    body = {"addLicenses": [], "removeLicenses": [BASIC_SKU]}
    used = partner.world.consumed[customer.id, BASIC_SKU]
    both = states(partner, customer, user)
    path = f"/graph/v1.0/users/{user.id}/assignLicense"

    assert both == [("", "None"), (GROUP, "None")]
    assert partner.post(path, tenant=customer.id, json=body).status_code == 200
    assert states(partner, customer, user) == [(GROUP, "None")]
    assert partner.world.consumed[customer.id, BASIC_SKU] == used
    assert partner.post(path, tenant=customer.id, json=body).status_code == 400


def test_an_own_licence_stands_in_the_way_of_the_groups(partner: Partner) -> None:
    """Whoever keeps another mailbox of their own gets the group's in error."""
    customer, user = grouped(partner, own=True)
    swap(partner, customer)
    partner.wait(minutes=4)

    assert states(partner, customer, user) == [
        ("", "None"),
        (GROUP, "MutuallyExclusiveViolation"),
    ]


def test_a_member_without_a_seat_is_unserved_in_the_books(partner: Partner) -> None:
    """A group takes the old licence although there is no seat of the new one: that is a gap."""
    customer, user = grouped(partner, seats=1)
    partner.world.consumed[customer.id, PLAN_2] += 1_000
    swap(partner, customer)
    partner.wait(minutes=4)
    gaps = partner.server.books()["unserved"]

    assert states(partner, customer, user) == [(GROUP, "CountViolation")]
    assert sorted((gap["user_id"], gap["what"], gap["until"]) for gap in gaps) == [
        (user.id, "licence", None),
        (user.id, "mailbox", None),
    ]


def test_taking_first_and_giving_later_is_a_gap(partner: Partner) -> None:
    """Two calls instead of one leave the user without in between; the books say how long."""
    customer, user = grouped(partner)
    user.licences[BASIC_SKU].by_group = None
    path = f"/graph/v1.0/users/{user.id}/assignLicense"
    taken = {"addLicenses": [], "removeLicenses": [BASIC_SKU]}
    given = {"addLicenses": [{"skuId": PLAN_2, "disabledPlans": []}], "removeLicenses": []}
    partner.post(path, tenant=customer.id, json=taken)
    partner.wait(minutes=1)
    partner.post(path, tenant=customer.id, json=given)

    gaps = partner.server.books()["unserved"]
    assert {gap["what"] for gap in gaps} == {"licence", "mailbox"}
    assert all(gap["since"] < gap["until"] for gap in gaps)


def test_groups_and_gaps_survive_a_saved_world(partner: Partner) -> None:
    """What is under way when a world is saved goes on in the one that is read."""
    customer, user = grouped(partner)
    swap(partner, customer)
    again = saved.from_json(saved.to_json(partner.world))
    again.move_to(again.now.replace(hour=23))

    assert list(again.users[customer.id][user.id].licences) == [PLAN_2]
    assert again.groups[GROUP]["licences"] == {PLAN_2: []}


def test_a_reseller_of_a_line_must_be_ours_and_have_signed(partner: Partner) -> None:
    """10004 in the cart for a stranger, 900123 at the checkout for one who signed nothing."""
    customer = partner.related()

    def named(value: str) -> dict[str, Any]:
        return {"participants": [{"key": "transaction_reseller", "value": value}]}

    stranger = partner.cart(customer, **named("1")).json()["lineItems"][0]
    cart = partner.cart(customer, **named(UNSIGNED_MPN)).json()
    refused = partner.check_out(customer, cart["id"])
    partner.buy(customer, **named(SIGNED_MPN))

    assert stranger["error"]["errorCode"] == "10004"
    assert (refused.status_code, refused.json()["code"]) == (403, 900123)
    (order,) = partner.server.books()["orders"]
    assert order["resellers"] == [SIGNED_MPN]


def test_each_reseller_has_a_link_of_its_own(partner: Partner) -> None:
    """The link names the reseller; one who is not ours has none."""
    path = "/v1/customers/relationshiprequests"
    own = partner.get(path).json()["url"]
    theirs = partner.get(f"{path}?indirectResellerId={SIGNED}").json()["url"]

    assert SIGNED in theirs and own != theirs
    assert partner.get(f"{path}?indirectResellerId={GROUP}").status_code == 400
