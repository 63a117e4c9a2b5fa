"""Answers that say nothing: each way a checkout can go wrong ends in exactly one order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cspkit.errors import CspkitError
from cspkit.partner_center import PartnerCenter
from cspkit.rehearsal.records import PARTNER_TENANT
from cspkit.wire import FixedTokens, Wire
from tests import scene as scenes
from tests.scene import CHECKOUT, Scene

CART = "*/carts"
SECOND = ("same", "800065")
NO_EFFECT = ("throttle", "before", "reset")
WITH_EFFECT = ("after", "lost", "half", "html", "twice")
PASSES = 6
KILLS = 16


def carry_through(scene: Scene) -> list[str]:
    """Run the step as an operator would: again every twenty minutes, until it is done."""
    outcomes = []
    for _ in range(PASSES):
        outcomes.append(scene.outcome("provision"))
        if outcomes[-1] in ("done", "human"):
            break
        scene.later(minutes=20)
    return outcomes


class Mortal(FixedTokens):
    """Tokens that kill the run at its n-th call, like a power cut."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def token(self, audience: str, tenant: str, user: bool) -> str:
        self.left -= 1
        if self.left < 0:
            raise SystemExit("the power went out")
        return super().token(audience, tenant, user)


@pytest.mark.parametrize("kind", NO_EFFECT + WITH_EFFECT)
def test_every_fault_of_a_cart_ends_in_one_order(scene: Scene, kind: str) -> None:
    """A lost cart is nothing: another one is made, and one of them is checked out."""
    scene.plan(scene.ready(), seats=7)
    scene.fault(kind, CART, retry_after="1")

    assert carry_through(scene)[-1] == "done"
    assert [order["quantity"] for order in scene.orders] == [7]


@pytest.mark.parametrize("second", SECOND)
@pytest.mark.parametrize("kind", NO_EFFECT + WITH_EFFECT)
@pytest.mark.parametrize("delay", [0, 12])
def test_every_fault_of_a_checkout_ends_in_one_order(kind: str, second: str, delay: int) -> None:
    """Lost before, lost after, errors with and without effect; orders seen at once or late."""
    late = {"order_listed": (delay, delay), "order_completed": (delay, delay)}
    with scenes.scene(second_checkout=second, **late) as scene:
        scene.plan(scene.ready(), seats=7)
        scene.fault(kind, CHECKOUT, retry_after="1")

        outcomes = carry_through(scene)

        assert outcomes[-1] == "done", outcomes
        assert [order["quantity"] for order in scene.orders] == [7]


@pytest.mark.parametrize("second", SECOND)
def test_three_faults_in_a_row_end_in_one_order(second: str) -> None:
    """A bad day: lost with effect, then without answer, then an error."""
    with scenes.scene(second_checkout=second, order_listed=(14, 14)) as scene:
        scene.plan(scene.ready())
        for kind in ("lost", "reset", "before"):
            scene.fault(kind)

        assert carry_through(scene)[-1] == "done"
        assert len(scene.orders) == 1


def test_a_late_effect_is_waited_for() -> None:
    """A request that the network kept for minutes still finds only its own cart."""
    with scenes.scene(order_listed=(10, 10)) as scene:
        scene.plan(scene.ready())
        scene.fault("late", seconds=300.0)

        assert carry_through(scene)[-1] == "done"
        assert len(scene.orders) == 1


def test_an_unclear_checkout_never_gets_a_new_cart() -> None:
    """800065 with an order that hides for 14 minutes: the same cart, until it shows."""
    late: dict[str, Any] = {"second_checkout": "800065", "order_listed": (14, 14)}
    with scenes.scene(**late) as scene:
        scene.plan(scene.ready())
        scene.fault("lost")

        first = scene.run("provision")
        scene.later(minutes=20)
        second = scene.outcome("provision")

        assert list(first["outcome"]) == ["waiting"]
        assert second == "done"
        assert (scene.calls("POST", "/carts"), len(scene.orders)) == (1, 1)


def test_the_same_cart_is_sent_again_under_the_same_id(scene: Scene) -> None:
    """A request that never arrived is repeated as it was."""
    scene.plan(scene.ready())
    scene.fault("reset")

    assert scene.outcome("provision") == "done"
    with scene.ledger() as ledger:
        sent = ledger.outside_calls().query("verb.str.startswith('checkout')")
    assert list(sent["outcome"]) == ["unclear", "done"]
    assert sent["request_id"].nunique() == 1


@pytest.mark.parametrize("code", [13605, 800069, 900121])
def test_a_clear_refusal_did_nothing(scene: Scene, code: int) -> None:
    """The move fails in words, and a later run orders once."""
    scene.plan(scene.ready())
    scene.fault("refuse", status=403, code=code)

    shown = scene.run("provision")

    assert list(shown["outcome"]) == ["failed"]
    assert str(code) in shown["reason"][0]
    assert (scene.orders, scene.state()) == ([], "refused")
    assert scene.outcome("provision") == "done"
    assert len(scene.orders) == 1


