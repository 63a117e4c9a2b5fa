"""Two operators in a storm of faults: one order each, no gap, nothing left lying; even seeds."""

from __future__ import annotations

import signal

from tests.proof.simulation import Schedule
from tests.proof.tallying import Tally, failed_once, fresh, many

SCHEDULES = 1_000


def checked(tally: Tally) -> None:
    """Print the figures and refuse a single schedule that is not as it must be."""
    print(tally.counts)
    assert not tally.bad, str(tally)


def test_a_seed_is_always_the_same_schedule() -> None:
    """What fails once can be seen again: each call, fault and crash of it."""
    played = [Schedule(4711) for _ in range(2)]
    verdicts = [one.play() for one in played]

    assert verdicts[0] == verdicts[1]
    assert played[0].troupe.trace == played[1].troupe.trace
    assert len(played[0].troupe.trace) > 100


def test_a_play_leaves_ctrl_c_as_it_was() -> None:
    """Its runs share a process, in which each takes Ctrl-C for itself."""
    before = signal.getsignal(signal.SIGINT)
    for seed in range(20):
        Schedule(seed).play()

    assert signal.getsignal(signal.SIGINT) is before


def test_schedules_that_failed_once_never_fail_again() -> None:
    """Every seed that ever failed is played again."""
    checked(many(failed_once()))


def test_fresh_schedules_have_no_double_order_and_no_gap() -> None:
    """New seeds each time; `CSPKIT_PROOF_SEED` plays one."""
    seeds = fresh(SCHEDULES)
    tally = many(seeds)

    checked(tally)
    assert tally.schedules == len(seeds)
    if tally.schedules == SCHEDULES:
        assert tally.figures["faults"] > 3 * SCHEDULES
        assert tally.figures["crashes"] > SCHEDULES
