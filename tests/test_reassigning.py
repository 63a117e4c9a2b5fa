"""Licences from one product to another: nobody without, nobody with both, judged by the books."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from cspkit import decisions, moves
from cspkit.rehearsal import people, relations
from cspkit.rehearsal.graph_json import service_plans
from cspkit.rehearsal.products import Product, products
from cspkit.rehearsal.records import Customer, Licence, User
from tests import scene as scenes
from tests.scene import Scene

ASSIGN = "*/assignlicense"
GROUP = "0c0c0c0c-0000-4000-8000-000000000007"


def few_users(scene: Scene, least: int) -> Customer:
    """The customer with access that has fewest users of the original, at least so many."""

    def fits(one: Customer) -> bool:
        original = scene.original(one)
        ready = one.related and bool(relations.roles_in(scene.world, one.id))
        return ready and original is not None and least <= scene.used(one) <= original.seats

    return min(scene.customers(fits), key=scene.used)


class Change:
    """A customer whose product is to change, with its users as they stand before."""

    def __init__(self, scene: Scene, *, users: int = 4, **changed: Any) -> None:
        self.scene = scene
        self.customer = few_users(scene, users)
        original = scene.original(self.customer)
        assert original is not None
        self.old: Product = original.product
        self.new = scenes.other_product(self.old.sku_id)
        for user in self.users.values():
            for licence in user.licences.values():
                licence.by_group = licence.own_disabled = None
        self.before = self.holders(self.old)
        self.planned = changed

    @property
    def users(self) -> dict[str, User]:
        return people.users(self.scene.world, self.customer)

    def holders(self, product: Product) -> list[str]:
        """Who has a licence of a product that works."""
        return sorted(
            user.id
            for user in self.users.values()
            if product.sku_id in user.licences and user.licences[product.sku_id].error == "None"
        )

    def plan(self) -> Change:
        """Plan the change and have its seats verified."""
        new = {"target_offer": self.new.offer, "target_sku_id": self.new.sku_id}
        self.scene.plan(self.customer, **{**new, "same_offer": False, **self.planned})
        self.deliver()
        return self

    def deliver(self) -> None:
        self.scene.run("provision")
        self.scene.run("verify")

    def sign(self, **cells: Any) -> Change:
        """Let the customer sign for every plan of the old product."""
        signed = {
            "contact_name": "Giulia Serra",
            "losses_accepted": " ".join(self.old.plans),
            "losses_accepted_by": "Giulia Serra",
            "losses_accepted_on": date(2026, 11, 20),
        }
        file = self.scene.settings.decisions
        decisions.fill(file, customers={self.customer.id: {**signed, **cells}})
        return self

    def in_group(self, *user_ids: str, own: list[str] | None = None) -> None:
        """Let a group give the old licence to some users, to the first as their own too."""
        for number, user_id in enumerate(user_ids):
            licence = self.users[user_id].licences[self.old.sku_id]
            licence.by_group, licence.own_disabled = GROUP, own if number == 0 else None

    def writes(self) -> int:
        return self.scene.calls("POST", "/assignlicense")

    def judge(self) -> None:
        """Look into the books: every change of a user is one entry, and nobody was without."""
        books = self.scene.books
        mine = [one for one in books["assignments"] if one["customer_id"] == self.customer.id]
        split = [one for one in mine if self.old.sku_id in one["removed"] and not one["added"]]
        assert [one for one in split if "group_id" in one] == []
        assert (books["unserved"], books["gaps"]) == ([], [])


def changing(scene: Scene, **more: Any) -> Change:
    """A change that nothing stands in the way of."""
    made = Change(scene, **more)
    made.sign()
    return made.plan()


def test_users_of_another_offer_are_reassigned(scene: Scene) -> None:
    """Everybody who had the old licence has the new one, in one call each, without a gap."""
    change = changing(scene)

    assert scene.outcome("reassign") == "done"

    assert change.before and change.holders(change.new) == change.before
    assert change.holders(change.old) == []
    assert (scene.state(), change.writes()) == ("reassigned", len(change.before))
    change.judge()


def test_reassigning_twice_changes_nothing(scene: Scene) -> None:
    """A step that is done is done."""
    changing(scene)
    scene.run("reassign")
    writes = scene.calls("POST")

    assert (scene.outcome("reassign"), scene.calls("POST")) == ("done", writes)


@pytest.mark.parametrize("kind", ["lost", "after", "before"])
def test_a_change_of_licence_that_went_wrong_is_read_back(scene: Scene, kind: str) -> None:
    """Set-like: what is there counts, and the rest is done by the next run."""
    change = changing(scene)
    scene.fault(kind, ASSIGN, retry_after="0.2")

    outcomes = [scene.outcome("reassign") for _ in range(2)]

    assert outcomes[-1] == "done"
    assert change.holders(change.new) == change.before
    change.judge()


@pytest.mark.parametrize("kind", ["throttle", "busy"])
def test_a_busy_directory_is_waited_for_in_the_same_run(scene: Scene, kind: str) -> None:
    """As long as it says; the run goes on with the same user and ends with all of them."""
    change = changing(scene)
    scene.fault(kind, ASSIGN, retry_after="0.2", times=2)

    assert scene.outcome("reassign") == "done"
    assert change.writes() == len(change.before) + 2
    change.judge()


def test_a_directory_that_stays_busy_lets_the_move_wait(scene: Scene) -> None:
    """Asking for ever helps nobody: the move waits for the next run, half done and whole."""
    change = changing(scene)
    scene.fault("throttle", ASSIGN, retry_after="0.1", times=None, skip=1)

    assert scene.outcome("reassign") == "waiting"
    scene.server.gate.faults.clear()
    assert scene.outcome("reassign") == "done"
    assert change.holders(change.new) == change.before
    change.judge()


@pytest.mark.parametrize("after", [1, 3])
def test_a_run_that_is_killed_goes_on(scene: Scene, after: int) -> None:
    """Whoever was changed keeps it, the others follow; nobody loses or holds both."""
    change = changing(scene)
    work = moves.begin(
        "reassign",
        plan=scene.plan_file,
        batch="B001",
        mode="rehearsal",
        settings=scene.settings,
    )
    graph, sent = work._desk.graph, 0
    honest = graph.change_licences

    def dies(*words: Any) -> None:
        nonlocal sent
        if sent == after:
            raise KeyboardInterrupt
        sent += 1
        honest(*words)

    graph.change_licences = dies  # type: ignore[method-assign,assignment]
    with pytest.raises(KeyboardInterrupt):
        work._step.act(work._subjects[0], work._desk.ledger.lease(change.customer.id, "x"))
    work._desk.close()
    assert len(change.holders(change.new)) == after

    scene.later(hours=1)
    release(scene, change.customer)
    assert scene.outcome("reassign") == "done"
    assert (change.holders(change.new), change.holders(change.old)) == (change.before, [])
    change.judge()


def release(scene: Scene, customer: Customer) -> None:
    """End the lease of a run that died, as its end in time would."""
    with scene.ledger() as ledger:
        ledger.release_lease(ledger.lease(customer.id, "x"))


def test_disabled_plans_are_carried_over_by_id(scene: Scene) -> None:
    """What a user must not have in the old licence, they do not get with the new one."""
    change = Change(scene)
    shared = min(set(change.old.plans) & set(change.new.plans))
    alone = min(set(change.old.plans) - set(change.new.plans))
    ids = [service_plans((name,))[0]["servicePlanId"] for name in (shared, alone)]
    user = change.users[change.before[0]]
    user.licences[change.old.sku_id].disabled_plans = ids
    change.sign().plan()

    scene.run("reassign")

    assert user.licences[change.new.sku_id].disabled_plans == ids[:1]


def test_a_new_licence_that_is_there_stays_as_it_is(scene: Scene) -> None:
    """Only the old one is taken; what was disabled in the new one is not switched on."""
    change = changing(scene)
    user = change.users[change.before[0]]
    there = Licence(scene.world.now, ["kept-off"])
    user.licences[change.new.sku_id] = there
    scene.world.consumed[change.customer.id, change.new.sku_id] += 1

    assert scene.outcome("reassign") == "done"
    assert user.licences[change.new.sku_id] is there
    assert change.old.sku_id not in user.licences


def test_shared_mailboxes_and_blocked_accounts_change_too(scene: Scene) -> None:
    """They hold a licence like everybody, and lose their mailbox with it."""
    change = changing(scene)
    for number, user_id in enumerate(change.before):
        change.users[user_id].enabled = number > 1
    work = moves.begin("reassign", plan=scene.plan_file, batch="B001", settings=scene.settings)
    (shown,) = work.preview()["reason"]
    work.close()

    assert scene.outcome("reassign") == "done"
    assert change.holders(change.new) == change.before
    assert "2 of them shared or blocked" in shown


# what is lost


def loser(scene: Scene) -> Change:
    """A change that costs its users a service plan."""
    change = Change(scene)
    assert set(change.old.plans) - set(change.new.plans)
    return change


def test_lost_plans_stop_the_move_until_they_are_signed_for(scene: Scene) -> None:
    """The reason names them in words, and the cells; signed for by the contact, it goes on."""
    change = loser(scene).plan()
    lost = min(set(change.old.plans) - set(change.new.plans))

    shown = scene.run("reassign")

    assert list(shown["outcome"]) == ["skipped"]
    assert shown["reason"][0].startswith("lost_plans_unsigned: up to ")
    assert f"{lost} (" in shown["reason"][0] and "losses_accepted_by" in shown["reason"][0]
    assert change.writes() == 0
    change.sign(losses_accepted=lost.lower())
    assert scene.outcome("reassign") == "done"
    with scene.ledger() as ledger:
        detail = ledger.events().query("after == 'reassigned'")["detail"].iloc[0]
    assert "Giulia Serra" in detail and lost in detail


def test_a_plan_that_nobody_used_is_not_lost(scene: Scene) -> None:
    """Disabled for every user, it is missed by nobody and needs no signature."""
    change = loser(scene)
    gone = sorted(set(change.old.plans) - set(change.new.plans))
    ids = [service_plans((name,))[0]["servicePlanId"] for name in gone]
    for user_id in change.before:
        change.users[user_id].licences[change.old.sku_id].disabled_plans = ids
    change.plan()

    assert scene.outcome("reassign") == "done"


# what is found first


def stopped(scene: Scene, change: Change, outcome: str, why: str) -> None:
    """Nothing was changed, and the dry run says the same before."""
    work = moves.begin("reassign", plan=scene.plan_file, batch="B001", settings=scene.settings)
    (shown,) = work.preview()["reason"]
    work.close()
    found = scene.run("reassign")

    assert list(found["outcome"]) == [outcome]
    assert why in found["reason"][0] and why in shown
    assert (change.writes(), change.holders(change.old)) == (0, change.before)


def test_too_few_new_seats_stop_before_the_first_user(scene: Scene) -> None:
    """Over-assignment is refused before it starts: nobody is half moved."""
    change = changing(scene)
    seats = scene.moves[0].seats
    over = seats - len(change.before) + 1
    scene.world.consumed[change.customer.id, change.new.sku_id] += over

    stopped(scene, change, "failed", "over_assignment: ")


def test_a_user_without_usage_location_is_found_first(scene: Scene) -> None:
    """Nobody is changed when somebody could not be; the ids are named."""
    change = changing(scene)
    change.users[change.before[-1]].usage_location = None

    stopped(scene, change, "failed", change.before[-1])


def test_everything_in_the_way_is_said_at_once(scene: Scene) -> None:
    """Usage location and losses in one line: nobody runs it again to learn the next thing."""
    change = Change(scene).plan()
    change.users[change.before[0]].usage_location = None

    reason = scene.reason("reassign")

    assert "usage_location_missing" in reason and "lost_plans_unsigned" in reason


# which users


def test_a_move_of_fewer_seats_takes_the_first_users_by_id(scene: Scene) -> None:
    """The others keep the old licence, and the outcome says how many they are."""
    change = changing(scene, seats=2)

    shown = scene.run("reassign")

    assert change.holders(change.new) == change.before[:2]
    assert f"{len(change.before) - 2} keep the old licence" in shown["reason"][0]


def name(scene: Scene, *users: str, original: str = "") -> None:
    """Let people name the users of a move's original."""
    key = original or scene.moves[0].subscription_ids[0]
    decisions.fill(scene.settings.decisions, originals={key: {"users": ", ".join(users)}})


