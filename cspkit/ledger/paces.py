"""One pace for all who share a ledger: its database hands out the turns of calls.

Turns are instants of the database's clock, evenly apart, handed out some at a time. Nobody gets
the same one twice, and those of a runner that died are lost as time goes by.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from cspkit.ledger import leases
from cspkit.ledger.opened import Opened
from cspkit.ledger.schema import paces


@dataclass(frozen=True)
class Turns:
    """Turns for calls: the first in so many seconds from now, the others `apart` each.

    `count` is 0 where the first would be later than the asker can wait: none was handed out.
    """

    count: int
    begins_in: float
    apart: float


class Pace:
    """The pace of calls that one limit of the service counts together, by its name."""

    def __init__(self, ledger: Opened, name: str) -> None:
        """Share it with everybody whose ledger this is."""
        self._ledger, self._name = ledger, name

    def take(self, wanted: int, per_minute: float, *, patience: float) -> Turns:
        """Take the next turns; none where the first would come after so many seconds.

        Raises LedgerError when the database cannot be reached: without turns nothing is called.
        """
        apart = 60 / per_minute
        with self._ledger.aside() as connection:
            now = leases.now(connection, self._ledger.wall)
            free_at, held_until = _locked(connection, self._name, now)
            first = max(now, free_at, held_until)
            wait = (first - now).total_seconds()
            if wait > patience:
                return Turns(0, wait, apart)
            _set(connection, self._name, free_at=first + timedelta(seconds=wanted * apart))
        return Turns(wanted, wait, apart)

    def hold(self, seconds: float) -> None:
        """Let everybody wait: a runner was told to; a longer hold stays."""
        with self._ledger.aside() as connection:
            now = leases.now(connection, self._ledger.wall)
            _, held_until = _locked(connection, self._name, now)
            until = max(held_until, now + timedelta(seconds=seconds))
            _set(connection, self._name, held_until=until)


def _locked(connection: sa.Connection, name: str, now: datetime) -> tuple[datetime, datetime]:
    """Read when the next turn is free and until when all wait; nobody else reads it meanwhile."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    mine = sa.select(paces.c.free_at, paces.c.held_until).where(paces.c.name == name)
    found = connection.execute(mine.with_for_update()).one_or_none()
    if found is None:
        row = {"name": name, "free_at": now, "held_until": now}
        connection.execute(insert(paces).values(row).on_conflict_do_nothing())
        found = connection.execute(mine.with_for_update()).one()
    return found[0], found[1]


def _set(connection: sa.Connection, name: str, **values: datetime) -> None:
    connection.execute(sa.update(paces).where(paces.c.name == name).values(values))
