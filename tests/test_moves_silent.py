"""Silence of a service: asked for late enough and heard twice, or it is no reason for anything."""

from __future__ import annotations

import os
import shutil
import time
from datetime import UTC, datetime, timedelta

import pytest

from cspkit import reconciling
from cspkit.ledger import backups
from cspkit.rehearsal.faults import Faults, Rule
from cspkit.tables import EndState
from tests import scene as scenes
from tests.pools import end_of, original, verified
from tests.scene import CHECKOUT, Scene

ORDERS, CARTS, LISTED = "*/orders", "*/carts/*", "/v1/*/subscriptions"
PROVISIONING = "*/provisioningstatus"
SETTLED = 46


class Slow(Faults):
    """The first list of orders is on its way for some time, and is what it was at its beginning."""

    def __init__(self, scene: Scene, minutes: int) -> None:
        super().__init__()
        self._scene, self._minutes, self._sent = scene, minutes, False

    def pick(self, method: str, path: str) -> Rule | None:
        """Let the time go by; an order that is listed only meanwhile is not in the answer."""
        if path.endswith("/orders") and not self._sent:
            self._sent = True
            self._scene.later(minutes=self._minutes)
            return Rule("moved")
        return super().pick(method, path)


def hide(scene: Scene, route: str, kind: str = "moved", times: int = 1) -> None:
    """Let the next answers of a read lack their last item, or be strange."""
    scene.fault(kind, route, method="GET", times=times)


def states(scene: Scene, subject: str) -> list[str]:
    """The states that the events of a subject led to."""
    with scene.ledger() as ledger:
        return list(ledger.events().query("subject == @subject and after != ''")["after"])


def sent(scene: Scene) -> None:
    """Order a move so that the answer is lost and the order seen by nobody yet."""
    scene.plan(scene.ready(), seats=7)
    scene.fault("lost")
    hide(scene, ORDERS)
    assert scene.outcome("provision") == "waiting"
    assert (scene.state(), len(scene.orders)) == ("sent", 1)


@pytest.mark.parametrize("minutes", [0, 46, 180])
def test_a_list_that_was_asked_for_early_is_no_silence(minutes: int) -> None:
    """However long its answer takes: what counts is when the list was asked for."""
    with scenes.scene(order_listed=(14, 14), second_checkout="800065") as scene:
        scene.plan(scene.ready(), seats=7)
        faults = scene.server.gate.faults = Slow(scene, minutes)
        faults.add({"kind": "lost", "route": CHECKOUT, "method": "POST"})

        first = scene.outcome("provision")
        scene.later(minutes=15)

        assert (first, scene.outcome("provision")) == ("waiting", "done")
        assert [order["quantity"] for order in scene.orders] == [7]


def test_a_list_that_contradicts_its_cart_is_read_again() -> None:
    """The cart is ordered, one list lacks the order, the next has it: nobody is asked."""
    with scenes.scene() as scene:
        sent(scene)
        scene.later(minutes=SETTLED)
        hide(scene, ORDERS)

        assert scene.outcome("provision") == "done"
        assert [order["quantity"] for order in scene.orders] == [7]
        assert "human" not in states(scene, scene.moves[0].move_id)


def test_a_silence_that_was_heard_twice_is_for_a_person() -> None:
    """The cart is ordered, and list after list lacks its order: no waiting helps any more."""
    with scenes.scene() as scene:
        sent(scene)
        scene.later(minutes=SETTLED)
        hide(scene, ORDERS, times=2)

        assert "no order of it can be found" in scene.reason("provision")
        assert (scene.state(), len(scene.orders)) == ("human", 1)


def test_a_cart_in_a_state_that_nobody_knows_is_read_again() -> None:
    """It was never checked out; one answer with an unknown word stops it no more than a minute."""
    with scenes.scene() as scene:
        scene.plan(scene.ready(), seats=7)
        scene.fault("reset", times=2)
        assert scene.outcome("provision") == "waiting"
        scene.later(minutes=SETTLED)
        hide(scene, CARTS, "strange")

        assert scene.outcome("provision") == "done"
        assert [order["quantity"] for order in scene.orders] == [7]


@pytest.mark.parametrize(("times", "outcome"), [(1, "done"), (2, "human")])
def test_seats_that_are_missing_after_a_day_are_asked_for_again(times: int, outcome: str) -> None:
    """Ordered on Friday, looked at on Monday: one answer that says nothing bothers nobody."""
    with scenes.scene(order_completed=(10, 10)) as scene:
        scene.plan(scene.ready())
        assert scene.outcome("provision") == "waiting"
        scene.later(days=3)
        hide(scene, PROVISIONING, "strange", times)

        assert scene.outcome("provision") == outcome
        assert len(scene.orders) == 1


@pytest.mark.parametrize("lacking", ["original", "replacement"])
def test_a_list_that_lacks_one_of_ours_takes_no_end_back(lacking: str) -> None:
    """What our list leaves out is asked for by itself: its end is scheduled all the same."""
    with scenes.scene() as scene:
        found = original(scene, "csp_nce")
        verified(scene, found, "csp_nce_paid_month")
        assert scene.outcome("retire") == "done"
        before = states(scene, found.id)
        hide(scene, LISTED)
        ours = scene.world.subscriptions[found.customer_id]
        if lacking == "original":
            ours[found.id] = ours.pop(found.id)

        assert scene.outcome("retire") == "done"
        assert end_of(scene, found).state is EndState.SCHEDULED
        assert states(scene, found.id) == before


@pytest.mark.parametrize(("late", "trusted"), [(60, False), (-60_000, True)])
def test_a_comparison_opens_a_restored_ledger_by_when_it_began(late: int, trusted: bool) -> None:
    """What it read before the settle window was over proves nothing, however late it is recorded.

    `late`: milliseconds by which the window outlasts the beginning; it is recorded after both.
    """
    with scenes.scene() as scene:
        scene.plan(scene.ready())
        copy = backups.take(scene.ledger_file, "test", datetime.now(UTC))
        with scene.ledger() as ledger:
            ledger.approve("another", by="berta")
        shutil.copy(copy, scene.ledger_file)
        work = reconciling.begin(scene.settings)
        service = scene.settings.service.model_copy(update={"kind": "tenant"})
        work._desk.settings = scene.settings.model_copy(update={"service": service})
        minutes = timedelta(minutes=scene.settings.policy.settle_minutes)
        over = datetime.now(UTC) + timedelta(milliseconds=late)
        for mark in work._desk.ledger._places:
            os.utime(mark, times=((over - minutes).timestamp(),) * 2)
        time.sleep(max(late, 0) / 1_000 + 0.05)

        work.carry_out()
        work.close()

        assert (work.trusted, work.differences) == (trusted, [])
