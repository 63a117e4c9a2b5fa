"""Licences, migrations, transfers, promotions, profiles: the rest of what Partner Center serves."""

from __future__ import annotations

import csv
from typing import Any

import pytest

from cspkit.rehearsal import people
from cspkit.rehearsal.products import products
from cspkit.rehearsal.records import PARTNER_TENANT, RESELLERS, Customer, Subscription
from tests.rehearsal.conftest import BASIC, Partner

BASIC_OFFER = "CFQ7TTC0LH18:0001"


def held(partner: Partner, channel: str, **wanted: Any) -> Subscription:
    """A subscription of a channel, in a tenant that is our customer."""
    return next(
        item
        for tenant in partner.world.subscriptions.values()
        for item in tenant.values()
        if item.channel == channel
        and partner.world.customers[item.customer_id].related
        and all(getattr(item, name) == value for name, value in wanted.items())
    )


def movable(partner: Partner) -> Subscription:
    """A legacy subscription that can be migrated."""
    item = held(partner, "csp_legacy", status="active", parent_id="")
    item.product, item.cycle = held(partner, "csp_nce").product, "monthly"
    return item


def migration(item: Subscription, path: str = "") -> str:
    return f"/v1/customers/{item.customer_id}/migrations/newcommerce{path}"


# users and licences


def test_users_are_read_with_access_only(partner: Partner) -> None:
    """The list of users needs a role in the tenant, and shows where each user is."""
    one, other = partner.accessible(), partner.related()
    listed = partner.get(f"/v1/customers/{one.id}/users?size=500").json()
    refused = partner.get(f"/v1/customers/{other.id}/users")

    assert len(people.users(partner.world, one)) == len(listed["items"])
    assert (refused.status_code, refused.json()["code"]) == (403, 900308)


def test_deleted_users_are_a_filter_of_their_own(partner: Partner) -> None:
    """Inactive means deleted, and nobody was."""
    path = f"/v1/customers/{partner.accessible().id}/users"
    wanted = '{"Field":"UserStatus","Value":"Inactive","Operator":"equals"}'

    assert partner.get(path, params={"filter": wanted}).json()["items"] == []


def licensed(partner: Partner) -> tuple[Customer, str, str]:
    """A customer, one of its users and the product of a licence that the user holds directly."""
    one = partner.accessible()
    for user in people.users(partner.world, one).values():
        for sku_id, licence in user.licences.items():
            if licence.by_group is None:
                return one, user.id, sku_id
    raise AssertionError("nobody is licensed")


def test_a_licence_is_taken_and_given_by_partner_center(partner: Partner) -> None:
    """licenseupdates answers 201 and the licences of the user follow."""
    one, user_id, sku_id = licensed(partner)
    path = f"/v1/customers/{one.id}/users/{user_id}"
    taken = partner.post(f"{path}/licenseupdates", json={"licensesToRemove": [sku_id]})
    without = partner.get(f"{path}/licenses").json()["items"]
    wanted = {"licensesToAssign": [{"skuId": sku_id, "excludedPlans": None}]}
    given = partner.post(f"{path}/licenseupdates", json=wanted)
    again = partner.get(f"{path}/licenses").json()["items"]

    assert [taken.status_code, given.status_code] == [201, 201]
    assert sku_id not in [item["productSku"]["id"] for item in without]
    assert sku_id in [item["productSku"]["id"] for item in again]


def test_without_seats_the_refusal_is_escaped(partner: Partner) -> None:
    """60012 comes with an apostrophe written for a web page, and the reason in its data."""
    one, user_id, sku_id = licensed(partner)
    path = f"/v1/customers/{one.id}/users/{user_id}/licenseupdates"
    partner.post(path, json={"licensesToRemove": [sku_id]})
    partner.world.consumed[one.id, sku_id] += 100_000
    answer = partner.post(path, json={"licensesToAssign": [{"skuId": sku_id}]})

    assert (answer.status_code, answer.json()["code"]) == (400, 60012)
    assert "We&#39;re sorry" in answer.json()["description"]
    assert sku_id in answer.json()["data"][0]


