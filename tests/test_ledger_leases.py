"""Who works on a customer: one at a time, until the lease is given back or its holder is gone."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import datetime, timedelta

from cspkit.clock import FixedClock
from cspkit.ledger import Ledger, new_holder
from cspkit.tables import MoveState
from tests.ledgers import CUSTOMER, NOON, SERVICE, claim_of, take, walk
from tests.postgres import Postgres


def test_compare_and_set_lets_one_through(ledger: Ledger) -> None:
    """Two workers with one lease cannot both make the same change."""
    lease = take(ledger)
    ledger.claim(claim_of(), run_id="r", lease=lease)
    walk(ledger, lease, MoveState.CART)

    again = ledger.advance(
        "mv-1", MoveState.PLANNED, MoveState.CART, run_id="r", lease=lease, cart_id="other"
    )

    row = ledger.move("mv-1")
    assert row is not None
    assert (again, row.cart_id) == (False, "cart-mv-1")


def test_a_lease_names_who_has_it(ledger: Ledger) -> None:
    """The second worker learns whose customer it is."""
    first = take(ledger, "ana@elsewhere:1:a")

    second = take(ledger, "berta@elsewhere:2:b")

    assert ("ana@elsewhere:1:a", first.fence) == (second.holder, second.fence)


def test_a_late_worker_is_fenced_off(url: str, clock: FixedClock) -> None:
    """A worker that slept over its lease writes nothing, although its state still fits."""
    wall = FixedClock(NOON)
    with Ledger(url, clock=clock, wall=wall) as ledger:
        ledger.bind(SERVICE)
        slept = take(ledger, "ana@elsewhere:1:a")
        ledger.claim(claim_of(), run_id="r", lease=slept)
        wall.set(NOON + timedelta(hours=1))
        awake = take(ledger, "berta@elsewhere:2:b")

        late = ledger.advance(
            "mv-1", MoveState.PLANNED, MoveState.CART, run_id="r", lease=slept, cart_id="late"
        )

        assert (False, slept.fence + 1) == (late, awake.fence)


def test_a_dead_worker_of_this_computer_does_not_hold_anyone_up(ledger: Ledger) -> None:
    """After a kill the same computer goes on at once, under a new fence."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    here = new_holder().partition("@")[2].partition(":")[0]
    take(ledger, f"ana@{here}:{gone.pid}:a")

    mine = take(ledger, "berta@x:1:b")

    assert (mine.holder, mine.fence) == ("berta@x:1:b", 2)


def test_a_clock_set_back_frees_nobody(url: str, clock: FixedClock) -> None:
    """Whoever has the lease keeps it and writes on; nobody else gets in by the jump."""
    wall = FixedClock(NOON)
    with Ledger(url, clock=clock, wall=wall) as ledger:
        ledger.bind(SERVICE)
        mine = take(ledger, "ana@elsewhere:1:a")
        wall.set(NOON - timedelta(hours=1))
        other = take(ledger, "berta@elsewhere:2:b")
        row = ledger.claim(claim_of(), run_id="r", lease=mine)

    assert other.holder == "ana@elsewhere:1:a"
    assert row is not None


def test_leases_on_a_server_go_by_its_clock(postgres: Postgres, empty_ledger: str) -> None:
    """A team's computers need not agree on the time."""
    with Ledger(postgres.url(postgres.database(empty_ledger))) as ledger:
        lease = take(ledger)
        told = datetime.fromisoformat(postgres.sql("SELECT clock_timestamp()").strip())

    assert abs((told - lease.since).total_seconds()) < 30


def test_a_lease_given_back_can_be_taken(ledger: Ledger) -> None:
    """Releasing frees the customer and keeps the fence growing."""
    first = take(ledger, "ana@elsewhere:1:a")
    ledger.release_lease(first)

    second = take(ledger, "berta@elsewhere:2:b")

    assert ("berta@elsewhere:2:b", first.fence + 1) == (second.holder, second.fence)


def test_two_workers_claim_one_original_once(url: str, clock: FixedClock) -> None:
    """Two threads with two connections cannot both reserve an original."""
    with Ledger(url, clock=clock) as ledger:
        ledger.bind(SERVICE)
        gate = threading.Barrier(2)
        got: list[str] = []

        def work(move_id: str) -> None:
            lease = ledger.lease(f"{CUSTOMER}-{move_id}", new_holder())
            gate.wait()
            row = ledger.claim(claim_of(move_id, seats=5), run_id="r", lease=lease)
            assert row is not None
            ledger.advance(
                move_id,
                MoveState.PLANNED,
                MoveState.CART,
                run_id="r",
                lease=lease,
                cart_id=move_id,
            )
            got.append(row.move_id)

        threads = [threading.Thread(target=work, args=(f"mv-{n}",)) for n in (1, 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        live = ledger.moves().query("state != 'refused'")
        assert len(live) == 1
