"""Microsoft Graph: whose token, which seats, and one call for a change of licences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cspkit import graph
from cspkit.errors import ApiRefused, ApiUnavailable
from cspkit.graph import Graph
from cspkit.wire import FixedTokens, Wire
from tests.canned import Canned, Reply

PARTNER = "00000000-0000-4000-8000-000000000001"
CUSTOMER = "11111111-0000-4000-8000-000000000001"
OLD, NEW = "aaaa0000-0000-4000-8000-00000000000a", "bbbb0000-0000-4000-8000-00000000000b"
GDAP = "/v1.0/tenantRelationships/delegatedAdminRelationships"
Dial = Callable[..., tuple[Graph, Canned]]


@pytest.fixture
def dial() -> Iterator[Dial]:
    """A Graph that answers from a list."""
    wires: list[Wire] = []

    def make(replies: dict[str, list[Reply]]) -> tuple[Graph, Canned]:
        adapter = Canned({**replies})
        wires.append(Wire("https://graph.example", tokens=FixedTokens(), adapter=adapter))
        return Graph(wires[-1], PARTNER), adapter

    yield make
    for wire in wires:
        wire.close()


def test_licences_are_read_with_the_customers_token(dial: Dial) -> None:
    """Each tenant opens only to a token of its own."""
    item = {
        "skuId": OLD.upper(),
        "prepaidUnits": {"enabled": 25, "warning": 3},
        "consumedUnits": 14,
        "capabilityStatus": "Enabled",
        "servicePlans": [{"servicePlanId": "P1"}],
    }
    service, adapter = dial({"GET /v1.0/subscribedSkus": [(200, {"value": [item]})]})

    pool = service.pools(CUSTOMER)[OLD]

    assert (pool.enabled, pool.consumed, pool.status) == (25, 14, "enabled")
    assert adapter.asked[0].headers["Authorization"] == f"Bearer rehearsal-user-{CUSTOMER}"


@pytest.mark.parametrize("lacks", ["prepaidUnits", "consumedUnits"])
def test_seats_that_nobody_states_are_not_none(dial: Dial, lacks: str) -> None:
    """A pool without its seats or their use is not read: nobody in use would let an end pass."""
    item = {"skuId": OLD, "prepaidUnits": {"enabled": 25}, "consumedUnits": 14}
    items = [{**item, "skuId": NEW}, {**item, lacks: None}]
    service, _ = dial({"GET /v1.0/subscribedSkus": [(200, {"value": items})]})

    assert list(service.pools(CUSTOMER)) == [NEW]


def test_relationships_are_asked_for_with_the_partners_token(dial: Dial) -> None:
    """A service that ignores the filter does not hand us another customer's access."""
    items = [
        {"id": "r1", "customer": {"tenantId": CUSTOMER.upper()}, "status": "active"},
        {"id": "r2", "customer": {"tenantId": "another"}, "status": "active"},
    ]
    service, adapter = dial({f"GET {GDAP}": [(200, {"value": items})]})

    assert [one.id for one in service.relationships(CUSTOMER)] == ["r1"]
    assert adapter.asked[0].headers["Authorization"] == f"Bearer rehearsal-user-{PARTNER}"


def test_access_is_asked_for_with_the_least_roles() -> None:
    """Reading the directory and changing licences: nothing more."""
    body = graph.relationship_body(CUSTOMER, "cspkit x")

    roles = [one["roleDefinitionId"] for one in body["accessDetails"]["unifiedRoles"]]
    assert roles == [graph.DIRECTORY_READERS, graph.LICENSE_ADMINISTRATOR]


