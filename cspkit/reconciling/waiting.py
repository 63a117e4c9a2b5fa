"""What waits for a person, as the ledger has it: no service is asked."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from cspkit.ledger import EVERYONE, EndRow, Ledger, Line
from cspkit.ledger.lines import OPEN
from cspkit.reconciling.ending import BOUGHT, EXTENDED, HOW, TOLD, by_hand
from cspkit.reconciling.orders import settled_by
from cspkit.reconciling.uncovered import WAYS_OUT, uncovered
from cspkit.reconciling.work import STEP
from cspkit.settings import Settings
from cspkit.tables import EndState, MoveState

_MAILS = {
    "refused": "the address was refused",
    "bounced": "it came back",
    "unclear": "nobody knows whether it went out",
}


@dataclass(frozen=True)
class Waiting:
    """One thing that goes no further before a person decides; `to_do` ends in a command."""

    what: str
    subject: str
    customer_id: str
    why: str
    to_do: str
    since: datetime | None = None

    @property
    def line(self) -> str:
        """Say it in one line."""
        since = f" since {self.since:%Y-%m-%d}" if self.since else ""
        return f"{self.what} {self.subject}{since}: {self.why} -> {self.to_do}"

    def as_json(self) -> dict[str, Any]:
        """Give the fields as plain values."""
        return asdict(self) | {"since": self.since.isoformat() if self.since else None}


def waiting(
    ledger: Ledger, now: datetime | None = None, settings: Settings | None = None
) -> list[Waiting]:
    """List what waits for a person: holds, moves, renewed originals, letters, lines by hand.

    `now` tells which limits are over; by default the ledger's clock does. With the `settings` of
    a workspace also the ends that were stopped and have nothing ordered in their place.
    """
    now = now or ledger.clock.now()
    ends = _ends(ledger, now) + (_uncovered(ledger, settings, now) if settings else [])
    return [*_holds(ledger), *_moves(ledger), *ends, *_letters(ledger), *_lines(ledger)]


def last_reconciled(ledger: Ledger) -> dict[str, Any] | None:
    """Say when the books were compared last, and how many customers differed; None for never."""
    runs = ledger.runs()
    mine = runs[(runs["step"] == STEP) & runs["ended_at"].notna()].sort_values(
        ["ended_at", "run_id"]
    )
    if mine.empty:
        return None
    last = mine.iloc[-1]
    counts = json.loads(last["counts"])
    return {"at": last["ended_at"].isoformat(), "customers": counts, "by": last["by"]}


def _holds(ledger: Ledger) -> list[Waiting]:
    return [
        Waiting(
            "hold",
            "everyone" if one.customer_id == EVERYONE else one.customer_id,
            "" if one.customer_id == EVERYONE else one.customer_id,
            f"{one.by}: {one.reason}",
            f"`cspkit release {'--all' if one.customer_id == EVERYONE else one.customer_id}"
            " --by NAME --reason TEXT`",
            one.held_at,
        )
        for one in ledger.holds()
    ]


def _moves(ledger: Ledger) -> list[Waiting]:
    return [
        Waiting(
            "move",
            row.move_id,
            row.customer_id,
            row.reason,
            settled_by(row.move_id, "ORDER"),
            row.updated_at,
        )
        for row in ledger.move_rows()
        if row.state is MoveState.HUMAN
    ]


def _ends(ledger: Ledger, now: datetime) -> list[Waiting]:
    """List the renewed originals, those first whose limit comes first."""
    renewed = ledger.end_rows(None, EndState.RENEWED)
    found = []
    for row in sorted(renewed, key=lambda row: (_limit(row.cancel_until), row.original)):
        until = _until(row, max(now, row.seen_at or now))
        why = f"{row.reason}; {until}; owner {row.owner or 'nobody named'}"
        step = "retire" if row.facts.get(HOW) == EXTENDED else "renewal-safe"
        to_do = f"`cspkit reconcile` says what it costs; `cspkit run {step}` for its new end"
        bought = str(row.facts.get(BOUGHT, ""))
        if bought and bought not in TOLD and row.facts.get(HOW) != EXTENDED:
            to_do = f"{by_hand(bought)}; {to_do}"
        found.append(Waiting("renewed", row.original, row.customer_id, why, to_do, row.renewed_at))
    return found


def _uncovered(ledger: Ledger, settings: Settings, now: datetime) -> list[Waiting]:
    return [
        Waiting(
            "end",
            row.original,
            row.customer_id,
            f"{row.state}, ends on {row.ends_on}, nothing is ordered in its place: {why}",
            f"{WAYS_OUT}; `cspkit run provision` orders",
            row.asked_at or row.safe_at,
        )
        for row, why in uncovered(ledger, settings, now)
    ]


def _until(row: EndRow, now: datetime) -> str:
    """Say how long a renewal can be cancelled; what was seen later than `now` counts, too."""
    if row.cancel_until is None:
        return "nobody states how long it can be cancelled"
    if row.cancel_until <= now:
        return f"it cannot be cancelled since {row.cancel_until:%Y-%m-%d}"
    return f"it can be cancelled until {row.cancel_until:%Y-%m-%d %H:%M} UTC"


def _letters(ledger: Ledger) -> list[Waiting]:
    return [
        Waiting(
            "letter",
            f"{mail.letter} of {mail.customer_id}",
            mail.customer_id,
            f"{_MAILS[mail.state]} ({mail.address})",
            f"`cspkit letters mark {mail.customer_id} {mail.letter} again --cycle {mail.cycle}"
            " --by NAME --reason TEXT` once that is put right",
            mail.updated_at,
        )
        for _, mail in ledger.correspondence()
        if mail is not None and mail.state in _MAILS
    ]


def _limit(until: datetime | None) -> float:
    return until.timestamp() if until else float("inf")


def _lines(ledger: Ledger) -> list[Waiting]:
    """Tell each provider's open lines as one: every one of them stands in its file."""
    groups: dict[str, list[Line]] = {}
    for line in ledger.line_rows():
        if line.state == OPEN:
            groups.setdefault(line.provider, []).append(line)
    found = []
    for provider, lines in sorted(groups.items()):
        late = min(lines, key=lambda one: (one.facts["by"], one.line))
        why = f"{len(lines)} without a result, the first, {late.line}, by {late.facts['by']}"
        to_do = "`cspkit results FILE.csv --by NAME --mode live`"
        since = min(one.issued_at for one in lines)
        found.append(Waiting("lines by hand of", provider or "our own", "", why, to_do, since))
    return found
