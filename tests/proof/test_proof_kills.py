"""Workers that are killed for real, thousands of times: one order each, the ledger whole."""

from __future__ import annotations

from pathlib import Path

from tests.postgres import Postgres
from tests.proof.kills import Killed, kill, race

KILLS = 2_000
RACES = 200


def checked(found: Killed, kills: int) -> None:
    """Print the figures and refuse a single move that is not as it must be."""
    print(found)
    assert not found.wrong, f"{found}: {found.wrong[:5]}"
    assert found.kills >= kills


def test_kills_leave_one_order_each_on_sqlite() -> None:
    """A file with the product's settings: rolled back at the next opening, never damaged."""
    checked(kill(KILLS, lambda _: "sqlite:///ledger.db"), KILLS)


def test_kills_leave_one_order_each_on_postgresql(postgres: Postgres, empty_ledger: str) -> None:
    """A server that loses its client in the middle of a transaction."""

    def ledger(_: Path) -> str:
        return postgres.url(postgres.database(empty_ledger))

    checked(kill(KILLS, ledger), KILLS)


def test_two_processes_race_for_each_move() -> None:
    """Both begin a move at the same moment on one ledger: one order, and nobody fails."""
    found = race(RACES, lambda _: "sqlite:///ledger.db")

    checked(found, 0)
    assert found.moves == RACES
