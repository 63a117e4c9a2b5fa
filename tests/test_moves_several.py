"""Several originals of one move, and several orders of one original: none ends for another."""

from __future__ import annotations

from typing import Any

import pytest

from cspkit.moves.provisioning import claim_of
from cspkit.moves.rows import Subject
from cspkit.rehearsal.records import PARTNER_TENANT, Subscription
from cspkit.tables import EndState, MoveState
from tests.pools import (
    customer_of,
    end_of,
    original,
    twin,
)
from tests.scene import Scene
from tests.test_mailing import mailed


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
