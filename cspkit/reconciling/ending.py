"""Ends of originals: seen ended, renewed by accident, or slid into a paid month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from cspkit.ledger import EndRow, MoveRow
from cspkit.moves.ending import SLACK
from cspkit.moves.holdings import Life, Seen, Tenant
from cspkit.reconciling.differences import Difference, Kind
from cspkit.reconciling.known import is_over
from cspkit.reconciling.originals import Originals, cancel_until
from cspkit.tables import Channel, EndState

MONTH = timedelta(days=31)
TO, DAILY, TERM, CURRENCY, HOW = ("renewed_to", "daily_cost", "term_cost", "currency", "how")
EXTENDED, AGAIN = "extended", "renewed"
BOUGHT = "bought"
# The channels whose letter can say who cancels a renewal, and where.
TOLD = (Channel.CSP_NCE, Channel.CSP_OTHER, Channel.DIRECT_MCA, Channel.DIRECT_MOSA)
_CANCEL = {
    "partner": "cancel it",
    "current_partner": "have the partner who sold it cancel it",
    "customer": "have the customer cancel it",
}
_SAFE = (EndState.SAFE, EndState.SCHEDULED)


@dataclass(frozen=True)
class Verdict:
    """What to record of one end, what to say of it, and whether the customer gets a letter.

    `again` says that what renewed before began another term: there is no new state, only facts.
    """

    row: EndRow
    seen: Seen | None
    after: EndState | None = None
    reason: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, Any] = field(default_factory=dict)
    difference: Difference | None = None
    again: bool = False


@dataclass(frozen=True)
class About:
    """What else decides about an end: its move, what plans say, who minds it, and evidence."""

    move: MoveRow | None
    facts: Originals
    owner: str
    now: datetime
    evidence: str = ""

    @property
    def today(self) -> date:
        """The UTC day of the comparison."""
        return self.now.date()

    @property
    def replaced(self) -> bool:
        """Say whether the replacement is there and verified."""
        return self.move is not None and is_over(self.move)


def judge(row: EndRow, tenant: Tenant, about: About) -> Verdict:
    """Judge how one original is by what both services show of it now."""
    seen = tenant.seen(row.original)
    if row.state is EndState.ENDED:
        return _after_its_end(row, seen, about)
    if seen is None or seen.life is Life.UNKNOWN:
        return _unseen(row, seen, about, tenant.why_not)
    if seen.is_over or _went_suspended(seen, about):
        return _over(row, seen, about)
    if seen.sold is not None and seen.status == "suspended":
        return _suspended(row, seen, about)
    if row.state is EndState.RENEWED or _jumped(row, seen):
        return _renewed(row, seen, about)
    return _running(row, seen, about)


def base(row: EndRow) -> date | None:
    """Give the end that an original should have: as planned, or as dealt with since."""
    return row.plan_expires_on if row.state is EndState.RENEWED else row.ends_on


def _jumped(row: EndRow, seen: Seen) -> bool:
    due = row.ends_on
    return due is not None and seen.ends_on is not None and seen.ends_on > due + SLACK


def _went_suspended(seen: Seen, about: About) -> bool:
    return seen.status == "suspended" and seen.ends_on is not None and seen.ends_on < about.today


def _over(row: EndRow, seen: Seen, about: About) -> Verdict:
    due = base(row)
    early = due is not None and about.today <= due
    said = f"it is {seen.status}"
    evidence = {"seen": seen.status, "seen_ends_on": str(seen.ends_on or "")}
    difference = None
    if not about.replaced:
        when = f"ends {due}" if due else "active"
        to_do = (
            "order its replacement today: `cspkit run provision`"
            if about.move is None or about.move.order_id is None
            else "check its replacement now: `cspkit run verify`"
        )
        kind, ledger = Kind.ENDED_EARLY, f"{when}, its replacement is not verified"
        difference = _said(kind, row, ledger, f"{said} already", to_do)
    reason = f"{said}, before its end" if early else said
    return Verdict(row, seen, EndState.ENDED, reason, evidence, difference=difference)


def _after_its_end(row: EndRow, seen: Seen | None, about: About) -> Verdict:
    if seen is None or seen.life is not Life.RUNNING:
        return Verdict(row, seen)
    ended = f"ended, seen {row.ended_at:%Y-%m-%d}" if row.ended_at else "ended"
    until = f" until {seen.ends_on}" if seen.ends_on else ""
    to_do = "find out who bought or reactivated it, and have its renewal switched off"
    return Verdict(
        row, seen, difference=_said(Kind.RENEWED, row, ended, f"active again{until}", to_do)
    )


def _unseen(row: EndRow, seen: Seen | None, about: About, why_not: str) -> Verdict:
    """Take the evidence that a person typed where no service shows an original."""
    due = base(row)
    if seen is None and about.evidence:
        evidence = {"evidence": about.evidence}
        return Verdict(row, seen, EndState.ENDED, f"by evidence: {about.evidence}", evidence)
    if due is None or about.today <= due + SLACK:
        return Verdict(row, seen)
    said = "nothing of it" if seen is None else f"{seen.status!r}, which no document explains"
    typed = "type ended_on and ended_evidence into decisions.xlsx"
    if seen is not None:
        to_do = f"ask Microsoft's support what that is; once it is over {typed}"
    elif why_not:
        to_do = f"get access with `cspkit run access`, or {typed}"
    else:
        other = "the tenant can be looked into and lists no such id: find it under another one"
        to_do = f"{other}; once it is over {typed}"
    difference = _said(Kind.OVERDUE_END, row, f"{row.state}, its end was {due}", said, to_do)
    return Verdict(row, seen, difference=difference)


def _suspended(row: EndRow, seen: Seen, about: About) -> Verdict:
    if about.replaced:
        return Verdict(row, seen)
    to_do = "reactivate it in Partner Center until its replacement is verified"
    ledger = f"{row.state}, its replacement is not verified"
    return Verdict(row, seen, difference=_said(Kind.ENDED_EARLY, row, ledger, "suspended", to_do))


def _running(row: EndRow, seen: Seen, about: About) -> Verdict:
    undone = _undone(row, seen)
    if undone:
        after = EndState.SAFE if row.state is EndState.SCHEDULED else EndState.OPEN
        step = "retire" if after is EndState.SAFE else "renewal-safe"
        to_do = f"`cspkit run {step}` does it again; ask who changed it"
        difference = _said(Kind.END_UNDONE, row, str(row.state), undone, to_do)
        return Verdict(row, seen, after, f"seen undone: {undone}", difference=difference)
    due = base(row)
    if due is not None and about.today > due + SLACK:
        to_do = "look again tomorrow; after that ask Microsoft's support"
        ledger = f"{row.state}, its end was {due}"
        said = f"active until {seen.ends_on or 'an unknown day'}"
        return Verdict(row, seen, difference=_said(Kind.OVERDUE_END, row, ledger, said, to_do))
    return Verdict(row, seen, difference=_late(row, seen, about))


def _late(row: EndRow, seen: Seen, about: About) -> Difference | None:
    """Find an original that would still renew after the day on which the plan has it safe."""
    move = about.facts.planned(row.original)
    renews = seen.sold is not None and seen.sold.auto_renew is True
    if not renews or row.state in _SAFE or move is None or about.today <= move.renewal_safe_on:
        return None
    ledger = f"{row.state}, to be safe by {move.renewal_safe_on}"
    to_do = f"`cspkit run renewal-safe --plan PLAN --batch {move.batch} --mode MODE`"
    return _said(Kind.AUTO_RENEW_DIFFERS, row, ledger, "auto-renew on", to_do)


def _undone(row: EndRow, seen: Seen) -> str:
    """Say what somebody changed back at a subscription that we sold."""
    if seen.sold is None or row.state not in _SAFE:
        return ""
    if seen.sold.auto_renew or seen.sold.renews_as_scheduled:
        return "auto-renew is on again"
    if row.state is EndState.SCHEDULED and not seen.sold.ends_with_its_term:
        return "no end is scheduled any more"
    return ""


def _renewed(row: EndRow, seen: Seen, about: About) -> Verdict:
    """Say how long a renewal can be cancelled and what it costs, and by whom that is done."""
    renewed = row.state is EndState.RENEWED
    again = renewed and _jumped(row, seen)
    known = renewed and not again
    due, facts = row.plan_expires_on if known else row.ends_on, row.facts
    how = str(facts.get(HOW) or "") if known else _how(row, seen, about)
    until = _until(row, seen, about, known=known)
    evidence = {} if known else _evidence(how, row, seen, about)
    facts = {**facts, **evidence}
    kind = Kind.PAID_MONTH if how == EXTENDED else Kind.RENEWED
    said = f"active until {seen.ends_on or 'an unknown day'}, {_cost(kind, facts)}"
    ledger = f"{'renewed' if renewed else row.state}, its end was {due}"
    who = "partner" if seen.sold else about.facts.canceller(row.original)
    difference = _said(kind, row, ledger, said, _cancel(kind, until, who, about))
    columns: dict[str, Any] = {"cancel_until": until, "owner": about.owner}
    columns["seen_expires_on"] = seen.ends_on
    reason = f"its end moved from {due} to {seen.ends_on}"
    if again:
        # what was typed about the term before says nothing of this one
        columns |= {"reason": reason, "renewed_at": about.now}
    after = None if renewed else EndState.RENEWED
    return Verdict(row, seen, after, reason, evidence, columns, difference, again)


def _how(row: EndRow, seen: Seen, about: About) -> str:
    """Tell a paid month from a renewal: a month more of what was longer."""
    before = about.facts.term(row.original)
    if before == "P1M":
        return AGAIN
    if seen.sold is not None and seen.sold.term:
        return EXTENDED if seen.sold.term == "P1M" else AGAIN
    due = row.ends_on
    if due is None or seen.ends_on is None:
        return AGAIN
    return EXTENDED if seen.ends_on - due <= MONTH else AGAIN


def _until(row: EndRow, seen: Seen, about: About, *, known: bool) -> datetime | None:
    """Take the service's own limit, else the one of the channel's rules from the term's start."""
    if seen.sold is not None:
        return seen.sold.cancel_until
    due = row.ends_on
    if known or due is None:
        return row.cancel_until
    begins = datetime.combine(due + timedelta(days=1), time(tzinfo=UTC))
    return cancel_until(about.facts.channel(row.original), begins)


