"""Which version a ledger has: made new, brought up to this one after a backup, or refused."""

from __future__ import annotations

import uuid

import sqlalchemy as sa

from cspkit.errors import LedgerError
from cspkit.ledger import schema, triggers

FIRST = "0001"
_STAMP = "alembic_version"


def newest() -> str:
    """Name the version that this cspkit writes."""
    return f"{schema.VERSION:04}"


def found(connection: sa.Connection) -> str | None:
    """Name the version of a ledger; None when there are no tables yet."""
    names = set(sa.inspect(connection).get_table_names())
    if "meta" not in names:
        return None
    if _STAMP not in names:
        return FIRST
    query = f"SELECT version_num FROM {_STAMP}"
    return str(connection.exec_driver_sql(query).scalar_one_or_none() or FIRST)


def check(connection: sa.Connection) -> str | None:
    """Return the version of a ledger; raise LedgerError when it is newer than this cspkit."""
    version = found(connection)
    if version is None:
        return None
    # A cspkit without revisions looks at the number, one with them at the stamp.
    number = max(_number(connection), int(version) if version.isdigit() else schema.VERSION + 1)
    if number > schema.VERSION:
        raise LedgerError(
            f"the ledger has version {number}, this cspkit knows {schema.VERSION}: update cspkit"
        )
    return version


def make(connection: sa.Connection) -> None:
    """Create the tables of this version in an empty database."""
    from cspkit.ledger import migrating

    schema.metadata.create_all(connection)
    migrating.stamp(connection, newest())
    _settle(connection)


def upgrade(connection: sa.Connection) -> None:
    """Bring an older ledger up to this version inside the caller's transaction."""
    from cspkit.ledger import migrating

    if _STAMP not in sa.inspect(connection).get_table_names():
        migrating.stamp(connection, FIRST)
    migrating.upgrade(connection)
    _settle(connection)


def complete(connection: sa.Connection) -> bool:
    """Say whether a ledger knows every transition that this cspkit knows."""
    return not any(_unknown(connection, table) for table in schema.transitions())


def refresh(connection: sa.Connection) -> None:
    """Add the transitions that this cspkit has learnt since the ledger was made."""
    for table in schema.transitions():
        if more := _unknown(connection, table):
            connection.execute(sa.insert(table), more)


def _unknown(connection: sa.Connection, table: sa.Table) -> list[dict[str, str]]:
    known = {tuple(row) for row in connection.execute(sa.select(table))}
    rows = schema.transitions()[table]
    return [row for row in rows if tuple(row.values()) not in known]


def _settle(connection: sa.Connection) -> None:
    triggers.install(connection)
    refresh(connection)
    values = {"version": str(schema.VERSION), "installation": str(uuid.uuid4())}
    known = set(connection.execute(sa.select(schema.meta.c.key)).scalars())
    for key, value in values.items():
        if key not in known:
            connection.execute(sa.insert(schema.meta).values(key=key, value=value))
    same = schema.meta.c.key == "version"
    connection.execute(sa.update(schema.meta).where(same).values(value=values["version"]))


def _number(connection: sa.Connection) -> int:
    """Read the version that a cspkit without revisions looks at."""
    query = sa.select(schema.meta.c.value).where(schema.meta.c.key == "version")
    return int(connection.execute(query).scalar_one_or_none() or 1)
