"""Every documented answer goes through the verb that would read it; no oddity breaks a list."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cspkit.errors import ApiError
from cspkit.graph import Graph, Part
from cspkit.partner_center import PartnerCenter
from cspkit.wire import FixedTokens, Listed, Record, Wire
from tests.canned import Canned, Service

HERE = Path(__file__).parent
PARTNER = "00000000-0000-4000-8000-000000000001"
C, S, P = "/v1/customers/{customer_id}", "{subscription_id}", "/v1/products/{product_id}"
NC = f"{C}/migrations/newcommerce"


class Client:
    """Both services at one address."""

    def __init__(self, url: str, adapter: Any = None) -> None:
        self.wire = Wire(url, tokens=FixedTokens(), chance=lambda: -0.5, adapter=adapter)
        self.center = PartnerCenter(self.wire, PARTNER)
        self.graph = Graph(self.wire, PARTNER)


Verb = Callable[[Client], Any]
VERBS: dict[str, Verb] = {
    "GET /v1/customers/relationshiprequests": lambda on: on.center.relationship_link(),
    "GET /v1/customers": lambda on: on.center.customers(),
    f"GET {C}": lambda on: on.center.customer("c"),
    f"GET {C}/relationships": lambda on: on.center.resellers_of("c"),
    f"GET {C}/qualifications": lambda on: on.center.qualifications("c"),
    "GET /v1/relationships": lambda on: on.center.resellers(),
    "GET /v1/compliance/csp/agreementstatus": lambda on: on.center.agreement_signed(mpn_id="1"),
    "GET /v1/agreements": lambda on: [on.center.agreement_template()],
    "GET /v1/agreementtemplates/{template_id}/document": lambda on: on.center.agreement_link(
        "t", language="en", country="US"
    ),
    f"GET {C}/agreements": lambda on: on.center.attestations("c"),
    f"POST {C}/agreements": lambda on: on.center.attest("/a", {}, "r"),
    f"GET {C}/directSignedMicrosoftCustomerAgreementStatus": (
        lambda on: on.center.direct_signed("c")
    ),
    "GET /v1/products": lambda on: on.center.products("US"),
    f"GET {P}/skus": lambda on: on.center.skus("p", "US"),
    f"GET {P}/skus/{{sku_id}}/availabilities": lambda on: on.center.availabilities("c", "p", "s"),
    f"POST {C}/promotionEligibilities": lambda on: [on.center.promotions("c", {})],
    f"POST {C}/carts": lambda on: on.center.create_cart("/a", {}, "r"),
    f"POST {C}/carts/{{cart_id}}/checkout": lambda on: on.center.check_out("/a", "r"),
    f"GET {C}/orders": lambda on: on.center.orders("c"),
    f"GET {C}/orders/{{order_id}}": lambda on: on.center.order("c", "o"),
    f"GET {C}/orders/{{order_id}}/provisioningstatus": (
        lambda on: on.center.order_progress("c", "o")
    ),
    f"GET {C}/subscriptions": lambda on: on.center.subscriptions("c"),
    f"GET {C}/subscriptions/{S}": lambda on: on.center.subscription("c", "s"),
    f"PATCH {C}/subscriptions/{S}": lambda on: on.center.change_subscription("/a", {}, "r"),
    f"GET {C}/subscriptions/{S}/provisioningstatus": lambda on: on.center.provisioning("c", "s"),
    "GET /v1/auditrecords": lambda on: on.center.audit_records(DAY),
    f"GET {C}/transfers": lambda on: on.center.transfers("c"),
    f"GET {C}/transfers/{{transfer_id}}": lambda on: on.center.transfer("c", "t"),
    f"POST {C}/transfers": lambda on: on.center.create_transfer("/a", {}, "r"),
    f"GET {C}/transferseligibility": lambda on: on.center.transferable("c"),
    f"POST {NC}/validate": lambda on: on.center.migratable("c", {}),
    f"POST {NC}": lambda on: on.center.create_migration("/a", {}, "r"),
    f"GET {NC}/{{migration_id}}": lambda on: on.center.migration("c", "m"),
    f"GET {NC}/events": lambda on: on.center.migration_events("c", "m"),
    "GET /v1/migrations/newcommerce": lambda on: on.center.migrations("c"),
    "GET /graph/v1.0/directory/subscriptions": lambda on: on.graph.owned("c"),
    "GET /graph/v1.0/subscribedSkus": lambda on: list(on.graph.pools("c")),
    "POST /graph/v1.0/users/{id}/assignLicense": (
        lambda on: on.graph.change_licences("c", "/a", {}, "r")
    ),
    "POST /graph/v1.0/groups/{id}/assignLicense": (
        lambda on: on.graph.change_group_licences("c", "/a", {}, "r")
    ),
    "POST https://graph.microsoft.com/v1.0/$batch": lambda on: on.graph.write_batch(
        "another", [Part("1", "GET", "/me"), Part("2", "GET", "/me")], "r"
    ),
}
DAY = date(2026, 11, 20)


def documents() -> dict[str, dict[str, Any]]:
    """All documented answers: those compared with the rehearsal, and the others."""
    found = json.loads((HERE / "data/api/answers.json").read_text(encoding="utf-8"))
    for file in (HERE / "rehearsal/documents").glob("*.json"):
        found[file.stem] = json.loads(file.read_text(encoding="utf-8"))
    return {name: found[name] for name in sorted(found)}


DOCUMENTS = documents()


def listed(body: Any) -> list[Any] | None:
    """The items that a document lists."""
    if isinstance(body, list):
        return body
    found = [body[name] for name in ("items", "value") if isinstance(body.get(name), list)]
    return found[0] if found else None


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with Service((200, {}, {})) as made:
        yield made


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[Client]:
    made = Client(service.url)
    yield made
    made.wire.close()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_documented_answer_is_read(name: str, service: Service, client: Client) -> None:
    """The verb of the route reads it whole; without a verb it is read as plain JSON."""
    document = DOCUMENTS[name]
    body, status = document["body"], document["status"] or 200
    service.script = [(status, body, {}), (200, {"items": []}, {})]
    call = f"{document['method']} {document['path'].partition('?')[0]}".strip()

    if status >= 400:
        with pytest.raises(ApiError) as caught:
            client.wire.write("POST", "/a", tenant="t", request_id="r")
        assert (caught.value.status, bool(caught.value.code or status == 429)) == (status, True)
        return
    verb = VERBS.get(call)
    if verb is None:
        assert client.wire.read("/a", tenant="t").body == body
        return
    found = verb(client)
    expected = listed(body)
    if expected is not None:
        assert len(found) + getattr(found, "repeated", 0) == len(expected)
        assert getattr(found, "bad", ()) == ()
    elif getattr(found, "id", ""):
        assert found.id == str(Record(body).text("id")).lower()


def test_every_verb_reads_a_document() -> None:
    """No verb stands in the table for a call that no document shows."""
    calls = {f"{one['method']} {one['path'].partition('?')[0]}" for one in DOCUMENTS.values()}

    assert set(VERBS) - calls == set()


LISTS: dict[str, tuple[Verb, str]] = {
    "customers.list": (VERBS["GET /v1/customers"], "items"),
    "orders.list": (VERBS[f"GET {C}/orders"], "items"),
    "subscriptions.list": (VERBS[f"GET {C}/subscriptions"], "items"),
    "auditrecords.list": (VERBS["GET /v1/auditrecords"], "items"),
    "transfers.list": (VERBS[f"GET {C}/transfers"], ""),
    "migration.events.list": (VERBS[f"GET {NC}/events"], ""),
    "graph.directory.subscriptions.list": (
        VERBS["GET /graph/v1.0/directory/subscriptions"],
        "value",
    ),
}
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 10**18),
    st.floats(),
    st.sampled_from(
        [
            "brandNewWord",
            "",
            "2021-08-17T18:13:11.3122226Z",
            "2019-08-26T00:00:00",
            "0001-01-01T00:00:00",
            "9999-12-31T23:59:59.9999999Z",
            "2026-02-30T00:00:00Z",
            "We&#39;re sorry\r\n\u202e",
            "00000000-0000-4000-8000-00000000000A",
        ]
    ),
    st.lists(st.text(max_size=3), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@st.composite
def bent(draw: st.DrawFn, item: Any) -> Any:
    """An item with values of any kind, fields gone or added, names in another case."""
    if not isinstance(item, dict):
        return draw(st.one_of(st.just(item), ODD))
    made: dict[str, Any] = {}
    for name, value in item.items():
        what = draw(st.sampled_from(["keep", "keep", "deep", "odd", "gone", "pascal"]))
        if what == "gone":
            continue
        key = name[:1].upper() + name[1:] if what == "pascal" else name
        made[key] = draw(ODD) if what == "odd" else value
        if what == "deep" and isinstance(value, dict):
            made[key] = draw(bent(value))
    return {**made, "addedLastWeek": {"level": 3}}


@pytest.mark.parametrize("name", LISTS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_item_costs_its_page(name: str, data: st.DataObject) -> None:
    """Whatever one item looks like, its neighbours are read and each item is accounted for."""
    verb, field = LISTS[name]
    body = DOCUMENTS[name]["body"]
    good = (body[field] if field else body)[0]
    strange = data.draw(st.one_of(bent(good), ODD))
    items = [good, strange]
    page = {**body, field: items} if field else items
    adapter = Canned({})
    adapter._reply = lambda *_: (200, json.dumps(page).encode())  # type: ignore[method-assign]
    client = Client("https://api.example", adapter)

    found = verb(client)

    assert isinstance(found, Listed)
    assert found[0] is not None
    assert len(found) + len(found.bad) + found.repeated == 2
    assert all(one.item == 2 for one in found.bad)
    client.wire.close()


@given(odd=ODD)
def test_an_answer_without_a_list_is_no_empty_list(odd: Any) -> None:
    """No orders is said by an empty list; anything else must not look like no orders."""
    adapter = Canned({"GET /v1/customers/c/orders": [(200, json.dumps({"items": odd}))]})
    client = Client("https://api.example", adapter)

    if isinstance(odd, list):
        assert len(client.center.orders("c")) == 0
    else:
        with pytest.raises(ApiError, match="expected a list"):
            client.center.orders("c")
    client.wire.close()
