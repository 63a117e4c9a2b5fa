"""When is an end looked at again? While nothing about it can be new, nobody is asked."""

from __future__ import annotations

from cspkit.ledger import EndRow
from cspkit.moves.desk import Desk
from cspkit.planning import PlannedMove
from cspkit.policy import Workdays
from cspkit.tables import EndState

# Kept with an end that a look found as it should be, its pool covered: when, and what was typed.
IN_ORDER = "in_order"
_TYPED = ("end_scheduled_on", "end_scheduled_evidence", "ended_on", "ended_evidence")


def rests(desk: Desk, move: PlannedMove, workdays: Workdays) -> bool:
    """Say whether the ends of a move were found in order and their last working day is to come.

    On that day the end and the pool are read once more, and after it whether it came. What a
    person typed since, an alarm, or a look that could not be made ends the rest.
    """
    ends = desk.ends(move)
    last = min(end.seen_expires_on or move.expires_on for end in ends)
    if desk.today >= workdays.on_or_before(last):
        return False
    return all(_in_order(desk, end) for end in ends)


def looked(desk: Desk, end: EndRow, *, in_order: bool) -> dict[str, object]:
    """Give what an end keeps of a look at it; nothing where it is so already."""
    on = {"on": str(desk.today), "typed": _typed(desk, end)} if in_order else {}
    return {} if end.facts.get(IN_ORDER, {}) == on else {IN_ORDER: on}


def _in_order(desk: Desk, end: EndRow) -> bool:
    known = end.facts.get(IN_ORDER)
    if not known or end.state is EndState.RENEWED:
        return False
    return bool(known["typed"] == _typed(desk, end))


def _typed(desk: Desk, end: EndRow) -> list[str]:
    said = desk.originals.get(end.original, {})
    return [str(said.get(cell) or "") for cell in _TYPED]
