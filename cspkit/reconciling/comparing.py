"""Both books side by side: read the service, then the ledger, and list what differs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cspkit.errors import ApiError, ApiRefused
from cspkit.moves.desk import Desk
from cspkit.moves.holdings import NO_ACCESS, Tenant
from cspkit.partner_center import AuditRecord
from cspkit.partner_center.service import WORKERS
from cspkit.planning import Plan
from cspkit.reconciling import ending, known, orders, replacements, seeing
from cspkit.reconciling.differences import Accepted, Difference, Kind, ordered
from cspkit.reconciling.ending import About, Verdict
from cspkit.reconciling.known import Known
from cspkit.reconciling.originals import Originals
from cspkit.reconciling.seeing import Seen, Wanted
from cspkit.reconciling.uncovered import WAYS_OUT, Uncovered


@dataclass
class Comparison:
    """What was compared, what differs, which ends to record, and what could not be read.

    `accepted` differs too, and a person wants it so.
    """

    customers: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)
    accepted: list[Accepted] = field(default_factory=list)

    def set_apart(self, known: Mapping[str, Mapping[str, str]]) -> None:
        """Tell what people accepted, by its fact, apart from what differs."""
        found = [one for one in self.differences if one.fact in known]
        self.accepted += [Accepted(one, **known[one.fact]) for one in found]
        self.differences = [one for one in self.differences if one not in found]

    @property
    def clean(self) -> bool:
        """Say whether everything was read and nothing differs."""
        return not self.differences and not self.unread


def compare(
    desk: Desk,
    plans: list[Plan],
    facts: Originals,
    *,
    only: Collection[str] | None = None,
    workers: int = WORKERS,
) -> Comparison:
    """Compare the books of every customer that we acted for, or of some of them.

    The ledger is read again after the service, so that an order placed meanwhile is no stranger.
    Raises ApiError when what is shared by all customers cannot be read.
    """
    forgot = bool(desk.ledger.distrust)
    records = seeing.audit(desk)
    before = known.read(desk.ledger, plans)
    now = desk.clock.now()
    gaps = Uncovered(desk.ledger, plans, desk.settings, desk.originals)
    asked = _in_question(before, records, now, forgot=forgot)
    wanted = {one: _wanted(before.get(one), now) for one in asked if only is None or one in only}
    seen = dict(seeing.customers(desk, wanted, records, workers=workers))
    after = known.read(desk.ledger, plans)
    made = Comparison(sorted(wanted))
    for customer_id in made.customers:
        mine = after.get(customer_id) or Known(customer_id)
        shown = seen[customer_id]
        if isinstance(shown, ApiError):
            _not_read(made, mine, shown)
        else:
            _both(made, desk, mine, shown, facts, now, gaps, forgot=forgot)
    made.differences = ordered(made.differences)
    made.set_apart(desk.ledger.accepted())
    return made


def owner(desk: Desk, customer_id: str) -> str:
    """Name who minds a customer: as decided, else the first manager of the policy."""
    decided = str(desk.said.get(customer_id, {}).get("owner") or "")
    return decided or next(iter(desk.settings.policy.managers), "")


def _in_question(
    found: Mapping[str, Known],
    records: Mapping[str, list[AuditRecord]],
    now: datetime,
    *,
    forgot: bool,
) -> list[str]:
    """Name the customers to compare: where we did something, or somebody ordered.

    A ledger that forgot its last events knows of no customer for sure, so that the audit is
    asked for all.
    """
    began = {one for one, mine in found.items() if mine.goes_on(now)}
    bought = {one for one, listed in records.items() if one and _strange(found.get(one), listed)}
    return sorted(began | (bought if forgot or not found else bought & set(found)))


def _strange(mine: Known | None, records: list[AuditRecord]) -> bool:
    """Say whether the audit names an order that no move has, or one that it does not name."""
    ours = mine.orders if mine else {}
    return any(record.order_id not in ours for record in seeing.ordered_in(records))


def _wanted(mine: Known | None, now: datetime) -> Wanted:
    if mine is None:
        return Wanted()
    there = [row for row in mine.rows if row.state in replacements.THERE]
    return Wanted(
        frozenset(mine.orders),
        frozenset(row.subscription_id.lower() for row in there if row.subscription_id),
        tenant=bool(mine.watched(now)),
    )


def _both(
    made: Comparison,
    desk: Desk,
    mine: Known,
    seen: Seen,
    facts: Originals,
    now: datetime,
    gaps: Uncovered,
    *,
    forgot: bool,
) -> None:
    settle = timedelta(minutes=desk.settings.policy.settle_minutes)
    if seen.bad:
        made.unread[mine.customer_id] = seen.bad
    made.differences += orders.compare(mine, seen, now=now, settle=settle, forgot=forgot)
    made.differences += replacements.compare(mine, seen, now=now, settle=settle)
    for verdict in _ends(desk, mine, seen, facts, now):
        made.verdicts.append(verdict)
        found = verdict.difference or _gap(verdict, mine, gaps, now)
        made.differences += [found] if found else []


def _ends(
    desk: Desk, mine: Known, seen: Seen, facts: Originals, now: datetime
) -> Iterator[Verdict]:
    closed = NO_ACCESS if seen.owned is None else ""
    owned = tuple(seen.owned or ())
    tenant = Tenant(tuple(seen.subscriptions), owned, seen.pools, why_not=closed)
    who = owner(desk, mine.customer_id)
    for row in mine.watched(now):
        said = _evidence(desk, row.original, now)
        about = About(mine.replacing(row.original), facts, who, now, said)
        yield ending.judge(row, tenant, about)


def _gap(verdict: Verdict, mine: Known, gaps: Uncovered, now: datetime) -> Difference | None:
    """Tell an original that is to end and has nothing ordered in its place."""
    row = verdict.row
    why = "" if verdict.after else gaps.why(row, mine.replacing(row.original), now.date())
    if not why:
        return None
    ledger = f"{row.state}, nothing is ordered in its place: {why}"
    seen = f"{verdict.seen.status} until {verdict.seen.ends_on}" if verdict.seen else "nothing"
    kind, name = Kind.WAITS_FOR_PERSON, row.original
    return Difference(kind, row.customer_id, name, ledger, seen, WAYS_OUT, (name,))


def _evidence(desk: Desk, original: str, now: datetime) -> str:
    """Read what a person typed about the end of an original; only with its day, once it is over."""
    said = desk.originals.get(original, {})
    on, evidence = said.get("ended_on"), said.get("ended_evidence")
    return f"{on}: {evidence}" if on is not None and evidence and on <= now.date() else ""


def _not_read(made: Comparison, mine: Known, error: ApiError) -> None:
    """Tell a customer who left from a service that failed: the first is a difference."""
    if not isinstance(error, ApiRefused) or error.status not in seeing.NOT_OURS:
        made.unread[mine.customer_id] = str(error)
        return
    ordered_by_us = sorted(mine.orders)
    if ordered_by_us:
        to_do = "ask whether they ended the relationship; `cspkit run access` asks for it anew"
        made.differences.append(
            Difference(
                Kind.CUSTOMER_GONE,
                mine.customer_id,
                mine.customer_id,
                f"{len(ordered_by_us)} orders of ours",
                f"it cannot be read: {error}",
                to_do,
                tuple(ordered_by_us),
            )
        )
