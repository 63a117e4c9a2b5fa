"""Announce: what happens on the day of an order, and that it is over; nothing waits for these."""

from __future__ import annotations

from datetime import date, timedelta

from cspkit.ledger import MoveRow
from cspkit.moves import consent
from cspkit.moves.desk import Desk
from cspkit.moves.posting import licences, tell
from cspkit.moves.rows import Subject
from cspkit.planning import PlannedMove
from cspkit.tables import MoveState

ON_THE_DAY, DONE = "on-the-day", "done"
AHEAD = timedelta(days=7)
_OVER = (MoveState.CLOSED, MoveState.UNDONE, MoveState.REFUSED)


def days(desk: Desk, one: Subject) -> str:
    """Tell a customer, a week ahead, on which days what is ordered; say what kept it back.

    Only what they accepted is announced, once for each day: a plan that moves it announces it anew.
    """
    ahead: dict[date, list[PlannedMove]] = {}
    for move in desk.planned.get(one.customer_id, []):
        if _announced(desk, move):
            ahead.setdefault(move.date, []).append(move)
    kept = [
        tell(desk, one, ON_THE_DAY, {"on": day, "originals": licences(moves)}, day.isoformat())
        for day, moves in sorted(ahead.items())
    ]
    return "; ".join(filter(None, kept))


def _announced(desk: Desk, move: PlannedMove) -> bool:
    if not desk.today < move.date <= desk.today + AHEAD:
        return False
    row = desk.ledger.move(move.move_id)
    if row is not None and row.state not in (MoveState.PLANNED, MoveState.CART):
        return False
    return not consent.disagreement(move, desk.originals, desk.today)


def done(desk: Desk, one: Subject) -> str:
    """Tell a customer that a move is over, once for all theirs that ended on the same day.

    Says what kept the letter back; it waits for the last of those moves.
    """
    ended = one.planned.expires_on
    planned = desk.planned.get(one.customer_id, [])
    mine = [move for move in planned if move.expires_on == ended]
    rows = {move.move_id: desk.ledger.move(move.move_id) for move in mine}
    if not all(_over(row) for row in rows.values()):
        return ""
    closed = [move for move in mine if _closed(rows[move.move_id])]
    return tell(desk, one, DONE, {"originals": licences(closed)}, ended.isoformat())


def _over(row: MoveRow | None) -> bool:
    return row is not None and row.state in _OVER


def _closed(row: MoveRow | None) -> bool:
    return row is not None and row.state is MoveState.CLOSED
