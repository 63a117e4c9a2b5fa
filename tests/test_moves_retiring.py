"""Originals end after their replacement is verified; judged by the books of the rehearsal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from cspkit import decisions, moves
from cspkit.errors import LedgerError
from cspkit.moves.provisioning import claim_of
from cspkit.moves.rows import Subject
from cspkit.rehearsal import people
from cspkit.rehearsal.records import PARTNER_TENANT, Customer, Subscription
from cspkit.tables import EndState, MoveState
from tests import scene as scenes
from tests.scene import MONDAY, Scene
from tests.test_mailing import mailed

SUBSCRIPTION = "*/subscriptions/*"
ENDS = MONDAY + timedelta(days=25)
THEIRS = "5d1f6f3a-77c1-4c0e-9a54-0f5b0c6a1e01"


@pytest.fixture
def scene() -> Iterator[Scene]:
    """A prompt service and an empty workspace."""
    with scenes.scene() as made:
        yield made


def original(scene: Scene, channel: str, *, seats: int = 10, users: int = 8) -> Subscription:
    """Turn the original of a customer with access into one of a channel that ends soon, alone."""
    customer = scene.with_access()
    found = scene.original(customer)
    assert found is not None
    sku_id = found.product.sku_id
    for other in scene.world.subscriptions[customer.id].values():
        if other is not found and other.product.sku_id == sku_id:
            other.status = "deleted"
    found.channel, found.seats, found.ends_on = channel, seats, ENDS
    found.starts_on, found.term, found.auto_renew = ENDS - timedelta(days=364), "P1Y", False
    owners = {"csp_nce": PARTNER_TENANT, "csp_other": THEIRS}
    found.owner_tenant, found.order_id = owners.get(channel), "f" * 12
    scene.world.consumed[customer.id, sku_id] = users
    scene.world.add(found)
    scene.world.consumed[customer.id, sku_id] = users
    return found


def customer_of(scene: Scene, found: Subscription) -> Customer:
    return scene.world.customers[found.customer_id]


def verified(scene: Scene, found: Subscription, rule: str, **changed: Any) -> None:
    """Order and verify the replacement of an original."""
    values = {"rule": rule, "seats": found.seats, "original_seats": found.seats, **changed}
    scene.plan(customer_of(scene, found), **values)
    assert scene.outcome("provision") == "done"
    assert scene.outcome("verify") == "done"


def typed(scene: Scene, found: Subscription, **cells: Any) -> None:
    """Type what a person has seen into the decisions."""
    decisions.fill(scene.settings.decisions, originals={found.id: cells})


def end_of(scene: Scene, found: Subscription) -> Any:
    with scene.ledger() as ledger:
        return ledger.end(found.customer_id, found.id)


def outbox(scene: Scene, kind: str) -> list[str]:
    folder = scene.settings.reports / "outbox"
    return sorted(path.name for path in folder.glob(f"*-{kind}*.eml"))


def gaps(scene: Scene, found: Subscription) -> list[dict[str, Any]]:
    """When the pool of an original had fewer seats than users."""
    sku_id = found.product.sku_id
    return [one for one in scene.books["gaps"] if one["sku_id"] == sku_id]


def test_our_own_original_is_scheduled_once_and_closes_when_it_ended(scene: Scene) -> None:
    """One PATCH of the whole resource, read back; closed only when its end is seen; no gap."""
    found = original(scene, "csp_nce")
    found.auto_renew = True
    verified(scene, found, "csp_nce_paid_month")

    assert [scene.outcome("retire") for _ in range(2)] == ["done", "done"]
    assert [one["actionType"] for one in found.scheduled] == ["Cancel"]
    assert (scene.calls("PATCH"), found.auto_renew, found.friendly_name != "") == (1, False, True)
    assert (scene.state(), end_of(scene, found).state) == ("verified", EndState.SCHEDULED)

    scene.later(days=30)
    assert scene.outcome("retire") == "done"
    assert (scene.state(), found.status) == ("closed", "disabled")
    renewed = [one["subscription_id"] for one in scene.books["renewals"]]
    assert (found.id in renewed, gaps(scene, found)) == (False, [])


def test_nothing_ends_before_its_replacement_is_verified(scene: Scene) -> None:
    """Neither the step nor the database lets an end be scheduled earlier."""
    found = original(scene, "csp_nce")
    scene.plan(customer_of(scene, found), rule="csp_nce_paid_month", seats=10)
    early = [scene.reason("retire")]
    scene.run("provision")
    early.append(scene.reason("retire"))

    assert early == [
        "not ordered yet",
        "it is provisioned: no end before the new seats are verified",
    ]
    assert (scene.calls("PATCH"), found.scheduled) == (0, [])
    with scene.ledger() as ledger:
        lease = ledger.lease(found.customer_id, "me")
        about: dict[str, Any] = {"run_id": "", "lease": lease}
        end = ledger.track_end(found.customer_id, found.id, expires_on=ENDS, run_id="")
        ledger.advance_end(end, EndState.SAFE, way="letter", **about)
        safe = ledger.end(found.customer_id, found.id)
        assert safe is not None
        with pytest.raises(LedgerError, match="before every replacement is verified"):
            ledger.advance_end(safe, EndState.SCHEDULED, **about)


def test_an_original_stays_while_its_users_have_no_other_seat(scene: Scene) -> None:
    """Blocked, shared and group-licensed accounts are in use too, whoever counts the users."""
    found = original(scene, "csp_nce")
    verified(scene, found, "csp_nce_paid_month")
    scene.world.consumed[found.customer_id, found.product.sku_id] = 13
    shown = scene.run("retire")

    assert list(shown["outcome"]) == ["human"]
    assert "3 seats would be missing" in shown["reason"][0]
    assert (scene.calls("PATCH"), found.scheduled) == (0, [])


def test_the_licences_that_a_group_gives_are_in_use(scene: Scene) -> None:
    """What Graph says is in use counts, not the users that somebody could list."""
    found = original(scene, "csp_nce", seats=4, users=4)
    everyone = people.users(scene.world, customer_of(scene, found))
    for user in everyone.values():
        for licence in user.licences.values():
            licence.by_group = "g"
    verified(scene, found, "csp_nce_paid_month", seats=3)

    assert "1 seats would be missing" in scene.reason("retire")
    assert found.scheduled == []


def test_what_ends_by_then_elsewhere_covers_nobody(scene: Scene) -> None:
    """An original of no move at all, ending the same week: its seats do not count either."""
    found = original(scene, "csp_nce", users=14)
    other = original_like(scene, found, seats=5, ends_on=ENDS - timedelta(days=2))
    verified(scene, found, "csp_nce_paid_month")
    before = scene.reason("retire")
    other.ends_on = ENDS + timedelta(days=200)

    assert "25 seats - 15 that end by" in before and "4 seats would be missing" in before
    assert scene.outcome("retire") == "done"


def original_like(scene: Scene, found: Subscription, **changed: Any) -> Subscription:
    """Another subscription of the same product in the same tenant."""
    from dataclasses import replace

    made = replace(found, id="0" * 8 + found.id[8:], owner_tenant=None, assigned=0, **changed)
    made.channel = "direct_mosa"
    scene.world.subscriptions[found.customer_id][made.id] = made
    return made


def test_a_tenant_that_shows_nothing_keeps_its_originals(scene: Scene) -> None:
    """An unread pool is no covered pool: nothing is sent, and the reason says what helps."""
    found = original(scene, "csp_nce")
    verified(scene, found, "csp_nce_paid_month")
    for access in scene.world.access_of[found.customer_id]:
        access.status = "terminated"
    shown = scene.run("retire")

    assert list(shown["outcome"]) == ["waiting"]
    assert "run the access step" in shown["reason"][0]
    assert (scene.calls("PATCH"), found.scheduled) == (0, [])


def test_a_replacement_that_is_gone_keeps_the_original(scene: Scene) -> None:
    """Cancelled by somebody since it was verified: a person, and no end."""
    found = original(scene, "csp_nce")
    verified(scene, found, "csp_nce_paid_month")
    (made,) = (
        one
        for one in scene.world.originals(found.customer_id)
        if one.order_id in {order["order_id"] for order in scene.orders}
    )
    made.status = "deleted"

    assert scene.outcome("retire") == "human"
    assert found.scheduled == []


def test_a_direct_customer_is_asked_once_and_the_evidence_counts(scene: Scene) -> None:
    """One letter; what a person saw and typed is the end; the tenant shows when it is over."""
    found = original(scene, "direct_mca")
    verified(scene, found, "direct_mca_paid_month")
    shown = scene.run("retire", mode="dry")["reason"][0]
    reasons = [scene.reason("retire") for _ in range(2)]

    assert "would write the letter" in shown
    assert scene.run("retire", mode="dry")["reason"][0] == reasons[0]
    assert len(outbox(scene, "end-at-term")) == 1
    assert reasons[0] == reasons[1] and "end_scheduled_on and end_scheduled_evidence" in reasons[0]
    typed(scene, found, end_scheduled_on=date(2026, 11, 23), end_scheduled_evidence="mail 7")
    found.scheduled = [{"actionType": "Cancel", "scheduleType": "TermEnd"}]
    assert scene.outcome("retire") == "done"
    assert end_of(scene, found).state is EndState.SCHEDULED
    scene.later(days=30)
    assert (scene.outcome("retire"), scene.state()) == ("done", "closed")
    assert gaps(scene, found) == []


def test_evidence_that_is_taken_out_is_asked_for_again(scene: Scene) -> None:
    """A scheduled end that turns out to be none goes back, with the reason, and a new letter."""
    found = original(scene, "direct_mca")
    verified(scene, found, "direct_mca_paid_month")
    typed(scene, found, end_scheduled_on=date(2026, 11, 23), end_scheduled_evidence="mail 7")
    scene.run("retire")
    typed(scene, found, end_scheduled_on=None, end_scheduled_evidence=None)
    scene.run("retire")

    assert end_of(scene, found).state is EndState.SAFE
    assert "name no evidence" in end_of(scene, found).reason
    assert len(outbox(scene, "end-at-term")) == 1


def test_another_partner_is_asked_to_end_its_subscription(scene: Scene) -> None:
    """The letter goes to the partner whose subscription it is, once."""
    found = original(scene, "csp_other")
    verified(scene, found, "csp_other_paid_month")
    scene.run("retire")
    scene.run("retire")

    assert len(outbox(scene, "partner-end")) == 1
    assert scene.calls("PATCH") == 0


def test_what_ends_by_itself_is_only_watched(scene: Scene) -> None:
    """Nothing to schedule under Open; the move closes when the tenant shows the end."""
    found = original(scene, "open")
    verified(scene, found, "open")

    assert "ends by itself" in scene.reason("retire")
    scene.later(days=30)
    assert (scene.outcome("retire"), scene.state()) == ("done", "closed")
    assert (scene.calls("PATCH"), outbox(scene, "end-at-term")) == (0, [])


def test_a_renewal_that_is_on_is_not_called_safe(scene: Scene) -> None:
    """A direct subscription of the old kind ends by itself only when its renewal is off."""
    found = original(scene, "direct_mosa")
    verified(scene, found, "direct_mosa")

    assert "run renewal-safe" in scene.reason("retire")


def test_an_end_that_somebody_undid_is_scheduled_again(scene: Scene) -> None:
    """Seen gone: back to open, with the reason, and at once scheduled a second time."""
    found = original(scene, "csp_nce")
    verified(scene, found, "csp_nce_paid_month")
    scene.run("retire")
    found.scheduled, found.auto_renew = [], True

    assert scene.outcome("retire") == "done"
    assert (len(found.scheduled), scene.calls("PATCH")) == (1, 2)
    with scene.ledger() as ledger:
        events = ledger.events()
    states = list(events[events["kind"] == "end"]["after"])
    assert states[-4:] == ["renewal_safe", "open", "renewal_safe", "end_scheduled"]
    assert "Partner Center shows its end no more" in "".join(events["detail"])


@pytest.mark.parametrize("fault", ["lost", "after"])
def test_a_lost_answer_is_read_back(scene: Scene, fault: str) -> None:
    """The end is scheduled or it is not, as the service shows it; never sent blindly again."""
    found = original(scene, "csp_nce")
    verified(scene, found, "csp_nce_paid_month")
    scene.fault(fault, SUBSCRIPTION, method="PATCH")
    scene.run("retire")
    again = scene.outcome("retire")

    assert (again, len(found.scheduled)) == ("done", 1)
    assert scene.calls("PATCH") <= 2
    assert end_of(scene, found).state is EndState.SCHEDULED


def test_an_end_that_is_there_already_is_noted(scene: Scene) -> None:
    """A run that died between the call and the ledger, or a colleague: nothing is sent."""
    found = original(scene, "csp_nce")
    verified(scene, found, "csp_nce_paid_month")
    found.scheduled = [{"actionType": "Cancel", "scheduleType": "TermEnd"}]

    assert scene.outcome("retire") == "done"
    assert scene.calls("PATCH") == 0
    assert end_of(scene, found).state is EndState.SCHEDULED


def test_an_original_that_renewed_is_for_a_person(scene: Scene) -> None:
    """An end that jumped is not scheduled away silently, and the move stays open."""
    found = original(scene, "direct_mca")
    verified(scene, found, "direct_mca_paid_month")
    found.ends_on = ENDS + timedelta(days=31)

    assert scene.outcome("retire") == "human"
    assert "goes on until" in scene.reason("retire")
    assert outbox(scene, "end-at-term") == []


def test_a_dry_run_shows_what_is_and_what_would_be(scene: Scene) -> None:
    """Auto-renew on and no end -> off and cancelled, with the pool; nothing is written."""
    found = original(scene, "csp_nce")
    found.auto_renew = True
    verified(scene, found, "csp_nce_paid_month")
    shown = scene.run("retire", mode="dry")

    assert list(shown["outcome"]) == ["dry"]
    assert "would schedule the end" in shown["reason"][0]
    assert "auto-renew on, no end scheduled -> auto-renew off" in shown["reason"][0]
    assert "20 seats - 10 that end by" in shown["reason"][0]
    assert (scene.calls("PATCH"), end_of(scene, found)) == (0, None)


def test_evidence_closes_what_nobody_shows(scene: Scene) -> None:
    """Where neither service lists an original, a dated evidence is what there is."""
    found = original(scene, "open")
    verified(scene, found, "open")
    found.visible_from = scene.server.now() + timedelta(days=1000)
    scene.later(days=30)
    before = scene.outcome("retire")
    typed(scene, found, ended_on=ENDS, ended_evidence="the customer's screen of 20 December")

    assert (before, scene.outcome("retire"), scene.state()) == ("waiting", "done", "closed")


def test_an_original_of_two_orders_waits_for_both(scene: Scene) -> None:
    """Each part covers some of its seats: the end is scheduled after the last is verified."""
    found = original(scene, "csp_nce")
    customer = customer_of(scene, found)
    first, second = (
        scene.move(customer, part=part, seats=5, rule="csp_nce_paid_month", batch=f"B00{part}")
        for part in (1, 2)
    )
    scene.moves = [first, second]
    scene.save()
    scene.consent(seats=10)
    reasons = []
    for step in ("provision", "verify", "retire"):
        reasons = list(scene.run(step)["reason"])

    assert f"{second.move_id} replaces a part of it: not ordered yet" in reasons[0]
    assert (scene.calls("PATCH"), found.scheduled) == (0, [])
    for step in ("provision", "verify"):
        scene.run(step, batch="B002")
    assert scene.outcome("retire") == "done"
    assert (scene.calls("PATCH"), len(found.scheduled)) == (1, 1)


def _parts(scene: Scene, found: Subscription) -> None:
    """Plan two orders for one original, in two batches."""
    about = {"rule": "csp_nce_paid_month", "seats": 5}
    customer = customer_of(scene, found)
    scene.moves = [scene.move(customer, part=part, batch=f"B00{part}", **about) for part in (1, 2)]
    scene.save()
    scene.consent(seats=10)


def test_an_end_that_others_scheduled_too_early_stops_no_run(scene: Scene) -> None:
    """With one part verified and one only ordered it is told, and recorded after the last part."""
    found = original(scene, "csp_nce")
    _parts(scene, found)
    for step, batch in (("provision", "B001"), ("verify", "B001"), ("provision", "B002")):
        scene.run(step, batch=batch)
    found.scheduled = [{"actionType": "Cancel", "scheduleType": "TermEnd"}]
    shown = scene.run("retire")

    assert list(shown["outcome"]) == ["waiting"]
    assert "Partner Center shows it" in shown["reason"][0]
    assert "no end before the new seats are verified" in shown["reason"][0]
    assert end_of(scene, found).state == EndState.OPEN
    scene.run("verify", batch="B002")
    assert scene.outcome("retire") == "done"
    assert end_of(scene, found).state == EndState.SCHEDULED


def test_a_part_that_was_refused_is_still_to_be_ordered(scene: Scene) -> None:
    """A refused order is placed again: until then its original goes on, whatever is in use."""
    found = original(scene, "csp_nce", users=2)
    _parts(scene, found)
    for step in ("provision", "verify"):
        scene.run(step)
    second = scene.moves[1]
    with scene.ledger() as ledger:
        lease = ledger.lease(found.customer_id, "me")
        claim = claim_of(Subject(second.move_id, scene._customer(second), second), "")
        assert ledger.claim(claim, run_id="", lease=lease) is not None
        about: dict[str, Any] = {"run_id": "", "lease": lease}
        assert ledger.advance(second.move_id, MoveState.PLANNED, MoveState.REFUSED, **about)
        ledger.release_lease(lease)

    assert f"{second.move_id} replaces a part of it: not ordered yet" in scene.reason("retire")
    assert (scene.calls("PATCH"), found.scheduled) == (0, [])


def twin(scene: Scene, found: Subscription) -> Subscription:
    """Give the customer a second original like this one."""
    other = replace(found, id="0f1e2d3c-4b5a-4678-9abc-def012345678", scheduled=[])
    scene.world.add(other)
    scene.world.consumed[found.customer_id, found.product.sku_id] = 8
    return other


@pytest.mark.parametrize("together", [True, False])
def test_of_two_originals_only_the_seats_to_spare_end(scene: Scene, together: bool) -> None:
    """Ten seats can go and not twenty: the second is judged by what the first one left."""
    first = original(scene, "csp_nce")
    first.auto_renew = True
    second = twin(scene, first)
    names = [first.id, second.id]
    about = {"rule": "csp_nce_paid_month", "original_seats": 10}
    scene.moves = [
        scene.move(customer_of(scene, first), subscription_ids=ids, seats=seats, **about)
        for ids, seats in ([(names, 10)] if together else [([names[0]], 5), ([names[1]], 5)])
    ]
    scene.save()
    scene.run("provision")
    scene.run("verify")
    scene.world.consumed[first.customer_id, first.product.sku_id] = 15
    shown = scene.run("retire")

    assert sorted(len(one.scheduled) for one in (first, second)) == [0, 1]
    assert "5 seats would be missing" in " ".join(shown["reason"])


def test_a_letter_without_an_address_keeps_no_other_end_back(scene: Scene) -> None:
    """Of two originals of one move ours is scheduled, whatever the letter about the other needs."""
    theirs = original(scene, "direct_mca")
    ours = twin(scene, theirs)
    ours.channel, ours.owner_tenant, ours.auto_renew = "csp_nce", PARTNER_TENANT, True
    scene.moves = [
        scene.move(
            customer_of(scene, theirs),
            subscription_ids=[theirs.id, ours.id],
            rule="direct_mca_paid_month",
            original_seats=20,
        )
    ]
    scene.save()
    scene.run("provision")
    scene.run("verify")
    mailed(scene, 9)
    shown = scene.run("retire")

    assert (list(shown["outcome"]), len(ours.scheduled)) == (["waiting"], 1)
    assert "is in the outbox without an address" in shown["reason"][0]


def test_seats_that_may_count_twice_are_no_reason_to_order(scene: Scene) -> None:
    """An agreement's line that the tenant lists under its own id is kept, and nothing is bought."""
    found = original(scene, "ea")
    line = "v9287799-mcoev"
    verified(scene, found, "ea", subscription_ids=[line])
    shown = scene.run("retire")
    reason = shown["reason"][0]

    assert list(shown["outcome"]) == ["human"]
    assert f"8 seats would be missing without {line} (20 seats - 20 that end by" in reason
    assert f"the tenant lists no {line}; {found.id}, with 10 seats" in reason
    assert "order nothing before" in reason and "ended_evidence" in reason
    assert "order more seats" not in reason and outbox(scene, "end-at-term") == []


