"""Every verb of Graph over real HTTP: against the rehearsal, or a server with documented bodies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from cspkit import graph as names
from cspkit.errors import ApiError, ApiRefused, ApiUnavailable, ApiUnclear
from cspkit.graph import Graph, Part
from cspkit.rehearsal import people, relations
from cspkit.rehearsal.records import PARTNER_TENANT, Customer
from cspkit.rehearsal.server import Server
from cspkit.rehearsal.world import World
from cspkit.wire import Answer, FixedTokens, Wire
from tests.canned import Service
from tests.rehearsals import Rehearsal

GROUP = "00000000-0000-4000-8000-0000000009b0"


class Office:
    """A partner that speaks to Graph through the client alone."""

    def __init__(self, server: Server) -> None:
        self.server, self.world = server, server.world
        self.wire = Wire(f"{server.url}/graph", tokens=FixedTokens(), allowed_hosts=[server.url])
        self.graph = Graph(self.wire, PARTNER_TENANT)
        self.open = next(
            one
            for one in self.world.customers.values()
            if relations.roles_in(self.world, one.id) and self.licensed(one)
        )

    def licensed(self, customer: Customer) -> list[tuple[str, str, str | None]]:
        """Who holds which licence, by themselves or through which group."""
        return [
            (user.id, sku_id, licence.by_group)
            for user in people.users(self.world, customer).values()
            for sku_id, licence in user.licences.items()
        ]

    def closed(self) -> Customer:
        return next(
            one
            for one in self.world.customers.values()
            if one.related and not self.world.access_of.get(one.id)
        )

    def wait(self, **span: float) -> None:
        self.server.set_clock(self.server.now() + timedelta(**span))

    def control(self, path: str, body: dict[str, Any]) -> None:
        wire = Wire(self.server.url, tokens=FixedTokens())
        wire.write("POST", f"/control/{path}", tenant="x", request_id="c", body=body)
        wire.close()


@pytest.fixture
def office() -> Iterator[Office]:
    with Rehearsal(World.sample(customers=60)) as server:
        made = Office(server)
        yield made
        made.wire.close()
        assert server.books()["server_errors"] == []


def test_access_is_asked_for_approved_and_used(office: Office) -> None:
    """Relationship, lock, poll, assignment, end: and only then the tenant opens."""
    graph, one = office.graph, office.closed()
    before = graph.can_read(one.id)
    made = graph.create_relationship(names.relationship_body(one.id, "cspkit test"), "r-1")
    locking = {"action": "lockForApproval"}
    graph.lock_for_approval(names.requests_path(made.id), locking, "r-2")
    office.control("approve", {"relationship_id": made.id, "customer_id": one.id})
    office.wait(hours=1)
    polled = graph.relationship(made.id)
    assigning = names.assignment_body(GROUP)
    graph.assign(names.assignments_path(made.id), assigning, "r-3")
    office.wait(hours=1)
    (assigned,) = graph.assignments(made.id)

    assert (before, made.status, polled.status) == (False, "created", "active")
    assert (assigned.group_id, assigned.roles) == (GROUP, names.ROLES)
    assert graph.can_read(one.id)
    now = office.server.now()
    assert polled.ends_at is not None
    assert (polled.ends_within(700, now), polled.ends_within(731, now)) == (False, True)
    assert [each.id for each in graph.relationships(one.id)] == [made.id]
    assert made.id in [each.id for each in graph.relationships()]


def test_a_tenant_without_access_is_closed(office: Office) -> None:
    """403 is an answer to `can_read`, and an error to every other verb."""
    one = office.closed()

    assert not office.graph.can_read(one.id)
    with pytest.raises(ApiRefused, match="403"):
        office.graph.users(one.id)


def test_what_a_tenant_owns_is_read(office: Office) -> None:
    """Subscriptions of every channel with their seller, and the pools they add up to."""
    one = office.open
    owned = office.graph.owned(one.id)
    pools = office.graph.pools(one.id)

    ours = {each.id for each in office.world.originals(one.id)}
    assert {each.commerce_id or each.id for each in owned} & ours
    assert {each.sku_id for each in owned} >= set(pools)
    assert all(pool.consumed >= 0 for pool in pools.values())


def test_users_come_with_the_states_of_their_licences(office: Office) -> None:
    """Page by page, each with what it holds and through whom."""
    one = office.open
    users = office.graph.users(one.id)
    expected = set(office.licensed(one))
    found = {
        (user.id, state.sku_id, state.group_id or None) for user in users for state in user.states
    }

    assert len(users) == len(people.users(office.world, one))
    assert found == expected
    assert not any(state.is_wrong for user in users for state in user.states)
    assert office.graph.user(one.id, users[0].id) == users[0]


def let_in(office: Office, one: Customer) -> None:
    """Go the whole way of access with a customer."""
    if relations.roles_in(office.world, one.id):
        return
    graph = office.graph
    made = graph.create_relationship(names.relationship_body(one.id, f"in {one.id[:8]}"), "r-1")
    locking = {"action": "lockForApproval"}
    graph.lock_for_approval(names.requests_path(made.id), locking, "r-2")
    office.control("approve", {"relationship_id": made.id, "customer_id": one.id})
    office.wait(hours=1)
    graph.assign(names.assignments_path(made.id), names.assignment_body(GROUP), "r-3")
    office.wait(hours=1)


def swap(office: Office, *, group: bool) -> tuple[str, str, str]:
    """Somebody's licence, and another of the same tenant with seats enough."""
    for one in office.world.customers.values():
        others = list(office.world.originals(one.id))
        for user_id, sku_id, by_group in office.licensed(one):
            other = next((item for item in others if item.product.sku_id != sku_id), None)
            if one.related and (by_group is not None) is group and other is not None:
                office.open = one
                other.seats += 1_000
                let_in(office, one)
                return by_group or user_id, sku_id, other.product.sku_id
    raise AssertionError("nobody holds a licence that could be swapped")


