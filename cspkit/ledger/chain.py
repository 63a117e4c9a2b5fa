"""The log: every event of a run carries the hash of the one before, so that edits show."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from cspkit.ledger.records import canonical, digest
from cspkit.ledger.schema import events

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
    last = _last(connection, run_id)
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
    return str(row["hash"])


def head(connection: sa.Connection, run_id: str) -> str:
    """Return the hash of a run's last event; empty when it has none."""
    return _last(connection, run_id)[1]


def altered(connection: sa.Connection, run_id: str) -> list[int]:
    """List the event ids of a run whose hash does not follow from what they say."""
    wrong: list[int] = []
    prev = ""
    rows = sa.select(events).where(events.c.run_id == run_id).order_by(events.c.seq)
    for seq, row in enumerate(connection.execute(rows).mappings(), start=1):
        if row["prev_hash"] != prev or row["seq"] != seq or row["hash"] != _hash(dict(row)):
            wrong.append(int(row["event_id"]))
        prev = row["hash"]
    return wrong


def _last(connection: sa.Connection, run_id: str) -> tuple[int, str]:
    query = sa.select(events.c.seq, events.c.hash).where(events.c.run_id == run_id)
    row = connection.execute(query.order_by(events.c.seq.desc()).limit(1)).one_or_none()
    return (0, "") if row is None else (int(row[0]), str(row[1]))


def _hash(row: dict[str, Any]) -> str:
    said = {name: row[name] for name in _HASHED} | {"at": row["at"].isoformat()}
    return digest(str(row["prev_hash"]), canonical(said))
