"""The ledger: where it lies, how it is set, whether it is whole, and whether it may be written."""

from __future__ import annotations

from collections.abc import Iterator

from cspkit.doctor.findings import FAILED, OK, WARNING, Finding
from cspkit.errors import LedgerError
from cspkit.ledger import EVERYONE, Ledger
from cspkit.settings import FILE, Settings

TRUST = "cspkit doctor --trust-ledger --by NAME --reason TEXT"
RECONCILE = "cspkit reconcile --by NAME --reason TEXT"
_MOVED = (
    f"is it moved for good, and no copy of it is used? then `{RECONCILE}`, or `{TRUST}` without"
    " a comparison; if not, use the first"
)
_LOST = "`cspkit reconcile`: it opens the ledger where the service has nothing that it lacks"


def ledger(settings: Settings) -> Iterator[Finding]:
    """Look at the workspace's ledger by reading only."""
    try:
        seen = Ledger.glance(settings.ledger_url)
    except LedgerError as error:
        yield _closed(str(error))
        return
    with seen:
        if seen.file is None and seen.place == "sqlite://":
            yield Finding("ledger", OK, f"{settings.ledger_url}: none yet, the first run makes it")
            return
        yield from _looked_at(seen, settings)


def _closed(said: str) -> Finding:
    """Part what is wrong from what to do, where the line says both."""
    remedies = ("version", "is installed")
    mark = ": " if any(word in said for word in remedies) else "; "
    found, parted, advice = said.rpartition(mark)
    if not parted:
        found, advice = said, f"is it there, and is paths.ledger in {FILE} right?"
    return Finding("ledger", FAILED, found, advice)


def _looked_at(seen: Ledger, settings: Settings) -> Iterator[Finding]:
    state = seen.health()
    yield Finding("ledger place", OK, seen.place)
    yield Finding("ledger settings", OK, ", ".join(f"{k} {v}" for k, v in state.settings.items()))
    yield _bound(seen, settings)
    yield _trusted(seen)
    if state.problems:
        advice = "stop all runs, restore the newest backup, then `cspkit reconcile`"
        yield Finding("ledger content", FAILED, "; ".join(state.problems), advice)
    else:
        yield Finding("ledger content", OK, f"{state.runs} chains of events are whole")
    yield _backed_up(state.backups, state.shared)
    for said in seen.broken_off():
        yield Finding("run", WARNING, f"{said} never ended", "is it not at work? run it again")
    for hold in seen.holds():
        who = "everyone" if hold.customer_id == EVERYONE else hold.customer_id
        said = f"{who} since {hold.held_at:%Y-%m-%d} by {hold.by}: {hold.reason}"
        yield Finding("hold", WARNING, said, "`cspkit release` ends it")


def _bound(seen: Ledger, settings: Settings) -> Finding:
    if seen.service in (None, settings.service.id):
        return Finding("ledger service", OK, seen.service or "none yet")
    said = f"{seen.service}, but the settings name {settings.service.id}"
    return Finding("ledger service", FAILED, said, "a ledger serves one for life: use another")


def _trusted(seen: Ledger) -> Finding:
    if not seen.distrust:
        return Finding("ledger memory", OK, "nothing that was noted is missing")
    advice = _MOVED if "copied or moved" in seen.distrust else _LOST
    return Finding("ledger memory", FAILED, seen.distrust, advice)


def _backed_up(backups: list[str], shared: bool) -> Finding:
    if shared:
        advice = "archive its log continuously, or run pg_dump daily and before each update"
        return Finding("ledger backup", WARNING, "a server is backed up by its owner", advice)
    if not backups:
        return Finding("ledger backup", OK, "none yet: a live run and an update make one")
    return Finding("ledger backup", OK, f"{len(backups)}, the newest {backups[-1]}")
