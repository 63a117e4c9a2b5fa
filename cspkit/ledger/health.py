"""How a ledger is: its settings, whether its file and its log are whole, its backups."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from cspkit.ledger import backups, chain, opening, server, triggers


@dataclass(frozen=True)
class Health:
    """What was found; `problems` is empty for a ledger that is in order."""

    settings: dict[str, str]
    problems: list[str]
    runs: int
    backups: list[str]
    shared: bool


def look(connection: sa.Connection, file: Path | None) -> Health:
    """Read everything that can be wrong with a ledger; writes nothing."""
    shared = connection.dialect.name == "postgresql"
    if shared:
        settings = server.settings(connection.connection)
        problems = []
    else:
        settings = {name: _pragma(connection, name) for name in opening.EXPECTED}
        said = _pragma(connection, "quick_check")
        problems = [] if said == "ok" else [f"the file is damaged: {said}"]
    runs = chain.run_ids(connection)
    broken = [one for run_id in runs for one in chain.verify(connection, run_id)]
    problems += [f"run {one.run_id or 'none'}, event {one.seq}: {one.problem}" for one in broken]
    if gone := triggers.missing(connection):
        problems.append(f"rules were taken out of the database: {', '.join(gone)}")
    copies = [] if file is None else [copy.name for copy in backups.listed(file)]
    return Health(settings, problems, len(runs), copies, shared)


def _pragma(connection: sa.Connection, name: str) -> str:
    return str(connection.exec_driver_sql(f"PRAGMA {name}").scalar())