def test_a_place_is_set_by_partner_center(partner: Partner) -> None:
    """A user without a place cannot hold a licence until somebody sets it."""
    one = partner.accessible()
    user = next(u for u in people.users(partner.world, one).values() if u.usage_location is None)
    path = f"/v1/customers/{one.id}/users/{user.id}"
    answer = partner.call("PATCH", path, json={"usageLocation": "es"})

    assert (answer.status_code, answer.json()["usageLocation"]) == (200, "ES")


def test_a_group_changes_its_members_later(partner: Partner) -> None:
    """202 at once; the licences of the members follow, and who has no seat says so."""
    one, user_id, sku_id = licensed(partner)
    user = people.users(partner.world, one)[user_id]
    user.licences[sku_id].by_group = "0c0c0c0c-0000-4000-8000-000000000001"
    path = "/graph/v1.0/groups/0c0c0c0c-0000-4000-8000-000000000001/assignLicense"
    answer = partner.post(path, tenant=one.id, json={"addLicenses": [], "removeLicenses": [sku_id]})

    assert (answer.status_code, sku_id in user.licences) == (202, True)
    partner.wait(minutes=4)
    assert sku_id not in user.licences


# migrations


def test_a_legacy_subscription_is_migrated(partner: Partner) -> None:
    """Processing, some minutes, then Completed with a subscription that remembers its origin."""
    item = movable(partner)
    body = {"currentSubscriptionId": item.id.upper()}
    valid = partner.post(migration(item, "/validate"), json=body).json()
    made = partner.post(migration(item), json=body)
    partner.wait(minutes=6)
    done = partner.get(migration(item, f"/{made.json()['id']}")).json()
    events = partner.get(migration(item, f"/events?migration_id={made.json()['id']}")).json()
    new = f"/v1/customers/{item.customer_id}/subscriptions/{done['newCommerceSubscriptionId']}"

    assert (
        valid["isEligible"],
        made.json()["status"],
        done["status"],
    ) == (True, "Processing", "Completed")
    assert [
        events[0]["eventName"],
        events[-1]["eventName"],
    ] == ["MigrationStarted", "MigrationCompleted"]
    assert item.id == partner.get(new).json()["migratedFromSubscriptionId"]
    assert item.status == "deleted"