def test_a_refusal_after_silence_proves_nothing() -> None:
    """The first call may still have its effect: the order it made is found, not made again."""
    with scenes.scene(order_listed=(14, 14)) as scene:
        scene.plan(scene.ready())
        scene.fault("lost")
        scene.fault("html", "*/carts/*", method="GET", times=5)
        scene.fault("refuse", status=403, code=900121)

        assert carry_through(scene)[-1] == "done"
        assert len(scene.orders) == 1


def test_a_refusal_after_a_lost_request_is_settled_in_time(scene: Scene) -> None:
    """Refused, and no order within the settle window: then, and only then, it is refused."""
    scene.plan(scene.ready())
    scene.fault("reset")
    scene.fault("refuse", status=403, code=900121)

    first = scene.outcome("provision")
    scene.later(minutes=44)
    early = scene.outcome("provision")
    state = scene.state()
    scene.later(minutes=2)
    settled = scene.outcome("provision")

    assert (first, early, state) == ("waiting", "waiting", "sent")
    assert (settled, scene.state(), scene.orders) == ("failed", "refused", [])
    assert scene.outcome("provision") == "done"


def test_a_stale_offer_at_the_checkout_gets_a_new_cart(scene: Scene) -> None:
    """The availability changed in between: read again, one order, in the same run."""
    scene.plan(scene.ready())
    scene.fault("refuse", status=404, code=400019)

    assert scene.outcome("provision") == "done"
    assert (scene.calls("POST", "/carts"), len(scene.orders)) == (2, 1)


def test_a_stale_offer_at_the_cart_is_read_again(scene: Scene) -> None:
    """The same a moment earlier."""
    scene.plan(scene.ready())
    scene.fault("refuse", CART, status=404, code=400019)

    assert scene.outcome("provision") == "done"
    assert len(scene.orders) == 1


@pytest.mark.parametrize("route", [CART, CHECKOUT])
def test_a_token_that_is_not_accepted_did_nothing(scene: Scene, route: str) -> None:
    """401 fails the move and leaves it where it was."""
    scene.plan(scene.ready())
    scene.fault("refuse", route, status=401, code=400)

    assert scene.outcome("provision") == "failed"
    assert scene.outcome("provision") == "done"
    assert len(scene.orders) == 1


def test_throttled_writes_wait_for_the_next_run(scene: Scene) -> None:
    """429 on a write is not repeated by the library."""
    scene.plan(scene.ready())
    scene.fault("throttle", retry_after="57")

    assert scene.outcome("provision") == "waiting"
    assert scene.orders == []
    assert scene.outcome("provision") == "done"


def test_an_expired_cart_with_unknown_outcome_goes_to_a_person() -> None:
    """A cart that is gone after silence proves nothing; evidence and no second order."""
    long = 30 * 24 * 60
    with scenes.scene(order_listed=(long, long)) as scene:
        scene.plan(scene.ready())
        scene.fault("lost", times=2)
        scene.run("provision")
        scene.later(days=8)

        shown = scene.run("provision")

        assert list(shown["outcome"]) == ["human"]
        assert "no order of it can be found" in shown["reason"][0]
        with scene.ledger() as ledger:
            human = ledger.events().query("after == 'human'").iloc[0]
        assert '"request_ids":["' in human["detail"]
        assert scene.outcome("provision") == "human"
        assert len(scene.orders) == 1


def test_an_unused_cart_that_expired_is_made_again(scene: Scene) -> None:
    """Nothing ever left under it, so a new cart is safe."""
    scene.plan(scene.ready())
    scene.fault("throttle", retry_after="57")
    scene.run("provision")
    scene.later(days=8)

    outcomes = carry_through(scene)

    assert outcomes[-1] == "done"
    assert len(scene.orders) == 1


def test_two_candidates_go_to_a_person(scene: Scene) -> None:
    """Nobody guesses which of two orders is ours; a person adopts one."""
    customer = scene.ready()
    scene.plan(customer, seats=7)
    scene.fault("reset", times=2)
    scene.run("provision")
    for _ in range(2):
        _buy_by_hand(scene, customer.id, 7)

    shown = scene.run("provision")
    assert list(shown["outcome"]) == ["human"]
    with scene.ledger() as ledger:
        (order, _) = scene.orders
        ledger.settle_by_hand(
            scene.moves[0].move_id, by="carla", reason="seen", order_id=order["order_id"]
        )

    assert scene.outcome("provision") == "done"
    assert len(scene.orders) == 2