def test_users_come_page_by_page(dial: Dial) -> None:
    """The absolute link of Graph is followed on its own host."""
    user = {
        "id": "u1",
        "usageLocation": "ES",
        "assignedLicenses": [{"skuId": OLD.upper(), "disabledPlans": ["P1"]}],
        "licenseAssignmentStates": [{"skuId": OLD, "assignedByGroup": None}],
    }
    pages: list[Reply] = [
        (
            200,
            {"value": [user], "@odata.nextLink": "https://graph.example/v1.0/users?$skiptoken=1"},
        ),
        (200, {"value": [{"id": "u2"}]}),
    ]
    service, _ = dial({"GET /v1.0/users": pages})

    first, second = service.users(CUSTOMER)

    licence = first.licence(OLD)
    assert licence is not None
    assert (licence.disabled_plans, licence.by_group) == (frozenset({"p1"}), False)
    assert (second.id, second.licences, second.usage_location) == ("u2", (), "")


def test_pages_that_go_round_are_an_error(dial: Dial) -> None:
    """A link that leads back to itself does not hang a run."""
    page: Reply = (200, {"value": [], "@odata.nextLink": "https://graph.example/v1.0/users?a"})
    service, _ = dial({"GET /v1.0/users": [page]})

    with pytest.raises(ApiUnavailable, match="round in a circle"):
        list(service.users(CUSTOMER))


@pytest.mark.parametrize(
    ("groups", "expected"), [([None], False), (["g1"], True), (["g1", None], False), ([], False)]
)
def test_a_licence_of_a_group_is_told_apart(
    dial: Dial, groups: list[str | None], expected: bool
) -> None:
    """Only what no user holds directly is the group's."""
    user = {
        "id": "u1",
        "assignedLicenses": [{"skuId": OLD}],
        "licenseAssignmentStates": [{"skuId": OLD, "assignedByGroup": one} for one in groups],
    }
    service, _ = dial({"GET /v1.0/users/u1": [(200, user)]})

    licence = service.user(CUSTOMER, "u1").licence(OLD)

    assert licence is not None
    assert licence.by_group is expected


def test_a_change_of_licence_is_one_call(dial: Dial) -> None:
    """Add and remove travel together, so that no mailbox is ever without."""
    service, adapter = dial({"POST /v1.0/users/u1/assignLicense": [(200, {"id": "u1"})]})

    service.change_licences(
        CUSTOMER, graph.licences_path("u1"), graph.licences_body(NEW, ["p1"], OLD), "r-1"
    )

    assert adapter.bodies() == [
        {"addLicenses": [{"skuId": NEW, "disabledPlans": ["p1"]}], "removeLicenses": [OLD]}
    ]
    assert adapter.asked[0].headers["client-request-id"] == "r-1"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ((200, {"value": []}), True),
        ((403, {"error": {"code": "Authorization_RequestDenied"}}), False),
    ],
)
def test_access_can_be_tried(dial: Dial, reply: Reply, expected: bool) -> None:
    """Reading is the proof that access works."""
    service, _ = dial({"GET /v1.0/subscribedSkus": [reply]})

    assert service.can_read(CUSTOMER) is expected


def test_no_licence_left_is_a_refusal_in_words(dial: Dial) -> None:
    """What Graph says reaches the person, without its markup."""
    error: dict[str, Any] = {
        "error": {"code": "Request_BadRequest", "message": "no available licenses."}
    }
    service, _ = dial({"POST /v1.0/users/u1/assignLicense": [(400, error)]})

    with pytest.raises(ApiRefused, match="no available licenses"):
        service.change_licences(
            CUSTOMER, graph.licences_path("u1"), graph.licences_body(NEW, [], OLD), "r-1"
        )


def test_originals_of_every_channel_are_seen(dial: Dial) -> None:
    """The directory shows what Partner Center cannot: subscriptions that others sold."""
    item = {
        "id": "S1",
        "commerceSubscriptionId": "C1",
        "skuId": OLD,
        "status": "Enabled",
        "totalLicenses": 25,
        "nextLifecycleDateTime": "2026-12-31T00:00:00.0000000Z",
    }
    free = {**item, "id": "S2", "nextLifecycleDateTime": None}
    service, _ = dial({"GET /v1.0/directory/subscriptions": [(200, {"value": [item, free]})]})

    first, second = service.owned(CUSTOMER)

    assert first.next_change_at is not None
    assert (first.id, first.commerce_id, first.status, second.next_change_at) == (
        "s1",
        "c1",
        "enabled",
        None,
    )