def test_seats_that_are_all_known_by_id_have_to_be_ordered(scene: Scene) -> None:
    """With no line that is listed nowhere, too few seats are too few."""
    found = original(scene, "csp_nce", users=13)
    verified(scene, found, "csp_nce_paid_month")

    assert "order more seats" in scene.reason("retire")


def looks(scene: Scene) -> int:
    """How often a customer's subscriptions and pools were read."""
    calls = scene.server.world.books.calls
    return sum(count for route, count in calls.items() if "ubscri" in route and "GET" in route)


def due(scene: Scene) -> Any:
    """Run retire for all that is due by far, as each morning does; batch and file name nothing."""
    return scene.run("retire", batch=None, due="2027-12-31")


def test_an_end_in_order_rests_for_a_week_at_most(scene: Scene) -> None:
    """Looked at once a week, in the last three working days by every run, and when it is over."""
    found = original(scene, "csp_nce")
    verified(scene, found, "csp_nce_paid_month")
    looked = []
    while scene.state() != "closed":
        before = looks(scene)
        due(scene)
        if looks(scene) > before:
            looked.append(scene.server.now().date())
        scene.later(days=1)

    weekly = [MONDAY, MONDAY + timedelta(days=7), MONDAY + timedelta(days=14)]
    last = [ENDS - timedelta(days=far) for far in (3, 2, 1, 0, -1)]
    assert [*weekly, MONDAY + timedelta(days=21), *last] == looked


