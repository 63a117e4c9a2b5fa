"""Open the database of a ledger with settings that survive a power cut, and check them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import NullPool, QueuePool, StaticPool

from cspkit.errors import LedgerError
from cspkit.ledger import backups, marks, place, server, versions

READS = "ledger_reads"
BUSY_MILLISECONDS = 30_000
EXPECTED = {
    "journal_mode": "delete",
    "synchronous": 3,
    "foreign_keys": 1,
    "busy_timeout": BUSY_MILLISECONDS,
}
# Any number that every cspkit takes alike: two must not make or change the tables at once.
_MAKING = 0x63737065


def address_of(url: str) -> sa.URL:
    """Read the address of a ledger; raise LedgerError for what is none, or another database."""
    try:
        address = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError) as error:
        raise LedgerError(f"ledger {url!r} is not a database address") from error
    if address.get_backend_name() not in ("sqlite", "postgresql"):
        raise LedgerError(f"ledger on {address.get_backend_name()!r}: use SQLite or PostgreSQL")
    return address


def file_of(address: sa.URL) -> Path | None:
    """Return the file of a ledger; None for one in memory or on a server."""
    if address.get_backend_name() != "sqlite" or address.database in (None, "", ":memory:"):
        return None
    return Path(str(address.database)).absolute()


def engine(address: sa.URL, *, read_only: bool = False) -> sa.Engine:
    """Make the engine of a ledger; raise LedgerError for a place where it cannot be safe."""
    if address.get_backend_name() == "postgresql":
        return server.engine(address, read_only=read_only)
    file = file_of(address)
    if file is None:
        made = sa.create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
        return _listening(made)
    place.refuse_shared(file)
    if read_only:
        _roll_back(file)
        target = f"sqlite:///file:{file.as_posix()}?mode=ro&uri=true"
    else:
        _make_folder(file)
        target = f"sqlite:///{file.as_posix()}"
    made = sa.create_engine(target, poolclass=QueuePool)
    return _listening(made, on_disk=True, read_only=read_only)


def check(made: sa.Engine) -> None:
    """Raise LedgerError for a ledger of another version, which cannot be read as it is."""
    with made.connect() as connection:
        version = versions.check(connection.execution_options(**{READS: True}))
    if version is not None and version != versions.newest():
        raise LedgerError(_outdated(version, "`cspkit doctor --update-ledger` does it"))


def prepare(made: sa.Engine, file: Path | None, at: datetime, *, update: bool = False) -> None:
    """Make the tables, or bring an older ledger on disk up to this version after a backup.

    A shared ledger is brought up only when told so: others may still use the older version.
    Raises LedgerError for a newer ledger.
    """
    with made.connect() as connection:
        version = versions.check(connection.execution_options(**{READS: True}))
    if version is None:
        with made.begin() as connection:
            _alone(connection)
            if versions.found(connection) is None:
                versions.make(connection)
    elif version != versions.newest():
        _bring_up(made, file, version, at, update=update)
    with made.connect() as connection:
        known = versions.complete(connection.execution_options(**{READS: True}))
        home = marks.value(connection, marks.HOME)
    if not known or (file is not None and not home):
        with made.begin() as connection:
            versions.refresh(connection)
            if file is not None and not home:
                marks.put(connection, marks.HOME, place.home(file))


def _bring_up(
    made: sa.Engine, file: Path | None, version: str, at: datetime, *, update: bool
) -> None:
    if made.dialect.name == "postgresql" and not update:
        raise LedgerError(
            _outdated(version, "back it up (pg_dump), then `cspkit doctor --update-ledger`")
        )
    changing = made
    if file is not None:
        backups.take(file, f"before-{versions.newest()}", at)
        # A table that is rebuilt is dropped first, which foreign keys would not let happen.
        quiet = sa.create_engine(f"sqlite:///{file.as_posix()}", poolclass=NullPool)
        changing = _listening(quiet, on_disk=True, foreign_keys=False)
    with changing.begin() as connection:
        _alone(connection)
        if versions.found(connection) != versions.newest():
            versions.upgrade(connection)
        if file is not None and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
            raise LedgerError(f"ledger {file}: the change to {versions.newest()} would lose rows")


def _outdated(version: str, remedy: str) -> str:
    needed = int(versions.newest())
    return f"the ledger has version {int(version)}, this cspkit needs {needed}: {remedy}"


def _alone(connection: sa.Connection) -> None:
    """Let nobody else make or change tables until the commit; on SQLite nobody can anyway."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MAKING})")


def _listening(made: sa.Engine, *, on_disk: bool = False, **how: bool) -> sa.Engine:
    event.listen(made, "connect", lambda raw, _record: _settle(raw, on_disk, **how))
    event.listen(made, "begin", _begin)
    return made


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerError(f"ledger {path}: its folder cannot be made: {error.strerror}") from error


def _roll_back(path: Path) -> None:
    """Let SQLite undo what a killed writer left half done: a read-only connection cannot."""
    if not path.with_name(f"{path.name}-journal").exists():
        return
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_MILLISECONDS / 1000)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise LedgerError(f"ledger {path}: {error}") from error


def _settle(raw: Any, on_disk: bool, *, read_only: bool = False, foreign_keys: bool = True) -> None:
    """Set what SQLite does not do by itself, read it back, and refuse anything less."""
    raw.isolation_level = None
    cursor = raw.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    cursor.execute(f"PRAGMA foreign_keys = {int(foreign_keys)}")
    cursor.execute("PRAGMA synchronous = EXTRA")
    if on_disk and not read_only:
        cursor.execute("PRAGMA journal_mode = DELETE")
    for name, expected in (EXPECTED | {"foreign_keys": int(foreign_keys)}).items():
        found = cursor.execute(f"PRAGMA {name}").fetchone()[0]
        if found != expected and not (name == "journal_mode" and not on_disk):
            raise LedgerError(f"SQLite has {name} {found!r} where the ledger needs {expected!r}")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    # A deferred transaction that turns into a write can fail half-way with "locked";
    # an immediate one waits at its start.
    reads = connection.get_execution_options().get(READS)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
