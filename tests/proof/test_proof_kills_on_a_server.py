"""Workers that are killed for real, their ledger on a server: beside those on a file, by time."""

from __future__ import annotations

from pathlib import Path

from tests.postgres import Postgres
from tests.proof.kills import KILLS, checked, kill


def test_kills_leave_one_order_each_on_postgresql(postgres: Postgres, empty_ledger: str) -> None:
    """A server that loses its client in the middle of a transaction."""

    def ledger(_: Path) -> str:
        return postgres.url(postgres.database(empty_ledger))

    checked(kill(KILLS, ledger), KILLS)