def test_what_others_switch_on_again_is_found_in_time(scene: Scene) -> None:
    """Within a week, although no run was made on the last working day."""
    found = original(scene, "csp_nce")
    verified(scene, found, "csp_nce_paid_month")
    due(scene)
    scene.later(days=2)
    found.auto_renew, found.scheduled = True, []
    while scene.server.now().date() < ENDS - timedelta(days=2):
        scene.later(days=1)
        due(scene)
    scene.later(days=4)
    due(scene)

    renewed = [one["subscription_id"] for one in scene.books["renewals"]]
    assert found.id not in renewed
    assert scene.state() == "closed"


def test_what_our_own_runs_change_ends_the_rest(scene: Scene) -> None:
    """Seats of one pool that another move's end takes are counted again at once."""
    found = original(scene, "csp_nce")
    other = twin(scene, found)
    about = {"rule": "csp_nce_paid_month", "seats": 10, "original_seats": 10}
    both = [
        scene.move(customer_of(scene, found), subscription_ids=[one.id], **about)
        for one in (found, other)
    ]
    scene.moves = list(both)
    scene.save()
    for step in ("provision", "verify"):
        scene.run(step)
    scene.moves = both[:1]
    scene.save()
    due(scene)
    scene.moves = both[1:]
    scene.save()
    due(scene)
    scene.moves = both[:1]
    scene.save()
    before = looks(scene)
    due(scene)

    assert looks(scene) > before