def test_a_migration_happens_once(partner: Partner) -> None:
    """A second request finds the first one at work."""
    item = movable(partner)
    answers = [
        partner.post(migration(item), json={"currentSubscriptionId": item.id}) for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [201, 400]
    assert answers[1].json()["code"] == 900216


def test_what_has_no_successor_is_not_eligible(partner: Partner) -> None:
    """validate says code 5 inside a 200, create refuses with 900220."""
    item = held(partner, "csp_legacy", status="active", parent_id="")
    item.product = next(one for one in products() if not one.offer and one.legacy_offer)
    body = {"currentSubscriptionId": item.id}
    valid = partner.post(migration(item, "/validate"), json=body).json()

    assert (valid["isEligible"], valid["errors"][0]["code"]) == (False, 5)
    assert partner.post(migration(item), json=body).json()["code"] == 900220


def test_migrations_are_found_by_reference(partner: Partner) -> None:
    """The query answers with a bare array; an unknown reference with an empty one."""
    item = movable(partner)
    body = {"currentSubscriptionId": item.id, "externalReferenceId": "T-1"}
    partner.post(migration(item), json=body)
    path = "/v1/migrations/newcommerce?ExternalReferenceId="

    assert (len(partner.get(f"{path}T-1").json()), len(partner.get(f"{path}T-2").json())) == (1, 0)
    assert partner.get("/v1/migrations/newcommerce").status_code == 400


def test_a_migration_can_be_planned_and_given_up(partner: Partner) -> None:
    """A schedule runs on its day, unless it was cancelled."""
    item = movable(partner)
    body = {"currentSubscriptionId": item.id, "targetDate": "2026-12-01T00:00:00.000Z"}
    first = partner.post(migration(item, "/schedules"), json=body).json()
    cancelled = partner.post(migration(item, f"/schedules/{first['id']}/cancel"), json={}).json()
    second = partner.post(migration(item, "/schedules"), json=body).json()
    partner.wait(days=9)
    found = {one["id"]: one for one in partner.get(migration(item, "/schedules")).json()}

    assert (first["status"], cancelled["status"]) == ("Created", "Cancelled")
    assert found[first["id"]]["status"] == "Cancelled"
    assert found[second["id"]]["status"] == "Completed"
    assert found[second["id"]]["newCommerceMigrationId"] in partner.world.migrations


# transfers


def transfer(partner: Partner) -> tuple[Subscription, Any]:
    """A subscription of another partner, and the answer to asking for it."""
    item = held(partner, "csp_other", status="active")
    body = {
        "sourcePartnerTenantId": item.owner_tenant,
        "sourcePartnerName": "Other",
        "customerEmailId": "it@customer.example",
        "transferType": 3,
    }
    return item, partner.post(f"/v1/customers/{item.customer_id}/transfers", json=body)


def test_another_partner_hands_its_subscriptions_over(partner: Partner) -> None:
    """Pending until the other partner answers; then they are ours and in our list."""
    partner.control("options", {"transfers_refused": 0})
    item, asked = transfer(partner)
    path = f"/v1/customers/{item.customer_id}"
    partner.wait(days=6)
    done = partner.get(f"{path}/transfers/{asked.json()['id']}").json()
    listed = partner.get(f"{path}/subscriptions").json()["items"]

    assert (
        asked.status_code,
        asked.json()["status"],
        done["status"],
    ) == (201, "Pending", "Complete")
    assert item.id in [one["id"] for one in listed]


def test_another_partner_may_refuse(partner: Partner) -> None:
    """Reject ends a transfer, and nothing has moved."""
    partner.control("options", {"transfers_refused": 1})
    item, asked = transfer(partner)
    partner.wait(days=6)
    path = f"/v1/customers/{item.customer_id}/transfers"

    assert [one["status"] for one in partner.get(path).json()] == ["Reject"]
    assert asked.json()["sourcePartnerTenantId"] == item.owner_tenant


def test_a_transfer_can_be_withdrawn_while_it_waits(partner: Partner) -> None:
    """PATCH to Cancel, once; one transfer at a time; an unknown one is not found."""
    item, asked = transfer(partner)
    twice = transfer(partner)[1]
    path = f"/v1/customers/{item.customer_id}/transfers"
    body = {"id": asked.json()["id"], "status": "cancel"}
    answers = [partner.call("PATCH", f"{path}/{body['id']}", json=body) for _ in range(2)]

    assert (twice.status_code, twice.json()["code"]) == (409, 900101)
    assert (answers[0].json()["status"], answers[1].json()["code"]) == ("Cancel", 900102)
    assert partner.get(f"{path}/{PARTNER_TENANT}").json()["code"] == 900100


def test_another_partner_can_offer(partner: Partner) -> None:
    """What is offered to us is ours once accepted, and cannot be accepted twice."""
    item = held(partner, "csp_other", status="active")
    made = partner.control("offer", {"customer_id": item.customer_id})
    path = f"/v1/customers/{item.customer_id}/transfers/{made['transfer_id']}/accept"
    answers = [partner.post(path) for _ in range(2)]

    assert ([one.status_code for one in answers], item.ours) == ([200, 400], True)
    assert len(made["lines"]) == len(answers[0].json()["orders"])


def test_what_could_be_transferred_is_said_for_each(partner: Partner) -> None:
    """The answer is a bare array with a reason for each that could not."""
    item = held(partner, "csp_legacy", status="active")
    path = f"/v1/customers/{item.customer_id}"
    body = {
        "sourcePartnerTenantId": PARTNER_TENANT,
        "targetPartnerTenantId": next(iter(RESELLERS)),
        "lineItems": [{"subscriptionId": item.id.upper()}],
    }
    made = partner.post(f"{path}/transfers", json=body)
    found = partner.get(f"{path}/transferseligibility?transferType=1").json()
    mine = next(one for one in found if one["id"] == item.id.upper())

    assert (made.status_code, made.json()["status"], mine["isEligible"]) == (201, "Active", False)
    assert made.json()["id"] in mine["reason"]


# the market


def test_promotions_have_their_seats(partner: Partner) -> None:
    """A promotion counts only up to its seats; the answer says why not."""
    listed = partner.get("/v1/productpromotions?country=ES&segment=commercial").json()["items"]
    needs = listed[0]["requiredProducts"][0]
    item = partner.availability(partner.related(), f"{needs['productId']}/skus/{needs['skuId']}")
    line = {"catalogItemId": item, "billingCycle": "annual", "termDuration": "P1Y"}
    body = {"items": [{"id": 0, "quantity": 10, **line}, {"id": 1, "quantity": 9_999, **line}]}
    path = f"/v1/customers/{partner.related().id}/promotionEligibilities"
    found = partner.post(path, json=body).json()["items"]

    assert [one["eligibilities"][0]["isEligible"] for one in found] == [True, False]
    assert found[1]["eligibilities"][0]["errors"][0]["type"] == "SeatCount"


def test_inventory_is_a_bare_array(partner: Partner) -> None:
    """What is sold out is restricted, with a reason."""
    partner.control("options", {"sold_out": BASIC_OFFER})
    body = {"TargetItems": [{"ProductId": BASIC.partition("/")[0]}], "InventoryContext": {}}
    found = partner.post("/v1/extensions/product/checkinventory?country=ES", json=body).json()

    assert [one["isRestricted"] for one in found] == [True]


def test_a_price_sheet_is_a_file(partner: Partner) -> None:
    """Prices of a market come as CSV, one line for each product, term and plan."""
    path = "/v1.0/sales/pricesheets(Market='ES',PricesheetView='updatedlicensebased')/$value"
    answer = partner.get(path)
    rows = list(csv.DictReader(answer.text.splitlines()))
    basic = [row for row in rows if row["ProductId"] == "CFQ7TTC0LH18"]

    assert "text/csv" in answer.headers["Content-Type"]
    assert [(row["TermDuration"], row["BillingPlan"]) for row in basic] == [
        ("P1M", "Monthly"),
        ("P1Y", "Monthly"),
        ("P1Y", "Annual"),
    ]
    assert {"5.60", "67.20"} == {row["UnitPrice"] for row in basic}


def test_legacy_offers_are_read_only(partner: Partner) -> None:
    """They are listed, described, and cannot be bought."""
    listed = partner.get("/v1/offers?country=ES&size=3&offset=1").json()["items"]
    one = partner.get(f"/v1/offers/{listed[0]['id']}?country=ES").json()

    assert (3, listed[0], False) == (len(listed), one, one["isAvailableForPurchase"])


# the partner and its customers


def test_resellers_are_listed_and_one_has_not_signed(partner: Partner) -> None:
    """agreementstatus tells who may sell; a tenant that is no GUID is refused in words."""
    listed = partner.get("/v1/relationships?relationship_type=IsIndirectCloudSolutionProviderOf")
    status = "/v1/compliance/csp/agreementstatus"
    signed = [
        partner.get(f"{status}?mpnId={one['mpnId']}").json()["isAgreementSigned"]
        for one in listed.json()["items"]
    ]
    wrong = partner.get(f"{status}?tenantId=x")

    assert signed == [True, False]
    assert (
        wrong.status_code,
        wrong.json()["code"],
        wrong.json()["description"],
    ) == (400, 2000, "Tenant Id must be a GUID.")


def test_customers_are_found_by_their_reseller(partner: Partner) -> None:
    """The filter takes the reseller's tenant; the customer names the same one."""
    one = next(c for c in partner.world.customers.values() if c.related and c.reseller_id)
    wanted = {"Field": "IndirectReseller", "Value": one.reseller_id, "Operator": "starts_with"}
    listed = partner.get("/v1/customers", params={"filter": str(wanted).replace("'", '"')}).json()
    named = partner.get(f"/v1/customers/{one.id}/relationships").json()["items"]

    assert one.id in [item["id"] for item in listed["items"]]
    assert [one.reseller_id] == [item["id"] for item in named]


def test_a_billing_profile_needs_its_etag(partner: Partner) -> None:
    """PUT without If-Match is refused, with the right one it changes the etag too."""
    path = f"/v1/customers/{partner.related().id}/profiles/billing"
    before = partner.get(path).json()
    changed = {**before, "email": "new@customer.example"}
    without = partner.call("PUT", path, json=changed)
    tag = {"If-Match": f'"{before["attributes"]["etag"]}"'}
    after = partner.call("PUT", path, json=changed, headers=tag).json()

    assert (without.status_code, without.json()["code"]) == (400, 2055)
    assert partner.get(path).json()["email"] == "new@customer.example"
    assert before["attributes"]["etag"] != after["attributes"]["etag"]


def test_a_relationship_ends_only_without_active_subscriptions(partner: Partner) -> None:
    """What we sold must be suspended first; then the customer is gone from the list."""
    item = held(partner, "csp_nce", status="active")
    path = f"/v1/customers/{item.customer_id}"
    refused = partner.call("PATCH", path, json={"relationshipToPartner": "none"})
    for other in partner.world.subscriptions[item.customer_id].values():
        other.status = "suspended" if other.ours else other.status
    ended = partner.call("PATCH", path, json={"relationshipToPartner": "none"})

    assert (
        refused.status_code,
        ended.status_code,
        ended.json()["RelationshipToPartner"],
    ) == (400, 200, "none")
    assert partner.get(path).status_code == 403


def test_a_qualification_waits_for_its_vetting(partner: Partner) -> None:
    """It is asked for, and in review from then on."""
    path = f"/v1/customers/{partner.related().id}/qualifications"
    partner.post(path, json={"Qualification": "education"})

    assert [(one["qualification"], one["vettingStatus"]) for one in partner.get(path).json()] == [
        ("Education", "InReview")
    ]


def test_a_new_tenant_is_a_customer_at_once(partner: Partner) -> None:
    """POST answers 201 with the credentials of its first user; its domain is taken then."""
    body = {
        "CompanyProfile": {"Domain": "fresh.example"},
        "BillingProfile": {"CompanyName": "Fresh SL", "DefaultAddress": {"Country": "ES"}},
    }
    made = partner.post("/v1/customers", json=body)

    assert (made.status_code, made.json()["userCredentials"]["userName"]) == (201, "admin")
    assert partner.get(f"/v1/customers/{made.json()['id']}").status_code == 200
    assert partner.post("/v1/customers", json=body).status_code == 400


def test_a_service_request_goes_its_way(partner: Partner) -> None:
    """Numbers in the list, words in the single answer."""
    made = partner.post("/v1/servicerequests/en-us", json={"Title": "Help"}).json()
    path = f"/v1/servicerequests/{made['id']}"
    closed = partner.call("PATCH", path, json={"Status": "closed", "NewNote": {"Text": "done"}})
    listed = partner.get("/v1/servicerequests").json()["items"]

    assert (
        made["status"],
        closed.json()["status"],
        [one["status"] for one in listed],
    ) == ("open", "closed", [2])


def test_a_webhook_is_kept(partner: Partner) -> None:
    """An address and its events; an unknown event is refused."""
    body = {"WebhookUrl": "https://partner.example/hook", "WebhookEvents": ["test-created"]}
    path = "/webhooks/v1/registration"

    assert partner.post(path, json=body).status_code == 200
    assert body["WebhookUrl"] == partner.get(path).json()["WebhookUrl"]
    assert partner.post(path, json=body | {"WebhookEvents": ["all"]}).status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/v1/customers/{c}/subscriptions/{s}/supportcontact",
        "/v1/customers/{c}/subscriptions/{s}/activationlinks",
        "/v1/customers/{c}/subscriptions/{s}/registrationstatus",
        "/v1/customers/{c}/subscriptions/{s}/addons",
        "/v1/customers/{c}/analytics/licenses/usage",
        "/v1/customers/{c}/analytics/licenses/deployment",
        "/v1/customers/{c}/profiles/company",
        "/v1/customers/{c}/servicerequests",
        "/v1/customers/{c}/offers",
        "/v1/offercategories?country=ES",
        "/v1/offers/{o}/addons?country=ES",
        "/v1/countryvalidationrules/ES",
        "/v1/profiles/mpn",
        "/v1/partnerRequests",
        "/v1/servicerequests/supporttopics",
        "/v1/migrations/newcommerce/schedules",
    ],
)
def test_every_other_route_answers(partner: Partner, path: str) -> None:
    """What the documents name can be called."""
    item = held(partner, "csp_nce", status="active")
    wanted = path.format(c=item.customer_id, s=item.id, o=item.product.legacy_offer.upper())

    assert partner.get(wanted).status_code == 200
