"""Whatever comes in, the answer has the documented shape: every route, made-up calls."""

from __future__ import annotations

import json
import os
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cspkit.rehearsal import application, people, relations
from cspkit.rehearsal.faults import Faults
from cspkit.rehearsal.inprocess import URL, session
from cspkit.rehearsal.records import PARTNER_TENANT
from cspkit.rehearsal.world import World
from tests.rehearsals import Door

ROUTES = sorted(
    {
        (method, str(rule))
        for rule in application.build(World(), Faults(), with_control=True).url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
)
_NAMES = (
    "lineItems id catalogItemId quantity billingCycle termDuration friendlyName status "
    "autoRenewEnabled scheduledActions actionType scheduleType instructions product "
    "scheduledNextTermInstructions primaryContact firstName email templateId dateAgreed type "
    "addLicenses removeLicenses skuId disabledPlans requests method url headers body dependsOn "
    "licensesToAssign licensesToRemove currentSubscriptionId addOnMigrations targetDate "
    "sourcePartnerTenantId sourcePartnerName customerEmailId transferType targetPartnerTenantId "
    "items TargetItems ProductId CompanyProfile BillingProfile DefaultAddress Domain Country "
    "relationshipToPartner Qualification usageLocation Title NewNote WebhookUrl WebhookEvents "
    "displayName duration customer tenantId accessDetails unifiedRoles roleDefinitionId action "
    "accessContainer accessContainerId kind now customer_id participants provisioningContext "
    "addonItems attributes etag partnerId"
)
_ASKED = (
    "size seekOperation filter country targetView targetSegment agreementType startDate endDate "
    "order_id mpn_id relationship_type mpnId tenantId licenseGroupIds transferType migration_id "
    "CustomerTenantId PageSize offset segment billingType include_price $filter $top $select "
    "$skiptoken $count"
)
WORDS = st.sampled_from(_NAMES.split())
VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=12)
    | st.sampled_from(
        ["P1Y", "monthly", "active", "deleted", "2027-01-01T00:00:00Z", "lockForApproval"]
    )
)
JSON = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=6)
)
BODIES = (
    st.binary(max_size=40)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(WORDS, JSON, max_size=8).map(lambda value: json.dumps(value).encode())
)
QUERIES = st.dictionaries(
    st.sampled_from(_ASKED.split()),
    st.text(max_size=10) | st.sampled_from(["1", "ES", "OnlineServices", "Next", "{}", "[]"]),
    max_size=4,
)


class Place:
    """A gate, and ids that exist in its world."""

    def __init__(self) -> None:
        world = World.sample(customers=40)
        self.world = world
        self.gate = Door(world, with_control=True)
        self.session = session(self.gate)
        self.customer = next(
            one
            for one in world.customers.values()
            if relations.roles_in(world, one.id)
            and any(item.ours for item in world.originals(one.id))
        )
        item = next(item for item in world.originals(self.customer.id) if item.ours)
        user_id = next(iter(people.users(world, self.customer)))
        self.known = {
            "customer_id": self.customer.id,
            "subscription_id": item.id,
            "order_id": item.order_id,
            "user_id": user_id,
            "product_id": "CFQ7TTC0LH18",
            "sku_id": "0001",
            "access_id": world.access_of[self.customer.id][0].id,
            "template_id": relations.TEMPLATE,
            "tenant": PARTNER_TENANT,
            "country": "ES",
            "market": "ES",
            "view": "updatedlicensebased",
        }


# more of them find nothing new within a minute; a hunt raises the number
EXAMPLES = int(os.environ.get("CSPKIT_RUBBISH", "10"))
PLACE = Place()


def filled(route: str, made_up: str) -> str:
    """Put ids that exist into a route, or the made-up word where none is known."""
    return re.sub(
        r"<(?:\w+:)?(\w+)>", lambda found: PLACE.known.get(found[1], "") or made_up, route
    )


def is_documented(path: str, found: Any) -> bool:
    """Say whether an error has the shape that its part of the service has."""
    if path.startswith("/graph"):
        return {"code", "message", "innerError"} <= found["error"].keys()
    if path.startswith("/azure"):
        return {"code", "message"} <= found["error"].keys()
    if "/oauth2/" in path:
        return {"error", "error_description"} <= found.keys()
    if path.startswith("/control"):
        return "error" in found
    return {"code", "description", "data", "source"} <= found.keys()


@pytest.mark.parametrize(("method", "route"), ROUTES, ids=lambda word: str(word))
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    body=BODIES,
    query=QUERIES,
    made_up=st.text("abc0-é/%'\x00", min_size=1, max_size=8) | st.just(PARTNER_TENANT),
    tenant=st.booleans(),
    token=st.sampled_from(["user", "user", "user", "app", "none"]),
)
def test_no_call_breaks_the_rehearsal(
    method: str,
    route: str,
    body: bytes,
    query: dict[str, str],
    made_up: str,
    tenant: bool,
    token: str,
) -> None:
    """Malformed bodies, wrong types, unknown ids: 4xx with a code and words, never a 500."""
    theirs = route.startswith(("/graph", "/azure")) and tenant
    whose = PLACE.customer.id if theirs else PARTNER_TENANT
    headers = {"Authorization": f"Bearer rehearsal-{token}-{whose}"}
    if route.startswith("/control/clock") and b"now" in body:
        return
    answer = PLACE.session.request(
        method, URL + filled(route, made_up), data=body, params=query, headers=headers
    )

    assert answer.status_code < 500, (PLACE.world.books.server_errors[-1:], body, query)
    if answer.status_code >= 400:
        assert is_documented(route, answer.json()), answer.text


def test_every_route_was_meant() -> None:
    """The list of routes is the rehearsal's own: a new one is tried without being named here."""
    assert len(ROUTES) >= 100
    assert ("POST", "/v1/customers/<customer_id>/carts/<cart_id>/checkout") in ROUTES
