"""What differs between the ledger and the service: one line each, with what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import pandas as pd

COLUMNS = ("kind", "customer_id", "subject", "ledger", "service", "evidence", "to_do")


class Kind(StrEnum):
    """In what way the two books differ; the first kinds are the most urgent."""

    DOUBLE_ORDER = "double_order"
    ORPHAN_ORDER = "orphan_order"
    HIDDEN_ORDER = "hidden_order"
    LOST_ORDER = "lost_order"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_DIFFERS = "order_differs"
    LOST_SUBSCRIPTION = "lost_subscription"
    SUBSCRIPTION_ENDED = "subscription_ended"
    UNDONE_ALIVE = "undone_alive"
    POOL_BELOW = "pool_below"
    RENEWED = "renewed"
    PAID_MONTH = "paid_month"
    ENDED_EARLY = "ended_early"
    END_UNDONE = "end_undone"
    OVERDUE_END = "overdue_end"
    WAITS_FOR_PERSON = "waits_for_person"
    STUCK_MOVE = "stuck_move"
    UNCLEAR_CALL = "unclear_call"
    SEATS_DIFFER = "seats_differ"
    AUTO_RENEW_DIFFERS = "auto_renew_differs"
    CUSTOMER_GONE = "customer_gone"


URGENCY = {kind: number for number, kind in enumerate(Kind)}


@dataclass(frozen=True)
class Difference:
    """One thing on which ledger and service do not agree.

    `evidence` are the ids with which a person finds it at the service, `to_do` ends in a command
    or says where to go. `freezes` names orders for which the move must wait for a person. `fact`
    words what may be as its customer chose, so that a person can accept just that; else empty.
    """

    kind: Kind
    customer_id: str
    subject: str
    ledger: str
    service: str
    to_do: str
    evidence: tuple[str, ...] = ()
    freezes: tuple[str, ...] = ()
    fact: str = ""

    @property
    def line(self) -> str:
        """Say it in one line."""
        ids = f" [{', '.join(self.evidence)}]" if self.evidence else ""
        said = f"the ledger says {self.ledger}, the service says {self.service}"
        return f"{self.kind} {self.subject} of {self.customer_id}: {said}{ids} -> {self.to_do}"

    def as_json(self) -> dict[str, Any]:
        """Give the columns of COLUMNS as plain values."""
        values = asdict(self) | {"kind": self.kind.value, "evidence": list(self.evidence)}
        return {name: values[name] for name in COLUMNS}


@dataclass(frozen=True)
class Accepted:
    """A difference that a person knows of and leaves as it is: who, on which day, and why."""

    difference: Difference
    by: str
    on: str
    reason: str

    @property
    def line(self) -> str:
        """Say it in one line, without anything to do."""
        one = self.difference
        said = f"{one.kind} {one.subject} of {one.customer_id}: {one.service}, not {one.ledger}"
        return f"accepted by {self.by} on {self.on} ({self.reason}): {said}"

    def as_json(self) -> dict[str, Any]:
        """Give the difference as plain values, and who accepted it."""
        who = {"by": self.by, "on": self.on, "reason": self.reason}
        return self.difference.as_json() | who


def ordered(found: Iterable[Difference]) -> list[Difference]:
    """Put the most urgent first; the order is the same for the same differences."""
    return sorted(found, key=lambda one: (URGENCY[one.kind], one.customer_id, one.subject))


def frame(found: Iterable[Difference]) -> pd.DataFrame:
    """Give one row per difference, with the columns of COLUMNS, all text."""
    rows = [one.as_json() | {"evidence": " ".join(one.evidence)} for one in found]
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype="str")
