"""When is an end looked at again? Within a week, and at once when what we know of it changed."""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta

from cspkit.ledger import EndRow
from cspkit.moves.desk import Desk
from cspkit.planning import PlannedMove
from cspkit.policy import Policy, Workdays
from cspkit.tables import EndState

# Kept with an end that a look found as it should be, its pool covered: when, and what was known.
IN_ORDER = "in_order"
# Others change things too: who switches a renewal on again is found out while it can be undone.
REST = timedelta(days=7)
_TYPED = ("end_scheduled_on", "end_scheduled_evidence", "ended_on", "ended_evidence")


class Resting:
    """Say at one desk which ends rest; calendars, and customers to choose among, are read once."""

    def __init__(self, desk: Desk) -> None:
        """Work at a desk."""
        self._desk = desk
        self._calendars: dict[str, Workdays] = {}
        self._customers: dict[str, list[object]] = {}

    def rests(self, move: PlannedMove) -> bool:
        """Say whether the ends of a move were found in order, and are not to be looked at today.

        From the day on which a replacement could still be ordered anew, verified and repaired
        they are looked at with every run. Before, whatever our own runs changed at the customer,
        what a person typed since, and a week that went by end the rest.
        """
        ends = self._desk.ends(move)
        days = [day for end in ends for day in (end.plan_expires_on, end.seen_expires_on) if day]
        if self._desk.today >= self._watched_from(move, min([*days, move.expires_on])):
            return False
        return all(self._in_order(end) for end in ends)

    def looked(self, end: EndRow, *, in_order: bool) -> dict[str, object]:
        """Give what an end keeps of a look at it; nothing where it is so already."""
        on = {"on": str(self._desk.today), "known": self._known(end)} if in_order else {}
        return {} if end.facts.get(IN_ORDER, {}) == on else {IN_ORDER: on}

    def _watched_from(self, move: PlannedMove, last: date) -> date:
        policy = self._desk.settings.policy
        days = 1 + policy.verify_days + policy.repair_days
        return self._workdays(policy, move.team).back(last, days)

    def _workdays(self, policy: Policy, name: str | None) -> Workdays:
        if (name or "") not in self._calendars:
            team = next((one for one in policy.teams if one.name == name), None)
            self._calendars[name or ""] = Workdays(policy, team)
        return self._calendars[name or ""]

    def _in_order(self, end: EndRow) -> bool:
        noted = end.facts.get(IN_ORDER)
        if not noted or end.state in (EndState.RENEWED, EndState.ENDED):
            return False
        rested = self._desk.today - date.fromisoformat(noted["on"])
        if rested >= REST:
            return False
        # Before anything is done: what the ledger says now is one for all ends of a customer.
        if end.customer_id not in self._customers:
            self._customers[end.customer_id] = self._customer(end.customer_id)
        return bool(noted["known"] == self._sum(end, self._customers[end.customer_id]))

    def _known(self, end: EndRow) -> str:
        """Sum up what the ledger knows by now, since a look changes it, and what was typed."""
        return self._sum(end, self._customer(end.customer_id))

    def _customer(self, customer_id: str) -> list[object]:
        """List what the ledger knows of a customer's moves and ends."""
        ledger = self._desk.ledger
        return [
            [[one.original, one.state] for one in ledger.end_rows(customer_id)],
            sorted(
                [row.move_id, row.state, row.seats, row.subscription_id]
                for row in ledger.move_rows(customer_id)
            ),
        ]

    def _sum(self, end: EndRow, customer: list[object]) -> str:
        said = self._desk.originals.get(end.original, {})
        known = [[str(said.get(cell) or "") for cell in _TYPED], *customer]
        return hashlib.sha256(json.dumps(known).encode()).hexdigest()[:16]
