"""One worker at a time for a customer; times are of the wall, never of a rehearsal's clock."""

from __future__ import annotations

import getpass
import os
import socket
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from cspkit.clock import Clock, SystemClock
from cspkit.ledger.records import Lease
from cspkit.ledger.schema import leases

SECONDS = 180


def new_holder() -> str:
    """Name this worker: who, where, which process, and which of its runs."""
    return f"{user()}@{host()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def host() -> str:
    """Name this computer."""
    return socket.gethostname()


def user() -> str:
    """Name the person at this computer, as the system knows them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def now(connection: sa.Connection, wall: Clock | None) -> datetime:
    """Tell the time of leases: on a server its own, as the clocks of its users may differ."""
    if wall is not None:
        return wall.now()
    if connection.dialect.name != "postgresql":
        return SystemClock().now()
    told: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return told.astimezone(UTC)


def acquire(connection: sa.Connection, subject: str, holder: str, now: datetime) -> Lease:
    """Take the lease if it is free, over or its holder is dead; return whoever has it then."""
    _ensure(connection, subject, now)
    until = now + timedelta(seconds=SECONDS)
    query = sa.select(leases).where(leases.c.subject == subject).with_for_update()
    held = Lease.of(connection.execute(query).mappings().one())
    if held.holder and held.holder != holder and held.until > now and _alive(held.holder):
        return held
    row = {"holder": holder, "fence": held.fence + 1, "since": now, "until": until}
    connection.execute(sa.update(leases).where(leases.c.subject == subject).values(row))
    return Lease.of({"subject": subject, **row})


def fence(connection: sa.Connection, subject: str, holder: str) -> int | None:
    """Tell the fence of a lease that is free or one's own; None while another has it."""
    query = sa.select(leases.c.holder, leases.c.fence).where(leases.c.subject == subject)
    found = connection.execute(query).one_or_none()
    if found is None:
        return 0
    return int(found.fence) if found.holder in ("", holder) else None


def keep(connection: sa.Connection, lease: Lease, wall: Clock | None) -> bool:
    """Prolong a lease inside the write it guards; False when somebody else has it by now."""
    held = leases.c.subject == lease.subject
    held &= (leases.c.holder == lease.holder) & (leases.c.fence == lease.fence)
    until = _now(connection, wall) + timedelta(seconds=SECONDS)
    kept = connection.execute(sa.update(leases).where(held).values(until=until))
    return bool(kept.rowcount == 1)


def _now(connection: sa.Connection, wall: Clock | None) -> Any:
    """Give the time of leases for a statement: a server is not asked for it in one of its own."""
    if wall is None and connection.dialect.name == "postgresql":
        return sa.func.clock_timestamp(type_=sa.DateTime(timezone=True))
    return now(connection, wall)


def release(connection: sa.Connection, lease: Lease, now: datetime) -> None:
    """Give a lease back; the fence stays, so that a late write under it is still refused."""
    connection.execute(
        sa.update(leases)
        .where(leases.c.subject == lease.subject, leases.c.fence == lease.fence)
        .values(holder="", until=now)
    )


def working(connection: sa.Connection, now: datetime) -> set[str]:
    """Name who is at work where, as far as leases that still count tell."""
    query = sa.select(leases.c.holder).where(leases.c.holder != "", leases.c.until > now)
    holders = connection.execute(query).scalars()
    return {one.partition(":")[0] for one in holders if _alive(one)}


def _ensure(connection: sa.Connection, subject: str, now: datetime) -> None:
    """Have a row to lock, whoever comes first."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {"subject": subject, "holder": "", "fence": 0, "since": now, "until": now}
    connection.execute(insert(leases).values(row).on_conflict_do_nothing())


def _alive(holder: str) -> bool:
    """Tell a dead process of this computer from anything that may still be at work."""
    place, _, rest = holder.partition(":")
    process = rest.partition(":")[0]
    if place.rpartition("@")[2] != host() or not process.isdigit():
        return True
    return psutil.pid_exists(int(process))
