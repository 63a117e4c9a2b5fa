"""What is to be done about the renewal of one original: decided from what is known and shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from cspkit.channels import Rule
from cspkit.ledger import EndRow
from cspkit.moves import consent, renewals
from cspkit.moves.desk import Desk
from cspkit.moves.renewal_asking import Letter, letter_for
from cspkit.moves.renewals import Renewal
from cspkit.moves.rows import Outcome
from cspkit.planning import PlannedMove
from cspkit.policy import Workdays
from cspkit.tables import EndState

CELLS = "renewal_off_by, renewal_off_on and renewal_off_evidence in decisions.xlsx"
OVER = (EndState.SCHEDULED, EndState.ENDED)
STOPPED = (EndState.ASKED, EndState.SAFE, EndState.SCHEDULED)
WAYS_OUT = "order it now, or have its renewal switched on again"
# Working days before the last safe day from which what blocks an order is a person's matter.
NEAR = 3
# Services write an end as its last day or as the midnight after it.
SLACK = timedelta(days=1)


@dataclass(frozen=True)
class Todo:
    """What is to be done about one original: a way to do it, or the outcome it has without.

    `back_on`: it was safe, and somebody switched it on again.
    """

    original: str
    what: str
    reason: str
    outcome: Outcome | None = None
    way: str = ""
    renewal: Renewal | None = None
    letter: Letter | None = None
    back_on: bool = False


def on_its_end(move: PlannedMove, ends: Iterable[EndRow]) -> PlannedMove:
    """Take the end of the latest renewal for the planned one, and its days with it."""
    days = (row.ends_on for row in ends)
    new = max((day for day in days if day is not None), default=move.expires_on)
    if new <= move.expires_on:
        return move
    names, later = ("renewal_safe_on", "last_safe_day"), new - move.expires_on
    moved = {name: getattr(move, name) + later for name in names}
    return move.model_copy(update={"expires_on": new, **moved})


def unordered(
    move: PlannedMove, said: dict[str, dict[str, Any]], today: date, workdays: Workdays
) -> str:
    """Say why a move that is not ordered needs a person now; empty while all goes as planned.

    That is so after its last safe day, and shortly before it where its own day went by or the
    customer's consent, `said` by original, keeps it from being ordered.
    """
    last = move.last_safe_day
    if today > move.expires_on or (today <= last and workdays.after(today, NEAR) < last):
        return ""
    refused = consent.disagreement(move, said, today)
    if today <= min(last, move.date) and not refused:
        return ""
    when = f"its last safe day {'was' if today > last else 'is'} {last}"
    return f"{when}, {refused or f'its order was due on {move.date}'}"


def decide(desk: Desk, move: PlannedMove, row: EndRow, rule: Rule) -> Todo:
    """Decide about one original: what a service shows goes before what anybody wrote."""
    name = row.original
    if row.state in OVER:
        return Todo(name, "", f"{name}: {row.state}", Outcome.DONE)
    renewal = renewals.read(desk, move.customer_id, name, rule.channel)
    if renewal is not None:
        return _shown(desk, move, row, renewal)
    if row.state is EndState.SAFE:
        return Todo(name, "", f"{name}: {row.reason}", Outcome.DONE)
    said = typed(desk, row)
    if said:
        return Todo(name, "note the evidence", f"{name}: {said}", way="evidence")
    if rule.stopped_by == "nobody":
        return Todo(name, "note that it ends", f"{name}: {rule.stop_how}", way="channel")
    return _to_ask(desk, move, row, rule)


def typed(desk: Desk, row: EndRow) -> str:
    """Give the evidence that a person typed, unless it is older than a renewal since then."""
    said = desk.originals.get(row.original, {})
    on: date | None = said.get("renewal_off_on")
    if on is None or on > desk.today:
        return ""
    if row.renewed_at is not None and on <= row.renewed_at.date():
        return ""
    return f"off on {on} by {said['renewal_off_by']}: {said['renewal_off_evidence']}"


def _shown(desk: Desk, move: PlannedMove, row: EndRow, renewal: Renewal) -> Todo:
    name, told = row.original, f"{row.original}: {renewal.told}"
    if not renewal.runs:
        return Todo(name, "", f"{name} is {renewal.status}", Outcome.SKIPPED, renewal=renewal)
    if renewal.ends_on is not None and renewal.ends_on > move.expires_on + SLACK:
        drift = f"drifted: {told}, planned was {move.expires_on}; plan again"
        return Todo(name, "", drift, Outcome.SKIPPED, renewal=renewal)
    if renewal.on is False and row.state is EndState.SAFE:
        return Todo(name, "", told, Outcome.DONE, renewal=renewal)
    if renewal.on is False:
        way = renewal.way if renewals.sent(desk, name) else "seen"
        return Todo(name, "note that it is off", told, way=way, renewal=renewal)
    if row.state is EndState.SAFE:
        why = f"{told}: somebody switched it on again; ask why, the next run switches it off"
        return Todo(name, "note that it is on again", why, renewal=renewal, back_on=True)
    diff = f"{told} -> off, by {renewal.way}"
    return Todo(name, "switch auto-renew off", diff, way=renewal.way, renewal=renewal)


def _to_ask(desk: Desk, move: PlannedMove, row: EndRow, rule: Rule) -> Todo:
    name, letter = row.original, letter_for(rule)
    if letter is None:
        return Todo(name, "", f"{name}: {rule.stop_how}; then {CELLS}", Outcome.WAITING)
    if row.state is EndState.ASKED:
        since = f"{row.asked_at:%Y-%m-%d}" if row.asked_at else "some time"
        late = ", overdue" if desk.today > move.renewal_safe_on else ""
        wait = f"{name}: asked since {since}, due {move.renewal_safe_on}{late}; then {CELLS}"
        return Todo(name, "", wait, Outcome.WAITING)
    what = f"write the {letter.kind} letter"
    return Todo(name, what, f"{name}: {rule.stop_how}", letter=letter)
