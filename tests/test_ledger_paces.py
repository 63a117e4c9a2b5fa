"""One pace for all who share a ledger, on both databases and over real processes."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from multiprocessing import get_context
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cspkit.clock import FixedClock
from cspkit.errors import LedgerError
from cspkit.ledger import Ledger, Pace
from cspkit.wire import FixedTokens, Limiter, Wire
from cspkit.wire.limits import LATEST, LONGEST_WAIT
from tests.canned import Canned, Service
from tests.ledgers import NOON
from tests.postgres import Postgres

TENANT = "00000000-0000-4000-8000-000000000001"


class Runner:
    """A process of its own without anything else to do: it says the instant of each call."""

    def __init__(self, url: str, per_minute: float, seconds: float) -> None:
        context = get_context("fork")
        self.said, mine = context.Pipe(duplex=False)
        given = (url, per_minute, seconds, mine)
        self.process = context.Process(target=_call, args=given, daemon=True)
        self.process.start()

    def calls(self) -> list[float]:
        """The instants of all its calls, once it has ended."""
        self.process.join(30)
        assert self.process.exitcode == 0
        found: list[float] = self.said.recv()
        return found


def _call(url: str, per_minute: float, seconds: float, said: Any) -> None:
    limiter = Limiter(per_minute)
    ends, calls = time.time() + seconds, []
    with Ledger(url) as ledger:
        limiter.share("t", Pace(ledger, "partner_center"))
        while time.time() < ends:
            limiter.wait("t")
            calls.append(time.time())
    said.send(calls)


@pytest.fixture(scope="module")
def waited() -> Iterator[tuple[Ledger, FixedClock]]:
    """A ledger in memory whose clock a test moves."""
    wall = FixedClock(NOON)
    with Ledger("sqlite://", clock=wall, wall=wall) as made:
        yield made, wall


def test_three_processes_together_keep_the_pace(url: str) -> None:
    """In no window more calls than the quota allows and a second's delay may catch up with."""
    Ledger(url).close()
    per_second, runners = 20.0, [Runner(url, 1_200, 2.5) for _ in range(3)]
    said = [one.calls() for one in runners]
    calls = sorted(instant for one in said for instant in one)

    for window in (0.5, 1.0, 2.0):
        most = max(sum(at - window < other <= at for other in calls) for at in calls)
        assert most <= per_second * (window + LATEST) + 1
    assert all(len(one) > 3 for one in said), "one of them never had a turn"
    assert len(calls) > per_second


def test_turns_of_a_killed_runner_are_lost_by_time(url: str) -> None:
    """It had a second's worth of turns at most; nobody waits for it longer than that."""
    Ledger(url).close()
    dead = Runner(url, 600, 30)
    time.sleep(1)
    dead.process.kill()
    dead.process.join()
    with Ledger(url) as ledger:
        got = Pace(ledger, "partner_center").take(1, 600, patience=LONGEST_WAIT)

    assert (got.count, got.begins_in <= 2 * LATEST) == (1, True)


def test_one_runner_that_is_told_to_wait_holds_the_others(url: str) -> None:
    """A 429 with its Retry-After is heard by whoever shares the ledger, before their next turns."""
    begun: list[float] = []

    def answer(*_: Any) -> tuple[int, Any, dict[str, str]]:
        begun.append(time.monotonic())
        return (429, {}, {"Retry-After": "0.6"}) if len(begun) == 1 else (200, {}, {})

    with Service(answer) as service, Ledger(url) as one, Ledger(url) as other:
        wires = []
        for ledger in (one, other):
            limiter = Limiter(6_000)
            limiter.share(TENANT, Pace(ledger, "partner_center"))
            made = Wire(service.url, tokens=FixedTokens(), limiter=limiter)
            wires.append(made)
        with pytest.raises(Exception, match="429"):
            wires[0].write("POST", "/x", tenant=TENANT, request_id="r")
        wires[1].read("/x", tenant=TENANT)
        for made in wires:
            made.close()

    assert len(begun) == 2
    assert begun[1] - begun[0] >= 0.55


def test_nothing_is_called_without_turns(postgres: Postgres, empty_ledger: str) -> None:
    """A runner that cannot reach the ledger stops, before anything leaves."""
    name = postgres.database(empty_ledger)
    adapter = Canned({"GET /x": [(200, {})]})
    with Ledger(postgres.url(name)) as ledger:
        limiter = Limiter(600)
        limiter.share(TENANT, Pace(ledger, "partner_center"))
        wire = Wire("https://api.example", tokens=FixedTokens(), limiter=limiter, adapter=adapter)
        postgres.sql(f"DROP DATABASE {name} WITH (FORCE)")
        with pytest.raises(LedgerError):
            wire.read("/x", tenant=TENANT)

    assert adapter.asked == []


@given(
    per_minute=st.integers(1, 3_000),
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("take"), st.integers(1, 30)),
            st.tuples(st.just("hold"), st.integers(1, 60)),
            st.tuples(st.just("pass"), st.integers(1, 5_000)),
        ),
        max_size=30,
    ),
)
@settings(deadline=None)
def test_no_turn_is_handed_out_twice_or_during_a_pause(
    waited: tuple[Ledger, FixedClock], per_minute: int, steps: list[tuple[str, int]]
) -> None:
    """Whoever takes them in whatever order: evenly apart, never in the past, after each pause."""
    ledger, wall = waited
    slip, apart = timedelta(milliseconds=1), timedelta(seconds=60 / per_minute)
    name, turns, held = uuid.uuid4().hex, [], wall.now()
    paces = [Pace(ledger, name) for _ in range(2)]
    for number, (step, much) in enumerate(steps):
        now, pace = wall.now(), paces[number % 2]
        if step == "take":
            got = pace.take(much, per_minute, patience=LONGEST_WAIT)
            first = now + timedelta(seconds=got.begins_in)
            assert (got.count, got.begins_in >= 0) == (
                0 if got.begins_in > LONGEST_WAIT else much,
                True,
            )
            assert first >= held - slip
            turns += [first + each * apart for each in range(got.count)]
        elif step == "hold":
            pace.hold(much)
            held = max(held, now + timedelta(seconds=much))
        else:
            wall.set(now + timedelta(milliseconds=much))

    assert all(later - earlier >= apart - slip for earlier, later in pairwise(turns))


def test_a_long_pause_hands_out_nothing(ledger: Ledger) -> None:
    """Who cannot wait so long takes no turns with it, so that the pause does not grow."""
    pace = Pace(ledger, "graph")
    pace.hold(LONGEST_WAIT + 60)
    waits = [pace.take(30, 60, patience=LONGEST_WAIT) for _ in range(5)]

    assert not any(one.count for one in waits)
    assert all(LONGEST_WAIT < one.begins_in <= LONGEST_WAIT + 60 for one in waits)


def test_paces_of_two_limits_are_apart(ledger: Ledger) -> None:
    """Partner Center and Graph count for themselves."""
    Pace(ledger, "partner_center").hold(60)

    assert Pace(ledger, "graph").take(1, 60, patience=1).count == 1
