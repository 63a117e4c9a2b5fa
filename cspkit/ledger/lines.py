"""Lines issued by hand, read back from the log: what was asked, and what came of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from cspkit.ledger.outside import checkout_of
from cspkit.ledger.schema import events, moves, runs

BY_HAND = "by hand"
ORDERING, RESULTS = "provision", "results"
ISSUED, RETURNED = "issued", "returned"
OPEN, DONE, REFUSED = "open", "done", "refused"
LINES = (
    *("line", "step", "subject", "customer_id", "provider", "state", "issued_at"),
    *("done_on", "done_by", "taken_by", "file", "row"),
)


@dataclass(frozen=True)
class Line:
    """One thing to do by hand; `facts` are the values to type, `answer` what came back."""

    line: str
    step: str
    subject: str
    customer_id: str
    facts: dict[str, str]
    issued_at: datetime
    state: str = OPEN
    answer: dict[str, Any] = field(default_factory=dict)

    @property
    def provider(self) -> str:
        """Name who does it; empty for the partner's own people."""
        return self.facts.get("provider", "")

    @property
    def verb(self) -> str:
        """Name its call; an order by hand is the checkout of a cart that no service has."""
        return checkout_of(self.cart) if self.step == ORDERING else f"{BY_HAND} {self.line}"

    @property
    def cart(self) -> str:
        """Name what stands in place of a cart in an order by hand."""
        return f"{BY_HAND} {self.line}"


def is_by_hand(cart_id: str | None) -> bool:
    """Say whether a cart is a line that was issued, which no service knows."""
    return (cart_id or "").startswith(f"{BY_HAND} ")


def hands(connection: sa.Connection) -> dict[str, str]:
    """Map each move that somebody worked on by hand to who did, or to the line they have."""
    found: dict[str, str] = {}
    if not _any(connection):
        return found
    for one in read(connection):
        who = str(one.answer.get("done_by") or "")
        known = found.get(one.subject, "").split(", ") if one.subject in found else []
        mine = who if one.state != OPEN else f"issued {one.line}"
        found[one.subject] = ", ".join(dict.fromkeys([*known, mine]))
    return found


def read(connection: sa.Connection, *, subject: str = "", step: str = "") -> list[Line]:
    """List the lines of a subject and step, or all, in the order in which they were issued."""
    query = sa.select(events).where(events.c.kind.in_((ISSUED, RETURNED)))
    if subject:
        query = query.where(events.c.subject == subject)
    found: dict[str, Line] = {}
    for row in connection.execute(query.order_by(events.c.event_id)).mappings():
        told, name = json.loads(row["detail"]), row["request_id"]
        if row["kind"] == ISSUED:
            about = (name, row["after"], row["subject"], row["customer_id"], told, row["at"])
            found[name] = Line(*about)
        elif name in found:
            was = found[name]
            about = (name, was.step, was.subject, was.customer_id, was.facts, was.issued_at)
            found[name] = Line(*about, state=row["after"], answer=told)
    return [one for one in found.values() if not step or one.step == step]


def _any(connection: sa.Connection) -> bool:
    """Say whether anything was done by hand, without looking through the whole log."""
    taken = sa.select(runs.c.run_id).where(runs.c.step == RESULTS).limit(1)
    issued = sa.select(moves.c.move_id).where(moves.c.cart_id.startswith(f"{BY_HAND} ")).limit(1)
    return any(connection.execute(query).first() is not None for query in (taken, issued))
