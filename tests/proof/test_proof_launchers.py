"""`cspkit run` killed in its launcher, kernel, what forks it, or all: run again, one order."""

from __future__ import annotations

import pytest

from tests.proof.launchers import VICTIMS, strike

CHECKOUT = 6


@pytest.mark.parametrize("victim", VICTIMS)
def test_a_killed_run_is_run_again(victim: str) -> None:
    """While a call of the order is on its way; `make proof` takes every call."""
    found = strike([CHECKOUT], [victim])

    assert not found.wrong, found.wrong
