"""Runs against a rehearsal over HTTP, judged by its books and never by the ledger's opinion."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pytest

from cspkit import moves
from cspkit.errors import CspkitError, LedgerError, PlanRefused, SettingsError
from cspkit.moves.rows import OUTCOMES, PREVIEW
from cspkit.settings import Settings
from cspkit.wire import FixedTokens
from tests import scene as scenes
from tests.scene import MONDAY, Scene


def begin(scene: Scene, step: str = "provision", **more: Any) -> moves.Work:
    given = {"batch": "B001", "mode": "rehearsal", "settings": scene.settings, **more}
    return moves.begin(step, plan=scene.plan_file, **given)


def test_a_move_is_ordered_as_planned(scene: Scene) -> None:
    """One order: the planned offer, seats, term and cycle, named for people and for read-back."""
    customer = scene.ready()
    scene.plan(customer, seats=7)

    assert scene.outcome("provision") == "done"

    (order,) = scene.orders
    (move,) = scene.moves
    found = [order[key] for key in ("customer_id", "offer", "quantity", "term", "billing_cycle")]
    assert found == [customer.id, move.target_offer, 7, "P1Y", "monthly"]
    assert order["friendly_name"].endswith("]")
    assert scene.state() == "provisioned"


def test_running_twice_orders_once(scene: Scene) -> None:
    """A batch that was run is run again without effect."""
    scene.plan(scene.ready(0), scene.ready(1))
    first = begin(scene, "provision")
    first.carry_out()
    first.close()
    writes = scene.calls("POST")

    assert first.summary() == "mode rehearsal: 2 done"
    work = begin(scene, "provision")
    again = work.carry_out()
    result = scene.settings.root / "result.json"
    work.close(str(result))
    written = json.loads(result.read_text())

    note = "2 of the done before this run"
    assert list(again["outcome"]) == ["done", "done"]
    assert work.summary() == f"mode rehearsal: 2 done; {note}"
    assert (written["counts"], written["notes"]) == ({"done": 2}, [note])
    assert scene.run("provision", mode="dry")["outcome"].tolist() == ["skipped", "skipped"]
    assert (len(scene.orders), scene.calls("POST")) == (2, writes)


def test_a_new_plan_never_orders_again(scene: Scene) -> None:
    """The plan is no part of the key: order, plan anew, run again, one order."""
    scene.plan(scene.ready(), seats=7)
    scene.run("provision")
    scene.plan(scene.ready(), seats=9)

    assert scene.outcome("provision") == "done"
    assert [order["quantity"] for order in scene.orders] == [7]


def test_a_new_plan_cannot_order_under_another_move(scene: Scene) -> None:
    """An original that is ordered stays with its move when a new plan merges it into another."""
    customer = scene.ready()
    scene.plan(customer)
    scene.run("provision")
    original = scene.moves[0].subscription_ids[0]
    scene.plan(customer, subscription_ids=[original, "another-original"])

    shown = scene.run("provision")

    assert list(shown["outcome"]) == ["skipped"]
    assert "its original is provisioned by mv-" in shown["reason"][0]
    assert len(scene.orders) == 1


def test_two_operators_order_once(scene: Scene) -> None:
    """Two runs on one ledger at the same time: the books show one order for each move."""
    scene.plan(*(scene.ready(number) for number in range(4)))
    gate = threading.Barrier(2)
    found: list[str] = []

    def operate() -> None:
        work = begin(scene)
        gate.wait()
        found.extend(work.carry_out()["outcome"])
        work.close()

    threads = [threading.Thread(target=operate) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    scene.run("provision")

    customers = [order["customer_id"] for order in scene.orders]
    assert sorted(customers) == sorted({move.customer_id for move in scene.moves})
    assert set(found) <= {"done", "waiting"}
    assert scene.calls("POST", "/checkout") == 4


def test_the_second_operator_learns_whose_customer_it_is(scene: Scene) -> None:
    """A leased customer is left alone, and the reason says who works on it."""
    scene.plan(scene.ready())
    with scene.ledger() as ledger:
        ledger.lease(scene.ready().id, "carla@elsewhere:7:x")

        shown = scene.run("provision")

    assert list(shown["outcome"]) == ["waiting"]
    assert "carla@elsewhere:7:x works on this customer" in shown["reason"][0]
    assert scene.orders == []


def test_nothing_is_sent_before_it_is_approved(scene: Scene) -> None:
    """A plan without approval is refused before the first call to the service."""
    scene.plan(scene.ready())
    scene.moves = [scene.move(scene.ready(), seats=3)]
    scene.save(approve=False)

    with pytest.raises(PlanRefused, match="is not approved"):
        begin(scene)
    assert scene.books["calls"] == {}


def test_an_edited_plan_is_refused(scene: Scene) -> None:
    """A plan that was changed after it was made does not run."""
    scene.plan(scene.ready())
    scenes.edited(scene.plan_file, start="2026-11-24")

    with pytest.raises(PlanRefused, match="edited"):
        begin(scene)


def test_an_approval_covers_its_horizon(scene: Scene) -> None:
    """Ten working days from the later of start and approval; the day after is refused."""
    customer = scene.ready()
    last = MONDAY + timedelta(days=11)
    beyond = MONDAY + timedelta(days=14)
    scene.moves = [
        scene.move(customer, date=last),
        scene.move(scene.ready(1), date=beyond, batch="B002"),
    ]
    scene.save()
    begin(scene).close()

    with pytest.raises(PlanRefused, match=f"1 moves lie beyond {last}"):
        begin(scene, batch="B002")


def test_a_plan_of_another_service_is_refused(scene: Scene) -> None:
    """A plan made for a tenant never runs in a rehearsal, nor the reverse."""
    scene.plan(scene.ready())
    scene.save(service="tenant:00000000-0000-4000-8000-000000000001")

    with pytest.raises(PlanRefused, match="was made for 'tenant:"):
        begin(scene)
    assert scene.books["calls"] == {}


def test_a_ledger_of_another_service_is_refused(scene: Scene) -> None:
    """A ledger serves one service for life, also in a dry run."""
    scene.moves = [scene.move(scene.ready())]
    scene.save(approve=False)
    with scene.ledger() as ledger:
        ledger.bind("tenant:00000000-0000-4000-8000-000000000001")

    for mode in ("rehearsal", "dry"):
        with pytest.raises(LedgerError, match="belongs to 'tenant:"):
            begin(scene, mode=mode)


def test_mode_live_is_not_for_a_rehearsal(scene: Scene) -> None:
    """No mode can be mistaken for another."""
    scene.plan(scene.ready())

    with pytest.raises(SettingsError, match="mode live needs 'tenant', found 'rehearsal'"):
        begin(scene, mode="live")


def test_mode_live_needs_a_second_factor(scene: Scene) -> None:
    """A token without MFA is refused before the first call and before a ledger is made."""
    service = scene.settings.service.model_copy(update={"kind": "tenant"})
    scene.settings = scene.settings.model_copy(update={"service": service})
    scene.moves = [scene.move(scene.ready())]
    scene.save(approve=False)

    with pytest.raises(SettingsError, match="no multi-factor authentication"):
        begin(scene, mode="live", tokens=FixedTokens())
    assert scene.books["calls"] == {}
    assert not scene.ledger_file.exists()


def test_mode_rehearsal_is_not_for_a_tenant(scene: Scene) -> None:
    """A rehearsal never reaches the real service."""
    scene.plan(scene.ready())
    service = scene.settings.service.model_copy(
        update={"kind": "tenant", "partner_center": "https://api.partnercenter.microsoft.com"}
    )
    settings = Settings(root=scene.settings.root, service=service)

    with pytest.raises(SettingsError, match="mode rehearsal needs 'rehearsal'"):
        begin(scene, settings=settings)


def test_mode_rehearsal_stays_on_this_machine(scene: Scene) -> None:
    """A rehearsal elsewhere could be anything."""
    scene.plan(scene.ready())
    service = scene.settings.service.model_copy(update={"graph": "https://graph.microsoft.com"})
    settings = Settings(root=scene.settings.root, service=service)

    with pytest.raises(SettingsError, match=r"service\.graph: a rehearsal is on this machine"):
        begin(scene, settings=settings)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"batch": None}, "needs a batch or a due day"),
        ({"mode": "real"}, "expected dry, rehearsal, live"),
        ({"batch": None, "due": "soon"}, "expected YYYY-MM-DD"),
        ({"batch": "B999"}, "batch: expected one of"),
    ],
)
def test_wrong_words_are_refused_in_one_line(
    scene: Scene, changed: dict[str, Any], problem: str
) -> None:
    """What is wrong, and what was expected."""
    scene.plan(scene.ready())

    with pytest.raises(CspkitError, match=problem):
        begin(scene, **changed)


def test_an_unknown_step_is_refused(scene: Scene) -> None:
    """The steps are named."""
    with pytest.raises(SettingsError, match=r"expected invite, access, .*found .sell."):
        begin(scene, "sell")


def test_a_dry_run_writes_nothing(scene: Scene) -> None:
    """Neither outside nor in the ledger; what would be done is shown."""
    scene.moves = [scene.move(scene.ready(), seats=7)]
    scene.save(approve=False)
    work = begin(scene, mode="dry")

    preview, outcomes = work.preview(), work.carry_out()
    counts = work.close(str(scene.settings.root / "result.json"))

    assert (list(preview.columns), list(outcomes.columns)) == (list(PREVIEW), list(OUTCOMES))
    assert (preview["would_do"][0], outcomes["outcome"][0]) == ("order", "dry")
    assert preview["reason"][0].startswith("7 × CFQ")
    written = json.loads((scene.settings.root / "result.json").read_text())
    assert (counts, "", "") == (written["counts"], written["chain_head"], written["left"])
    assert written["diff"] == work.diff()
    assert "planned, 7 × Office 365 E3 until" in work.diff()[0]
    assert "-> ordered, 7 × CFQ" in work.diff()[0]
    assert f"{work.diff()[0]}\nmode dry: 1 dry" == work.summary()
    assert counts == {"dry": 1}
    assert (scene.calls("POST"), scene.calls("PATCH")) == (0, 0)
    assert not scene.ledger_file.exists()


@pytest.mark.parametrize("step", ["invite", "access", "provision", "verify", "reassign"])
def test_a_dry_run_works_without_the_service(scene: Scene, step: str) -> None:
    """Plan and ledger are enough to look; the reason says that nothing live was read."""
    scene.plan(scene.ready())
    scene.server.close()
    work = begin(scene, step, mode="dry")

    outcomes = work.carry_out()
    work.close()

    assert len(outcomes) == 1
    assert set(outcomes["outcome"]) <= {"dry", "skipped"}


def test_a_customer_that_has_not_accepted_waits(scene: Scene) -> None:
    """No relationship, no order."""
    scene.plan(scene.unrelated())

    shown = scene.run("provision")

    assert list(shown["outcome"]) == ["waiting"]
    assert "not accepted the invitation" in shown["reason"][0]
    assert scene.calls("POST") == 0


def test_a_customer_without_agreement_waits(scene: Scene) -> None:
    """The agreement is looked at before a cart is made."""
    customer = scene.ready()
    customer.direct_signed_at = None
    customer.attestations.clear()
    scene.plan(customer)

    assert "Microsoft Customer Agreement" in scene.reason("provision")
    assert scene.calls("POST") == 0


def test_an_ended_original_is_skipped(scene: Scene) -> None:
    """A plan that came too late is not carried out blindly."""
    scene.plan(scene.ready(), expires_on=MONDAY - timedelta(days=1))

    assert "ended on 2026-11-22: plan again" in scene.reason("provision")
    assert scene.orders == []


def test_a_renewed_original_is_drift(scene: Scene) -> None:
    """When the tenant shows a later end than planned, the one move is left alone."""
    customer = scene.with_access()
    scene.plan(customer, expires_on=MONDAY + timedelta(days=7))
    scene.run("access")

    shown = scene.run("provision")

    assert list(shown["outcome"]) == ["skipped"]
    assert shown["reason"][0].startswith("drifted: original")
    assert scene.orders == []


def test_another_route_is_not_ordered(scene: Scene) -> None:
    """Only purchases become orders."""
    scene.plan(scene.ready(), route="partner_transfer")

    assert "its route is partner_transfer" in scene.reason("provision")


@pytest.mark.parametrize("whom", ["customer", "*"])
def test_a_hold_stops_the_run(scene: Scene, whom: str) -> None:
    """Who holds, and why, is the reason; after the release the move goes on."""
    customer = scene.ready()
    scene.plan(customer)
    with scene.ledger() as ledger:
        held = customer.id if whom == "customer" else whom
        ledger.hold(held, reason="asked to wait", by="carla")
        shown = scene.run("provision")
        ledger.release(held, by="carla")

    assert list(shown["outcome"]) == ["skipped"]
    assert "by carla: asked to wait" in shown["reason"][0]
    assert scene.outcome("provision") == "done"


def test_seats_beyond_the_offer_are_refused_in_words(scene: Scene) -> None:
    """A line that the service cannot sell shows in a 201 cart, and nothing is ordered."""
    scene.plan(scene.limited(), seats=301)

    shown = scene.run("provision")

    assert list(shown["outcome"]) == ["failed"]
    assert "10015" in shown["reason"][0]
    assert (scene.orders, scene.state()) == ([], "refused")


def test_a_refused_move_can_be_tried_again(scene: Scene) -> None:
    """What did nothing leaves the way free for a better plan."""
    scene.plan(scene.limited(), seats=301)
    scene.run("provision")
    scene.plan(scene.limited(), seats=5)

    assert scene.outcome("provision") == "done"
    assert [order["quantity"] for order in scene.orders] == [5]


def test_an_offer_that_is_not_sold_fails_alone(scene: Scene) -> None:
    """The other moves of the batch are not held up by it."""
    good, bad = scene.ready(0), scene.ready(1)
    scene.moves = [scene.move(bad, target_offer="CFQ7TTC0XXXX:0001"), scene.move(good)]
    scene.save()

    assert list(scene.run("provision")["outcome"]) == ["failed", "done"]


def test_a_run_stops_at_its_number_of_failures(scene: Scene) -> None:
    """What is wrong with everything is not tried on everybody."""
    policy = scene.settings.policy.model_copy(update={"max_failures": 2})
    scene.settings = scene.settings.model_copy(update={"policy": policy})
    scene.plan(*(scene.ready(number) for number in range(4)), target_offer="CFQ7TTC0XXXX:0001")

    shown = scene.run("provision")

    assert list(shown["outcome"]) == ["failed", "failed", "skipped", "skipped"]
    assert "stopped after 2 failures" in shown["reason"][3]


def test_failed_moves_come_out_apart(scene: Scene) -> None:
    """What failed is a frame of its own, and the counts name only what there is."""
    scene.moves = [
        scene.move(scene.ready(0), target_offer="CFQ7TTC0XXXX:0001"),
        scene.move(scene.ready(1)),
    ]
    scene.save()
    work = begin(scene)
    seen: list[tuple[int, int]] = []
    work.carry_out(progress=lambda done, total, _counts: seen.append((done, total)))

    assert list(work.failed()["outcome"]) == ["failed"]
    assert work.close() == {"done": 1, "failed": 1}
    assert seen == [(1, 2), (2, 2)]


def test_a_run_leaves_its_trace(scene: Scene) -> None:
    """Who, what, when and how it ended, with an unbroken chain of events."""
    scene.plan(scene.ready())
    work = begin(scene, run_id="run-7")
    work.carry_out()
    work.close()

    with scene.ledger() as ledger:
        run = ledger.runs().iloc[0]
        assert (run["run_id"], run["mode"], run["counts"]) == ("run-7", "rehearsal", '{"done":1}')
        assert ledger.verify("run-7") == []
        kinds = list(ledger.events().query("run_id == 'run-7'")["kind"])
        calls = ledger.outside_calls()
    assert kinds.count("intent") == kinds.count("outcome") == 2
    assert list(calls["outcome"]) == ["done", "done"]


def test_the_ledger_lives_on_the_rehearsals_clock(scene: Scene) -> None:
    """What happens in a rehearsal is dated by its own time."""
    scene.plan(scene.ready())
    scene.later(days=1)
    scene.run("provision")

    with scene.ledger() as ledger:
        (sent,) = ledger.moves()["sent_at"]
    assert sent == scene.server.now()


def test_verified_means_seen_by_two_services(scene: Scene) -> None:
    """Subscription, delivery and the tenant's own pool must show the seats."""
    scene.plan(scene.with_access())
    scene.run("provision")

    dry = scene.run("verify", mode="dry")["reason"][0]
    assert dry.startswith("would check the seats")
    assert scene.outcome("verify") == "done"
    assert scene.state() == "verified"