def test_named_users_are_taken_and_no_others(scene: Scene) -> None:
    """By id or by sign-in name, in any case."""
    change = changing(scene, seats=3)
    last, other = change.before[-1], change.before[-2]
    name(scene, last.upper(), change.users[other].principal)

    assert scene.outcome("reassign") == "done"
    assert change.holders(change.new) == sorted([last, other])


@pytest.mark.parametrize(
    ("who", "why"),
    [
        (["nobody@example.com"], "hold no"),
        ([0, 1, 2], "name fewer"),
    ],
)
def test_wrong_names_stop_the_move(scene: Scene, who: list[Any], why: str) -> None:
    """A stranger among them, or more than the seats: a person corrects it, nobody guesses."""
    change = changing(scene, seats=2)
    name(scene, *(change.before[one] if isinstance(one, int) else one for one in who))

    stopped(scene, change, "skipped", why)


def test_users_that_could_go_to_two_products_are_named_by_people(scene: Scene) -> None:
    """Two moves take a product apart: who goes where is the customer's choice, never ours."""
    change = Change(scene).sign()
    third = next(
        one
        for one in products()
        if one.sku_id not in (change.old.sku_id, change.new.sku_id)
        and Scene.sold(one)
        and set(one.plans) & {"EXCHANGE_S_STANDARD", "EXCHANGE_S_ENTERPRISE"}
    )
    given: dict[str, Any] = {"same_offer": False, "seats": 2}
    first = {"target_offer": change.new.offer, "target_sku_id": change.new.sku_id}
    other = {"target_offer": third.offer, "target_sku_id": third.sku_id, "batch": "B002"}
    scene.moves = [
        scene.move(change.customer, **given, **first),
        scene.move(change.customer, **given, **other, subscription_ids=["second"]),
    ]
    scene.save()
    change.deliver()

    stopped(scene, change, "skipped", "name who goes where")
    name(scene, *change.before[:2])
    assert scene.outcome("reassign") == "done"
    assert change.holders(change.new) == change.before[:2]


