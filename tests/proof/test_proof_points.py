"""Every boundary with every fault once, at the first try and at the retry; and every crash."""

from __future__ import annotations

import pytest

from tests.proof.exhaustive import TRIES, Swept, points, sweep, sweep_crashes, sweep_late
from tests.proof.stage import ENDED, ONE, OTHER, Case
from tests.proof.weather import faults_of


def checked(swept: Swept) -> None:
    """Print how many points there are, and refuse one that was left out or went wrong."""
    print(f"{swept.calls} boundaries, {swept.played} of {swept.points} points, {swept.met} met")
    assert not swept.bad, swept.bad[:3]
    assert swept.points == swept.played


def test_every_fault_of_every_call_ends_well() -> None:
    """From the cart to the last user: each call, each fault, first try and retry."""
    listed = list(points(OTHER))
    calls = {(one.number, one.method, one.path) for one in listed}
    both = sum(
        len(faults_of(method, path)) * (2 if path.endswith("/checkout") else 1)
        for _, method, path in calls
    )

    swept = sweep(OTHER)

    checked(swept)
    assert both * len(TRIES) == swept.points == swept.met


def test_every_fault_of_an_end_ends_well() -> None:
    """The calls that only an original of ours needs: renewal off, its end, seen ended."""
    known = {(one.method, one.path) for one in points(OTHER)}

    swept = sweep(ENDED, besides=known)

    checked(swept)
    assert swept.points == swept.met > 0


@pytest.mark.parametrize("unanswered", ["lost", "reset"])
def test_every_fault_of_a_late_answer_ends_well(unanswered: str) -> None:
    """After the settle window, too, one bad answer loses no order and gives none to a person."""
    swept = sweep_late(ONE, unanswered)

    checked(swept)
    assert swept.met == swept.points > 0


@pytest.mark.parametrize("case", [OTHER, ENDED], ids=lambda one: one.name)
def test_a_crash_at_every_boundary_is_made_good(case: Case) -> None:
    """Before and after each call and each write, and at each read: once, and twice in a row."""
    swept = sweep_crashes(case)

    checked(swept)
    assert len(TRIES) * swept.calls == swept.points