def test_who_was_only_asked_does_not_rest(scene: Scene) -> None:
    """A partner who has not answered stands in the list of every run."""
    found = original(scene, "csp_other")
    verified(scene, found, "csp_other")
    due(scene)
    scene.later(days=1)

    assert list(due(scene)["outcome"]) == ["waiting"]


@pytest.mark.parametrize("cell", ["end_scheduled", "ended"])
def test_what_a_person_types_ends_the_rest(scene: Scene, cell: str) -> None:
    """An end that was in order is looked at again as soon as the decisions say more of it."""
    found = original(scene, "open")
    verified(scene, found, "open")
    due(scene)
    scene.later(days=1)
    before = looks(scene)
    due(scene)
    rested = looks(scene) - before
    typed(scene, found, **{f"{cell}_on": date(2026, 11, 23), f"{cell}_evidence": "mail 7"})
    due(scene)

    assert (rested, looks(scene) - before) == (0, 3)


def test_an_alarm_does_not_rest(scene: Scene) -> None:
    """Seats that would be missing are counted again with every run, until they are there."""
    found = original(scene, "csp_nce", seats=10, users=10)
    verified(scene, found, "csp_nce_paid_month", seats=7)
    due(scene)
    before = looks(scene)
    due(scene)

    assert looks(scene) - before == 3