def _buy_by_hand(scene: Scene, customer_id: str, seats: int) -> None:
    """Order in the portal, as a person would: no word of ours in the name."""
    from cspkit.rehearsal import carts, shop

    world, move = scene.world, scene.moves[0]
    customer = world.customers[customer_id]
    product = shop.sku(*move.target_offer.split(":"))
    line = {
        "id": 0,
        "catalogItemId": f"{product.offer}:{shop.availability_id(world, product)}",
        "quantity": seats,
        "billingCycle": "monthly",
        "termDuration": "P1Y",
    }
    cart = carts.create(world, customer, {"lineitems": [line]})
    carts.check_out(world, customer, cart)


@pytest.mark.parametrize("noted", ["done", ""])
@pytest.mark.parametrize("second", SECOND)
def test_an_answer_that_was_not_recorded_is_read_back(second: str, noted: str) -> None:
    """The run dies after the checkout said yes; a week later the cart is gone, the order not."""
    with scenes.scene(second_checkout=second) as scene:
        scene.plan(scene.ready())
        scene.fault("throttle", retry_after="57")
        scene.run("provision")
        with scene.ledger() as ledger:
            (move,) = scene.moves
            row = ledger.move(move.move_id)
            assert row is not None
            lease = ledger.lease(move.customer_id, "ana@elsewhere:1:a")
            path = f"/v1/customers/{move.customer_id}/carts/{row.cart_id}/checkout"
            call = ledger.send(row, path, run_id="r", lease=lease)
            assert call is not None
            partner = PartnerCenter(Wire(scene.server.url, tokens=FixedTokens()), PARTNER_TENANT)
            partner.check_out(path, call.request_id)
            if noted:
                ledger.settle(call, noted)
            ledger.release_lease(lease)
        scene.later(days=8)

        assert carry_through(scene)[-1] == "done"
        assert len(scene.orders) == 1


def test_a_crash_at_any_call_is_made_good_by_running_again() -> None:
    """The run dies at its first, second, ... last call; the next run ends in one order."""
    for calls in range(20):
        with scenes.scene() as scene:
            scene.plan(scene.ready())
            try:
                scene.run("provision", tokens=Mortal(calls))
                alive = True
            except SystemExit:
                alive = False

            assert carry_through(scene)[-1] == "done"
            assert len(scene.orders) == 1
        if alive:
            break
    assert alive and calls >= 6


_WORKER = """
import os, sys
from tests.scene import LEDGER, Paths, Service, Settings, moves
for line in sys.stdin:
    url, root = line.split()
    pid = os.fork()
    if not pid:
        service = Service(partner_center=url, graph=url + "/graph")
        paths = Paths(ledger=LEDGER)
        given = {"settings": Settings(root=root, service=service, paths=paths), "batch": "B001"}
        moves.begin("provision", plan=root + "/plan.json", mode="rehearsal", **given).carry_out()
        os._exit(0)
    print(pid, flush=True)
    sys.stdin.readline()
    os.waitpid(pid, 0)
    print("ended", flush=True)
"""


class Worker:
    """A process that forks a run on demand, so that a run can be killed without a slow start."""

    def __enter__(self) -> Worker:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _WORKER],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def start(self, scene: Scene) -> int:
        """Fork a run and give its process id."""
        return int(self._ask(f"{scene.server.url} {scene.settings.root}"))

    def kill(self, pid: int) -> None:
        """Kill the run wherever it is; its id stays its own until the worker is asked."""
        os.kill(pid, signal.SIGKILL)
        self.wait()

    def wait(self) -> None:
        """Wait for the end of the run."""
        assert self._ask("end") == "ended"

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """One worker for all kills."""
    with Worker() as made:
        yield made


def test_a_kill_while_the_checkout_is_on_its_way(scene: Scene, worker: Worker) -> None:
    """The service gets the request after the run is dead: one order in the end."""
    scene.plan(scene.ready())
    scene.fault("slow", seconds=0.5)
    pid = worker.start(scene)
    _until(lambda: scene.calls("POST", "/checkout") == 1)
    worker.kill(pid)
    _until(lambda: len(scene.orders) == 1)

    assert carry_through(scene)[-1] == "done"
    assert len(scene.orders) == 1


def test_kills_at_any_instant_leave_one_order(worker: Worker) -> None:
    """SIGKILL at instants spread over the whole run, in the ledger's writes too."""
    with scenes.scene() as scene:
        scene.plan(scene.ready())
        began = time.monotonic()
        worker.start(scene)
        worker.wait()
        whole = time.monotonic() - began
    for number in range(KILLS):
        with scenes.scene(order_listed=(3, 3)) as scene:
            scene.plan(scene.ready())
            pid = worker.start(scene)
            time.sleep(whole * number / KILLS)
            worker.kill(pid)

            assert carry_through(scene)[-1] == "done"
            assert len(scene.orders) == 1


def _until(true: Any, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def test_a_dead_service_fails_and_orders_nothing(scene: Scene) -> None:
    """A service that does not answer at all is said in one line."""
    scene.plan(scene.ready())
    scene.server.close()

    with pytest.raises(CspkitError, match="cannot be reached"):
        scene.run("provision")
