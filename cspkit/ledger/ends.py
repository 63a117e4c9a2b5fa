"""The ends of originals: tracked beside the moves that replace them, each change a fact."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from cspkit.errors import LedgerError
from cspkit.ledger import chain, frames, leases
from cspkit.ledger.people import People
from cspkit.ledger.records import EndRow, Lease, canonical
from cspkit.ledger.schema import binding
from cspkit.ledger.schema import ends as table
from cspkit.tables import EndState

_STAMPS = {
    EndState.ASKED: "asked_at",
    EndState.SAFE: "safe_at",
    EndState.SCHEDULED: "scheduled_at",
    EndState.ENDED: "ended_at",
    EndState.RENEWED: "renewed_at",
}


class Ends(People):
    """Record what is known of the ends of originals, and what was done to them."""

    def ends(self, customer_id: str | None = None) -> pd.DataFrame:
        """Give one row per tracked original, of one customer or of all: columns of the table."""
        with self._read() as connection:
            return frames.table(connection, table, *_of(customer_id))

    def end(self, customer_id: str, original: str) -> EndRow | None:
        """Return how far the end of an original is; None for one that nobody minds yet."""
        return self._one(EndRow, sa.select(table).where(_mine(customer_id, original)))

    def end_rows(self, customer_id: str | None = None, *states: EndState) -> list[EndRow]:
        """List how far tracked ends are, of one customer or all, in these states or in any.

        In the order of customers and originals.
        """
        which = [*_of(customer_id), *([table.c.state.in_(states)] if states else [])]
        query = sa.select(table).where(*which).order_by(table.c.customer_id, table.c.original)
        with self._read() as connection:
            return [EndRow.of(row) for row in connection.execute(query).mappings()]

    def track_end(
        self, customer_id: str, original: str, *, expires_on: date | None, run_id: str
    ) -> EndRow:
        """Begin to mind the end of an original; one that is minded already stays as it is."""
        at = self.clock.now()
        with self._write() as connection:
            track(connection, customer_id, original, expires_on=expires_on, at=at, run_id=run_id)
            return read(connection, customer_id, original)

    def advance_end(
        self,
        row: EndRow,
        after: EndState,
        *,
        run_id: str,
        lease: Lease,
        reason: str = "",
        evidence: Mapping[str, Any] | None = None,
        **columns: Any,
    ) -> bool:
        """Change the state of an end if it is still the one in `row` and the lease is ours.

        The evidence is added to what was known, a key of before giving way. Raises LedgerError
        for what the database refuses: a step that is none, an end scheduled too soon.
        """
        at = self.clock.now()
        about: dict[str, Any] = {"run_id": run_id, "reason": reason, "at": at}
        with self._write() as connection:
            return self._keep(connection, lease) and advance(
                connection, row, after, evidence=evidence or {}, columns=columns, **about
            )

    def note_end(
        self,
        row: EndRow,
        *,
        run_id: str,
        lease: Lease,
        evidence: Mapping[str, Any],
        **columns: Any,
    ) -> bool:
        """Add evidence to an end that stays in its state; False when it has left that state.

        `columns` are what is known anew, such as the limit of another renewal.
        """
        about: dict[str, Any] = {"at": self.clock.now(), "run_id": run_id, "evidence": evidence}
        with self._write() as connection:
            return self._keep(connection, lease) and note(connection, row, columns=columns, **about)

    def see_end(
        self, row: EndRow, *, seen_expires_on: date | None, at: datetime, run_id: str
    ) -> None:
        """Note which end of an original was read, and when; its state stays as it is.

        The log tells it only where it differs from what was read before.
        """
        mine = _mine(row.customer_id, row.original)
        values = {"seen_expires_on": seen_expires_on, "seen_at": at}
        with self._write() as connection:
            before = read(connection, row.customer_id, row.original)
            connection.execute(sa.update(table).where(mine).values(values))
            if before.seen_at is None or before.seen_expires_on != seen_expires_on:
                about: dict[str, Any] = {"run_id": run_id, "customer_id": row.customer_id}
                chain.append(
                    *(connection, "end_seen", row.original),
                    at=at,
                    before=str(before.seen_expires_on or ""),
                    after=str(seen_expires_on or ""),
                    **about,
                )

    def _keep(self, connection: sa.Connection, lease: Lease) -> bool:
        return leases.keep(connection, lease, self._wall)


def read(connection: sa.Connection, customer_id: str, original: str) -> EndRow:
    """Read an end that is tracked."""
    query = sa.select(table).where(_mine(customer_id, original))
    return EndRow.of(connection.execute(query).mappings().one())


def track(
    connection: sa.Connection,
    customer_id: str,
    original: str,
    *,
    expires_on: date | None,
    at: datetime,
    run_id: str,
) -> None:
    """Add an end, open, unless it is there; raise LedgerError before the ledger is bound."""
    service = connection.execute(sa.select(binding.c.service)).scalar_one_or_none()
    if service is None:
        raise LedgerError("the ledger is bound to no service yet: bind it first")
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row: dict[str, Any] = {"service": service, "customer_id": customer_id, "original": original}
    row |= {"plan_expires_on": expires_on, "updated_at": at}
    if connection.execute(insert(table).values(row).on_conflict_do_nothing()).rowcount == 1:
        about: dict[str, Any] = {"run_id": run_id, "customer_id": customer_id}
        detail = {"expires_on": str(expires_on or "")}
        about |= {"after": EndState.OPEN, "detail": detail}
        chain.append(connection, "end", original, at=at, **about)


def advance(
    connection: sa.Connection,
    row: EndRow,
    after: EndState,
    *,
    at: datetime,
    run_id: str,
    reason: str,
    evidence: Mapping[str, Any],
    columns: Mapping[str, Any],
) -> bool:
    """Change the state of an end only from the one expected; False, and nothing, otherwise."""
    values: dict[str, Any] = {"state": after, "prev": row.state, "reason": reason}
    if after in _STAMPS:
        values[_STAMPS[after]] = at
    if not _change(connection, row, evidence, at=at, **(values | dict(columns))):
        return False
    about: dict[str, Any] = {"run_id": run_id, "customer_id": row.customer_id}
    about |= {"before": row.state, "after": after}
    detail = {"reason": reason, **columns, **evidence}
    chain.append(connection, "end", row.original, at=at, detail=detail, **about)
    return True


def note(
    connection: sa.Connection,
    row: EndRow,
    *,
    at: datetime,
    run_id: str,
    evidence: Mapping[str, Any],
    columns: Mapping[str, Any],
) -> bool:
    """Add evidence to an end only while it is in the state expected."""
    if not _change(connection, row, evidence, at=at, **columns):
        return False
    about: dict[str, Any] = {"run_id": run_id, "customer_id": row.customer_id}
    about["detail"] = {**columns, **evidence}
    chain.append(connection, "end_noted", row.original, at=at, **about)
    return True


def _change(
    connection: sa.Connection,
    row: EndRow,
    evidence: Mapping[str, Any],
    *,
    at: datetime,
    **values: Any,
) -> bool:
    """Set columns of an end that is still in its state, and add to what is known of it."""
    known = read(connection, row.customer_id, row.original).facts | dict(evidence)
    mine = _mine(row.customer_id, row.original) & (table.c.state == row.state)
    values |= {"evidence": canonical(known), "updated_at": at}
    return connection.execute(sa.update(table).where(mine).values(values)).rowcount == 1


def _mine(customer_id: str, original: str) -> sa.ColumnElement[bool]:
    return (table.c.customer_id == customer_id) & (table.c.original == original)


def _of(customer_id: str | None) -> list[sa.ColumnElement[bool]]:
    return [] if customer_id is None else [table.c.customer_id == customer_id]
