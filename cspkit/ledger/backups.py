"""Copies of a ledger on disk, made while it is in use and checked before they count."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from cspkit.errors import LedgerError

FOLDER = "backups"
KEPT = 20


def take(file: Path, why: str, at: datetime) -> Path:
    """Copy a ledger beside itself; return the copy. Raises LedgerError, and leaves nothing.

    Of each kind of reason the newest 20 are kept.
    """
    folder = file.parent / FOLDER
    copy = folder / f"{file.stem}-{why}-{at:%Y%m%dT%H%M%S%f}.db"
    part = copy.with_suffix(".part")
    try:
        folder.mkdir(exist_ok=True)
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(part)) as target:
            source.backup(target)
            said = target.execute("PRAGMA quick_check").fetchone()[0]
            target.execute("PRAGMA journal_mode = DELETE")
        if said != "ok":
            raise LedgerError(f"ledger {file} is damaged: {said}; restore it from {folder}")
        os.replace(part, copy)
    except (OSError, sqlite3.Error) as error:
        raise LedgerError(f"ledger {file}: no backup in {folder}: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    for old in listed(file, why)[:-KEPT]:
        old.unlink(missing_ok=True)
    return copy


def listed(file: Path, why: str = "*") -> list[Path]:
    """List the backups of a ledger, oldest first."""
    found = (file.parent / FOLDER).glob(f"{file.stem}-{why}-*.db")
    return sorted(found, key=lambda copy: (copy.stem.rpartition("-")[2], copy.name))