def test_a_batch_is_looked_at_whatever_was_seen(scene: Scene) -> None:
    """Who names a batch wants to know now."""
    found = original(scene, "open")
    verified(scene, found, "open")
    due(scene)
    before = looks(scene)
    scene.run("retire")

    assert looks(scene) - before == 3


def three_of_one_pool(scene: Scene) -> list[Subscription]:
    """Three originals of ten seats, two of a batch and one of the next, 28 users, 25 new seats."""
    first = original(scene, "csp_nce", seats=10, users=28)
    first.auto_renew = True
    names = [f"0f1e2d3c-4b5a-4678-9abc-def01234567{number}" for number in (1, 2)]
    found = [first, *(replace(first, id=name, scheduled=[]) for name in names)]
    for one in found[1:]:
        scene.world.add(one)
    scene.world.consumed[first.customer_id, first.product.sku_id] = 28
    about = {"rule": "csp_nce_paid_month", "original_seats": 10, "expires_on": ENDS}
    scene.moves = [
        scene.move(
            customer_of(scene, first), subscription_ids=[one.id], seats=seats, batch=batch, **about
        )
        for one, seats, batch in zip(found, (10, 10, 5), ("B001", "B001", "B002"), strict=True)
    ]
    scene.save()
    for batch in ("B001", "B002"):
        for step in ("provision", "verify"):
            scene.run(step, batch=batch)
    return found


