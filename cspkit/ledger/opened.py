"""An open ledger: its transactions, its errors, and the one service it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import sqlalchemy as sa

from cspkit.clock import Clock, SystemClock
from cspkit.errors import LedgerError
from cspkit.ledger import chain, opening, schema
from cspkit.ledger.records import Record

R = TypeVar("R", bound=Record)


class Opened:
    """Open the database, bind it, and run short transactions in it; no HTTP inside of one."""

    def __init__(
        self,
        url: str,
        *,
        clock: Clock | None = None,
        wall: Clock | None = None,
        read_only: bool = False,
    ) -> None:
        """Open the database at a SQLAlchemy address."""
        self.clock = clock or SystemClock()
        self._wall = wall or SystemClock()
        self._engine = opening.engine(url, read_only=read_only)
        self._place = sa.make_url(url).render_as_string(hide_password=True)
        if not read_only:
            with self._translated():
                opening.create(self._engine)

    @classmethod
    def glance(cls, url: str, *, clock: Clock | None = None) -> Self:
        """Open a ledger for reading only; an empty one in memory where there is none yet."""
        address = sa.make_url(url)
        local = address.get_backend_name() == "sqlite"
        if local and not (address.database and Path(address.database).exists()):
            return cls("sqlite://", clock=clock)
        return cls(url, clock=clock, read_only=True)

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        """Use the ledger in a `with` statement."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    def bind(self, service_id: str) -> None:
        """Bind the ledger to one service for life; raise LedgerError if it has another."""
        self.check_binding(service_id)
        if self.service is None:
            at = self.clock.now()
            with self._write() as connection:
                row = {"one": 1, "service": service_id, "bound_at": at}
                connection.execute(sa.insert(schema.binding).values(row))
                chain.append(connection, "bound", service_id, at=at)

    def check_binding(self, service_id: str) -> None:
        """Raise LedgerError when the ledger belongs to another service; writes nothing."""
        bound = self.service
        if bound not in (None, service_id):
            raise LedgerError(
                f"the ledger belongs to {bound!r}, not to {service_id!r}: "
                "use the ledger of that service"
            )

    @property
    def service(self) -> str | None:
        """Name the service the ledger is bound to."""
        with self._read() as connection:
            found = connection.execute(sa.select(schema.binding.c.service)).scalar_one_or_none()
        return None if found is None else str(found)

    @contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        with self._translated(), self._engine.connect() as connection:
            yield connection.execution_options(**{opening.READS: True})

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        with self._translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Say in one line what the database said; the transaction is rolled back by then."""
        try:
            yield
        except sa.exc.IntegrityError as error:
            said = _line(error)
            raise LedgerError(f"ledger {self._place}: refused by its own rules: {said}") from error
        except sa.exc.DBAPIError as error:
            raise LedgerError(f"ledger {self._place}: {_line(error)}") from error

    def _one(self, kind: type[R], query: sa.Select[Any]) -> R | None:
        with self._read() as connection:
            found = connection.execute(query).mappings().one_or_none()
        return None if found is None else kind.of(found)


def _line(error: sa.exc.DBAPIError) -> str:
    return " ".join(str(error.orig).split())
