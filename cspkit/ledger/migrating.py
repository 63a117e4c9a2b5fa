"""The only Alembic: stamp a new ledger, bring up an older one; loaded only when there is need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from cspkit.ledger import schema

_SCRIPTS = Path(__file__).parent / "migrations"


def newest() -> str:
    """Name the newest revision there is."""
    return str(_scripts(_config()).get_current_head())


def stamp(connection: sa.Connection, version: str) -> None:
    """Note in the database which version its tables have."""
    MigrationContext.configure(connection).stamp(_scripts(_config()), version)


def upgrade(connection: sa.Connection) -> None:
    """Run the revisions that a ledger has not seen, inside the caller's transaction."""
    config = _config()
    scripts = _scripts(config)

    def steps(revision: Any, _context: Any) -> Any:
        return scripts._upgrade_revs("head", revision)

    with EnvironmentContext(config, scripts, fn=steps) as environment:
        environment.configure(connection=connection, target_metadata=schema.metadata)
        environment.run_migrations()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", _SCRIPTS.as_posix().replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _scripts(config: Config) -> ScriptDirectory:
    return ScriptDirectory.from_config(config)