def _evidence(how: str, row: EndRow, seen: Seen, about: About) -> dict[str, Any]:
    rule = about.facts.rule(row.original)
    dearer = rule.uplift if rule and how == EXTENDED else None
    price = about.facts.price(row.original, seen.seats, uplift=dearer or Decimal(0))
    bought = Channel.CSP_NCE if seen.sold else about.facts.channel(row.original)
    found = {
        BOUGHT: str(bought or Channel.UNKNOWN),
        HOW: how,
        TO: str(seen.ends_on or ""),
        "seen": seen.status,
    }
    costs = {DAILY: price.daily, TERM: price.term}
    found |= {name: str(value) for name, value in costs.items() if value is not None}
    return found | ({CURRENCY: price.currency} if price.currency else {})


def _cost(kind: Kind, facts: Mapping[str, Any]) -> str:
    currency = facts.get(CURRENCY, "")
    if kind is Kind.PAID_MONTH:
        daily = facts.get(DAILY)
        return (
            f"a paid month at {daily} {currency} a day"
            if daily
            else "a paid month at an unknown price"
        )
    term = facts.get(TERM)
    return f"a new term of {term} {currency}" if term else "a new term at an unknown price"


def _cancel(kind: Kind, until: datetime | None, who: str, about: About) -> str:
    owner = about.owner or "nobody named: fill `owner` in decisions.xlsx"
    if kind is Kind.PAID_MONTH:
        return f"end it any day, `cspkit run retire`; owner {owner}"
    if until is None:
        return f"ask today how long it can be cancelled, nobody states it; owner {owner}"
    if about.now >= until:
        over = f"it cannot be cancelled since {until:%Y-%m-%d}"
        return f"{over}: `cspkit run renewal-safe` for its new end; owner {owner}"
    left = (until - about.now).total_seconds() / 3600
    count = f"{left / 24:.1f} days" if left >= 48 else f"{left:.0f} hours"
    return f"{_CANCEL[who]} by {until:%Y-%m-%d %H:%M} UTC, {count} left; owner {owner}"


def by_hand(bought: str) -> str:
    """Say what a person does about a renewal of a channel that no letter can explain."""
    where = "" if bought in ("", Channel.UNKNOWN) else f" by {bought}"
    known = f"no letter can say who cancels what was bought{where or ' nobody knows where'}"
    return f"{known}: write to the customer, ask where they bought it and who cancels it there"


def _said(kind: Kind, row: EndRow, ledger: str, service: str, to_do: str) -> Difference:
    return Difference(kind, row.customer_id, row.original, ledger, service, to_do, (row.original,))
