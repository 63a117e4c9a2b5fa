"""What is to be done about the end of one original: decided from what was read, acts on nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from cspkit.channels import Rule
from cspkit.ledger import EndRow
from cspkit.moves.holdings import Life, Seen
from cspkit.moves.pool import Verdict
from cspkit.tables import Channel, EndState

# Services write an end as its last day or as the midnight after it.
SLACK = timedelta(days=1)
LETTERS = {"customer": "end-at-term", "current_partner": "partner-end"}
OURS = (Channel.CSP_NCE, Channel.CSP_LEGACY)


class Act(StrEnum):
    """What a step does about one original; the first ones go before the later ones."""

    PERSON = "wait for a person"
    CANCEL = "schedule the end"
    WRITE = "write the letter"
    NOTE_SCHEDULED = "note that its end is scheduled"
    NOTE_ENDED = "note that it ended"
    WAIT = "wait"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Todo:
    """One act and its reason; `ended` once the original is known to be over.

    `lost` says that an end that was scheduled is not any more, and why that is known, `covered`
    that its replacement stands and the pool has seats enough without it.
    """

    act: Act
    reason: str
    ended: bool = False
    lost: str = ""
    evidence: str = ""
    covered: bool = False


@dataclass(frozen=True)
class Facts:
    """All that one decision is made from; `wrong` names what is amiss with the replacement."""

    original: str
    end: EndRow
    seen: Seen | None
    rule: Rule
    verdict: Verdict
    said: dict[str, Any]
    expires_on: date
    today: date
    wrong: str = ""

    @property
    def ends_on(self) -> date:
        """The last day of the term, as shown, else as planned."""
        return self.seen.ends_on if self.seen and self.seen.ends_on else self.expires_on

    @property
    def is_ours(self) -> bool:
        """Say whether we sold it, so that its end is ours to schedule."""
        return self.seen is not None and self.seen.sold is not None

    @property
    def needs_scheduling(self) -> bool:
        """Say whether auto-renew off is not enough; of what is not ours the rule says so."""
        if self.is_ours and self.rule.channel not in OURS:
            return True
        return self.rule.needs_scheduled_cancel


def decide(facts: Facts) -> Todo:
    """Decide what is to be done now about the end of one original."""
    todo = beyond(facts) or _coming(facts)
    return replace(todo, covered=facts.verdict.covered and not facts.wrong)


def beyond(facts: Facts) -> Todo | None:
    """Decide about one that is over, or went on beyond its end; no pool is judged for that."""
    return _past(facts) or _renewed(facts)


def _past(facts: Facts) -> Todo | None:
    """Tell an original that is over, seen so or, where nothing shows it, evidenced."""
    seen, name = facts.seen, facts.original
    if facts.end.state is EndState.ENDED:
        return Todo(Act.NOTHING, f"{name} ended", ended=True)
    if seen is not None and _over(seen, facts.today):
        where = "Partner Center" if seen.sold else "the tenant"
        return Todo(Act.NOTE_ENDED, f"{name}: {where} shows it {seen.status}", ended=True)
    said = _said(facts, "ended")
    if said and seen is None:
        return Todo(Act.NOTE_ENDED, f"{name}: {said}", ended=True, evidence=said)
    if said and seen is not None:
        return Todo(Act.PERSON, f"{name}: {said}, but it is shown {seen.status}")
    return None


def _over(seen: Seen, today: date) -> bool:
    suspended = seen.status == "suspended" and seen.ends_on is not None and seen.ends_on < today
    return seen.is_over or suspended


def _renewed(facts: Facts) -> Todo | None:
    """Tell an original that goes on beyond its end, until that is on record.

    Once it is, its new end is treated like any other: nobody has to wait a whole term.
    """
    known = facts.end.facts.get("renewed_to")
    planned = facts.end.plan_expires_on or facts.expires_on
    if known:
        planned = date.fromisoformat(str(known))
    if facts.end.state is EndState.RENEWED or facts.seen is None:
        return None
    if facts.ends_on <= planned + SLACK:
        return None
    why = f"{facts.original} goes on until {facts.ends_on}, planned was {planned}"
    return Todo(Act.PERSON, f"{why}: `cspkit reconcile` says how long that can be cancelled")


def _coming(facts: Facts) -> Todo:
    """Decide about an original that has yet to end, at its own end and not before."""
    if facts.ends_on < facts.today:
        shown = facts.seen.status if facts.seen else "nowhere; say ended_on in the decisions"
        why = f"{facts.original}: its term was over on {facts.ends_on}, it is shown {shown}"
        return Todo(Act.WAIT, why)
    if facts.seen is not None and facts.seen.life is Life.UNKNOWN:
        return Todo(Act.WAIT, f"{facts.original} is {facts.seen.status!r}: {facts.seen.life}")
    if not facts.needs_scheduling:
        return _by_itself(facts)
    return _at_home(facts) if facts.is_ours else _elsewhere(facts)


def _by_itself(facts: Facts) -> Todo:
    """A term that ends where nobody renews it: there is nothing to schedule, only to cover."""
    off = facts.end.state in (EndState.SAFE, EndState.SCHEDULED)
    sold = facts.seen.sold if facts.seen else None
    if facts.rule.stopped_by != "nobody" and not off and not (sold and sold.auto_renew is False):
        why = f"{facts.original}: nobody has seen its renewal off yet: run renewal-safe"
        return Todo(Act.WAIT, why)
    return _short(facts) or Todo(Act.NOTHING, _told(facts, "ends by itself"))


def _at_home(facts: Facts) -> Todo:
    assert facts.seen is not None and facts.seen.sold is not None
    sold = facts.seen.sold
    if sold.ends_with_its_term:
        return _scheduled(facts, "Partner Center shows it")
    lost = ""
    if facts.end.state is EndState.SCHEDULED:
        lost = f"Partner Center shows its end no more, and auto-renew {_switch(sold.auto_renew)}"
    is_now = f"auto-renew {_switch(sold.auto_renew)}, no end scheduled"
    then = f"{is_now} -> auto-renew off, cancelled at the end of its term"
    short = _short(facts)
    if short:
        return Todo(short.act, short.reason, lost=lost)
    return Todo(Act.CANCEL, _told(facts, then), lost=lost)


def _elsewhere(facts: Facts) -> Todo:
    """What others end is asked for by letter, and done when a person has seen the evidence."""
    said = _said(facts, "end_scheduled")
    if said:
        return _scheduled(facts, said)
    lost = ""
    if facts.end.state is EndState.SCHEDULED:
        lost = "the decisions name no evidence of its scheduled end any more"
    short = _short(facts)
    if short:
        return Todo(short.act, short.reason, lost=lost)
    if facts.rule.stopped_by not in LETTERS:
        return Todo(Act.WAIT, _told(facts, facts.rule.stop_how), lost=lost)
    return Todo(Act.WRITE, _told(facts, facts.rule.stop_how), lost=lost)


def _scheduled(facts: Facts, evidence: str) -> Todo:
    """An end that is scheduled is a fact; where seats would be missing it is an alarm too."""
    short = _short(facts)
    if short is not None and (facts.wrong or facts.verdict.missing):
        why = f"its end on {facts.ends_on} is scheduled; {short.reason}"
        return Todo(Act.PERSON, why, evidence=evidence)
    if facts.end.state is EndState.SCHEDULED:
        return Todo(Act.NOTHING, _told(facts, "its end is scheduled"))
    return Todo(Act.NOTE_SCHEDULED, _told(facts, evidence), evidence=evidence)


def _short(facts: Facts) -> Todo | None:
    """Say why nothing may end yet: the replacement, what is not known, or too few seats."""
    if facts.wrong:
        return Todo(Act.PERSON, f"{facts.original}: {facts.wrong}")
    verdict = facts.verdict
    if verdict.covered:
        return None
    if verdict.missing is None:
        return Todo(Act.WAIT, f"{facts.original}: {verdict.reason}")
    why = f"{verdict.missing} seats would be missing without {facts.original} ({verdict.reason})"
    if verdict.doubt:
        cells = "type ended_on and ended_evidence for it into decisions.xlsx"
        advice = f"order nothing before it is found in the tenant; once it is over, {cells}"
        return Todo(Act.PERSON, f"{why}, perhaps counted twice: {verdict.doubt}: {advice}")
    return Todo(Act.PERSON, f"{why}: order more seats, or take licences away, then run again")


def _said(facts: Facts, what: str) -> str:
    """Give the evidence that a person typed; only with its day, and not before it."""
    on, evidence = facts.said.get(f"{what}_on"), facts.said.get(f"{what}_evidence")
    if on is None or not evidence or on > facts.today:
        return ""
    return f"the decisions say {what}_on {on}: {evidence}"


def _told(facts: Facts, what: str) -> str:
    return f"{facts.original} until {facts.ends_on}: {what}; {facts.verdict.reason}"


def _switch(flag: bool | None) -> str:
    return "unknown" if flag is None else "on" if flag else "off"