# groups


def test_a_group_is_moved_as_a_group(scene: Scene) -> None:
    """One call for the group; the move is done when its members have followed."""
    change = Change(scene)
    change.in_group(*change.before[:3])
    change.sign().plan()

    first = scene.run("reassign")
    writes = change.writes()
    again = scene.outcome("reassign")
    scene.later(minutes=5)

    assert list(first["outcome"]) == ["waiting"]
    assert "members follow their group" in first["reason"][0]
    assert (again, scene.outcome("reassign")) == ("waiting", "done")
    assert change.writes() == writes == len(change.before) - 3 + 1
    assert {change.users[one].licences[change.new.sku_id].by_group for one in change.before} == {
        GROUP,
        None,
    }
    assert change.holders(change.old) == []
    change.judge()


@pytest.mark.parametrize("kind", ["lost", "busy"])
def test_a_group_is_changed_once_whatever_goes_wrong(scene: Scene, kind: str) -> None:
    """After a lost answer the group itself is looked at, and not changed again."""
    change = Change(scene)
    change.in_group(*change.before)
    change.sign().plan()
    scene.fault(kind, "*/groups/*/assignlicense", retry_after="0.2")

    for _ in range(3):
        scene.run("reassign")
        scene.later(minutes=5)

    assert scene.state() == "reassigned"
    changed = [one for one in scene.books["assignments"] if one.get("group_id") == GROUP]
    assert len(changed) == 1
    change.judge()


