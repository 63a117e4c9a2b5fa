"""Originals end after their replacement is verified; judged by the books of the rehearsal."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from cspkit.errors import LedgerError
from cspkit.rehearsal import people
from cspkit.rehearsal.records import Subscription
from cspkit.tables import EndState
from tests.pools import (
    ENDS,
    customer_of,
    end_of,
    gaps,
    original,
    outbox,
    typed,
    verified,
)
from tests.scene import MONDAY, Scene

SUBSCRIPTION = "*/subscriptions/*"


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


def test_a_letter_leaves_days_for_what_it_asks(scene: Scene) -> None:
    """A run by today's day writes it once the replacement is there, not on the last day for it."""
    found = original(scene, "direct_mca")
    today: dict[str, Any] = {"batch": None, "due": MONDAY}
    scene.plan(customer_of(scene, found), rule="direct_mca_paid_month", seats=10)
    assert scene.outcome("provision") == "done"
    assert len(scene.run("retire", **today)) == 0
    assert scene.outcome("verify") == "done"

    assert list(scene.run("retire", **today)["outcome"]) == ["waiting"]
    assert len(outbox(scene, "end-at-term")) == 1
    assert scene.moves[0].end_scheduled_by == ENDS > MONDAY + timedelta(days=20)


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