def test_a_user_swaps_one_licence_for_another(office: Office) -> None:
    """One call; the user holds the new one and no longer the old one."""
    user_id, old, new = swap(office, group=False)
    body = names.licences_body(new, [], old)
    office.graph.change_licences(office.open.id, names.licences_path(user_id), body, "l-1")
    user = office.graph.user(office.open.id, user_id)

    assert user.licence(new) is not None
    assert user.licence(old) is None


def test_a_group_swaps_for_all_its_members(office: Office) -> None:
    """Accepted at once, done later: the members' states say how it went."""
    group_id, old, new = swap(office, group=True)
    body = names.licences_body(new, [], old)
    one = office.open
    members = {user for user, _, group in office.licensed(one) if group == group_id}
    path = names.group_licences_path(group_id)
    office.graph.change_group_licences(one.id, path, body, "l-1")
    at_once = through(office, group_id)
    office.wait(hours=1)
    later = {user.id for user in office.graph.users(one.id) if user.licence(new)}

    assert old in {sku_id for _, sku_id in at_once}
    assert later >= members
    assert old not in {sku_id for _, sku_id in through(office, group_id)}


def through(office: Office, group_id: str) -> set[tuple[str, str]]:
    """Who holds what through a group, as the service says."""
    return {
        (user.id, state.sku_id)
        for user in office.graph.users(office.open.id)
        for state in user.states
        if state.group_id == group_id
    }


def test_a_batch_reads_more_than_twenty_things(office: Office) -> None:
    """In rounds of 20, each part with its own outcome; one that fails hides no other."""
    users = [user for user, _, _ in office.licensed(office.open)]
    wanted = [*dict.fromkeys(users), "nobody"][-45:]
    parts = [Part(str(n), "GET", f"/v1.0/users/{user}") for n, user in enumerate(wanted)]
    found = office.graph.read_batch(office.open.id, parts)
    failed = [key for key, outcome in found.items() if isinstance(outcome, ApiError)]

    assert set(found) == {part.id for part in parts}
    assert failed == [parts[-1].id]
    assert all(
        answer.record.text("id") == wanted[int(key)]
        for key, answer in found.items()
        if isinstance(answer, Answer)
    )


def test_a_batch_writes_in_order_of_need(office: Office) -> None:
    """A part that depends on a failed one is refused with 424; the others are done."""
    user_id, old, new = swap(office, group=False)
    path = names.licences_path(user_id)
    parts = [
        Part("good", "POST", path, names.licences_body(new, [], old)),
        Part("bad", "POST", names.licences_path("nobody"), names.licences_body(new, [], old)),
        Part("after", "POST", path, names.licences_body(old, [], new), after=("bad",)),
    ]
    found = office.graph.write_batch(office.open.id, parts, "b-1")

    after = found["after"]
    assert isinstance(found["good"], Answer)
    assert isinstance(found["bad"], ApiRefused)
    assert isinstance(after, ApiRefused)
    assert (after.status, "depends on failed" in str(after)) == (424, True)
    assert office.graph.user(office.open.id, user_id).licence(new) is not None


