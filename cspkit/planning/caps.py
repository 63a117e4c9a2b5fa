"""What a plan may commit: amounts over the whole term and seats, per customer and in all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from cspkit.planfile import PlanFile, PlannedMove, Unplaced
from cspkit.planning.pricing import amount
from cspkit.planning.terms import orderable
from cspkit.policy import DAY, Policy, Workdays

ALL, ONE = "", "_per_customer"


@dataclass(frozen=True)
class Committed:
    """What moves commit: seats, and the known part of their amounts over the whole term."""

    seats: int
    amount: Decimal
    unknown: int

    def plus(self, other: Committed) -> Committed:
        """Add two up."""
        unknown = self.unknown + other.unknown
        return Committed(self.seats + other.seats, self.amount + other.amount, unknown)

    @classmethod
    def by(cls, moves: Iterable[PlannedMove]) -> Committed:
        """Add moves up."""
        listed = list(moves)
        known = [move.amount for move in listed if move.amount is not None]
        seats = sum(move.seats for move in listed)
        return cls(seats, sum(known, Decimal(0)), len(listed) - len(known))

    def above(self, policy: Policy, scope: str) -> str:
        """Say what a cap would have to be, for the first cap that is exceeded; else nothing."""
        for field, found in (
            (f"max_amount{scope}", self.amount),
            (f"max_seats{scope}", self.seats),
        ):
            cap = getattr(policy, field)
            if cap is not None and found > cap:
                return f"{field} = {found}"
        return ""


NOTHING = Committed(0, Decimal(0), 0)


def left_out(
    rows: list[dict[str, Any]], policy: Policy, timely: set[str], begun: Iterable[PlannedMove] = ()
) -> dict[str, Unplaced]:
    """Leave out what would exceed a cap, the latest ends first; by subscription id.

    Only what can be ordered in time (`timely`, by subscription id) takes room, and what has begun
    already; an add-on goes only where its base goes.
    """
    candidates = [row for row in rows if orderable(row) and row["subscription_id"] in timely]
    candidates.sort(key=lambda row: (row["expires_on"], row["subscription_id"]))
    room = _Room(policy, begun)
    left: dict[str, Unplaced] = {}
    for row in sorted(candidates, key=lambda row: row["base_subscription_id"] is not None):
        base = left.get(row["base_subscription_id"] or "")
        why = base.would_fit if base else room.take(row)
        if why:
            words = "its base is left out by a cap" if base else "a cap of the policy is reached"
            left[row["subscription_id"]] = Unplaced.of(row, "over_cap", words, why)
    return left


class _Room:
    """What is left of the caps while originals are let in one after another."""

    def __init__(self, policy: Policy, begun: Iterable[PlannedMove]) -> None:
        self.policy = policy
        self.used: dict[str, Committed] = {}
        for move in begun:
            own = Committed.by([move])
            for key in ("", move.customer_id):
                self.used[key] = self.used.get(key, NOTHING).plus(own)

    def take(self, row: dict[str, Any]) -> str:
        """Let an original in, or say which cap would have to be how much larger."""
        cost = amount(row)
        own = Committed(row["order_seats"] or 0, cost or Decimal(0), cost is None)
        after = {
            (key, scope): self.used.get(key, NOTHING).plus(own)
            for key, scope in (("", ALL), (row["customer_id"] or "?", ONE))
        }
        for (_, scope), committed in after.items():
            if why := committed.above(self.policy, scope):
                return why
        self.used |= {key: committed for (key, _), committed in after.items()}
        return ""


@dataclass(frozen=True)
class Excess:
    """Which caps a plan exceeds: as a whole, and by customer."""

    whole: str
    customers: dict[str, str]

    def of(self, customer_id: str) -> str:
        """Say which cap stands against a customer's moves; empty when none does."""
        return self.whole or self.customers.get(customer_id, "")


def over_caps(document: PlanFile, policy: Policy) -> Excess:
    """Hold a plan against the caps of a policy, which may be newer than the plan's own."""
    groups: dict[str, list[PlannedMove]] = {}
    for move in document.moves:
        groups.setdefault(move.customer_id, []).append(move)
    said = {key: Committed.by(moves).above(policy, ONE) for key, moves in groups.items()}
    other = _other_money(document, policy) if policy.caps_amounts else ""
    whole = other or Committed.by(document.moves).above(policy, ALL)
    return Excess(whole, {key: words for key, words in said.items() if words})


def _other_money(document: PlanFile, policy: Policy) -> str:
    """Say which currency the policy would have to be in, where its limits are in another."""
    known = [move.currency for move in document.moves if move.amount is not None]
    found = sorted({document.currency or currency or "" for currency in known})
    if len(found) > 1:
        return f"currency, as its amounts are in {', '.join(found)}"
    other = found and policy.currency is not None and found != [policy.currency]
    return f"currency = {found[0]}" if other else ""


def horizon(start: date, approved_on: date, policy: Policy) -> date:
    """Return the last day an approval covers: working days from the later of start and approval."""
    return Workdays(policy).after(max(start, approved_on) - DAY, policy.approval_horizon_days)


def names_needed(document: PlanFile, policy: Policy) -> int:
    """Say how many people must approve a plan: two where more may be spent than one decides.

    What may be spent is the cap of all where the policy has one, else what the moves commit; a
    move without a known price, or with one in another currency, could be any amount.
    """
    limit = policy.second_name_above
    if limit is None:
        return 1
    if _other_money(document, policy):
        return 2
    committed = Committed.by(document.moves)
    if policy.max_amount is not None:
        return 2 if policy.max_amount > limit else 1
    return 2 if committed.unknown or committed.amount > limit else 1
