"""The log: every event of a run carries the hash of the one before, so that edits show.

The head of each chain is kept apart, so that a tail that was cut off shows as well. Whoever can
rewrite both is caught by a head that was printed: receipts and reports carry it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from cspkit.ledger.records import Broken, canonical, digest
from cspkit.ledger.schema import events, heads, runs

_HASHED = (
    *("run_id", "seq", "at", "kind", "subject", "customer_id"),
    *("before", "after", "request_id", "detail"),
)


def append(
    connection: sa.Connection,
    kind: str,
    subject: str,
    *,
    at: datetime,
    run_id: str = "",
    customer_id: str = "",
    before: str = "",
    after: str = "",
    request_id: str = "",
    detail: dict[str, Any] | None = None,
) -> str:
    """Add one event to its run's chain inside the caller's transaction; return its hash."""
    last = _locked(connection, run_id)
    row: dict[str, Any] = {
        "run_id": run_id,
        "seq": last[0] + 1,
        "at": at,
        "kind": kind,
        "subject": subject,
        "customer_id": customer_id,
        "before": before,
        "after": after,
        "request_id": request_id,
        "detail": canonical(detail or {}),
        "prev_hash": last[1],
    }
    row["hash"] = _hash(row)
    connection.execute(sa.insert(events).values(row))
    mine = sa.update(heads).where(heads.c.run_id == run_id)
    connection.execute(mine.values(seq=row["seq"], hash=row["hash"]))
    return str(row["hash"])


def head(connection: sa.Connection, run_id: str) -> str:
    """Return the hash of a run's last event; empty when it has none."""
    query = sa.select(heads.c.hash).where(heads.c.run_id == run_id)
    return str(connection.execute(query).scalar_one_or_none() or "")


def told(connection: sa.Connection, subject: str, after: str) -> dict[str, Any]:
    """Give the detail of the last event that led a subject into a state; empty where none did."""
    which = (events.c.subject == subject) & (events.c.after == after)
    query = sa.select(events.c.detail).where(which).order_by(events.c.event_id.desc()).limit(1)
    found: dict[str, Any] = json.loads(connection.execute(query).scalar_one_or_none() or "{}")
    return found


def verify(connection: sa.Connection, run_id: str, *, printed: str = "") -> list[Broken]:
    """Find every event of a run that was altered, removed or put in, and a cut-off tail.

    `printed` is a head that somebody kept, on a receipt or a report: it must still be there.
    """
    wrong: list[Broken] = []
    prev, expected = "", 1
    seen: set[str] = set()
    query = sa.select(events).where(events.c.run_id == run_id).order_by(events.c.seq)
    for row in connection.execute(query).mappings():
        seq, event_id = int(row["seq"]), int(row["event_id"])
        if seq != expected:
            wrong.append(Broken(run_id, expected, None, f"event {expected} is missing"))
        elif row["prev_hash"] != prev:
            wrong.append(Broken(run_id, seq, event_id, "it does not follow the one before"))
        if row["hash"] != _hash(dict(row)):
            wrong.append(Broken(run_id, seq, event_id, "its content was altered"))
        prev, expected = str(row["hash"]), seq + 1
        seen.add(prev)
    last = head(connection, run_id)
    if last != prev:
        wrong.append(Broken(run_id, expected, None, "the events do not end at the head"))
    for kept in {printed, _noted(connection, run_id)} - seen - {""}:
        wrong.append(Broken(run_id, expected, None, f"head {kept[:12]} is not among the events"))
    return wrong


def run_ids(connection: sa.Connection) -> list[str]:
    """List every run that anything in the ledger speaks of."""
    parts = [sa.select(table.c.run_id) for table in (events, heads, runs)]
    return sorted(str(value) for value in connection.execute(sa.union(*parts)).scalars())


def _locked(connection: sa.Connection, run_id: str) -> tuple[int, str]:
    """Read the head for adding one event; nobody else adds to this run until the commit."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    query = sa.select(heads.c.seq, heads.c.hash).where(heads.c.run_id == run_id).with_for_update()
    found = connection.execute(query).one_or_none()
    if found is None:
        first = insert(heads).values(run_id=run_id, seq=0, hash="")
        connection.execute(first.on_conflict_do_nothing())
        found = connection.execute(query).one()
    return int(found[0]), str(found[1])


def _noted(connection: sa.Connection, run_id: str) -> str:
    query = sa.select(runs.c.chain_head).where(runs.c.run_id == run_id)
    return str(connection.execute(query).scalar_one_or_none() or "")


def _hash(row: Mapping[str, Any]) -> str:
    said = {name: row[name] for name in _HASHED} | {"at": row["at"].isoformat()}
    return digest(str(row["prev_hash"]), canonical(said))
