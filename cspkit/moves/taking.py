"""Take results of work by hand back: checked whole, then written in one transaction."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from cspkit.clock import Clock
from cspkit.errors import LedgerError, SettingsError
from cspkit.ledger import Ledger, Returned, new_holder
from cspkit.ledger.lines import RESULTS
from cspkit.moves import guard, opening
from cspkit.moves.checking import Check
from cspkit.moves.returned import File, read
from cspkit.settings import Settings
from cspkit.tables import Mode


@dataclass(frozen=True)
class Taken:
    """What came of a file: a sentence per row that is new, and how many were known or empty."""

    said: tuple[str, ...]
    known: int
    empty: int
    mode: str
    run_id: str = ""


def take(
    file: Path | str, *, by: str, mode: str = "dry", settings: Settings, clock: Clock | None = None
) -> Taken:
    """Take a file of results back; in mode dry say what would be written.

    Everything or nothing: raises ResultsRefused with every problem before a word is written,
    LedgerError when somebody else works on a customer of the file. `by` is who brings it. The same
    rows again change nothing. What contradicts the ledger is refused and left to a person.
    """
    chosen = opening.read_mode(mode)
    guard.check_mode(chosen, settings)
    if not by.strip() or not by.isprintable():
        raise SettingsError("command line", "--by", f"expected who brings it, found {by!r}")
    found = read(Path(file))
    dry = chosen is Mode.DRY
    url = settings.ledger_url
    with Ledger.glance(url, clock=clock) if dry else Ledger(url, clock=clock) as ledger:
        ledger.check_binding(settings.service.id)
        if dry:
            return _taken(Check(ledger, settings, found, by).whole(), found, chosen)
        return _write(ledger, settings, found, by, chosen)


def _write(ledger: Ledger, settings: Settings, file: File, by: str, mode: Mode) -> Taken:
    """Check under the leases of all customers of the file, then write once."""
    ledger.bind(settings.service.id)
    first = Check(ledger, settings, file, by).whole()
    if not first:
        return _taken(first, file, mode)
    holder, leases = new_holder(), []
    with ExitStack() as held:
        for customer_id in sorted({one.line.customer_id for one in first}):
            lease = ledger.lease(customer_id, holder)
            if lease.holder != holder:
                raise LedgerError(
                    f"{file.path}: {lease.holder} works on customer {customer_id} since "
                    f"{lease.since:%H:%M} UTC: nothing was taken, run again"
                )
            held.callback(ledger.release_lease, lease)
            leases.append(lease)
        # Read again: until now others could write.
        rows = Check(ledger, settings, file, by).whole()
        run_id = ledger.begin_run(RESULTS, mode=mode, plan_hash="")
        taken = 0
        try:
            ledger.take(rows, run_id=run_id, leases=leases)
            taken = len(rows)
        finally:
            ledger.end_run(run_id, {"taken": taken})
    return replace(_taken(rows, file, mode), run_id=run_id)


def _taken(rows: list[Returned], file: File, mode: Mode) -> Taken:
    said = tuple(f"{one.line.line} {one.line.subject}: {one.reason}" for one in rows)
    return Taken(said, len(file.rows) - len(rows), file.empty, mode)
