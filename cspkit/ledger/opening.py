"""Open the database of a ledger with settings that survive a power cut, and check them."""

from __future__ import annotations

import os
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import QueuePool, StaticPool

from cspkit.errors import LedgerError
from cspkit.ledger import schema, triggers  # noqa: F401  (the triggers hang on the tables)

READS = "ledger_reads"
BUSY_MILLISECONDS = 30_000
_SYNCED = ("onedrive", "dropbox", "google drive", "googledrive", "icloud", "nextcloud")
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "fuse.sshfs", "fuse.rclone", "fuse.s3fs"}
_ADVICE = "keep it on a local disk, or use PostgreSQL for a shared ledger"
_EXPECTED = {"journal_mode": "delete", "synchronous": 3, "foreign_keys": 1}


def engine(url: str, *, read_only: bool = False) -> sa.Engine:
    """Make the engine of a ledger; raise LedgerError for a place where it cannot be safe."""
    try:
        address = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise LedgerError(f"ledger {url!r} is not a database address") from error
    if address.get_backend_name() == "sqlite":
        return _sqlite(address, read_only)
    if address.get_backend_name() != "postgresql":
        raise LedgerError(f"ledger on {address.get_backend_name()!r}: use SQLite or PostgreSQL")
    try:
        return sa.create_engine(
            address,
            isolation_level="READ COMMITTED",
            pool_pre_ping=True,
            execution_options={"postgresql_readonly": read_only},
        )
    except ImportError as error:
        raise LedgerError(f"the driver of {address.drivername!r} is not installed") from error


def create(made: sa.Engine) -> None:
    """Create what is missing, add new transitions, refuse a ledger of a newer cspkit."""
    with made.begin() as connection:
        schema.metadata.create_all(connection)
        for table, rows in schema.transitions().items():
            known = {tuple(row) for row in connection.execute(sa.select(table))}
            missing = [row for row in rows if tuple(row.values()) not in known]
            if missing:
                connection.execute(sa.insert(table), missing)
        found = {str(key): str(value) for key, value in connection.execute(sa.select(schema.meta))}
        for key, value in (("version", str(schema.VERSION)), ("installation", str(uuid.uuid4()))):
            if key not in found:
                connection.execute(sa.insert(schema.meta).values(key=key, value=value))
    if int(found.get("version", schema.VERSION)) > schema.VERSION:
        raise LedgerError(
            f"the ledger has version {found['version']}, this cspkit knows {schema.VERSION}: "
            "update cspkit"
        )


def _sqlite(address: sa.URL, read_only: bool) -> sa.Engine:
    file = address.database
    if not file or file == ":memory:":
        made = sa.create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
    else:
        path = Path(file).absolute()
        _refuse_shared(path)
        if read_only:
            _roll_back(path)
            target = f"sqlite:///file:{path.as_posix()}?mode=ro&uri=true"
        else:
            _make_folder(path)
            target = f"sqlite:///{path.as_posix()}"
        made = sa.create_engine(target, poolclass=QueuePool)
    event.listen(made, "connect", lambda raw, _record: _settle(raw, bool(file), read_only))
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


def _settle(raw: Any, on_disk: bool, read_only: bool) -> None:
    """Set what SQLite does not do by itself, read it back, and refuse anything less."""
    raw.isolation_level = None
    cursor = raw.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = EXTRA")
    if on_disk and not read_only:
        cursor.execute("PRAGMA journal_mode = DELETE")
    for name, expected in _EXPECTED.items():
        found = cursor.execute(f"PRAGMA {name}").fetchone()[0]
        if found != expected and not (name == "journal_mode" and not on_disk):
            raise LedgerError(f"SQLite has {name} {found!r} where the ledger needs {expected!r}")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    # A deferred transaction that turns into a write can fail half-way with "locked";
    # an immediate one waits at its start.
    reads = connection.get_execution_options().get(READS)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _refuse_shared(path: Path) -> None:
    text = path.as_posix().lower()
    if text.startswith("//"):
        raise LedgerError(f"ledger {path}: a network share loses locks; {_ADVICE}")
    for part in PurePosixPath(text).parts:
        if any(part.startswith(name) for name in _SYNCED):
            raise LedgerError(f"ledger {path}: {part!r} is a synced folder; {_ADVICE}")
    kind = _filesystem(path)
    if kind in _NETWORK:
        raise LedgerError(f"ledger {path}: {kind} is a network file system; {_ADVICE}")


def _filesystem(path: Path) -> str:
    """Name the file system a path is on, where the system tells; empty elsewhere."""
    try:
        lines = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    mounts = {fields[1]: fields[2] for fields in map(str.split, lines) if len(fields) > 2}
    real = Path(os.path.realpath(path))
    for folder in (real, *real.parents):
        if str(folder) in mounts:
            return mounts[str(folder)]
    return ""