def test_seats_that_cannot_be_assigned_yet_are_not_verified() -> None:
    """Bought is not there: the check waits until users could get the seats."""
    with scenes.scene(seats_usable=(20, 20)) as scene:
        scene.plan(scene.with_access())
        scene.run("provision")

        assert scene.outcome("verify") == "waiting"
        scene.later(minutes=30)
        scene.run("provision")
        assert scene.outcome("verify") == "done"


def test_without_access_nothing_is_verified(scene: Scene) -> None:
    """A tenant that we cannot look into proves nothing."""
    scene.plan(scene.customers(lambda one: one.related and not scene.world.access_of[one.id])[0])
    scene.run("provision")

    (dry,) = scene.run("verify", mode="dry")["reason"]

    assert "cannot be looked into yet" in scene.reason("verify")
    assert "cannot be looked into yet" in dry and not dry.startswith("would ")


def test_too_few_seats_go_to_a_person(scene: Scene) -> None:
    """A subscription that somebody reduced is not verified, and not ordered again."""
    customer = scene.with_access()
    scene.plan(customer, seats=7)
    scene.run("provision")
    (order,) = scene.orders
    scene.world.subscriptions[customer.id][order["subscription_id"]].seats = 6

    assert scene.outcome("verify", mode="dry") == "human"
    assert scene.outcome("verify") == "human"
    assert scene.outcome("provision") == "human"
    assert len(scene.orders) == 1


def test_a_state_that_no_document_explains_waits(scene: Scene) -> None:
    """One answer with an unknown word bothers nobody: it is looked at again."""
    scene.plan(scene.with_access())
    scene.run("provision")
    scene.server.gate.faults.add({"kind": "strange", "route": "/v1/*/subscriptions"})

    assert "no document explains" in scene.reason("verify")
    assert scene.outcome("verify") == "done"


def test_nothing_is_verified_before_it_is_ordered(scene: Scene) -> None:
    """The order of the steps holds."""
    scene.plan(scene.ready())

    assert scene.reason("verify") == "not ordered yet"


def test_calls_for_one_move_are_few(scene: Scene) -> None:
    """A move that goes well needs at most twelve calls beyond those of the run."""
    scene.plan(*(scene.with_access() for _ in range(1)))
    scene.run("provision")
    scene.run("verify")

    per_run = 2
    total = sum(scene.books["calls"].values()) - per_run
    assert total <= 12
