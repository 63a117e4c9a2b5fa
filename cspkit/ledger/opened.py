"""An open ledger: its transactions, its errors, and the one service it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeVar

import sqlalchemy as sa

from cspkit.clock import Clock, SystemClock
from cspkit.errors import LedgerError
from cspkit.ledger import chain, marks, opening, place, schema, states
from cspkit.ledger.records import Record

R = TypeVar("R", bound=Record)
_RULES = ("23", "P0001")


class RuleBroken(LedgerError):
    """A rule of the database itself refused a write."""


class Opened:
    """Open the database, bind it, and run short transactions in it; no HTTP inside of one.

    `distrust` says why nothing may be written, beside holds: the file was copied or moved from
    elsewhere, or restored from an older copy. `trust` ends that.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Clock | None = None,
        wall: Clock | None = None,
        read_only: bool = False,
        update: bool = False,
    ) -> None:
        """Open the database at a SQLAlchemy address."""
        self.clock = clock or SystemClock()
        self._wall = wall
        address = opening.address_of(url)
        self.place = address.render_as_string(hide_password=True)
        self.file = opening.file_of(address)
        self._engine = opening.engine(address, read_only=read_only)
        self._places: list[Path] = []
        self._marked: tuple[int, str] | None = None
        self._service: str | None = None
        self.distrust = ""
        try:
            with self._translated():
                if read_only:
                    opening.check(self._engine)
                else:
                    now = SystemClock().now()
                    opening.prepare(self._engine, self.file, now, update=update)
            self.distrust = self._why_not()
        except BaseException:
            self.close()
            raise

    @classmethod
    def glance(cls, url: str, *, clock: Clock | None = None) -> Self:
        """Open a ledger for reading only; an empty one in memory where there is none yet."""
        address = opening.address_of(url)
        if address.get_backend_name() == "sqlite":
            file = opening.file_of(address)
            if file is None or not file.exists():
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
        """Bind the ledger to one service for life.

        Raises LedgerError if it has another, or if it may not be written: whoever binds is
        about to act.
        """
        self.check_binding(service_id)
        self._refuse_distrusted()
        if self.service is None:
            at = self.clock.now()
            with self._write() as connection:
                if states.bind(connection, service_id, at=at):
                    chain.append(connection, "bound", service_id, at=at)
            self.check_binding(service_id)
            self.distrust = self._why_not()

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
        """Name the service the ledger is bound to, which it stays for life."""
        if self._service is None:
            with self._read() as connection:
                found = connection.execute(sa.select(schema.binding.c.service)).scalar_one_or_none()
            self._service = None if found is None else str(found)
        return self._service

    @contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        with self._translated(), self._engine.connect() as connection:
            yield connection.execution_options(**{opening.READS: True})

    def trust(self, *, by: str, reason: str) -> None:
        """Record who says that this ledger may be written again, and why.

        For a file that was moved for good, or a restored one after `cspkit reconcile` found
        nothing that it does not know.
        """
        if not by.strip() or not reason.strip():
            raise LedgerError("trusting a ledger again needs a name and a reason")
        detail = {"by": by.strip(), "reason": reason.strip(), "why_not": self.distrust}
        with self._write(anyway=True) as connection:
            if self.file is not None:
                marks.put(connection, marks.HOME, place.home(self.file))
            chain.append(connection, "trusted", self.place, at=self.clock.now(), detail=detail)
            last = marks.last(connection)
        self.distrust = ""
        self._note(last)

    @property
    def noted_at(self) -> datetime | None:
        """Tell when its last event was noted beside it, by the clock of this computer.

        What a restored ledger has forgotten happened no later than that.
        """
        times = [place.stat().st_mtime for place in self._places if place.exists()]
        return datetime.fromtimestamp(max(times), UTC) if times else None

    @contextmanager
    def _write(self, *, anyway: bool = False) -> Iterator[sa.Connection]:
        if not anyway:
            self._refuse_distrusted()
        with self._translated(), self._engine.begin() as connection:
            yield connection
            last = marks.last(connection) if self._places else None
        # A ledger that is not trusted must not make its own last event the known one.
        if not self.distrust:
            self._note(last)

    @contextmanager
    def aside(self) -> Iterator[sa.Connection]:
        """Give a short transaction that is about no event: it moves no mark and no chain."""
        with self._translated(), self._engine.begin() as connection:
            yield connection

    @property
    def wall(self) -> Clock | None:
        """The clock of leases and paces; None is that of the database."""
        return self._wall

    @property
    def is_shared(self) -> bool:
        """Say whether others may work with it from other computers: it is on a server."""
        return self._engine.dialect.name == "postgresql"

    def _refuse_distrusted(self) -> None:
        if self.distrust:
            raise LedgerError(
                f"ledger {self.place}: {self.distrust}: nothing is written; see `cspkit doctor`"
            )

    def _note(self, last: tuple[int, str] | None) -> None:
        if last is not None and last != self._marked:
            marks.note(marks.Mark(self._ledger, *last), self._places)
            self._marked = last

    def _why_not(self) -> str:
        """Find out whether this is the file, and the newest state of it, that we know."""
        with self._read() as connection:
            self._ledger = marks.value(connection, marks.INSTALLATION)
            home = marks.value(connection, marks.HOME)
            bound = connection.execute(sa.select(schema.binding.c.service)).scalar_one_or_none()
            self._places = marks.files(self._ledger, self.file, bound)
            if self.file is not None and home not in ("", place.home(self.file)):
                return f"it was copied or moved here from {home!r}"
            return marks.forgotten(connection, self._ledger, self._places)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Say in one line what the database said; the transaction is rolled back by then."""
        try:
            yield
        except sa.exc.DBAPIError as error:
            code, said = _said(error)
            ours = isinstance(error, sa.exc.IntegrityError) or code.startswith(_RULES)
            if ours:
                said = f"refused by its own rules: {said}"
            raise (RuleBroken if ours else LedgerError)(f"ledger {self.place}: {said}") from error

    def _one(self, kind: type[R], query: sa.Select[Any]) -> R | None:
        with self._read() as connection:
            found = connection.execute(query).mappings().one_or_none()
        return None if found is None else kind.of(found)


def _said(error: sa.exc.DBAPIError) -> tuple[str, str]:
    """Return the code and the words of the database, whatever the driver wraps them in."""
    first = error.orig.args[0] if error.orig is not None and error.orig.args else ""
    if isinstance(first, dict):
        return str(first.get("C", "")), str(first.get("M", ""))
    code = getattr(error.orig, "sqlstate", None) or ""
    return str(code), " ".join(str(error.orig).split())