def test_two_runners_judge_a_pool_by_what_the_other_left(scene: Scene) -> None:
    """Between two moves of a customer another runner ends a third: one seat is not spared twice."""
    found = three_of_one_pool(scene)
    only = scene.settings.root / "only.csv"
    only.write_text(f"move_id\n{scene.moves[0].move_id}\n", "utf-8")
    # so that the first move reads and changes nothing
    assert list(scene.run("retire", limits=moves.Limits(only=str(only)))["outcome"]) == ["done"]
    work = moves.begin(
        "retire", plan=scene.plan_file, settings=scene.settings, batch="B001", mode="rehearsal"
    )

    def progress(done: int, of: int, _: Any) -> None:
        if done == 1:
            assert list(scene.run("retire", batch="B002")["outcome"]) == ["done"]

    try:
        outcomes = list(work.carry_out(progress)["outcome"])
    finally:
        work.close()

    assert outcomes == ["done", "human"]
    assert sum(bool(one.scheduled) for one in found) == 2
    scene.server.set_clock(scenes.at(ENDS + timedelta(days=2)))
    assert gaps(scene, found[0]) == []


@pytest.mark.parametrize(("waited", "outcome"), [(0, "done"), (121, "human")])
def test_what_was_read_long_ago_is_read_again(scene: Scene, waited: float, outcome: str) -> None:
    """People may look at a preview for a while before they carry it out."""
    found = original(scene, "csp_nce", seats=10, users=8)
    verified(scene, found, "csp_nce_paid_month")
    work = moves.begin(
        "retire", plan=scene.plan_file, settings=scene.settings, batch="B001", mode="rehearsal"
    )
    clock = [0.0]
    work._desk.seconds = lambda: clock[0]
    try:
        work.preview()
        scene.world.consumed[found.customer_id, found.product.sku_id] = 13
        clock[0] += waited
        outcomes = list(work.carry_out()["outcome"])
    finally:
        work.close()

    assert outcomes == [outcome]
