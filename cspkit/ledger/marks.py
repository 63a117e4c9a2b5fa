"""What is kept outside a ledger, so that one restored from an older copy is found out.

A restored ledger has forgotten what was ordered since; it looks in order by itself. So its last
event is noted beside it, and for a live ledger also in the operator's own folder, which a
restored workspace does not bring back. The note may lag behind; it can never be ahead.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import sqlalchemy as sa
from platformdirs import user_state_path

from cspkit import writing
from cspkit.errors import LedgerError
from cspkit.ledger.schema import events, meta

SUFFIX = ".mark"
STATE = "CSPKIT_STATE"
HOME, INSTALLATION = "home", "installation"


@dataclass(frozen=True)
class Mark:
    """The last event that a ledger was seen to have."""

    ledger: str
    event_id: int
    hash: str


def files(ledger: str, file: Path | None, service: str | None) -> list[Path]:
    """Name the places in which the last event of a ledger is noted."""
    found = [] if file is None else [file.with_name(file.name + SUFFIX)]
    if service is not None and service.startswith("tenant:"):
        folder = os.environ.get(STATE)
        place = Path(folder) if folder else user_state_path("cspkit", appauthor=False)
        found.append(place / f"{ledger}{SUFFIX}")
    return found


def last(connection: sa.Connection) -> tuple[int, str] | None:
    """Read the last event of a ledger: its id and hash."""
    query = sa.select(events.c.event_id, events.c.hash).order_by(events.c.event_id.desc())
    found = connection.execute(query.limit(1)).one_or_none()
    return None if found is None else (int(found[0]), str(found[1]))


def note(mark: Mark, places: list[Path]) -> None:
    """Note the last event in each place; raise LedgerError where that fails."""
    text = json.dumps(asdict(mark))
    for place in places:
        try:
            # at every change; a note that lags behind harms nothing
            writing.write(place, text, flushed=False)
        except OSError as error:
            raise LedgerError(f"ledger: {place} cannot be written: {error.strerror}") from error


def forgotten(connection: sa.Connection, ledger: str, places: list[Path]) -> str:
    """Say what a ledger has lost; empty when it has every event that was noted."""
    for place in places:
        mark = _read(place)
        if mark is None:
            continue
        if not mark.ledger:
            return f"{place} cannot be read, so nobody knows whether the ledger is the newest"
        if mark.ledger != ledger:
            return f"{place} belongs to another ledger, so this file was put in its place"
        query = sa.select(events.c.hash).where(events.c.event_id == mark.event_id)
        if connection.execute(query).scalar_one_or_none() != mark.hash:
            return f"it was restored from an older copy: event {mark.event_id} is gone"
    return ""


def value(connection: sa.Connection, key: str) -> str:
    """Read what the ledger says of itself; empty when it does not say."""
    query = sa.select(meta.c.value).where(meta.c.key == key)
    return str(connection.execute(query).scalar_one_or_none() or "")


def put(connection: sa.Connection, key: str, text: str) -> None:
    """Write what the ledger says of itself."""
    same = meta.c.key == key
    if connection.execute(sa.update(meta).where(same).values(value=text)).rowcount == 0:
        connection.execute(sa.insert(meta).values(key=key, value=text))


def _read(place: Path) -> Mark | None:
    try:
        return Mark(**json.loads(place.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError):
        return Mark("", 0, "")