def test_a_licence_of_both_kinds_is_taken_before_the_group_moves(scene: Scene) -> None:
    """The user's own would stand in the way of the group's new one; the group's old one serves."""
    change = Change(scene)
    change.in_group(*change.before, own=[])
    change.sign().plan()

    scene.run("reassign")
    scene.later(minutes=5)

    assert scene.outcome("reassign") == "done"
    first = change.users[change.before[0]].licences[change.new.sku_id]
    assert (first.by_group, first.own_disabled, first.error) == (GROUP, None, "None")
    change.judge()


def test_an_own_licence_that_gives_more_than_the_group_goes_to_a_person(scene: Scene) -> None:
    """Taking it would cost the user a plan that the group has disabled."""
    change = Change(scene)
    change.in_group(*change.before, own=[])
    plan = service_plans(change.old.plans[:1])[0]["servicePlanId"]
    for user_id in change.before:
        change.users[user_id].licences[change.old.sku_id].disabled_plans = [plan]
    change.sign().plan()

    stopped(scene, change, "human", "with more in it, as their own")


def test_a_group_with_more_members_than_seats_goes_to_a_person(scene: Scene) -> None:
    """A group moves whole or not at all."""
    change = Change(scene)
    change.in_group(*change.before)
    change.planned = {"seats": len(change.before) - 1}
    change.sign().plan()

    stopped(scene, change, "human", f"group {GROUP}")


def test_a_member_whom_the_group_could_not_serve_is_said(scene: Scene) -> None:
    """The directory's own word stands in the reason, and the move is not done."""
    change = Change(scene)
    change.in_group(*change.before)
    change.sign().plan()
    scene.run("reassign")
    used = len(change.before) - 1
    scene.world.consumed[change.customer.id, change.new.sku_id] += scene.moves[0].seats - used
    scene.later(minutes=5)

    shown = scene.run("reassign")

    assert list(shown["outcome"]) == ["failed"]
    assert "no seat was left (CountViolation) for 1" in shown["reason"][0]
    assert scene.state() == "verified"


# when not


def test_the_same_offer_reassigns_nobody(scene: Scene) -> None:
    """Same skuId, same pool: there is nothing to do."""
    scene.plan(scene.with_access())
    scene.run("provision")
    scene.run("verify")

    shown = scene.run("reassign")

    assert list(shown["outcome"]) == ["skipped"]
    assert shown["reason"][0] == "same offer: nobody is reassigned"


def test_nobody_is_reassigned_before_the_seats_are_verified(scene: Scene) -> None:
    """The new licence must be there first."""
    change = Change(scene)
    new = {"target_offer": change.new.offer, "target_sku_id": change.new.sku_id}
    scene.plan(change.customer, **new, same_offer=False)
    scene.run("provision")

    assert scene.reason("reassign") == "the new seats are not verified yet"
