"""Lists as the documents ask for them: views, segments, sorting, names of resellers, countries."""

from __future__ import annotations

import json

import pytest

from tests.rehearsal.conftest import BASIC, Partner


@pytest.mark.parametrize("view", ["SoftwarePerpetual", "MarketplaceSaaS", "AzureReservationsVM"])
def test_a_documented_view_without_products_is_empty(partner: Partner, view: str) -> None:
    """It is refused only when no document names it."""
    path = "/v1/products?country=US&targetView="

    assert partner.get(path + view).json()["items"] == []
    assert partner.get(path + "Nothing").json()["code"] == 400036


def test_a_documented_segment_without_products_is_empty(partner: Partner) -> None:
    """Education, government and nonprofit are segments, though nothing of them is sold here."""
    paths = ["?targetView=OnlineServices&", f"/{BASIC.split('/')[0]}/skus?"]
    paths.append(f"/{BASIC}/availabilities?")
    for path in paths:
        whole = f"/v1/products{path}country=US&targetSegment="
        assert partner.get(whole + "Education").json()["items"] == []
        assert partner.get(whole + "Commercial").json()["items"] != []
        odd = partner.get(whole + "private")
        assert (odd.status_code, odd.json()["code"]) == (403, 400030)


def test_users_come_sorted_as_asked(partner: Partner) -> None:
    """By one of their fields, up or down, over all pages."""
    path = f"/v1/customers/{partner.accessible().id}/users"
    for direction in ("Ascending", "Descending"):
        query = f"?size=2&sortField=DisplayName&sortDirection={direction}"
        names: list[str] = []
        headers: dict[str, str] = {}
        while True:
            page = partner.get(path + query, headers=headers).json()
            names += [item["displayName"].casefold() for item in page["items"]]
            if "next" not in page["links"]:
                break
            headers = {"MS-ContinuationToken": page["continuationToken"]}
            query = "?" + page["links"]["next"]["uri"].partition("?")[2]
        assert len(names) > 2
        assert names == sorted(names, reverse=direction == "Descending")
    assert partner.get(f"{path}?sortField=shoe").json()["code"] == 2000


@pytest.mark.parametrize(
    ("operator", "value", "found"),
    [
        ("starts_with", "nuv", 1),
        ("substring", "SRL", 1),
        ("equals", "Nuvole Srl", 1),
        ("starts_with", "srl", 0),
    ],
)
def test_resellers_are_found_by_name(
    partner: Partner, operator: str, value: str, found: int
) -> None:
    """The one filter that the list of relationships has; letters count in any case."""
    text = json.dumps({"Field": "Name", "Value": value, "Operator": operator})
    asked = {"relationship_type": "IsIndirectCloudSolutionProviderOf", "filter": text}

    assert len(partner.get("/v1/relationships", params=asked).json()["items"]) == found


@pytest.mark.parametrize("text", ["{", "[]", '{"Field":"Id","Value":"x","Operator":"equals"}'])
def test_an_odd_filter_of_resellers_is_refused(partner: Partner, text: str) -> None:
    """No JSON, no object, another field."""
    asked = {"relationship_type": "IsIndirectResellerOf", "filter": text}
    answer = partner.get("/v1/relationships", params=asked)

    assert (answer.status_code, answer.json()["code"]) == (400, 2000)


def test_every_country_is_one(partner: Partner) -> None:
    """A user may be in Hungary and a new customer in Great Britain, but nobody in QQ."""
    customer = partner.accessible()
    path = f"/v1/customers/{customer.id}/users"
    user = f"{path}/{partner.get(path).json()['items'][0]['id']}"
    moved = partner.call("PATCH", user, json={"UsageLocation": "hu"})
    new = {
        "CompanyProfile": {"Domain": "new.onmicrosoft.example"},
        "BillingProfile": {"CompanyName": "New", "DefaultAddress": {"Country": "GB"}},
    }

    assert moved.json()["usageLocation"] == "HU"
    assert partner.get("/v1/countryvalidationrules/HU").json()["iso2Code"] == "HU"
    assert partner.post("/v1/customers", json=new).status_code == 201
    assert partner.get("/v1/countryvalidationrules/QQ").status_code == 400


def test_a_batch_waits_for_what_comes_later(partner: Partner) -> None:
    """`dependsOn` names any request of the batch; one that names none, or a circle, is refused."""
    tenant = partner.accessible().id
    read = {"method": "GET", "url": "/subscribedSkus"}
    good = [{"id": "1", "dependsOn": ["2"], **read}, {"id": "2", **read}]
    circle = [{"id": "1", "dependsOn": ["2"], **read}, {"id": "2", "dependsOn": ["1"], **read}]
    lone = [{"id": "1", "dependsOn": ["9"], **read}]
    answers = [
        partner.post("/graph/v1.0/$batch", tenant=tenant, json={"requests": sent})
        for sent in (good, circle, lone)
    ]

    assert [answer.status_code for answer in answers] == [200, 400, 400]
    assert [one["status"] for one in answers[0].json()["responses"]] == [200, 200]


def test_a_service_request_is_closed_by_a_number(partner: Partner) -> None:
    """The list shows numbers for the states, so a number is understood."""
    made = partner.post("/v1/servicerequests/en-US", json={"Title": "Help"}).json()
    path = f"/v1/servicerequests/{made['id']}"

    assert partner.call("PATCH", path, json={"Status": 2}).json()["status"] == "closed"
    assert partner.call("PATCH", path, json={"Status": 9}).json()["code"] == 2000


@pytest.mark.parametrize(
    "sent", [{}, {"client-request-id": "0d7a6f3e-0000-4000-8000-000000000001"}]
)
def test_an_error_of_graph_names_the_ids_of_its_headers(
    partner: Partner, sent: dict[str, str]
) -> None:
    """For support: `request-id` and `client-request-id` are the same in both places."""
    path = "/graph/v1.0/subscribedSkus"
    answer = partner.get(path, tenant=partner.stranger().id, headers=dict(sent))
    found = answer.json()["error"]["innerError"]

    for name in ("request-id", "client-request-id"):
        assert found[name] == answer.headers[name] != ""
    assert sent.items() <= dict(answer.headers.lower_items()).items()
