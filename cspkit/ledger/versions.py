"""Which version a ledger has: made new, brought up to this one after a backup, or refused."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from cspkit.errors import LedgerError
from cspkit.ledger import schema, triggers

FIRST = "0001"
_SCRIPTS = Path(__file__).parent / "migrations"


def newest() -> str:
    """Name the version that this cspkit writes."""
    return str(_scripts().get_current_head())


def found(connection: sa.Connection) -> str | None:
    """Name the version of a ledger; None when there are no tables yet."""
    names = set(sa.inspect(connection).get_table_names())
    if "meta" not in names:
        return None
    if "alembic_version" not in names:
        return FIRST
    version = MigrationContext.configure(connection).get_current_revision()
    return version or FIRST


def check(connection: sa.Connection) -> str | None:
    """Return the version of a ledger; raise LedgerError when it is newer than this cspkit."""
    version = found(connection)
    known = {script.revision for script in _scripts().walk_revisions()}
    if version is not None:
        number = _number(connection)
        if version not in known or number > schema.VERSION:
            said = max(int(version) if version.isdigit() else 0, number) or version
            raise LedgerError(
                f"the ledger has version {said}, this cspkit knows {schema.VERSION}: update cspkit"
            )
    return version


def make(connection: sa.Connection) -> None:
    """Create the tables of this version in an empty database."""
    schema.metadata.create_all(connection)
    _context(connection).stamp(_scripts(), "head")
    _settle(connection)


def upgrade(connection: sa.Connection) -> None:
    """Bring an older ledger up to this version inside the caller's transaction."""
    context = _context(connection)
    if context.get_current_revision() is None:
        context.stamp(_scripts(), FIRST)

    def steps(revision: Any, _context: Any) -> Any:
        return _scripts()._upgrade_revs("head", revision)

    with EnvironmentContext(_config(), _scripts(), fn=steps) as environment:
        environment.configure(connection=connection, target_metadata=schema.metadata)
        environment.run_migrations()
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


def _context(connection: sa.Connection) -> MigrationContext:
    return MigrationContext.configure(connection)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", _SCRIPTS.as_posix().replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
