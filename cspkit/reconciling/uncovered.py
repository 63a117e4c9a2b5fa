"""Ends that were stopped while nothing is ordered in their place: told before the gap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from cspkit import decisions
from cspkit.ledger import EndRow, Ledger, MoveRow
from cspkit.moves.renewal_deciding import STOPPED, WAYS_OUT, on_its_end, unordered
from cspkit.planning import Plan
from cspkit.policy import Workdays
from cspkit.reconciling import known
from cspkit.reconciling.originals import plans_of
from cspkit.settings import Settings
from cspkit.tables import MoveState

UNPLANNED = "no approved plan of today has a move for it"


class Uncovered:
    """Judge ends by the approved plans that no other took over from, and by the decisions."""

    def __init__(
        self,
        ledger: Ledger,
        plans: Iterable[Plan],
        settings: Settings,
        said: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """Take the plans that could be read, and what decisions.xlsx says by original."""
        approved = set(ledger.approvals()["plan_hash"])
        current = {one for one in approved if ledger.newest(one) is None}
        read = [plan for plan in plans if plan.hash in current]
        self._complete = bool(current) and current <= {plan.hash for plan in read}
        self._planned = {
            original: move
            for plan in read
            for move in plan.document.moves
            for original in move.subscription_ids
        }
        self._said = {name: dict(row) for name, row in said.items()}
        self._workdays = Workdays(settings.policy)

    def why(self, row: EndRow, replacement: MoveRow | None, today: date) -> str:
        """Say why an end that was stopped needs a person now; empty where it does not."""
        ends = row.ends_on
        if row.state not in STOPPED or _lives(replacement) or ends is None or ends < today:
            return ""
        move = self._planned.get(row.original)
        if move is not None:
            return unordered(on_its_end(move, [row]), self._said, today, self._workdays)
        # a plan whose file is gone may have it
        return f"{UNPLANNED}, and it ends on {ends}" if self._complete else ""


def uncovered(ledger: Ledger, settings: Settings, now: datetime) -> list[tuple[EndRow, str]]:
    """List the ends that need a person, with why, as ledger, plans and decisions have them."""
    rows = ledger.end_rows(None, *STOPPED)
    if not rows:
        return []
    approvals = ledger.approvals()
    paths = zip(approvals["plan_hash"], approvals["plan_path"], strict=True)
    plans = plans_of(paths, settings, settings.service.id)
    typed = decisions.read(settings.decisions).original_table.to_pylist()
    judged = Uncovered(ledger, plans, settings, {one["subscription_id"]: one for one in typed})
    books = known.read(ledger, plans)
    found = []
    for row in rows:
        today = max(now, row.seen_at or now).date()
        why = judged.why(row, books[row.customer_id].replacing(row.original), today)
        found += [(row, why)] if why else []
    return sorted(found, key=lambda one: (one[0].ends_on or date.max, one[0].original))


def _lives(row: MoveRow | None) -> bool:
    """Say whether a replacement is ordered, or may be: a checkout of unknown outcome counts."""
    if row is None or row.state in known.FREED:
        return False
    return row.order_id is not None or row.state is MoveState.SENT


__all__ = ["WAYS_OUT", "Uncovered", "uncovered"]
