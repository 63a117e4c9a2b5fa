"""What a plan may commit: amounts over the whole term and seats, per customer and in all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from cspkit.planfile import PlanFile, PlannedMove
from cspkit.policy import Policy

ALL, ONE = "", "_per_customer"


@dataclass(frozen=True)
class Committed:
    """What moves commit: seats, and the known part of their amounts over the whole term."""

    seats: int
    amount: Decimal
    unknown: int

    @classmethod
    def by(cls, moves: Iterable[PlannedMove]) -> Committed:
        """Add moves up."""
        listed = list(moves)
        known = [move.amount for move in listed if move.amount is not None]
        seats = sum(move.seats for move in listed)
        return cls(seats, sum(known, Decimal(0)), len(listed) - len(known))

    def above(self, policy: Policy, scope: str) -> str:
        """Say which cap of the policy is exceeded, and by what it would have to grow."""
        for field, found in (
            (f"max_amount{scope}", self.amount),
            (f"max_seats{scope}", self.seats),
        ):
            cap = getattr(policy, field)
            if cap is not None and found > cap:
                return f"policy.{field} is {cap:,}, and these moves need {found:,}"
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
    whole = Committed.by(document.moves).above(policy, ALL)
    return Excess(whole, {key: words for key, words in said.items() if words})


def names_needed(document: PlanFile, policy: Policy) -> int:
    """Say how many people must approve a plan: two where more may be spent than one decides.

    What may be spent is the cap of all where the policy has one, else what the moves commit; a
    move without a known price could be any amount.
    """
    limit = policy.second_name_above
    if limit is None:
        return 1
    committed = Committed.by(document.moves)
    if policy.max_amount is not None:
        return 2 if policy.max_amount > limit else 1
    return 2 if committed.unknown or committed.amount > limit else 1