def throttled(wait: str) -> dict[str, Any]:
    error = {"code": "TooManyRequests", "message": "Please retry again later."}
    return {"status": 429, "headers": {"retry-after": wait}, "body": {"error": error}}


def batch_server(first: dict[str, Any]) -> Any:
    """Answer a batch: part 2 as said at first, all well afterwards."""
    rounds: list[list[str]] = []

    def answer(_: str, __: str, ___: dict[str, str], body: Any) -> Any:
        ids = [one["id"] for one in body["requests"]]
        rounds.append(ids)
        well = {"status": 200, "body": {"id": "x"}}
        said = [
            {"id": one, **(first if one == "2" and len(rounds) == 1 else well)}
            for one in reversed(ids)
        ]
        return 200, {"responses": said}, {}

    answer.rounds = rounds  # type: ignore[attr-defined]
    return answer


def test_a_throttled_part_of_a_read_is_asked_again() -> None:
    """Only that part, after its own pause, which all threads of the tenant keep."""
    answer = batch_server(throttled("0.3"))
    slept: list[float] = []
    with Service(answer) as service:
        wire = Wire(service.url, tokens=FixedTokens())
        wire.limiter.sleep = slept.append
        parts = [Part(n, "GET", f"/v1.0/users/{n}") for n in "123"]
        found = Graph(wire, PARTNER_TENANT).read_batch("tenant", parts)
        wire.close()

    assert answer.rounds == [["1", "2", "3"], ["2"]]
    assert all(isinstance(one, Answer) for one in found.values())
    assert slept == [pytest.approx(0.3, abs=0.1)]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (throttled("1"), ApiRefused),
        ({"status": 424, "body": {"error": {"code": "FailedDependency"}}}, ApiRefused),
        ({"status": 400, "body": {"error": {"code": "Request_BadRequest"}}}, ApiRefused),
        ({"status": 503, "body": {}}, ApiUnclear),
        ({"status": 400, "body": {"error": {"code": "brandNew"}}}, ApiUnclear),
        ({"body": {}}, ApiUnclear),
    ],
)
def test_a_part_of_a_write_is_judged_alone_and_never_repeated(
    said: dict[str, Any], kind: type[ApiError]
) -> None:
    """Refused only when it surely did nothing; a part without an answer is unclear."""
    answer = batch_server(said)
    with Service(answer) as service:
        wire = Wire(service.url, tokens=FixedTokens())
        parts = [Part(n, "POST", f"/v1.0/users/{n}/assignLicense", {}) for n in "123"]
        found = Graph(wire, PARTNER_TENANT).write_batch("tenant", parts, "r-1")
        wire.close()

    assert answer.rounds == [["1", "2", "3"]]
    assert type(found["2"]) is kind
    assert isinstance(found["1"], Answer)


def test_a_part_that_nobody_answers_is_unclear() -> None:
    """An answer with a part missing says nothing about that part."""
    reply = (200, {"responses": [{"id": "1", "status": 200, "body": {}}]}, {})
    with Service(reply) as service:
        wire = Wire(service.url, tokens=FixedTokens())
        parts = [Part(n, "POST", "/v1.0/x", {}) for n in "12"]
        written = Graph(wire, PARTNER_TENANT).write_batch("tenant", parts, "r-1")
        asking = [Part(n, "GET", "/v1.0/x") for n in "12"]
        read = Graph(wire, PARTNER_TENANT).read_batch("tenant", asking)
        wire.close()

    assert isinstance(written["2"], ApiUnclear)
    assert isinstance(read["2"], ApiUnavailable)


def test_a_batch_that_could_do_harm_is_not_sent() -> None:
    """More than 20 writes would be refused as a whole; a write among reads could be repeated."""
    parts = [Part(str(n), "POST", "/v1.0/x", {}) for n in range(21)]
    graph = Graph(Wire("http://127.0.0.1:9", tokens=FixedTokens()), "t")

    with pytest.raises(ValueError, match="at most 20"):
        graph.write_batch("t", parts, "r")
    with pytest.raises(ValueError, match="only GET"):
        graph.read_batch("t", parts[:2])
