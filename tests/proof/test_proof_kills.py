"""Workers that are killed for real, thousands of times: one order each, the ledger whole."""

from __future__ import annotations

from tests.proof.kills import KILLS, checked, kill, race

RACES = 200


def test_kills_leave_one_order_each_on_sqlite() -> None:
    """A file with the product's settings: rolled back at the next opening, never damaged."""
    checked(kill(KILLS, lambda _: "sqlite:///ledger.db"), KILLS)


def test_two_processes_race_for_each_move() -> None:
    """Both begin a move at the same moment on one ledger: one order, and nobody fails."""
    found = race(RACES, lambda _: "sqlite:///ledger.db")

    checked(found, 0)
    assert found.moves == RACES
