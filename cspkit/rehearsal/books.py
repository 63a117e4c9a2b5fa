"""What really happened in the world; a checker judges by these books and by nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Entry = dict[str, Any]


@dataclass
class Books:
    """Orders, cancellations, renewals, invitations, gaps: one entry for each thing that happened.

    `gaps` are pools that are too small, `unserved` users who lost their mailbox or their last
    licence, each from when until when. `audit` is the part that the partner can ask for; `calls`
    counts requests by route.
    """

    orders: list[Entry] = field(default_factory=list)
    cancellations: list[Entry] = field(default_factory=list)
    migrations: list[Entry] = field(default_factory=list)
    transfers: list[Entry] = field(default_factory=list)
    seat_changes: list[Entry] = field(default_factory=list)
    renewals: list[Entry] = field(default_factory=list)
    endings: list[Entry] = field(default_factory=list)
    invitations: list[Entry] = field(default_factory=list)
    agreements: list[Entry] = field(default_factory=list)
    access: list[Entry] = field(default_factory=list)
    assignments: list[Entry] = field(default_factory=list)
    gaps: list[Entry] = field(default_factory=list)
    unserved: list[Entry] = field(default_factory=list)
    server_errors: list[Entry] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    audit: list[Entry] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Give all books as JSON values; instants are ISO 8601."""
        pages = {name: [plain(entry) for entry in page] for name, page in self._pages()}
        return {**pages, "calls": dict(sorted(self.calls.items()))}

    def _pages(self) -> list[tuple[str, list[Entry]]]:
        return [(name, page) for name, page in vars(self).items() if isinstance(page, list)]


def plain(entry: Entry) -> Entry:
    """Turn the instants of an entry into text."""
    return {
        key: value.isoformat() if isinstance(value, datetime) else value
        for key, value in entry.items()
    }
